"""Household visits 走访: recorded by phones, counted by household and day; forms, needs, lists, routes."""
