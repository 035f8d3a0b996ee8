"""argmax_resample: class scores to a label map, at positions among the samples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import seeds
from support.util import BOUNDARY_SIZES, slow_on

import segcore as sc
from segcore.backends import reference
from segcore.backends.interpolation import LIMIT

F = np.float32


def spread(samples: int, count: int) -> np.ndarray:
    """Give evenly spaced positions, half-pixel centres on half-sample centres."""
    positions = (np.arange(count) + 0.5) * samples / max(count, 1) - 0.5
    return np.clip(positions, 0, samples - 1).astype(F)


def run(kernels, scores, x, y, dtype=np.uint16) -> np.ndarray:
    """Run the kernel between canaries, on inputs that it cannot write to."""
    arguments = [np.array(each, F) for each in (scores, x, y)]
    copies = [each.copy() for each in arguments]
    for each in arguments:
        each.flags.writeable = False
    canary = np.iinfo(dtype).max
    memory = np.full((len(y) + 2, len(x)), canary, dtype)
    assert kernels.argmax_resample(*arguments, memory[1:-1]) is None
    assert np.all(memory[[0, -1]] == canary)
    for each, copy in zip(arguments, copies, strict=True):
        np.testing.assert_array_equal(each, copy)
    return memory[1:-1]


def labelled(kernels, scores, size, dtype=np.uint16) -> np.ndarray:
    """Spread scores over an image: the labels, which are those of the reference."""
    scores = np.asarray(scores, F)
    x, y = spread(scores.shape[2], size[1]), spread(scores.shape[1], size[0])
    return at(kernels, scores, x, y, dtype)


def at(kernels, scores, x, y, dtype=np.uint16) -> np.ndarray:
    got = run(kernels, scores, x, y, dtype)
    np.testing.assert_array_equal(got, run(reference, scores, x, y, dtype))
    return got


def smooth(classes, rows, columns, seed):
    """Draw random fields of blobs, a few samples wide."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(size=(classes, rows // 4 + 2, columns // 4 + 2))
    fine = coarse.repeat(4, 1).repeat(4, 2)
    fine = (fine[:, :-1] + fine[:, 1:])[:, :, :-1] + (fine[:, :-1] + fine[:, 1:])[:, :, 1:]
    return fine[:, :rows, :columns].astype(F)


# -- the definition, number by number --------------------------------------------------------------


def between(a: np.float32, b: np.float32, fraction: np.float32) -> np.float32:
    return F(a + F(fraction * F(b - a)))


def beats(one: int, other: int, corners: np.ndarray) -> bool:
    if np.all(corners[other] < corners[one]):
        return True
    return other > one and bool(np.all(corners[other] <= corners[one]))


def by_hand(scores: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Compute each pixel on its own."""
    known = np.where(np.isnan(scores), -LIMIT, np.clip(scores, -LIMIT, LIMIT)).astype(F)
    classes, rows, columns = known.shape
    result = np.zeros((len(y), len(x)), int)
    for row, column in np.ndindex(result.shape):
        top, left = int(y[row]), int(x[column])
        bottom, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
        corners = known[:, [top, top, bottom, bottom], [left, right, left, right]]
        best = None
        for k in range(classes):
            if any(beats(other, k, corners) for other in range(classes)):
                continue
            a, b, c, d = corners[k]
            along = x[column] - F(left)
            value = between(between(a, b, along), between(c, d, along), y[row] - F(top))
            if best is None or value > best:
                best, result[row, column] = value, k
    return result


SOME = (0.0, -0.0, 1.0, 1.0, -1.0, 0.3, 1 + 2**-23, 1e-40, np.nan, np.inf, -np.inf, 2.0**127, 3e38)


@pytest.mark.parametrize("seed", range(40))
def test_definition(kernels, seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, (5, 4, 4), endpoint=True)
    scores = rng.choice(np.array(SOME, F), shape) if seed % 2 else rng.normal(size=shape).astype(F)
    x = np.sort(rng.choice([0, 0.25, 1 / 3, 0.5, 0.9999999], 9) + rng.integers(0, shape[2], 9))
    y = np.sort(rng.uniform(0, shape[1], 7))
    x, y = (np.minimum(p, n - 1).astype(F) for p, n in ((x, shape[2]), (y, shape[1])))
    np.testing.assert_array_equal(at(kernels, scores, x, y), by_hand(scores, x, y))


def test_two_samples(kernels):
    left, right = [[1.0, 0.0]], [[0.0, 1.0]]
    assert labelled(kernels, [left, right], (1, 5)).tolist() == [[0, 0, 0, 1, 1]]
    assert labelled(kernels, [right, left], (1, 5)).tolist() == [[1, 1, 0, 0, 0]]


def test_first_of_equals(kernels):
    scores = np.zeros((5, 3, 3))
    scores[1:4] = 2
    assert np.all(labelled(kernels, scores, (7, 9)) == 1)
    scores[3, 1, 1] = 3
    expected = np.ones((3, 3), int)
    expected[1, 1] = 3
    np.testing.assert_array_equal(labelled(kernels, scores, (3, 3)), expected)


def test_a_class_that_wins_at_no_sample(kernels):
    scores = [[[9.0, 0.0]], [[6.5, 6.5]], [[0.0, 9.0]]]
    assert labelled(kernels, scores, (1, 6)).tolist() == [[0, 0, 1, 1, 2, 2]]


def test_on_the_samples_themselves(kernels):
    scores = np.round(np.random.default_rng(0).normal(size=(7, 20, 30)), 1)
    np.testing.assert_array_equal(labelled(kernels, scores, (20, 30)), scores.argmax(axis=0))
    got = labelled(kernels, scores, (20 * 3, 30 * 5))[1::3, 2::5]
    np.testing.assert_array_equal(got, scores.argmax(axis=0))


def test_equals_the_argmax_of_what_is_interpolated(kernels):
    scores = np.random.default_rng(1).normal(size=(12, 9, 11)).astype(F)
    x, y = spread(11, 70).astype(float), spread(9, 40).astype(float)
    wide = scores.astype(float)
    for axis, p in ((2, x), (1, y)):
        i = p.astype(int)
        a, b = wide.take(i, axis), wide.take(np.minimum(i + 1, wide.shape[axis] - 1), axis)
        wide = a + np.expand_dims(p - i, 0 if axis == 2 else 1) * (b - a)
    best = np.sort(wide, axis=0)[-2:]
    close = best[1] - best[0] < 1e-6
    got = labelled(kernels, scores, (40, 70))
    assert np.all(close | (got == wide.argmax(axis=0)))
    assert close.mean() < 0.01


# -- numbers ---------------------------------------------------------------------------------------


def test_nan_never_wins(kernels):
    nan = np.nan
    scores = np.array([[[nan, nan]], [[-5.0, nan]], [[-9.0, -np.inf]]])
    assert labelled(kernels, scores, (1, 2)).tolist() == [[1, 0]]
    assert np.all(labelled(kernels, np.full((4, 3, 3), nan), (5, 5)) == 0)
    scores = np.random.default_rng(0).normal(size=(3, 6, 6))
    scores[1] = nan
    assert not np.any(labelled(kernels, scores, (50, 50)) == 1)


def test_infinities_are_ordered(kernels):
    inf = np.inf
    scores = [[[1.0, -inf, -inf, inf]], [[inf, 0.0, -inf, inf]], [[5.0, -1.0, -1e38, 3e38]]]
    assert labelled(kernels, scores, (1, 4)).tolist() == [[1, 1, 0, 0]]
    labelled(kernels, scores, (3, 50))


def test_denormal_scores(kernels):
    scores = np.random.default_rng(0).integers(-9, 9, (6, 5, 5)) * 1e-45
    labelled(kernels, scores, (33, 34))


# -- shapes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", [np.uint16, *(slow_on("numba", dtype) for dtype in (np.uint8, np.uint32, np.uint64))]
)
def test_dtypes(kernels, dtype):
    labelled(kernels, smooth(9, 8, 8, 0), (50, 41), dtype)


@pytest.mark.parametrize("classes", [1, 2, 3, 15, 16, 17, 31, 33, 64, 150, 257])
def test_classes(kernels, classes):
    rng = np.random.default_rng(classes)
    for scores in (rng.normal(size=(classes, 4, 5)), np.round(rng.normal(size=(classes, 4, 5)))):
        got = labelled(kernels, scores, (13, 70))
        assert got.max() < classes
    assert classes == 1 or got.max() > 0


def test_more_classes_than_fit_in_a_block(kernels):
    classes = 40_000 if kernels is not reference else 100
    scores = np.zeros((classes, 2, 3), F)
    scores[[5, classes - 3, classes - 1], [0, 1, 0], [0, 1, 2]] = [1, 2, 3]
    got = run(kernels, scores, spread(3, 12), spread(2, 10))
    few = np.concatenate([scores[:6], scores[-3:]])
    names = np.array([*range(6), *range(classes - 3, classes)])
    np.testing.assert_array_equal(got, names[run(reference, few, spread(3, 12), spread(2, 10))])


def test_boundary_sizes(kernels):
    scores = np.random.default_rng(2).normal(size=(3, 2, 3))
    for side in BOUNDARY_SIZES:
        labelled(kernels, scores, (3, side))
        labelled(kernels, scores, (side, 3))


@pytest.mark.parametrize("sides", [(1, 1), (1, 9), (9, 1), (2, 300), (20, 2), (40, 40)])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (40, 3), (41, 300), (200, 7)])
def test_enlarged_and_reduced(kernels, sides, size):
    labelled(kernels, smooth(6, *sides, seed=1), size)
    labelled(kernels, np.random.default_rng(1).normal(size=(6, *sides)), size)


@pytest.mark.parametrize("size", [(0, 0), (0, 5), (5, 0)])
def test_nothing_to_write(kernels, size):
    assert labelled(kernels, np.ones((2, 3, 4)), size).shape == size


def test_images_of_blobs(kernels):
    labelled(kernels, smooth(20, 32, 32, 0), (300, 500), np.uint8)
    labelled(kernels, smooth(20, 100, 100, 0), (300, 500), np.uint8)
    labelled(kernels, smooth(20, 100, 100, 0), (37, 25), np.uint8)


def test_threads(kernels):
    scores = smooth(40, 64, 80, 3)
    threads = sc.get_num_threads()
    try:
        results = []
        for count in (1, 2, 7):
            sc.set_num_threads(count)
            results.append(run(kernels, scores, spread(80, 700), spread(64, 300)))
    finally:
        sc.set_num_threads(threads)
    assert all(np.array_equal(results[0], each) for each in results[1:])
    np.testing.assert_array_equal(
        results[0], run(reference, scores, spread(80, 700), spread(64, 300))
    )


def test_a_part_of_the_rows(kernels):
    """The rows between two samples need these two alone."""
    scores = smooth(9, 10, 12, 5)
    x, y = spread(12, 90), spread(10, 70)
    whole = run(kernels, scores, x, y)
    first, last = np.searchsorted(y, [3, 6])
    part = run(kernels, scores[:, 3:7], x, y[first:last] - F(3))
    np.testing.assert_array_equal(part, whole[first:last])


@given(
    classes=st.integers(1, 20),
    sides=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    size=st.tuples(st.integers(0, 40), st.integers(0, 150)),
    kind=st.sampled_from(["noise", "few values", "special", "smooth"]),
    uneven=st.booleans(),
    seed=seeds,
)
def test_any_scores(kernels, classes, sides, size, kind, uneven, seed):
    rng = np.random.default_rng(seed)
    shape = (classes, *sides)
    scores = {
        "noise": lambda: rng.normal(size=shape),
        "few values": lambda: rng.integers(0, 3, shape),
        "special": lambda: rng.choice(np.array(SOME), shape),
        "smooth": lambda: smooth(*shape, seed=seed),
    }[kind]()
    y, x = (
        np.sort(np.minimum(rng.uniform(0, n, count), n - 1)).astype(F)
        if uneven
        else spread(n, count)
        for n, count in zip(sides, size, strict=True)
    )
    at(kernels, scores.astype(F), x, y)


# -- what the native binder refuses ----------------------------------------------------------------


SCORES, X, Y, OUT = np.ones((3, 2, 2), F), spread(2, 5), spread(2, 4), np.zeros((4, 5), np.uint8)
NAN = np.array([0, np.nan, 1, 1, 1], F)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((SCORES[0], X, Y, OUT), "scores"),
        ((SCORES[:0], X, Y, OUT), "scores"),
        ((SCORES.astype(float), X, Y, OUT), "scores"),
        ((SCORES[:, :, ::-1], X, Y, OUT), "scores"),
        ((SCORES, X.astype(float), Y, OUT), "x_positions"),
        ((SCORES, X, Y[::-1], OUT), "y_positions"),
        ((SCORES, X[::-1].copy(), Y, OUT), "positions"),
        ((SCORES, X + 1, Y, OUT), "positions"),
        ((SCORES, X - 1, Y, OUT), "positions"),
        ((SCORES, NAN, Y, OUT), "positions"),
        ((SCORES[:, :0], X, Y, OUT), "positions"),
        ((SCORES, X, Y, OUT[:3]), "out"),
        ((SCORES, X, Y, OUT.T), "out"),
        ((SCORES, X, Y, OUT.view(np.int8)), "out"),
        ((SCORES, X, Y, OUT.astype(">u2")), "out"),
        ((SCORES, X, Y, np.asfortranarray(OUT)), "out"),
        ((np.ones((257, 2, 2), F), X, Y, OUT), "out"),
    ],
)
def test_native_refuses(kernels, arguments, error):
    if not kernels.name.startswith("native"):
        pytest.skip("NumPy and Numba's callers check")
    with pytest.raises((TypeError, ValueError), match=error):
        kernels.argmax_resample(*arguments)


def test_native_refuses_to_write_into_what_is_read_only(kernels):
    if not kernels.name.startswith("native"):
        pytest.skip("NumPy and Numba's callers check")
    out = OUT.copy()
    out.flags.writeable = False
    with pytest.raises(ValueError, match="writeable"):
        kernels.argmax_resample(SCORES, X, Y, out)


def test_every_order_of_three_classes(kernels):
    """One class above, one in the middle and one crossing both, in each order of indices."""
    planes = np.array([[[3.0, 3.0]], [[2.0, 2.0]], [[0.0, 9.0]]])
    for order in itertools.permutations(range(3)):
        got = labelled(kernels, planes[list(order)], (2, 8))
        names = np.array(order)[got]
        assert not np.any(names == 1)
        assert names[0, 0] == 0
        assert names[0, -1] == 2
