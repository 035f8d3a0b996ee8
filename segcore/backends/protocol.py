"""The interface of the kernels, which all backends implement.

A backend is a module (or any object) with these functions. They are pure functions over flat
arrays, and their results and errors are identical on all backends. The ``reference`` backend is
their executable definition.

Conventions
-----------
- Masks are arguments and results as a :class:`~segcore._batch.Batch`: N masks of the same image
  size. Two batches of one call have the same image size.
- The caller validates shapes, dtypes and sizes. Errors that only a kernel can detect while reading
  the data (an invalid count, an infinite coordinate) are the ValueErrors of
  :mod:`segcore.backends.errors`, raised for the first invalid mask of the batch.
- Inputs are never modified. Kernels only write to arrays named ``out``.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets

# Truth tables of two pixels a and b, for combine and reduce: bit 2 * a + b is the result.
AND, OR, XOR, WITHOUT, NEITHER = 0b1000, 0b1110, 0b0110, 0b0100, 0b0001


class Kernels(Protocol):
    """The kernel functions."""

    @property
    def name(self) -> str:
        """Name of the backend, as in ``SEGCORE_BACKEND``: ``"native:avx2"``, ``"numba"``, ..."""

    # -- dense arrays ---------------------------------------------------------------------------

    def encode(self, dense: NDArray[Any], threshold: float | None) -> Batch:
        """Encode a dense array of shape (N, H, W) with any strides.

        The dtype is bool, any integer, or float16/32/64, in native byte order. If ``threshold`` is
        None (never for floats), nonzero pixels are foreground, otherwise those with
        ``dense > threshold``. Float arrays are compared with the threshold rounded to their dtype,
        integer arrays exactly. NaN is background.
        """

    def encode_bits(self, rows: NDArray[np.uint8], width: int, little: bool) -> Batch:
        """Encode bit-packed masks.

        ``rows`` is C-contiguous with shape (N, H, ceil(W / 8)), as returned by ``numpy.packbits``
        along the last axis; H and W are less than 2**31. The first pixel of a byte is its most
        significant bit or, if ``little``, its least significant bit. Padding bits are ignored.
        """

    def encode_changes(self, columns: NDArray[np.uint8], height: int, width: int) -> Batch:
        """Encode uint8 masks by value changes, as pycocotools does.

        ``columns`` is C-contiguous with shape (N, height * width): the pixels of each mask in
        column-major order. A mask changes between background and foreground at every byte that
        differs from its predecessor; the first byte is compared with 0. For zeros and ones, the
        result equals that of ``encode``.
        """

    def decode(self, batch: Batch, out: NDArray[Any], zeroed: bool) -> None:
        """Write the masks into the array ``out`` of shape (N, H, W) as ones and zeros.

        ``out`` has the image size of the batch, any strides, and any numeric dtype of 1, 2, 4 or 8
        bytes in any byte order. If ``zeroed``, the caller guarantees that ``out`` contains only
        zeros, so that only the foreground is written.
        """

    # -- COCO counts ------------------------------------------------------------------------------

    def string_decode(
        self, data: NDArray[np.uint8], data_offsets: Offsets, height: int, width: int
    ) -> Batch:
        """Decode COCO's compressed counts strings, concatenated in ``data``.

        Runs of length zero are accepted and removed. Invalid strings raise the errors of
        ``segcore/backends/errors.py``.
        """

    def string_encode(self, batch: Batch) -> tuple[NDArray[np.uint8], Offsets]:
        """Encode masks as COCO's compressed counts strings; returns (data, data_offsets)."""

    def counts_decode(
        self, counts: NDArray[np.int64], counts_offsets: Offsets, height: int, width: int
    ) -> Batch:
        """Decode run lengths, background first. Runs of length zero are accepted and removed."""

    def counts_encode(self, batch: Batch) -> tuple[NDArray[np.int64], Offsets]:
        """Encode masks as run lengths, background first; returns (counts, counts_offsets).

        The counts of a mask sum to ``height * width``. The first count is 0 if the first pixel is
        foreground; all others are positive. If the size has no pixels, there is one count, 0.
        """

    # -- measurements -----------------------------------------------------------------------------

    def area(self, batch: Batch) -> NDArray[np.int64]:
        """Return the number of foreground pixels of each mask: shape (N,)."""

    def boxes(self, batch: Batch) -> NDArray[np.int64]:
        """Return the bounding boxes x0 y0 x1 y1, half-open, zeros for empty masks: shape (N, 4)."""

    # -- set operations ---------------------------------------------------------------------------

    def combine(self, a: Batch, b: Batch, table: int) -> Batch:
        """Apply a boolean function of two pixels to pairs of masks.

        Bit ``2 * a + b`` of ``table`` (0 to 15) is the result for pixel values ``a`` and ``b``: AND
        is 0b1000, OR 0b1110, XOR 0b0110, AND NOT 0b0100. Both batches have N masks, or one of them
        has a single mask, which is combined with each mask of the other.
        """

    def reduce(self, batch: Batch, table: int, groups: Offsets | None = None) -> Batch:
        """Combine the masks of each group to one mask.

        ``table`` is ``AND``, ``OR`` or ``XOR``, as for ``combine``: a pixel of the result is
        foreground if it is in all masks of the group, in at least one, or in an odd number.
        Group i consists of the masks ``groups[i]`` to ``groups[i + 1] - 1``, where ``groups``,
        int64 of shape (G + 1,), ascends from 0 to N. The result has G masks. By default, all masks
        are one group. The result of an empty group is empty or, for ``AND``, contains all pixels.
        """

    def resolve(self, batch: Batch, limits: NDArray[np.int64]) -> tuple[Batch, NDArray[np.int64]]:
        """Assign each pixel to at most one mask; returns (batch, overlaps).

        The masks are processed in batch order. ``overlaps``, shape (N,), is the number of pixels of
        each mask that are already assigned to earlier masks. If it exceeds the mask's element of
        ``limits``, shape (N,), the resulting mask is empty and no pixels are assigned to it.
        Otherwise its remaining pixels are assigned to it and are the resulting mask.
        """

    def components(self, batch: Batch, connectivity: int) -> tuple[Batch, NDArray[np.int64]]:
        """Split masks into connected components; returns (batch, parents).

        Pixels are neighbors if they share a side or, with ``connectivity`` 8 instead of 4, a
        corner. Components are sorted by mask and then by their first pixel. ``parents``, shape
        (K,), is the index of the mask that each of the K components belongs to.
        """

    def outline(
        self, batch: Batch, connectivity: int
    ) -> tuple[NDArray[np.int64], Offsets, NDArray[np.int64], Offsets]:
        """Trace the outlines of masks; returns (vertices, ring_offsets, outer, mask_offsets).

        Rings follow the edges between pixels; pixel (y, x) is the square from (x, y) to
        (x + 1, y + 1). The vertices of a ring are its corners x y, without repeating the first:
        ring r is ``vertices[ring_offsets[r]:ring_offsets[r + 1]]``, where ``vertices`` has shape
        (P, 2), and mask i has the rings ``mask_offsets[i]`` to ``mask_offsets[i + 1] - 1``. With y
        pointing down, foreground is on the right of the direction of travel, so exterior rings run
        clockwise. ``outer``, shape (R,), is -1 for exterior rings, and the index of the exterior
        ring around it for a hole. Foreground pixels that share only a corner are in the same ring
        with ``connectivity`` 8 and in two rings with 4; for holes it is the opposite.

        The first edge of a ring is the topmost horizontal edge in its leftmost column. A ring
        starts at the left end of its first edge. The rings of a mask are sorted by the column, and
        then the row, of their first edges.
        """

    def dilate(self, batch: Batch, reach: NDArray[np.int64], outside: bool = False) -> Batch:
        """Dilate masks with a structuring element.

        The element is symmetric: a foreground pixel sets all pixels at a distance of k columns to
        either side, for ``k < len(reach)``, and at most ``reach[k]`` rows. ``reach`` has 1 to W + 1
        elements, which are non-increasing and between 0 and H. Pixels outside the image are
        foreground if ``outside`` is true. Time and memory depend on the number of run ends of the
        input and the result, not on W.
        """

    def overlap(
        self, a: Batch, b: Batch, above: float = 0.0, divisors: NDArray[np.uint8] | None = None
    ) -> NDArray[np.int64]:
        """Compute the intersection areas of all pairs of masks: shape (n, m).

        Pairs with ``intersection / denominator < above`` (int64 areas, divided in float64) are set
        to 0, so pairs that are ruled out by their bounding boxes and areas need not be computed.
        ``divisors``, shape (m,), selects the denominator for each mask of ``b``: 0 (the default)
        for the union area, 1 for the area of the mask of ``a``, 2 for the area of the smaller mask,
        3 for the sum of both areas.
        """

    def overlap_ratios(
        self, a: Batch, b: Batch, above: float = 0.0, divisors: NDArray[np.uint8] | None = None
    ) -> NDArray[np.float64]:
        """Divide the intersection areas of all pairs by their denominators: shape (n, m).

        The arguments are those of ``overlap``. Both areas are converted to float64 first. The ratio
        is 0 where ``overlap`` is 0.
        """

    # -- shapes -----------------------------------------------------------------------------------

    def rasterize_polygons(
        self,
        coordinates: NDArray[np.float64],
        ring_offsets: Offsets,
        mask_offsets: Offsets,
        height: int,
        width: int,
    ) -> Batch:
        """Rasterize polygons like COCO (``rleFrPoly``): even-odd within a ring, union of rings.

        ``coordinates`` is flat: x0 y0 x1 y1 ... Ring r has the points ``ring_offsets[r]`` to
        ``ring_offsets[r + 1] - 1``, and mask i has the rings ``mask_offsets[i]`` to
        ``mask_offsets[i + 1] - 1``. Rings of fewer than three points are empty.
        """

    def rasterize_boxes(self, boxes: NDArray[np.float64], height: int, width: int) -> Batch:
        """Rasterize boxes x0 y0 x1 y1, shape (N, 4), like polygons with the same corners."""

    # -- soft masks -------------------------------------------------------------------------------

    def resample(
        self,
        scores: NDArray[np.float32],
        inner: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
        x_positions: NDArray[np.float32],
        y_positions: NDArray[np.float32],
        windows: NDArray[np.int64],
        height: int,
        width: int,
        threshold: float,
    ) -> Batch:
        """Interpolate scores bilinearly and encode the pixels above a threshold.

        ``scores`` is C-contiguous with shape (N, h, w), and ``threshold`` is a float32 value
        between -2**126 and 2**126. Scores are clipped to these bounds, and NaN becomes the lower
        one, so that all arithmetic is finite.

        ``windows`` has shape (N, 6). The first four columns are the part x0 y0 x1 y1 of the image
        that a mask can cover; pixels outside it are background. The last two columns are the
        indices in ``x_positions`` and ``y_positions`` of the elements for column x0 and row y0. A
        position is the coordinate of a column or row in units of samples, from 0 to the last
        sample; within a window, positions are non-decreasing. A position with integer part i and
        fraction f has the value ``a + f * (b - a)``, computed in float32 without fused operations,
        where a is sample i and b is sample i + 1 (or i, if it is the last). Columns are
        interpolated first, then rows. Values greater than the threshold are foreground.

        With ``inner`` = (x, y), the positions refer to an intermediate image, whose columns and
        rows are at the positions x and y of the scores. All columns are interpolated first, in both
        steps, then all rows.

        Since f is less than 1, the rounded value is between a and b and monotonic in f. The
        boundary therefore passes only through cells whose corners differ, and through each at most
        once per column, so work and memory need not grow with the size of the image.
        """

    # -- class scores -----------------------------------------------------------------------------

    def argmax_resample(
        self,
        scores: NDArray[np.float32],
        x_positions: NDArray[np.float32],
        y_positions: NDArray[np.float32],
        out: NDArray[np.unsignedinteger[Any]],
    ) -> None:
        """Interpolate class scores bilinearly and write the argmax of each pixel.

        ``scores`` is C-contiguous with shape (C, h, w), with C from 1 to 2**31. Scores are clipped
        to -2**126 and 2**126, and NaN becomes the lower bound, so that all arithmetic is finite.

        A position is the coordinate of a column or row of ``out`` in units of samples, from 0 to
        the last sample; positions are non-decreasing. A position with integer part i and fraction f
        has the value ``a + f * (b - a)``, computed in float32 without fused operations, where a is
        sample i and b is sample i + 1 (or i, if it is the last). Columns are interpolated first,
        then rows.

        The pixels between the same four samples form a cell. In a cell, a class is dominated, and
        cannot win, if another class has greater scores at all four samples, or comes first and has
        lower scores at none of them. (In exact arithmetic it could not win anyway. If one class
        dominates all others, the cell is constant; otherwise few classes need to be interpolated.)

        ``out`` is C-contiguous with shape (H, W) and a dtype that holds C - 1. A pixel is set to
        the index of the greatest value (the first one in a tie) among the classes that are not
        dominated.
        """

    # -- label maps -------------------------------------------------------------------------------

    def paint(
        self, batch: Batch, order: NDArray[np.int64], values: NDArray[Any], out: NDArray[Any]
    ) -> None:
        """Paint masks on the integer array ``out`` of shape (H, W), the image size of the batch.

        ``out`` has any strides. For each index i in ``order``, the pixels of mask i are set to
        ``values[i]``; other pixels are unchanged. ``values``, shape (N,), has the dtype of ``out``
        in native byte order. An index may be repeated or missing.
        """

    def label_runs(
        self, labels: NDArray[Any], background: int | None
    ) -> tuple[NDArray[Any], Batch]:
        """Split a label map into one mask per label; returns (ids, batch).

        ``labels`` is an integer array of shape (H, W) with any strides. ``ids`` are its distinct
        labels in ascending order, in native byte order. ``background``, if given, is left out.
        """

    def overlap_table(
        self, labels_a: NDArray[Any], labels_b: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
        """Compute the sparse contingency table of two label maps.

        The maps have shape (H, W), any strides, and possibly different integer dtypes. Returns
        (values_a, values_b, counts), each of shape (K,): the distinct pairs of labels, sorted by
        (a, b), in the dtypes of the maps (native byte order), and their numbers of pixels.
        """
