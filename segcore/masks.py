"""`Masks`, a batch of binary masks stored as run ends."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from segcore._batch import Batch, Offsets, RunEnds, joined, offsets_of
from segcore._gather import taken
from segcore._input import bfloat16
from segcore._input.arrays import (
    Size,
    allocate,
    as_array,
    as_array_or_bits,
    as_boxes,
    as_integer,
    as_integers,
    as_label_map,
    as_output,
    as_size,
    as_threshold,
    check_connectivity,
    described,
)
from segcore._input.dense import check_numeric, decode, for_encode
from segcore._input.extras import require
from segcore._input.integer_boxes import as_integer_boxes
from segcore._input.recognize import dense_hint, is_image_like, masks_hint, shape_hint
from segcore._input.run_ends import as_batch
from segcore._input.warn import warn
from segcore._rings.contours import read_contours
from segcore._rings.simplify import simplify
from segcore._rings.simplify_shared import simplify_shared
from segcore._rings.split import Rings, split_at_corners
from segcore._seal import seal, seal_batch, slice_batch
from segcore._text import counted
from segcore.backends import kernels
from segcore.backends.protocol import AND, NEITHER, OR, WITHOUT, XOR
from segcore.backends.runs import batch_of
from segcore.formats import coco
from segcore.ops import geometry, tiles
from segcore.polygons import Polygons, fill

Index: TypeAlias = "int | slice | ArrayLike"


class Masks:
    """A batch of N binary masks of the same image size, stored as run ends.

    The run ends of a mask are the column-major pixel offsets at which it changes between background
    and foreground, starting from background. The offset of pixel (y, x) is ``x * H + y``. For
    example, ``[]`` is an empty mask, ``[0]`` is a full one, and ``[3, 6]`` contains the pixels 3, 4
    and 5. Run ends are strictly increasing, so two masks are equal if and only if their run ends
    are equal. COCO's run lengths are the differences between consecutive run ends, with 0 in front
    and ``H * W`` at the end.

    Batches are usually created with :meth:`from_dense`, :meth:`from_coco`, :meth:`from_polygons`,
    :meth:`from_boxes` or :meth:`from_label_map`. The constructor takes run ends and validates them.

    A batch is immutable, so it can be shared between threads and used as a dictionary key. There is
    no class for a single mask: it is a batch of one.

    Parameters
    ----------
    run_ends : array_like of int
        Run ends of all masks, concatenated. They are copied.
    offsets : array_like of int
        Shape (N + 1,). The run ends of mask ``i`` are ``run_ends[offsets[i]:offsets[i + 1]]``.
    size : sequence of int
        Image size (H, W), with fewer than 2**59 pixels.

    Raises
    ------
    ValueError
        If the offsets do not partition the run ends, or the run ends of a mask are not strictly
        increasing within [0, H * W).
    TypeError
        If the run ends, offsets or size are not integers.

    Notes
    -----
    Operators work mask by mask, on two batches of N masks each, or on N masks and a batch of one:

    - ``a & b``, ``a | b``, ``a - b`` and ``a ^ b``: intersection, union, difference and symmetric
      difference;
    - ``~a``: complement.

    Batches can be indexed like 1-D arrays, and the result is always a `Masks`:

    - ``masks[i]``: mask i, as a batch of one; a negative i counts from the end;
    - ``masks[i:j]``: a slice, without a copy;
    - ``masks[index]``: the masks at an array of integers, or where a boolean array of shape (N,) is
      True.

    ``len(masks)`` is N. Iteration yields batches of one. ``a == b`` returns a single bool: whether
    both batches have the same image size and the same masks in the same order.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks([3, 6, 0], [0, 2, 3], (3, 4))
    >>> masks
    Masks(2 masks of 3 x 4, 3 run ends)
    >>> masks.to_dense(int)[0]
    array([[0, 1, 0, 0],
           [0, 1, 0, 0],
           [0, 1, 0, 0]])
    >>> (masks[1] - masks[0]).area, (~masks).area
    (array([9]), array([9, 0]))
    """

    __slots__ = ("__weakref__", "_batch")

    _batch: Batch

    # Without this, NumPy would iterate over the batch as a nested sequence, without end.
    __array_ufunc__ = None

    def __init__(self, run_ends: ArrayLike, offsets: ArrayLike, size: Iterable[int]) -> None:
        self._batch = seal_batch(as_batch(run_ends, offsets, as_size(size), copy=True))

    @classmethod
    def _trusted(cls, batch: Batch) -> Masks:
        """Wrap the result of a kernel, without validation."""
        masks = cls.__new__(cls)
        masks._batch = seal_batch(batch)
        return masks

    # -- constructors -----------------------------------------------------------------------------

    @classmethod
    def from_dense(
        cls,
        dense: ArrayLike,
        threshold: float | None = None,
        size: Iterable[int] | None = None,
    ) -> Masks:
        """Encode a dense array.

        Parameters
        ----------
        dense : array_like
            Shape (N, H, W), or (H, W) for a batch of one: bool, integer or float, with any strides
            and byte order. NumPy arrays, CPU tensors (DLPack) and buffers are not copied. Tensors
            and ml_dtypes arrays may also be bfloat16.
        threshold : float, optional
            Values greater than the threshold are foreground; NaN is background. Required for
            floats. If None, nonzero values of a bool or integer array are foreground. The threshold
            is rounded to the dtype of a float array, as in NumPy; integers are compared with the
            unrounded threshold.
        size : sequence of int, optional
            Expected image size (H, W). If given, masks of any other size, such as an array of shape
            (H, W, N), raise a ValueError.

        Returns
        -------
        Masks
            N masks of size (H, W).

        Raises
        ------
        ValueError
            If a float array is passed without a threshold, the array is not 2-D or 3-D, or the
            masks do not have the size `size`.
        TypeError
            If the dtype is not bool, integer or float, or the array is on a GPU.

        Warns
        -----
        UserWarning
            If `size` is not given, the last axis has length 1, 3 or 4, and the other two have
            length 64 or more: the array may be an image, or masks in (H, W, N) layout. Pass `size`
            to encode masks that are 1, 3 or 4 pixels wide.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_dense([[0, 1], [0, 1]]).run_ends
        array([2], dtype=uint32)
        >>> sc.Masks.from_dense([[[0.2, 0.7]], [[0.5, 0.9]]], threshold=0.5).area
        array([1, 1])
        """
        array, is_bfloat16 = as_array_or_bits(dense, "dense")
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"dense: expected a bool, integer or float dtype, got {array.dtype}"
                f"{dense_hint(dense, array)}"
            )
        if array.ndim != 3:
            if array.ndim != 2:
                raise ValueError(
                    f"dense: expected the shape (N, H, W) or (H, W), got {array.shape}"
                    f"{shape_hint(array.shape)}"
                )
            array = array[None]
        if threshold is not None:
            threshold = as_threshold(threshold)
        common = as_size(array.shape[1:])
        if size is not None:
            _check_dense_size(array.shape, common, as_size(size))
        elif common[1] <= 4 and is_image_like(array.shape):
            warn(
                f"dense: {array.shape} is read as {len(array)} masks of {common[0]} x {common[1]} "
                "pixels; if the last axis counts the masks, or an image's channels, write "
                "np.moveaxis(dense, -1, 0); if not, pass size=(H, W)"
            )
        if is_bfloat16:
            return cls._from_bfloat16(array, threshold)
        array, threshold = for_encode(array, threshold)
        return cls._trusted(kernels.encode(array, threshold))

    @classmethod
    def _from_bfloat16(cls, bits: NDArray[Any], threshold: float | None) -> Masks:
        """Encode bfloat16 bits, which sort like the numbers except for sign and NaN."""
        if threshold is None:
            raise ValueError("dense: bfloat16 needs a threshold; pass threshold=0.5")

        def above(integers: NDArray[Any], limit: int) -> Masks:
            return cls._trusted(kernels.encode(integers, float(limit)))

        limit = bfloat16.rounded(threshold)
        if limit == bfloat16.MINUS_ZERO:
            limit = 0
        if limit < bfloat16.MINUS_ZERO:
            signed = bits.view(np.int16)
            return above(signed, limit) ^ above(signed, bfloat16.INFINITY)
        # As unsigned integers: 0 to infinity, NaN, then the negative numbers from -0 downward.
        below = above(bits, bfloat16.MINUS_ZERO - 1) ^ above(bits, limit - 1)
        return ~(below ^ above(bits, bfloat16.INFINITY))

    @classmethod
    def from_bits(
        cls, packed: ArrayLike, size: Iterable[int], bitorder: Literal["big", "little"] = "big"
    ) -> Masks:
        """Encode masks packed to one bit per pixel.

        Masks that are thresholded and packed on a GPU take an eighth of the bytes to transfer.

        Parameters
        ----------
        packed : array_like
            uint8, shape (N, H, B), or (H, B) for a batch of one, where B = ceil(W / 8), as returned
            by ``numpy.packbits(masks, axis=-1)``. Padding bits at the end of a row are ignored.
        size : sequence of int
            Image size (H, W), both below 2**31.
        bitorder : {"big", "little"}
            Whether the first pixel of a byte is its most or least significant bit, as in NumPy.

        Returns
        -------
        Masks
            N masks of size (H, W).

        Raises
        ------
        ValueError
            If the shape does not match `size`, a side is too long, or the bit order is unknown.
        TypeError
            If the dtype is not uint8, or the array is on a GPU.

        Examples
        --------
        >>> import numpy as np
        >>> import segcore as sc
        >>> dense = np.zeros((2, 5, 12), bool)
        >>> dense[1, 2:4, 3:11] = True
        >>> sc.Masks.from_bits(np.packbits(dense, axis=-1), (5, 12)).area
        array([ 0, 16])
        """
        array = as_array(packed, "packed")
        if array.dtype != np.uint8:
            raise TypeError(f"packed: expected uint8, eight pixels per byte, got {array.dtype}")
        height, width = as_size(size)
        if max(height, width) >= 2**31:
            raise ValueError(f"size: expected sides below 2**31, got ({height}, {width})")
        expected = (height, (width + 7) // 8)
        if array.ndim not in (2, 3) or array.shape[-2:] != expected:
            raise ValueError(
                f"packed: expected the shape (N, {expected[0]}, {expected[1]}), eight pixels per "
                f"byte for size ({height}, {width}), got {array.shape}"
            )
        if bitorder not in ("big", "little"):
            raise ValueError(f"bitorder: expected 'big' or 'little', got {described(bitorder)}")
        rows = np.ascontiguousarray(array if array.ndim == 3 else array[None])
        return cls._trusted(kernels.encode_bits(rows, width, bitorder == "little"))

    @classmethod
    def from_coco(cls, objects: Iterable[Any], size: Iterable[int] | None = None) -> Masks:
        """Convert COCO objects to masks.

        Parameters
        ----------
        objects : iterable
            One object per mask. The following kinds may be mixed:

            - an RLE dict ``{"size": [H, W], "counts": ...}``, where counts are COCO's compressed
              string (str, bytes, bytearray or memoryview) or a list of run lengths, starting with
              background;
            - a list of RLE dicts: the parts of one mask, which are merged, as by pycocotools'
              ``annToRLE``;
            - polygons: a list of rings ``[x0, y0, x1, y1, ...]``, a single ring, or a ring as an
              array of shape (K, 2); see :meth:`from_polygons`. An empty list is an empty mask. If
              the first ring of a list has four numbers, all rings are boxes (x, y, width, height),
              as in pycocotools' ``frPyObjects``, and a warning names the object;
            - a dense mask, such as SAM's automatic mask generator returns: a boolean or integer
              array of shape (H, W). All nonzero pixels of an integer mask must have the same value.
              Integers of shape (K, 2) are a ring;
            - an annotation dict with any of these as its ``"segmentation"``.

            A single dict is a batch of one. Dicts may be any mappings. Lists may also be tuples,
            other sequences, NumPy arrays (including ``dtype=object``, as read from Parquet files)
            or CPU tensors. Numbers may be NumPy scalars. None and NaN stand for a missing
            segmentation, which raises a :class:`MaskTypeError`.
        size : sequence of int, optional
            Image size (H, W). Required if all objects are polygons or boxes. If given, RLEs and
            dense masks must have this size.

        Returns
        -------
        Masks
            One mask per object, in the same order.

        Raises
        ------
        ValueError, TypeError
            If image sizes differ, counts are malformed, a ring has an odd number of coordinates, or
            an object is of none of the kinds above. The message contains the index of the object
            and the id of its annotation.

        Warns
        -----
        UserWarning
            If rings of four numbers are read as boxes, or all coordinates of all polygons are
            between 0 and 1 and some are fractions, so that they are probably normalized.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_coco(
        ...     [
        ...         {"size": [4, 6], "counts": "5220007"},
        ...         {"size": [4, 6], "counts": [5, 2, 17]},
        ...         {"id": 7, "segmentation": [[1, 1, 1, 3, 4, 3, 4, 1]]},
        ...     ]
        ... )
        >>> masks.area
        array([6, 2, 6])
        """
        common, parts = coco.read_objects(objects, size)
        if not parts:
            return cls._trusted(batch_of([], *common))
        if len(parts) == 1:
            return cls._trusted(parts[0].batch)
        indices = np.concatenate([part.indices for part in parts])
        batch = joined([part.batch for part in parts])
        return cls._trusted(taken(batch, np.argsort(indices)))

    @classmethod
    def from_polygons(
        cls,
        polygons: Polygons | Iterable[Any],
        size: Iterable[int] | None = None,
        rule: Literal["coco", "even-odd", "non-zero", "holes"] = "coco",
    ) -> Masks:
        """Rasterize polygons, pixel for pixel as the COCO API does.

        Parameters
        ----------
        polygons : iterable or Polygons
            The result of :meth:`to_polygons`, or one object per mask: a list of rings, a single
            ring, or a geometry. A ring is a flat list ``[x0, y0, x1, y1, ...]``, a list of points
            ``[[x0, y0], ...]``, or an array of shape (2 K,), (K, 2), or (K, 1, 2) as in OpenCV. A
            geometry is a GeoJSON Polygon or MultiPolygon, optionally in a Feature or
            GeometryCollection, or an object with a ``__geo_interface__``, such as a shapely
            geometry. Coordinates are in pixels, may lie outside the image, and refer to pixel
            corners: the first pixel spans (0, 0) to (1, 1). A mask without rings is empty. Rings of
            fewer than three points cover no pixels, but at least one ring of a mask must have three
            or more points.
        size : sequence of int, optional
            Image size (H, W). Required unless `polygons` is a :class:`Polygons`, whose size is the
            default.
        rule : {"coco", "even-odd", "non-zero", "holes"}
            How the rings of an object combine:

            - ``"coco"``: each ring is filled by the even-odd rule, and they are united;
            - ``"even-odd"``: a pixel is foreground if an odd number of rings winds around it;
            - ``"non-zero"``: a pixel is foreground if its winding number is not 0, so that rings
              that run in opposite directions cancel out;
            - ``"holes"``: the first ring of a list is filled, and the others are holes in it.

            The holes (interior rings) of a :class:`Polygons` or a geometry are background with
            every rule.

        Returns
        -------
        Masks
            One mask per object.

        Raises
        ------
        ValueError, TypeError
            If a ring has an odd number of coordinates, a coordinate is NaN or beyond 2**30, none of
            the rings of a mask has three or more points, or a ring has an unknown form. The message
            contains the index of the mask and of the ring. If `rule` is unknown, is not ``"coco"``
            for a :class:`Polygons`, or is ``"holes"`` for a geometry.

        Warns
        -----
        UserWarning
            If all coordinates are between 0 and 1 and some are fractions, so that they are probably
            normalized.

        Notes
        -----
        Rasterization follows ``rleFrPoly`` of the COCO API.

        OpenCV's contours pass through the centers of the outermost pixels, some of which are lost
        here; :meth:`from_contours` keeps them. The rings of :meth:`to_polygons` follow the pixel
        edges, so no pixels are lost.

        Examples
        --------
        >>> import segcore as sc
        >>> triangle = [[0, 0], [4, 0], [0, 4]]
        >>> squares = [[0, 0, 2, 0, 2, 2, 0, 2], [2, 2, 4, 2, 4, 4, 2, 4]]
        >>> sc.Masks.from_polygons([triangle, squares], (4, 4)).to_dense(int)
        array([[[1, 1, 1, 0],
                [1, 1, 0, 0],
                [1, 0, 0, 0],
                [0, 0, 0, 0]],
        <BLANKLINE>
               [[1, 1, 0, 0],
                [1, 1, 0, 0],
                [0, 0, 1, 1],
                [0, 0, 1, 1]]])
        """
        if isinstance(polygons, Polygons):
            if rule != "coco":
                raise ValueError("rule: not used for Polygons, which already mark their holes")
            common = polygons.size if size is None else as_size(size)
            return cls._trusted(fill(polygons, common))
        if size is None:
            raise ValueError("size: polygons have no image size; pass size=(H, W)")
        return cls._trusted(coco.read_polygons(polygons, size, rule))

    @classmethod
    def from_contours(
        cls, contours: Iterable[ArrayLike], size: Iterable[int], hierarchy: ArrayLike | None = None
    ) -> Masks:
        """Rasterize contours of OpenCV, whose vertices are the centers of pixels.

        Parameters
        ----------
        contours : iterable of array_like of int
            Contours as returned by ``cv2.findContours``: arrays of shape (K, 1, 2) or (K, 2), with
            one or more vertices x y. They may lie outside the image.
        size : sequence of int
            Image size (H, W).
        hierarchy : array_like of int, optional
            The hierarchy returned by ``cv2.findContours`` with ``RETR_CCOMP`` or ``RETR_TREE``:
            shape (1, C, 4) for C contours. It tells which contours are holes.

        Returns
        -------
        Masks
            One mask per contour that is not a hole, in the order of the contours: the pixels on the
            contour and on those of its holes, and the pixels between them.

        Raises
        ------
        ValueError
            If a contour does not have one of the shapes, a coordinate is beyond 2**29, or
            `hierarchy` has another number of contours or no outermost one.
        TypeError
            If the coordinates are not integers.

        See Also
        --------
        from_polygons : Rasterize polygons whose coordinates refer to corners of pixels.

        Notes
        -----
        The result equals that of ``cv2.fillPoly`` for contours returned by ``cv2.findContours``
        with ``CHAIN_APPROX_NONE`` or ``CHAIN_APPROX_SIMPLE``, whose edges are horizontal, vertical
        or diagonal; objects that are one pixel wide survive. Along other edges, OpenCV may round to
        the neighboring pixel.

        Examples
        --------
        A line, which is one pixel wide, and a square with a hole:

        >>> import segcore as sc
        >>> line, square = [[0, 0], [4, 0]], [[1, 2], [1, 5], [4, 5], [4, 2]]
        >>> hole = [[1, 3], [2, 2], [3, 2], [4, 3], [4, 4], [3, 5], [2, 5], [1, 4]]
        >>> hierarchy = [[[1, -1, -1, -1], [-1, 0, 2, -1], [-1, -1, -1, 1]]]
        >>> sc.Masks.from_contours([line, square, hole], (6, 6), hierarchy).area
        array([ 5, 12])
        """
        return cls._trusted(read_contours(contours, as_size(size), hierarchy))

    @classmethod
    def from_boxes(cls, boxes: ArrayLike, size: Iterable[int]) -> Masks:
        """Rasterize boxes.

        Parameters
        ----------
        boxes : array_like
            Shape (N, 4): x0 y0 x1 y1 in pixels, half-open. Boxes may extend beyond the image.
        size : sequence of int
            Image size (H, W).

        Returns
        -------
        Masks
            N masks. A box with fractional coordinates is rasterized like the polygon of its four
            corners (see :meth:`from_polygons`).

        Raises
        ------
        ValueError
            If the shape is not (N, 4), x1 < x0 or y1 < y0 in a box, or a coordinate is NaN or
            beyond 2**30.
        TypeError
            If the dtype is not numeric.

        Warns
        -----
        UserWarning
            If all coordinates are between 0 and 1 and some are fractions, so that they are probably
            normalized.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[1, 0, 3, 2]], (3, 4)).to_dense(int)[0]
        array([[0, 1, 1, 0],
               [0, 1, 1, 0],
               [0, 0, 0, 0]])
        """
        common = as_size(size)
        corners = as_boxes(boxes)
        batch = kernels.rasterize_boxes(corners, *common)
        coco.warn_of_normalized(corners, batch)
        return cls._trusted(batch)

    @classmethod
    def from_label_map(
        cls,
        labels: ArrayLike,
        background: int | None = 0,
        ignore: int | Iterable[int] | None = None,
    ) -> tuple[NDArray[Any], Masks]:
        """Split a label map into one mask per label.

        Parameters
        ----------
        labels : array_like of int
            Labels (class ids, instance ids or any others) of shape (H, W), with any strides and
            byte order.
        background : int or None, default 0
            Label to leave out. If None, every label gets a mask.
        ignore : int or iterable of int, optional
            Further labels to leave out, such as 255.

        Returns
        -------
        ids : numpy.ndarray
            Distinct labels in ascending order: shape (N,), in the dtype of `labels`.
        masks : Masks
            N masks of size (H, W), one per label.

        Raises
        ------
        TypeError
            If `labels`, `background` or `ignore` are not integers.
        ValueError
            If `labels` is not 2-D.

        See Also
        --------
        components : Split masks into connected components.
        segcore.maps.ids : Decode ids from colors, or to class and instance ids.

        Examples
        --------
        >>> import segcore as sc
        >>> ids, masks = sc.Masks.from_label_map([[0, 5, 5], [2, 255, 5]], ignore=255)
        >>> ids, masks.area
        (array([2, 5]), array([1, 3]))
        """
        array = as_label_map(labels, "labels")
        if background is not None:
            background = as_integer(background, "background")
        ids, batch = kernels.label_runs(array, background)
        masks = cls._trusted(batch)
        if ignore is not None:
            labels_to_ignore = ignore if isinstance(ignore, Iterable) else [ignore]
            ignored = {as_integer(label, "ignore") for label in labels_to_ignore}
            kept = [i for i, label in enumerate(ids.tolist()) if label not in ignored]
            if len(kept) < len(ids):
                return ids[kept], masks[kept]
        return ids, masks

    @classmethod
    def from_tiles(
        cls,
        parts: Iterable[Any],
        boxes: ArrayLike,
        size: Iterable[int],
        threshold: float | None = None,
    ) -> Masks:
        """Encode masks of a large canvas tile by tile.

        Parameters
        ----------
        parts : iterable
            The masks within each of T tiles: arrays of shape (N, h, w), or (h, w) for a batch of
            one, as in :meth:`from_dense`, or `Masks`. N is the same for all tiles. The iterable is
            read once, so it may be a generator, and only run ends are kept of each tile.
        boxes : array_like of int
            Boxes x0 y0 x1 y1 of the tiles on the canvas: shape (T, 4), such as from
            :func:`segcore.tiles`. They may overlap, and may extend beyond the canvas.
        size : sequence of int
            Size (H, W) of the canvas.
        threshold : float, optional
            Threshold of the arrays, as in :meth:`from_dense`.

        Returns
        -------
        Masks
            N masks of size (H, W). A pixel is foreground if it is in one of the tiles that cover
            it, and background if no tile covers it.

        Raises
        ------
        ValueError
            If `boxes` or `size` is invalid, there are no tiles, the number of tiles differs, or the
            masks of a tile do not have the size of its box or the number of those of the first
            tile. The message contains the index of the tile.
        TypeError
            If an array has an unsuitable dtype, or a box is not of integers.

        See Also
        --------
        from_label_map_tiles : Encode a label map tile by tile.
        segcore.stitch : Join instances that were found in tiles.

        Examples
        --------
        >>> import numpy as np
        >>> import segcore as sc
        >>> boxes = sc.tiles((100_000, 100_000), tile=50_000)
        >>> parts = (np.broadcast_to(y0 == 0, (50_000, 50_000)) for _, y0, _, _ in boxes.tolist())
        >>> sc.Masks.from_tiles(parts, boxes, (100_000, 100_000)).boxes
        array([[     0,      0, 100000,  50000]])
        """
        counts: list[int] = []

        def read(part: Any, size: Size) -> tuple[NDArray[Any], Batch]:
            masks = part if isinstance(part, Masks) else cls.from_dense(part, threshold, size)
            if masks.size != size:
                raise ValueError(f"expected masks of size {size}, got {masks.size}")
            counts.append(len(masks))
            if counts[-1] != counts[0]:
                raise ValueError(
                    f"expected {counted(counts[0], 'mask')}, as in the first tile, got {counts[-1]}"
                )
            return np.arange(len(masks)), masks._batch

        return cls._from_tiles(parts, boxes, size, read)[1]

    @classmethod
    def from_label_map_tiles(
        cls,
        parts: Iterable[ArrayLike],
        boxes: ArrayLike,
        size: Iterable[int],
        background: int | None = 0,
    ) -> tuple[NDArray[Any], Masks]:
        """Split a large label map into one mask per label, tile by tile.

        Parameters
        ----------
        parts : iterable of array_like of int
            Labels within each of T tiles: arrays of shape (h, w) of one dtype. A label has the same
            meaning in all tiles; :func:`segcore.stitch` joins labels of instances that each tile
            numbers anew. The iterable is read once, so it may be a generator, and only run ends are
            kept of each tile.
        boxes : array_like of int
            Boxes x0 y0 x1 y1 of the tiles on the canvas: shape (T, 4), such as from
            :func:`segcore.tiles`. They may overlap, and may extend beyond the canvas.
        size : sequence of int
            Size (H, W) of the canvas.
        background : int or None, default 0
            Label to leave out. If None, every label gets a mask.

        Returns
        -------
        ids : numpy.ndarray
            Distinct labels in ascending order: shape (N,), in the dtype of the parts.
        masks : Masks
            N masks of size (H, W), one per label. Where tiles overlap and have different labels,
            masks overlap as well. Labels that lie beyond the canvas have empty masks.

        Raises
        ------
        ValueError
            If `boxes` or `size` is invalid, there are no tiles, the number of tiles differs, or a
            part does not have the size of its box or the dtype of the first part.
        TypeError
            If the labels, `background` or the boxes are not integers.

        See Also
        --------
        from_label_map : Split a label map that fits into memory.
        segcore.stitch : Join instances that were found in tiles.

        Examples
        --------
        >>> import segcore as sc
        >>> boxes = sc.tiles((2, 4), tile=2)
        >>> parts = [[[7, 7], [7, 9]], [[9, 0], [9, 0]]]
        >>> ids, masks = sc.Masks.from_label_map_tiles(parts, boxes, (2, 4))
        >>> ids, masks.area
        (array([7, 9]), array([3, 3]))
        """
        dtypes: list[np.dtype[Any]] = []
        if background is not None:
            background = as_integer(background, "background")

        def read(part: ArrayLike, size: Size) -> tuple[NDArray[Any], Batch]:
            ids, masks = cls.from_label_map(as_label_map(part, "labels", size), background)
            dtypes.append(ids.dtype)
            if dtypes[-1] != dtypes[0]:
                raise ValueError(f"expected {dtypes[0]}, as in the first tile, got {dtypes[-1]}")
            return ids, masks._batch

        return cls._from_tiles(parts, boxes, size, read)

    @classmethod
    def _from_tiles(
        cls,
        parts: Iterable[Any],
        boxes: ArrayLike,
        size: Iterable[int],
        read: Callable[[Any, Size], tuple[NDArray[Any], Batch]],
    ) -> tuple[NDArray[Any], Masks]:
        canvas = as_size(size)
        corners = as_integer_boxes(boxes, "boxes")
        if len(corners) == 0:
            raise ValueError("boxes: expected at least one tile, got none")
        ids, batch = tiles.assembled(tiles.read_tiles(parts, corners, read), corners, canvas)
        return ids, cls._trusted(batch)

    @classmethod
    def from_arrow(cls, data: Any, size: Iterable[int] | None = None) -> Masks:
        """Create masks from an Arrow array of run ends.

        Parameters
        ----------
        data : pyarrow.Array, or any object with ``__arrow_c_array__`` or ``__arrow_c_stream__``
            The result of :meth:`to_arrow`, or an array of lists of integers: the run ends of each
            mask. Run ends in read-only memory are not copied if they are uint32 (uint64 for images
            of 2**32 pixels or more).
        size : sequence of int, optional
            Image size (H, W). Required unless the array was created by :meth:`to_arrow`, which
            stores the size in the type.

        Returns
        -------
        Masks
            One mask per list.


        Raises
        ------
        ValueError
            If the size is not known, an item is null, or the run ends of a mask are not strictly
            increasing within [0, H * W).
        TypeError
            If the array does not consist of lists of integers.
        ImportError
            If the extra ``arrow`` is not installed.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
        >>> sc.Masks.from_arrow(masks.to_arrow()) == masks  # doctest: +SKIP
        True
        """
        return cls._trusted(_arrow().read(data, size))

    @classmethod
    def concatenate(cls, batches: Iterable[Masks]) -> Masks:
        """Concatenate batches of the same image size.

        Parameters
        ----------
        batches : iterable of Masks
            At least one batch.

        Returns
        -------
        Masks
            The masks of all batches, in order.

        Raises
        ------
        ValueError
            If the image sizes differ, or `batches` is empty.
        TypeError
            If an item is not a `Masks`.

        Examples
        --------
        >>> import segcore as sc
        >>> a = sc.Masks.from_boxes([[0, 0, 2, 2], [1, 1, 3, 3]], (4, 4))
        >>> sc.Masks.concatenate([a[1], a]).area
        array([4, 4, 4])
        """
        parts = list(batches)
        if not parts:
            raise ValueError(
                "batches: expected at least one batch, which determines the image size, got none"
            )
        for part in parts:
            check_same_size(parts[0], part, ("batches", "batches"))
        return cls._trusted(joined([part._batch for part in parts]))

    # -- properties -------------------------------------------------------------------------------

    @property
    def run_ends(self) -> RunEnds:
        """Run ends of all masks, concatenated: uint32 (uint64 for 2**32 pixels or more), 1-D."""
        return seal(self._batch.run_ends)

    @property
    def offsets(self) -> Offsets:
        """Index of the first run end of each mask, then their number: int64, shape (N + 1,)."""
        return seal(self._batch.offsets)

    @property
    def size(self) -> Size:
        """Image size (height, width): tuple of int."""
        batch = self._batch
        return batch.height, batch.width

    @property
    def area(self) -> NDArray[np.int64]:
        """Number of foreground pixels per mask: int64, shape (N,)."""
        return kernels.area(self._batch)

    @property
    def boxes(self) -> NDArray[np.int64]:
        """Bounding boxes x0 y0 x1 y1 in pixels, half-open: int64, shape (N, 4).

        The box of an empty mask is all zeros.
        """
        return kernels.boxes(self._batch)

    @property
    def centroid(self) -> NDArray[np.float64]:
        """Mean coordinates x y of the pixels per mask: float64, shape (N, 2).

        The center of the first pixel is (0, 0). The centroid of an empty mask is NaN.
        """
        return kernels.moments(self._batch, False)

    def __len__(self) -> int:
        return len(self._batch.offsets) - 1

    def __repr__(self) -> str:
        run_ends, _, height, width = self._batch
        masks, ends = counted(len(self), "mask"), counted(len(run_ends), "run end")
        return f"{type(self).__name__}({masks} of {height} x {width}, {ends})"

    def __eq__(self, other: object) -> bool:
        """Return whether both batches have the same size and the same masks, in the same order."""
        if not isinstance(other, Masks):
            return NotImplemented
        mine, others = self._batch, other._batch
        return (
            mine.size == others.size
            and np.array_equal(mine.offsets, others.offsets)
            and np.array_equal(mine.run_ends, others.run_ends)
        )

    def __hash__(self) -> int:
        # A batch is immutable, so its content can be hashed. This reads all run ends.
        batch = self._batch
        return hash((batch.size, batch.offsets.tobytes(), batch.run_ends.tobytes()))

    def __reduce__(self) -> tuple[Callable[..., Masks], tuple[RunEnds, Offsets, Size]]:
        # With protocol 5, the arrays can be passed out of band without a copy.
        batch = self._batch
        return type(self)._restored, (batch.run_ends, batch.offsets, batch.size)

    @classmethod
    def _restored(cls, run_ends: RunEnds, offsets: Offsets, size: Size) -> Masks:
        """Validate the arrays of a pickle; aligned arrays are not copied."""
        return cls._trusted(as_batch(run_ends, offsets, as_size(size), copy=False))

    def __copy__(self) -> Masks:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Masks:
        return self

    def _repr_html_(self) -> str:
        # Shown by notebooks.
        from segcore.show.notebook import as_html

        return as_html(self._batch, self.area)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        raise TypeError(
            "Masks cannot be converted to an array implicitly; call masks.to_dense() for one of "
            "shape (N, H, W)"
        )

    # -- indexing ---------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Masks]:
        """Iterate over the masks, each as a batch of one."""
        return (self._slice(i, i + 1) for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Masks: ...
    @overload
    def __getitem__(self, index: slice) -> Masks: ...
    @overload
    def __getitem__(self, index: ArrayLike) -> Masks: ...
    def __getitem__(self, index: Index) -> Masks:
        """Return the masks at `index` as a batch.

        `index` is an integer (which returns a batch of one), a slice, an array or list of integers,
        or a boolean array of shape (N,). Negative integers count from the end. A slice of step 1
        shares its run ends with the batch.
        """
        if type(index) is int:
            return self._one(index)
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._slice(start, max(start, stop))
            return self._take(np.arange(start, stop, step))
        if isinstance(index, tuple):
            raise TypeError(
                "index: masks have a single axis, got a tuple; use a list to select several masks"
            )
        if getattr(index, "ndim", 0) == 0 and not isinstance(index, (bool, np.bool_)):
            try:
                single = operator.index(index)  # type: ignore[arg-type]
            except TypeError:
                pass
            else:
                return self._one(single)
        return self._take(self._as_indices(index))

    def _one(self, index: int) -> Masks:
        batch = self._batch
        count = len(batch.offsets) - 1
        start = index + count if index < 0 else index
        if not 0 <= start < count:
            raise IndexError(f"index {index} is out of range for {counted(count, 'mask')}")
        masks = self.__new__(type(self))
        masks._batch = slice_batch(batch, start, start + 1)
        return masks

    def _as_indices(self, index: object) -> NDArray[np.intp]:
        """Convert an array of integers or bools to nonnegative indices."""
        array = as_array(index, "index")
        if array.ndim != 1:
            if array.ndim == 0:
                raise TypeError(
                    "index: expected an integer, a slice, or a list or array of integers or "
                    f"bools, got {described(index)}"
                )
            raise IndexError(f"index: expected one dimension, got the shape {array.shape}")
        if array.dtype.kind == "b":
            if len(array) != len(self):
                raise IndexError(
                    f"index: expected {len(self)} bools, one per mask, got {len(array)}"
                )
            return np.flatnonzero(array)
        indices = as_integers(array, "index")
        if not len(indices):
            return indices.astype(np.intp)
        least = indices.min()
        if least < -len(self) or indices.max() >= len(self):
            outside = np.flatnonzero((indices < -len(self)) | (indices >= len(self)))
            raise IndexError(
                f"index {indices[outside[0]]} is out of range for {counted(len(self), 'mask')}"
            )
        indices = indices.astype(np.intp, copy=False)
        return indices if least >= 0 else np.where(indices < 0, indices + len(self), indices)

    def _slice(self, start: int, stop: int) -> Masks:
        masks = self.__new__(type(self))
        masks._batch = slice_batch(self._batch, start, stop)
        return masks

    def _take(self, indices: NDArray[np.intp]) -> Masks:
        return self._trusted(taken(self._batch, indices))

    # -- conversions ------------------------------------------------------------------------------

    def to_dense(
        self,
        dtype: DTypeLike = bool,
        out: Any = None,
        *,
        size: Iterable[int] | None = None,
        box: ArrayLike | None = None,
    ) -> Any:
        """Decode to a dense array of ones and zeros, optionally of a crop and in another size.

        Parameters
        ----------
        dtype : dtype, default bool
            bool or a numeric dtype. Ignored if `out` is given.
        out : array, optional
            Array of shape (N, H, W) to write the result to, with any strides and any numeric dtype:
            a NumPy array, or a CPU tensor that shares its memory through DLPack (which requires
            NumPy 2.1 or later).
        size : sequence of int, optional
            Size (H, W) of the result, by default that of the masks or of `box`. Masks are resized
            as by :meth:`resize` with ``method="nearest"``.
        box : array_like of int, optional
            Box x0 y0 x1 y1 to decode, or one box of the same size per mask, as in :meth:`crop`.

        Returns
        -------
        numpy.ndarray
            C-contiguous array of shape (N, H, W), or `out`. The image is cropped and resized
            before it is decoded, so no array of the full size is allocated.

        Raises
        ------
        ValueError
            If `out` does not have shape (N, H, W) or is read-only, the result has more bytes than
            can be addressed, or `size` or `box` is invalid.
        TypeError
            If the dtype is not numeric, or `out` is not an array.
        MemoryError
            If the result does not fit into memory.

        Examples
        --------
        >>> import numpy as np, segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 1, 2]], (2, 3))
        >>> masks.to_dense(np.float32)
        array([[[1., 0., 0.],
                [1., 0., 0.]]], dtype=float32)
        >>> masks.to_dense(int, box=(0, 0, 2, 2), size=(2, 4))
        array([[[1, 1, 0, 0],
                [1, 1, 0, 0]]])
        """
        batch = self._batch
        if box is not None:
            batch = geometry.crop(batch, box)
        if size is not None:
            batch = geometry.resize(batch, size)
        shape = (len(batch.offsets) - 1, batch.height, batch.width)
        if out is None:
            fresh = np.dtype(dtype)
            check_numeric(fresh, "dtype")
            dense = allocate(shape, fresh)
            decode(batch, dense, zeroed=True)
            return dense
        array = as_output(out, "out")
        check_numeric(array.dtype, "out")
        if array.shape != shape:
            raise ValueError(f"out: expected the shape {shape}, got {array.shape}")
        decode(batch, array, zeroed=False)
        return out

    def to_arrow(self) -> Any:
        """Return the masks as an Arrow array, without a copy.

        Returns
        -------
        pyarrow.ExtensionArray
            N lists of run ends, of the extension type ``segcore.masks``, which holds the image
            size. The storage is ``large_list<uint32>``, or ``large_list<uint64>`` for images of
            2**32 pixels or more.

        Raises
        ------
        ImportError
            If the extra ``arrow`` is not installed.

        Notes
        -----
        Functions that accept any object with ``__arrow_c_array__``, such as ``pyarrow.array``,
        accept a `Masks` directly.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4))
        >>> masks.to_arrow().storage.to_pylist()  # doctest: +SKIP
        [[0, 2, 4, 6]]
        """
        return _arrow().export(self._batch)

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """Export the masks through the Arrow PyCapsule interface, like :meth:`to_arrow`."""
        capsules: tuple[object, object] = self.to_arrow().__arrow_c_array__(requested_schema)
        return capsules

    def to_coco(self, compressed: bool = True) -> list[dict[str, Any]]:
        """Convert to COCO RLE dicts, ready for JSON.

        Parameters
        ----------
        compressed : bool, default True
            Whether to return counts as COCO's compressed strings (str) or as lists of run lengths.

        Returns
        -------
        list of dict
            One ``{"size": [H, W], "counts": ...}`` per mask.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[1, 1, 4, 3]], (4, 6))
        >>> masks.to_coco()
        [{'size': [4, 6], 'counts': '5220007'}]
        >>> masks.to_coco(compressed=False)
        [{'size': [4, 6], 'counts': [5, 2, 2, 2, 2, 2, 9]}]
        """
        return coco.write_objects(self._batch, compressed)

    def to_polygons(
        self,
        connectivity: int = 8,
        tolerance: float = 0.0,
        valid: bool = False,
        shared: bool = False,
    ) -> Polygons:
        """Trace the outlines of the masks as polygons with holes.

        Parameters
        ----------
        connectivity : {8, 4}
            With 8, pixels that touch only at a corner belong to the same outline, and holes that
            touch only at a corner are separate. With 4, such pixels have separate outlines, and
            such holes are joined.
        tolerance : float, default 0
            Maximum distance in pixels between a dropped point and the simplified outline
            (Douglas-Peucker algorithm). With 0, outlines are exact. At least three points of each
            ring are kept. Where the algorithm would take quadratic time, such as on a comb with
            many teeth, more points than necessary may be kept. Simplified outlines may intersect
            themselves and each other.
        valid : bool, default False
            Whether to split rings that touch themselves at a corner, so that exact outlines are
            valid geometries as defined by the OGC (Simple Features), which shapely and PostGIS
            accept. Requires ``connectivity=4``: pixels that touch only at a corner are parts of
            their own. Rings may still touch each other at corners.
        shared : bool, default False
            Whether borders that several masks of the batch share, such as the objects of a label
            map, stay shared when they are simplified, so that no gaps or overlaps appear between
            neighbors. Points where three or more of them meet are kept, and so are points without
            which a ring would lose its area.

        Returns
        -------
        Polygons
            The outlines and holes of the N masks. The outlines of each mask are in the order of its
            :meth:`components`.

        Raises
        ------
        ValueError
            If `connectivity` is not 8 or 4, `tolerance` is negative or not finite, or `valid` is
            True and `connectivity` is 8.
        TypeError
            If `tolerance` is not a number.

        Examples
        --------
        >>> import segcore as sc
        >>> stairs = sc.Masks.from_dense([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 1]])
        >>> stairs.to_polygons().rings(0)[0].tolist()
        [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [4, 2], [4, 3], [0, 3]]
        >>> stairs.to_polygons(tolerance=1).rings(0)[0].tolist()
        [[0, 0], [4, 3], [0, 3]]
        """
        check_connectivity(connectivity)
        limit = as_threshold(tolerance, "tolerance")
        if not 0 <= limit < np.inf:
            raise ValueError(
                "tolerance: expected a finite number of pixels, at least 0, got "
                f"{described(tolerance)}"
            )
        if valid and connectivity != 4:
            raise ValueError("valid: valid outlines need connectivity=4")
        rings = Rings(*kernels.outline(self._batch, int(connectivity)))
        if valid:
            rings = split_at_corners(rings)
        if limit:
            simplified = simplify_shared if shared else simplify
            vertices, ring_offsets = simplified(rings.vertices, rings.ring_offsets, limit)
            rings = rings._replace(vertices=vertices, ring_offsets=ring_offsets)
        return Polygons(*rings, self.size)

    # -- geometry ---------------------------------------------------------------------------------

    def crop(self, box: ArrayLike) -> Masks:
        """Crop the masks to a box.

        Parameters
        ----------
        box : array_like of int
            Box x0 y0 x1 y1 in pixels, half-open: shape (4,), or (N, 4) for one box per mask, all of
            the same width and height. Boxes may extend beyond the image, where the result is
            background.

        Returns
        -------
        Masks
            N masks of size (y1 - y0, x1 - x0).

        Raises
        ------
        ValueError
            If the shape is neither (4,) nor (N, 4), x1 < x0 or y1 < y0 in a box, the boxes differ
            in size, or a coordinate is not between -2**62 and 2**62.
        TypeError
            If the coordinates are not integers.

        See Also
        --------
        place : The opposite: place masks in a larger image.
        to_dense : Decode a box to a dense array.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[1, 1, 4, 3]], (5, 5))
        >>> masks.crop((0, 0, 3, 2)).to_dense(int)[0]
        array([[0, 0, 0],
               [0, 1, 1]])
        """
        return self._trusted(geometry.crop(self._batch, box))

    def pad(
        self,
        left: ArrayLike = 0,
        top: ArrayLike = 0,
        right: ArrayLike = 0,
        bottom: ArrayLike = 0,
    ) -> Masks:
        """Add rows and columns of background at the edges of the image.

        Parameters
        ----------
        left, top, right, bottom : int or array_like of int
            Number of columns or rows to add, at least 0: one for all masks, or one per mask, shape
            (N,). `left` and `right` must add up to the same number for all masks, as must `top`
            and `bottom`.

        Returns
        -------
        Masks
            N masks of size (top + H + bottom, left + W + right).

        Raises
        ------
        ValueError
            If a number is negative, the results differ in size, or have 2**59 pixels or more.
        TypeError
            If a number is not an integer.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 2, 1]], (1, 2))
        >>> masks.pad(left=1, bottom=1).to_dense(int)[0]
        array([[0, 1, 1],
               [0, 0, 0]])
        """
        return self._trusted(geometry.pad(self._batch, left, top, right, bottom))

    def translate(self, dx: ArrayLike, dy: ArrayLike) -> Masks:
        """Move the masks within their image.

        Parameters
        ----------
        dx, dy : int or array_like of int
            Number of pixels to the right and down: one for all masks, or one per mask, shape (N,).

        Returns
        -------
        Masks
            N masks of size (H, W). Pixels that leave the image are cut off, and new pixels are
            background.

        Raises
        ------
        ValueError
            If `dx` or `dy` has neither one nor N values.
        TypeError
            If a number is not an integer.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 2, 2], [0, 0, 2, 2]], (3, 3))
        >>> masks.translate([1, -1], 0).boxes
        array([[1, 0, 3, 2],
               [0, 0, 1, 2]])
        """
        return self._trusted(geometry.translate(self._batch, dx, dy))

    def place(self, size: Iterable[int], x: ArrayLike = 0, y: ArrayLike = 0) -> Masks:
        """Place the masks in an image of another size.

        Parameters
        ----------
        size : sequence of int
            Size (H, W) of the result.
        x, y : int or array_like of int
            Column and row of the result for the first pixel of the masks: one for all masks, or one
            per mask, shape (N,). May be negative.

        Returns
        -------
        Masks
            N masks of size `size`. Pixels beyond its edges are cut off, and new pixels are
            background.

        Raises
        ------
        ValueError
            If `size` is invalid, or `x` or `y` has neither one nor N values.
        TypeError
            If a number is not an integer.

        Examples
        --------
        Place the masks of two crops where they were:

        >>> import segcore as sc
        >>> crops = sc.Masks.from_boxes([[0, 0, 2, 2], [1, 1, 2, 2]], (2, 2))
        >>> crops.place((200_000, 150_000), x=[10, 100_000], y=20).boxes
        array([[    10,     20,     12,     22],
               [100001,     21, 100002,     22]])
        """
        return self._trusted(geometry.place(self._batch, size, x, y))

    def flip_horizontal(self) -> Masks:
        """Flip the masks left to right.

        Returns
        -------
        Masks
            N masks of size (H, W), as by ``numpy.flip(masks, axis=2)``.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[0, 0, 1, 2]], (4, 6)).flip_horizontal().boxes
        array([[5, 0, 6, 2]])
        """
        return self._trusted(geometry.reverse(self._batch, columns=True))

    def flip_vertical(self) -> Masks:
        """Flip the masks upside down.

        Returns
        -------
        Masks
            N masks of size (H, W), as by ``numpy.flip(masks, axis=1)``.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[0, 0, 1, 2]], (4, 6)).flip_vertical().boxes
        array([[0, 2, 1, 4]])
        """
        return self._trusted(geometry.reverse(self._batch, rows=True))

    def rot90(self, k: int = 1) -> Masks:
        """Rotate the masks by quarter turns.

        Parameters
        ----------
        k : int, default 1
            Number of quarter turns counterclockwise. Negative numbers turn clockwise.

        Returns
        -------
        Masks
            N masks of size (W, H) if `k` is odd, otherwise of size (H, W), as by
            ``numpy.rot90(masks, k, axes=(1, 2))``.

        Raises
        ------
        TypeError
            If `k` is not an integer.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[0, 0, 1, 2]], (4, 6)).rot90().boxes
        array([[0, 5, 2, 6]])
        """
        return self._trusted(geometry.rot90(self._batch, k))

    def transpose(self) -> Masks:
        """Exchange the rows and columns of the masks.

        Returns
        -------
        Masks
            N masks of size (W, H), as by ``numpy.transpose(masks, (0, 2, 1))``.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[0, 0, 1, 2]], (4, 6)).transpose().boxes
        array([[0, 0, 2, 1]])
        """
        return self._trusted(geometry.transpose(self._batch))

    def resize(
        self,
        size: Iterable[int],
        method: geometry.Method = "nearest",
        threshold: float | None = None,
    ) -> Masks:
        """Resize the masks.

        Parameters
        ----------
        size : sequence of int
            Size (h, w) of the result.
        method : {"nearest", "nearest-exact", "coverage"}
            Which pixels of the result are foreground:

            - ``"nearest"``: row Y takes row ``floor(Y * H / h)`` of the mask, and columns likewise,
              as in OpenCV's ``INTER_NEAREST`` and PyTorch's ``"nearest"``;
            - ``"nearest-exact"``: row Y takes row ``floor((Y + 0.5) * H / h)``, the one at the
              center of the pixel, as in Pillow and PyTorch's ``"nearest-exact"``;
            - ``"coverage"``: pixels of which the mask covers at least the share `threshold`.
        threshold : float, optional
            Covered share of a pixel's area, from 0 to 1, from which on it is foreground, for
            ``"coverage"`` only. The default is 0.5. With 0, every pixel that the mask touches is
            foreground, so that thin parts do not disappear.

        Returns
        -------
        Masks
            N masks of size `size`.

        Raises
        ------
        ValueError
            If `size`, `method` or `threshold` is invalid, an image without pixels is to get some,
            or the product of the old and the new height, or width, is 2**61 or more.
        TypeError
            If `size` or `threshold` has the wrong type.

        Notes
        -----
        All methods are computed exactly, in integers. The other libraries multiply by a rounded
        ratio of the sizes, PyTorch in float32, so they may take the neighboring pixel where the
        exact position is on, or very close to, the border between two pixels.

        Examples
        --------
        The leg of a chair is one pixel wide:

        >>> import segcore as sc
        >>> leg = sc.Masks.from_boxes([[5, 0, 6, 16]], (16, 16))
        >>> leg.resize((4, 4)).area, leg.resize((4, 4), "coverage").area
        (array([0]), array([0]))
        >>> leg.resize((4, 4), "coverage", threshold=0).area
        array([4])
        """
        return self._trusted(geometry.resize(self._batch, size, method, threshold))

    def affine(self, matrix: ArrayLike, size: Iterable[int] | None = None) -> Masks:
        """Map the masks by an affine matrix.

        Parameters
        ----------
        matrix : array_like
            Shape (2, 3), or (N, 2, 3) for one matrix per mask. It maps the coordinates (x, y, 1) of
            the masks to those of the result. Coordinates refer to pixel centers, as in OpenCV: the
            center of the first pixel is (0, 0).
        size : sequence of int, optional
            Size (H, W) of the result, by default that of the masks.

        Returns
        -------
        Masks
            N masks of size `size`. Each pixel takes the input pixel nearest to where the inverse
            matrix maps its center. It is background if this is outside of the image.

        Raises
        ------
        ValueError
            If the shape is wrong, a number is not finite, a matrix is singular or nearly so (its
            determinant is below 2**-40 of its terms), an element of its first two columns is
            beyond 2**20, or a side of an image is 2**31 or more.
        TypeError
            If the matrix is not numeric.

        See Also
        --------
        perspective : Map by a 3 x 3 matrix.
        translate, flip_horizontal, rot90, resize : Special cases, which are faster.

        Notes
        -----
        The result equals that of ``cv2.warpAffine`` with ``INTER_NEAREST``, except for pixels that
        are mapped to within 1/256 of a pixel from the border between two pixels: OpenCV rounds
        positions to a fixed-point grid. The exact rule: with the inverse matrix
        ``[[a, b, c], [d, e, f]]`` in float64, pixel (Y, X) takes column
        ``floor(b * Y + (a * X + (c + 0.5)))`` and row ``floor(e * Y + (d * X + (f + 0.5)))``.

        A matrix for coordinates that refer to pixel corners, like those of boxes and polygons, is
        converted by ``T @ matrix @ inverse(T)``, where T subtracts 0.5 from x and y.

        Examples
        --------
        Rotate by a quarter turn around the center of an image of 5 x 5 pixels:

        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 1, 3]], (5, 5))
        >>> masks.affine([[0, 1, 0], [-1, 0, 4]]) == masks.rot90()
        True
        """
        return self._trusted(geometry.affine(self._batch, matrix, size))

    def perspective(self, matrix: ArrayLike, size: Iterable[int] | None = None) -> Masks:
        """Map the masks by a perspective matrix.

        Parameters
        ----------
        matrix : array_like
            Shape (3, 3), or (N, 3, 3) for one matrix per mask: a homography. It maps the
            homogeneous coordinates (x, y, 1) of the masks to those of the result. Coordinates refer
            to pixel centers, as in OpenCV: the center of the first pixel is (0, 0).
        size : sequence of int, optional
            Size (H, W) of the result, by default that of the masks.

        Returns
        -------
        Masks
            N masks of size `size`. Each pixel takes the input pixel nearest to where the inverse
            matrix maps its center. It is background if this is outside of the image, or at
            infinity.

        Raises
        ------
        ValueError
            If the shape is wrong, a number is not finite, a matrix is singular or nearly so, or a
            side of an image is 2**31 or more.
        TypeError
            If the matrix is not numeric.

        Notes
        -----
        The result equals that of ``cv2.warpPerspective`` with ``INTER_NEAREST``, except for pixels
        that are mapped to within 1/256 of a pixel from the border between two pixels. Time grows
        with the number of pixels that the bounding box of a mask is mapped to; memory only with the
        number of run ends.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[2, 2, 6, 6]], (8, 8))
        >>> masks.perspective([[1, 0, 0], [0, 1, 0], [0.1, 0, 1]]).boxes
        array([[2, 2, 4, 5]])
        """
        return self._trusted(geometry.perspective(self._batch, matrix, size))

    # -- set operations ---------------------------------------------------------------------------

    def __and__(self, other: Masks) -> Masks:
        """Return the mask-wise intersection. A batch of one is broadcast."""
        return self._combine(other, AND)

    def __or__(self, other: Masks) -> Masks:
        """Return the mask-wise union. A batch of one is broadcast."""
        return self._combine(other, OR)

    def __xor__(self, other: Masks) -> Masks:
        """Return the mask-wise symmetric difference. A batch of one is broadcast."""
        return self._combine(other, XOR)

    def __sub__(self, other: Masks) -> Masks:
        """Return the mask-wise difference. A batch of one is broadcast."""
        return self._combine(other, WITHOUT)

    def __invert__(self) -> Masks:
        """Return the complement of each mask."""
        return self._combine(self, NEITHER)

    def _combine(self, other: Masks, table: int) -> Masks:
        if not isinstance(other, Masks):
            if masks_hint(other):  # NumPy's own message would not say what to do
                check_masks(other, "operand")
            return NotImplemented
        check_same_size(self, other)
        a, b = self._batch, other._batch
        n, m = len(a.offsets) - 1, len(b.offsets) - 1
        if n != m and 1 not in (n, m):
            raise ValueError(
                f"cannot combine {n} masks with {m}: expected the same number, or a batch of one"
            )
        return self._trusted(kernels.combine(a, b, table))

    def union(self) -> Masks:
        """Compute the union of all masks.

        Returns
        -------
        Masks
            A batch of one mask, which is empty if the batch has no masks.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[0, 0, 2, 1], [1, 0, 4, 1]], (1, 5)).union().to_dense(int)
        array([[[1, 1, 1, 1, 0]]])
        """
        return self._reduce(OR)

    def union_by(self, ids: ArrayLike) -> tuple[NDArray[Any], Masks]:
        """Compute the union of the masks of each group, such as each class.

        Parameters
        ----------
        ids : array_like of int
            Group of each mask, such as its class id: shape (N,).

        Returns
        -------
        ids : numpy.ndarray
            Distinct ids in ascending order: shape (K,), in the dtype of `ids`.
        masks : Masks
            K masks: the union of the masks with each id.

        Raises
        ------
        ValueError
            If `ids` does not have shape (N,).
        TypeError
            If the ids are not integers.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 2, 1], [3, 0, 5, 1], [1, 0, 4, 1]], (1, 5))
        >>> ids, unions = masks.union_by([7, 2, 7])
        >>> ids, unions.area
        (array([2, 7]), array([2, 4]))
        """
        array = as_integers(ids, "ids", len(self))
        order = np.argsort(array, kind="stable")
        distinct, counts = np.unique(array, return_counts=True)
        return distinct, self._take(order)._reduce(OR, offsets_of(counts))

    def intersection(self) -> Masks:
        """Compute the intersection of all masks.

        Returns
        -------
        Masks
            A batch of one mask, which is full if the batch has no masks.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[0, 0, 2, 1], [1, 0, 4, 1]], (1, 5)).intersection().to_dense(int)
        array([[[0, 1, 0, 0, 0]]])
        """
        return self._reduce(AND)

    def components(self, connectivity: int = 8) -> tuple[Masks, NDArray[np.int64]]:
        """Split each mask into its connected components.

        Parameters
        ----------
        connectivity : {8, 4}
            Whether pixels that touch only at a corner are connected (8) or not (4).

        Returns
        -------
        parts : Masks
            K components, grouped by mask. The components of each mask are sorted by their first
            pixel in column-major order. An empty mask has no components.
        parents : numpy.ndarray
            Index of the mask that each component belongs to: int64, shape (K,).

        Raises
        ------
        ValueError
            If `connectivity` is not 8 or 4.

        Examples
        --------
        Visible parts of a partly occluded object, and segments of a semantic map:

        >>> import segcore as sc
        >>> sofa = sc.Masks.from_boxes([[0, 0, 6, 2]], (2, 6))
        >>> lamp = sc.Masks.from_boxes([[2, 0, 3, 2]], (2, 6))
        >>> parts, _ = (sofa - lamp).components()
        >>> parts.area
        array([4, 6])
        >>> ids, masks = sc.Masks.from_label_map([[7, 0, 7, 9], [7, 7, 9, 9]])
        >>> parts, parents = masks.components(connectivity=4)
        >>> ids[parents], parts.area
        (array([7, 7, 9]), array([3, 1, 3]))
        """
        check_connectivity(connectivity)
        parts, parents = kernels.components(self._batch, int(connectivity))
        return Masks._trusted(parts), parents

    def _reduce(self, table: int, groups: Offsets | None = None) -> Masks:
        return self._trusted(kernels.reduce(self._batch, table, groups))


def _arrow() -> Any:
    return require("segcore.formats.arrow", "pyarrow", "arrow", "Arrow")


def wrap(batch: Batch) -> Masks:
    """Create `Masks` from the result of a kernel, without validation."""
    return Masks._trusted(batch)


def unwrap(masks: Masks) -> Batch:
    """Return the flat batch, as kernels take it."""
    return masks._batch


def unions(masks: Masks, groups: Sequence[Sequence[int] | NDArray[np.int64]]) -> Masks:
    """Compute the union of each group of mask indices. The union of an empty group is empty."""
    members = np.concatenate([np.empty(0, np.int64), *groups]).astype(np.int64, copy=False)
    return masks[members]._reduce(OR, offsets_of([len(group) for group in groups]))


def united(parts: Masks, parents: NDArray[np.int64], count: int) -> Masks:
    """Merge parts into `count` masks. `parents`, the mask index of each part, is ascending."""
    return parts._reduce(OR, offsets_of(np.bincount(parents, minlength=count)))


def check_masks(value: object, name: str = "masks") -> None:
    """Raise TypeError unless `value` is a `Masks`."""
    if not isinstance(value, Masks):
        raise TypeError(f"{name}: expected Masks, got {described(value)}{masks_hint(value)}")


def _check_dense_size(shape: tuple[int, ...], size: Size, expected: Size) -> None:
    """Raise ValueError unless dense masks have the expected image size."""
    if size == expected:
        return
    if shape[:2] == expected:
        advice = "; if the last axis counts the masks, write np.moveaxis(dense, -1, 0)"
    elif size == expected[::-1]:
        advice = "; if the arrays are (W, H), write dense.swapaxes(-1, -2)"
    else:
        advice = ""
    raise ValueError(f"dense: expected masks of size {expected}, got the shape {shape}{advice}")


def check_same_size(a: Masks, b: Masks, names: tuple[str, str] = ("a", "b")) -> None:
    """Raise TypeError or ValueError unless both are `Masks` of the same image size."""
    check_masks(a, names[0])
    check_masks(b, names[1])
    first, second = a._batch, b._batch
    if first.height != second.height or first.width != second.width:
        raise ValueError(f"expected masks of the same image size, got {a.size} and {b.size}")
