"""Grids from a file: all of them, or none with a reason for each feature that cannot be."""
