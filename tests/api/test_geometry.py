"""Crops, flips, rotations, resizing, and affine and perspective maps of masks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, seeds
from support.util import patterns

import segcore as sc

MASKS = patterns(20, 33)
BATCH = sc.Masks.from_dense(MASKS)
COUNT = len(MASKS)
EXTREMES = [-(2**63), 2**63 - 1, -(2**63) + 1, 2**62, -(10**30), 10**30]


def assert_is(masks: sc.Masks, expected: np.ndarray) -> None:
    assert masks == sc.Masks.from_dense(np.ascontiguousarray(expected))


def cut(image: np.ndarray, x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    """Crop an image that is surrounded by background."""
    height, width = image.shape
    result = np.zeros((y1 - y0, x1 - x0), bool)
    rows = slice(max(y0, 0), max(min(y1, height), 0))
    columns = slice(max(x0, 0), max(min(x1, width), 0))
    part = image[rows, columns]
    top, left = max(-y0, 0), max(-x0, 0)
    result[top : top + part.shape[0], left : left + part.shape[1]] = part
    return result


# -- exact moves ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "box", [(0, 0, 33, 20), (3, 4, 10, 9), (-5, -6, 40, 30), (30, 18, 50, 40), (5, 5, 5, 9)]
)
def test_crop(box):
    assert_is(BATCH.crop(box), np.array([cut(mask, *box) for mask in MASKS]))


@given(masks=dense(), data=st.data())
def test_crop_each(masks, data):
    """One box per mask, all of one size, anywhere."""
    corner = st.integers(-12, 70)
    width, height = data.draw(st.integers(0, 20)), data.draw(st.integers(0, 20))
    corners = [(data.draw(corner), data.draw(corner)) for _ in masks]
    boxes = np.array([(x, y, x + width, y + height) for x, y in corners]).reshape(-1, 4)
    if len(masks):
        expected = np.array([cut(m, *b) for m, b in zip(masks, boxes.tolist(), strict=True)])
        assert_is(sc.Masks.from_dense(masks).crop(boxes), expected)


def test_crop_of_what_is_far_away():
    far = 2**61
    for x, y in [(far, 0), (0, far), (-far, -far)]:
        assert_is(BATCH.crop((x, y, x + 3, y + 2)), np.zeros((COUNT, 2, 3), bool))
    everything = BATCH.crop((-(2**20), -(2**30), 2**20, 2**30))
    assert everything.size == (2**31, 2**21)
    assert everything.area.tolist() == BATCH.area.tolist()
    assert everything.crop((2**20, 2**30, 2**20 + 33, 2**30 + 20)) == BATCH


@pytest.mark.parametrize(
    ("box", "error", "message"),
    [
        ((1, 2, 3), ValueError, r"box: expected the shape \(4,\), or \(13, 4\)"),
        ([(0, 0, 1, 1)] * 2, ValueError, r"box: expected the shape \(4,\), or \(13, 4\)"),
        ((3, 0, 1, 1), sc.MaskError, "box 0: expected x0 y0 x1 y1 with x0 <= x1"),
        ([(0, 0, 1, 1)] * 12 + [(0, 1, 1, 0)], sc.MaskError, "box 12: expected x0 y0 x1 y1"),
        ([(0, 0, 1, 1)] * 7 + [(0, 0, 1, 2)] * 6, sc.MaskError, "box 7: expected the size of"),
        ((0.5, 0, 1, 1), TypeError, "box: expected an integer, got float"),
        ((True, True, True, True), TypeError, "box: expected an integer, got"),
        (("a", 0, 1, 1), TypeError, "box: expected an integer"),
        ((0, 0, 2**62, 1), sc.MaskError, r"box 0: expected integers between -2\*\*62 and 2\*\*62"),
        ((0, 0, 10**30, 1), sc.MaskError, r"box 0: expected integers between"),
        (np.array([0, 0, 2**64 - 1, 1], np.uint64), sc.MaskError, "box 0: expected integers"),
        ((0, 0, 2**31, 2**31), ValueError, r"box: expected fewer than 2\*\*59 pixels"),
        (None, ValueError, "box: "),
    ],
)
def test_refused_boxes(box, error, message):
    with pytest.raises(error, match=message):
        BATCH.crop(box)


def test_pad():
    assert_is(BATCH.pad(1, 2, 3, 4), np.pad(MASKS, ((0, 0), (2, 4), (1, 3))))
    assert BATCH.pad() == BATCH
    left = np.arange(COUNT)
    each = BATCH.pad(left=left, right=left[::-1])
    assert each.size == (20, 33 + COUNT - 1)
    assert each == BATCH.place(each.size, left)
    for options, message in [
        ({"left": -1}, "left: expected at least 0 pixels, got -1; crop removes"),
        ({"top": left}, "mask 1: expected top and bottom to add up to 0 pixels, as for mask 0"),
        ({"top": [1, 2]}, "top: expected one integer, or 13 of them"),
        ({"bottom": 2**59}, r"padded size: expected fewer than 2\*\*59 pixels"),
        ({"left": 10**40, "right": 10**40}, "padded size: expected fewer than"),
    ]:
        with pytest.raises(ValueError, match=message):
            BATCH.pad(**options)
    for value in (0.5, True, "a", None, [0.5] * COUNT):
        with pytest.raises(TypeError, match="right: "):
            BATCH.pad(right=value)


def test_translate_and_place():
    for dx, dy in [(0, 0), (3, -2), (-40, 0), (0, 20), (32, 19)]:
        expected = np.array([cut(mask, -dx, -dy, 33 - dx, 20 - dy) for mask in MASKS])
        assert_is(BATCH.translate(dx, dy), expected)
        assert_is(BATCH.place((9, 50), dx, dy)[:0], np.zeros((0, 9, 50), bool))
        expected = np.array([cut(mask, -dx, -dy, 50 - dx, 9 - dy) for mask in MASKS])
        assert_is(BATCH.place((9, 50), dx, dy), expected)
    each = BATCH.translate(np.arange(COUNT, dtype=np.uint8), -np.arange(COUNT))
    for i in range(COUNT):
        assert each[i] == BATCH[i].translate(i, -i)


@pytest.mark.parametrize("far", EXTREMES)
def test_offsets_far_outside(far):
    nothing = np.zeros_like(MASKS)
    assert_is(BATCH.translate(far, 0), nothing)
    assert_is(BATCH.translate(0, far), nothing)
    assert_is(BATCH.translate([far] * COUNT, 0), nothing)
    assert_is(BATCH.place((5, 5), far, far), np.zeros((COUNT, 5, 5), bool))
    mixed = BATCH.translate([0] * (COUNT - 1) + [far], 0)
    assert mixed[:-1] == BATCH[:-1]
    assert mixed[-1].area == 0


def test_refused_offsets():
    for value, error, message in [
        (0.5, TypeError, "dx: expected an integer, got float"),
        (True, TypeError, "dx: expected an integer, got bool"),
        ([1, 2], ValueError, "dx: expected one integer, or 13 of them, one per mask"),
        ([[1] * COUNT], ValueError, "dx: expected one integer, or 13 of them"),
        (np.ones(COUNT), TypeError, "dx: expected an integer, got float 1.0"),
        ("a", TypeError, "dx: expected an integer"),
    ]:
        with pytest.raises(error, match=message):
            BATCH.translate(value, 0)
    with pytest.raises(TypeError, match="y: expected an integer"):
        BATCH.place((3, 3), 0, 0.5)


@given(masks=dense())
def test_flips_and_turns(masks):
    batch = sc.Masks.from_dense(masks)
    assert_is(batch.flip_horizontal(), masks[:, :, ::-1])
    assert_is(batch.flip_vertical(), masks[:, ::-1])
    assert_is(batch.transpose(), masks.transpose(0, 2, 1))
    for k in (-1, 0, 1, 2, 3, 4, 10**30):
        assert_is(batch.rot90(k), np.rot90(masks, k % 4, (1, 2)))


def test_refused_turns():
    for k in (0.5, True, None, "1"):
        with pytest.raises(TypeError, match="k: expected an integer"):
            BATCH.rot90(k)


@pytest.mark.parametrize("size", [(65_536, 65_536), (150_000, 200_000)])
def test_moves_of_giant_canvases(size):
    height, width = size
    boxes = np.array([[5, 7, 300, 90], [width - 9, height - 70, width, height], [0, 0, 1, 1]])
    batch = sc.Masks.from_boxes(boxes, size)
    x0, y0, x1, y1 = boxes.T
    for moved, expected in [
        (batch.transpose(), (y0, x0, y1, x1)),
        (batch.rot90(), (y0, width - x1, y1, width - x0)),
        (batch.rot90(-1), (height - y1, x0, height - y0, x1)),
        (batch.flip_horizontal(), (width - x1, y0, width - x0, y1)),
        (batch.flip_vertical(), (x0, height - y1, x1, height - y0)),
        (batch.crop((-4, -3, width, height)), (x0 + 4, y0 + 3, x1 + 4, y1 + 3)),
        (batch.pad(4, 3), (x0 + 4, y0 + 3, x1 + 4, y1 + 3)),
    ]:
        assert np.array_equal(moved.boxes, np.stack(expected, 1))
        assert np.array_equal(moved.area, batch.area)
    assert batch.translate(-7, 0).boxes.tolist() == [
        [0, 7, 293, 90],
        [width - 16, height - 70, width - 7, height],
        [0, 0, 0, 0],
    ]
    full = ~sc.Masks.from_boxes([[0, 0, 0, 0]], size)
    for moved in (full.transpose(), full.rot90(2), full.flip_horizontal(), full.resize((9, 9))):
        assert moved.run_ends.tolist() == [0]


# -- resizing -------------------------------------------------------------------------------------


@given(masks=dense(max_count=3), height=st.integers(1, 40), width=st.integers(1, 40))
def test_nearest(masks, height, width):
    _, rows, columns = masks.shape
    if rows * columns:
        batch = sc.Masks.from_dense(masks)
        y, x = np.arange(height) * rows // height, np.arange(width) * columns // width
        assert_is(batch.resize((height, width)), masks[:, y][:, :, x])
        y = (2 * np.arange(height) + 1) * rows // (2 * height)
        x = (2 * np.arange(width) + 1) * columns // (2 * width)
        assert_is(batch.resize((height, width), "nearest-exact"), masks[:, y][:, :, x])


def test_coverage():
    """The share is compared exactly, and may be reached."""
    third = sc.Masks.from_boxes([[0, 0, 1, 1]], (3, 1))
    for threshold, area in [(0, 1), (1 / 3, 1), (np.nextafter(1 / 3, 1), 0), (0.5, 0), (1, 0)]:
        assert third.resize((1, 1), "coverage", threshold).area == [area]
    half = sc.Masks.from_boxes([[0, 0, 1, 1]], (2, 1))
    assert half.resize((1, 1), "coverage").area == [1]
    legs = sc.Masks.from_boxes([[3, 0, 4, 100], [60, 0, 61, 100]], (100, 100)).union()
    assert legs.resize((20, 20), "coverage", 0).components()[0].area.tolist() == [20, 20]
    assert legs.resize((20, 20), "coverage").area == [0]
    assert legs.resize((20, 20), "coverage", 1).area == [0]
    assert (~legs).resize((20, 20), "coverage", 1).area == [360]


def test_refused_sizes():
    empty = sc.Masks([], [0, 0], (0, 5))
    assert empty.resize((7, 0)).size == (7, 0)
    assert BATCH.resize((0, 9)).size == (0, 9)
    for batch, arguments, error, message in [
        (empty, ((3, 3),), ValueError, r"size: an image without pixels, of size \(0, 5\), cannot"),
        (BATCH, ((3,),), ValueError, r"size: expected \(height, width\)"),
        (BATCH, ((3, -1),), ValueError, "size: expected a nonnegative"),
        (BATCH, ((3, 0.5),), TypeError, "size: expected an integer"),
        (BATCH, ((3, 3), "bilinear"), ValueError, 'method: expected "nearest", "nearest-exact"'),
        (BATCH, ((3, 3), "nearest", 0.5), ValueError, 'threshold: only method="coverage" has'),
        (BATCH, ((3, 3), "coverage", 1.5), ValueError, "threshold: expected a number from 0 to 1"),
        (BATCH, ((3, 3), "coverage", math.nan), ValueError, "threshold: expected a finite"),
        (BATCH, ((3, 3), "coverage", "a"), TypeError, "threshold: expected a number"),
        (BATCH, ((1, 2**57),), ValueError, r"size: expected sides whose products .* below 2\*\*61"),
    ]:
        with pytest.raises(error, match=message):
            batch.resize(*arguments)


@pytest.mark.parametrize("method", ["nearest", "nearest-exact", "coverage"])
def test_resizing_of_giant_canvases(method):
    batch = sc.Masks.from_boxes([[1000, 2000, 3000, 7000], [0, 0, 65_536, 65_536]], (65_536,) * 2)
    small = batch.resize((8192, 4096), method, 0.5 if method == "coverage" else None)
    right, left = (188, 63) if method == "nearest" else (187, 62)
    if method == "coverage":
        right, left = 188, 62  # half of a pixel is enough
    assert small.boxes.tolist() == [[left, 250, right, 875], [0, 0, 4096, 8192]]
    large = batch.resize((131_072, 131_072), method)
    assert large.boxes.tolist() == [[2000, 4000, 6000, 14_000], [0, 0, 131_072, 131_072]]


# -- affine and perspective maps ------------------------------------------------------------------


def rotation(degrees: float, scale: float = 1.0, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    c, s = (f(math.radians(degrees)) * scale for f in (math.cos, math.sin))
    return np.array([[c, -s, x], [s, c, y]])


def test_maps_that_are_moves():
    for dx, dy in [(0, 0), (3, -7), (-40, 2)]:
        expected = BATCH.translate(dx, dy)
        assert BATCH.affine([[1, 0, dx], [0, 1, dy]]) == expected
        assert BATCH.perspective([[1, 0, dx], [0, 1, dy], [0, 0, 1]]) == expected
        assert BATCH.perspective([[-3, 0, -3 * dx], [0, -3, -3 * dy], [0, 0, -3]]) == expected
    assert BATCH.affine([[0, 1, 0], [1, 0, 0]], (33, 20)) == BATCH.transpose()
    assert BATCH.affine([[-1, 0, 32], [0, 1, 0]]) == BATCH.flip_horizontal()
    assert BATCH.affine([[1, 0, 0], [0, -1, 19]]) == BATCH.flip_vertical()
    assert BATCH.affine([[0, 1, 0], [-1, 0, 32]], (33, 20)) == BATCH.rot90()
    assert BATCH.affine([[3, 0, 1], [0, 2, 0.5]], (40, 99)) == BATCH.resize((40, 99))


def test_one_matrix_per_mask():
    matrices = np.array([rotation(10 * i, 1 + i / 9, i, -i) for i in range(COUNT)])
    each = BATCH.affine(matrices, (30, 25))
    below = np.tile([0.0, 0.0, 1.0], (COUNT, 1, 1))
    homographies = np.concatenate([matrices, below], 1)
    assert BATCH.perspective(homographies, (30, 25)) == each
    homographies[:, 2, :2] = np.linspace(-0.02, 0.02, COUNT)[:, None]
    tilted = BATCH.perspective(homographies, (30, 25))
    for i in range(COUNT):
        assert each[i] == BATCH[i].affine(matrices[i], (30, 25))
        assert tilted[i] == BATCH[i].perspective(homographies[i], (30, 25))


def positions(matrix: np.ndarray, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Map the pixels of the result back, with NumPy's inverse."""
    y, x = np.mgrid[: size[0], : size[1]].astype(float)
    square = np.vstack([matrix, [0, 0, 1]]) if matrix.shape == (2, 3) else matrix
    u, v, w = np.einsum("ij,jyx->iyx", np.linalg.inv(square), np.stack([x, y, np.ones_like(x)]))
    with np.errstate(all="ignore"):
        return u / w, v / w


def near_border(u: np.ndarray, v: np.ndarray, within: float = 1 / 256) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (abs(u % 1 - 0.5) < within) | (abs(v % 1 - 0.5) < within)


MATRICES = [
    rotation(30, 1, 4, -3),
    rotation(-100, 0.7, 20, 25),
    rotation(3, 2.5, -8, -9),
    np.array([[0.5, 0.3, 2], [0, 1.5, -4.25]]),
    np.array([[-1.2, 0.1, 30], [0.4, 0.9, 1]]),
]
HOMOGRAPHIES = [
    np.array([[1, 0.1, -2], [0.2, 1.1, 1], [0.01, 0.002, 1]]),
    np.array([[0.8, -0.4, 9], [0.3, 0.7, 0], [-0.004, 0.01, 1.2]]),
    np.array([[1, 0, 0], [0, 1, 0], [-0.06, 0, 1]]),  # the horizon is in the image
    np.array([[-1, 0, 30], [0, -1, 18], [0.003, 0.001, -1]]),
]


@pytest.mark.parametrize("matrix", [*MATRICES, *HOMOGRAPHIES], ids=str)
def test_maps_of_pixel_centers(matrix):
    size = 28, 40
    mapped = BATCH.affine if len(matrix) == 2 else BATCH.perspective
    u, v = positions(matrix, size)
    with np.errstate(invalid="ignore"):
        inside = (u >= -0.5) & (u < 32.5) & (v >= -0.5) & (v < 19.5)
    x, y = (np.where(inside, np.floor(c + 0.5), 0).astype(int) for c in (u, v))
    expected = MASKS[:, y, x] & inside
    differs = (mapped(matrix, size).to_dense() != expected).any(axis=0)
    assert not (differs & ~near_border(u, v, 1e-9)).any()


def test_refused_matrices():
    same = np.eye(3)
    many = np.tile(same, (COUNT, 1, 1))
    broken = many.copy()
    broken[4, 1, 1] = np.nan
    singular = many.copy()
    singular[9, 0] = singular[9, 1]
    for matrix, error, message in [
        (same[:2, :2], ValueError, r"matrix: expected the shape \(3, 3\), or \(13, 3, 3\)"),
        (many[:2], ValueError, r"matrix: expected the shape \(3, 3\), or \(13, 3, 3\)"),
        (broken, sc.MaskError, "matrix 4: expected finite numbers, got .*nan"),
        (np.full((3, 3), np.inf), sc.MaskError, "matrix 0: expected finite numbers"),
        (singular, sc.MaskError, "matrix 9: expected a matrix that can be inverted"),
        (np.zeros((3, 3)), sc.MaskError, "matrix 0: expected a matrix that can be inverted"),
        (np.arange(9.0).reshape(3, 3) * 0.1, sc.MaskError, "matrix 0: expected a matrix that"),
        ([["a"] * 3] * 3, TypeError, "matrix: expected numbers"),
        (same.astype(bool), TypeError, "matrix: expected numbers, got bool"),
        (same.astype(complex), TypeError, "matrix: expected numbers, got complex"),
        (None, TypeError, "matrix: "),
    ]:
        with pytest.raises(error, match=message):
            BATCH.perspective(matrix)
    for matrix, message in [
        (same, r"matrix: expected the shape \(2, 3\), or \(13, 2, 3\)"),
        ([[1, 2, 0], [2, 4, 0]], "matrix 0: expected a matrix that can be inverted"),
        ([[1, 1, 0], [1, 1 + 1e-14, 0]], "matrix 0: expected a matrix that can be inverted"),
        ([[2**21, 0, 0], [0, 1, 0]], r"matrix 0: expected scales up to 2\*\*20"),
    ]:
        with pytest.raises(ValueError, match=message):
            BATCH.affine(matrix)
    for size in [(1, 2**31), (2**31, 1)]:
        with pytest.raises(ValueError, match=r"size: expected sides below 2\*\*31"):
            BATCH.affine(same[:2], size)
        with pytest.raises(ValueError, match=r"size: expected sides below 2\*\*31"):
            sc.Masks([], [0, 0], size).affine(same[:2], (5, 5))


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e150, 1e300])
def test_homographies_of_any_scale(scale):
    for matrix in HOMOGRAPHIES:
        differs = BATCH.perspective(matrix * scale) ^ BATCH.perspective(matrix)
        u, v = positions(matrix, BATCH.size)
        assert not (differs.to_dense().any(axis=0) & ~near_border(u, v, 1e-9)).any()


def test_far_translations():
    for far in (1e18, -1e300, 2.0**1000):
        assert BATCH.affine([[1, 0, far], [0, 1, 0]]).area.sum() == 0
        assert BATCH.perspective([[1, 0, far], [0, 1, 0], [0, 0, 1]]).area.sum() == 0


# -- decoding -------------------------------------------------------------------------------------


def test_to_dense_of_a_box_and_a_size():
    boxes = np.array([(i - 3, i - 2, i + 9, i + 8) for i in range(COUNT)])
    expected = BATCH.crop(boxes).resize((15, 7)).to_dense(np.float32)
    assert np.array_equal(BATCH.to_dense(np.float32, box=boxes, size=(15, 7)), expected)
    assert np.array_equal(BATCH.to_dense(size=(8, 9)), BATCH.resize((8, 9)).to_dense())
    assert np.array_equal(BATCH.to_dense(box=boxes), BATCH.crop(boxes).to_dense())
    for order in ("C", "F"):
        out = np.full((COUNT, 15, 7), 7, np.int16, order)
        assert BATCH.to_dense(out=out, box=boxes, size=(15, 7)) is out
        assert np.array_equal(out, expected)
    with pytest.raises(ValueError, match=r"out: expected the shape \(13, 15, 7\), got"):
        BATCH.to_dense(out=np.empty((COUNT, 20, 33)), size=(15, 7))
    with pytest.raises(ValueError, match="size: expected"):
        BATCH.to_dense(size=(3,))


def test_to_dense_of_a_giant_canvas():
    batch = sc.Masks.from_boxes([[100_000, 90_000, 100_010, 90_020]], (150_000, 200_000))
    crop = batch.to_dense(int, box=(99_990, 89_980, 100_030, 90_060), size=(40, 20))
    expected = np.zeros((1, 40, 20), int)
    expected[:, 10:20, 5:10] = 1
    assert np.array_equal(crop, expected)


# -- beside other libraries -----------------------------------------------------------------------


def random_map(rng: np.random.Generator, is_affine: bool) -> np.ndarray:
    matrix = np.vstack([rotation(rng.uniform(0, 360), rng.uniform(0.3, 3)), [0, 0, 1]])
    matrix[:2, :2] += rng.normal(size=(2, 2)) * 0.2
    matrix[:2, 2] = rng.uniform(-20, 40, 2)
    if is_affine:
        return matrix[:2]
    matrix[2, :2] = rng.normal(size=2) * 0.003
    return matrix


@given(seed=seeds, is_affine=st.booleans())
def test_maps_beside_opencv(seed, is_affine):
    cv2 = pytest.importorskip("cv2")
    rng = np.random.default_rng(seed)
    height, width, *size = rng.integers(1, 90, 4).tolist()
    masks = patterns(height, width, seed=seed)
    batch, matrix = sc.Masks.from_dense(masks), random_map(rng, is_affine)
    theirs = cv2.warpAffine if is_affine else cv2.warpPerspective
    expected = [
        theirs(mask.view(np.uint8), matrix, size[::-1], flags=cv2.INTER_NEAREST) for mask in masks
    ]
    mapped = batch.affine if is_affine else batch.perspective
    differs = (mapped(matrix, size).to_dense(np.uint8) != expected).any(axis=0)
    assert not (differs & ~near_border(*positions(matrix, size))).any()


@given(seed=seeds)
def test_resizing_beside_opencv(seed):
    cv2 = pytest.importorskip("cv2")
    height, width, *size = np.random.default_rng(seed).integers(1, 90, 4).tolist()
    masks = patterns(height, width, seed=seed)
    batch = sc.Masks.from_dense(masks)
    y, x = np.arange(size[0]) * height / size[0], np.arange(size[1]) * width / size[1]
    on_border = (abs(y - y.round()) < 1e-6)[:, None] | (abs(x - x.round()) < 1e-6)
    expected = [
        cv2.resize(mask.view(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST)
        for mask in masks
    ]
    differs = (batch.resize(size).to_dense(np.uint8) != expected).any(axis=0)
    assert not (differs & ~on_border).any()


@given(seed=seeds)
def test_resizing_beside_pillow(seed):
    image = pytest.importorskip("PIL.Image")
    height, width, *size = np.random.default_rng(seed).integers(1, 90, 4).tolist()
    masks = patterns(height, width, seed=seed)
    y, x = (np.arange(a) * b / a + b / a / 2 for a, b in ((size[0], height), (size[1], width)))
    on_border = (abs(y - y.round()) < 1e-6)[:, None] | (abs(x - x.round()) < 1e-6)
    expected = [
        np.asarray(image.fromarray(mask.view(np.uint8)).resize(size[::-1], image.NEAREST))
        for mask in masks
    ]
    got = sc.Masks.from_dense(masks).resize(size, "nearest-exact").to_dense(np.uint8)
    assert not ((got != expected).any(axis=0) & ~on_border).any()
