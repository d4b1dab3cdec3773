"""What a week comes to: which patrols count, how people and grids stand, what is kept at its close."""
