"""Which grids is a position in: exact, in memory, by the hundred thousand."""
