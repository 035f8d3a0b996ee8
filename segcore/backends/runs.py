"""Arithmetic on run ends that all backends share, in NumPy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.backends.protocol import Offsets, RunEnds


def closed_runs(
    run_ends: RunEnds, offsets: Offsets, height: int, width: int
) -> tuple[NDArray[np.int64], Offsets]:
    """Return the start and end of each foreground run, including runs up to the last pixel.

    Returns
    -------
    bounds : numpy.ndarray
        Alternating starts and ends of the runs of all masks: int64.
    bound_offsets : numpy.ndarray
        Start of each mask in `bounds`, and the total number: int64, shape (N + 1,).
    """
    is_open = np.diff(offsets) % 2
    bound_offsets: Offsets = offsets + offsets_of(is_open)
    bounds = np.full(bound_offsets[-1], height * width)
    is_run_end = np.ones(len(bounds), np.bool_)
    is_run_end[bound_offsets[1:][is_open == 1] - 1] = False
    bounds[is_run_end] = run_ends
    return bounds, bound_offsets


def sampled(
    run_ends: RunEnds, rows: NDArray[np.int64], columns: NDArray[np.int64], height: int
) -> NDArray[np.bool_]:
    """Return the pixels of one mask on a grid: bool, shape (len(rows), len(columns))."""
    positions = (columns * height + rows[:, None]).astype(run_ends.dtype)
    # A pixel is foreground if an odd number of run ends is not beyond it.
    inside: NDArray[np.bool_] = np.searchsorted(run_ends, positions, side="right") % 2 == 1
    return inside


def connected(
    run_ends: RunEnds, offsets: Offsets, height: int, width: int, ids: NDArray[np.generic]
) -> NDArray[np.int64]:
    """Group masks that a chain connects, in which each mask shares a pixel with the next.

    Parameters
    ----------
    run_ends, offsets, height, width
        N masks.
    ids : numpy.ndarray
        Class of each mask, shape (N,). Masks of different classes are not connected.

    Returns
    -------
    numpy.ndarray
        Lowest index of the masks connected to each mask: int64, shape (N,).
    """
    count = len(offsets) - 1
    # In coordinates in which the runs of one class are followed by those of the next.
    bounds, bound_offsets = closed_runs(run_ends, offsets, height, width)
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
