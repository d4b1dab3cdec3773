"""Organisations, shops and facilities: kinds, categories, credit codes."""
