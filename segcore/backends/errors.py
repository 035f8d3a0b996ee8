"""Errors of the kernels, with the same messages on every backend.

``src/bind/status.hpp`` has the same messages for the native backend; a test compares them. Each
function returns the exception for the caller to raise. ``mask`` is the index in the batch.
"""

from __future__ import annotations

from segcore.errors import MaskError

MAX_COORDINATE = 2.0**30
"""Maximum absolute value of polygon and box coordinates. Larger ones are certainly invalid."""

MAX_STRING_GROUPS = 12
"""Maximum number of characters of a count: 60 bits, enough for any size below MAX_PIXELS."""


def string_byte(mask: int, position: int, byte: int) -> MaskError:
    """Return the error for a character outside '0'..'o' at index `position` of the string."""
    detail = (
        f"byte {position} of its counts string is {byte}, "
        "but COCO's counts strings contain only the characters '0' (48) to 'o' (111)"
    )
    return MaskError(mask, detail, position=position)


def string_truncated(mask: int) -> MaskError:
    """Return the error for a string that ends within a count."""
    return MaskError(mask, "its counts string ends in the middle of a count")


def string_overlong(mask: int, run: int) -> MaskError:
    """Return the error for a count of more than MAX_STRING_GROUPS characters."""
    detail = f"count {run} of its counts string has more than {MAX_STRING_GROUPS} characters"
    return MaskError(mask, detail, position=run)


def run_negative(mask: int, run: int, value: int) -> MaskError:
    """Return the error for a negative run length."""
    return MaskError(mask, f"run {run} has the negative length {value}", position=run)


def runs_too_long(mask: int, run: int, total: int, height: int, width: int) -> MaskError:
    """Return the error for runs beyond the last pixel; `total` is the sum of runs up to `run`."""
    detail = (
        f"runs 0 to {run} sum to {total}, but size ({height}, {width}) has {height * width} pixels"
    )
    return MaskError(mask, detail, position=run)


def runs_too_short(mask: int, total: int, height: int, width: int) -> MaskError:
    """Return the error for runs that end before the last pixel."""
    return MaskError(
        mask, f"runs sum to {total}, but size ({height}, {width}) has {height * width} pixels"
    )


def coordinate(mask: int, index: int, ring: int | None = None) -> MaskError:
    """Return the error for a coordinate that is NaN or beyond MAX_COORDINATE.

    `index` is the index in the coordinates of the ring, or, without `ring`, in the concatenated
    coordinates of all rings of the mask.
    """
    detail = f"coordinate {index} is not a finite number between -2**30 and 2**30"
    detail = detail if ring is None else f"ring {ring}: {detail}"
    return MaskError(mask, detail, position=index)
