"""What the fuzzers of Python share: arguments that are made of a fuzzer's bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from support.util import Placed, layouts

from segcore._batch import Batch
from segcore.backends.sizes import run_end_dtype

Item = TypeVar("Item")

MAX_PIXELS = 2**59


class Input:
    """A fuzzer's bytes, one after the other; zeros where they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def is_empty(self) -> bool:
        return self._at >= len(self._data)

    def raw(self, count: int) -> bytes:
        """Take ``count`` bytes."""
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken.ljust(count, b"\0")

    def rest(self) -> bytes:
        """Take all bytes that are left."""
        return self.raw(max(len(self._data) - self._at, 0))

    def byte(self) -> int:
        return self.raw(1)[0]

    def flag(self) -> bool:
        return self.byte() % 2 == 1

    def between(self, first: int, last: int) -> int:
        """Give a number in [first, last]: of one byte where that is enough, else of eight."""
        span = last - first + 1
        return first + (self.byte() if span <= 256 else self.integer()) % span

    def integer(self) -> int:
        return int.from_bytes(self.raw(8), "little")

    def double(self) -> float:
        return float(np.frombuffer(self.raw(8), np.float64)[0])

    def pick(self, items: Sequence[Item]) -> Item:
        return items[self.between(0, len(items) - 1)]

    def values(self, count: int, dtype: Any) -> np.ndarray:
        """Give numbers of any bits, or of a few bits that come again and again."""
        dtype = np.dtype(dtype)
        if self.flag():
            return np.frombuffer(self.raw(count * dtype.itemsize), dtype)
        palette = np.frombuffer(self.raw(4 * dtype.itemsize), dtype)
        return palette[np.frombuffer(self.raw(count), np.uint8) % 4]


def small_size(given: Input) -> tuple[int, int]:
    """Draw an image that is small enough to look at every pixel."""
    most = 80 if given.flag() else 10
    height = given.between(0, most)
    return height, given.between(0, 10 if height > 10 else most)


def large_size(given: Input) -> tuple[int, int]:
    """Draw an image of up to 2**59 - 1 pixels."""
    height = (1 << given.between(0, 58)) + given.between(0, 255)
    height = min(height, MAX_PIXELS - 1)
    width = min((MAX_PIXELS - 1) // height, (1 << given.between(0, 58)) + given.between(0, 3))
    return (height, width) if given.flag() else (width, height)


def run_ends(given: Input, size: tuple[int, int], most: int = 24) -> list[int]:
    """Draw the run ends of a mask: near each other, by whole columns, or anywhere."""
    height, pixels = size[0], size[0] * size[1]
    ends: list[int] = []
    at = 0
    for _ in range(given.between(0, most) if pixels else 0):
        kind = given.between(0, 3)
        if kind < 2:
            at += given.byte() % 16
        elif kind == 2:
            at += height * (given.byte() % 4)
        else:
            at += given.between(0, pixels - 1)
        if at >= pixels:
            break
        if not ends or ends[-1] < at:
            ends.append(at)
    return ends


def batch(given: Input, size: tuple[int, int], count: int) -> Batch:
    """Draw masks."""
    lists = [run_ends(given, size) for _ in range(count)]
    offsets = np.cumsum([0, *map(len, lists)])
    flat = np.array([end for ends in lists for end in ends], run_end_dtype(*size))
    return Batch(flat, offsets.astype(np.int64), *size)


def placed(given: Input, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Draw an array of any layout."""
    dtype = np.dtype(dtype)
    values = given.values(int(np.prod(shape)), dtype).reshape(shape)
    if not shape:
        return values
    names = layouts(len(shape)) if len(shape) in (2, 3) else ["reversed", "stepped", "unaligned"]
    view = Placed(given.pick(names), shape, dtype).view
    view[...] = values
    return view
