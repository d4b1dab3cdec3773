"""Where the ground of the grids was walked: daily sums of judged cells, heatmaps and shares."""
