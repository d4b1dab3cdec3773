"""What goes over the wire; output schemas list every field, so nothing leaks by accident."""
