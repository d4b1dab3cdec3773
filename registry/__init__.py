"""Registry 人地事物情组织: buildings, addresses and checkpoints, and the grid that each lies in."""
