"""Errors of output files."""

from __future__ import annotations


class OutputError(OSError):
    """An output that cannot be written; the message names it."""


class OutputExistsError(OutputError):
    """An output whose file exists and was not written by segcore."""
