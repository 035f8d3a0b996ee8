"""What a kernel is: the names, arguments and meaning that every backend shares.

A backend is any object (a module will do) with these functions. They are pure functions over
flat arrays, and bit-identical on every backend, errors included; the ``reference`` backend is
their executable definition.

Conventions
-----------
- A batch of N masks of one size is two arrays: ``run_ends`` (all masks, one after the other) and
  ``offsets`` (int64, N + 1). Mask ``i`` is ``run_ends[offsets[i]:offsets[i + 1]]``: the strictly
  increasing column-major pixel offsets, all below ``height * width``, at which the mask flips,
  starting from background. Pixel (y, x) has the offset ``x * height + y``.
- ``run_ends`` is uint32 while ``height * width < 2**32`` and uint64 from there on
  (:func:`segcore.backends.sizes.run_end_dtype`), as argument and as result.
- The caller has checked shapes, dtypes and sizes. What only a kernel can find out while it reads
  (a broken count, an infinite coordinate) it raises as the ValueError of
  :mod:`segcore.backends.errors`, for the first mask in batch order that has one.
- Inputs are never written to. Arrays named ``out`` are the only ones that are.
"""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

RunEnds: TypeAlias = NDArray[np.uint32] | NDArray[np.uint64]
Offsets: TypeAlias = NDArray[np.int64]
Batch: TypeAlias = tuple[RunEnds, Offsets]


class Kernels(Protocol):
    """The kernels. ``Batch`` is the pair (run_ends, offsets)."""

    @property
    def name(self) -> str:
        """The backend's name as in ``SEGCORE_BACKEND``: ``"native:avx2"``, ``"numba"``, ..."""

    # -- dense arrays ---------------------------------------------------------------------------

    def encode(self, dense: NDArray[Any], threshold: float | None) -> Batch:
        """Encode the (N, H, W) array ``dense``, of any strides.

        The dtype is bool, any integer, or float16/32/64, in native byte order. Without a
        threshold (never for floats) nonzero is foreground. With one, ``dense > threshold`` is,
        as NumPy compares an array with a Python float: the threshold is first rounded to the
        dtype of a float array; an integer array is compared exactly. NaN is background.
        """

    def encode_bits(self, rows: NDArray[np.uint8], width: int, little: bool) -> Batch:
        """Encode masks of one bit a pixel.

        ``rows`` is the C-contiguous (N, H, ceil(W / 8)), as of ``numpy.packbits`` along the last
        axis; H and W are below 2**31. A byte's first pixel is its highest bit or, if ``little``,
        its lowest. The bits behind a row's last pixel do not count.
        """

    def encode_changes(self, columns: NDArray[np.uint8], height: int, width: int) -> Batch:
        """Encode masks that flip wherever a byte differs from the one before it, the first from 0.

        ``columns`` is the C-contiguous (N, height * width): the pixels of each mask in
        column-major order. For zeros and ones it says what ``encode`` says; among other values
        each change is a flip, as in pycocotools.
        """

    def decode(self, run_ends: RunEnds, offsets: Offsets, out: NDArray[Any], zeroed: bool) -> None:
        """Write the masks into the (N, H, W) array ``out`` as ones and zeros of its dtype.

        ``out`` has any strides and any numeric dtype of 1, 2, 4 or 8 bytes, in any byte order.
        ``zeroed`` is the caller's promise that ``out`` holds nothing but zeros, so that the
        background need not be written.
        """

    # -- COCO counts ------------------------------------------------------------------------------

    def string_decode(
        self, data: NDArray[np.uint8], data_offsets: Offsets, height: int, width: int
    ) -> Batch:
        """Read COCO's compressed counts strings, laid end to end in ``data``.

        Zero runs are accepted and vanish. ``segcore/backends/errors.py`` has what raises.
        """

    def string_encode(
        self, run_ends: RunEnds, offsets: Offsets, height: int, width: int
    ) -> tuple[NDArray[np.uint8], Offsets]:
        """Write COCO's compressed counts strings; the pair (data, data_offsets)."""

    def counts_decode(
        self, counts: NDArray[np.int64], counts_offsets: Offsets, height: int, width: int
    ) -> Batch:
        """Read run lengths, background first. Zero runs are accepted and vanish."""

    def counts_encode(
        self, run_ends: RunEnds, offsets: Offsets, height: int, width: int
    ) -> tuple[NDArray[np.int64], Offsets]:
        """Write run lengths, background first: the pair (counts, counts_offsets).

        The first count is 0 where the mask's first pixel is foreground; no other is. They sum to
        ``height * width``; a size without pixels gives the single count 0.
        """

    # -- measures ---------------------------------------------------------------------------------

    def area(
        self, run_ends: RunEnds, offsets: Offsets, height: int, width: int
    ) -> NDArray[np.int64]:
        """Count each mask's foreground pixels: (N,)."""

    def boxes(
        self, run_ends: RunEnds, offsets: Offsets, height: int, width: int
    ) -> NDArray[np.int64]:
        """Bound each mask: (N, 4), x0 y0 x1 y1, half-open; zeros where a mask is empty."""

    # -- set operations ---------------------------------------------------------------------------

    def combine(
        self,
        a_run_ends: RunEnds,
        a_offsets: Offsets,
        b_run_ends: RunEnds,
        b_offsets: Offsets,
        height: int,
        width: int,
        table: int,
    ) -> Batch:
        """Apply a boolean function of two pixels, element by element.

        Bit ``2 * a + b`` of ``table`` (0..15) is the result for pixels ``a`` and ``b``: AND is
        0b1000, OR 0b1110, XOR 0b0110, "a without b" 0b0100. Both batches have N masks, or one of
        them has a single mask, which serves for every mask of the other.
        """

    def reduce(
        self, run_ends: RunEnds, offsets: Offsets, height: int, width: int, intersect: bool
    ) -> Batch:
        """Unite all masks, or intersect them, to a batch of one.

        The union of no masks is empty, their intersection is full.
        """

    def resolve(
        self,
        run_ends: RunEnds,
        offsets: Offsets,
        height: int,
        width: int,
        limits: NDArray[np.int64],
    ) -> tuple[RunEnds, Offsets, NDArray[np.int64]]:
        """Give each pixel to the first mask that takes it: (run_ends, offsets, overlaps).

        The masks take their turns in the order of the batch. ``overlaps`` (N,) counts the pixels
        of each that are taken when its turn comes. Where these are more than the mask's of
        ``limits`` (N,), it takes nothing, and comes out empty; else it takes, and comes out as,
        its other pixels.
        """

    def components(
        self, run_ends: RunEnds, offsets: Offsets, height: int, width: int, connectivity: int
    ) -> tuple[RunEnds, Offsets, NDArray[np.int64]]:
        """Split masks into connected components: (run_ends, offsets, parents).

        Pixels are neighbours that share a side or, with the ``connectivity`` 8 instead of 4, a
        corner. A mask's components come in the order of their first pixels, masks in that of the
        batch; ``parents`` (K,) says which mask each of the K components is of.
        """

    def outline(
        self, run_ends: RunEnds, offsets: Offsets, height: int, width: int, connectivity: int
    ) -> tuple[NDArray[np.int64], Offsets, NDArray[np.int64], Offsets]:
        """Trace the outlines of masks: (vertices, ring_offsets, outer, mask_offsets).

        A ring follows the cracks between pixels; pixel (y, x) is the square from (x, y) to
        (x + 1, y + 1). Its vertices are its corners, x y each, without a repetition at the end:
        ring ``r`` has ``vertices[ring_offsets[r]:ring_offsets[r + 1]]`` of the (P, 2), and mask
        ``i`` the rings from ``mask_offsets[i]`` to ``mask_offsets[i + 1]``. Foreground is on the
        right of who walks along a ring, where y points down. ``outer`` (R,) is -1 for a ring round
        foreground, and for one round a hole the index of the ring round the foreground that it is
        in. Pixels that share no more than a corner are in one ring with the ``connectivity`` 8,
        and in two with 4; with holes it is the other way round.

        The first edge of a ring is the horizontal one of its leftmost column that is topmost. The
        rings of a mask come in the order of their first edges, by column and then by row. A ring
        begins at the left end of its first edge.
        """

    def dilate(
        self,
        run_ends: RunEnds,
        offsets: Offsets,
        height: int,
        width: int,
        reach: NDArray[np.int64],
        outside: bool = False,
    ) -> Batch:
        """Grow masks by a shape: (run_ends, offsets).

        A pixel (y, x) makes all pixels foreground that are ``k < len(reach)`` columns from it, to
        either side, and at most ``reach[k]`` rows. ``reach`` has 1 to W + 1 numbers, none negative,
        greater than H, or greater than the one before it. Pixels beyond the image's edges are
        foreground if ``outside`` is true. Time and memory depend on the run ends that come in and
        go out, not on W.
        """

    def overlap(
        self,
        a_run_ends: RunEnds,
        a_offsets: Offsets,
        b_run_ends: RunEnds,
        b_offsets: Offsets,
        height: int,
        width: int,
        above: float = 0.0,
        divisors: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.int64]:
        """Count the common pixels of every pair: (n, m), 0 where they are too few.

        They are where ``common / divisor < above``, an exact int64 area divided by another in
        float64. ``divisors`` (m,) says for each mask of ``b`` what the divisor is: 0 (for all,
        without the argument) the area of the union, 1 that of the mask of ``a``, 2 that of the
        smaller of both. What bounding boxes and areas show to be too few need not be counted.
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
        """Fill polygons by COCO's rule (``rleFrPoly``): even-odd within a ring, union of rings.

        ``coordinates`` is flat: x0 y0 x1 y1 ...; ring ``r`` has the points ``ring_offsets[r]`` to
        ``ring_offsets[r + 1]``, and mask ``i`` the rings ``mask_offsets[i]`` to
        ``mask_offsets[i + 1]``. A ring of fewer than three points covers nothing.
        """

    def rasterize_boxes(self, boxes: NDArray[np.float64], height: int, width: int) -> Batch:
        """Fill (N, 4) boxes x0 y0 x1 y1: COCO's polygon rule for their four corners."""

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
        """Interpolate scores, and encode what is above the threshold, without the dense array.

        ``scores`` is the C-contiguous (N, h, w), ``threshold`` a float32 number between -2**126 and
        2**126. A score beyond these becomes the bound itself, and NaN the lower one, so that all
        arithmetic is finite.

        ``windows`` is (N, 6): x0 y0 x1 y1, the part of the picture that mask ``i`` can cover, then
        the places in ``x_positions`` and ``y_positions`` of what belongs to its column x0 and its
        row y0. Outside is background. Positions tell where among the samples of an axis a column
        or row lies, from 0 to the last sample; within a window they never descend. Their whole
        part ``i`` and fraction ``f`` make a value, in float32 without fused operations, of the
        samples ``a`` at ``i`` and ``b`` at ``i + 1`` (or ``i``, where that is the last):
        ``a + f * (b - a)``. First columns are interpolated, then rows. Values greater than the
        threshold are foreground.

        With ``inner``, positions are not among the scores but in an intermediate picture, whose
        own columns and rows lie at the positions ``inner`` = (x, y) among the scores. First all
        columns are interpolated, in both steps, then all rows.

        (As ``f`` is less than 1, rounding keeps the value between ``a`` and ``b``, and monotone
        in ``f``. So the boundary passes only through cells whose corners differ, and in a column
        once at most through each. Work and memory need not grow with the picture.)
        """

    # -- class scores -----------------------------------------------------------------------------

    def argmax_resample(
        self,
        scores: NDArray[np.float32],
        x_positions: NDArray[np.float32],
        y_positions: NDArray[np.float32],
        out: NDArray[np.unsignedinteger[Any]],
    ) -> None:
        """Interpolate class scores, and write the class that is the greatest at each pixel.

        ``scores`` is the C-contiguous (C, h, w), C from 1 to 2**31. A score beyond 2**126 becomes
        that bound, one below -2**126, or NaN, the lower bound, so that all arithmetic is finite.

        Positions tell where among the samples of an axis a column or row of ``out`` lies, from 0
        to the last sample; they never descend. Their whole part ``i`` and fraction ``f`` make a
        value, in float32 without fused operations, of the samples ``a`` at ``i`` and ``b`` at
        ``i + 1`` (or ``i``, where that is the last): ``a + f * (b - a)``. First columns are
        interpolated, then rows.

        The pixels between the same four samples are a cell. In it, a class that another one beats
        at all four does not win: it is less than the other at all of them or, where it comes after
        the other, greater at none. (In exact arithmetic it could not win anyhow. Where one class
        wins at all four samples, the cell is constant; in others few classes need be interpolated.)

        ``out`` is C-contiguous (H, W), of a dtype that holds C - 1. A pixel becomes the index of
        the greatest value, the first one of equals, among the classes that are not beaten.
        """

    # -- label maps -------------------------------------------------------------------------------

    def paint(
        self,
        run_ends: RunEnds,
        offsets: Offsets,
        order: NDArray[np.int64],
        values: NDArray[Any],
        out: NDArray[Any],
    ) -> None:
        """Paint masks over the (H, W) integer array ``out``, of any strides.

        For each index ``i`` of ``order``, in that order, the pixels of mask ``i`` become
        ``values[i]``; the others stay. ``values`` (N,) has the dtype of ``out``, in native byte
        order. An index may come twice, or never.
        """

    def label_runs(
        self, labels: NDArray[Any], background: int | None
    ) -> tuple[NDArray[Any], RunEnds, Offsets]:
        """Split the (H, W) integer array ``labels``, of any strides, into one mask a label.

        Returns (ids, run_ends, offsets): the labels that occur, ascending, in the dtype of
        ``labels`` (native byte order), without ``background`` unless that is None.
        """

    def overlap_table(
        self, labels_a: NDArray[Any], labels_b: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
        """Count the pixels of each pair of labels that two (H, W) maps have at the same pixel.

        The maps are integers of any dtype, each of its own, and of any strides. Returns
        (values_a, values_b, counts), (K,) each: the pairs that occur, ascending by (a, b), in the
        dtype of the map (native byte order), and their numbers of pixels.
        """
