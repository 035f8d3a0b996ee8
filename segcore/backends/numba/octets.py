"""Find the flips of column-major order in rows of pixels that flip often.

Eight rows at a time are packed into octets, a byte a column with a bit a row, which is work for
vector instructions. The octets of 64 columns lie together, eight rows after eight rows, and fit
in the nearest cache: so each column can then be read from top to bottom, and its flips are
written in order, with no sorting and no branch that depends on a pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends.numba.compiled import compiled, int64, uint8, uint64
from segcore.backends.numba.rows import BLOCK

LANES = 64
"""Columns whose octets lie together: a cache line."""

FEW, MANY = 16, 128
"""Blocks to look at before choosing how to find the flips: many where a few flip often."""

GOLDEN = 0.6180339887498949
"""The samples lie so many batches apart, around and around: in step with no regular pattern."""

OFTEN = 6
"""Rows flip often where one block of pixels in so many does: about there octets get faster."""


@compiled
def flips_often(images: NDArray[np.uint8]) -> bool:
    """Tell from samples whether C-contiguous (n, H, W) images have flips in many blocks."""
    count, height, width = images.shape
    if height < 8 or width < BLOCK:  # octets would be padding for the most part
        return False
    pixels = images.reshape(images.size)
    blocks = width // BLOCK
    flipping = 0
    for sample in range(MANY):
        if sample == FEW and flipping * OFTEN < FEW:
            return False
        place = int(sample * GOLDEN % 1 * (count * height * blocks))
        row = place // blocks
        row += row % height == 0  # the top row has none above it
        flipping += _flips(pixels, row * width + place % blocks * BLOCK, width)
    return flipping * OFTEN >= MANY


@compiled
def _flips(pixels: NDArray[np.uint8], block: int, width: int) -> bool:
    """Tell whether a block of pixels differs from the one above it."""
    a, b = uint64(block), uint64(block - width)  # unsigned, or each index is checked for its sign
    differing = pixels[a] ^ pixels[b]
    for x in range(uint64(BLOCK)):
        differing |= pixels[a + x] ^ pixels[b + x]
    flips: bool = differing != 0
    return flips


def octets_of(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Make room for the octets of (n, H, W) images: (n, W / 64, H / 8, 64), rounded up."""
    count, height, width = images.shape
    return np.zeros((count, -(-width // LANES), -(-height // 8), LANES), np.uint8)


@compiled
def pack_flips(images: NDArray[np.uint8], octets: NDArray[np.uint8]) -> None:
    """Write the flips of C-contiguous (n, H, W) images to their zeroed ``octets``."""
    count, height, width = images.shape
    pixels = images.reshape(images.size)
    packed = octets.reshape(octets.size)
    strips, groups = octets.shape[1], octets.shape[2]
    for i in range(count):
        first = i * height * width
        bottom = first + (height - 1) * width
        start = i * strips * groups * LANES
        for group in range(groups):
            row = first + group * 8 * width
            # In column-major order the last pixel of the column to the left is above the top.
            above = row - width if group else bottom - 1
            for strip in range(strips):
                x = strip * LANES
                size = min(LANES, width - x)
                to = start + (strip * groups + group) * LANES
                _pack(pixels, above + x, row + x, width, bottom + x, size, packed, to)
        packed[start] = packed[start] & 254 | (pixels[first] != 0)  # nothing is above this one


@compiled
def _pack(
    pixels: NDArray[np.uint8],
    above: int,
    row: int,
    width: int,
    bottom: int,
    size: int,
    packed: NDArray[np.uint8],
    to: int,
) -> None:
    """Pack eight rows of ``size`` pixels; those below the bottom repeat it: they never flip."""
    a = uint64(above)
    b = uint64(min(row, bottom))
    c = uint64(min(row + width, bottom))
    d = uint64(min(row + 2 * width, bottom))
    e = uint64(min(row + 3 * width, bottom))
    f = uint64(min(row + 4 * width, bottom))
    g = uint64(min(row + 5 * width, bottom))
    h = uint64(min(row + 6 * width, bottom))
    i = uint64(min(row + 7 * width, bottom))
    out = uint64(to)
    for x in range(uint64(size)):
        bits = (
            (pixels[b + x] != 0)
            | (pixels[c + x] != 0) << 1
            | (pixels[d + x] != 0) << 2
            | (pixels[e + x] != 0) << 3
            | (pixels[f + x] != 0) << 4
            | (pixels[g + x] != 0) << 5
            | (pixels[h + x] != 0) << 6
            | (pixels[i + x] != 0) << 7
        )
        packed[out + x] = uint8(bits ^ (bits << 1) ^ (pixels[a + x] != 0))


@compiled
def count_flips(octets: NDArray[np.uint8], offsets: NDArray[np.int64]) -> None:
    """Set the ``offsets`` of the images' ends; the first says where the first image begins."""
    size = octets.shape[1] * octets.shape[2] * octets.shape[3]
    words = octets.reshape(octets.size).view(np.uint64)
    end = offsets[0]
    for i in range(octets.shape[0]):
        start = uint64(i * size // 8)
        for j in range(uint64(size // 8)):
            end += _bits(words[start + j])
        offsets[i + 1] = end


@compiled
def _bits(word: Any) -> int:
    """Count the ones, in the way that LLVM knows to be one instruction where there is one."""
    word = word - ((word >> uint64(1)) & uint64(0x5555555555555555))
    word = (word & uint64(0x3333333333333333)) + ((word >> uint64(2)) & uint64(0x3333333333333333))
    word = (word + (word >> uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    ones: int = int64((word * uint64(0x0101010101010101)) >> uint64(56))
    return ones


@compiled
def write_flips(
    octets: NDArray[np.uint8], height: int, width: int, run_ends: NDArray[Any], used: int
) -> None:
    """Write the flips from ``run_ends[used]`` on, which must have room for one value more."""
    packed = octets.reshape(octets.size)
    count, strips, groups = octets.shape[0], octets.shape[1], octets.shape[2]
    to = uint64(used)
    for i in range(count):
        for x in range(width):
            strip = i * strips + x // LANES
            octet = uint64(strip * groups * LANES + x % LANES)
            position = uint64(x * height)
            for _ in range(groups):
                flips = uint64(packed[octet])
                # Always written, kept if the bit is set: no branch to mispredict.
                for bit in range(uint64(8)):
                    run_ends[to] = position + bit
                    to += (flips >> bit) & uint64(1)
                octet += uint64(LANES)
                position += uint64(8)
