"""rasterize: polygons and boxes to run ends, by COCO's rule."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import seeds
from support.util import (
    Pycocotools,
    agree,
    assert_batch,
    assert_identical,
    assert_valid,
    rles_of,
    slow,
)

from segcore._batch import sliced
from segcore.backends import reference
from segcore.backends.errors import MAX_COORDINATE
from segcore.backends.protocol import EVEN_ODD, NON_ZERO, XOR
from segcore.backends.sizes import run_end_dtype

SIZES = [
    *[(1, 1), (1, 5), (5, 1), (2, 3), (3, 3), (5, 4), (1, 100), (100, 1), (64, 65)],
    *map(slow, [*itertools.product(range(1, 6), repeat=2), (97, 200)]),
]


def polygons(*masks: list) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lay masks, each a list of rings, end to end: the kernel's three arrays."""
    rings = [np.asarray(ring, float).reshape(-1) for mask in masks for ring in mask]
    return (
        np.concatenate([np.empty(0), *rings]),
        np.cumsum([0, *(len(ring) // 2 for ring in rings)]),
        np.cumsum([0, *map(len, masks)]),
    )


def corners(box) -> list[float]:
    x0, y0, x1, y1 = box
    return [x0, y0, x0, y1, x1, y1, x1, y0]


# -- the rule, walked step by step -----------------------------------------------------------------


def walked(ring: np.ndarray, height: int, width: int) -> np.ndarray:
    """Give the flips of one ring by COCO's rule to the letter: every step of every edge."""
    x, y = np.trunc(5.0 * np.reshape(ring, (-1, 2)) + 0.5).astype(np.int64).T
    steps_u, steps_v = [x[:1]], [y[:1]]
    for xs, ys, xe, ye in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
        dx, dy = abs(xe - xs), abs(ye - ys)
        if dx == dy == 0:
            continue
        backwards = xs > xe if dx >= dy else ys > ye
        if backwards:
            xs, ys, xe, ye = xe, ye, xs, ys  # noqa: PLW2901
        t = np.arange(max(dx, dy) + 1)
        if dx >= dy:
            u, v = xs + t, np.trunc(ys + (ye - ys) / dx * t + 0.5).astype(np.int64)
        else:
            u, v = np.trunc(xs + (xe - xs) / dy * t + 0.5).astype(np.int64), ys + t
        steps_u.append(u[::-1] if backwards else u)
        steps_v.append(v[::-1] if backwards else v)
    u, v = np.concatenate(steps_u), np.concatenate(steps_v)
    column = (np.minimum(u[1:], u[:-1]) + 0.5) / 5 - 0.5
    row = np.ceil(np.clip((np.minimum(v[1:], v[:-1]) + 0.5) / 5 - 0.5, 0, height))
    crossed = (u[1:] != u[:-1]) & (column == np.floor(column))
    crossed &= (column >= 0) & (column <= width - 1)
    places = column[crossed].astype(np.int64) * height + row[crossed].astype(np.int64)
    flips, times = np.unique(places, return_counts=True)
    return flips[(times % 2 == 1) & (flips < height * width)]


def random_rings(rng: np.random.Generator, height: int, width: int) -> list[np.ndarray]:
    """Draw rings of every kind that has surprised a rasterizer."""
    n = rng.integers(3, 10)
    size = np.array([width, height], float)
    unit = rng.random((n, 2))
    return [
        unit * size,
        (3 * unit - 1) * size,  # partly outside
        np.floor(unit * (size + 4) - 2),  # integers
        np.repeat(np.floor(unit * 2 * size) / 2, rng.integers(1, 3, n), axis=0),  # halves, repeated
        np.round((unit * (size + 2) - 1) * 5) / 5 + rng.choice([0, 0.1, -0.1]),  # ties
        unit * 1.5,  # smaller than a pixel
        unit * [0.9, 1] * size / [width, 1] + [rng.uniform(0, width), 0],  # nearly vertical
        unit * [1, 0.9] * size / [1, height] + [0, rng.uniform(0, height)],  # nearly horizontal
        unit * size - 2 * size,  # wholly outside
        np.column_stack([np.linspace(0, width, n), np.zeros(n)]),  # no area
        rng.normal(0, 3000, (n, 2)),
    ]


@pytest.mark.parametrize("size", SIZES)
def test_is_the_walk(kernels, size):
    rng = np.random.default_rng(0)
    rings = [ring for _ in range(4) for ring in random_rings(rng, *size)]
    expected = [walked(ring, *size) for ring in rings]
    batch = agree(kernels, "rasterize_polygons", *polygons(*([ring] for ring in rings)), *size)
    assert_identical(batch.run_ends, np.concatenate(expected).astype(np.uint32))
    assert_identical(batch.offsets, np.cumsum([0, *map(len, expected)]))


@pytest.mark.parametrize("size", SIZES)
def test_is_pycocotools(kernels, size):
    pycocotools = Pycocotools()
    rng = np.random.default_rng(1)
    rings = [ring for _ in range(20) for ring in random_rings(rng, *size)]
    batch = kernels.rasterize_polygons(*polygons(*([ring] for ring in rings)), *size)
    expected = pycocotools.frPyObjects([ring.reshape(-1).tolist() for ring in rings], *size)
    assert rles_of(batch) == expected


def test_far_coordinates_are_pycocotools(kernels):
    pycocotools = Pycocotools()
    rng = np.random.default_rng(2)
    rings = rng.uniform(-1e5, 1e5, (20, 5, 2))
    batch = agree(kernels, "rasterize_polygons", *polygons(*([ring] for ring in rings)), 480, 640)
    expected = pycocotools.frPyObjects([ring.reshape(-1).tolist() for ring in rings], 480, 640)
    assert rles_of(batch) == expected


def test_many_masks_and_vertices(kernels):
    pycocotools = Pycocotools()
    rng = np.random.default_rng(3)
    angles = np.sort(rng.uniform(0, 2 * np.pi, (100, 64)), axis=1)
    radius = rng.uniform(5, 150, (100, 64))
    x = rng.uniform(0, 640, (100, 1)) + radius * np.cos(angles)
    y = rng.uniform(0, 480, (100, 1)) + radius * np.sin(angles)
    rings = np.stack([x, y], axis=2)
    batch = agree(kernels, "rasterize_polygons", *polygons(*([ring] for ring in rings)), 480, 640)
    expected = pycocotools.frPyObjects([ring.reshape(-1).tolist() for ring in rings], 480, 640)
    assert rles_of(batch) == expected


@given(seed=seeds, height=st.integers(1, 70), width=st.integers(1, 70))
def test_any_rings(kernels, seed, height, width):
    rings = random_rings(np.random.default_rng(seed), height, width)
    batch = agree(
        kernels, "rasterize_polygons", *polygons(*([ring] for ring in rings)), height, width
    )
    assert_valid(batch, len(rings), height, width)
    expected = np.concatenate([walked(ring, height, width) for ring in rings])
    np.testing.assert_array_equal(batch.run_ends, expected)


@given(
    st.lists(st.lists(st.floats(-MAX_COORDINATE, MAX_COORDINATE), max_size=12), max_size=3),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_any_coordinates(kernels, rings, height, width):
    rings = [ring[: len(ring) // 2 * 2] for ring in rings]
    batch = agree(kernels, "rasterize_polygons", *polygons(rings), height, width)
    assert_valid(batch, 1, height, width)


# -- rings and masks -------------------------------------------------------------------------------


def test_a_square(kernels):
    batch = kernels.rasterize_polygons(*polygons([corners([1, 1, 3, 3])]), 4, 4)
    expected = np.zeros((1, 4, 4), bool)
    expected[0, 1:3, 1:3] = True
    assert_batch(batch, expected)


def test_a_ring_is_even_odd_and_rings_unite(kernels):
    outer, inner = corners([0, 0, 8, 8]), corners([2, 2, 5, 5])
    united = np.ones((1, 8, 8), bool)
    assert_batch(agree(kernels, "rasterize_polygons", *polygons([outer, inner]), 8, 8), united)
    twice = [*outer, *outer]  # one ring that runs round twice covers nothing
    nothing = np.zeros((1, 8, 8), bool)
    assert_batch(agree(kernels, "rasterize_polygons", *polygons([twice]), 8, 8), nothing)


@pytest.mark.parametrize("size", [(1, 1), (4, 5), (64, 65), (97, 200)])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 20])
def test_rings_of_a_mask_unite(kernels, size, count):
    pycocotools = Pycocotools()
    rng = np.random.default_rng(count)
    pool = [ring for _ in range(40) for ring in random_rings(rng, *size)]
    rng.shuffle(pool)
    masks = [pool[i : i + count] for i in range(0, 60, max(count, 1))]
    batch = agree(kernels, "rasterize_polygons", *polygons(*masks), *size)
    rles = rles_of(batch)
    if count == 0:
        assert len(batch.run_ends) == 0
        return
    for rle, rings in zip(rles, masks, strict=True):
        parts = pycocotools.frPyObjects([ring.reshape(-1).tolist() for ring in rings], *size)
        assert rle == pycocotools.merge(parts)


def winding(rings: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Give the winding number of each pixel: each triangle of a ring with a corner, by its turn."""
    total = np.zeros(size, int)
    for ring in rings:
        x, y = np.reshape(ring, (-1, 2)).T
        column, row = np.meshgrid(np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5)
        for x0, y0, x1, y1 in zip(x, y, np.roll(x, -1), np.roll(y, -1), strict=True):
            # The edge crosses the line from the pixel upwards.
            crosses = (np.minimum(x0, x1) < column) & (column < np.maximum(x0, x1))
            with np.errstate(divide="ignore", invalid="ignore"):
                above = y0 + (column - x0) * (y1 - y0) / (x1 - x0) < row
            total += np.sign(x1 - x0).astype(int) * (crosses & above)
    return total


@pytest.mark.parametrize("filling", [EVEN_ODD, NON_ZERO])
def test_rings_of_a_mask_together(kernels, filling):
    """Rings of horizontal and vertical edges, where COCO's rule is exact, and that cross."""
    rng = np.random.default_rng(7)
    size = 17, 23

    def ring() -> np.ndarray:
        x, y = rng.integers(-4, 27, (2, rng.integers(2, 9))).repeat(2, axis=1).astype(float)
        return np.stack([np.roll(x, -1), y], axis=1)

    masks = [[ring() for _ in range(rng.integers(0, 5))] for _ in range(60)]
    rounds = corners([2, 2, 9, 9]) * 2
    masks += [
        [rounds],
        [rounds, corners([3, 3, 5, 5])],
        [rounds, np.reshape(rounds, (-1, 2))[::-1]],
    ]
    batch = agree(kernels, "rasterize_polygons", *polygons(*masks), *size, filling)
    numbers = [winding(rings, size) for rings in masks]
    expected = np.array([n % 2 != 0 if filling == EVEN_ODD else n != 0 for n in numbers])
    assert_batch(batch, expected)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("filling", [EVEN_ODD, NON_ZERO])
def test_random_rings_together(kernels, size, filling):
    rng = np.random.default_rng(8)
    pool = [ring for _ in range(6) for ring in random_rings(rng, *size)]
    rng.shuffle(pool)
    masks = [pool[i : i + 4] for i in range(0, len(pool), 4)] + [[ring] for ring in pool]
    batch = agree(kernels, "rasterize_polygons", *polygons(*masks), *size, filling)
    assert_valid(batch, len(masks), *size)
    alone = kernels.rasterize_polygons(*polygons(*([ring] for ring in pool)), *size)
    if filling == EVEN_ODD:
        groups = np.array([*range(0, len(pool), 4), len(pool)])
        assert_identical(
            reference.reduce(alone, XOR, groups), sliced(batch, 0, len(masks) - len(pool))
        )
        assert_identical(alone, sliced(batch, len(masks) - len(pool), len(masks)))


def test_filling_of_nothing(kernels):
    for filling in (EVEN_ODD, NON_ZERO):
        masks = [], [[]], [[1, 1]], [[0, 0, 3, 3], []]
        nothing = np.zeros((4, 3, 3), bool)
        batch = agree(kernels, "rasterize_polygons", *polygons(*masks), 3, 3, filling)
        assert_batch(batch, nothing)
        batch = agree(kernels, "rasterize_polygons", *polygons(*masks), 0, 3, filling)
        assert_batch(batch, nothing[:, :0])
        with pytest.raises(ValueError, match=r"^mask 0: coordinate 0 is not"):
            agree(kernels, "rasterize_polygons", *polygons([[np.nan, 1]]), 3, 3, filling)


def test_rings_together_that_are_far_apart(kernels):
    """Memory is for the crossings, not for the columns between them."""
    size = 5, 2**30
    rings = [corners([1, 1, 3, 3]), corners([2**30 - 9, 0, 2**30, 5])]
    batch = agree(kernels, "rasterize_polygons", *polygons(rings), *size, NON_ZERO)
    assert reference.area(batch).tolist() == [4 + 45]


def test_short_rings_cover_nothing(kernels):
    square = corners([0, 0, 3, 3])
    masks = [], [[]], [[1, 1]], [[0, 0, 3, 3]], [[], square, [1, 1]], [square], [[0, 0, 3, 3], []]
    batch = agree(kernels, "rasterize_polygons", *polygons(*masks), 3, 3)
    expected = np.zeros((7, 3, 3), bool)
    expected[4:6] = True
    assert_batch(batch, expected)


def test_no_masks(kernels):
    nothing = np.zeros((0, 3, 3), bool)
    assert_batch(agree(kernels, "rasterize_polygons", *polygons(), 3, 3), nothing)
    assert_batch(agree(kernels, "rasterize_boxes", np.empty((0, 4)), 3, 3), nothing)


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_sizes_without_pixels(kernels, size):
    nothing = np.zeros((1, *size), bool)
    box = [-1.0, -1, 9, 9]
    assert_batch(agree(kernels, "rasterize_polygons", *polygons([corners(box)]), *size), nothing)
    assert_batch(agree(kernels, "rasterize_boxes", np.array([box]), *size), nothing)


# -- coordinates -----------------------------------------------------------------------------------

BAD = [np.nan, np.inf, -np.inf, 1e300, np.nextafter(MAX_COORDINATE, np.inf), -1e10]


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("index", [0, 1, 7, 8, 11, 12])
def test_bad_coordinates(kernels, value, index):
    rings = [corners([0, 0, 3, 3]), [1, 1, 2, 2], [0, 1, 1, 0, 1, 1]]  # 18 numbers
    coordinates, ring_offsets, mask_offsets = polygons(rings, rings, rings)
    coordinates[18 + index] = value
    coordinates[18 + 15] = value  # comes later
    coordinates[36:] = value
    with pytest.raises(ValueError, match=r"^mask 1: coordinate ") as caught:
        agree(kernels, "rasterize_polygons", coordinates, ring_offsets, mask_offsets, 3, 3)
    assert str(caught.value) == (
        f"mask 1: coordinate {index} is not a finite number between -2**30 and 2**30"
    )


@pytest.mark.parametrize("value", BAD)
@pytest.mark.parametrize("index", range(4))
def test_bad_boxes(kernels, value, index):
    boxes = np.tile([0.0, 0, 3, 3], (5, 1))
    boxes[2, index:] = boxes[4] = value
    message = f"^mask 2: coordinate {index} is not a finite number"
    with pytest.raises(ValueError, match=message):
        agree(kernels, "rasterize_boxes", boxes, 3, 3)


def test_bad_coordinates_of_nothing(kernels):
    with pytest.raises(ValueError, match=r"^mask 0: coordinate 0 is not"):
        agree(kernels, "rasterize_polygons", *polygons([[np.nan, 1]]), 0, 0)
    with pytest.raises(ValueError, match=r"^mask 0: coordinate 3 is not"):
        agree(kernels, "rasterize_boxes", np.array([[0, 0, 1, np.inf]]), 0, 0)


def test_the_farthest_coordinates(kernels):
    far = MAX_COORDINATE
    full = np.ones((1, 7, 9), bool)
    square = corners([-far, -far, far, far])
    assert_batch(agree(kernels, "rasterize_polygons", *polygons([square]), 7, 9), full)
    assert_batch(agree(kernels, "rasterize_boxes", np.array([[-far, -far, far, far]]), 7, 9), full)
    rng = np.random.default_rng(4)
    for _ in range(20):
        ring = rng.choice([-far, far, far - 1, 0, 3, 1 - far, rng.uniform(-far, far)], (6, 2))
        batch = agree(kernels, "rasterize_polygons", *polygons([ring]), 7, 9)
        assert_valid(batch, 1, 7, 9)


# -- boxes -----------------------------------------------------------------------------------------


def assert_boxes(kernels, boxes, height, width):
    batch = agree(kernels, "rasterize_boxes", boxes, height, width)
    rings = polygons(*([corners(box)] for box in boxes))
    assert_identical(batch, kernels.rasterize_polygons(*rings, height, width))


@pytest.mark.parametrize("size", SIZES)
def test_boxes_are_polygons(kernels, size):
    rng = np.random.default_rng(5)
    side = max(size)
    some = rng.uniform(-3, side + 3, (60, 4))
    boxes = np.concatenate([some, np.round(some), np.round(2 * some) / 2, np.round(10 * some) / 10])
    assert_boxes(kernels, boxes, *size)
    x, y = rng.uniform(-3, side + 3, (2, 60))
    assert_boxes(kernels, np.stack([x, y, x, y], axis=1), *size)  # points
    assert_boxes(kernels, np.stack([x, 0 * y - 1, 2 * x, 0 * y + 999], axis=1), *size)  # columns
    assert_boxes(kernels, np.array([[0, 0, size[1], size[0]]], float), *size)


def test_a_box_of_half_pixels(kernels):
    batch = kernels.rasterize_boxes(np.array([[0.5, 0.5, 1.5, 1.5]]), 2, 2)
    assert_batch(batch, np.array([[[False, False], [False, True]]]))


@given(
    st.lists(
        st.lists(
            st.floats(-MAX_COORDINATE, MAX_COORDINATE) | st.integers(-9, 90).map(lambda i: i / 10),
            min_size=4,
            max_size=4,
        ),
        max_size=4,
    ),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_any_boxes(kernels, boxes, height, width):
    assert_boxes(kernels, np.array(boxes, float).reshape(-1, 4), height, width)


def test_boxes_are_pycocotools(kernels):
    pycocotools = Pycocotools()
    rng = np.random.default_rng(6)
    x, y, w, h = np.round(rng.uniform(0, 50, (4, 200)), 1)
    batch = kernels.rasterize_boxes(np.stack([x, y, x + w, y + h], axis=1), 64, 65)
    expected = pycocotools.frPyObjects(np.stack([x, y, w, h], axis=1), 64, 65)
    assert rles_of(batch) == expected


# -- large sizes -----------------------------------------------------------------------------------


@pytest.mark.slow_on("numba")
@pytest.mark.parametrize("size", [(2**16, 2**16), (2**20, 2**20), (2**29, 2**29), (2**40, 2**10)])
def test_polygons_of_large_sizes(kernels, size):
    height, width = size
    ring = np.array([[3, 5], [40, height - 7], [90.4, 12.3], [60, 2 * height]], float)
    ring = np.minimum(ring, MAX_COORDINATE)
    x_of_last_column = min(width, 2**30) - 100.0
    rings = [ring, ring + np.array([x_of_last_column, 0]), ring / [1, 3]]
    batch = agree(kernels, "rasterize_polygons", *polygons(*([r] for r in rings), rings), *size)
    assert_valid(batch, 4, *size)
    assert np.all(reference.area(batch) > 0)
    if height == 2**16:
        for i, r in enumerate(rings):
            flips = batch.run_ends[batch.offsets[i] : batch.offsets[i + 1]]
            np.testing.assert_array_equal(flips, walked(r, *size))


@pytest.mark.parametrize("size", [(2**16, 2**16), (2**20, 2**20), (2**29, 2**29), (3, 2**40)])
def test_boxes_of_large_sizes(kernels, size):
    height, width = size
    right, bottom = min(width, 2**30), min(height, 2**30)
    boxes = np.array(
        [
            [0, 0, right, bottom],  # as one run
            [right - 3, bottom - 2, right, bottom],
            [5, 1, 9, bottom - 1],
        ],
        float,
    )
    batch = agree(kernels, "rasterize_boxes", boxes, *size)
    assert batch.run_ends.dtype == run_end_dtype(*size)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert_identical(reference.area(batch), areas.astype(np.int64))
    assert_identical(reference.boxes(batch), boxes.astype(np.int64))
