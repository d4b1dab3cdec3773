"""What is looked at on a patrol, and what was found (DB32/T 2763-2015 7.3.1, 7.4.1, 7.5.1)."""
