"""The batch of masks: how it is made, what it is, its parts, its other forms, set operations."""

import copy
import operator
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, two_dense
from support.util import FLOATS, INTEGERS, Placed, batch_of, layouts, patterns

import segcore as sc
from segcore import backends


def assert_is(masks, array):
    """Check a batch against (N, H, W) booleans: canonical, and read-only."""
    run_ends, offsets = batch_of(array)[:2]
    assert len(masks) == len(array)
    assert masks.size == array.shape[1:]
    assert masks.run_ends.dtype == run_ends.dtype
    assert masks.offsets.dtype == np.int64
    np.testing.assert_array_equal(masks.run_ends, run_ends)
    np.testing.assert_array_equal(masks.offsets, offsets)
    for each in (masks.run_ends, masks.offsets):
        with pytest.raises(ValueError, match="read-only"):
            each[:] = 0


def boxes(*corners, size=(6, 8)):
    return sc.Masks.from_boxes(np.array(corners).reshape(-1, 4), size)


# -- dense arrays ---------------------------------------------------------------------------------


@given(dense())
def test_dense_there_and_back(array):
    masks = sc.Masks.from_dense(array)
    assert_is(masks, array)
    back = masks.to_dense()
    assert back.dtype == bool
    assert back.flags.c_contiguous
    np.testing.assert_array_equal(back, array)


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


@pytest.mark.parametrize("layout", layouts(3))
@pytest.mark.parametrize("dtype", ["?", "u1", "<i4", ">i4", "f4", ">f8", "g"])
def test_from_dense_of_every_layout(layout, dtype):
    expected = patterns(13, 70)
    placed = Placed(layout, expected.shape, np.dtype(dtype))
    placed.view[...] = expected
    threshold = 0.5 if np.dtype(dtype).kind == "f" else None
    assert_is(sc.Masks.from_dense(placed.view, threshold), expected)
    placed.assert_holds(expected)


@pytest.mark.parametrize("dtype", [*INTEGERS, np.dtype(bool)])
@pytest.mark.parametrize("order", "<>")
def test_from_dense_of_integers(dtype, order):
    dtype = dtype.newbyteorder(order)
    edges = (0, 1) if dtype.kind == "b" else (0, 1, np.iinfo(dtype).min, np.iinfo(dtype).max, 100)
    array = read_only(np.resize(np.array(edges, dtype), (2, 5, 7)))
    assert_is(sc.Masks.from_dense(array), array != 0)
    for threshold in (0, 0.5, -0.5, 1, 99.5, -np.inf, np.inf, 2**63):
        expected = np.array([int(a) > threshold for a in array.flat]).reshape(array.shape)
        assert_is(sc.Masks.from_dense(array, threshold), expected)


@pytest.mark.parametrize("dtype", [*FLOATS, np.dtype(np.longdouble)])
@pytest.mark.parametrize("order", "<>")
def test_from_dense_of_floats(dtype, order):
    dtype = dtype.newbyteorder(order)
    edges = [0, -0.0, 0.5, np.nextafter(dtype.type(0.5), 1), np.nan, np.inf, -np.inf, 1e-7, 0.1]
    array = read_only(np.resize(np.array(edges, dtype), (2, 5, 7)))
    for threshold in (0.5, 0, 0.1, np.float32(0.1), -1, np.inf):
        expected = array > float(threshold)
        assert_is(sc.Masks.from_dense(array, threshold=threshold), expected)


def test_from_dense_of_one_mask():
    array = patterns(9, 11)[8]
    assert sc.Masks.from_dense(array) == sc.Masks.from_dense(array[None])
    assert sc.Masks.from_dense(array.tolist()) == sc.Masks.from_dense(array)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g"])
def test_floats_need_a_threshold(dtype):
    with pytest.raises(ValueError, match=r"dense: .* needs a threshold; pass threshold=0\.5"):
        sc.Masks.from_dense(np.zeros((2, 2), dtype))


@pytest.mark.parametrize("dtype", ["F", "D", "O", "S3", "U3", "M8[s]", "m8[s]", "V4"])
def test_from_dense_of_other_dtypes(dtype):
    with pytest.raises(TypeError, match="dense: expected a bool, integer or float dtype"):
        sc.Masks.from_dense(np.zeros((2, 2), dtype), threshold=0.5)


@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 3, 4)])
def test_from_dense_of_other_shapes(shape):
    with pytest.raises(ValueError, match=r"dense: expected the shape \(N, H, W\) or \(H, W\)"):
        sc.Masks.from_dense(np.zeros(shape, bool))


@pytest.mark.parametrize("threshold", ["0.5", True, [0.5], 1j, np.array([0.5])])
def test_thresholds_are_numbers(threshold):
    with pytest.raises(TypeError, match="threshold: expected a number"):
        sc.Masks.from_dense(np.zeros((2, 2)), threshold)


@pytest.mark.parametrize("threshold", [np.nan, 2**53 + 1, 10**400])
def test_thresholds_are_floats(threshold):
    with pytest.raises(ValueError, match="threshold: expected a number"):
        sc.Masks.from_dense(np.zeros((2, 2)), threshold)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (2, 3, 0), (0, 0, 0)])
def test_dense_arrays_without_pixels(shape):
    masks = sc.Masks.from_dense(np.zeros(shape, bool))
    assert_is(masks, np.zeros(shape, bool))
    assert masks.to_dense(np.float32).shape == shape
    assert len(masks.to_coco()) == shape[0]
    assert sc.Masks.from_coco(masks.to_coco(), shape[1:]) == masks
    assert not masks.area.any()
    assert (~masks) == masks


def test_sides_without_pixels_are_bounded_too():
    with pytest.raises(ValueError, match=r"size: expected fewer than 2\*\*59"):
        sc.Masks.from_dense(np.zeros((1, 2**59, 0), bool))


NUMERIC = ["?", "b", "B", "<i2", ">u4", "q", "Q", "e", ">f4", "d", "g", "F", "D", ">c16", "G"]


@pytest.mark.parametrize("dtype", NUMERIC)
def test_to_dense_of_every_dtype(dtype):
    array = patterns(13, 70)
    masks = sc.Masks.from_dense(array)
    result = masks.to_dense(dtype)
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result, array.astype(dtype))


@pytest.mark.parametrize("layout", layouts(3))
@pytest.mark.parametrize("dtype", ["?", ">i4", "g", "D"])
def test_to_dense_into_memory_of_every_layout(layout, dtype):
    array = patterns(13, 70)
    placed = Placed(layout, array.shape, np.dtype(dtype))
    assert sc.Masks.from_dense(array).to_dense(out=placed.view) is placed.view
    placed.assert_holds(array)


@pytest.mark.parametrize("dtype", ["O", "U1", "S1", "M8[s]", "V4", [("a", "i4")]])
def test_to_dense_of_other_dtypes(dtype):
    masks = boxes([0, 0, 2, 2])
    with pytest.raises(TypeError, match="dtype: expected bool or a numeric dtype"):
        masks.to_dense(dtype)
    with pytest.raises(TypeError, match="out: expected bool or a numeric dtype"):
        masks.to_dense(out=np.zeros((1, 6, 8), dtype))


@pytest.mark.parametrize("shape", [(6, 8), (2, 6, 8), (1, 8, 6), (1, 6, 8, 1)])
def test_to_dense_into_another_shape(shape):
    with pytest.raises(ValueError, match=r"out: expected the shape \(1, 6, 8\)"):
        boxes([0, 0, 2, 2]).to_dense(out=np.zeros(shape))


def test_to_dense_into_read_only_memory():
    out = read_only(np.zeros((1, 6, 8)))
    with pytest.raises(ValueError, match="read-only"):
        boxes([0, 0, 2, 2]).to_dense(out=out)


def test_dense_arrays_that_no_memory_holds():
    masks = sc.Masks([0] * 100, np.arange(101), (2**29, 2**29))
    with pytest.raises(ValueError, match="more bytes than can be addressed"):
        masks.to_dense()
    with pytest.raises(MemoryError):
        masks[:1].to_dense()


# -- bits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bitorder", ["big", "little"])
def test_bits(bitorder):
    masks = np.random.default_rng(0).random((3, 11, 21)) < 0.5
    packed = np.packbits(masks, axis=-1, bitorder=bitorder)
    expected = sc.Masks.from_dense(masks)
    assert sc.Masks.from_bits(packed, (11, 21), bitorder) == expected
    assert sc.Masks.from_bits(packed[0], (11, 21), bitorder) == expected[0]
    assert sc.Masks.from_bits(packed[::-1, :, ::1], [11, 21], bitorder) == expected[::-1]
    assert len(sc.Masks.from_bits(packed[:0], (11, 21))) == 0


@pytest.mark.parametrize(
    ("shape", "size"),
    [((11, 3), (11, 16)), ((11, 3), (10, 21)), ((3,), (1, 21)), ((1, 1, 11, 3), (11, 21))],
)
def test_bits_of_other_shapes(shape, size):
    with pytest.raises(ValueError, match=r"packed: expected the shape \(N, "):
        sc.Masks.from_bits(np.zeros(shape, np.uint8), size)


def test_bits_of_other_kinds():
    with pytest.raises(TypeError, match="packed: expected uint8, eight pixels per byte, got bool"):
        sc.Masks.from_bits(np.zeros((2, 3), bool), (2, 3))
    with pytest.raises(ValueError, match="bitorder: expected 'big' or 'little', got str 'large'"):
        sc.Masks.from_bits(np.zeros((2, 1), np.uint8), (2, 3), "large")
    with pytest.raises(ValueError, match=r"size: expected sides below 2\*\*31"):
        sc.Masks.from_bits(np.zeros((0, 1, 2**28), np.uint8), (1, 2**31))


# -- boxes, polygons, label maps ------------------------------------------------------------------


@given(st.lists(st.tuples(*[st.integers(-3, 11)] * 4), max_size=5))
def test_from_boxes(corners):
    corners = [(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in corners]
    masks = sc.Masks.from_boxes(corners, (6, 8))
    y, x = np.mgrid[:6, :8]
    expected = [(x0 <= x) & (x < x1) & (y0 <= y) & (y < y1) for x0, y0, x1, y1 in corners]
    assert_is(masks, np.array(expected, bool).reshape(-1, 6, 8))
    back = sc.Masks.from_boxes(masks.boxes, (6, 8))
    assert back == masks


@pytest.mark.parametrize("dtype", ["i1", "u2", ">i4", "q", "e", "f", ">f8", "g"])
def test_from_boxes_of_every_dtype(dtype):
    corners = np.array([[1, 2, 5, 4], [0, 0, 8, 6]], dtype)
    expected = boxes([1, 2, 5, 4], [0, 0, 8, 6])
    assert sc.Masks.from_boxes(read_only(corners), (6, 8)) == expected
    assert sc.Masks.from_boxes(np.asfortranarray(corners), (6, 8)) == expected
    assert sc.Masks.from_boxes(np.repeat(corners, 2, axis=1)[:, ::2], (6, 8)) == expected


def test_from_boxes_of_none():
    assert len(sc.Masks.from_boxes([], (6, 8))) == 0
    assert len(sc.Masks.from_boxes(np.empty((0, 4), int), (6, 8))) == 0


@pytest.mark.parametrize("box", [[5, 5, 4, 6], [5, 5, 6, 4], [5.0, 5.0, 9.0, 4]])
def test_boxes_that_are_probably_xywh(box):
    with pytest.raises(ValueError, match=r"^box 1: expected x0 y0 x1 y1 .* x y width height"):
        sc.Masks.from_boxes([[0, 0, 1, 1], box], (6, 8))


def test_boxes_with_nan_get_no_advice():
    with pytest.raises(ValueError, match=r"^box 1: expected numbers, got \[5.0, 5.0, nan, 4.0\]$"):
        sc.Masks.from_boxes([[0, 0, 1, 1], [5, 5, np.nan, 4]], (6, 8))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2e9])
def test_boxes_without_end(value):
    box = [value, 0, value, 1]
    with pytest.raises(ValueError, match=r"^mask 1: coordinate 0 is not a finite number"):
        sc.Masks.from_boxes([[0, 0, 1, 1], box], (6, 8))
    with pytest.raises(ValueError, match=r"^mask 0: coordinate 2 "):
        sc.Masks.from_boxes(np.array([[0, 0, "1e4000", 1]], np.longdouble), (6, 8))


@pytest.mark.parametrize("shape", [(4,), (2, 5), (1, 2, 4), (0, 3), ()])
def test_boxes_of_other_shapes(shape):
    with pytest.raises(ValueError, match=r"boxes: expected the shape \(N, 4\)"):
        sc.Masks.from_boxes(np.zeros(shape), (6, 8))


@pytest.mark.parametrize("values", [["abcd"], [[True] * 4], [[1j] * 4], [[None] * 4]])
def test_boxes_of_other_things(values):
    with pytest.raises(TypeError, match="boxes: expected numbers"):
        sc.Masks.from_boxes(values, (6, 8))


@given(dense(max_count=8))
def test_label_maps_there_and_back(array):
    masks = sc.Masks.from_dense(array)
    labels = sc.compose_semantic(masks, np.arange(1, len(masks) + 1))
    ids, parts = sc.Masks.from_label_map(labels)
    assert ids.dtype == labels.dtype
    np.testing.assert_array_equal(ids, np.unique(labels[labels != 0]))
    assert_is(parts, labels == ids[:, None, None])
    np.testing.assert_array_equal(sc.compose_semantic(parts, ids), labels)


@pytest.mark.parametrize("ignore", [255, [255], {255, 3, 77}, np.array([3]), np.uint8(255), []])
def test_from_label_map_ignores(ignore):
    labels = np.array([[0, 255, 3, 3], [7, 255, 255, 0]], np.uint8)
    several = [ignore] if np.isscalar(ignore) else list(ignore)
    unwanted = {0, *map(int, several)}
    ids, masks = sc.Masks.from_label_map(labels, ignore=ignore)
    expected = sorted(set(labels.ravel().tolist()) - unwanted)
    assert ids.tolist() == expected
    assert ids.dtype == np.uint8
    assert np.array_equal(masks.to_dense(), [labels == each for each in expected])


def test_from_label_map_ignores_integers_alone():
    with pytest.raises(TypeError, match="ignore: expected an integer"):
        sc.Masks.from_label_map([[1]], ignore=0.5)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("background", [0, 7, None, -1, 2**64, np.uint8(7)])
def test_from_label_map(dtype, order, background):
    limits = np.iinfo(dtype)
    values = np.array([0, 7, limits.min, limits.max], dtype)
    labels = np.resize(values, (9, 7)).astype(dtype.newbyteorder(order))[::-1, ::2]
    ids, masks = sc.Masks.from_label_map(read_only(labels), background)
    expected = [i for i in np.unique(labels).tolist() if i != background]
    assert ids.tolist() == expected
    assert ids.dtype == dtype
    assert_is(masks, np.array([labels == i for i in expected]))


@pytest.mark.parametrize("labels", [[[0.5]], [[True]], [["a"]], [[None]]])
def test_label_maps_of_other_things(labels):
    with pytest.raises(TypeError, match="labels: expected integers"):
        sc.Masks.from_label_map(labels)


@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 3)])
def test_label_maps_of_other_shapes(shape):
    with pytest.raises(ValueError, match=r"labels: expected \(H, W\)"):
        sc.Masks.from_label_map(np.zeros(shape, int))


@pytest.mark.parametrize("background", [0.0, "0", False])
def test_backgrounds_of_other_things(background):
    with pytest.raises(TypeError, match="background: expected an integer"):
        sc.Masks.from_label_map(np.zeros((2, 2), int), background)


# -- the constructor ------------------------------------------------------------------------------


@given(dense())
def test_constructor(array):
    run_ends, offsets = batch_of(array)[:2]
    for ends in (run_ends, run_ends.astype(np.int64), run_ends.tolist(), run_ends.astype(">u8")):
        assert_is(sc.Masks(ends, offsets.tolist(), array.shape[1:]), array)


def test_constructor_copies():
    run_ends, offsets = np.array([3, 6], np.uint32), np.array([0, 2])
    masks = sc.Masks(run_ends, offsets, [6, 8])
    run_ends[:] = 7
    offsets[:] = 0
    assert masks.run_ends.tolist() == [3, 6]
    assert masks.offsets.tolist() == [0, 2]
    assert masks.size == (6, 8)


@pytest.mark.parametrize(
    ("run_ends", "offsets", "message"),
    [
        ([3, 3], [0, 2], "mask 0: expected strictly increasing run ends, got 3 after 3"),
        ([1, 2, 9, 4], [0, 2, 4], "mask 1: .* got 4 after 9"),
        ([9, 4, 3], [0, 1, 3], "mask 1: .* got 3 after 4"),
        ([9, 4, 3], [0, 0, 1, 1, 3], "mask 3: .* got 3 after 4"),
        ([1, 48], [0, 2], r"mask 0: expected run ends from 0 to 47 for size \(6, 8\), got 48"),
        ([1, -1], [0, 1, 2], "mask 1: expected run ends .* got -1"),
        (np.array([2**64 - 1], np.uint64), [0, 1], "mask 0: .* got 18446744073709551615"),
        ([2**63 - 1], [0, 1], "mask 0: .* got 9223372036854775807"),
        ([1, 2], [0, 1], "offsets: expected .* number of run ends, 2, got 1"),
        ([1, 2], [0, 3], "offsets: expected .* number of run ends, 2, got 3"),
        ([1, 2], [1, 2], "offsets: expected nondecreasing integers that start with 0"),
        ([1, 2], [0, 3, 2], "offsets: expected nondecreasing integers that start with 0"),
        ([1, 2], [0, -1, 2], "offsets: expected nondecreasing integers that start with 0"),
        ([], [], "offsets: expected nondecreasing integers that start with 0"),
        ([], np.array([0, 2**64 - 1], np.uint64), "offsets: "),
        ([[1, 2]], [0, 2], "run_ends: expected one dimension"),
        ([1, 2], [[0, 2]], "offsets: expected one dimension"),
    ],
)
def test_constructor_checks_values(run_ends, offsets, message):
    with pytest.raises(ValueError, match=message):
        sc.Masks(run_ends, offsets, (6, 8))


@pytest.mark.parametrize(
    ("run_ends", "offsets"), [([1.0], [0, 1]), ([1], [0.0, 1.0]), ("a", [0, 1]), ([True], [0, 1])]
)
def test_constructor_checks_types(run_ends, offsets):
    with pytest.raises(TypeError, match="expected integers"):
        sc.Masks(run_ends, offsets, (6, 8))


def test_constructor_of_large_sizes():
    assert sc.Masks([0], [0, 1], (2**16, 2**16 - 1)).run_ends.dtype == np.uint32
    assert sc.Masks([2**32 - 1], [0, 1], (2**16, 2**16)).run_ends.dtype == np.uint64
    assert sc.Masks([2**32 - 1], [0, 1], (2**16, 2**16)).area.tolist() == [1]


# -- what a batch is ------------------------------------------------------------------------------


@given(dense())
def test_area_and_boxes(array):
    masks = sc.Masks.from_dense(array)
    area, box = masks.area, masks.boxes
    assert area.dtype == box.dtype == np.int64
    np.testing.assert_array_equal(area, array.sum(axis=(1, 2)))
    expected = np.zeros((len(array), 4), int)
    for row, image in zip(expected, array, strict=True):
        if image.any():
            y, x = np.nonzero(image)
            row[:] = x.min(), y.min(), x.max() + 1, y.max() + 1
    np.testing.assert_array_equal(box, expected)


def test_repr():
    assert repr(boxes([0, 0, 2, 6], [0, 0, 0, 0])) == "Masks(2 masks of 6 x 8, 2 run ends)"
    assert repr(boxes([0, 0, 8, 6])) == "Masks(1 mask of 6 x 8, 1 run end)"
    assert repr(boxes()) == "Masks(0 masks of 6 x 8, 0 run ends)"


def test_equality():
    a = boxes([0, 0, 2, 2], [1, 1, 3, 3])
    same = sc.Masks(a.run_ends, a.offsets, a.size)
    assert a == same
    assert (a != same) is False
    assert (a == same) is True
    assert hash(a) == hash(same)
    empty = sc.Masks([], [0, 0], (2, 3))
    others = [a[::-1], a[:1], boxes(), sc.Masks(a.run_ends, a.offsets, (6, 9)), empty]
    assert all(a != other for other in others)
    assert empty != sc.Masks([], [0, 0], (3, 2))
    assert len({a, same, *others}) == 1 + len(others)
    assert a.__eq__(1) is NotImplemented
    assert a != "masks"
    assert sc.Masks([0, 1], [0, 1, 2], (2, 2)) != sc.Masks([0, 1], [0, 2, 2], (2, 2))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol):
    masks = boxes([0, 0, 2, 2], [1, 1, 3, 3])
    for each in (masks, masks[1], boxes()):
        back = pickle.loads(pickle.dumps(each, protocol))
        assert back == each
        assert not back.run_ends.flags.writeable


def test_pickle_out_of_band():
    masks = boxes([0, 0, 2, 2], [1, 1, 3, 3])
    buffers = []
    data = pickle.dumps(masks, 5, buffer_callback=buffers.append)
    assert [len(each.raw()) for each in buffers] == [masks.run_ends.nbytes, masks.offsets.nbytes]
    back = pickle.loads(data, buffers=[each.raw().toreadonly() for each in buffers])
    assert back == masks
    if "segcore._native" in sys.modules:  # without compiled code they are copied
        assert np.shares_memory(back.run_ends, masks.run_ends)
        assert np.shares_memory(back.offsets, masks.offsets)


def test_a_pickle_at_odd_addresses_is_copied():
    masks = boxes([0, 0, 2, 2], [1, 1, 3, 3])
    buffers = []
    data = pickle.dumps(masks, 5, buffer_callback=buffers.append)
    odd = [memoryview(b"_" + each.raw())[1:] for each in buffers]
    back = pickle.loads(data, buffers=odd)
    assert back == masks
    assert back.run_ends.flags.aligned
    assert back.offsets.flags.aligned


def test_a_slice_pickles_no_more_than_itself():
    masks = sc.Masks.from_dense(patterns(200, 300))
    assert len(pickle.dumps(masks[0])) < 2000


def test_a_pickle_is_checked():
    build, (run_ends, offsets, size) = boxes([0, 0, 2, 2]).__reduce__()
    with pytest.raises(ValueError, match="strictly increasing"):
        build(run_ends[::-1], offsets, size)
    data = pickle.dumps(boxes([0, 0, 2, 2]), 2)
    broken = data.replace(run_ends.tobytes(), run_ends[::-1].tobytes())
    assert broken != data
    with pytest.raises(ValueError, match="strictly increasing"):
        pickle.loads(broken)


def test_copies_are_itself():
    masks = boxes([0, 0, 2, 2])
    assert copy.copy(masks) is masks
    assert copy.deepcopy([masks])[0] is masks


def writable_copy(masks):
    """Unpickle from memory that anybody can write into."""
    buffers = []
    data = pickle.dumps(masks, 5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=[bytearray(each.raw()) for each in buffers])


WAYS = {
    "constructor": lambda made: sc.Masks(made.run_ends, made.offsets, made.size),
    "from_boxes": lambda made: made,
    "from_dense": lambda made: sc.Masks.from_dense(made.to_dense()),
    "from_bits": lambda made: sc.Masks.from_bits(np.packbits(made.to_dense(), axis=-1), made.size),
    "from_coco": lambda made: sc.Masks.from_coco(made.to_coco()),
    "from_label_map": lambda made: sc.Masks.from_label_map([[1, 2], [0, 1]])[1],
    "slice": lambda made: made[:1],
    "slice of a slice": lambda made: made[:1][:1],
    "item": lambda made: made[0],
    "iteration": lambda made: next(iter(made)),
    "index": lambda made: made[[0]],
    "bools": lambda made: made[np.ones(len(made), bool)],
    "concatenate": lambda made: sc.Masks.concatenate([made, made]),
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),
    "pickle out of band": writable_copy,
    "copy": copy.deepcopy,
    "union": lambda made: made | made,
    "empty": lambda made: made[:0],
    "dilate": lambda made: sc.dilate(made, 3),
    "components": lambda made: made.components()[0],
}


def owners(array):
    """List the array and whatever can be reached from it that may own its memory."""
    found = [array]
    for each in found:
        for name in ("base", "obj"):
            owner = getattr(each, name, None)
            if owner is not None:
                found.append(owner)
        if isinstance(each, np.ndarray):
            found += [each[...].base, memoryview(each).obj]
            found = found[:20]
    return found


@pytest.mark.parametrize("count", [1, 3000])
@pytest.mark.parametrize("way", WAYS)
def test_arrays_stay_read_only(way, count):
    masks = WAYS[way](boxes(*[[0, 0, 2, 2]] * count))
    for array in (masks.run_ends, masks.offsets):
        for owner in owners(array):
            if isinstance(owner, np.ndarray):
                with pytest.raises(ValueError, match="cannot set WRITEABLE"):
                    owner.flags.writeable = True
                with pytest.raises(ValueError, match="cannot set WRITEABLE"):
                    owner.setflags(write=True)
            else:
                with pytest.raises((BufferError, TypeError, ValueError)):
                    np.frombuffer(owner, np.uint8).flags.writeable = True


def test_arrays_are_views_of_their_own():
    masks = boxes([0, 0, 2, 2], [1, 1, 3, 3])
    expected = masks.to_dense()
    masks.run_ends.shape = (1, -1)
    masks.offsets.__setstate__((1, (3,), np.dtype(np.int64), False, bytes(24)))
    assert masks.run_ends.ndim == 1
    np.testing.assert_array_equal(masks.to_dense(), expected)


def test_nothing_can_be_set():
    masks = boxes([0, 0, 2, 2])
    for name in ("size", "run_ends", "offsets", "area", "extra"):
        with pytest.raises(AttributeError):
            setattr(masks, name, 1)
    assert not hasattr(masks, "__dict__")


def test_a_batch_is_no_array():
    masks = boxes([0, 0, 2, 2])
    with pytest.raises(TypeError, match=r"call masks\.to_dense\(\)"):
        np.array(masks)
    with pytest.raises(TypeError, match=r"call masks\.to_dense\(\)"):
        sc.Masks.from_dense(masks)
    with pytest.raises(TypeError):
        np.ones((1, 6, 8), bool) & masks


# -- parts ----------------------------------------------------------------------------------------


@given(dense(max_count=9), st.data())
def test_indexing(array, data):
    masks = sc.Masks.from_dense(array)
    n = len(masks)
    some = data.draw(st.slices(n + 2))
    assert_is(masks[some], array[some])
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
    assert_is(masks[chosen], array[chosen])
    assert_is(masks[chosen.tolist()] if n else masks[chosen], array[chosen])
    if n:
        places = np.array(data.draw(st.lists(st.integers(-n, n - 1))), int)
        assert_is(masks[places], array[places])
        assert_is(masks[places.tolist()], array[places])
        assert_is(masks[places.astype(">i2")[::-1]], array[places[::-1]])
        i = data.draw(st.integers(-n, n - 1))
        assert_is(masks[i], array[[i]])
        assert masks[np.int8(i)] == masks[np.array(i)] == masks[i]


def test_slices_share_memory():
    masks = boxes(*[[i, 0, i + 1, 6] for i in range(5)])
    for part in (masks[1:4], masks[2], masks[:], next(iter(masks))):
        assert np.shares_memory(part.run_ends, masks.run_ends)
    assert masks[1:4][1:][0] == masks[2]


def test_iteration():
    array = patterns(7, 9)
    masks = sc.Masks.from_dense(array)
    parts = list(masks)
    assert len(parts) == len(array)
    for part, image in zip(parts, array, strict=True):
        assert_is(part, image[None])
    assert masks[3] in masks
    assert list(boxes()) == []


@pytest.mark.parametrize("index", [3, -4, 2**70, [0, 3], np.array([-4]), np.array([2**63], "u8")])
def test_indices_out_of_range(index):
    masks = boxes([0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 3])
    with pytest.raises((IndexError, TypeError), match=r"index .* (out of range|expected integers)"):
        masks[index]


@pytest.mark.parametrize("index", [[True], [True] * 4, np.ones(2, bool)])
def test_bools_are_one_a_mask(index):
    with pytest.raises(IndexError, match=r"index: expected 3 bools, one per mask, got"):
        boxes([0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 3, 3])[index]


@pytest.mark.parametrize("index", [1.0, "1", None, True, np.True_, (0, 1), ..., [1.5], [None]])
def test_indices_of_other_types(index):
    with pytest.raises(TypeError):
        boxes([0, 0, 1, 1], [0, 0, 2, 2])[index]


def test_indices_of_other_shapes():
    with pytest.raises(IndexError, match="index: expected one dimension"):
        boxes([0, 0, 1, 1], [0, 0, 2, 2])[[[0, 1]]]


@given(two_dense())
def test_concatenate(batches):
    a, b = batches
    masks = sc.Masks.concatenate(sc.Masks.from_dense(each) for each in (a, b, a))
    assert_is(masks, np.concatenate([a, b, a]))


def test_concatenate_needs_one_size():
    with pytest.raises(ValueError, match=r"the same image size, got \(6, 8\) and \(8, 6\)"):
        sc.Masks.concatenate([boxes(), boxes(size=(8, 6))])
    with pytest.raises(ValueError, match="batches: expected at least one batch"):
        sc.Masks.concatenate([])
    with pytest.raises(TypeError, match="expected Masks, got int"):
        sc.Masks.concatenate([boxes(), 3])


# -- set operations -------------------------------------------------------------------------------


OPERATORS = {
    operator.and_: np.logical_and,
    operator.or_: np.logical_or,
    operator.xor: np.logical_xor,
    operator.sub: lambda a, b: a & ~b,
}


@pytest.mark.parametrize("combine", OPERATORS)
@given(dense(max_count=4), st.integers(0, 2**32 - 1))
def test_operators(combine, a, seed):
    rng = np.random.default_rng(seed)
    one = rng.random((1, *a.shape[1:])) < 0.5
    for b in (a[::-1], one, np.roll(a, 1, axis=1)):
        x, y = sc.Masks.from_dense(a), sc.Masks.from_dense(b)
        assert_is(combine(x, y), OPERATORS[combine](a, b))
        assert_is(combine(y, x), OPERATORS[combine](b, a))


def test_union_by():
    array = patterns(7, 70)[:7]
    masks = sc.Masks.from_dense(array)
    for dtype in (np.uint8, np.int64, np.uint64):
        ids, unions = masks.union_by(np.array([5, 3, 5, 9, 3, 5, 0], dtype))
        assert ids.dtype == dtype
        assert ids.tolist() == [0, 3, 5, 9]
        members = ([6], [1, 4], [0, 2, 5], [3])
        assert_is(unions, np.array([array[rows].any(axis=0) for rows in members]))
    ids, unions = masks[:0].union_by([])
    assert (len(ids), len(unions), unions.size) == (0, 0, masks.size)


def test_union_by_wrong_ids():
    masks = sc.Masks.from_dense(patterns(7, 70)[:3])
    with pytest.raises(ValueError, match="ids: expected 3 values, one per mask, got 2"):
        masks.union_by([1, 2])
    with pytest.raises(TypeError, match="ids: expected integers, got float64"):
        masks.union_by([0.5, 1, 2])


@given(dense())
def test_complement_union_and_intersection(array):
    masks = sc.Masks.from_dense(array)
    assert_is(~masks, ~array)
    assert ~~masks == masks
    assert_is(masks.union(), array.any(axis=0, keepdims=True))
    assert_is(masks.intersection(), array.all(axis=0, keepdims=True))


@pytest.mark.parametrize("combine", OPERATORS)
def test_operators_need_masks_that_match(combine):
    with pytest.raises(ValueError, match="the same image size"):
        combine(boxes([0, 0, 1, 1]), boxes([0, 0, 1, 1], size=(8, 6)))
    with pytest.raises(
        ValueError,
        match="cannot combine 2 masks with 3: expected the same number, or a batch of one",
    ):
        combine(boxes(*[[0, 0, 1, 1]] * 2), boxes(*[[0, 0, 1, 1]] * 3))
    with pytest.raises(ValueError, match="cannot combine 2 masks with 0"):
        combine(boxes(*[[0, 0, 1, 1]] * 2), boxes())
    for other in (True, None, np.zeros((1, 6, 8), bool)):
        with pytest.raises(TypeError):
            combine(boxes([0, 0, 1, 1]), other)
    with pytest.raises(TypeError, match=r"operand: expected Masks, .*Masks.from_dense"):
        combine(boxes([0, 0, 1, 1]), np.zeros((1, 6, 8), bool))


def test_one_backend_serves():
    assert backends.kernels.name == backends.current()
