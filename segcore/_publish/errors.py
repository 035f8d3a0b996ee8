"""Errors of output files."""

from __future__ import annotations


class OutputError(OSError):
    """Raised for an output that cannot be written; the message names it."""


class OutputExistsError(OutputError):
    """Raised for an existing output file that segcore did not write."""
