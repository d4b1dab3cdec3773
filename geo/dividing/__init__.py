"""A grid that is too large in compact, connected, even parts."""
