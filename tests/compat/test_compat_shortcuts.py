"""The drop-in's shortcuts: they take what is ordinary, say what the long way says, or decline."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.util import Pycocotools, assert_same

from segcore import backends
from segcore.compat import _functions
from segcore.compat._shortcuts import Shortcuts, shortcuts_of

LONG_WAYS = {
    "area": _functions.area,
    "decode": _functions.decode,
    "encode": _functions.encode,
    "frPyObjects": _functions.from_objects,
    "iou": _functions.iou,
    "merge": _functions.merge,
    "toBbox": _functions.to_bbox,
}
NATIVE = [name for name in backends.available() if name.startswith("native")]

RLE = {"size": [4, 6], "counts": b"5220007"}
POLYGON = [0.5, 0, 3, 0, 3, 2.5, -1, 2]


@pytest.fixture(scope="module", params=NATIVE)
def native(request):
    return backends.load(request.param)


def check(native, name, *objects, declines=False):
    """Compare a shortcut with the long way of the same backend."""
    got = getattr(shortcuts_of(native), name)(*objects)
    assert (got is None) == declines
    if not declines:
        assert_same(got, LONG_WAYS[name](native, *objects))


stacks = hnp.arrays(
    np.uint8, st.tuples(*[st.integers(1, 9)] * 3), elements=st.sampled_from([0, 1, 1, 255])
).map(np.asfortranarray)


@given(stack=stacks, other=stacks, flag=st.booleans(), crowd=st.integers(0, 255))
def test_ordinary_objects(native, stack, other, flag, crowd):
    check(native, "encode", stack)
    check(native, "encode", stack[:, :, 0])
    check(native, "encode", (stack > 0).copy(order="F"))
    rles = shortcuts_of(native).encode(stack)
    others = shortcuts_of(native).encode(np.asfortranarray(np.resize(other, stack.shape)))
    for name in ("area", "decode", "toBbox"):
        check(native, name, rles)
        check(native, name, rles[0])
        check(native, name, [{**rle, "counts": rle["counts"].decode()} for rle in rles])
    check(native, "merge", rles + others, flag)
    check(native, "merge", rles[:1], flag)
    check(native, "merge", rles + others, int(flag))
    check(native, "iou", rles, others, [crowd] * len(others))


@given(
    rings=st.lists(
        st.lists(st.floats(-9, 30) | st.integers(-9, 30), min_size=6, max_size=15),
        min_size=1,
        max_size=3,
    ),
    boxes=st.lists(st.lists(st.floats(-9, 30) | st.integers(-9, 30), min_size=4, max_size=4)),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
)
def test_ordinary_shapes(native, rings, boxes, size):
    check(native, "frPyObjects", rings, *size, declines=any(len(ring) % 2 for ring in rings))
    crowd = [i % 2 for i in range(len(boxes))]
    check(native, "iou", [[1, 2, 3.5, 4]], boxes, crowd)
    check(native, "iou", boxes, [[1, 2, 3.5, 4]], [1])


def test_nothing(native):
    check(native, "iou", [], [], [])
    check(native, "iou", [RLE], [], [])
    check(native, "iou", [], [RLE, RLE], [0, 1])


def test_large_masks(native):
    y, x = np.mgrid[:700, :800]
    disc = np.asfortranarray(np.hypot(y - 350, x - 400) < 300)[:, :, None]
    stack = np.asfortranarray(np.concatenate([disc, ~disc, disc & (y > x)[:, :, None]], axis=2))
    check(native, "encode", stack)
    rles = shortcuts_of(native).encode(stack)
    assert rles == Pycocotools().encode(stack.view(np.uint8))
    for name in ("area", "decode", "toBbox"):
        check(native, name, rles * 10)
    check(native, "merge", rles * 10, True)
    check(native, "iou", rles * 10, rles * 14, [0, 0, 1] * 14)


def test_an_array_of_its_own(native):
    """Decode gives memory that is writable, aligned and nobody else's."""
    for rles in (RLE, [RLE] * 3):
        dense = shortcuts_of(native).decode(rles)
        assert dense.flags.writeable
        assert dense.flags.owndata
        dense[...] = 7
        assert shortcuts_of(native).decode(rles).max() == 1


@pytest.mark.parametrize(
    ("name", "objects"),
    [
        ("encode", [np.zeros((3, 4), np.uint8)]),  # C order
        ("encode", [np.zeros((3, 4), np.int8, order="F")]),
        ("encode", [np.zeros((0, 4), np.uint8, order="F")]),
        ("encode", [np.zeros((3, 4, 0), np.uint8, order="F")]),
        ("encode", [np.zeros(4, np.uint8)]),
        ("encode", [[[0, 1]]]),
        ("encode", [None]),
        ("decode", [[]]),
        ("decode", [(RLE,)]),
        ("decode", [{"size": (4, 6), "counts": b"5220007"}]),
        ("decode", [{"size": [4, 6, 1], "counts": b"5220007"}]),
        ("decode", [{"size": [4, 6.0], "counts": b"5220007"}]),
        ("decode", [{"size": [True, 6], "counts": b"5"}]),
        ("decode", [{"size": [-4, -6], "counts": b"5220007"}]),
        ("decode", [{"size": [2**40, 2**40], "counts": b"0"}]),
        ("decode", [{"size": [2**16, 2**16], "counts": b"PPPP4"}]),
        ("decode", [{"size": [0, 6], "counts": b""}]),
        ("decode", [{"size": [4, 6], "counts": [5, 19]}]),
        ("decode", [{"size": [4, 6], "counts": "5220007\xe9"}]),
        ("decode", [{"size": [4, 6], "counts": bytearray(b"5220007")}]),
        ("decode", [{"size": [4, 6], "counts": b"5220008"}]),
        ("decode", [{"size": [4, 6], "counts": b"522000"}]),
        ("decode", [{"size": [4, 6], "counts": b""}]),
        ("decode", [{"size": [4, 6]}]),
        ("decode", [{"counts": b"5220007"}]),
        ("decode", [{}]),
        ("decode", [[RLE, None]]),
        ("decode", [[RLE, {"size": [6, 4], "counts": b"5220007"}]]),
        ("decode", [[RLE, {"size": [4, 5], "counts": b"5220007"}]]),  # the first one's counts
        ("decode", [[RLE, {"size": [5, 6], "counts": b"5220007"}]]),
        ("area", [[RLE, {"size": [6, 4], "counts": b"5220007"}]]),
        ("toBbox", [3]),
        ("merge", [[RLE, {"size": [4, 6], "counts": b"2003c0"}], False]),  # a run of no pixels
        ("merge", [[{"size": [4, 6], "counts": b"2003c0"}], False]),
        ("merge", [[RLE, RLE], "yes"]),
        ("merge", [RLE, False]),
        ("iou", [[RLE], [RLE], [0, 0]]),
        ("iou", [[RLE], [RLE], [256]]),
        ("iou", [[RLE], [RLE], [-1]]),
        ("iou", [[RLE], [RLE], [0.0]]),
        ("iou", [[RLE], [RLE], (0,)]),
        ("iou", [[RLE], [[0, 0, 1, 1]], [0]]),
        ("iou", [[[0, 0, 1, 1]], [RLE], [0]]),
        ("iou", [[RLE], [{"size": [6, 4], "counts": b"5220007"}], [0]]),
        ("iou", [[[0, 0, 1]], [[0, 0, 1, 1]], [0]]),
        ("iou", [[[0, 0, 1, float("nan")]], [[0, 0, 1, 1]], [0]]),
        ("iou", [[[0, 0, 1, 2**70]], [[0, 0, 1, 1]], [0]]),
        ("iou", [RLE, [RLE], [0]]),
        ("iou", [[], [RLE], []]),
        ("iou", [[RLE], [], [0]]),
        ("iou", [[], [RLE], (0,)]),
        ("iou", [[], [None], [0]]),
        ("iou", [[{}], [], []]),
        ("iou", [(), [], []]),
        ("frPyObjects", [[POLYGON], -4, 6]),
        ("frPyObjects", [[POLYGON], 4, 6.0]),
        ("frPyObjects", [[POLYGON], 2**31, 2**31]),
        ("frPyObjects", [[POLYGON, [0, 0, 1, 1]], 4, 6]),
        ("frPyObjects", [[[0, 0, 1, 1]], 4, 6]),
        ("frPyObjects", [[[*POLYGON, float("inf"), 0]], 4, 6]),
        ("frPyObjects", [[[*POLYGON, 2.0**31, 0]], 4, 6]),
        ("frPyObjects", [[[*POLYGON, "1", 0]], 4, 6]),
        ("frPyObjects", [[np.array(POLYGON)], 4, 6]),
        ("frPyObjects", [np.array([[0, 0, 1, 1.0]]), 4, 6]),
        ("frPyObjects", [[], 4, 6]),
        ("frPyObjects", [POLYGON, 4, 6]),
    ],
)
def test_the_rest_is_declined(native, name, objects):
    check(native, name, *objects, declines=True)


def test_native_backends_have_them_all(native):
    assert set(native.shortcuts()) == set(Shortcuts._fields)


def test_wrong_number_of_arguments(native):
    with pytest.raises(TypeError, match="number of arguments"):
        shortcuts_of(native).merge([RLE, RLE])
