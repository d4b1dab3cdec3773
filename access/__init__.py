"""People, their roles on parts of the grid tree, tokens, and the one place that decides scope."""
