"""Validation of user input: arrays, sizes, dtypes, run ends."""
