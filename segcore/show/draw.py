"""Pictures of masks: small functions that give (H, W, 3) uint8 arrays of RGB, in NumPy alone.

They are what ``PIL.Image.fromarray`` and ``matplotlib.pyplot.imshow`` take.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore.arrays import as_array, as_fraction, as_integers
from segcore.compose import compose_semantic
from segcore.masks import Masks, check_masks, check_same_size

__all__ = [
    "boundaries",
    "class_colors",
    "colorize",
    "difference",
    "instances",
    "overlay",
    "palette",
    "semantic_picture",
    "shades",
    "side_by_side",
]

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
    >>> import segcore.draw
    >>> segcore.draw.palette(2)
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
    >>> import segcore.draw
    >>> segcore.draw.class_colors([2, 1, 2]).tolist()
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
    >>> import numpy as np, segcore.draw
    >>> segcore.draw.shades(np.full((3, 3), 100, np.uint8), [1, 1, 2])[:, 0].tolist()
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


def colorize(labels: NDArray[np.integer], colors: Picture) -> Picture:
    """Give each label its colour.

    Parameters
    ----------
    labels : numpy.ndarray
        Integers (H, W), each an index of ``colors``.
    colors : numpy.ndarray
        uint8 (n, 3).

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).

    Examples
    --------
    >>> import numpy as np, segcore.draw
    >>> colors = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    >>> segcore.draw.colorize(np.array([[0, 1]]), colors).tolist()
    [[[0, 0, 0], [255, 0, 0]]]
    """
    return np.take(colors, labels, axis=0)


def boundaries(labels: NDArray[np.integer], thickness: int = 1) -> NDArray[np.bool_]:
    """Find the pixels at which one label meets another.

    Parameters
    ----------
    labels : numpy.ndarray
        Integers or bools (H, W).
    thickness : int
        In pixels: 1 marks the upper or left side of each border, 2 both sides, and so on.

    Returns
    -------
    numpy.ndarray
        bool (H, W).

    Examples
    --------
    >>> import numpy as np, segcore.draw
    >>> segcore.draw.boundaries(np.array([[0, 0, 1, 1]])).astype(int)
    array([[0, 1, 0, 0]])
    """
    edge = np.zeros(labels.shape, bool)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    # After so many steps, there is nothing left to reach.
    for step in range(1, min(thickness, 2 * sum(labels.shape))):
        wider = edge.copy()
        if step % 2:
            wider[1:] |= edge[:-1]
            wider[:, 1:] |= edge[:, :-1]
        else:
            wider[:-1] |= edge[1:]
            wider[:, :-1] |= edge[:, 1:]
        edge = wider
    return edge


def instances(
    masks: Masks,
    colors: Picture | None = None,
    *,
    background: tuple[int, int, int] = (255, 255, 255),
    outline: tuple[int, int, int] | None = (255, 255, 255),
) -> Picture:
    """Draw each mask in its own colour, later masks over earlier ones.

    Parameters
    ----------
    masks : Masks
        The batch of N.
    colors : numpy.ndarray, optional
        uint8 (N, 3); ``palette(N)`` unless given.
    background : tuple of int
        RGB where no mask is.
    outline : tuple of int, optional
        RGB of the lines between the masks, two pixels wide; None draws none.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).

    Examples
    --------
    >>> import segcore as sc, segcore.draw
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 4], [2, 0, 4, 4]], (4, 4))
    >>> segcore.draw.instances(masks, outline=None)[0, :, 0].tolist()
    [216, 216, 51, 51]
    """
    check_masks(masks)
    tints = _as_colors(palette(len(masks)) if colors is None else colors, len(masks))
    labels = compose_semantic(masks, np.arange(1, len(masks) + 1))
    picture = colorize(labels, np.vstack([np.array([background], np.uint8), tints]))
    if outline is not None:
        picture[boundaries(labels, 2)] = outline
    return picture


def semantic_picture(
    masks: Masks,
    class_ids: ArrayLike,
    colors: Picture | None = None,
    *,
    background: tuple[int, int, int] = (0, 0, 0),
) -> Picture:
    """Draw each mask in the colour of its class, later masks over earlier ones.

    Parameters
    ----------
    masks : Masks
        The batch of N.
    class_ids : array_like
        Integers (N,).
    colors : numpy.ndarray, optional
        uint8 (N, 3), each mask's; ``class_colors(class_ids)`` unless given.
    background : tuple of int
        RGB where no mask is.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).

    Raises
    ------
    ValueError
        If there is another number of class ids or colours.
    TypeError
        If the class ids are no integers, or the colours not of uint8.

    Examples
    --------
    >>> import segcore as sc, segcore.draw
    >>> masks = sc.Masks.from_boxes([[0, 0, 1, 1], [2, 0, 3, 1]], (1, 3))
    >>> segcore.draw.semantic_picture(masks, [2, 2]).tolist()
    [[[51, 130, 154], [0, 0, 0], [51, 130, 154]]]
    """
    check_masks(masks)
    ids = as_integers(class_ids, "class_ids", len(masks))
    tints = _as_colors(class_colors(ids) if colors is None else colors, len(masks))
    return instances(masks, tints, background=background, outline=None)


def overlay(
    image: ArrayLike,
    masks: Masks,
    colors: Picture | None = None,
    *,
    opacity: float = 0.5,
    outline: bool = True,
) -> Picture:
    """Tint a photograph with masks, later masks over earlier ones.

    Parameters
    ----------
    image : array_like
        uint8 (H, W, 3), or (H, W) for grey, of the masks' size. It is not written to.
    masks : Masks
        The batch of N.
    colors : numpy.ndarray, optional
        uint8 (N, 3); ``palette(N)`` unless given. Give masks of one class one colour for a
        semantic picture.
    opacity : float, default 0.5
        How much of the colour there is in a mask, from 0 to 1.
    outline : bool
        Whether to draw the borders between masks in their full colours, two pixels wide.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).

    Raises
    ------
    ValueError
        If the image has another size, the colours another number, or the opacity is out of range.
    TypeError
        If the image or the colours are not of uint8.

    Examples
    --------
    >>> import numpy as np, segcore as sc, segcore.draw
    >>> image = np.full((4, 4, 3), 100, np.uint8)
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 4]], (4, 4))
    >>> segcore.draw.overlay(image, masks, outline=False)[0, :, 0].tolist()
    [158, 158, 100, 100]
    """
    check_masks(masks)
    picture = _as_picture(image, "image", masks.size)
    share = as_fraction(opacity, "opacity")
    tints = _as_colors(palette(len(masks)) if colors is None else colors, len(masks))
    labels = compose_semantic(masks, np.arange(1, len(masks) + 1))
    covered = labels > 0
    color = tints[labels[covered] - 1]
    picture[covered] = np.rint((1 - share) * picture[covered] + share * color).astype(np.uint8)
    if outline:
        edge = boundaries(labels, 2) & covered
        picture[edge] = tints[labels[edge] - 1]
    return picture


def difference(
    truth: Masks,
    found: Masks,
    picture: Picture,
    *,
    missed: tuple[int, int, int] = (214, 28, 48),
    extra: tuple[int, int, int] = (64, 130, 220),
) -> Picture:
    """Mark on a picture where two batches differ, mask by mask.

    Parameters
    ----------
    truth, found : Masks
        Batches of N masks of one size, element by element the same thing.
    picture : numpy.ndarray
        uint8 (H, W, 3), to draw on; it is not written to.
    missed : tuple of int
        RGB of the pixels that belong to a mask of ``truth`` and not to its partner.
    extra : tuple of int
        RGB of those that only ``found`` has, unless they are missed too.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).

    Raises
    ------
    ValueError
        If the sizes of the masks, or of the picture, differ.
    TypeError
        If ``truth`` or ``found`` are no Masks, or the picture is not of uint8.

    Examples
    --------
    >>> import numpy as np, segcore as sc, segcore.draw
    >>> a, b = sc.Masks.from_boxes([[0, 0, 1, 1], [1, 0, 2, 1]], (1, 3))
    >>> segcore.draw.difference(a, b, np.zeros((1, 3, 3), np.uint8))[0].tolist()
    [[214, 28, 48], [64, 130, 220], [0, 0, 0]]
    """
    check_same_size(truth, found, ("truth", "found"))
    result = _as_picture(picture, "picture", truth.size)
    for masks, color in ((found - truth, extra), (truth - found, missed)):
        result[masks.union().to_dense()[0]] = color
    return result


def side_by_side(pictures: Sequence[Picture], gap: int = 16, color: int = 255) -> Picture:
    """Place pictures side by side, their upper edges in line.

    Parameters
    ----------
    pictures : sequence of numpy.ndarray
        uint8 (H, W, 3), each of its own size; at least one.
    gap : int
        Pixels between two pictures.
    color : int
        The grey of the gaps, and below pictures that are not as high as others, 0 to 255.

    Returns
    -------
    numpy.ndarray
        uint8 (greatest H, sum of widths and gaps, 3).

    Raises
    ------
    ValueError
        If there are no pictures, or if one has another shape.

    Examples
    --------
    >>> import numpy as np, segcore.draw
    >>> segcore.draw.side_by_side([np.zeros((2, 3, 3), np.uint8)] * 2, gap=1).shape
    (2, 7, 3)
    """
    if not len(pictures):
        raise ValueError("pictures: expected at least one")
    for i, picture in enumerate(pictures):
        if picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(f"picture {i}: expected (H, W, 3), got {picture.shape}")
    width = sum(picture.shape[1] for picture in pictures) + gap * (len(pictures) - 1)
    row = np.full((max(picture.shape[0] for picture in pictures), width, 3), color, np.uint8)
    x = 0
    for picture in pictures:
        height, width, _ = picture.shape
        row[:height, x : x + width] = picture
        x += width + gap
    return row


def _as_picture(image: ArrayLike, name: str, size: tuple[int, int]) -> Picture:
    """Copy a picture of the masks' size, in gray or in colour, as (H, W, 3)."""
    picture = as_array(image, name)
    if picture.dtype != np.uint8:
        raise TypeError(f"{name}: expected uint8, got {picture.dtype}")
    if picture.ndim == 2:
        picture = picture[..., None]
    if picture.shape[:2] != size or picture.shape[2:] not in ((1,), (3,)):
        height, width = size
        raise ValueError(
            f"{name}: expected ({height}, {width}, 3), of the masks' size, got {picture.shape}"
        )
    return np.repeat(picture, 3 // picture.shape[2], axis=2)


def _as_colors(colors: ArrayLike, count: int) -> Picture:
    tints = as_array(colors, "colors")
    if tints.dtype != np.uint8:
        raise TypeError(f"colors: expected uint8, got {tints.dtype}")
    if tints.shape != (count, 3):
        raise ValueError(f"colors: expected ({count}, 3), one a mask, got {tints.shape}")
    return tints
