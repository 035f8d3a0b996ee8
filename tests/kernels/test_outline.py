"""outline: masks to rings along the cracks between pixels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.regions import flooded, holes_of
from support.strategies import dense
from support.util import (
    agree,
    assert_identical,
    batch_of,
    batch_of_flips,
    every_mask,
    patterns,
    slow,
    stretched,
)


def filled(ring: np.ndarray, height: int, width: int) -> np.ndarray:
    """Fill a ring, even-odd: a pixel is inside if an odd number of edges is above it."""
    inside = np.zeros((height + 1, width), bool)
    for (x0, y0), (x1, y1) in pairwise([*ring.tolist(), ring[0].tolist()]):
        if y0 == y1:
            inside[y0, min(x0, x1) : max(x0, x1)] ^= True
    return np.logical_xor.accumulate(inside, axis=0)[:height]


def signed_area(ring: np.ndarray) -> int:
    """Give the pixels inside, negative where one walks with them on the left."""
    x, y = ring.T
    return int((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) // 2


def first_edge(ring: np.ndarray) -> tuple[int, int]:
    """Find the leftmost column's topmost horizontal edge; it is one pixel wide at least."""
    following = np.roll(ring, -1, axis=0)
    across = ring[:, 1] == following[:, 1]
    starts = np.minimum(ring, following)[across]
    return min(map(tuple, starts.tolist()))


def check(result, masks: np.ndarray, connectivity: int) -> None:
    vertices, ring_offsets, outer, mask_offsets = result
    height, width = masks.shape[1:]
    assert vertices.shape == (ring_offsets[-1], 2)
    rings = [vertices[start:end] for start, end in pairwise(ring_offsets)]
    assert len(rings) == len(outer) == mask_offsets[-1]
    assert len(mask_offsets) == len(masks) + 1
    for ring in rings:
        steps = np.roll(ring, -1, axis=0) - ring
        # Each step is along one axis, and they take turns.
        assert ((steps != 0).sum(axis=1) == 1).all()
        assert ((steps != 0) != (np.roll(steps, -1, axis=0) != 0)).all()
        assert tuple(ring[0]) == first_edge(ring)
    for mask, (start, end) in zip(masks, pairwise(mask_offsets), strict=True):
        parts, holes = flooded(mask, connectivity), holes_of(mask, connectivity)
        around = [i for i in range(start, end) if outer[i] < 0]
        inside = [i for i in range(start, end) if outer[i] >= 0]
        begins = [first_edge(rings[i]) for i in range(start, end)]
        assert begins == sorted(begins)
        for i, part in zip(around, parts, strict=True):
            whole = filled(rings[i], height, width)
            assert signed_area(rings[i]) == whole.sum()
            for j in inside:
                if outer[j] == i:
                    whole ^= filled(rings[j], height, width)
            assert np.array_equal(whole, part)
        found = set()
        for j in inside:
            fill = filled(rings[j], height, width)
            assert signed_area(rings[j]) == -fill.sum()
            x, y = rings[j][0]
            [hole] = [k for k, each in enumerate(holes) if each[y, x]]
            assert not (holes[hole] & ~fill).any()
            found.add(hole)
        assert len(found) == len(inside) == len(holes)


def assert_traces(kernels, masks):
    for connectivity in (4, 8):
        result = agree(kernels, "outline", batch_of(masks), connectivity)
        check(result, masks, connectivity)


@pytest.mark.parametrize(
    "size",
    [
        (3, 3),
        slow((2, 4)),
        slow((4, 2)),
        (1, 8),
        slow((8, 1)),
        (2, 2),
        (1, 1),
        (0, 3),
        (3, 0),
        slow((3, 4)),
    ],
)
def test_every_tiny_mask(kernels, size):
    masks = every_mask(*size)
    assert_traces(kernels, masks if len(masks) <= 512 else masks[::7])


@pytest.mark.parametrize("size", [(17, 33), (33, 17), (64, 3), (3, 64)])
def test_patterns(kernels, size):
    assert_traces(kernels, patterns(*size))


def test_no_masks(kernels):
    assert_traces(kernels, np.zeros((0, 5, 7), bool))


@given(masks=dense(max_count=4))
def test_any_masks(kernels, masks):
    assert_traces(kernels, masks)


@pytest.mark.slow_on("numba")
@given(masks=dense(max_count=4), connectivity=st.sampled_from([4, 8]))
def test_large_masks(kernels, masks, connectivity):
    """Pixels that are very high have the corners of low ones, that much further apart."""
    low = kernels.outline(batch_of(masks), connectivity)
    for factor in (2**26, 2**40):
        batch = stretched(batch_of(masks), factor)
        high = agree(kernels, "outline", batch, connectivity)
        assert_identical(high, (low[0] * [1, factor], *low[1:]))


def test_a_wide_image(kernels):
    """A full mask is one ring of four corners, however many columns it has."""
    width = 2**40
    batch = batch_of_flips([[0], [2, 4 * (width - 1)]], (4, width))
    vertices, ring_offsets, outer, mask_offsets = kernels.outline(batch, 8)
    assert vertices[:4].tolist() == [[0, 0], [width, 0], [width, 4], [0, 4]]
    middle = [[0, 2], [1, 2], [1, 0], [width - 1, 0], [width - 1, 4], [0, 4]]
    assert ring_offsets.tolist() == [0, 4, 10]
    assert vertices[4:].tolist() == middle
    assert outer.tolist() == [-1, -1]
    assert mask_offsets.tolist() == [0, 1, 2]


def test_rings_in_holes_in_rings(kernels):
    """Each hole names the ring that it is in, and islands in holes are rings of their own."""
    mask = np.zeros((1, 11, 11), bool)
    mask[0, 1:10, 1:10] = True
    mask[0, 2:9, 2:9] = False
    mask[0, 3:8, 3:8] = True
    mask[0, 4, 4] = mask[0, 6, 6] = False
    _, _, outer, _ = agree(kernels, "outline", batch_of(mask), 8)
    assert outer.tolist() == [-1, 0, -1, 2, 2]


def test_corners_that_touch(kernels):
    mask = np.array([[[1, 0], [0, 1]]], bool)
    vertices, offsets, _, _ = kernels.outline(batch_of(mask), 8)
    assert offsets.tolist() == [0, 8]
    expected = [[0, 0], [1, 0], [1, 1], [2, 1], [2, 2], [1, 2], [1, 1], [0, 1]]
    assert vertices.tolist() == expected
    _, offsets, _, _ = kernels.outline(batch_of(mask), 4)
    assert offsets.tolist() == [0, 4, 8]


def test_as_many_rings_as_opencv_finds():
    cv2 = pytest.importorskip("cv2")
    from segcore.backends import kernels

    masks = patterns(40, 50)
    _, _, outer, mask_offsets = kernels.outline(batch_of(masks), 8)
    for i, mask in enumerate(masks):
        _, tree = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        parents = np.zeros(0) if tree is None else tree[0, :, 3]
        rings = outer[mask_offsets[i] : mask_offsets[i + 1]]
        assert (len(rings), (rings < 0).sum()) == (len(parents), (parents < 0).sum())
