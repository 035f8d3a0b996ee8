"""A stand-in for ``pycocotools.mask``: the same functions and results, on segcore's kernels.

>>> import numpy as np
>>> import segcore.compat.pycocotools as mask_util
>>> rle = mask_util.encode(np.array([[0, 1, 1], [0, 0, 1]], np.uint8))
>>> rle
{'size': [2, 3], 'counts': b'2111'}
>>> mask_util.area(rle)
np.uint32(3)

Values, dtypes, shapes, memory order, keys and bytes are those of pycocotools 2.0.11 wherever
these are defined. What is different:

- Nothing crashes, and no memory but the input's is read. What pycocotools does not check is an
  error here: a ValueError, or a TypeError for a thing of another kind, that names the object.
  So are RLEs whose runs do not sum to their size, characters that no counts string has, negative
  runs, and coordinates that are NaN, infinite or beyond 2**30. Images have fewer than 2**59 pixels.
- Images of 2**31 pixels and more are right, where pycocotools counts in 32 bits.
- Arrays of any strides are read as they look, not as they lie.
- More is taken: arrays that are not in Fortran order, CPU tensors, tuples for lists, boxes as list
  of lists in :func:`frPyObjects`.

The functions of the module ``pycocotools._mask`` are here, too, with those that it alone has:
:func:`frPoly`, :func:`frBbox` and :func:`frUncompressedRLE`.

The names, and the names of parameters, are those of the COCO API
(https://github.com/cocodataset/cocoapi), which defines what the functions mean.
"""

from __future__ import annotations

import sys
from typing import Any

from numpy.typing import NDArray

from segcore.backends import kernels
from segcore.compat import _functions
from segcore.compat._shortcuts import shortcuts_of

__all__ = [
    "area",
    "decode",
    "encode",
    "frBbox",
    "frPoly",
    "frPyObjects",
    "frUncompressedRLE",
    "iou",
    "merge",
    "toBbox",
]

shortcuts = shortcuts_of(kernels)

_mask = sys.modules[__name__]  # pycocotools.mask has its extension module under this name


def encode(bimask: Any) -> Any:
    """Encode binary masks.

    Parameters
    ----------
    bimask : array_like
        uint8 or bool: (H, W) for one mask, (H, W, N) for a list. Best in Fortran order, which is
        the only one that pycocotools takes.

    Returns
    -------
    dict or list of dict
        ``{"size": [H, W], "counts": bytes}``. A run ends wherever the byte changes: a 1 beside a
        2 counts as foreground beside background, as in pycocotools.

    Raises
    ------
    ValueError
        For another dtype or number of dimensions (for which pycocotools returns None).

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.encode(np.ones((2, 3, 1), np.uint8, order="F"))
    [{'size': [2, 3], 'counts': b'06'}]
    """
    result = shortcuts.encode(bimask)
    return _functions.encode(kernels, bimask) if result is NotImplemented else result


def decode(rleObjs: Any) -> NDArray[Any]:
    """Decode RLEs.

    Parameters
    ----------
    rleObjs : dict or list of dict
        RLEs with compressed counts, str or bytes. The size is that of the first.

    Returns
    -------
    numpy.ndarray
        uint8 in Fortran order: (H, W) for a dict, (H, W, N) for a list.

    Raises
    ------
    ValueError
        If the counts are broken or do not sum to H * W (where they sum to less, pycocotools
        returns memory as it happens to be), if the list is empty, or if there is no memory for
        the result (the error is a MemoryError as well).
    TypeError
        If there is something else than RLE dicts with compressed counts.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.decode({"size": [2, 3], "counts": "2111"})
    array([[0, 1, 1],
           [0, 0, 1]], dtype=uint8)
    """
    result = shortcuts.decode(rleObjs)
    return _functions.decode(kernels, rleObjs) if result is NotImplemented else result


def merge(rleObjs: Any, intersect: Any = False) -> dict[str, Any]:
    """Unite masks, or intersect them.

    Parameters
    ----------
    rleObjs : list of dict
        RLEs with compressed counts.
    intersect : bool, default False
        Whether to intersect.

    Returns
    -------
    dict
        An RLE with counts as bytes. One RLE alone comes back as it is, whatever its runs sum to.
        For none, and for sizes that differ, it is ``{"size": [0, 0], "counts": b""}``. Runs of no
        pixels in the input may leave some in the result, as in pycocotools.

    Raises
    ------
    ValueError
        If the counts are broken or do not sum to the size. Empty counts crash pycocotools.
    TypeError
        If there is something else than RLE dicts with compressed counts.

    Notes
    -----
    Where two masks have a run of no pixels at one place, pycocotools loses what follows; where
    there are more runs than pixels, it writes past its memory; and it loses foreground beyond
    2**32 pixels. Here all are right.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> rles = [{"size": [2, 3], "counts": "114"}, {"size": [2, 3], "counts": "222"}]
    >>> mask_util.merge(rles), mask_util.merge(rles, intersect=True)
    ({'size': [2, 3], 'counts': b'132'}, {'size': [2, 3], 'counts': b'6'})
    """
    result = shortcuts.merge(rleObjs, intersect)
    return _functions.merge(kernels, rleObjs, intersect) if result is NotImplemented else result


def iou(dt: Any, gt: Any, pyiscrowd: Any) -> Any:
    """Divide intersection by union, of all pairs.

    Parameters
    ----------
    dt, gt : list of dict, list of list, or numpy.ndarray
        RLEs with compressed counts in both, or boxes (N, 4), x y width height, in both.
    pyiscrowd : sequence
        For each of ``gt`` whether it is a crowd: there the intersection is divided by the area of
        ``dt`` alone.

    Returns
    -------
    numpy.ndarray or list
        float64 (m, n) in Fortran order; ``[]`` where ``dt`` or ``gt`` is empty. For RLEs of two
        sizes it is -1 if their bounding boxes overlap, else 0.

    Raises
    ------
    ValueError
        If the counts are broken or do not sum to the size, if arrays have another shape, or if
        ``pyiscrowd`` has not the length of ``gt`` (the error is an AssertionError as well).
    TypeError
        If there is something else than RLE dicts or boxes, or one kind in each.

    Notes
    -----
    pycocotools gives wrong ratios for arrays of boxes in Fortran order, for masks with runs of no
    pixels at one place, and for pairs that cover 2**32 pixels. Here they are right.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.iou([[0, 0, 2, 2]], [[0, 0, 2, 4], [0, 0, 4, 4]], [False, True])
    array([[0.5, 1. ]])
    """
    result = shortcuts.iou(dt, gt, pyiscrowd)
    return _functions.iou(kernels, dt, gt, pyiscrowd) if result is NotImplemented else result


def area(rleObjs: Any) -> Any:
    """Count foreground pixels.

    Parameters
    ----------
    rleObjs : dict or list of dict
        RLEs with compressed counts, of any sizes.

    Returns
    -------
    numpy.uint32 or numpy.ndarray
        uint32 (N,) for a list. It is uint64 where an area has 2**32 pixels or more.

    Raises
    ------
    ValueError
        If the counts are broken or do not sum to the size.
    TypeError
        If there is something else than RLE dicts with compressed counts.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.area([{"size": [2, 3], "counts": "2111"}])
    array([3], dtype=uint32)
    """
    result = shortcuts.area(rleObjs)
    return _functions.area(kernels, rleObjs) if result is NotImplemented else result


def toBbox(rleObjs: Any) -> NDArray[Any]:
    """Bound the foreground.

    Parameters
    ----------
    rleObjs : dict or list of dict
        RLEs with compressed counts, of any sizes.

    Returns
    -------
    numpy.ndarray
        float64, x y width height in pixels: (4,) for a dict, (N, 4) for a list. It is zeros where
        there is no foreground, also where pycocotools finds some in runs of no pixels.

    Raises
    ------
    ValueError
        If the counts are broken or do not sum to the size.
    TypeError
        If there is something else than RLE dicts with compressed counts.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.toBbox({"size": [2, 3], "counts": "2111"})
    array([1., 0., 2., 2.])
    """
    result = shortcuts.toBbox(rleObjs)
    return _functions.to_bbox(kernels, rleObjs) if result is NotImplemented else result


def frPyObjects(pyobj: Any, h: Any, w: Any) -> Any:
    """Convert boxes, polygons or uncompressed RLEs to RLEs.

    Parameters
    ----------
    pyobj : numpy.ndarray, list or dict
        Boxes (N, 4), x y width height, as array or list of lists; or a list of polygons
        ``[x0, y0, x1, y1, ...]``, each of which becomes a mask of its own; or a dict or a list of
        dicts ``{"size": [H, W], "counts": list of int}``. The first of a list tells the kind. If it
        has four numbers, all are boxes, and each must have four. After a longer first ring, four
        numbers are a polygon of two points, which covers nothing.
    h, w : int
        The image's height and width. Uncompressed RLEs have their own.

    Returns
    -------
    dict or list of dict
        RLEs with counts as bytes; a dict for a dict.

    Raises
    ------
    ValueError
        For an empty list (the error is an IndexError as well), arrays of other shapes, runs that
        are negative, and coordinates that are NaN or beyond 2**30, for which pycocotools takes all
        memory there is; also if there is no memory for the masks (the error is a MemoryError as
        well).
    TypeError
        If there is something else.

    Notes
    -----
    pycocotools decides in the same way, but then fails with a TypeError for boxes as lists, as it
    reads boxes from arrays only. :meth:`segcore.Masks.from_coco` makes the same choice for rings of
    four numbers, with a warning.

    Polygons follow ``rleFrPoly`` of the COCO API to the pixel: even-odd within the ring. The last
    of an odd number of coordinates is dropped, and fewer than three points cover nothing. Run
    lengths are only written in the other form: runs of no pixels stay, and nobody sums them up.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.frPyObjects([[1, 1, 1, 3, 4, 3, 4, 1]], 4, 6)
    [{'size': [4, 6], 'counts': b'5220007'}]
    >>> mask_util.frPyObjects([[1, 1, 3, 2]], 4, 6)
    [{'size': [4, 6], 'counts': b'5220007'}]
    >>> mask_util.frPyObjects({"size": [4, 6], "counts": [5, 2, 17]}, 4, 6)
    {'size': [4, 6], 'counts': b'52a0'}
    """
    result = shortcuts.frPyObjects(pyobj, h, w)
    return _functions.from_objects(kernels, pyobj, h, w) if result is NotImplemented else result


def frBbox(bb: Any, h: Any, w: Any) -> list[dict[str, Any]]:
    """Convert boxes to RLEs: see :func:`frPyObjects`.

    Parameters
    ----------
    bb : array_like
        Numbers (N, 4): x y width height.
    h, w : int
        The image's height and width.

    Returns
    -------
    list of dict
        RLEs with counts as bytes.

    Raises
    ------
    ValueError, TypeError
        As :func:`frPyObjects`.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.frBbox([[0.5, 0.5, 1, 1]], 2, 2)
    [{'size': [2, 2], 'counts': b'31'}]
    """
    return _functions.from_boxes(kernels, bb, h, w)


def frPoly(poly: Any, h: Any, w: Any) -> list[dict[str, Any]]:
    """Convert polygons to RLEs: see :func:`frPyObjects`.

    Parameters
    ----------
    poly : list of list
        Polygons ``[x0, y0, x1, y1, ...]``, each a mask of its own, with any number of points.
    h, w : int
        The image's height and width.

    Returns
    -------
    list of dict
        RLEs with counts as bytes.

    Raises
    ------
    ValueError, TypeError
        As :func:`frPyObjects`.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.frPoly([[0, 0, 2, 0, 2, 2], [0, 0, 2, 2]], 2, 2)
    [{'size': [2, 2], 'counts': b'211'}, {'size': [2, 2], 'counts': b'4'}]
    """
    return _functions.from_polygons(kernels, poly, h, w)


def frUncompressedRLE(ucRles: Any, h: Any, w: Any) -> list[dict[str, Any]]:
    """Compress lists of run lengths: see :func:`frPyObjects`.

    Parameters
    ----------
    ucRles : list of dict
        ``{"size": [H, W], "counts": list of int}``.
    h, w : int
        Not used, but they must be a size.

    Returns
    -------
    list of dict
        RLEs with counts as bytes, and the sizes of the given ones.

    Raises
    ------
    ValueError, TypeError
        As :func:`frPyObjects`.

    Examples
    --------
    >>> from segcore.compat import pycocotools as mask_util
    >>> mask_util.frUncompressedRLE([{"size": [4, 6], "counts": [5, 2, 17]}], 4, 6)
    [{'size': [4, 6], 'counts': b'52a0'}]
    """
    return _functions.from_runs(ucRles, h, w)
