"""Reproducible measurements, each beside a peer or floor in the same run (`make bench`). No tests."""
