"""What the phone recorded and what it is worth: fixes, cleaning, verdicts, the weekly count."""
