"""Where things are: grid codes, divisions, datums, grids and their versions, topology, cells, tiles."""
