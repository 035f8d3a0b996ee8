"""Colours of classes and instances."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_integers

Picture = NDArray[np.uint8]
_FIRST = """
    d88ea8 33829a ffe264 8c268f ffac19 1a664b 6fb6f0 2652c6 b41610 281470 c3d6ff 582734
    e5b394 907d58 e5ecca a49615
"""
# From linear RGB to the cones' answers, and from their cube roots to Oklab (Ottosson, 2020).
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
# What linear RGB looks like to most people, without green cones, and without red cones
# (Machado, Oliveira and Fernandes, 2009, severity 1).
_EYES = np.array(
    [
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ]
)


def palette(n: int) -> Picture:
    """Give ``n`` colours that are easy to tell apart, also for the colour-blind.

    The first sixteen are chosen by hand. Each further one, neither almost black nor almost white,
    is the colour that is farthest from all before it: by the distance in Oklab, seen with and
    without red and green cones, whichever is least. A longer palette starts like a shorter one.

    Parameters
    ----------
    n : int
        How many colours; from 256 on they repeat.

    Returns
    -------
    numpy.ndarray
        uint8 (n, 3), RGB.

    Examples
    --------
    >>> import segcore.show
    >>> segcore.show.palette(2)
    array([[216, 142, 168],
           [ 51, 130, 154]], dtype=uint8)
    """
    if n < 0:
        raise ValueError(f"a palette has no negative number of colours, but n is {n}")
    first = np.array([list(bytes.fromhex(code)) for code in _FIRST.split()], np.uint8)
    if n > len(first):
        first = _palette_255(first.tobytes())
    return np.resize(first, (n, 3)) if n > len(first) else first[:n].copy()


@cache
def _palette_255(first: bytes) -> Picture:
    colors = np.frombuffer(first, np.uint8).reshape(-1, 3)
    levels = np.linspace(0, 255, 16).round().astype(np.uint8)
    candidates: Picture = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(
        -1, 3
    )
    seen = _perceived(candidates)
    usable = (seen[:, 0, 0] > 0.35) & (seen[:, 0, 0] < 0.97)  # by the lightness
    candidates, seen = candidates[usable], seen[usable]
    nearest = np.full(len(candidates), np.inf)
    for start in _perceived(colors):
        nearest = np.minimum(nearest, _distance(seen, start))
    chosen = [*colors]
    while len(chosen) < 255:
        best = int(np.argmax(nearest))
        chosen.append(candidates[best])
        nearest = np.minimum(nearest, _distance(seen, seen[best]))
    return np.array(chosen, np.uint8)


def _perceived(colors: ArrayLike) -> NDArray[np.float64]:
    """Place sRGB colours (n, 3) in Oklab, as three kinds of eyes see them: (n, 3, 3)."""
    value = np.asarray(colors) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.einsum("eij,nj->nei", _EYES, linear), 0, 1)
    result: NDArray[np.float64] = np.cbrt(seen @ _CONES.T) @ _OKLAB.T
    return result


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell colours from one: the distance to the eyes that see the least, rounded.

    Rounding makes the same palette of the slightly different cube roots of different machines.
    """
    result: NDArray[np.float64] = np.sqrt(((a - b) ** 2).sum(-1)).min(-1).round(6)
    return result


def class_colors(class_ids: ArrayLike) -> Picture:
    """Give each class its colour, which is the same in every picture.

    Parameters
    ----------
    class_ids : array_like
        Integers (N,). The classes 1, 2, 3, ... have the colours of the palette, in its order; from
        256 on they repeat.

    Returns
    -------
    numpy.ndarray
        uint8 (N, 3).

    Raises
    ------
    TypeError
        If the class ids are no integers.

    Examples
    --------
    >>> import segcore.show
    >>> segcore.show.class_colors([2, 1, 2]).tolist()
    [[51, 130, 154], [216, 142, 168], [51, 130, 154]]
    """
    remainders = (as_integers(class_ids, "class_ids") % 255).astype(np.int64)  # of any sign
    places = (remainders + 254) % 255
    chosen: Picture = palette(int(places.max(initial=0)) + 1)[places]
    return chosen


def shades(colors: Picture, class_ids: ArrayLike) -> Picture:
    """Vary the colours of things of one class: the first keeps it, others are lighter or darker.

    Parameters
    ----------
    colors : numpy.ndarray
        uint8 (N, 3): each thing's colour, that of its class.
    class_ids : array_like
        Integers (N,).

    Returns
    -------
    numpy.ndarray
        uint8 (N, 3).

    Examples
    --------
    >>> import numpy as np, segcore.show
    >>> segcore.show.shades(np.full((3, 3), 100, np.uint8), [1, 1, 2])[:, 0].tolist()
    [100, 170, 100]
    """
    classes = as_integers(class_ids, "class_ids", len(colors))
    _, kinds = np.unique(classes, return_inverse=True)
    order = np.argsort(kinds, kind="stable")
    starts = np.flatnonzero(np.diff(kinds[order], prepend=-1))
    place = np.empty(len(classes), np.int64)  # which of its class each is
    place[order] = np.arange(len(classes)) - np.repeat(
        starts, np.diff([*starts.tolist(), len(classes)])
    )
    # Towards white and towards black in turn, by half as much, by more, and again.
    steps = np.array([0, 0.45, -0.4, 0.25, -0.2, 0.6, -0.55])[place % 7][:, None]
    goal = np.where(steps > 0, 255, 0)
    result: Picture = np.rint(colors + abs(steps) * (goal - colors.astype(np.float64))).astype(
        np.uint8
    )
    return result
