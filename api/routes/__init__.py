"""One module per noun; each exposes `router`."""
