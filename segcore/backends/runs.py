"""Arithmetic on run ends that all backends share, in NumPy."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets, RunEnds, offsets_of, spread
from segcore.backends.sizes import run_end_dtype


def closed_runs(batch: Batch) -> tuple[NDArray[np.int64], Offsets]:
    """Return the start and end of each foreground run, including runs up to the last pixel.

    Returns
    -------
    bounds : numpy.ndarray
        Alternating starts and ends of the runs of all masks: int64.
    bound_offsets : numpy.ndarray
        Start of each mask in `bounds`, and the total number: int64, shape (N + 1,).
    """
    is_open = np.diff(batch.offsets) % 2
    bound_offsets: Offsets = batch.offsets + offsets_of(is_open)
    bounds = np.full(bound_offsets[-1], batch.pixels)
    is_run_end = np.ones(len(bounds), np.bool_)
    is_run_end[bound_offsets[1:][is_open == 1] - 1] = False
    bounds[is_run_end] = batch.run_ends
    return bounds, bound_offsets


def sampled(
    run_ends: RunEnds, rows: NDArray[np.int64], columns: NDArray[np.int64], height: int
) -> NDArray[np.bool_]:
    """Return the pixels of one mask on a grid: bool, shape (len(rows), len(columns))."""
    positions = (columns * height + rows[:, None]).astype(run_ends.dtype)
    # A pixel is foreground if an odd number of run ends is not beyond it.
    inside: NDArray[np.bool_] = np.searchsorted(run_ends, positions, side="right") % 2 == 1
    return inside


def batch_of(masks: Iterable[NDArray[np.int64]], height: int, width: int) -> Batch:
    """Return a batch of masks that are given by their run ends."""
    masks = list(masks)
    run_ends = np.concatenate([np.empty(0, np.int64), *masks]).astype(run_end_dtype(height, width))
    return Batch(run_ends, offsets_of([len(mask) for mask in masks]), height, width)


def run_ends_of(ends: NDArray[np.int64], is_foreground: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the run ends of a mask that is given by stretches of background and foreground.

    Stretch i ends at ``ends[i]``, where stretch i + 1 starts. Stretches may be empty, and neighbors
    may be alike. The last stretch ends with the image.
    """
    starts = np.concatenate([[0], ends[:-1]])
    has_pixels = ends > starts
    starts, is_foreground = starts[has_pixels], is_foreground[has_pixels]
    run_ends: NDArray[np.int64] = starts[np.diff(is_foreground, prepend=False)]
    return run_ends


def runs_near(batch: Batch, index: NDArray[np.int64], others: Batch) -> Batch:
    """Return mask ``index[i]`` of a batch for each mask i of another batch, without distant runs.

    Runs before the first or after the last pixel of the other mask, which cannot overlap it, are
    left out. `index` has the shape (N,), where N is the number of the other masks.
    """
    run_ends, offsets = others.run_ends, others.offsets
    filled = offsets[1:] > offsets[:-1]
    first, last = (np.zeros(len(index), run_ends.dtype) for _ in range(2))
    first[filled] = run_ends[offsets[:-1][filled]]
    last[filled] = run_ends[offsets[1:][filled] - 1]
    to_end = (offsets[1:] - offsets[:-1]) % 2 == 1  # the last run extends to the last pixel
    begin, end = batch.offsets[index], batch.offsets[index + 1]
    # Runs begin at even indices. Start at the run that contains the first pixel, or the next one.
    start = _bisect(batch.run_ends, begin, end, first, after=True)
    start = begin + (start - begin) // 2 * 2
    stop = np.where(to_end, end, _bisect(batch.run_ends, begin, end, last, after=False))
    found = offsets_of(np.where(filled, np.maximum(stop - start, 0), 0))
    return Batch(batch.run_ends[spread(start, found)], found, *batch.size)


def _bisect(
    values: RunEnds,
    begin: NDArray[np.int64],
    end: NDArray[np.int64],
    keys: RunEnds,
    after: bool,
) -> NDArray[np.int64]:
    """Bisect each sorted ``values[begin:end]`` for its key, to the left, or right if `after`."""
    low, high = begin.copy(), end.copy()
    while len(active := np.flatnonzero(low < high)):
        middle = (low[active] + high[active]) // 2
        value, key = values[middle], keys[active]
        before = value <= key if after else value < key
        low[active[before]] = middle[before] + 1
        high[active[~before]] = middle[~before]
    return low


def merged_lengths(
    a: NDArray[np.int64], b: NDArray[np.int64], is_intersection: bool, pixels: int
) -> NDArray[np.int64]:
    """Merge two lists of run lengths in the same steps as pycocotools.

    If run ends of both masks coincide, the first ones of each form one step, the second ones the
    next, and so on. An empty run of only one mask is therefore two steps, and the result has an
    empty run as well.
    """
    ends_a, rank_a = _ranked_run_ends(a, pixels)
    ends_b, rank_b = _ranked_run_ends(b, pixels)
    ends = np.concatenate([ends_a, ends_b])
    rank = np.concatenate([rank_a, rank_b])
    order = np.lexsort((rank, ends))
    ends, rank = ends[order], rank[order]
    is_a = order < len(ends_a)
    in_a = np.cumsum(is_a) % 2 == 1
    in_b = np.cumsum(~is_a) % 2 == 1
    is_last = np.ones(len(ends), np.bool_)
    is_last[:-1] = (np.diff(ends) != 0) | (np.diff(rank) != 0)
    inside = (in_a & in_b if is_intersection else in_a | in_b)[is_last]
    run_ends = ends[is_last][np.diff(inside, prepend=False)]
    lengths: NDArray[np.int64] = np.diff(run_ends, prepend=0, append=pixels)
    return lengths


def _ranked_run_ends(
    lengths: NDArray[np.int64], pixels: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the run ends, and the rank of each among equal ones."""
    ends = np.cumsum(lengths[:-1])
    ends = ends[ends < pixels]
    return ends, np.arange(len(ends)) - np.searchsorted(ends, ends)


def connected(batch: Batch, ids: NDArray[np.generic]) -> NDArray[np.int64]:
    """Group masks that a chain connects, in which each mask shares a pixel with the next.

    Parameters
    ----------
    batch : Batch
        N masks.
    ids : numpy.ndarray
        Class of each mask, shape (N,). Masks of different classes are not connected.

    Returns
    -------
    numpy.ndarray
        Lowest index of the masks connected to each mask: int64, shape (N,).
    """
    count = len(batch.offsets) - 1
    # In coordinates in which the runs of one class are followed by those of the next.
    bounds, bound_offsets = closed_runs(batch)
    positions, places = np.unique(bounds, return_inverse=True)
    owners = np.repeat(np.arange(count), np.diff(bound_offsets) // 2)
    shifts = np.unique(ids, return_inverse=True)[1][owners] * len(positions)
    starts, stops = places[0::2] + shifts, places[1::2] + shifts
    # Runs form a stretch if each overlaps with one before it.
    order = np.argsort(starts, kind="stable")
    reach = np.maximum.accumulate(stops[order])
    first = np.flatnonzero(np.concatenate([starts[:1] >= 0, starts[order][1:] >= reach[:-1]]))
    stretch = np.empty(len(order), np.int64)
    stretch[order] = np.repeat(np.arange(len(first)), np.diff(first, append=len(order)))
    return _connected(owners, stretch, order, first, count)


def _connected(
    owners: NDArray[np.int64],
    stretch: NDArray[np.int64],
    order: NDArray[np.int64],
    first: NDArray[np.int64],
    count: int,
) -> NDArray[np.int64]:
    """Return for each of ``count`` masks the least mask that shared stretches connect it with.

    Run k is of the mask ``owners[k]`` and the stretch ``stretch[k]``. Owners ascend, and
    ``order[first[i]:first[i + 1]]`` are the runs of stretch i.
    """
    least = np.arange(count)
    begins = np.flatnonzero(np.diff(owners, prepend=-1))
    while len(owners):
        of_stretch = np.minimum.reduceat(least[owners[order]], first)
        found = least.copy()
        found[owners[begins]] = np.minimum.reduceat(of_stretch[stretch], begins)
        np.minimum.at(found, least, found)  # whatever pointed there goes along
        found = found[found]
        if np.array_equal(found, least):
            break
        least = found
    return least
