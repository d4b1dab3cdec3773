"""What maps draw: vector tiles of grids and cells, base layers, and the cache of what was drawn."""
