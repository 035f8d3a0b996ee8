"""Draw masks as RGB images, using only NumPy.

The functions return uint8 arrays of shape (H, W, 3), as accepted by ``PIL.Image.fromarray`` and
``matplotlib.pyplot.imshow``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_fraction, as_integer, as_integers
from segcore.maps.semantic import compose_semantic
from segcore.masks import Masks, check_masks, check_same_size
from segcore.show.colors import ColorArray, class_colors, palette

RgbImage = NDArray[np.uint8]
"""RGB image, shape (H, W, 3)."""


def colorize(labels: NDArray[np.integer], colors: ColorArray) -> RgbImage:
    """Convert a label map to an RGB image: ``colors[labels]``.

    Parameters
    ----------
    labels : numpy.ndarray
        Indices into `colors`: integers, shape (H, W).
    colors : numpy.ndarray
        RGB colors: uint8, shape (n, 3).

    Returns
    -------
    numpy.ndarray
        RGB image: uint8, shape (H, W, 3).

    Raises
    ------
    IndexError
        If a label is not a valid index into `colors`.

    Examples
    --------
    >>> import numpy as np, segcore.show
    >>> colors = np.array([[0, 0, 0], [255, 0, 0]], np.uint8)
    >>> segcore.show.colorize(np.array([[0, 1]]), colors).tolist()
    [[[0, 0, 0], [255, 0, 0]]]
    """
    return np.take(colors, labels, axis=0)


def boundaries(labels: NDArray[np.integer], thickness: int = 1) -> NDArray[np.bool_]:
    """Find the boundaries between the regions of a label map.

    Parameters
    ----------
    labels : numpy.ndarray
        Label map: integers or bool, shape (H, W).
    thickness : int, default 1
        Thickness of the boundaries in pixels. With 1, the pixels above and to the left of each
        boundary are marked; with 2, the pixels on both sides. Further pixels are added on both
        sides in turn.

    Returns
    -------
    numpy.ndarray
        True at boundary pixels: bool, shape (H, W).

    Raises
    ------
    ValueError
        If `labels` is not 2-D, or `thickness` is less than 1.
    TypeError
        If `thickness` is not an integer.

    See Also
    --------
    segcore.boundary : Boundary region of each mask.

    Examples
    --------
    >>> import numpy as np, segcore.show
    >>> segcore.show.boundaries(np.array([[0, 0, 1, 1]])).astype(int)
    array([[0, 1, 0, 0]])
    """
    if labels.ndim != 2:
        raise ValueError(f"labels: expected the shape (H, W), got {labels.shape}")
    thickness = as_integer(thickness, "thickness")
    if thickness < 1:
        raise ValueError(f"thickness: expected at least 1 pixel, got {thickness}")
    edge = np.zeros(labels.shape, bool)
    edge[:-1] |= labels[:-1] != labels[1:]
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    # More steps than this cannot add any pixel.
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
    colors: ColorArray | None = None,
    *,
    background: tuple[int, int, int] = (255, 255, 255),
    outline: tuple[int, int, int] | None = (255, 255, 255),
) -> RgbImage:
    """Draw each mask in its own color on a plain background, later masks on top of earlier ones.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    colors : numpy.ndarray, optional
        RGB color of each mask: uint8, shape (N, 3). Defaults to ``palette(N)``.
    background : tuple of int, default (255, 255, 255)
        RGB color of the pixels that no mask covers.
    outline : tuple of int or None, default (255, 255, 255)
        RGB color of the boundaries between masks, and between masks and background, two pixels
        wide. If None, no boundaries are drawn.

    Returns
    -------
    numpy.ndarray
        RGB image: uint8, shape (H, W, 3).

    Raises
    ------
    ValueError
        If `colors` does not have shape (N, 3).
    TypeError
        If `masks` is not a `Masks`, or `colors` is not uint8.

    Examples
    --------
    >>> import segcore as sc, segcore.show
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 4], [2, 0, 4, 4]], (4, 4))
    >>> segcore.show.instances(masks, outline=None)[0, :, 0].tolist()
    [216, 216, 51, 51]
    """
    check_masks(masks)
    mask_colors = _as_colors(palette(len(masks)) if colors is None else colors, len(masks))
    labels = compose_semantic(masks, np.arange(1, len(masks) + 1))
    image = colorize(labels, np.vstack([np.array([background], np.uint8), mask_colors]))
    if outline is not None:
        image[boundaries(labels, 2)] = outline
    return image


def semantic_image(
    masks: Masks,
    class_ids: ArrayLike,
    colors: ColorArray | None = None,
    *,
    background: tuple[int, int, int] = (0, 0, 0),
) -> RgbImage:
    """Draw masks in the colors of their classes on a plain background, later masks on top.

    Parameters
    ----------
    masks : Masks
        N masks of size (H, W).
    class_ids : array_like
        Class id of each mask: integers, shape (N,).
    colors : numpy.ndarray, optional
        RGB color of each mask: uint8, shape (N, 3). Defaults to ``class_colors(class_ids)``.
    background : tuple of int, default (0, 0, 0)
        RGB color of the pixels that no mask covers.

    Returns
    -------
    numpy.ndarray
        RGB image: uint8, shape (H, W, 3).

    Raises
    ------
    ValueError
        If `class_ids` does not have shape (N,), or `colors` does not have shape (N, 3).
    TypeError
        If `masks` is not a `Masks`, the class ids are not integers, or `colors` is not uint8.

    Examples
    --------
    >>> import segcore as sc, segcore.show
    >>> masks = sc.Masks.from_boxes([[0, 0, 1, 1], [2, 0, 3, 1]], (1, 3))
    >>> segcore.show.semantic_image(masks, [2, 2]).tolist()
    [[[51, 130, 154], [0, 0, 0], [51, 130, 154]]]
    """
    check_masks(masks)
    ids = as_integers(class_ids, "class_ids", len(masks))
    mask_colors = _as_colors(class_colors(ids) if colors is None else colors, len(masks))
    return instances(masks, mask_colors, background=background, outline=None)


def overlay(
    image: ArrayLike,
    masks: Masks,
    colors: ColorArray | None = None,
    *,
    opacity: float = 0.5,
    outline: bool = True,
) -> RgbImage:
    """Blend masks with an image, later masks on top of earlier ones.

    Parameters
    ----------
    image : numpy.ndarray
        RGB or grayscale image: uint8, shape (H, W, 3), (H, W, 1) or (H, W). It is not modified.
    masks : Masks
        N masks of size (H, W).
    colors : numpy.ndarray, optional
        RGB color of each mask: uint8, shape (N, 3). Defaults to ``palette(N)``. Use
        :func:`class_colors` to color masks by class.
    opacity : float, default 0.5
        Opacity of the masks, from 0 (invisible) to 1 (opaque).
    outline : bool, default True
        Whether to draw the boundaries of each mask in its color without blending. They are two
        pixels wide between masks, and one pixel wide next to the background.

    Returns
    -------
    numpy.ndarray
        RGB image: uint8, shape (H, W, 3).

    Raises
    ------
    ValueError
        If the image does not have the size of the masks, `colors` does not have shape (N, 3), or
        `opacity` is out of range.
    TypeError
        If `masks` is not a `Masks`, or the image or the colors are not uint8.

    Examples
    --------
    >>> import numpy as np, segcore as sc, segcore.show
    >>> image = np.full((4, 4, 3), 100, np.uint8)
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 4]], (4, 4))
    >>> segcore.show.overlay(image, masks, outline=False)[0, :, 0].tolist()
    [158, 158, 100, 100]
    """
    check_masks(masks)
    result = _as_rgb(image, "image", masks.size)
    alpha = as_fraction(opacity, "opacity")
    mask_colors = _as_colors(palette(len(masks)) if colors is None else colors, len(masks))
    labels = compose_semantic(masks, np.arange(1, len(masks) + 1))
    covered = labels > 0
    color = mask_colors[labels[covered] - 1]
    result[covered] = np.rint((1 - alpha) * result[covered] + alpha * color).astype(np.uint8)
    if outline:
        edge = boundaries(labels, 2) & covered
        result[edge] = mask_colors[labels[edge] - 1]
    return result


def difference(
    truth: Masks,
    predicted: Masks,
    image: RgbImage,
    *,
    missed: tuple[int, int, int] = (214, 28, 48),
    spurious: tuple[int, int, int] = (64, 130, 220),
) -> RgbImage:
    """Draw the differences between matched true and predicted masks on an image.

    Parameters
    ----------
    truth, predicted : Masks
        N true and N predicted masks of size (H, W), where ``predicted[i]`` is the prediction of
        ``truth[i]``.
    image : numpy.ndarray
        RGB image to draw on: uint8, shape (H, W, 3). It is not modified.
    missed : tuple of int, default (214, 28, 48)
        RGB color of missed pixels: in ``truth[i]`` but not in ``predicted[i]``, for any i.
    spurious : tuple of int, default (64, 130, 220)
        RGB color of spurious pixels: in ``predicted[i]`` but not in ``truth[i]``, for any i. Pixels
        that are also missed have the color `missed`.

    Returns
    -------
    numpy.ndarray
        RGB image: uint8, shape (H, W, 3).

    Raises
    ------
    ValueError
        If `truth` and `predicted` differ in length or image size, or `image` does not have shape
        (H, W, 3).
    TypeError
        If `truth` or `predicted` is not a `Masks`, or `image` is not uint8.

    Examples
    --------
    >>> import numpy as np, segcore as sc, segcore.show
    >>> a, b = sc.Masks.from_boxes([[0, 0, 1, 1], [1, 0, 2, 1]], (1, 3))
    >>> segcore.show.difference(a, b, np.zeros((1, 3, 3), np.uint8))[0].tolist()
    [[214, 28, 48], [64, 130, 220], [0, 0, 0]]
    """
    check_same_size(truth, predicted, ("truth", "predicted"))
    result = _as_rgb(image, "image", truth.size)
    for masks, color in ((predicted - truth, spurious), (truth - predicted, missed)):
        result[masks.union().to_dense()[0]] = color
    return result


def side_by_side(images: Sequence[RgbImage], gap: int = 16, gray: int = 255) -> RgbImage:
    """Concatenate images horizontally, aligned at the top.

    Parameters
    ----------
    images : sequence of numpy.ndarray
        At least one RGB image: uint8, shape (H, W, 3). Sizes may differ.
    gap : int, default 16
        Number of pixels between neighboring images.
    gray : int, default 255
        Gray level of the gaps and of the area below smaller images, from 0 to 255.

    Returns
    -------
    numpy.ndarray
        RGB image: uint8, shape (maximum height, sum of widths and gaps, 3).

    Raises
    ------
    ValueError
        If `images` is empty, or an image does not have shape (H, W, 3).

    Examples
    --------
    >>> import numpy as np, segcore.show
    >>> segcore.show.side_by_side([np.zeros((2, 3, 3), np.uint8)] * 2, gap=1).shape
    (2, 7, 3)
    """
    if not len(images):
        raise ValueError("images: expected at least one image")
    for i, image in enumerate(images):
        if image.ndim != 3 or image.shape[2] != 3:
            raise ValueError(f"images[{i}]: expected the shape (H, W, 3), got {image.shape}")
    total_width = sum(image.shape[1] for image in images) + gap * (len(images) - 1)
    result = np.full((max(image.shape[0] for image in images), total_width, 3), gray, np.uint8)
    x = 0
    for image in images:
        height, width, _ = image.shape
        result[:height, x : x + width] = image
        x += width + gap
    return result


def _as_rgb(image: ArrayLike, name: str, size: tuple[int, int]) -> RgbImage:
    """Return a grayscale or RGB image of the given size as a new array of shape (H, W, 3)."""
    array = as_array(image, name)
    if array.dtype != np.uint8:
        raise TypeError(f"{name}: expected uint8, got {array.dtype}")
    if array.ndim == 2:
        array = array[..., None]
    if array.shape[:2] != size or array.shape[2:] not in ((1,), (3,)):
        height, width = size
        raise ValueError(
            f"{name}: expected the shape ({height}, {width}, 3), as the masks have the size "
            f"{size}, got {array.shape}"
        )
    return np.repeat(array, 3 // array.shape[2], axis=2)


def _as_colors(colors: ArrayLike, count: int) -> ColorArray:
    array = as_array(colors, "colors")
    if array.dtype != np.uint8:
        raise TypeError(f"colors: expected uint8, got {array.dtype}")
    if array.shape != (count, 3):
        raise ValueError(
            f"colors: expected the shape ({count}, 3), one color per mask, got {array.shape}"
        )
    return array
