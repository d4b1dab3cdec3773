"""The data door: code tables that every deployment needs, and the demo street."""
