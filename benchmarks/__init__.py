"""Reproducible measurements, each beside a peer or floor in the same run (`make bench`). Never part of the tests."""
