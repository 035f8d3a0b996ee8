"""Drop-in replacement for ``pycocotools.mask``: the same functions and results, with our kernels.

>>> import numpy as np
>>> from segcore.compat.pycocotools import mask as mask_util
>>> rle = mask_util.encode(np.array([[0, 1, 1], [0, 0, 1]], np.uint8))
>>> rle
{'size': [2, 3], 'counts': b'2111'}
>>> mask_util.area(rle)
np.uint32(3)

Values, dtypes, shapes, memory order, dict keys and bytes equal those of pycocotools 2.0.11, where
these are defined. The differences are:

- Input that pycocotools does not validate, and which can crash it or make it read foreign memory,
  raises a ValueError or TypeError that names the object: RLEs whose runs do not sum to their size,
  invalid characters in counts, negative runs, and coordinates that are NaN, infinite or beyond
  2**30. Images must have fewer than 2**59 pixels.
- Results are correct for images of 2**31 pixels and more, where pycocotools' 32-bit counters
  overflow.
- The strides of arrays are respected.
- More types are accepted: arrays that are not in Fortran order, CPU tensors, tuples instead of
  lists, and boxes as a list of lists in :func:`frPyObjects`.

The functions that only ``pycocotools._mask`` has are included: :func:`frPoly`, :func:`frBbox` and
:func:`frUncompressedRLE`.

The names of functions and parameters are those of the COCO API
(https://github.com/cocodataset/cocoapi), which defines their meaning.
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

# As globals, since looking up an attribute takes a tenth of the time of a small call.
_area, _decode, _encode, _frPyObjects, _iou, _merge, _toBbox = shortcuts_of(kernels)

_mask = sys.modules[__name__]  # the name of the extension module in pycocotools.mask


def encode(bimask: Any) -> Any:
    """Encode binary masks.

    Parameters
    ----------
    bimask : array_like
        uint8 or bool, shape (H, W) for a single mask or (H, W, N) for N masks. Fortran order, which
        pycocotools requires, is the fastest.

    Returns
    -------
    dict or list of dict
        RLE ``{"size": [H, W], "counts": bytes}`` of a single mask, or a list of the RLEs of N
        masks. As in pycocotools, a run ends wherever the value changes, so values other than 0 and
        1 give unexpected masks: a 2 after a 1 is background.

    Raises
    ------
    ValueError
        If the dtype is not uint8 or bool, or the array is not 2-D or 3-D (where pycocotools returns
        None).

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> mask_util.encode(np.ones((2, 3, 1), np.uint8, order="F"))
    [{'size': [2, 3], 'counts': b'06'}]
    """
    result = _encode(bimask)
    return _functions.encode(kernels, bimask) if result is None else result


def decode(rleObjs: Any) -> NDArray[Any]:
    """Decode RLEs.

    Parameters
    ----------
    rleObjs : dict or list of dict
        RLEs with compressed counts (str or bytes). All are decoded at the image size of the first.

    Returns
    -------
    numpy.ndarray
        uint8 in Fortran order, shape (H, W) for a dict or (H, W, N) for a list.

    Raises
    ------
    ValueError
        If counts are malformed or do not sum to H * W (if they sum to less, pycocotools returns
        uninitialized memory), the list is empty, or the result does not fit into memory. In the
        last case, the exception is also an instance of MemoryError.
    TypeError
        If an object is not an RLE dict with compressed counts.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> mask_util.decode({"size": [2, 3], "counts": "2111"})
    array([[0, 1, 1],
           [0, 0, 1]], dtype=uint8)
    """
    result = _decode(rleObjs)
    return _functions.decode(kernels, rleObjs) if result is None else result


def merge(rleObjs: Any, intersect: Any = False) -> dict[str, Any]:
    """Compute the union or the intersection of masks.

    Parameters
    ----------
    rleObjs : list of dict
        RLEs with compressed counts.
    intersect : bool, default False
        Whether to compute the intersection instead of the union.

    Returns
    -------
    dict
        RLE with counts as bytes. A single RLE is returned unchanged, regardless of the sum of its
        runs. If the list is empty or the image sizes differ, the result is
        ``{"size": [0, 0], "counts": b""}``. As in pycocotools, the result may have runs of length
        zero if the input has.

    Raises
    ------
    ValueError
        If counts are malformed or do not sum to the size. (Empty counts crash pycocotools.)
    TypeError
        If an object is not an RLE dict with compressed counts.

    Notes
    -----
    pycocotools returns truncated results if two masks have runs of length zero at the same pixel,
    writes out of bounds if there are more runs than pixels, and loses foreground beyond 2**32
    pixels. The results of this function are correct in these cases.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> rles = [{"size": [2, 3], "counts": "114"}, {"size": [2, 3], "counts": "222"}]
    >>> mask_util.merge(rles), mask_util.merge(rles, intersect=True)
    ({'size': [2, 3], 'counts': b'132'}, {'size': [2, 3], 'counts': b'6'})
    """
    result = _merge(rleObjs, intersect)
    return _functions.merge(kernels, rleObjs, intersect) if result is None else result


def iou(dt: Any, gt: Any, pyiscrowd: Any) -> Any:
    """Compute the pairwise IoU of masks or boxes.

    Parameters
    ----------
    dt, gt : list of dict, list of list, or numpy.ndarray
        m detections and n ground-truth objects: either RLEs with compressed counts for both, or
        boxes x y width height, shapes (m, 4) and (n, 4), for both.
    pyiscrowd : sequence
        Shape (n,). Where true, the intersection is divided by the area of the detection alone.

    Returns
    -------
    numpy.ndarray or list
        IoU of every pair: float64, shape (m, n), in Fortran order; or the list ``[]`` if `dt` or
        `gt` is empty. The IoU of two RLEs of different image sizes is -1 if their bounding boxes
        overlap, and 0 otherwise.

    Raises
    ------
    ValueError
        If counts are malformed or do not sum to the size, boxes do not have shape (N, 4), or
        `pyiscrowd` and `gt` differ in length. In the last case, the exception is also an instance
        of AssertionError.
    TypeError
        If an object is neither an RLE dict nor a box, or only one of `dt` and `gt` consists of
        boxes.

    Notes
    -----
    pycocotools returns wrong values for arrays of boxes in Fortran order, for two masks with runs
    of length zero at the same pixel, and for pairs whose union has 2**32 pixels or more. The
    results of this function are correct in these cases.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> mask_util.iou([[0, 0, 2, 2]], [[0, 0, 2, 4], [0, 0, 4, 4]], [False, True])
    array([[0.5, 1. ]])
    """
    result = _iou(dt, gt, pyiscrowd)
    return _functions.iou(kernels, dt, gt, pyiscrowd) if result is None else result


def area(rleObjs: Any) -> Any:
    """Compute the areas of masks.

    Parameters
    ----------
    rleObjs : dict or list of dict
        RLEs with compressed counts, of any image sizes.

    Returns
    -------
    numpy.uint32 or numpy.ndarray
        Area in pixels: a scalar for a dict, shape (N,) for a list. The dtype is uint32, or uint64
        if an area is 2**32 pixels or more.

    Raises
    ------
    ValueError
        If counts are malformed or do not sum to the size.
    TypeError
        If an object is not an RLE dict with compressed counts.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> mask_util.area([{"size": [2, 3], "counts": "2111"}])
    array([3], dtype=uint32)
    """
    result = _area(rleObjs)
    return _functions.area(kernels, rleObjs) if result is None else result


def toBbox(rleObjs: Any) -> NDArray[Any]:
    """Compute the bounding boxes of masks.

    Parameters
    ----------
    rleObjs : dict or list of dict
        RLEs with compressed counts, of any image sizes.

    Returns
    -------
    numpy.ndarray
        Boxes x y width height in pixels: float64, shape (4,) for a dict or (N, 4) for a list. Zeros
        for empty masks. (pycocotools returns other boxes for empty masks that have runs of length
        zero.)

    Raises
    ------
    ValueError
        If counts are malformed or do not sum to the size.
    TypeError
        If an object is not an RLE dict with compressed counts.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> mask_util.toBbox({"size": [2, 3], "counts": "2111"})
    array([1., 0., 2., 2.])
    """
    result = _toBbox(rleObjs)
    return _functions.to_bbox(kernels, rleObjs) if result is None else result


def frPyObjects(pyobj: Any, h: Any, w: Any) -> Any:
    """Convert boxes, polygons or uncompressed RLEs to RLEs.

    Parameters
    ----------
    pyobj : numpy.ndarray, list or dict
        One of:

        - boxes x y width height: an array or a list of lists, shape (N, 4);
        - polygons: a list of rings ``[x0, y0, x1, y1, ...]``, one per mask;
        - uncompressed RLEs: a dict ``{"size": [H, W], "counts": list of int}`` or a list of dicts.

        The first item determines how a list is read. If it has four numbers, all items must be
        boxes. Otherwise all items are polygons, and those with four numbers have two points and
        cover no pixels.
    h, w : int
        Image height and width. Uncompressed RLEs have their own size.

    Returns
    -------
    dict or list of dict
        RLEs with counts as bytes; a dict if `pyobj` is a dict.

    Raises
    ------
    ValueError
        If the list is empty, an array does not have shape (N, 4), a run is negative, a coordinate
        is NaN or beyond 2**30 (where pycocotools exhausts the memory), or the result does not fit
        into memory. The exception is also an instance of IndexError in the first case, and of
        MemoryError in the last.
    TypeError
        If an object is none of the above.

    Notes
    -----
    pycocotools distinguishes boxes and polygons in the same way, but raises a TypeError for lists
    of boxes, because it only reads boxes from arrays. :meth:`segcore.Masks.from_coco` also reads
    rings of four numbers as boxes, with a warning.

    Polygons are rasterized by the even-odd rule, pixel for pixel as by ``rleFrPoly`` of the COCO
    API. The last of an odd number of coordinates is dropped, and rings of fewer than three points
    cover no pixels. Run lengths are compressed unchanged: runs of length zero are kept, and the sum
    of the runs is not checked.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> mask_util.frPyObjects([[1, 1, 1, 3, 4, 3, 4, 1]], 4, 6)
    [{'size': [4, 6], 'counts': b'5220007'}]
    >>> mask_util.frPyObjects([[1, 1, 3, 2]], 4, 6)
    [{'size': [4, 6], 'counts': b'5220007'}]
    >>> mask_util.frPyObjects({"size": [4, 6], "counts": [5, 2, 17]}, 4, 6)
    {'size': [4, 6], 'counts': b'52a0'}
    """
    result = _frPyObjects(pyobj, h, w)
    return _functions.from_objects(kernels, pyobj, h, w) if result is None else result


def frBbox(bb: Any, h: Any, w: Any) -> list[dict[str, Any]]:
    """Convert boxes to RLEs: see :func:`frPyObjects`.

    Parameters
    ----------
    bb : array_like
        Boxes x y width height, shape (N, 4).
    h, w : int
        Image height and width.

    Returns
    -------
    list of dict
        RLEs with counts as bytes.

    Raises
    ------
    ValueError, TypeError
        If boxes are invalid; see :func:`frPyObjects`.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> mask_util.frBbox([[0.5, 0.5, 1, 1]], 2, 2)
    [{'size': [2, 2], 'counts': b'31'}]
    """
    return _functions.from_boxes(kernels, bb, h, w)


def frPoly(poly: Any, h: Any, w: Any) -> list[dict[str, Any]]:
    """Convert polygons to RLEs: see :func:`frPyObjects`.

    Parameters
    ----------
    poly : list of list
        Polygons ``[x0, y0, x1, y1, ...]``, one per mask, with any number of points.
    h, w : int
        Image height and width.

    Returns
    -------
    list of dict
        RLEs with counts as bytes.

    Raises
    ------
    ValueError, TypeError
        If polygons are invalid; see :func:`frPyObjects`.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
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
        Ignored, but must be a valid image size.

    Returns
    -------
    list of dict
        RLEs with counts as bytes and the sizes of the given RLEs.

    Raises
    ------
    ValueError, TypeError
        If run lengths are invalid; see :func:`frPyObjects`.

    Examples
    --------
    >>> from segcore.compat.pycocotools import mask as mask_util
    >>> mask_util.frUncompressedRLE([{"size": [4, 6], "counts": [5, 2, 17]}], 4, 6)
    [{'size': [4, 6], 'counts': b'52a0'}]
    """
    return _functions.from_runs(ucRles, h, w)
