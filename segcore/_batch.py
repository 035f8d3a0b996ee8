"""The flat batch, its parts, and concatenation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

RunEnds: TypeAlias = NDArray[np.uint32] | NDArray[np.uint64]
Offsets: TypeAlias = NDArray[np.int64]


class Batch(NamedTuple):
    """N masks of the same image size.

    Mask i is ``run_ends[offsets[i]:offsets[i + 1]]``: the strictly increasing column-major pixel
    offsets, all less than ``height * width``, at which the mask changes value, starting with
    background. Pixel (y, x) has the offset ``x * height + y``.
    """

    run_ends: RunEnds
    """uint32 if the image has fewer than 2**32 pixels, otherwise uint64; see
    :func:`segcore.backends.sizes.run_end_dtype`."""
    offsets: Offsets
    """int64, shape (N + 1,)."""
    height: int
    width: int

    @property
    def size(self) -> tuple[int, int]:
        """Image size (height, width)."""
        return self.height, self.width

    @property
    def pixels(self) -> int:
        """Number of pixels of the image."""
        return self.height * self.width


def offsets_of(lengths: ArrayLike) -> Offsets:
    """Return the offsets of N concatenated items of these lengths: int64, shape (N + 1,)."""
    lengths = np.asarray(lengths, np.int64)
    offsets = np.zeros(len(lengths) + 1, np.int64)
    lengths.cumsum(out=offsets[1:])  # the method is faster than the function
    return offsets


def joined(batches: Sequence[Batch]) -> Batch:
    """Concatenate at least one batch of masks of the same image size."""
    lengths = [batch.offsets[1:] - batch.offsets[:-1] for batch in batches]
    run_ends: list[NDArray[Any]] = [batch.run_ends for batch in batches]
    offsets = offsets_of(np.concatenate(lengths))
    return Batch(np.concatenate(run_ends), offsets, *batches[0].size)


def sliced(batch: Batch, start: int, stop: int) -> Batch:
    """Return the masks from ``start`` up to ``stop``."""
    bounds = batch.offsets[start : stop + 1]
    run_ends = batch.run_ends[bounds[0] : bounds[-1]]
    return Batch(run_ends, bounds - bounds[0], *batch.size)


def spread(starts: NDArray[np.int64], offsets: Offsets) -> NDArray[np.int64]:
    """Return the indices of the elements of N items, which begin at ``starts``.

    ``offsets`` are those of the items after one another: int64, shape (N + 1,).
    """
    indices = (starts - offsets[:-1]).repeat(offsets[1:] - offsets[:-1])
    indices += np.arange(len(indices))
    return indices
