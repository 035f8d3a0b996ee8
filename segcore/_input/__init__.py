"""Validation of user input: arrays, sizes, dtypes, scores, run ends."""
