"""Masks to polygons with holes, and back."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.exact import squared_distance
from support.strategies import dense
from support.util import Pycocotools, every_mask, patterns

import segcore as sc
from segcore._rings.simplify import simplify
from segcore.polygons import Polygons


def check(masks: sc.Masks, connectivity: int) -> None:
    polygons = masks.to_polygons(connectivity)
    assert len(polygons) == len(masks)
    assert polygons.size == masks.size
    assert sc.Masks.from_polygons(polygons) == masks
    coco = polygons.to_coco()
    assert sc.Masks.from_polygons(coco, masks.size) == masks
    assert [len(each) for each in coco] == np.bincount(
        masks.components(connectivity)[1], minlength=len(masks)
    ).tolist()
    shapes = json.loads(json.dumps(polygons.to_geojson()))
    assert [len(each["coordinates"]) for each in shapes] == [len(each) for each in coco]
    for i, each in enumerate(shapes):
        rings = [ring for part in each["coordinates"] for ring in part]
        assert all(ring[0] == ring[-1] for ring in rings)
        key = [sorted(map(tuple, ring)) for ring in polygons.rings(i)]
        assert sorted(sorted(map(tuple, ring[:-1])) for ring in rings) == sorted(key)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("size", [(3, 3), (2, 4), (4, 2), (1, 5), (5, 1)])
def test_every_tiny_mask(size, connectivity):
    check(sc.Masks.from_dense(every_mask(*size)), connectivity)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("size", [(17, 33), (33, 17), (64, 3), (3, 64)])
def test_patterns(size, connectivity):
    check(sc.Masks.from_dense(patterns(*size)), connectivity)


@given(masks=dense(max_count=4), connectivity=st.sampled_from([4, 8]))
def test_any_masks(masks, connectivity):
    check(sc.Masks.from_dense(masks), connectivity)


def test_pycocotools_fills_the_same_pixels():
    theirs = Pycocotools()
    masks = sc.Masks.from_dense(patterns(40, 50))
    for mask, rings in zip(masks, masks.to_polygons().to_coco(), strict=True):
        if rings:
            rle = theirs.merge(theirs.frPyObjects(rings, 40, 50))
            assert sc.Masks.from_coco([rle]) == mask


def test_islands_in_holes():
    boxes = [[1, 1, 20, 20], [3, 3, 18, 18], [5, 5, 16, 16], [7, 7, 14, 14], [9, 9, 10, 12]]
    rings = sc.Masks.from_boxes(boxes, (22, 22))
    mask = rings[0] ^ rings[1] ^ rings[2] ^ rings[3] ^ rings[4]
    check(mask, 8)
    polygons = mask.to_polygons()
    assert polygons.parent.tolist() == [-1, 0, -1, 2, -1]
    [shape] = polygons.to_geojson()
    assert [len(part) for part in shape["coordinates"]] == [2, 2, 1]


def test_nothing():
    for masks in (sc.Masks([], [0], (3, 4)), sc.Masks([], [0, 0], (3, 0))):
        polygons = masks.to_polygons(tolerance=2)
        assert sc.Masks.from_polygons(polygons) == masks
        assert polygons.to_coco() == [[]] * len(masks)
        assert all(shape["coordinates"] == [] for shape in polygons.to_geojson())


def test_polygons_need_a_size_unless_they_know_it():
    with pytest.raises(ValueError, match="size: polygons have no image size"):
        sc.Masks.from_polygons([[0, 0, 2, 0, 2, 2]])
    polygons = sc.Masks.from_boxes([[0, 0, 4, 4]], (5, 5)).to_polygons()
    assert sc.Masks.from_polygons(polygons, (3, 9)).area.tolist() == [12]


def test_rings_and_names():
    polygons = sc.Masks.from_boxes([[0, 0, 2, 2], [1, 1, 3, 4]], (5, 5)).to_polygons()
    assert repr(polygons) == "Polygons(2 masks of 5 x 5, 2 rings, 8 vertices)"
    assert polygons.rings(1)[0].tolist() == [[1, 1], [3, 1], [3, 4], [1, 4]]
    assert polygons.rings(-2)[0].tolist() == polygons.rings(0)[0].tolist()
    for index in (2, -3):
        with pytest.raises(IndexError, match=f"index {index} is out of range for 2 masks"):
            polygons.rings(index)


# -- fewer points ---------------------------------------------------------------------------------


def reduced(ring: np.ndarray, tolerance: float) -> list[int]:
    """Simplify a ring as it is defined: each part at its farthest point."""
    away = ((ring - ring[0]) ** 2).sum(1)
    middle = int(away.argmax())
    closed = np.concatenate([ring, ring[:1]])

    def split(a: int, b: int) -> list[int]:
        far = [squared_distance(closed[k], closed[a], closed[b]) for k in range(a + 1, b)]
        if not far or max(far) <= Fraction(tolerance) ** 2:
            return []
        k = a + 1 + far.index(max(far))
        return [*split(a, k), k, *split(k, b)]

    kept = [0, *split(0, middle), middle, *split(middle, len(ring))]
    if len(kept) < 3:
        far = [squared_distance(point, ring[0], ring[middle]) for point in ring]
        kept = sorted([*kept, far.index(max(far))])
    return kept


@pytest.mark.parametrize("tolerance", [0.5, 1, 2.5, 40])
def test_simplified_rings(tolerance):
    masks = sc.Masks.from_dense(patterns(40, 50))
    exact, fewer = masks.to_polygons(), masks.to_polygons(tolerance=tolerance)
    assert np.array_equal(exact.parent, fewer.parent)
    assert np.array_equal(exact.mask_offsets, fewer.mask_offsets)
    assert len(fewer.vertices) < len(exact.vertices)
    for i in range(len(masks)):
        for ring, short in zip(exact.rings(i), fewer.rings(i), strict=True):
            kept = reduced(ring, tolerance)
            assert np.array_equal(short, ring[kept])
    sc.Masks.from_polygons(fewer)


@given(
    st.lists(
        st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=3, max_size=12),
        max_size=4,
    ),
    st.floats(0.1, 9),
)
def test_any_rings(rings, tolerance):
    vertices = np.array([point for ring in rings for point in ring], np.int64).reshape(-1, 2)
    offsets = np.concatenate([[0], np.cumsum([len(ring) for ring in rings], dtype=np.int64)])
    offsets = offsets.astype(np.int64)
    before = vertices.copy()
    short, short_offsets = simplify(vertices, offsets, tolerance)
    assert np.array_equal(vertices, before)
    assert len(short_offsets) == len(offsets)
    for r, ring in enumerate(rings):
        found = short[short_offsets[r] : short_offsets[r + 1]]
        assert found[0].tolist() == list(ring[0])
        # A ring all of whose points are one cannot keep three others.
        assert len(found) >= min(3, len(set(ring)))
        places = 0
        closed = [*found, found[0]]
        limit = Fraction(tolerance) ** 2 + Fraction(1, 10**9)
        for point in ring:  # each is near a line, in their order
            while (
                places < len(found)
                and squared_distance(point, closed[places], closed[places + 1]) > limit
            ):
                places += 1
            assert places < len(found)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"connectivity": 6}, ValueError, "connectivity: expected 4 or 8"),
        (
            {"tolerance": -1},
            ValueError,
            "tolerance: expected a finite number of pixels, at least 0",
        ),
        ({"tolerance": float("inf")}, ValueError, "tolerance: expected a finite"),
        ({"tolerance": float("nan")}, ValueError, "tolerance: expected"),
        ({"tolerance": "1"}, TypeError, "tolerance: expected a number"),
    ],
)
def test_refuses(options, error, message):
    with pytest.raises(error, match=message):
        sc.Masks.from_dense([[1]]).to_polygons(**options)


def test_large_coordinates_are_traced_but_not_filled():
    polygons = sc.Masks.from_boxes([[0, 0, 2, 3]], (3, 2**31)).to_polygons()
    assert polygons.rings(0)[0].max() == 3
    wide = ~sc.Masks.from_boxes([[0, 0, 2, 2]], (3, 2**31))
    far = wide.to_polygons()
    assert far.vertices.max() == 2**31
    with pytest.raises(ValueError, match=r"mask 0"):
        sc.Masks.from_polygons(far)


def test_polygons_of_a_slice():
    masks = sc.Masks.from_dense(patterns(10, 12))
    whole, part = masks.to_polygons(), masks[3:5].to_polygons()
    assert isinstance(part, Polygons)
    for i in range(2):
        for a, b in zip(whole.rings(3 + i), part.rings(i), strict=True):
            assert np.array_equal(a, b)
