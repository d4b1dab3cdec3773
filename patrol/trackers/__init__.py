"""Native trackers: apps that record with the screen off, by their own protocols."""
