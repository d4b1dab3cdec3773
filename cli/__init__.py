"""Command door: `xunge`. app.py lists the commands; each other module does the work of a few."""

from cli.app import main

__all__ = ["main"]
