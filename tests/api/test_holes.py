"""Polygons with holes: filling rules, contours of OpenCV, valid outlines, bridges, transforms."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, seeds
from support.util import every_mask, patterns

import segcore as sc


def square(x0: int, y0: int, x1: int, y1: int) -> list[list[int]]:
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


OUTER, INNER, CORNER = square(0, 0, 8, 8), square(2, 2, 5, 5), square(4, 4, 10, 10)

# -- filling rules --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "rings", "area"),
    [
        ("coco", [OUTER, INNER], 64),
        ("even-odd", [OUTER, INNER], 55),
        ("non-zero", [OUTER, INNER], 64),
        ("non-zero", [OUTER, INNER[::-1]], 55),
        ("holes", [OUTER, INNER], 55),
        ("coco", [OUTER, INNER, CORNER], 84),
        ("even-odd", [OUTER, INNER, CORNER], 61),
        ("non-zero", [OUTER, INNER[::-1], CORNER], 76),
        ("holes", [OUTER, INNER, CORNER], 40),
        ("holes", [OUTER], 64),
        ("coco", [[*OUTER, *OUTER]], 0),
        ("even-odd", [[*OUTER, *OUTER]], 0),
        ("non-zero", [[*OUTER, *OUTER]], 64),
    ],
)
def test_rules(rule, rings, area):
    masks = sc.Masks.from_polygons([rings, [], rings[:1], rings], (12, 12), rule=rule)
    first = sc.Masks.from_polygons([rings[:1]], (12, 12), rule=rule)
    assert masks[0].area.tolist() == [area]
    assert masks[1].area.tolist() == [0]
    assert masks[2] == first
    assert masks[3] == masks[0]


@given(seed=seeds)
def test_rules_are_set_operations(seed):
    rng = np.random.default_rng(seed)
    size = 20, 30
    objects = [
        [rng.uniform(-5, 35, (rng.integers(3, 8), 2)) for _ in range(rng.integers(0, 4))]
        for _ in range(5)
    ]
    for rings in objects:
        found = {
            rule: sc.Masks.from_polygons([rings], size, rule=rule)
            for rule in ("coco", "even-odd", "non-zero", "holes")
        }
        alone = sc.Masks.from_polygons([[ring] for ring in rings], size)
        parity = sc.Masks([], [0, 0], size)
        for ring in alone:
            parity ^= ring
        assert found["even-odd"] == parity
        assert (found["even-odd"] - found["non-zero"]).area.tolist() == [0]
        assert (found["coco"] - found["non-zero"]).area <= found["coco"].area
        if rings:
            assert found["holes"] == alone[0] - alone[1:].union()
    both = sc.Masks.from_polygons(objects, size, rule="even-odd")
    assert both == sc.Masks.concatenate(
        [sc.Masks.from_polygons([rings], size, rule="even-odd") for rings in objects]
    )


def test_holes_of_geometries_are_holes_with_every_rule():
    shape = {"type": "Polygon", "coordinates": [OUTER, INNER]}
    both = {"type": "MultiPolygon", "coordinates": [[OUTER, INNER], [square(9, 9, 12, 12)]]}
    for rule in ("coco", "even-odd", "non-zero"):
        assert sc.Masks.from_polygons([shape, both], (12, 12), rule=rule).area.tolist() == [55, 64]
    with pytest.raises(sc.MaskError, match='mask 1: rule="holes" is for lists of rings'):
        sc.Masks.from_polygons([[OUTER], shape], (12, 12), rule="holes")


def test_refused_rules():
    with pytest.raises(ValueError, match='rule: expected "coco", "even-odd", "non-zero" or "hol'):
        sc.Masks.from_polygons([[OUTER]], (12, 12), rule="odd")
    polygons = sc.Masks.from_boxes([[0, 0, 2, 2]], (4, 4)).to_polygons()
    with pytest.raises(ValueError, match="rule: not used for Polygons, which already mark"):
        sc.Masks.from_polygons(polygons, rule="even-odd")
    for rule in ("even-odd", "non-zero", "holes"):
        with pytest.raises(sc.MaskError, match="mask 1: ring 1: coordinate 2 is not"):
            sc.Masks.from_polygons([[OUTER], [OUTER, [0, 0, np.nan, 1, 1, 1]]], (12, 12), rule=rule)


# -- GeoJSON --------------------------------------------------------------------------------------


@given(masks=dense(max_count=3), connectivity=st.sampled_from([4, 8]))
def test_geojson_comes_back(masks, connectivity):
    batch = sc.Masks.from_dense(masks)
    shapes = json.loads(json.dumps(batch.to_polygons(connectivity).to_geojson()))
    for rule in ("coco", "even-odd", "non-zero"):
        assert sc.Masks.from_polygons(shapes, batch.size, rule=rule) == batch


def test_transform():
    polygons = sc.Masks.from_boxes([[1, 2, 3, 4]], (6, 6)).to_polygons()
    # The map turns the plane over, so the ring goes the other way round.
    expected = [[[[12.0, 6.0], [12.0, 0.0], [16.0, 0.0], [16.0, 6.0], [12.0, 6.0]]]]
    matrix = [[2, 0, 10], [0, -3, 12]]
    for transform in (matrix, [*matrix, [0, 0, 1]], np.ravel(matrix), (2, 0, 10, 0, -3, 12.0)):
        assert polygons.to_geojson(transform)[0]["coordinates"] == expected
    for transform, error, message in [
        ([1, 2, 3], ValueError, "transform: expected six numbers"),
        ([[1, 0, 0], [0, 1, 0], [0, 1, 1]], ValueError, "transform: expected an affine map"),
        ([1, 0, np.inf, 0, 1, 0], ValueError, "transform: expected an affine map"),
        ((0, 0, 0, 0, 0, 0), ValueError, "transform: expected a map that can be inverted"),
        ((1, 2, 0, 2, 4, 0), ValueError, "transform: expected a map that can be inverted"),
        ("abcdef", TypeError, "transform: expected numbers"),
        ([0] * 6, ValueError, "transform: expected a map that can be inverted"),
        ([1, 2, 0, 2, 4, 0], ValueError, "transform: expected a map that can be inverted"),
    ]:
        with pytest.raises(error, match=message):
            polygons.to_geojson(transform)


@pytest.mark.parametrize("step", [0.5, -0.5])
@pytest.mark.parametrize("is_swapped", [False, True])
def test_exterior_rings_are_counterclockwise(step, is_swapped):
    """RFC 7946, section 3.1.6; north is up where y falls from row to row."""
    outer, hole = sc.Masks.from_boxes([[1, 2, 9, 8], [3, 4, 5, 6]], (12, 12))
    linear = np.array([[0.5, 0], [0, step]])
    matrix = np.hstack([linear[::-1] if is_swapped else linear, [[352000], [5810000]]])
    [shape] = (outer - hole).to_polygons().to_geojson(matrix)
    [[exterior, interior]] = shape["coordinates"]
    for ring, area in ((exterior, 12), (interior, -1)):
        x, y = np.array(ring).T - [[352000], [5810000]]
        assert ring[0] == ring[-1]
        assert (x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2 == area


def test_transform_is_that_of_rasterio():
    features = pytest.importorskip("rasterio.features")
    affine = pytest.importorskip("affine").Affine
    transform = affine(0.3, 0.01, 500_000.7, 0.02, -0.3, 4_200_000.1)
    mask = patterns(30, 40)[-1]
    theirs = [
        shape
        for shape, value in features.shapes(
            mask.astype(np.uint8), connectivity=4, transform=transform
        )
        if value
    ]
    masks = sc.Masks.from_dense(mask).components(connectivity=4)[0]
    ours = [
        {"type": "Polygon", "coordinates": shape["coordinates"][0]}
        for shape in masks.to_polygons(4, valid=True).to_geojson(transform)
    ]

    def points(shapes):
        return sorted(sorted({tuple(p) for ring in s["coordinates"] for p in ring}) for s in shapes)

    assert points(ours) == points(theirs)


# -- bridges --------------------------------------------------------------------------------------


def test_bridges_are_short():
    frame = sc.Masks.from_boxes([[0, 0, 100, 100]], (100, 100))
    holes = sc.Masks.from_boxes([[94, 93, 97, 96], [3, 95, 6, 98], [95, 2, 98, 5]], (100, 100))
    mask = frame - holes.union()
    [[ring]] = mask.to_polygons().to_coco()
    points = np.reshape(ring, (-1, 2))
    edges = np.abs(np.roll(points, -1, axis=0) - points)
    slanted = edges[(edges > 0).all(axis=1)]
    assert len(slanted) == 6
    assert slanted.max() < 8
    assert sc.Masks.from_polygons([[ring]], mask.size) == mask
    [shape] = mask.to_polygons().to_geojson()
    assert sc.Masks.from_polygons([shape], mask.size) == mask


def test_many_holes():
    rng = np.random.default_rng(0)
    noise = sc.Masks.from_dense(rng.random((100, 150)) < 0.8)
    polygons = noise.to_polygons()
    assert sc.Masks.from_polygons(polygons) == noise
    assert sc.Masks.from_polygons(polygons.to_coco(), noise.size) == noise
    assert sc.Masks.from_polygons(polygons.to_coco(), noise.size, rule="non-zero") == noise


# -- valid outlines -------------------------------------------------------------------------------


def check_valid(batch: sc.Masks) -> None:
    polygons = batch.to_polygons(connectivity=4, valid=True)
    assert sc.Masks.from_polygons(polygons) == batch
    assert sc.Masks.from_polygons(polygons.to_geojson(), batch.size) == batch
    plain = batch.to_polygons(connectivity=4)
    assert (polygons.parent < 0).sum() == (plain.parent < 0).sum()
    for i in range(len(batch)):
        first, stop = polygons.mask_offsets[i : i + 2].tolist()
        for r, ring in zip(range(first, stop), polygons.rings(i), strict=True):
            assert len(np.unique(ring, axis=0)) == len(ring)
            x, y = (ring - ring[0]).T
            turn = (x[:-1] * y[1:] - x[1:] * y[:-1]).sum()
            parent = polygons.parent[r]
            assert (turn > 0) == (parent < 0)
            assert parent < r
            assert parent < 0 or (first <= parent < stop and polygons.parent[parent] < 0)


@pytest.mark.parametrize("size", [(3, 3), (2, 4), (4, 3)])
def test_valid_outlines_of_every_tiny_mask(size):
    masks = every_mask(*size)
    check_valid(sc.Masks.from_dense(masks[:: len(masks) // 250]))


@given(masks=dense(max_count=3))
def test_valid_outlines(masks):
    check_valid(sc.Masks.from_dense(masks))


@pytest.mark.parametrize("density", [0.3, 0.5, 0.7])
def test_valid_outlines_are_valid_for_shapely(density):
    shapely = pytest.importorskip("shapely")
    noise = np.random.default_rng(0).random((8, 40, 50)) < density
    masks = sc.Masks.from_dense(np.concatenate([noise, patterns(40, 50)]))
    shapes = masks.to_polygons(connectivity=4, valid=True).to_geojson()
    geometries = [shapely.geometry.shape(shape) for shape in shapes]
    assert all(shapely.is_valid(geometries))
    assert [g.area for g in geometries] == masks.area.tolist()
    assert sc.Masks.from_polygons(geometries, masks.size) == masks
    # Those that shapely has repaired come back as well.
    repaired = [
        shapely.make_valid(shapely.geometry.shape(s)) for s in masks.to_polygons().to_geojson()
    ]
    kinds = [g.geom_type in ("Polygon", "MultiPolygon") for g in repaired]
    repaired = [g for g, kind in zip(repaired, kinds, strict=True) if kind]
    assert sc.Masks.from_polygons(repaired, masks.size) == masks[np.array(kinds)]


def test_valid_outlines_need_sides():
    with pytest.raises(ValueError, match="valid: valid outlines need connectivity=4"):
        sc.Masks.from_dense([[1]]).to_polygons(valid=True)


# -- contours -------------------------------------------------------------------------------------


def test_contours_keep_what_is_thin():
    line, dot, zigzag = [[0, 0], [4, 0]], [[6, 6]], [[0, 3], [2, 5], [4, 3]]
    masks = sc.Masks.from_contours([line, dot, zigzag, np.int32(line)[:, None]], (8, 8))
    assert masks.area.tolist() == [5, 1, 9, 5]
    assert masks[0] == masks[3]
    assert sc.Masks.from_contours([line, dot], (1, 3)).area.tolist() == [3, 0]
    far = [[-(2**29) + 1, 1], [2**29 - 1, 1], [2**29 - 1, 2**29 - 1], [-(2**29) + 1, 2**29 - 1]]
    assert sc.Masks.from_contours([far], (5, 2**20)).area.tolist() == [4 * 2**20]
    assert sc.Masks.from_contours([], (8, 8)) == sc.Masks([], [0], (8, 8))
    assert sc.Masks.from_contours([line, line], (0, 8)).area.tolist() == [0, 0]


ONE = [[1, 1], [1, 4], [4, 4], [4, 1]]


@pytest.mark.parametrize(
    ("contours", "hierarchy", "error", "message"),
    [
        ([ONE, [1, 2, 3, 4]], None, ValueError, r"contour 1: expected the shape \(K, 1, 2\)"),
        ([ONE, []], None, ValueError, "contour 1: expected the shape"),
        ([ONE, [[0.5, 1]]], None, TypeError, "contour 1: coordinate: expected an integer"),
        ([[[2**29, 1]]], None, ValueError, r"contour 0: expected coordinates between -2\*\*29"),
        ([ONE], [[0, 0, 0]], ValueError, r"hierarchy: expected integers of the shape \(1, 1, 4\)"),
        ([ONE], [[[0.0, 0, 0, -1]]], ValueError, "hierarchy: expected integers"),
        ([ONE], [[[-1, -1, -1, 0]]], ValueError, "hierarchy: contour 0 has no outermost parent"),
        ([ONE], [[[-1, -1, -1, 5]]], ValueError, "hierarchy: contour 0 has no outermost parent"),
        (5, None, TypeError, "'int' object is not iterable"),
    ],
)
def test_refused_contours(contours, hierarchy, error, message):
    with pytest.raises(error, match=message):
        sc.Masks.from_contours(contours, (8, 8), hierarchy)


@pytest.mark.parametrize("approximation", ["CHAIN_APPROX_NONE", "CHAIN_APPROX_SIMPLE"])
@pytest.mark.parametrize("mode", ["RETR_CCOMP", "RETR_TREE", "RETR_EXTERNAL"])
def test_contours_are_those_of_opencv(mode, approximation):
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(0)
    images = [*patterns(40, 50), *(rng.random((6, 40, 50)) < 0.5), *(rng.random((6, 40, 50)) < 0.8)]
    images += [cv2.resize(np.uint8(i), (150, 140), interpolation=0) > 0 for i in images]
    for image in images:
        pixels = image.astype(np.uint8)
        found = cv2.findContours(pixels, getattr(cv2, mode), getattr(cv2, approximation))
        contours, hierarchy = found
        if hierarchy is None:
            continue
        masks = sc.Masks.from_contours(contours, image.shape, hierarchy)
        filled = np.zeros_like(pixels)
        cv2.fillPoly(filled, contours, 1)
        if mode != "RETR_EXTERNAL":
            np.testing.assert_array_equal(filled, pixels)
        assert masks.union() == sc.Masks.from_dense(filled)
        alone = sc.Masks.from_contours(contours, image.shape)
        for contour, mask in zip(contours, alone, strict=True):
            filled[:] = 0
            cv2.fillPoly(filled, [contour], 1)
            assert mask == sc.Masks.from_dense(filled)


# -- shared borders -------------------------------------------------------------------------------


def turn(ring: np.ndarray) -> int:
    x, y = (ring - ring[0]).T.astype(int)
    return int((x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


def check_shared(labels: np.ndarray, tolerance: float, connectivity: int) -> None:
    """Simplify all masks of a label map, which has no background, and compare their borders."""
    _, masks = sc.Masks.from_label_map(labels, background=None)
    exact = masks.to_polygons(connectivity)
    polygons = masks.to_polygons(connectivity, tolerance=tolerance, shared=True)
    assert np.array_equal(polygons.parent, exact.parent)
    assert np.array_equal(polygons.mask_offsets, exact.mask_offsets)
    height, width = labels.shape
    edges: dict[tuple, int] = {}
    for i in range(len(masks)):
        for ring, before in zip(polygons.rings(i), exact.rings(i), strict=True):
            assert len(ring) >= 3
            assert np.sign(turn(ring)) == np.sign(turn(before))
            points = [tuple(point) for point in ring.tolist()]
            for edge in zip(points, [*points[1:], points[0]], strict=True):
                edges[edge] = edges.get(edge, 0) + 1
    for (a, b), count in edges.items():
        # Each edge is that of two neighbors, in opposite directions, or on the image border.
        at_border = all(x in (0, width) or y in (0, height) for x, y in (a, b))
        assert count == edges.get((b, a), 0) or at_border


@given(
    seed=seeds, tolerance=st.sampled_from([0.3, 1, 2.5, 30]), connectivity=st.sampled_from([4, 8])
)
def test_shared_borders_stay_shared(seed, tolerance, connectivity):
    rng = np.random.default_rng(seed)
    size = rng.integers(2, 40, 2)
    centers = rng.uniform(0, 1, (rng.integers(1, 12), 2)) * size
    y, x = np.mgrid[: size[0], : size[1]]
    distance = np.hypot(y - centers[:, 0, None, None], x - centers[:, 1, None, None])
    labels = (distance + rng.normal(0, 1, distance.shape)).argmin(axis=0)
    check_shared(labels, tolerance, connectivity)


@pytest.mark.parametrize("tolerance", [1, 100])
def test_shared_borders_of_islands(tolerance):
    y, x = np.mgrid[:60, :60]
    labels = np.hypot(y - 30, x - 30).astype(int) // 8
    check_shared(labels, tolerance, 8)
    check_shared(np.kron(labels[::6, ::6], np.ones((7, 5), int)), tolerance, 4)
    check_shared(np.random.default_rng(0).integers(0, 3, (20, 30)), tolerance, 8)


def test_small_tolerances_change_nothing():
    masks = sc.Masks.from_label_map(np.random.default_rng(0).integers(0, 4, (20, 30)), None)[1]
    polygons = masks.to_polygons(tolerance=0.1, shared=True)
    assert sc.Masks.from_polygons(polygons) == masks
    empty = masks[:0].to_polygons(tolerance=1, shared=True)
    assert (len(empty), len(empty.vertices)) == (0, 0)
    one = sc.Masks.from_dense([[1]]).to_polygons(tolerance=9, shared=True)
    assert len(one.vertices) == 3
