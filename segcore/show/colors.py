"""Colors of classes and instances."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_integer, as_integers

ColorArray = NDArray[np.uint8]
"""RGB colors, shape (n, 3)."""

# The first 16 colors of the palette, in hexadecimal.
_FIRST_COLORS = """
    d88ea8 33829a ffe264 8c268f ffac19 1a664b 6fb6f0 2652c6 b41610 281470 c3d6ff 582734
    e5b394 907d58 e5ecca a49615
"""
# Linear RGB to cone responses, and the cube roots of these to Oklab (Ottosson, 2020).
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
# Linear RGB as perceived with normal vision, deuteranopia and protanopia (Machado, Oliveira and
# Fernandes, 2009, severity 1).
_VISIONS = np.array(
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


def palette(n: int) -> ColorArray:
    """Return colors that are easy to distinguish, also with color vision deficiency.

    The first 16 colors are handpicked. Each further color has the greatest possible distance to the
    nearest of all previous colors; near-black and near-white are excluded. The distance of two
    colors is the smallest of their Oklab distances in normal vision, deuteranopia and protanopia. A
    longer palette starts with the same colors as a shorter one.

    Parameters
    ----------
    n : int
        Number of colors. The colors repeat after 255.

    Returns
    -------
    numpy.ndarray
        RGB colors: uint8, shape (n, 3).

    Raises
    ------
    ValueError
        If `n` is negative.
    TypeError
        If `n` is not an integer.

    Examples
    --------
    >>> import segcore.show
    >>> segcore.show.palette(2)
    array([[216, 142, 168],
           [ 51, 130, 154]], dtype=uint8)
    """
    count = as_integer(n, "n")
    if count < 0:
        raise ValueError(f"n: expected a non-negative number of colors, got {count}")
    colors = np.array([list(bytes.fromhex(code)) for code in _FIRST_COLORS.split()], np.uint8)
    if count > len(colors):
        colors = _palette_255(colors.tobytes())
    return np.resize(colors, (count, 3)) if count > len(colors) else colors[:count].copy()


@cache
def _palette_255(first: bytes) -> ColorArray:
    """Extend the first colors, given as RGB bytes, to 255 colors."""
    colors = np.frombuffer(first, np.uint8).reshape(-1, 3)
    levels = np.linspace(0, 255, 16).round().astype(np.uint8)
    candidates: ColorArray = np.stack(
        np.meshgrid(levels, levels, levels, indexing="ij"), -1
    ).reshape(-1, 3)
    perceived = _perceived(candidates)
    lightness = perceived[:, 0, 0]
    usable = (lightness > 0.35) & (lightness < 0.97)
    candidates, perceived = candidates[usable], perceived[usable]
    nearest = np.full(len(candidates), np.inf)
    for color in _perceived(colors):
        nearest = np.minimum(nearest, _distance(perceived, color))
    chosen = [*colors]
    while len(chosen) < 255:
        best = int(np.argmax(nearest))
        chosen.append(candidates[best])
        nearest = np.minimum(nearest, _distance(perceived, perceived[best]))
    return np.array(chosen, np.uint8)


def _perceived(colors: ArrayLike) -> NDArray[np.float64]:
    """Convert sRGB colors (n, 3) to Oklab for three types of vision: (n, 3 visions, 3)."""
    value = np.asarray(colors) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.einsum("eij,nj->nei", _VISIONS, linear), 0, 1)
    result: NDArray[np.float64] = np.cbrt(seen @ _CONES.T) @ _OKLAB.T
    return result


def _distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances of colors (n, 3, 3) from one color, for the least of three visions.

    They are rounded so that the palette does not depend on the last bits of a machine's cube roots.
    """
    result: NDArray[np.float64] = np.sqrt(((a - b) ** 2).sum(-1)).min(-1).round(6)
    return result


def class_colors(class_ids: ArrayLike) -> ColorArray:
    """Return a color for each class id, which is the same in every image.

    Parameters
    ----------
    class_ids : array_like
        Class ids: integers, shape (N,). Class c has the color ``palette(255)[(c - 1) % 255]``.

    Returns
    -------
    numpy.ndarray
        RGB colors: uint8, shape (N, 3).

    Raises
    ------
    ValueError
        If `class_ids` is not 1-D.
    TypeError
        If the dtype is not an integer dtype.

    Examples
    --------
    >>> import segcore.show
    >>> segcore.show.class_colors([2, 1, 2]).tolist()
    [[51, 130, 154], [216, 142, 168], [51, 130, 154]]
    """
    remainders = (as_integers(class_ids, "class_ids") % 255).astype(np.int64)
    indices = (remainders + 254) % 255
    colors: ColorArray = palette(int(indices.max(initial=0)) + 1)[indices]
    return colors


def shades(colors: ColorArray, class_ids: ArrayLike) -> ColorArray:
    """Return a shade of the class color for each instance, so that instances can be told apart.

    The first instance of each class keeps the color. The shades of a class repeat after 7
    instances.

    Parameters
    ----------
    colors : numpy.ndarray
        Class color of each instance: uint8, shape (N, 3).
    class_ids : array_like
        Class id of each instance: integers, shape (N,).

    Returns
    -------
    numpy.ndarray
        RGB color of each instance: uint8, shape (N, 3).

    Raises
    ------
    ValueError
        If `class_ids` does not have shape (N,).
    TypeError
        If the class ids are not integers.

    Examples
    --------
    >>> import numpy as np, segcore.show
    >>> segcore.show.shades(np.full((3, 3), 100, np.uint8), [1, 1, 2])[:, 0].tolist()
    [100, 170, 100]
    """
    classes = as_integers(class_ids, "class_ids", len(colors))
    _, class_index = np.unique(classes, return_inverse=True)
    order = np.argsort(class_index, kind="stable")
    starts = np.flatnonzero(np.diff(class_index[order], prepend=-1))
    rank = np.empty(len(classes), np.int64)  # number of earlier instances of the same class
    rank[order] = np.arange(len(classes)) - np.repeat(
        starts, np.diff([*starts.tolist(), len(classes)])
    )
    # Positive steps mix the color with white, negative steps with black.
    steps = np.array([0, 0.45, -0.4, 0.25, -0.2, 0.6, -0.55])[rank % 7][:, None]
    target = np.where(steps > 0, 255, 0)
    result: ColorArray = np.rint(colors + abs(steps) * (target - colors.astype(np.float64))).astype(
        np.uint8
    )
    return result
