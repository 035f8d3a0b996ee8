"""Masks and their classes to one label map."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense
from support.util import Placed, layouts, patterns

import segcore as sc


def composed(masks, ids, best_first, base):
    """Ask of each pixel which mask wins."""
    out = base.copy()
    taken = np.zeros(base.shape, bool)
    for i in best_first:
        out[masks[i] & ~taken] = ids[i]
        taken |= masks[i]
    return out


def winners(priority, masks, scores):
    n = len(masks)
    area = masks.sum(axis=(1, 2))
    return {
        "last": range(n - 1, -1, -1),
        "first": range(n),
        "score": sorted(range(n), key=lambda i: (-scores[i], i)),
        "smallest": sorted(range(n), key=lambda i: (area[i], i)),
    }[priority]


@given(
    dense(max_count=8),
    st.sampled_from(["last", "first", "score", "smallest"]),
    st.randoms(use_true_random=False),
)
def test_priorities(array, priority, random):
    n = len(array)
    ids = [random.choice([0, 1, 2, 200, 255, 70000]) for _ in range(n)]
    scores = [random.choice([0.25, 0.5, 0.75]) for _ in range(n)]  # with ties
    masks = sc.Masks.from_dense(array)
    keywords = {"scores": scores} if priority == "score" else {}
    best = winners(priority, array, scores)
    background = np.full(array.shape[1:], 9, np.int64)
    base = np.arange(background.size).reshape(background.shape) % 1000

    got = sc.compose_semantic(masks, ids, priority=priority, background=9, **keywords)
    np.testing.assert_array_equal(got, composed(array, ids, best, background))
    assert got.dtype == np.min_scalar_type(max([9, *ids]))
    assert got.flags.c_contiguous
    got = sc.compose_semantic(masks, ids, priority=priority, base=base, **keywords)
    np.testing.assert_array_equal(got, composed(array, ids, best, base))
    order = random.sample(range(n), n)
    got = sc.compose_semantic(masks, ids, priority=order, background=9)
    np.testing.assert_array_equal(got, composed(array, ids, order[::-1], background))


MASKS = sc.Masks.from_boxes([[0, 0, 2, 1], [1, 0, 4, 1], [3, 0, 4, 1]], (1, 5))


def test_ties():
    same = MASKS[[0, 0]]
    keywords = {"scores": [1, 1]}
    assert sc.compose_semantic(same, [1, 2], priority="score", **keywords)[0, 0] == 1
    assert sc.compose_semantic(same, [1, 2], priority="smallest")[0, 0] == 1


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_scores_are_compared_as_they_are(dtype):
    limit = np.iinfo(dtype).max
    scores = np.array([limit, limit - 1, 0], dtype)
    result = sc.compose_semantic(MASKS, [1, 2, 3], priority="score", scores=scores)
    assert result.tolist() == [[1, 1, 2, 2, 0]]
    result = sc.compose_semantic(MASKS[[1, 0]], [2, 1], priority="score", scores=scores[1::-1])
    assert result.tolist() == [[1, 1, 2, 2, 0]]


@pytest.mark.parametrize("score", [-np.inf, np.inf, -0.0, 1e-320])
def test_scores_of_all_kinds(score):
    result = sc.compose_semantic(MASKS[:2], [1, 2], priority="score", scores=[0, score])
    assert result[0, 1] == (2 if score > 0 else 1)


@pytest.mark.parametrize(
    ("ids", "background", "dtype"),
    [
        ([0, 1, 255], 0, np.uint8),
        ([0, 1, 256], 0, np.uint16),
        ([0, 1, 2], 256, np.uint16),
        ([0, 1, 65536], 0, np.uint32),
        ([0, 1, 2**32], 0, np.uint64),
        ([2**64 - 3, 2**64 - 2, 2**64 - 1], 2**64 - 4, np.uint64),
    ],
)
def test_the_smallest_dtype(ids, background, dtype):
    result = sc.compose_semantic(MASKS, np.array(ids), background=background)
    assert result.dtype == dtype
    assert result.tolist() == [[ids[0], ids[1], ids[1], ids[2], background]]


@pytest.mark.parametrize("dtype", ["i1", "u2", ">i4", "<u8", int])
def test_a_given_dtype(dtype):
    result = sc.compose_semantic(MASKS, [5, 6, 7], dtype=dtype)
    assert result.dtype == np.dtype(dtype)
    assert result.tolist() == [[5, 6, 6, 7, 0]]


def test_negative_ids_need_a_signed_dtype():
    with pytest.raises(ValueError, match=r"mask 1: class id -6 .* uint8; pass a signed dtype"):
        sc.compose_semantic(MASKS, [5, -6, 7])
    assert sc.compose_semantic(MASKS, [5, -6, 7], dtype=np.int8)[0, 1] == -6
    with pytest.raises(ValueError, match=r"background -1 .* pass a signed dtype"):
        sc.compose_semantic(MASKS, [5, 6, 7], background=-1)


def test_values_that_do_not_fit():
    with pytest.raises(ValueError, match=r"mask 2: class id 300 does not fit into uint8"):
        sc.compose_semantic(MASKS, [5, 6, 300], dtype=np.uint8)
    with pytest.raises(ValueError, match=r"background 300 does not fit into int8"):
        sc.compose_semantic(MASKS, [5, 6, 7], dtype=np.int8, background=300)
    with pytest.raises(ValueError, match=r"background .* does not fit into uint64"):
        sc.compose_semantic(MASKS, [5, 6, 7], background=2**70)
    with pytest.raises(ValueError, match=r"base: label -1 does not fit into uint8"):
        sc.compose_semantic(MASKS, [5, 6, 7], base=[[0, 3, -1, 2, 1]])
    with pytest.raises(ValueError, match=r"base: label 256 does not fit into uint8"):
        sc.compose_semantic(MASKS, [5, 6, 7], base=[[0, 256, 1, 2, 1]], dtype="u1")


@pytest.mark.parametrize("kind", ["C", "F", "swapped", "reversed", "read-only"])
def test_the_map_under_the_masks_stays_as_it_is(kind):
    labels = np.arange(63, dtype=np.int16).reshape(7, 9) + 250
    masks = sc.Masks.from_boxes([[1, 1, 5, 4]], (7, 9))
    expected = labels.copy()
    expected[1:4, 1:5] = 3
    base = {
        "C": labels,
        "F": np.asfortranarray(labels),
        "swapped": labels.astype(labels.dtype.newbyteorder()),
        "reversed": np.ascontiguousarray(labels[::-1, ::-1])[::-1, ::-1],
        "read-only": np.frombuffer(labels.tobytes(), np.int16).reshape(7, 9),
    }[kind]
    before = base.copy()
    result = sc.compose_semantic(masks, [3], base=base)
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(base, before)
    assert result.dtype == np.uint16
    assert result.flags.c_contiguous
    assert not np.shares_memory(result, base)


def test_without_masks_there_is_background():
    none = sc.Masks([], [0], (2, 3))
    assert sc.compose_semantic(none, [], background=4).tolist() == [[4] * 3] * 2
    assert sc.compose_semantic(none, [], base=np.eye(2, 3, dtype=int)).dtype == np.uint8
    for priority in ("first", "smallest", []):
        assert not sc.compose_semantic(none, [], priority=priority).any()
    assert not sc.compose_semantic(none, [], priority="score", scores=[]).any()


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_sizes_without_pixels(size):
    masks = sc.Masks([], [0, 0], size)
    assert sc.compose_semantic(masks, [3]).shape == size
    assert sc.compose_semantic(masks, [3], base=np.empty(size, int)).shape == size


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"priority": "score"}, "scores: required with priority=.score."),
        ({"scores": [1, 2, 3]}, "scores: only used with"),
        ({"scores": [1, 2, 3], "priority": [0, 1, 2]}, "scores: only used with"),
        ({"scores": [1, 2], "priority": "score"}, "scores: expected 3"),
        ({"scores": [1, np.nan, 3], "priority": "score"}, "score of mask 1 is NaN"),
        ({"priority": "largest"}, "priority: expected .last., .first., .score., .smallest."),
        ({"priority": [0, 1]}, "priority: expected 3"),
        ({"priority": [0, 1, 1]}, "priority: .*permutation"),
        ({"priority": [0, 1, 3]}, "priority: .*permutation"),
        ({"priority": [0, 1, -1]}, "priority: .*permutation"),
        ({"base": [[0] * 4]}, r"base: expected the shape \(1, 5\)"),
        ({"base": [[0] * 5], "background": 1}, "background: pass either background or base"),
    ],
)
def test_values_that_are_wrong(keywords, message):
    with pytest.raises(ValueError, match=message):
        sc.compose_semantic(MASKS, [1, 2, 3], **keywords)


@pytest.mark.parametrize(
    "keywords",
    [
        {"priority": [0.0, 1.0, 2.0]},
        {"scores": "abc", "priority": "score"},
        {"scores": [1j, 2, 3], "priority": "score"},
        {"base": [[0.0] * 5]},
        {"background": 0.5},
        {"background": None},
        {"dtype": float},
        {"dtype": bool},
    ],
)
def test_types_that_are_wrong(keywords):
    with pytest.raises(TypeError, match="expected"):
        sc.compose_semantic(MASKS, [1, 2, 3], **keywords)


@pytest.mark.parametrize("ids", [[1.0, 2, 3], "abc", [None] * 3, [True, False, True]])
def test_class_ids_are_integers(ids):
    with pytest.raises(TypeError, match="class_ids: expected integers"):
        sc.compose_semantic(MASKS, ids)


def test_class_ids_are_one_a_mask():
    with pytest.raises(ValueError, match="class_ids: expected 3 values, one per mask, got 2"):
        sc.compose_semantic(MASKS, [1, 2])


def test_maps_that_no_memory_holds():
    masks = sc.Masks([], [0, 0], (2**29, 2**29))
    with pytest.raises(MemoryError):
        sc.compose_semantic(masks, [2**40])


BACKGROUNDS = [
    {"background": 0},
    {"background": 3},
    {"base": np.arange(65 * 70).reshape(65, 70) % 90},
]


@pytest.mark.parametrize("layout", layouts(2))
@pytest.mark.parametrize("dtype", ["u1", "i2", ">u4", "i8"])
def test_into_memory_of_every_layout(layout, dtype):
    masks = sc.Masks.from_dense(patterns(65, 70))
    ids = np.arange(len(masks)) + 1
    under = np.arange(65 * 70).reshape(65, 70) % 90
    for keywords in ({}, {"background": 3}, {"base": under}):
        placed = Placed(layout, (65, 70), np.dtype(dtype))
        assert sc.compose_semantic(masks, ids, **keywords, out=placed.view) is placed.view
        placed.assert_holds(sc.compose_semantic(masks, ids, **keywords))


@pytest.mark.parametrize("side", [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 129])
@pytest.mark.parametrize("order", ["C", "F"])
def test_into_maps_of_boundary_sizes(side, order):
    for size in ((side, 66), (66, side)):
        masks = patterns(*size)
        ids = np.arange(len(masks)) % 7
        out = np.full(size, 9, np.uint8, order)
        sc.compose_semantic(sc.Masks.from_dense(masks), ids, background=5, out=out)
        base = np.full(size, 5, np.uint8)
        np.testing.assert_array_equal(out, composed(masks, ids, range(len(ids))[::-1], base))


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
def test_into_maps_without_pixels(size):
    out = np.ones(size, np.int16)
    assert sc.compose_semantic(sc.Masks([], [0, 0, 0], size), [1, 2], out=out) is out


def test_into_the_map_under_the_masks():
    masks = sc.Masks.from_boxes([[0, 0, 2, 1]], (2, 4))
    labels = np.arange(8, dtype=np.uint8).reshape(2, 4)
    flipped = labels[::-1, ::-1]
    expected = sc.compose_semantic(masks, [9], base=flipped)
    assert sc.compose_semantic(masks, [9], base=flipped, out=labels) is labels
    np.testing.assert_array_equal(labels, expected)


def test_into_the_memory_of_the_class_ids_and_the_order():
    masks = sc.Masks.from_boxes([[0, 0, 1, 3], [0, 0, 1, 2], [0, 0, 1, 1]], (3, 1))
    out = np.array([[0], [1], [2]])
    sc.compose_semantic(masks, out[:, 0], priority=out[:, 0], background=7, out=out)
    assert out.tolist() == [[2], [1], [0]]


@pytest.mark.parametrize(
    ("out", "keywords", "error", "message"),
    [
        (
            np.zeros((4, 3), np.uint8),
            {},
            ValueError,
            r"out: expected the shape \(3, 4\) of the masks",
        ),
        (np.zeros((1, 3, 4), np.uint8), {}, ValueError, r"out: expected the shape \(3, 4\)"),
        (np.zeros((3, 4)), {}, TypeError, "out: expected an integer dtype, got float64"),
        (np.zeros((3, 4), bool), {}, TypeError, "out: expected an integer dtype, got bool"),
        (np.broadcast_to(np.uint8(0), (3, 4)), {}, ValueError, "out: .*read-only"),
        ([[0] * 4] * 3, {}, TypeError, "out: expected an array to write into, got list"),
        (np.ma.zeros((3, 4), np.uint8), {}, TypeError, "out: .*masked array"),
        (np.zeros((3, 4), np.int8), {}, ValueError, "class id 200 .*int8; pass out of a larger"),
        (
            np.zeros((3, 4), np.uint8),
            {"background": -1},
            ValueError,
            "background -1 does not fit into uint8; pass out of a signed dtype",
        ),
        (
            np.zeros((3, 4), np.uint8),
            {"base": np.full((3, 4), 256)},
            ValueError,
            "base: label 256 does not fit into uint8; pass out of a larger dtype",
        ),
        (np.zeros((3, 4), np.uint8), {"dtype": np.uint8}, ValueError, "dtype: .*dtype or out"),
    ],
)
def test_maps_that_cannot_be_written_into(out, keywords, error, message):
    before = np.array(out)
    with pytest.raises(error, match=message):
        sc.compose_semantic(sc.Masks.from_boxes([[0, 0, 2, 1]], (3, 4)), [200], **keywords, out=out)
    np.testing.assert_array_equal(np.array(out), before)
