"""Drawn samples of the register, checked again by others; collection rate and accuracy (annex A 15)."""
