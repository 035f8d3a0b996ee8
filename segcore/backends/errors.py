"""The errors of the kernels, word for word the same on every backend.

``src/bind/status.hpp`` has the same texts for the native backend; a test holds them together.
Each function makes the exception, for the caller to raise. ``mask`` is the index in the batch.
"""

from __future__ import annotations

MAX_COORDINATE = 2.0**30
"""Polygon and box coordinates lie within this bound: beyond it, a pixel position is an accident."""

MAX_STRING_GROUPS = 12
"""Characters that one count may take: 60 bits, enough for any size below MAX_PIXELS."""


def string_byte(mask: int, position: int, byte: int) -> ValueError:
    """Give the error for a character outside '0'..'o'; ``position`` is its index in the string."""
    return ValueError(
        f"mask {mask}: byte {position} of its counts string is {byte}, "
        "but COCO's counts strings hold only the characters '0' (48) to 'o' (111)"
    )


def string_truncated(mask: int) -> ValueError:
    """Give the error for a string whose last character announces another one."""
    return ValueError(f"mask {mask}: its counts string ends in the middle of a count")


def string_overlong(mask: int, run: int) -> ValueError:
    """Give the error for a count of more than MAX_STRING_GROUPS characters."""
    return ValueError(
        f"mask {mask}: count {run} of its counts string "
        f"has more than {MAX_STRING_GROUPS} characters"
    )


def run_negative(mask: int, run: int, value: int) -> ValueError:
    """Give the error for a negative run length."""
    return ValueError(f"mask {mask}: run {run} has the negative length {value}")


def runs_too_long(mask: int, run: int, total: int, height: int, width: int) -> ValueError:
    """Give the error for runs that pass the last pixel; ``total`` is the sum up to ``run``."""
    return ValueError(
        f"mask {mask}: runs 0 to {run} sum to {total}, "
        f"but size ({height}, {width}) has {height * width} pixels"
    )


def runs_too_short(mask: int, total: int, height: int, width: int) -> ValueError:
    """Give the error for runs that end before the last pixel."""
    return ValueError(
        f"mask {mask}: runs sum to {total}, "
        f"but size ({height}, {width}) has {height * width} pixels"
    )


def coordinate(mask: int, index: int) -> ValueError:
    """Give the error for a coordinate that is NaN or beyond MAX_COORDINATE.

    ``index`` counts the numbers of the mask's first ring, then of its second, and so on.
    """
    return ValueError(
        f"mask {mask}: coordinate {index} is not a finite number between -2**30 and 2**30"
    )
