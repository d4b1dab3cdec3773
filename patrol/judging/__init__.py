"""From stored segments to a verdict with reasons: cleaning, checks, doubts."""
