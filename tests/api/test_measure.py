"""Measurements of masks, and distances between outlines."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from support.strategies import dense
from support.util import every_mask, patterns

import segcore as sc

COLUMNS = {
    "area": ["area"],
    "box": ["x0", "y0", "x1", "y1"],
    "centroid": ["centroid_x", "centroid_y"],
    "moments": ["variance_x", "variance_y", "covariance"],
    "axes": ["major_axis", "minor_axis"],
    "orientation": ["orientation"],
    "eccentricity": ["eccentricity"],
    "equivalent_diameter": ["equivalent_diameter"],
    "extent": ["extent"],
    "perimeter": ["perimeter"],
    "solidity": ["solidity"],
    "inscribed_box": ["inscribed_x0", "inscribed_y0", "inscribed_x1", "inscribed_y1"],
}
INTEGERS = {"area", *COLUMNS["box"], *COLUMNS["inscribed_box"]}


def shapes() -> np.ndarray:
    """Draw noise, ellipses, blocks and patterns."""
    rng = np.random.default_rng(0)
    y, x = np.ogrid[:40, :50]
    ellipses = [
        np.any(
            [
                ((y - rng.uniform(0, 40)) / rng.uniform(1, 15)) ** 2
                + ((x - rng.uniform(0, 50)) / rng.uniform(1, 15)) ** 2
                < 1
                for _ in range(3)
            ],
            axis=0,
        )
        for _ in range(10)
    ]
    noise = rng.random((6, 40, 50)) < np.reshape([0.5, 0.02, 0.9] * 2, (6, 1, 1))
    blocks = np.kron(rng.random((5, 8, 10)) < 0.4, np.ones((5, 5))) > 0
    return np.concatenate([ellipses, noise, blocks, patterns(40, 50)])


# -- definitions ----------------------------------------------------------------------------------


def perimeter(mask: np.ndarray) -> float:
    """Compute the perimeter pixel by pixel."""
    padded = np.pad(mask, 2)
    inside = padded.copy()
    for move in [(0, 1), (0, -1), (1, 0), (-1, 0)]:
        inside &= np.roll(padded, move, (0, 1))
    border = padded & ~inside
    total = 0.0
    for r, c in np.argwhere(border):
        near = border[r - 1 : r + 2, c - 1 : c + 2]
        sides = int(near[0, 1]) + near[1, 0] + near[1, 2] + near[2, 1]
        corners = int(near[0, 0]) + near[0, 2] + near[2, 0] + near[2, 2]
        if sides in (2, 3) and corners <= 2:
            total += 1
        elif (sides, corners) in ((0, 2), (1, 3)):
            total += math.sqrt(2)
        elif sides == 1 and corners in (1, 2):
            total += (1 + math.sqrt(2)) / 2
    return total


def hull_area(mask: np.ndarray) -> int:
    """Count the pixels that no line through two diamonds separates from the mask."""
    r, c = np.nonzero(mask)
    diamond = [(0, 1), (0, -1), (1, 0), (-1, 0)]
    points = np.unique(
        np.concatenate([np.stack([2 * c + dx, 2 * r + dy], 1) for dx, dy in diamond]), axis=0
    )
    grid = 2 * np.stack(np.meshgrid(np.arange(mask.shape[1]), np.arange(mask.shape[0])), 2)

    def turns(p: np.ndarray, q: np.ndarray, others: np.ndarray) -> np.ndarray:
        return (q - p)[0] * (others - p)[..., 1] - (q - p)[1] * (others - p)[..., 0]

    inside = np.ones(mask.shape, bool)
    for p in points:
        for q in points:
            if (p != q).any() and (turns(p, q, points) >= 0).all():
                inside &= turns(p, q, grid) >= 0
    return int(inside.sum())


def inscribed(mask: np.ndarray) -> tuple[int, int, int, int]:
    """Find the largest box: the narrowest, then the leftmost, then the topmost."""
    best, found = 0, (0, 0, 0, 0)
    height, width = mask.shape
    for w in range(1, width + 1):
        for x in range(width - w + 1):
            full = mask[:, x : x + w].all(axis=1)
            for y in range(height):
                h = int(np.argmin(np.append(full[y:], False)))
                if w * h > best:
                    best, found = w * h, (x, y, x + w, y + h)
    return found


def expected(mask: np.ndarray) -> dict[str, float]:
    """Compute all columns from the pixels of a mask that is not empty."""
    y, x = np.nonzero(mask)
    box = x.min(), y.min(), x.max() + 1, y.max() + 1
    tensor = np.cov(np.stack([x, y]), bias=True) if len(x) > 1 else np.zeros((2, 2))
    small, large = np.linalg.eigvalsh(tensor).clip(0)
    values = {
        **dict(zip(COLUMNS["box"], box, strict=True)),
        **dict(zip(COLUMNS["inscribed_box"], inscribed(mask), strict=True)),
        "area": len(x),
        "centroid_x": x.mean(),
        "centroid_y": y.mean(),
        "variance_x": tensor[0, 0],
        "variance_y": tensor[1, 1],
        "covariance": tensor[0, 1],
        "major_axis": 4 * math.sqrt(large),
        "minor_axis": 4 * math.sqrt(small),
        "equivalent_diameter": math.sqrt(4 * len(x) / math.pi),
        "extent": len(x) / ((box[2] - box[0]) * (box[3] - box[1])),
        "perimeter": perimeter(mask),
        "solidity": len(x) / hull_area(mask),
        "eccentricity": math.sqrt(1 - small / large) if large > 1e-9 else 0,
    }
    if large - small > 1e-9:
        values["orientation"] = 0.5 * math.atan2(2 * tensor[0, 1], tensor[1, 1] - tensor[0, 0])
    return values


def check(masks: np.ndarray) -> None:
    table = sc.measure(sc.Masks.from_dense(masks), COLUMNS)
    assert list(table) == [name for names in COLUMNS.values() for name in names]
    for name, column in table.items():
        assert column.shape == (len(masks),)
        assert column.dtype == (np.int64 if name in INTEGERS else np.float64)
    for i, mask in enumerate(masks):
        if not mask.any():
            missing = {name for name, column in table.items() if np.isnan(column[i])}
            assert missing == {*COLUMNS["centroid"], *COLUMNS["moments"], "extent", "solidity"}
            assert all(column[i] == 0 for name, column in table.items() if name not in missing)
            continue
        for name, value in expected(mask).items():
            # The smaller eigenvalue of a thin mask is rounding, of which a root is taken.
            close = 1e-6 if name in ("minor_axis", "eccentricity") else 1e-9
            found = table[name][i]
            if name == "orientation":  # pi/2 and -pi/2 are the same axis
                found -= math.pi * round((found - value) / math.pi)
            assert found == pytest.approx(value, rel=1e-9, abs=close), (i, name)


# -- measurements ---------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(3, 3), (2, 4), (4, 2), (1, 4), (4, 1)])
def test_every_tiny_mask(size):
    masks = every_mask(*size)
    check(masks[:: 1 if len(masks) < 100 else 7])


@given(masks=dense(max_count=2))
def test_any_masks(masks):
    check(masks[:, :10, :8])


def test_scikit_image():
    measure = pytest.importorskip("skimage.measure")
    masks = shapes()
    table = sc.measure(sc.Masks.from_dense(masks))
    for i, mask in enumerate(masks):
        if not mask.any():
            continue
        region = measure.regionprops(mask.astype(np.uint8))[0]
        tensor = region.inertia_tensor
        theirs = {
            **dict(zip(("y0", "x0", "y1", "x1"), region.bbox, strict=True)),
            "area": region.area,
            "centroid_y": region.centroid[0],
            "centroid_x": region.centroid[1],
            "variance_x": tensor[0, 0],
            "variance_y": tensor[1, 1],
            "covariance": -tensor[0, 1],
            "major_axis": region.axis_major_length,
            "minor_axis": region.axis_minor_length,
            "eccentricity": region.eccentricity,
            "equivalent_diameter": region.equivalent_diameter_area,
            "extent": region.extent,
            "perimeter": region.perimeter,
            "solidity": region.solidity,
        }
        if abs(region.axis_major_length - region.axis_minor_length) > 1e-6:
            theirs["orientation"] = region.orientation
        for name, value in theirs.items():
            assert table[name][i] == pytest.approx(value, rel=1e-9, abs=1e-6), (i, name)


@pytest.mark.parametrize("name", COLUMNS)
def test_one_property_at_a_time(name):
    masks = sc.Masks.from_dense(shapes())
    table = sc.measure(masks, [name])
    assert list(table) == COLUMNS[name]
    everything = sc.measure(masks, COLUMNS)
    for column in table:
        np.testing.assert_array_equal(table[column], everything[column])
    nothing = sc.measure(masks[:0], [name])
    assert {column: len(values) for column, values in nothing.items()} == dict.fromkeys(table, 0)


def test_blocks_of_masks(monkeypatch):
    masks = sc.Masks.from_dense(shapes())
    everything = sc.measure(masks)
    for block in (1, 100, 777):
        monkeypatch.setattr("segcore.ops.measure._BLOCK", block)
        for name, column in sc.measure(masks).items():
            np.testing.assert_array_equal(column, everything[name])


def test_giant_masks():
    size = 200_000, 150_000
    corners = [[10, 20, 70_010, 30_020], [149_999, 0, 150_000, 200_000]]
    masks = sc.Masks.from_boxes(corners, size)
    table = sc.measure(masks)
    assert list(table) == [name for names in list(COLUMNS.values())[:-1] for name in names]
    w, h = 70_000, 30_000
    assert table["area"].tolist() == [w * h, 200_000]
    assert table["centroid_x"].tolist() == [10 + (w - 1) / 2, 149_999]
    assert table["variance_y"] == pytest.approx([(h**2 - 1) / 12, (200_000**2 - 1) / 12])
    assert table["covariance"] == pytest.approx([0, 0], abs=1e-3)
    assert table["solidity"].tolist() == table["extent"].tolist() == [1, 1]
    assert table["perimeter"].tolist() == [2 * (w + h) - 4, 200_000 - 2]
    assert sc.measure(masks[1:], ["inscribed_box"])["inscribed_y1"].tolist() == [200_000]


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        (["area", "volume"], "properties: expected some of .* got str 'volume'"),
        ("area", r'properties: expected a list of names, such as \["area"\], got a str'),
    ],
)
def test_unknown_properties(properties, message):
    with pytest.raises((ValueError, TypeError), match=message):
        sc.measure(sc.Masks.from_dense([[1]]), properties)
    with pytest.raises(TypeError, match="masks: expected Masks"):
        sc.measure([[1]])


# -- distances ------------------------------------------------------------------------------------


def outline(mask: np.ndarray) -> np.ndarray:
    padded = np.pad(mask, 1)
    sides = [np.roll(padded, move, (0, 1)) for move in [(0, 1), (0, -1), (1, 0), (-1, 0)]]
    return np.argwhere(padded & ~np.logical_and.reduce(sides))


def distances(a: np.ndarray, b: np.ndarray, tolerance: float) -> dict[str, float]:
    names = ("hausdorff", "hausdorff_95", "mean_distance", "surface_dice")
    if not a.any() or not b.any():
        empty = not a.any() and not b.any()
        return dict(zip(names, (0, 0, 0, 1) if empty else (math.inf,) * 3 + (0,), strict=True))
    table = np.sqrt(((outline(a)[:, None] - outline(b)) ** 2).sum(-1))
    ways = table.min(axis=1), table.min(axis=0)
    both = np.concatenate(ways)
    most = max(np.percentile(way, 95) for way in ways)
    return dict(
        zip(names, (both.max(), most, both.mean(), (both <= tolerance).mean()), strict=True)
    )


@given(masks=dense(max_count=6))
def test_any_distances(masks):
    half = len(masks) // 2
    a, b = masks[:half, :40, :40], masks[half : 2 * half, :40, :40]
    found = sc.surface_distances(sc.Masks.from_dense(a), sc.Masks.from_dense(b), 1.5)
    for i in range(half):
        for name, value in distances(a[i], b[i], 1.5).items():
            assert found[name][i] == pytest.approx(value), name


def test_distances_of_shapes(monkeypatch):
    masks = shapes()
    for block in (None, 1, 500):
        if block:
            monkeypatch.setattr("segcore.ops.surface._BLOCK", block)
        for other in (np.roll(masks, 1, axis=0), np.roll(masks, (3, 2), (1, 2)), masks):
            a, b = sc.Masks.from_dense(masks), sc.Masks.from_dense(other)
            found = sc.surface_distances(a, b, tolerance=2)
            assert all(len(column) == len(masks) for column in found.values())
            for i in range(0, len(masks), 1 if block is None else 9):
                for name, value in distances(masks[i], other[i], 2).items():
                    assert found[name][i] == pytest.approx(value), (i, name)


@pytest.mark.filterwarnings("ignore")  # what other libraries deprecate is not ours
def test_monai():
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    masks = shapes()
    masks = masks[masks.any(axis=(1, 2))]
    other = np.roll(masks, 1, axis=0)
    found = sc.surface_distances(sc.Masks.from_dense(masks), sc.Masks.from_dense(other), 2)
    a, b = (torch.from_numpy(each[:, None].astype(np.float32)) for each in (masks, other))
    for name, theirs in {
        "hausdorff": metrics.compute_hausdorff_distance(a, b, include_background=True),
        "hausdorff_95": metrics.compute_hausdorff_distance(
            a, b, include_background=True, percentile=95
        ),
        "mean_distance": metrics.compute_average_surface_distance(
            a, b, include_background=True, symmetric=True
        ),
        "surface_dice": metrics.compute_surface_dice(a, b, [2.0], include_background=True),
    }.items():
        np.testing.assert_allclose(found[name], theirs.numpy()[:, 0], rtol=1e-6)


def test_distances_on_a_giant_canvas():
    size = 200_000, 150_000
    a = sc.Masks.from_boxes([[10, 20, 20, 100_020], [0, 0, 5, 5]], size)
    b = sc.Masks.from_boxes([[13, 20, 23, 100_020], [3000, 4000, 3005, 4005]], size)
    found = sc.surface_distances(a, b)
    assert found["hausdorff"].tolist() == [3, 5000]
    assert found["surface_dice"][1] == 0


def test_a_single_name_is_refused():
    with pytest.raises(TypeError, match=r'a list of names, such as \["area"\], got a str'):
        sc.measure(sc.Masks.from_boxes([[0, 0, 1, 1]], (3, 3)), "area")


def test_time_does_not_grow_with_the_gap():
    """Columns without outlines are skipped; one after the other, these would take seconds."""
    size = 10, 64_000
    pixels = sc.Masks.from_boxes([[0, 3, 1, 4], [63_999, 6, 64_000, 7]], size)
    start = time.process_time()
    found = sc.surface_distances(pixels[:1], pixels[1:])
    assert time.process_time() - start < 2
    assert found["hausdorff"][0] == pytest.approx(math.hypot(63_999, 3), rel=1e-12)


def test_refused_distances():
    masks = sc.Masks.from_boxes([[0, 0, 2, 2], [1, 1, 3, 3]], (4, 4))
    for arguments, error, message in [
        ((masks, masks[:1]), ValueError, "expected the same number of masks, got 2 and 1"),
        ((masks, sc.Masks([], [0, 0], (3, 4))), ValueError, "same image size"),
        ((masks, masks, -1), ValueError, "tolerance: expected at least 0"),
        ((masks, masks, math.nan), ValueError, "tolerance: expected a finite number"),
        ((masks, masks, "1"), TypeError, "tolerance: expected a number"),
        ((masks, [[1]]), TypeError, "b: expected Masks"),
    ]:
        with pytest.raises(error, match=message):
            sc.surface_distances(*arguments)
    assert all(len(c) == 0 for c in sc.surface_distances(masks[:0], masks[:0]).values())
