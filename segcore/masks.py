"""The batch of masks, held as run ends."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from segcore._input import bfloat16
from segcore._input.arrays import (
    Size,
    as_array,
    as_bfloat16,
    as_boxes,
    as_integer,
    as_integers,
    as_label_map,
    as_output,
    as_size,
    as_threshold,
    check_bytes,
    check_connectivity,
    described,
)
from segcore._input.dense import check_numeric, decode, for_encode
from segcore._input.recognize import dense_hint, is_image_like, masks_hint, shape_hint
from segcore._input.run_ends import as_batch
from segcore._input.warn import warn
from segcore._seal import seal
from segcore._simplify import simplify
from segcore.backends import kernels
from segcore.backends.protocol import Batch, Offsets, RunEnds
from segcore.backends.sizes import run_end_dtype
from segcore.formats import coco
from segcore.polygons import Polygons, fill

Index: TypeAlias = "int | slice | ArrayLike"

# Boolean functions of two pixels a and b: bit 2 * a + b is the result.
_AND, _OR, _XOR, _WITHOUT, _NEITHER = 0b1000, 0b1110, 0b0110, 0b0100, 0b0001


class Masks:
    """A batch of N binary masks of one size, each held as its run ends.

    A mask's run ends are the strictly increasing column-major pixel offsets (pixel (y, x) has
    the offset ``x * H + y``) at which it flips, starting from background: ``[]`` is an empty mask,
    ``[0]`` a full one, and ``[3, 6]`` the pixels 3, 4 and 5. Two masks are equal exactly when their
    run ends are. COCO's run lengths are their differences.

    A batch is immutable: it can be shared between threads, used as a key, and sliced without a
    copy. There is no class for a single mask: a mask is a batch of one, and so is ``masks[3]``.
    Most batches are made by :meth:`from_dense`, :meth:`from_coco`, :meth:`from_polygons`,
    :meth:`from_boxes` and :meth:`from_label_map`; the constructor takes run ends and checks them.

    Parameters
    ----------
    run_ends : array_like
        Integers: the run ends of all masks, one mask after the other. They are copied.
    offsets : array_like
        Integers (N + 1,): mask ``i`` is ``run_ends[offsets[i]:offsets[i + 1]]``.
    size : sequence of int
        (H, W), of fewer than 2**59 pixels.

    Raises
    ------
    ValueError
        If the offsets do not divide the run ends, or the run ends of a mask are not strictly
        increasing from 0 or more to less than H * W.
    TypeError
        If there are other things than integers.

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
    """

    __slots__ = ("__weakref__", "_offsets", "_run_ends", "_size")

    _run_ends: RunEnds
    _offsets: Offsets
    _size: Size

    # NumPy would take the batch for a sequence of sequences without end.
    __array_ufunc__ = None

    def __init__(self, run_ends: ArrayLike, offsets: ArrayLike, size: Iterable[int]) -> None:
        common = as_size(size)
        self._set(*as_batch(run_ends, offsets, common, copy=True), common)

    def _set(self, run_ends: RunEnds, offsets: Offsets, size: Size) -> None:
        self._run_ends = seal(run_ends)
        self._offsets = seal(offsets)
        self._size = size

    @classmethod
    def _trusted(cls, batch: Batch, size: Size) -> Masks:
        """Take a kernel's result as it is."""
        masks = cls.__new__(cls)
        masks._set(*batch, size)
        return masks

    # -- making batches ---------------------------------------------------------------------------

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
            (N, H, W), or (H, W) for a batch of one: bool, integers or floats, of any strides and
            byte order. NumPy arrays, CPU tensors (DLPack) and buffers are read where they lie;
            tensors, and arrays of ml_dtypes, may also be of bfloat16.
        threshold : float, optional
            Foreground is what is greater. Without a threshold, foreground is what is not zero;
            floats need one. NaN is background. The threshold is rounded to the dtype of floats,
            as NumPy does; integers are compared with it exactly.
        size : sequence of int, optional
            The (H, W) that the masks must have: an array of another shape, such as (H, W, N), is
            an error.

        Returns
        -------
        Masks
            N masks of size (H, W).

        Raises
        ------
        ValueError
            For floats without a threshold, another number of dimensions, or another size than
            `size`.
        TypeError
            For other dtypes, and for arrays on a GPU.

        Warns
        -----
        UserWarning
            If `size` is not given, the last axis has a length of 1, 3 or 4, and both others have
            one of 64 or more: then the array may be an image, or masks (H, W, N). Masks that
            narrow are read without a warning where `size` is given.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_dense([[0, 1], [0, 1]]).run_ends
        array([2], dtype=uint32)
        >>> sc.Masks.from_dense([[[0.2, 0.7]], [[0.5, 0.9]]], threshold=0.5).area
        array([1, 1])
        """
        bits = as_bfloat16(dense, "dense")
        array = as_array(dense, "dense") if bits is None else bits
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"dense: expected bool, integers or floats, got {array.dtype}"
                f"{dense_hint(dense, array)}"
            )
        if array.ndim != 3:
            if array.ndim != 2:
                raise ValueError(
                    f"dense: expected (N, H, W) or (H, W), got {array.shape}"
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
        if bits is not None:
            return cls._from_bfloat16(array, threshold, common)
        array, threshold = for_encode(array, threshold)
        return cls._trusted(kernels.encode(array, threshold), common)

    @classmethod
    def _from_bfloat16(cls, bits: NDArray[Any], threshold: float | None, size: Size) -> Masks:
        """Encode bits as integers, whose order is that of the numbers but for sign and NaN."""
        if threshold is None:
            raise ValueError("dense: bfloat16 needs a threshold; pass threshold=0.5")

        def above(integers: NDArray[Any], limit: int) -> Masks:
            return cls._trusted(kernels.encode(integers, float(limit)), size)

        limit = bfloat16.rounded(threshold)
        if limit == bfloat16.MINUS_ZERO:
            limit = 0
        if limit < bfloat16.MINUS_ZERO:
            signed = bits.view(np.int16)
            return above(signed, limit) ^ above(signed, bfloat16.INFINITY)
        # From 0 up, then NaN, then the negatives from 0 down.
        below = above(bits, bfloat16.MINUS_ZERO - 1) ^ above(bits, limit - 1)
        return ~(below ^ above(bits, bfloat16.INFINITY))

    @classmethod
    def from_bits(
        cls, packed: ArrayLike, size: Iterable[int], bitorder: Literal["big", "little"] = "big"
    ) -> Masks:
        """Encode masks of one bit a pixel.

        A mask that was thresholded and packed on a GPU is an eighth of the bytes to bring over.

        Parameters
        ----------
        packed : array_like
            uint8 (N, H, B), or (H, B) for a batch of one, with B = ceil(W / 8): what
            ``numpy.packbits(masks, axis=-1)`` gives. Bits behind a row's last pixel do not count.
        size : sequence of int
            (H, W), both below 2**31.
        bitorder : {"big", "little"}
            Whether a byte's first pixel is its highest bit or its lowest, as in NumPy.

        Returns
        -------
        Masks
            N masks.

        Raises
        ------
        ValueError
            For another shape, size or bit order.
        TypeError
            For other dtypes, and for arrays on a GPU.

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
            raise TypeError(f"packed: expected uint8, eight pixels each, got {array.dtype}")
        height, width = as_size(size)
        if max(height, width) >= 2**31:
            raise ValueError(f"size: expected sides below 2**31, got ({height}, {width})")
        expected = (height, (width + 7) // 8)
        if array.ndim not in (2, 3) or array.shape[-2:] != expected:
            raise ValueError(
                f"packed: expected the shape (N, {expected[0]}, {expected[1]}), eight pixels a "
                f"byte for size ({height}, {width}), got {array.shape}"
            )
        if bitorder not in ("big", "little"):
            raise ValueError(f"bitorder: expected 'big' or 'little', got {described(bitorder)}")
        rows = np.ascontiguousarray(array if array.ndim == 3 else array[None])
        return cls._trusted(kernels.encode_bits(rows, width, bitorder == "little"), (height, width))

    @classmethod
    def from_coco(cls, objects: Iterable[Any], size: Iterable[int] | None = None) -> Masks:
        """Read COCO's objects.

        Parameters
        ----------
        objects : iterable
            One object a mask, of any of these kinds, also mixed:

            - an RLE dict: ``{"size": [H, W], "counts": ...}``, where counts is COCO's compressed
              string (str, bytes, bytearray or memoryview), or the run lengths (integers),
              background first;
            - a list of RLE dicts: the parts of one mask, which are united, as pycocotools'
              ``annToRLE`` does;
            - polygons: a list of rings ``[x0, y0, x1, y1, ...]``, one such ring alone, or a ring
              as (K, 2) array; see :meth:`from_polygons`. An empty list is an empty mask. If the
              first ring of a list has four numbers, all rings are boxes x, y, width, height, as in
              pycocotools' ``frPyObjects``, and a warning names the object;
            - a dense mask: an array (H, W) of bools, or of integers with one value beside 0, such
              as SAM's automatic mask generator gives. Integers (K, 2) are a ring;
            - an annotation dict that holds one of those as its ``"segmentation"``.

            A dict alone is a batch of one. Dicts may be mappings of any class. Lists, also sizes,
            may be tuples, other sequences, NumPy arrays, arrays of objects (as they come out of
            Parquet files) or CPU tensors; numbers may be NumPy's. None and NaN are no
            segmentation, and an error.
        size : sequence of int, optional
            (H, W), needed where no object is an RLE or a dense mask. All of these must have it.

        Returns
        -------
        Masks
            In the order of the objects.

        Raises
        ------
        ValueError, TypeError
            For sizes that differ, broken counts, odd numbers of coordinates, and all else that is
            no such object. The message names the object by its index, and its annotation's id.

        Warns
        -----
        UserWarning
            If rings of four numbers are read as boxes, or all coordinates are fractions between 0
            and 1.

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
        batches = [cls._trusted(part.batch, common) for part in parts]
        if not batches:
            return cls._trusted(_nothing(common), common)
        if len(batches) == 1:
            return batches[0]
        places = np.concatenate([part.places for part in parts])
        return cls.concatenate(batches)[np.argsort(places)]

    @classmethod
    def from_polygons(
        cls, polygons: Polygons | Iterable[Any], size: Iterable[int] | None = None
    ) -> Masks:
        """Fill polygons, by COCO's rule to the pixel.

        Parameters
        ----------
        polygons : iterable or Polygons
            What :meth:`to_polygons` gives, or one object per mask: a list of rings, one ring alone,
            or a geometry. A ring is a flat list ``[x0, y0, x1, y1, ...]``, a list of points
            ``[[x0, y0], ...]``, or an array of shape (2 K,), (K, 2), or (K, 1, 2) as OpenCV gives.
            A geometry is a Polygon or MultiPolygon of GeoJSON, also in a Feature or
            GeometryCollection, or an object that has one as its ``__geo_interface__``, as shapely's
            have. Coordinates are in pixels, the first pixel's corners being (0, 0) and (1, 1); they
            may lie outside the image. A mask without rings is empty. A ring of fewer than three
            points covers nothing, but a mask needs one of three.
        size : sequence of int, optional
            (H, W). :class:`Polygons` know theirs; all else needs it.

        Returns
        -------
        Masks
            Within one ring, and within one polygon of a geometry, the even-odd rule holds; several
            are united. Holes of :class:`Polygons` and of geometries are not filled.

        Raises
        ------
        ValueError, TypeError
            For an odd number of coordinates, coordinates that are NaN or beyond 2**30, masks with
            fewer than three points, and what is no ring. The message names the mask and the ring.

        Warns
        -----
        UserWarning
            If all coordinates are between 0 and 1, and some are fractions: then they seem to be
            normalized.

        Notes
        -----
        The rule is that of ``rleFrPoly`` in the COCO API.

        Rings alone have no holes: of OpenCV's contours, those of holes (``hierarchy[0, i, 3] >= 0``
        with ``cv2.RETR_CCOMP``) are masks of their own, to be subtracted.

        OpenCV's contours run through the middles of the outermost pixels, and so do not fill all of
        these again; the rings of :meth:`to_polygons`, which run round them, do.

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
            common = polygons.size if size is None else as_size(size)
            return cls._trusted(fill(polygons, common), common)
        if size is None:
            raise ValueError("size: polygons do not say how large the image is; pass (H, W)")
        common, batch = coco.read_polygons(polygons, size)
        return cls._trusted(batch, common)

    @classmethod
    def from_boxes(cls, boxes: ArrayLike, size: Iterable[int]) -> Masks:
        """Fill boxes.

        Parameters
        ----------
        boxes : array_like
            Numbers (N, 4): x0 y0 x1 y1 in pixels, half-open. They may lie outside the image.
        size : sequence of int
            (H, W).

        Returns
        -------
        Masks
            A box with fractions is filled by COCO's rule for the polygon of its four corners.

        Raises
        ------
        ValueError
            For another shape, a box whose x1 or y1 is less than its x0 or y0, and coordinates
            that are NaN or beyond 2**30.
        TypeError
            For other things than numbers.

        Warns
        -----
        UserWarning
            If all coordinates are between 0 and 1, and some are fractions: then they seem to be
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
        coco.warn_of_normalized(corners, batch, common)
        return cls._trusted(batch, common)

    @classmethod
    def from_label_map(
        cls,
        labels: ArrayLike,
        background: int | None = 0,
        ignore: int | Iterable[int] | None = None,
    ) -> tuple[NDArray[Any], Masks]:
        """Split a label map into one mask a label: of classes, of instances, of any ids.

        Parameters
        ----------
        labels : array_like
            Integers (H, W), of any strides and byte order.
        background : int, optional
            The label that gets no mask; None gives each label one.
        ignore : int or iterable of int, optional
            More labels that get no mask, such as 255.

        Returns
        -------
        ids : numpy.ndarray
            (N,): the labels that occur, ascending, in the dtype of ``labels``.
        masks : Masks
            Their N masks of size (H, W).

        Raises
        ------
        TypeError
            If the labels, the background, or what to ignore, are no integers.
        ValueError
            For another number of dimensions.

        See Also
        --------
        components : The masks of classes to those of objects.
        segcore.maps.ids : Ids that are colours, or say class and instance.

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
        ids, run_ends, offsets = kernels.label_runs(array, background)
        masks = cls._trusted((run_ends, offsets), array.shape)
        if ignore is not None:
            several = ignore if isinstance(ignore, Iterable) else [ignore]
            unwanted = {as_integer(each, "ignore") for each in several}
            kept = [i for i, label in enumerate(ids.tolist()) if label not in unwanted]
            if len(kept) < len(ids):
                return ids[kept], masks[kept]
        return ids, masks

    @classmethod
    def concatenate(cls, batches: Iterable[Masks]) -> Masks:
        """Join batches of one size.

        Parameters
        ----------
        batches : iterable of Masks
            One or more.

        Returns
        -------
        Masks
            All masks, in order.

        Raises
        ------
        ValueError
            If sizes differ, or there is no batch and so no size.
        TypeError
            If there is something else among them.

        Examples
        --------
        >>> import segcore as sc
        >>> a = sc.Masks.from_boxes([[0, 0, 2, 2], [1, 1, 3, 3]], (4, 4))
        >>> sc.Masks.concatenate([a[1], a]).area
        array([4, 4, 4])
        """
        parts = list(batches)
        if not parts:
            raise ValueError("batches: expected one or more, for without one there is no size")
        for part in parts:
            check_same_size(parts[0], part, ("batches", "batches"))
        starts = np.cumsum([0, *(len(part._run_ends) for part in parts)])
        offsets = [part._offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
        batch = (
            np.concatenate([part._run_ends for part in parts]),
            np.concatenate([np.zeros(1, np.int64), *offsets]),
        )
        return cls._trusted(batch, parts[0]._size)

    # -- what a batch is --------------------------------------------------------------------------

    @property
    def run_ends(self) -> RunEnds:
        """The run ends of all masks, one after the other: uint32, or uint64 from 2**32 pixels."""
        return seal(self._run_ends)

    @property
    def offsets(self) -> Offsets:
        """Where each mask's run ends begin, and the last ends: int64 (N + 1,)."""
        return seal(self._offsets)

    @property
    def size(self) -> Size:
        """The masks' (height, width)."""
        return self._size

    @property
    def area(self) -> NDArray[np.int64]:
        """The number of foreground pixels of each mask: int64 (N,)."""
        return kernels.area(self._run_ends, self._offsets, *self._size)

    @property
    def boxes(self) -> NDArray[np.int64]:
        """The bounding boxes: int64 (N, 4), x0 y0 x1 y1, half-open; zeros where a mask is empty."""
        return kernels.boxes(self._run_ends, self._offsets, *self._size)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __repr__(self) -> str:
        height, width = self._size
        masks = "1 mask" if len(self) == 1 else f"{len(self)} masks"
        ends = "1 run end" if len(self._run_ends) == 1 else f"{len(self._run_ends)} run ends"
        return f"{type(self).__name__}({masks} of {height} x {width}, {ends})"

    def __eq__(self, other: object) -> bool:
        """Tell whether both have the same masks, in the same order, of the same size."""
        if not isinstance(other, Masks):
            return NotImplemented
        return (
            self._size == other._size
            and np.array_equal(self._offsets, other._offsets)
            and np.array_equal(self._run_ends, other._run_ends)
        )

    def __hash__(self) -> int:
        # A batch never changes, so its content can be a key. Each call reads all of it.
        return hash((self._size, self._offsets.tobytes(), self._run_ends.tobytes()))

    def __reduce__(self) -> tuple[Callable[..., Masks], tuple[RunEnds, Offsets, Size]]:
        # With protocol 5 the arrays can travel out of band, uncopied.
        return type(self)._restored, (self._run_ends, self._offsets, self._size)

    @classmethod
    def _restored(cls, run_ends: RunEnds, offsets: Offsets, size: Size) -> Masks:
        """Check the arrays of a pickle, and use them without a copy where they are aligned."""
        common = as_size(size)
        return cls._trusted(as_batch(run_ends, offsets, common, copy=False), common)

    def __copy__(self) -> Masks:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Masks:
        return self

    def _repr_html_(self) -> str:
        # What notebooks show: a mask is easier to look at than to read.
        from segcore.show.notebook import as_html

        return as_html(self._run_ends, self._offsets, self.area, self._size)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        raise TypeError("a batch of masks is no array; masks.to_dense() makes one, (N, H, W)")

    # -- parts ------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Masks]:
        """Give each mask, as a batch of one."""
        return (self._slice(i, i + 1) for i in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Masks: ...
    @overload
    def __getitem__(self, index: slice) -> Masks: ...
    @overload
    def __getitem__(self, index: ArrayLike) -> Masks: ...
    def __getitem__(self, index: Index) -> Masks:
        """Take masks out, as a batch.

        ``index`` is an integer (which gives a batch of one), a slice, an array or list of
        integers, or one of N bools. Negative integers count from the end. A slice of step 1 shares
        its run ends with the batch.
        """
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._slice(start, max(start, stop))
            return self._take(np.arange(start, stop, step))
        if isinstance(index, tuple):
            raise TypeError("masks have one axis; for several, index with a list")
        if getattr(index, "ndim", 0) == 0 and not isinstance(index, (bool, np.bool_)):
            try:
                place = operator.index(index)  # type: ignore[arg-type]
            except TypeError:
                pass
            else:
                return self._one(place)
        return self._take(self._places(index))

    def _one(self, index: int) -> Masks:
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} masks")
        return self._slice(place, place + 1)

    def _places(self, index: object) -> NDArray[np.intp]:
        """Turn an array of integers or bools into indices from 0 on."""
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
                raise IndexError(f"index: {len(array)} bools for {len(self)} masks")
            return np.flatnonzero(array)
        places = as_integers(array, "index")
        outside = np.flatnonzero((places < -len(self)) | (places >= len(self)))
        if len(outside):
            raise IndexError(f"index {places[outside[0]]} is out of range for {len(self)} masks")
        places = places.astype(np.intp)
        places[places < 0] += len(self)
        return places

    def _slice(self, start: int, stop: int) -> Masks:
        offsets = self._offsets[start : stop + 1]
        first = offsets[0]
        run_ends = self._run_ends[first : offsets[-1]]
        return type(self)._trusted((run_ends, offsets - first), self._size)

    def _take(self, places: NDArray[np.intp]) -> Masks:
        starts = self._offsets[places]
        lengths = self._offsets[places + 1] - starts
        offsets = np.zeros(len(places) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        run_ends = self._run_ends
        if 32 * len(places) < offsets[-1]:  # long masks are copied one by one
            slices = zip(starts.tolist(), (starts + lengths).tolist(), strict=True)
            run_ends = np.concatenate([run_ends[start:end] for start, end in slices])
        else:
            source = np.repeat(starts - offsets[:-1], lengths)
            source += np.arange(len(source))
            run_ends = run_ends[source]
        return type(self)._trusted((run_ends, offsets), self._size)

    # -- other forms ------------------------------------------------------------------------------

    def to_dense(self, dtype: DTypeLike = bool, out: Any = None) -> Any:
        """Decode to a dense array of ones and zeros.

        Parameters
        ----------
        dtype : dtype, default bool
            Of the fresh array: bool, or any numeric one. With ``out`` it is that array's.
        out : array, optional
            (N, H, W), writable, of any strides and any numeric dtype: a NumPy array, or a CPU
            tensor that shares its memory by DLPack (writable from NumPy 2.1 on).

        Returns
        -------
        numpy.ndarray
            (N, H, W), C-contiguous; or ``out``.

        Raises
        ------
        ValueError
            If ``out`` has another shape or is read-only, or if no memory can hold the array.
        TypeError
            If the dtype is not numeric, or ``out`` no array.

        Examples
        --------
        >>> import numpy as np, segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 1, 2]], (2, 3))
        >>> masks.to_dense(np.float32)
        array([[[1., 0., 0.],
                [1., 0., 0.]]], dtype=float32)
        """
        shape = (len(self), *self._size)
        if out is None:
            fresh = np.dtype(dtype)
            check_numeric(fresh, "dtype")
            check_bytes(shape, fresh)
            dense = np.zeros(shape, fresh)
            decode(self._run_ends, self._offsets, dense, zeroed=True)
            return dense
        array = as_output(out, "out")
        check_numeric(array.dtype, "out")
        if array.shape != shape:
            raise ValueError(f"out: expected the shape {shape}, got {array.shape}")
        decode(self._run_ends, self._offsets, array, zeroed=False)
        return out

    def to_coco(self, compressed: bool = True) -> list[dict[str, Any]]:
        """Make COCO's RLE dicts, ready for JSON.

        Parameters
        ----------
        compressed : bool, default True
            Whether counts are COCO's compressed strings (str), or lists of run lengths.

        Returns
        -------
        list of dict
            N times ``{"size": [H, W], "counts": ...}``.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[1, 1, 4, 3]], (4, 6))
        >>> masks.to_coco()
        [{'size': [4, 6], 'counts': '5220007'}]
        >>> masks.to_coco(compressed=False)
        [{'size': [4, 6], 'counts': [5, 2, 2, 2, 2, 2, 9]}]
        """
        return coco.write_objects(self._run_ends, self._offsets, self._size, compressed)

    def to_polygons(self, connectivity: int = 8, tolerance: float = 0.0) -> Polygons:
        """Trace the outlines, as polygons with holes.

        Parameters
        ----------
        connectivity : {8, 4}
            Whether pixels that share no more than a corner are in one outline. Holes that share no
            more than a corner then are two, and the other way round.
        tolerance : float, default 0
            In pixels. Points are left out, by the algorithm of Douglas and Peucker, that are no
            farther than this from the line which takes their place; an outline keeps three or more.
            Outlines such as long combs, for which that algorithm takes quadratic time, may keep
            some points more than it asks for.
            With 0 outlines are exact. Others are near each mask's own, but may cross themselves
            and one another.

        Returns
        -------
        Polygons
            The rings of the N masks. A mask's outlines come in the order of its
            :meth:`components`.

        Raises
        ------
        ValueError
            If the connectivity is another number, or the tolerance negative or not finite.
        TypeError
            If the tolerance is no number.

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
            raise ValueError(f"tolerance: expected pixels, 0 or more, got {described(tolerance)}")
        vertices, ring_offsets, outer, mask_offsets = kernels.outline(
            self._run_ends, self._offsets, *self._size, int(connectivity)
        )
        if limit:
            vertices, ring_offsets = simplify(vertices, ring_offsets, limit)
        return Polygons(vertices, ring_offsets, outer, mask_offsets, self._size)

    # -- set operations ---------------------------------------------------------------------------

    def __and__(self, other: Masks) -> Masks:
        """Intersect mask by mask; a batch of one serves for every mask of the other."""
        return self._combine(other, _AND)

    def __or__(self, other: Masks) -> Masks:
        """Unite mask by mask; a batch of one serves for every mask of the other."""
        return self._combine(other, _OR)

    def __xor__(self, other: Masks) -> Masks:
        """Take what is in one of both, mask by mask; a batch of one serves for every mask."""
        return self._combine(other, _XOR)

    def __sub__(self, other: Masks) -> Masks:
        """Take away the other's pixels, mask by mask; a batch of one serves for every mask."""
        return self._combine(other, _WITHOUT)

    def __invert__(self) -> Masks:
        """Exchange foreground and background."""
        return self._combine(self, _NEITHER)

    def _combine(self, other: Masks, table: int) -> Masks:
        if not isinstance(other, Masks):
            return NotImplemented
        check_same_size(self, other)
        if len(self) != len(other) and 1 not in (len(self), len(other)):
            raise ValueError(
                f"cannot combine {len(self)} masks with {len(other)}: expected as many, or one"
            )
        batch = kernels.combine(
            self._run_ends, self._offsets, other._run_ends, other._offsets, *self._size, table
        )
        return type(self)._trusted(batch, self._size)

    def union(self) -> Masks:
        """Unite all masks.

        Returns
        -------
        Masks
            A batch of one; empty where there are no masks.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[0, 0, 2, 1], [1, 0, 4, 1]], (1, 5)).union().to_dense(int)
        array([[[1, 1, 1, 1, 0]]])
        """
        return self._reduce(intersect=False)

    def intersection(self) -> Masks:
        """Intersect all masks.

        Returns
        -------
        Masks
            A batch of one; full where there are no masks.

        Examples
        --------
        >>> import segcore as sc
        >>> sc.Masks.from_boxes([[0, 0, 2, 1], [1, 0, 4, 1]], (1, 5)).intersection().to_dense(int)
        array([[[0, 1, 0, 0, 0]]])
        """
        return self._reduce(intersect=True)

    def components(self, connectivity: int = 8) -> tuple[Masks, NDArray[np.int64]]:
        """Split each mask into its connected components.

        Parameters
        ----------
        connectivity : {8, 4}
            Whether pixels that share no more than a corner are neighbours.

        Returns
        -------
        parts : Masks
            The K components: those of the first mask, then those of the second, and so on. A
            mask's come in the order of their first pixels, down the columns; an empty one has none.
        parents : numpy.ndarray
            int64 (K,): the index of the mask that each is a part of.

        Raises
        ------
        ValueError
            If the connectivity is another number.

        Examples
        --------
        The pieces of an object that something stands in front of, and of a semantic map:

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
        run_ends, offsets, parents = kernels.components(
            self._run_ends, self._offsets, *self._size, int(connectivity)
        )
        return Masks._trusted((run_ends, offsets), self._size), parents

    def _reduce(self, intersect: bool) -> Masks:
        batch = kernels.reduce(self._run_ends, self._offsets, *self._size, intersect)
        return type(self)._trusted(batch, self._size)


def wrap(batch: Batch, size: Size) -> Masks:
    """Wrap the run ends and offsets that a kernel returned, without checking them again."""
    return Masks._trusted(batch, size)


def check_masks(value: object, name: str = "masks") -> None:
    """Raise TypeError for what is no batch of masks."""
    if not isinstance(value, Masks):
        raise TypeError(f"{name}: expected Masks, got {described(value)}{masks_hint(value)}")


def _check_dense_size(shape: tuple[int, ...], size: Size, expected: Size) -> None:
    """Raise ValueError unless dense masks have the size that the caller expects."""
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
    """Raise for two batches that do not belong to one image size, or are no batches."""
    check_masks(a, names[0])
    check_masks(b, names[1])
    if a.size != b.size:
        raise ValueError(f"expected masks of one size, got {a.size} and {b.size}")


def _nothing(size: Size) -> Batch:
    return np.empty(0, run_end_dtype(*size)), np.zeros(1, np.int64)
