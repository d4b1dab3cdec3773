"""What is due: so many facts per period and subject, what was done, and what will be missed."""
