"""resample: soft masks to run ends, with the image's columns and rows at positions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import seeds
from support.util import (
    BOUNDARY_SIZES,
    agree,
    assert_batch,
    assert_identical,
    assert_valid,
    batch_of_flips,
    crossed,
)

from segcore.backends import reference
from segcore.backends.interpolation import LIMIT

F = np.float32


def spread(samples: int, count: int) -> np.ndarray:
    """Give evenly spaced positions, half-pixel centres on half-sample centres."""
    positions = (np.arange(count) + 0.5) * samples / max(count, 1) - 0.5
    return np.clip(positions, 0, samples - 1).astype(F)


def whole(count: int, height: int, width: int) -> np.ndarray:
    """Give windows that are the image, of which each column and row has its position."""
    return np.tile(np.array([0, 0, width, height, 0, 0]), (count, 1))


def resampled(kernels, scores, size, threshold=0.0, inner=None):
    """Resample scores that are spread over the image, in both steps."""
    scores = np.asarray(scores, F)
    count, *sides = scores.shape
    if inner is not None:
        inner, sides = (spread(sides[1], inner[1]), spread(sides[0], inner[0])), inner
    x, y = spread(sides[1], size[1]), spread(sides[0], size[0])
    return agree(
        kernels, "resample", scores, inner, x, y, whole(count, *size), *size, float(threshold)
    )


# -- the definition, number by number --------------------------------------------------------------


def between(a: np.float32, b: np.float32, fraction: np.float32) -> np.float32:
    return F(a + F(fraction * F(b - a)))


def at(samples: list[np.float32], position: np.float32) -> np.float32:
    """Interpolate a row or column of samples."""
    i = int(position)
    return between(samples[i], samples[min(i + 1, len(samples) - 1)], position - F(i))


def by_hand(scores, inner, x, y, threshold):
    """Compute each pixel of one mask on its own."""
    known = np.where(np.isnan(scores), -LIMIT, np.clip(scores, -LIMIT, LIMIT)).astype(F)
    result = np.zeros((len(y), len(x)), bool)
    for row, column in np.ndindex(result.shape):
        values = []
        for samples in known:
            line = list(samples) if inner is None else [at(list(samples), p) for p in inner[0]]
            values.append(at(line, x[column]))
        if inner is not None:
            values = [at(values, p) for p in inner[1]]
        result[row, column] = at(values, y[row]) > F(threshold)
    return result


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("inner", [None, (4, 6), (9, 2)])
def test_is_the_definition(kernels, seed, inner):
    rng = np.random.default_rng(seed)
    h, w, height, width = rng.integers(1, 6, 4).tolist()
    scores = rng.normal(size=(2, h, w)).astype(F)
    scores[rng.random(scores.shape) < 0.1] = rng.choice([np.nan, np.inf, -np.inf, 3e38])
    batch = resampled(kernels, scores, (height, width), 0.25, inner)
    positions = None if inner is None else (spread(w, inner[1]), spread(h, inner[0]))
    sides = (h, w) if inner is None else inner
    x, y = spread(sides[1], width), spread(sides[0], height)
    assert_batch(batch, np.array([by_hand(each, positions, x, y, 0.25) for each in scores]))


# -- against the reference, with anything ----------------------------------------------------------


def random_positions(rng: np.random.Generator, samples: int, count: int) -> np.ndarray:
    """Draw positions of every kind, in order: even, far apart, crowded, at samples."""
    even = (np.arange(count) + 0.5) * samples / max(count, 1) - 0.5
    kinds = (
        even,
        even * rng.uniform(0.3, 4) - rng.uniform(0, samples),
        np.sort(rng.uniform(0, samples - 1, count)) if count else even,
        np.sort(rng.integers(0, samples, count) + rng.choice([0, 0.5, 0.99999], count)),
    )
    positions = np.clip(kinds[rng.integers(len(kinds))], 0, samples - 1)
    return positions.astype(F)


def random_scores(rng: np.random.Generator, count: int, h: int, w: int) -> np.ndarray:
    """Draw scores of every kind: noise, ties with the threshold, smooth, steep, odd numbers."""
    scores = rng.normal(size=(count, h, w))
    kinds = (
        scores,
        np.round(scores * 2) / 2,
        scores.cumsum(1).cumsum(2),
        scores * 1e-3 + rng.integers(0, 2, scores.shape),
        rng.choice([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-45, -0.0, 0.5], scores.shape),
    )
    return kinds[rng.integers(len(kinds))].astype(F)


@given(
    seed=seeds,
    count=st.integers(0, 3),
    h=st.integers(1, 9) | st.sampled_from([63, 64, 65, 130]),
    w=st.integers(1, 9) | st.sampled_from([63, 64, 65, 130]),
    size=st.tuples(st.integers(0, 70), st.integers(0, 70)),
    inner=st.none() | st.tuples(st.integers(1, 40), st.integers(1, 40)),
    shared=st.booleans(),
    threshold=st.sampled_from([0.0, 0.5, -0.5, 0.25, 1e-3, 2.0, -1e30]),
)
def test_any_windows(kernels, seed, count, h, w, size, inner, shared, threshold):
    rng = np.random.default_rng(seed)
    scores = random_scores(rng, count, h, w)
    steps = None
    if inner is not None:
        steps = random_positions(rng, w, inner[1]), random_positions(rng, h, inner[0])
        h, w = inner
    height, width = size
    windows = np.zeros((count, 6), np.int64)
    x, y = [random_positions(rng, w, width)], [random_positions(rng, h, height)]
    for window in windows:
        x0, x1 = np.sort(rng.integers(0, width + 1, 2))
        y0, y1 = np.sort(rng.integers(0, height + 1, 2))
        if shared:
            window[:] = x0, y0, x1, y1, x0, y0
        else:
            window[:] = x0, y0, x1, y1, sum(map(len, x)), sum(map(len, y))
            x.append(random_positions(rng, w, x1 - x0))
            y.append(random_positions(rng, h, y1 - y0))
    x, y = np.concatenate(x), np.concatenate(y)
    batch = agree(kernels, "resample", scores, steps, x, y, windows, height, width, threshold)
    assert_valid(batch, count, height, width)


@pytest.mark.parametrize("inner", [None, (9, 7)])
def test_windows_that_share_positions(kernels, inner):
    """Each takes as many of them as it has rows and columns, whatever the one before took."""
    lengths = [3, 40, 1, 17, 40, 8]
    scores = np.random.default_rng(11).normal(size=(len(lengths), 6, 5)).astype(F)
    height, width = inner or scores.shape[1:]
    steps = None if inner is None else (spread(5, width), spread(6, height))
    windows = np.array([[0, 0, length, length, 0, 0] for length in lengths])
    positions = spread(width, 40), spread(height, 40)
    agree(kernels, "resample", scores, steps, *positions, windows, 40, 40, 0.0)


@pytest.mark.parametrize("side", BOUNDARY_SIZES)
def test_sides_around_machine_words(kernels, side):
    rng = np.random.default_rng(side)
    for h, w in ((side, 5), (5, side), (side, side)):
        scores = random_scores(rng, 2, h, w)
        resampled(kernels, scores, (2 * side + 3, 47))
        resampled(kernels, scores, (31, side))


@pytest.mark.parametrize("inner", [None, (5, 7), (300, 2)])
@pytest.mark.parametrize(
    ("sides", "size"),
    crossed(
        [(20, 30), (1, 1), (1, 8), (8, 1), (2, 2)],
        [(401, 299), (1, 1), (1, 300), (300, 1), (3, 2), (20, 30)],
    ),
)
def test_enlarged_and_reduced(kernels, inner, sides, size):
    scores = np.random.default_rng(0).normal(size=(3, *sides))
    resampled(kernels, scores, size, 0.1, inner)


# -- what is known beforehand ----------------------------------------------------------------------


def test_the_middle_of_a_step(kernels):
    step = [[[0, 0, 1, 1]]]
    dense = np.broadcast_to(np.arange(40) >= 20, (1, 10, 40))
    assert_batch(resampled(kernels, step, (10, 40), 0.5), dense)
    turned = np.swapaxes(step, 1, 2)
    assert_batch(resampled(kernels, turned, (40, 10), 0.5), dense.transpose(0, 2, 1))


def test_at_the_samples_are_the_samples(kernels):
    scores = np.random.default_rng(1).normal(size=(4, 33, 65)).astype(F)
    assert_batch(resampled(kernels, scores, (33, 65)), scores > 0)
    assert_batch(resampled(kernels, scores, (33, 65), inner=(33, 65)), scores > 0)


def test_the_threshold_itself_is_background(kernels):
    scores = np.full((1, 3, 4), F(0.3))
    full = np.ones((1, 7, 9), bool)
    assert_batch(resampled(kernels, scores, (7, 9), F(0.3)), ~full)
    assert_batch(resampled(kernels, scores, (7, 9), np.nextafter(F(0.3), F(0))), full)


@given(seed=seeds, scale=st.integers(-140, 126))
def test_a_value_stays_between_its_samples(seed, scale):
    """Rounding does not lead beyond, as fractions are less than 1: the kernels build on that."""
    rng = np.random.default_rng(seed)
    a, b = np.ldexp(rng.uniform(-1, 1, (2, 500)), rng.integers(scale - 30, scale, (2, 500)))
    a, b = a.astype(F), b.astype(F)
    b[::3] = a[::3] * F(1 + 2.0**-22)
    least, most = np.minimum(a, b), np.maximum(a, b)
    for fraction in (0, 2.0**-24, 0.5, 1 - 2.0**-23, 1 - 2.0**-24, rng.random()):
        value = a + F(min(fraction, 1 - 2.0**-24)) * (b - a)
        assert (value >= least).all()
        assert (value <= most).all()


def test_nan_is_background_and_infinities_are_ordered(kernels):
    nan, inf = np.nan, np.inf
    rows = [[nan, nan], [inf, inf], [-inf, -inf], [-inf, inf], [0, inf], [0, -inf], [nan, 5]]
    scores = np.array(rows, F)[:, None, :]
    dense = np.zeros((7, 1, 8), bool)
    dense[1] = True
    dense[3, :, 4:] = True  # half and half
    dense[4, :, 2:] = True  # all but the sample itself
    dense[6, :, 6:] = True  # no more than the sample itself
    assert_batch(resampled(kernels, scores, (1, 8)), dense)


def test_windows_bound_the_masks(kernels):
    scores = np.ones((3, 2, 2), F)
    windows = np.array([[1, 2, 4, 5, 0, 0], [0, 0, 6, 7, 0, 0], [2, 0, 3, 7, 3, 0]])
    dense = np.zeros((3, 7, 6), bool)
    dense[0, 2:5, 1:4] = dense[1] = dense[2, :, 2] = True
    positions = spread(2, 6), spread(2, 7)
    batch = agree(kernels, "resample", scores, None, *positions, windows, 7, 6, 0.5)
    assert_batch(batch, dense)


@pytest.mark.parametrize("window", [[3, 0, 3, 7, 0, 0], [0, 7, 6, 7, 0, 0], [0, 0, 0, 0, 0, 0]])
def test_empty_windows(kernels, window):
    nothing = np.empty(0, F)
    batch = agree(
        kernels, "resample", np.ones((1, 2, 2), F), None, nothing, nothing, np.array([window]),
        7, 6, 0.5,
    )  # fmt: skip
    assert_batch(batch, np.zeros((1, 7, 6), bool))


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_no_masks_and_sizes_without_pixels(kernels, size):
    assert_batch(resampled(kernels, np.ones((0, 3, 3)), (4, 5)), np.zeros((0, 4, 5), bool))
    assert_batch(resampled(kernels, np.ones((2, 3, 3)), size), np.zeros((2, *size), bool))


@pytest.mark.slow_on("numba")
@pytest.mark.parametrize("height", [2**30, 2**40])
def test_large_sizes(kernels, height):
    """A window far down and right, in images of fewer and more than 2**32 pixels."""
    if kernels.name == "reference":
        pytest.skip("it would draw the window's columns")
    width = 3
    scores = np.array([[[1, -1], [-1, 1]]], F)
    windows = np.array([[1, height - 4, 3, height, 0, 0]])
    x, y = spread(2, 2), spread(2, 4)
    batch = kernels.resample(scores, None, x, y, windows, height, width, 0.0)
    small = reference.resample(scores, None, x, y, np.array([[0, 0, 2, 4, 0, 0]]), 4, 2, 0.0)
    dense = np.zeros(8, bool)
    for flip in small.run_ends:
        dense[flip:] ^= True
    expected = []
    for column, rows in enumerate(dense.reshape(2, 4)):
        flips = np.flatnonzero(np.diff(rows, prepend=False, append=False))
        expected += [(column + 1) * height + height - 4 + flip for flip in flips]
    kept = [each for each in expected if each < height * width and expected.count(each) == 1]
    assert_identical(batch, batch_of_flips([kept], (height, width)))


# -- what the native backend refuses ---------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"x": [0, 0.5, np.nan]},
        {"x": [0, 0.5, 0.4]},
        {"x": [-0.1, 0, 1]},
        {"y": [0, 1, 1.01]},
        {"y": [0, np.inf, 1]},
        {"windows": [[0, 0, 3, 4, 0, 0]]},
        {"windows": [[-1, 0, 2, 3, 0, 0]]},
        {"windows": [[0, 0, 3, 3, 1, 0]]},
        {"windows": [[0, 0, 3, 3, 0, -1]]},
        {"inner": ([0, 2], [0, 1])},
    ],
)
def test_native_never_reads_beyond_its_arrays(kernels, change):
    if not kernels.name.startswith("native"):
        pytest.skip("NumPy and Numba's callers check")
    given = {"inner": None, "x": [0, 0.5, 1], "y": [0, 0.5, 1], "windows": [[0, 0, 3, 3, 0, 0]]}
    given |= change
    inner = given["inner"] and tuple(np.array(each, F) for each in given["inner"])
    arrays = (np.array(given["x"], F), np.array(given["y"], F), np.array(given["windows"]))
    with pytest.raises(ValueError, match=r"expected (windows inside|ascending positions)"):
        kernels.resample(np.ones((1, 2, 2), F), inner, *arrays, 3, 3, 0.5)


def test_every_variant_agrees_on_much(kernels):
    """Enough for several threads, of many shapes."""
    rng = np.random.default_rng(9)
    y, x = np.mgrid[:40, :40] / 39
    scores = [
        np.hypot(y - cy, x - cx) - radius + 0.05 * np.sin(9 * np.arctan2(y - cy, x - cx))
        for cy, cx, radius in zip(*rng.uniform(0.1, 0.9, (3, 60)), strict=True)
    ]
    batch = resampled(kernels, scores, (300, 410))
    assert_identical(batch, resampled(reference, scores, (300, 410)))
    resampled(kernels, scores, (300, 410), inner=(160, 150))


def test_thresholds_at_every_crossing(kernels):
    """The row of a crossing is exact wherever it falls."""
    a, b = F(0.1), F(0.7)
    y = spread(2, 1000)
    fraction = y - np.minimum(y.astype(int), 1)
    values = np.where(y < 1, a + fraction * (b - a), b)
    scores = np.array([[[a], [b]]])
    for threshold, reverse in itertools.product(values[::37], (False, True)):
        given = scores[:, ::-1].copy() if reverse else scores
        windows = whole(1, 1000, 1)
        agree(kernels, "resample", given, None, F([0]), y, windows, 1000, 1, float(threshold))
