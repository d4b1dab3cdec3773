"""Division work as a process: draft, check, approval, valid from a day (DB32/T 2763-2015 5.1.1)."""
