"""Grids from GIS files and tables, and into them."""
