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
  ``segcore.backends.errors``, raised for the first invalid mask of the batch.
- Inputs are never modified. Kernels only write to arrays named ``out``.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets

# Truth tables of two pixels a and b, for combine and reduce: bit 2 * a + b is the result.
AND, OR, XOR, WITHOUT, NEITHER = 0b1000, 0b1110, 0b0110, 0b0100, 0b0001

# How rasterize_polygons combines the rings of a mask.
UNITED, EVEN_ODD, NON_ZERO = 0, 1, 2


class Kernels(Protocol):
    """A backend: the operations on batches of masks that segcore's public functions call."""

    @property
    def name(self) -> str:
        """Name of the backend, as in ``SEGCORE_BACKEND``: ``"native:avx2"``, ``"numba"``, ..."""

    # -- dense arrays ---------------------------------------------------------------------------

    def encode(self, dense: NDArray[Any], threshold: float | None) -> Batch:
        """Encode a dense array of shape (N, H, W) with any strides.

        The dtype is bool, any integer, or float16/32/64, in native byte order. If ``threshold`` is
        None, which is not allowed for floats, nonzero pixels are foreground; otherwise, pixels with
        ``dense > threshold`` are. Float arrays are compared with the threshold rounded to their
        dtype, integer arrays exactly. NaN is background.
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

        Runs of length zero are accepted and removed. An invalid string raises a MaskError, which is
        defined in ``segcore.backends.errors``.
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
        foreground; all others are positive. If the image has no pixels, the counts are [0].
        """

    # -- measurements -----------------------------------------------------------------------------

    def area(self, batch: Batch) -> NDArray[np.int64]:
        """Return the number of foreground pixels of each mask: shape (N,)."""

    def boxes(self, batch: Batch) -> NDArray[np.int64]:
        """Return the bounding boxes x0 y0 x1 y1, half-open, zeros for empty masks: shape (N, 4)."""

    def moments(self, batch: Batch, second: bool) -> NDArray[np.float64]:
        """Return the centroids x y of the masks: float64, shape (N, 2).

        With ``second``, they are followed by the variances of x and of y and by their covariance:
        shape (N, 5). The center of pixel (y, x) has the coordinates x and y. Of an empty mask, all
        values are NaN. Sums are exact up to 2**53. Beyond that, they are rounded block by block, in
        ascending order: a block is a part of one column, or all adjacent whole columns of a run.
        """

    # -- set operations ---------------------------------------------------------------------------

    def combine(self, a: Batch, b: Batch, table: int) -> Batch:
        """Combine two batches mask by mask, e.g. to intersections, unions or differences.

        Mask i of the result is computed from mask i of ``a`` and mask i of ``b``. If one of the
        batches has a single mask, that is combined with each mask of the other. Each pixel is a
        boolean function of the pixels of both masks: bit ``2 * a + b`` of ``table``, an integer
        from 0 to 15. AND is 0b1000, OR 0b1110, XOR 0b0110, AND NOT 0b0100.
        """

    def reduce(self, batch: Batch, table: int, groups: Offsets | None = None) -> Batch:
        """Combine the masks of each group to one mask.

        ``table`` is ``AND``, ``OR`` or ``XOR``, as for ``combine``: a pixel of the result is
        foreground if it is in all masks of the group, in at least one, or in an odd number of them.
        Group i consists of the masks ``groups[i]`` to ``groups[i + 1] - 1``, where ``groups``,
        int64 of shape (G + 1,), ascends from 0 to N. The result has G masks. By default, all masks
        are one group. The result of an empty group is empty or, for ``AND``, contains all pixels.
        """

    def resolve(self, batch: Batch, limits: NDArray[np.int64]) -> tuple[Batch, NDArray[np.int64]]:
        """Assign each pixel to at most one mask; returns (batch, overlaps).

        The masks are processed in batch order. ``overlaps``, shape (N,), is the number of pixels of
        each mask that are already assigned to earlier masks. If this number exceeds the mask's
        element of ``limits``, shape (N,), the resulting mask is empty. Otherwise, the resulting
        mask consists of the pixels of the mask that are not assigned yet, which are then assigned
        to it.
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
        ring around it for a hole. With ``connectivity`` 8, foreground pixels that share only a
        corner are in the same ring, and holes that share only a corner are separate. With 4, such
        pixels are in separate rings, and such holes are joined.

        Each ring starts at the left end of the topmost horizontal edge in its leftmost column. The
        rings of a mask are sorted by the column, then the row, of this edge.
        """

    def dilate(self, batch: Batch, reach: NDArray[np.int64], outside: bool = False) -> Batch:
        """Dilate masks with a structuring element.

        The structuring element contains the offset (dx, dy) if ``abs(dx) < len(reach)`` and
        ``abs(dy) <= reach[abs(dx)]``. ``reach`` has 1 to W + 1 elements, which are non-increasing
        and between 0 and H. Pixels outside the image are foreground if ``outside`` is true. Time
        and memory depend on the number of run ends of the input and the result, not on W.
        """

    # -- geometry ---------------------------------------------------------------------------------

    def place(
        self, batch: Batch, x: NDArray[np.int64], y: NDArray[np.int64], height: int, width: int
    ) -> Batch:
        """Place masks on a canvas of size (height, width).

        Pixel (r, c) of mask i becomes pixel (r + y[i], c + x[i]) of the canvas. Pixels beyond the
        canvas are cut off, and all other pixels of the canvas are background. The offsets have
        shape (N,), with ``-W <= x <= width`` and ``-H <= y <= height``.
        """

    def reverse(self, batch: Batch, rows: bool, columns: bool) -> Batch:
        """Reverse the order of the rows, the columns, both, or neither, of each mask."""

    def transpose(self, batch: Batch, rows: bool = False, columns: bool = False) -> Batch:
        """Exchange rows and columns; the result has size (W, H).

        The order of its rows, of its columns, or of both is then reversed.
        """

    def resize(self, batch: Batch, height: int, width: int, centers: bool) -> Batch:
        """Resize masks to (height, width) by taking one input pixel for each output pixel.

        Row Y of the result takes row ``floor(Y * H / height)`` or, with ``centers``,
        ``floor((2 * Y + 1) * H / (2 * height))``, both in exact arithmetic, and columns likewise.
        ``H * height`` and ``W * width`` are below 2**61, and an image without pixels is resized to
        one without pixels.
        """

    def cover(self, batch: Batch, height: int, width: int, limit: int) -> Batch:
        """Resize masks to (height, width) by the covered area of each output pixel.

        Input pixels are ``width`` wide and ``height`` high, and output pixels W wide and H high, so
        that both images have the same extent and all borders are integers. A pixel of the result is
        foreground if the foreground of the mask covers at least ``limit`` of its ``H * W`` units of
        area. ``limit`` is from 1 to ``max(H * W, 1)``; sizes are those of ``resize``.
        """

    def warp(self, batch: Batch, matrices: NDArray[np.float64], height: int, width: int) -> Batch:
        """Map masks to (height, width) by looking up the input pixel of each output pixel.

        ``matrices``, shape (N, 9), are 3 x 3 matrices in C order, with finite elements m. For
        column x and row y of the result, ``u = m[1] * y + (m[0] * x + m[2])``, and v and w are
        computed likewise from m[3] to m[5] and m[6] to m[8], in float64 in this order, without
        fused operations. The pixel is that of row ``floor(v / w)`` and column ``floor(u / w)``; it
        is background outside of the image and where w is 0. All sides are below 2**31.
        """

    # -- pairs ------------------------------------------------------------------------------------

    def overlap(
        self, a: Batch, b: Batch, above: float = 0.0, divisors: NDArray[np.uint8] | None = None
    ) -> NDArray[np.int64]:
        """Compute the intersection areas of all pairs of masks: shape (n, m).

        Pairs with ``intersection / denominator < above`` (int64 areas, divided in float64) are set
        to 0. This allows kernels to skip pairs that bounding boxes and areas rule out. The ratio is
        0 if the intersection is empty. ``divisors``, shape (m,), selects the denominator for each
        mask of ``b``: 0 (the default) for the union area, 1 for the area of the mask of ``a``, 2
        for the area of the smaller mask, 3 for the sum of both areas.
        """

    def overlap_ratios(
        self,
        a: Batch,
        b: Batch,
        above: float = 0.0,
        divisors: NDArray[np.uint8] | None = None,
        groups: tuple[Offsets, Offsets] | None = None,
    ) -> NDArray[np.float64]:
        """Divide the intersection areas of all pairs by their denominators: shape (n, m).

        The other arguments are those of ``overlap``. The intersection area and the denominator are
        converted to float64 before the division. The ratio is 0 where ``overlap`` returns 0.

        With ``groups`` = (p, q), only masks of the same group are compared. Group g consists of the
        masks ``p[g]`` to ``p[g + 1] - 1`` of ``a`` and ``q[g]`` to ``q[g + 1] - 1`` of ``b``. The
        result has one dimension: the matrix of each group in C order, one after the other.
        """

    # -- shapes -----------------------------------------------------------------------------------

    def rasterize_polygons(
        self,
        coordinates: NDArray[np.float64],
        ring_offsets: Offsets,
        mask_offsets: Offsets,
        height: int,
        width: int,
        filling: int = UNITED,
    ) -> Batch:
        """Rasterize polygons by the positions at which COCO's rule (``rleFrPoly``) flips pixels.

        ``coordinates`` is flat: x0 y0 x1 y1 ... Ring r has the points ``ring_offsets[r]`` to
        ``ring_offsets[r + 1] - 1``, and mask i has the rings ``mask_offsets[i]`` to
        ``mask_offsets[i + 1] - 1``. Rings of fewer than three points are empty.

        ``filling`` is the fill rule. ``UNITED``: each ring is filled by the even-odd rule, and the
        mask is the union of the filled rings. ``EVEN_ODD``: all rings are filled together
        by the even-odd rule. ``NON_ZERO``: a pixel is foreground if its winding number is not zero.
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

        ``windows`` has shape (N, 6). Columns 0 to 3 are the window x0 y0 x1 y1 of the image outside
        of which the mask is background. Columns 4 and 5 are indices i and j: ``x_positions[i]`` is
        the position of column x0, and ``y_positions[j]`` that of row y0; those of the following
        columns and rows come after them. A position is the coordinate of a column or row in units
        of samples, from 0 to the last sample; within a window, positions are non-decreasing. A
        position with integer part i and fraction f has the value ``a + f * (b - a)``, computed in
        float32 without fused operations, where a is sample i and b is sample i + 1 (or i, if it is
        the last). Columns are interpolated first, then rows. Values greater than the threshold are
        foreground.

        ``inner`` = (x, y) defines an intermediate image: x and y are the positions of its columns
        and rows in the scores, and ``x_positions`` and ``y_positions`` are then positions in the
        intermediate image. The scores are interpolated to the columns of the intermediate image and
        then to those of the image, and after that in the same way to the rows.

        Since f is less than 1, the rounded value is between a and b and monotonic in f. The outline
        of a mask therefore passes only through cells of which some, but not all, corners are above
        the threshold, and through each of them at most once per column. Work and memory need not
        grow with the size of the image.
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

        The pixels between the same four samples form a cell. In a cell, a class is dominated if
        another class has greater scores at all four samples, or has a lower index and scores at
        least as great at all four. Dominated classes are left out. (In exact arithmetic, this does
        not change the result. If one class dominates all others, all pixels of the cell get its
        label; otherwise, only a few classes need to be interpolated.)

        ``out`` is C-contiguous with shape (H, W) and a dtype that holds C - 1. Each pixel is set to
        the index of the class with the greatest value, among those that are not dominated; in a
        tie, the lowest index.
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
        (values_a, values_b, counts), each of shape (K,): the two labels of each distinct pair, in
        the dtypes of the maps (native byte order), and the number of its pixels, int64. Pairs are
        sorted by the label in a, then by the label in b.
        """

    # -- evaluation -------------------------------------------------------------------------------

    def match(
        self,
        ratios: NDArray[np.float64],
        groups_a: Offsets,
        groups_b: Offsets,
        ignored: NDArray[np.uint8],
        crowd: NDArray[np.uint8],
        claims: NDArray[np.uint8],
        thresholds: NDArray[np.float64],
    ) -> NDArray[np.int64]:
        """Match predictions to true objects like COCO's evaluation (``COCOeval.evaluateImg``).

        There are n predictions, the most confident of each group first, and m true objects. Group g
        consists of the predictions ``groups_a[g]`` to ``groups_a[g + 1] - 1`` and the true objects
        ``groups_b[g]`` to ``groups_b[g + 1] - 1``. ``ratios`` are their IoUs in one dimension, as
        ``overlap_ratios`` returns them: the matrix of each group in C order, one after the other.
        Other arrays have values 0 and 1: ``ignored``, shape (R, m), are the true objects that are
        ignored in each of R ranges of area, and ``crowd``, shape (m,), those that any number of
        predictions may match.

        Returns the true object that each prediction matches, or -1, for each range and each of T
        thresholds: shape (R, T, n). In order, each prediction takes the object of its group that
        has the greatest IoU, of at least the threshold (or 1 - 1e-10), among those that are not
        taken; the last one in a tie. Ignored objects match only if no other object does. The object
        is then taken if ``claims``, shape (n,), is 1 for the prediction.
        """

    def precision_recall(
        self,
        matched: NDArray[Any],
        ignored: NDArray[Any],
        scores: NDArray[np.float64],
        ranks: NDArray[np.int64],
        classes: NDArray[np.int64],
        num_true: NDArray[np.int64],
        limits: NDArray[np.int64],
        num_thresholds: int,
        recalls: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Compute precision-recall curves like COCO's evaluation (``COCOeval.accumulate``).

        The n predictions are sorted by class: class k has those from ``classes[k]`` up to
        ``classes[k + 1]``, shape (K + 1,), by descending ``scores``, shape (n,). Bit t of
        ``matched`` and ``ignored``, unsigned of shape (A, n), tells for range of areas a whether a
        prediction matches at threshold t of T <= 64, and whether it does not count. ``num_true``,
        shape (A, K), is not negative, and ``recalls``, shape (R,), ascend. For each of the
        ``limits``, shape (M,), only predictions with a lower ``ranks``, shape (n,), are taken.

        Returns (precision, scores, recall) of shapes (K, A, M, T, R) twice and (K, A, M, T): the
        greatest precision at this recall or above, and the score at which the recall is reached
        (both 0 if it is not), and the recall of all predictions. All are -1 where ``num_true`` is
        0.
        """
