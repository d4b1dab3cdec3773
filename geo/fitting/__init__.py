"""Do the grids of a family fit: faults found, repaired, and edits that keep neighbours together."""
