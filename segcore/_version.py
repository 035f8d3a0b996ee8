"""The version: its only literal."""

__version__ = "0.1.0"
