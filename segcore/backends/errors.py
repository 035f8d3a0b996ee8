"""Errors of the kernels, with the same messages on every backend.

``src/bind/status.hpp`` has the same messages for the native backend; a test compares them. Each
function returns the exception for the caller to raise. ``mask`` is the index in the batch.
"""

from __future__ import annotations

MAX_COORDINATE = 2.0**30
"""Maximum absolute value of polygon and box coordinates. Larger ones are certainly invalid."""

MAX_STRING_GROUPS = 12
"""Maximum number of characters of a count: 60 bits, enough for any size below MAX_PIXELS."""


def string_byte(mask: int, position: int, byte: int) -> ValueError:
    """Return the error for a character outside '0'..'o' at index `position` of the string."""
    return ValueError(
        f"mask {mask}: byte {position} of its counts string is {byte}, "
        "but COCO's counts strings contain only the characters '0' (48) to 'o' (111)"
    )


def string_truncated(mask: int) -> ValueError:
    """Return the error for a string that ends within a count."""
    return ValueError(f"mask {mask}: its counts string ends in the middle of a count")


def string_overlong(mask: int, run: int) -> ValueError:
    """Return the error for a count of more than MAX_STRING_GROUPS characters."""
    return ValueError(
        f"mask {mask}: count {run} of its counts string "
        f"has more than {MAX_STRING_GROUPS} characters"
    )


def run_negative(mask: int, run: int, value: int) -> ValueError:
    """Return the error for a negative run length."""
    return ValueError(f"mask {mask}: run {run} has the negative length {value}")


def runs_too_long(mask: int, run: int, total: int, height: int, width: int) -> ValueError:
    """Return the error for runs beyond the last pixel; `total` is the sum of runs up to `run`."""
    return ValueError(
        f"mask {mask}: runs 0 to {run} sum to {total}, "
        f"but size ({height}, {width}) has {height * width} pixels"
    )


def runs_too_short(mask: int, total: int, height: int, width: int) -> ValueError:
    """Return the error for runs that end before the last pixel."""
    return ValueError(
        f"mask {mask}: runs sum to {total}, "
        f"but size ({height}, {width}) has {height * width} pixels"
    )


def coordinate(mask: int, index: int) -> ValueError:
    """Return the error for a coordinate that is NaN or beyond MAX_COORDINATE.

    `index` is the index in the concatenated coordinates of all rings of the mask.
    """
    return ValueError(
        f"mask {mask}: coordinate {index} is not a finite number between -2**30 and 2**30"
    )
