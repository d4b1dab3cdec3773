"""Households, residents and what marks them (DB32/T 2763-2015 11.1.2): the least that a named duty needs."""
