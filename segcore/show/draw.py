"""Images of masks: functions that return uint8 (H, W, 3) arrays of RGB, in NumPy alone.

They are what ``PIL.Image.fromarray`` and ``matplotlib.pyplot.imshow`` take.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_fraction, as_integers
from segcore.maps.semantic import compose_semantic
from segcore.masks import Masks, check_masks, check_same_size
from segcore.show.colours import Picture, class_colors, palette


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
    >>> import numpy as np, segcore.show
    >>> colors = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    >>> segcore.show.colorize(np.array([[0, 1]]), colors).tolist()
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
    >>> import numpy as np, segcore.show
    >>> segcore.show.boundaries(np.array([[0, 0, 1, 1]])).astype(int)
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
    >>> import segcore as sc, segcore.show
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 4], [2, 0, 4, 4]], (4, 4))
    >>> segcore.show.instances(masks, outline=None)[0, :, 0].tolist()
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
    >>> import segcore as sc, segcore.show
    >>> masks = sc.Masks.from_boxes([[0, 0, 1, 1], [2, 0, 3, 1]], (1, 3))
    >>> segcore.show.semantic_picture(masks, [2, 2]).tolist()
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
    >>> import numpy as np, segcore as sc, segcore.show
    >>> image = np.full((4, 4, 3), 100, np.uint8)
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 4]], (4, 4))
    >>> segcore.show.overlay(image, masks, outline=False)[0, :, 0].tolist()
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
    >>> import numpy as np, segcore as sc, segcore.show
    >>> a, b = sc.Masks.from_boxes([[0, 0, 1, 1], [1, 0, 2, 1]], (1, 3))
    >>> segcore.show.difference(a, b, np.zeros((1, 3, 3), np.uint8))[0].tolist()
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
    >>> import numpy as np, segcore.show
    >>> segcore.show.side_by_side([np.zeros((2, 3, 3), np.uint8)] * 2, gap=1).shape
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
