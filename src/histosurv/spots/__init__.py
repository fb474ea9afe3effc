"""Pixels of a spot: reading, cutting into tiles, telling tissue from glass."""
