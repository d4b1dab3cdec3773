"""What phones carry along and what they deliver: states, feeds, marks and the server's epoch."""
