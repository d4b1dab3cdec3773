"""The sync put together: which use-case files what phones send, which feeds they are sent."""
