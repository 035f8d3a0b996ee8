"""Masks as blocks: rectangles that consist of part of one column, or of whole columns."""

from __future__ import annotations

from segcore.backends.numba.compiled import ZERO, Integers, compiled, with_room


@compiled
def split_blocks(flips: Integers, height: int, pixels: int, blocks: Integers) -> int:
    """Write left, right, top and bottom of each block of a mask; return how many there are.

    ``blocks`` has room for three blocks per run.
    """
    count = ZERO
    for k in range(0, flips.size, 2):
        start = flips[k]
        stop = flips[k + 1] if k + 1 < flips.size else pixels
        while start < stop:
            left = start // height
            top = start - left * height
            whole = (stop - start) // height if top == 0 else ZERO
            if whole:
                right, bottom = left + whole, height
            else:
                right, bottom = left + 1, min(stop - left * height, height)
            blocks[count, 0] = left
            blocks[count, 1] = right
            blocks[count, 2] = top
            blocks[count, 3] = bottom
            count += 1
            start = (right - 1) * height + bottom
    return count


@compiled
def add_block(
    out: Integers,
    first: int,
    used: int,
    left: int,
    right: int,
    top: int,
    bottom: int,
    height: int,
) -> tuple[Integers, int]:
    """Append the runs of a block to those of its mask; return the buffer and what it holds.

    The mask starts at ``first``. A run that touches the one before is joined to it.
    """
    if left >= right or top >= bottom:
        return out, used
    is_whole = top == 0 and bottom == height
    out = with_room(out, used, 2 if is_whole else 2 * (right - left))
    x = left
    while x < right:
        start = x * height + top
        x = right if is_whole else x + 1
        if used > first and out[used - 1] == start:
            used -= 1
        else:
            out[used] = start
            used += 1
        out[used] = (x - 1) * height + bottom
        used += 1
    return out, used


@compiled
def without_end(out: Integers, first: int, used: int, pixels: int) -> int:
    """Return what a buffer holds without a run end at the end of the image."""
    return used - 1 if used > first and out[used - 1] == pixels else used
