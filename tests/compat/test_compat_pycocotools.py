"""The drop-in for pycocotools.mask, on every backend: the same to the last bit, or better."""

from __future__ import annotations

import contextlib
import inspect
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.real_data import FILES, read
from support.strategies import seeds, sizes
from support.util import Pycocotools, assert_same

from segcore.compat._shortcuts import shortcuts_of
from segcore.compat.pycocotools import mask as drop_in

SCALE = float(os.environ.get("SEGCORE_TEST_SCALE", "0.01"))
"""1 tests with 20,000 random polygons and 100,000 random pairs of masks."""

RLE = {"size": [4, 6], "counts": b"5220007"}


@pytest.fixture(scope="module")
def compat(kernels):
    """Give the module, on one backend after the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drop_in, "kernels", kernels)
        for name, shortcut in shortcuts_of(kernels)._asdict().items():
            patch.setattr(drop_in, f"_{name}", shortcut)
        yield drop_in


@pytest.fixture(scope="module")
def original():
    return Pycocotools()


def uncompressed(*counts, size=None):
    return {"size": list(size or [1, sum(counts)]), "counts": list(counts)}


def compressed(*counts, size=None):
    return drop_in.frPyObjects(uncompressed(*counts, size=size), 1, 1)


# -- inputs ---------------------------------------------------------------------------------------


@st.composite
def stacks(draw, max_value=1):
    """Draw (H, W, N) in Fortran order."""
    height, width = draw(sizes)
    count = draw(st.integers(0, 5))
    shape = (height, width, count)
    if height * width <= 30:
        dense = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, max_value)))
    else:
        rng = np.random.default_rng(draw(seeds))
        dense = rng.integers(0, max_value, shape, np.uint8, endpoint=True)
        dense *= rng.random(shape) < draw(st.sampled_from([0, 0.02, 0.5, 1]))
    return np.asfortranarray(dense)


def rles(original, stack):
    return original.encode(stack)


@st.composite
def run_lists(draw, pixels):
    """Draw run lengths that sum to the pixels, with zeros among them.

    They are few enough for pycocotools, which makes place for no more than the pixels.
    """
    cuts = sorted(draw(st.lists(st.integers(0, pixels), max_size=min(pixels // 2, 8))))
    return np.diff([0, *cuts, pixels]).tolist()


numbers = (
    st.floats(-20, 40, width=32) | st.integers(-5, 30) | st.integers(-50, 100).map((0.2).__mul__)
)
points = st.lists(numbers, min_size=5, max_size=25)
short = st.lists(numbers, max_size=5)


# -- encode and decode ----------------------------------------------------------------------------


@given(stack=stacks() | stacks(max_value=3) | stacks(max_value=255))
def test_encode(compat, original, stack):
    assert_same(compat.encode(stack), original.encode(stack))
    for i in range(stack.shape[2]):
        assert_same(compat.encode(stack[:, :, i]), original.encode(stack[:, :, i]))


@given(stack=stacks() | stacks(max_value=3), order=st.permutations(range(3)))
def test_encode_any_layout(compat, original, stack, order):
    expected = original.encode(stack)
    moved = np.ascontiguousarray(stack.transpose(order)).transpose(np.argsort(order))
    reverse = stack[::-1, ::-1].copy(order="K")[::-1, ::-1]
    for each in (moved, reverse, np.repeat(stack, 2, axis=1)[:, ::2]):
        assert_same(compat.encode(each), expected)


@given(stack=stacks())
def test_encode_bool(compat, original, stack):
    expected = original.encode(stack)
    for each in (stack.view(bool), np.ascontiguousarray(stack.view(bool))):
        assert_same(compat.encode(each), expected)


def test_bytes_that_are_no_bools(compat, original):
    stack = np.asfortranarray(np.arange(24, dtype=np.uint8).reshape(2, 3, 4) % 5)
    assert_same(compat.encode(stack.view(bool)), original.encode(stack.view(bool)))


@given(stack=stacks(), text=st.booleans())
def test_decode(compat, original, stack, text):
    objects = rles(original, stack)
    if text:
        objects = [{**rle, "counts": rle["counts"].decode()} for rle in objects]
    for rle in objects:
        assert_same(compat.decode(rle), original.decode(rle))
    if objects:
        assert_same(compat.decode(objects), original.decode(objects))
        assert_same(compat.decode(tuple(objects)), original.decode(objects))


def test_decode_takes_the_first_size(compat, original):
    objects = [RLE, {"size": [6, 4], "counts": b"5220007"}]
    assert_same(compat.decode(objects), original.decode(objects))


@pytest.mark.parametrize(
    "size", [(4, 6), (4, 6, 9), np.array([4, 6]), [4.0, 6.9], np.array([4.5, 6])]
)
def test_sizes_of_any_kind(compat, original, size):
    rle = {**RLE, "size": size}
    for name in ("decode", "area", "toBbox"):
        assert_same(getattr(compat, name)(rle), getattr(original, name)(rle))
    assert_same(compat.merge([rle, RLE]), original.merge([rle, RLE]))
    runs = {"size": size, "counts": [5, 2, 17]}
    assert_same(compat.frPyObjects(runs, 4.5, 6), original.frPyObjects(runs, 4.5, 6))


# -- measures, merging ----------------------------------------------------------------------------


@given(stack=stacks())
def test_area_and_boxes(compat, original, stack):
    objects = rles(original, stack)
    for name in ("area", "toBbox"):
        assert_same(getattr(compat, name)(objects), getattr(original, name)(objects))
        for rle in objects:
            assert_same(getattr(compat, name)(rle), getattr(original, name)(rle))


@given(one=stacks(), other=stacks())
def test_measures_of_many_sizes(compat, original, one, other):
    objects = [*rles(original, one), *rles(original, other), *rles(original, one)]
    assert_same(compat.area(objects), original.area(objects))
    assert_same(compat.toBbox(objects), original.toBbox(objects))
    if len(set(map(str, (rle["size"] for rle in objects)))) == 2:
        assert_same(compat.merge(objects), original.merge(objects))


@given(stack=stacks(), intersect=st.sampled_from([0, 1, 2, -1, True, False, 0.5, np.bool_(True)]))
def test_merge(compat, original, stack, intersect):
    objects = rles(original, stack)
    if not objects:  # it does return this, but looks for the first one
        assert_same(compat.merge([], intersect), {"size": [0, 0], "counts": b""})
        return
    assert_same(compat.merge(objects, intersect), original.merge(objects, intersect))
    assert_same(compat.merge(tuple(objects)), original.merge(tuple(objects)))


@pytest.mark.parametrize("counts", [b"5220007", b"52", b"", b"000", "5220Pg1", b"52a0"])
def test_merge_of_one(compat, original, counts):
    rle = {"size": [4, 6], "counts": counts}
    assert_same(compat.merge([rle]), original.merge([rle]))


def zero_flips(runs):
    """Give the places at which a mask has flips beyond the first one."""
    places = np.cumsum(runs[:-1])[np.cumsum(runs[:-1]) < sum(runs)]
    values, times = np.unique(places, return_counts=True)
    return set(values[times > 1].tolist())


@given(data=st.data(), pixels=st.integers(0, 20), intersect=st.booleans())
def test_runs_of_no_pixels(compat, original, data, pixels, intersect):
    runs = [data.draw(run_lists(pixels)) for _ in range(2)]
    objects = [uncompressed(*each) for each in runs]
    strings = compat.frPyObjects(objects, 1, 1)
    assert_same(strings, original.frPyObjects(objects, 1, 1))
    assert_same(compat.area(strings), original.area(strings))
    assert_same(compat.decode(strings), original.decode(strings))
    merged = compat.merge(strings, intersect)
    iou = compat.iou(strings, strings[:1], [intersect])
    one, other = compat.decode(strings).transpose(2, 0, 1)
    expected = one & other if intersect else one | other
    np.testing.assert_array_equal(compat.decode(merged), expected)
    if zero_flips(runs[0]) & zero_flips(runs[1]):
        return  # where pycocotools is wrong
    assert_same(merged, original.merge(strings, intersect))
    if not zero_flips(runs[0]):
        assert_same(iou, original.iou(strings, strings[:1], [intersect]))


@given(data=st.data(), stack=stacks(), intersect=st.booleans())
def test_merge_of_many_with_runs_of_no_pixels(compat, original, data, stack, intersect):
    runs = data.draw(run_lists(stack.shape[0] * stack.shape[1]))
    objects = rles(original, stack)
    place = data.draw(st.integers(0, len(objects)))
    objects.insert(place, compressed(*runs, size=stack.shape[:2]))
    # There pycocotools makes place for no more runs than pixels, and one.
    assume(sum(len(rle["counts"]) for rle in objects) <= sum(runs))
    assert_same(compat.merge(objects, intersect), original.merge(objects, intersect))


def test_boxes_of_runs_of_no_pixels(compat):
    assert_same(compat.toBbox(compressed(10, 0, 14)), np.zeros(4))  # pycocotools: 4294967273


# -- intersection over union ----------------------------------------------------------------------


@given(one=stacks(), other=stacks(), same=st.booleans(), data=st.data())
def test_iou(compat, original, one, other, same, data):
    dt = rles(original, one)
    gt = rles(original, other) + (dt[::-1] if same else [])
    crowd = data.draw(st.lists(st.integers(0, 2), min_size=len(gt), max_size=len(gt)))
    expected = original.iou(dt, gt, crowd)
    for flags in (crowd, np.array(crowd), np.array(crowd, np.uint8), list(np.array(crowd))):
        assert_same(compat.iou(dt, gt, flags), expected)
    bools = [flag > 0 for flag in crowd]
    assert_same(compat.iou(dt, gt, bools), original.iou(dt, gt, bools))


box_numbers = st.integers(-3, 6) | st.floats(width=64) | st.sampled_from([0.0, -0.0, 0.5, 1e300])
boxes = hnp.arrays(np.float64, st.tuples(st.integers(0, 5), st.just(4)), elements=box_numbers)


@given(dt=boxes, gt=boxes, data=st.data())
def test_iou_of_boxes(compat, original, dt, gt, data):
    crowd = data.draw(st.lists(st.booleans(), min_size=len(gt), max_size=len(gt)))
    expected = original.iou(dt, gt, crowd)
    assert_same(compat.iou(dt, gt, crowd), expected)
    assert_same(compat.iou(dt.tolist(), gt.tolist(), crowd), expected)
    assert_same(compat.iou(list(dt), gt, crowd), expected)


def test_iou_of_boxes_of_other_dtypes(compat, original):
    boxes = np.array([[0, 0, 2, 2], [1, 1, 3, 3]])
    for dtype in (np.uint8, np.int64, np.float32, ">f8"):
        dt = boxes.astype(dtype)
        assert_same(compat.iou(dt, dt, [0, 1]), original.iou(dt, dt, [0, 1]))


@pytest.mark.parametrize("flags", [[0.5, 1.5], ["0", "1"], np.array([256, 1]), (0, 1)])
def test_crowd_of_any_kind(compat, original, flags):
    gt = [RLE, {"size": [4, 6], "counts": b"h0"}]
    assert_same(compat.iou([RLE], gt, flags), original.iou([RLE], gt, flags))


def test_iou_of_nothing(compat, original):
    for dt, gt, crowd in (
        ([], [], []),
        ([RLE], [], []),
        ([], [RLE], [1]),
        ([], [[1, 1, 1, 1]], [0]),
    ):
        assert_same(compat.iou(dt, gt, crowd), original.iou(dt, gt, crowd))
    for dt, gt, crowd in (([], [RLE], []), ([RLE], [RLE], [0, 0]), ([], [], [1])):
        with pytest.raises(AssertionError, match="length of gt"):
            compat.iou(dt, gt, crowd)
        with pytest.raises(ValueError, match="length of gt"):
            compat.iou(dt, gt, crowd)


# -- shapes and run lengths -----------------------------------------------------------------------


# Without columns, pycocotools finds pixels all the same.
@given(first=points, rest=st.lists(points | short, max_size=3), size=sizes.filter(lambda s: s[1]))
def test_polygons(compat, original, first, rest, size):
    polygons = [first, *rest]
    expected = original.frPyObjects(polygons, *size)
    assert_same(compat.frPyObjects(polygons, *size), expected)
    assert_same(compat.frPoly(polygons, *size), expected)
    arrays = [np.array(each) for each in polygons]
    assert_same(compat.frPyObjects(arrays, *size), expected)


@given(
    boxes=hnp.arrays(
        np.float64,
        st.tuples(st.integers(0, 4), st.just(4)),
        elements=st.floats(-50, 150, width=32) | st.integers(-5, 40),
    ),
    size=sizes.filter(lambda s: s[1]),
)
def test_boxes(compat, original, boxes, size):
    expected = original.frPyObjects(boxes, *size)
    assert_same(compat.frPyObjects(boxes, *size), expected)
    assert_same(compat.frBbox(boxes, *size), expected)
    if len(boxes):
        assert_same(compat.frPyObjects(boxes.tolist(), *size), expected)


@given(
    counts=st.lists(st.integers(0, 40) | st.integers(0, 2**29 - 1), max_size=8),
    size=st.tuples(st.integers(0, 2**20), st.integers(0, 2**20)),
)
def test_run_lengths(compat, original, counts, size):
    rle = {"size": list(size), "counts": counts}
    # For strings of six characters a count, or more, pycocotools writes past its memory.
    assume(len(compat.frPyObjects(rle, 1, 1)["counts"]) < max(6 * len(counts), 1))
    for each in (rle, [rle, {**rle, "id": 3}], {**rle, "counts": np.array(counts, np.int64)}):
        assert_same(compat.frPyObjects(each, 1, 1), original.frPyObjects(each, 1, 1))
    assert_same(compat.frUncompressedRLE([rle], 1, 1), original.frPyObjects([rle], 1, 1))


@pytest.mark.parametrize("counts", [[5.7, 2, 17], ["5", 2, 17], (5, 2, 17), np.float32([5, 19])])
def test_run_lengths_of_any_kind(compat, original, counts):
    rle = {"size": [4, 6], "counts": counts}
    assert_same(compat.frPyObjects(rle, 4, 6), original.frPyObjects(rle, 4, 6))


# -- at random, in numbers ------------------------------------------------------------------------


def test_random_polygons(compat, original):
    rng = np.random.default_rng(0)
    for _ in range(int(200 * SCALE) or 1):
        height, width = rng.integers(1, 700, 2).tolist()
        polygons = []
        for _ in range(100):
            middle = rng.uniform(-0.2, 1.2, 2) * (width, height)
            radius = rng.choice([2, 20, 200, 2000])
            ring = middle + rng.normal(0, radius, (rng.integers(3, 30), 2))
            polygons.append(np.round(ring, rng.integers(0, 4)).ravel().tolist())
        expected = original.frPyObjects(polygons, height, width)
        assert_same(compat.frPyObjects(polygons, height, width), expected)


@pytest.mark.slow_on("reference")
def test_random_pairs(compat, original):
    rng = np.random.default_rng(0)
    for _ in range(int(1000 * SCALE) or 1):
        height, width = rng.integers(1, 80, 2).tolist()
        cells = rng.random((height, width, 20)) < rng.uniform(0, 1, 20)
        blocks = np.repeat(np.repeat(cells, 7, axis=0), 7, axis=1)[:height, :width]
        noise = np.where(rng.random(20) < 0.5, cells, blocks).astype(np.uint8)
        objects = original.encode(np.asfortranarray(noise))
        dt, gt = objects[:10], objects[10:]
        crowd = rng.integers(0, 2, 10)
        assert_same(compat.iou(dt, gt, crowd), original.iou(dt, gt, crowd))
        for one in dt:
            for other in gt:
                for intersect in (False, True):
                    expected = original.merge([one, other], intersect)
                    assert_same(compat.merge([one, other], intersect), expected)


# -- real data ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_real_annotations(compat, kernels, original, name, request):
    # Every image with --slow, else, and on the reference, which is slow, some of them.
    slow = request.config.option.slow
    step = 1 if slow else 25
    if kernels.name == "reference":
        step = 10 if slow else 40
    document = read(name)
    annotations = document if isinstance(document, list) else document["annotations"]
    images = [] if isinstance(document, list) else document["images"]
    image_sizes = {image["id"]: (image["height"], image["width"]) for image in images}
    groups = {}
    for each in annotations:
        groups.setdefault(each["image_id"], []).append(each["segmentation"])
    for number, (image, segmentations) in enumerate(groups.items()):
        if number % step:
            continue
        objects = []
        for each in segmentations:
            size = image_sizes.get(image) or each["size"]
            rle = each
            if isinstance(each, list) or isinstance(each["counts"], list):
                rle = compat.frPyObjects(each, *size)
                assert_same(rle, original.frPyObjects(each, *size))
            if isinstance(rle, list):
                merged = compat.merge(rle)
                assert_same(merged, original.merge(rle))
                rle = merged
            objects.append(rle)
        assert_same(compat.area(objects), original.area(objects))
        assert_same(compat.toBbox(objects), original.toBbox(objects))
        crowd = [place % 2 for place in range(len(objects))]
        expected = original.iou(objects, objects, crowd)
        assert_same(compat.iou(objects, objects, crowd), expected)
        for intersect in (False, True):
            assert_same(compat.merge(objects, intersect), original.merge(objects, intersect))
        if number % 20 == 0 and size[0] * size[1] < 2_000_000:
            dense = original.decode(objects[:3])
            assert_same(compat.decode(objects[:3]), dense)
            assert_same(compat.encode(dense), original.encode(dense))


# -- where pycocotools fails ----------------------------------------------------------------------


def test_1_runs_that_do_not_sum_to_the_size(compat):
    for counts in (b"52", b"", b"5220008", b"522000g0"):
        rle = {"size": [4, 6], "counts": counts}
        for call in (compat.decode, compat.area, compat.toBbox):
            with pytest.raises(ValueError, match=r"^object 0: runs .* has 24 pixels"):
                call(rle)
            with pytest.raises(ValueError, match=r"^object 1: runs .* has 24 pixels"):
                call([RLE, rle])
        with pytest.raises(ValueError, match=r"^object 1: runs .* has 24 pixels"):
            compat.merge([RLE, rle])
        with pytest.raises(ValueError, match=r"^gt: object 1: runs .* has 24 pixels"):
            compat.iou([RLE], [RLE, rle], [0, 0])
        with pytest.raises(ValueError, match=r"^dt: object 0: runs .* has 24 pixels"):
            compat.iou([rle], [RLE], [0])


def test_2_merge_of_empty_counts(compat):
    empty = {"size": [4, 6], "counts": b""}
    for objects in ([empty, empty], [RLE, empty], [empty, RLE]):
        with pytest.raises(ValueError, match=r"^object \d: runs sum to 0"):
            compat.merge(objects)
    nothing = {"size": [0, 6], "counts": b""}
    assert_same(compat.merge([nothing, nothing]), {"size": [0, 6], "counts": b"0"})


def test_sizes_that_are_no_real_numbers(compat):
    rle = {"size": np.array([4, 6], "c8"), "counts": b"h0"}
    with pytest.raises(TypeError, match=r"^object 0: height: expected an integer, got complex64"):
        compat.area([rle])


@pytest.mark.parametrize("dtype", ["c8", "c16", "M8[s]", "m8[s]"])
def test_boxes_that_are_no_real_numbers(compat, dtype):
    for boxes in (np.zeros((1, 4), dtype), list(np.zeros((1, 4), dtype))):
        with pytest.raises(TypeError, match=r"^boxes: expected numbers: got complex"):
            compat.frPyObjects(boxes, 9, 9)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e10, -1e300])
def test_3_impossible_coordinates(compat, number):
    good = [0, 0, 2, 0, 2, 2]
    with pytest.raises(ValueError, match=r"^polygon 1: coordinate 3 is not a finite number"):
        compat.frPyObjects([good, [0, 0, 2, number, 2, 2]], 4, 6)
    boxes = np.array([[0, 0, 1, 1], [0, number, 1, 1]])
    for each in (boxes, boxes.tolist()):
        with pytest.raises(ValueError, match=r"^box 1: coordinate 1 is not a finite number"):
            compat.frPyObjects(each, 4, 6)


def test_3_distant_coordinates(compat):
    far = 1e8
    [full] = compat.frPyObjects([[-far, -far, far, -far, far, far, -far, far]], 4, 6)
    assert_same(full, {"size": [4, 6], "counts": b"0h0"})
    [half] = compat.frPyObjects([[-far, 2, far, 2, far, far, -far, far]], 4, 6)
    assert compat.decode(half).tolist() == [[0] * 6] * 2 + [[1] * 6] * 2


def test_4_strings_of_seven_characters_a_count(compat):
    side = 23171
    [rle] = compat.frPyObjects(np.array([[-9.0, -9, 1, 1]]), side, side)
    assert_same(rle, {"size": [side, side], "counts": b"YhgPP`0"})
    assert_same(compat.merge([rle, rle]), rle)
    assert_same(compat.area(rle), np.uint32(0))
    assert_same(compat.frPyObjects(uncompressed(side**2, size=rle["size"]), 1, 1), rle)


def test_5_full_masks_of_2_to_the_31_pixels(compat):
    full = compressed(0, 2**31, size=[2**16, 2**15])
    assert_same(compat.iou([full], [full], [0]), np.ones((1, 1)))
    assert_same(compat.merge([full, full]), full)
    assert_same(compat.merge([full, full], intersect=True), full)
    assert_same(compat.area(full), np.uint32(2**31))


def test_6_runs_of_no_pixels_at_one_place(compat):
    rle = compressed(2, 0, 0, 3, 0, 0, 7)
    assert_same(compat.iou([rle], [rle], [0]), np.ones((1, 1)))
    dense = compat.decode(rle)
    assert dense.tolist() == [[0] * 2 + [1] * 3 + [0] * 7]
    for intersect in (False, True):
        np.testing.assert_array_equal(compat.decode(compat.merge([rle, rle], intersect)), dense)


def test_6_more_runs_than_pixels(compat):
    rle = compressed(*[0] * 400, 4, *[0] * 400, 20, size=[4, 6])
    dense = compat.decode(rle)
    assert dense.sum() == 20
    for intersect in (False, True):
        for objects in ([rle, rle], [rle, RLE], [RLE, rle]):
            got = compat.decode(compat.merge(objects, intersect))
            one, other = compat.decode(objects).transpose(2, 0, 1)
            np.testing.assert_array_equal(got, one & other if intersect else one | other)


def test_7_strides(compat):
    rng = np.random.default_rng(0)
    dt, gt = rng.integers(0, 9, (2, 7, 4)).astype(np.float64)
    expected = compat.iou(dt, gt, np.zeros(7))
    assert expected.any()
    assert_same(compat.iou(np.asfortranarray(dt), np.asfortranarray(gt), [0] * 7), expected)
    scored = np.column_stack([dt, np.full(7, 0.9)])
    assert_same(compat.frPyObjects(scored[:, :4], 20, 20), compat.frPyObjects(dt, 20, 20))
    fortran = np.asfortranarray(dt)
    assert_same(compat.frPyObjects(fortran, 20, 20), compat.frPyObjects(dt, 20, 20))
    assert_same(compat.frPyObjects(dt[::-1], 20, 20), compat.frPyObjects(dt, 20, 20)[::-1])
    for wrong in (scored, dt[:, :3], dt[0], dt[None]):
        with pytest.raises(ValueError, match=r"expected boxes of the shape \(N, 4\), got"):
            compat.frPyObjects(wrong, 20, 20)


@pytest.mark.slow_on("numba")
def test_8_images_of_2_to_the_32_pixels(compat):
    height, width = 2**16, 2**17
    [full, last] = compat.frPyObjects([[0, 0, width, height], [width - 2, 5, 2, 3]], height, width)
    assert_same(compat.area([full, last]), np.array([2**33, 6], np.uint64))
    assert_same(compat.area(full), np.uint64(2**33))
    assert_same(compat.area([last]), np.array([6], np.uint32))
    boxes = [[0, 0, width, height], [width - 2, 5, 2, 3]]
    assert_same(compat.toBbox([full, last]), np.array(boxes, np.float64))
    [polygon] = compat.frPyObjects(
        [[width - 2, 5, width, 5, width, 8, width - 2, 8]], height, width
    )
    assert_same(polygon, last)
    assert_same(compat.iou([full], [full, last], [0, 0]), np.array([[1, 6 / 2**33]]))
    assert_same(compat.merge([full, last], intersect=True), last)


def test_9_nothing_to_decode(compat):
    with pytest.raises(ValueError, match="expected at least one RLE"):
        compat.decode([])


def test_9_no_memory(compat):
    for size in ([2**28, 2**28], [2**20, 2**38]):
        with pytest.raises(ValueError, match=r"not enough memory|more bytes than can be"):
            compat.decode(compressed(size[0] * size[1], size=size))
    with pytest.raises(MemoryError):
        compat.decode(compressed(2**56, size=[2**28, 2**28]))


NO_MEMORY = """
import resource
from segcore.compat.pycocotools import mask as pycocotools
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
wide = [[0, 0, 5e8, 0, 5e8, 9, 0, 9]]
for function, objects in ((pycocotools.frPyObjects, wide), (pycocotools.frBbox, [[0, 1, 5e8, 7]])):
    try:
        function(objects, 99, 2**30)
    except ValueError as error:
        assert isinstance(error, MemoryError)
        print(error)
"""


def test_9_no_memory_for_shapes():
    pytest.importorskip("resource")
    command = [sys.executable, "-c", NO_MEMORY]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "SEGCORE_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.count("not enough memory for the result") == 2


def test_9_a_failed_decode_leaks_nothing(compat):
    whole = compressed(2**20, size=[2**10, 2**10])
    broken = {"size": [2**10, 2**10], "counts": b"5"}
    tracemalloc.start()
    try:
        for _ in range(20):
            with pytest.raises(ValueError, match="object 1"):
                compat.decode([whole, broken])
        assert tracemalloc.get_traced_memory()[0] < 2**20
    finally:
        tracemalloc.stop()


def test_10_decode_takes_the_memory_of_its_output(compat):
    rle = compressed(2**16, 2**17, 2**16, size=[2**9, 2**9])
    compat.decode(rle)
    tracemalloc.start()
    try:
        dense = compat.decode([rle] * 32)  # a warning would be an error
        assert tracemalloc.get_traced_memory()[1] < 1.2 * dense.nbytes + 2**20
    finally:
        tracemalloc.stop()


def test_11_areas_of_many(compat):
    for count in (255, 256, 1000):
        assert_same(compat.area([RLE] * count), np.full(count, 6, np.uint32))


# -- hostile input --------------------------------------------------------------------------------

HOSTILE = [
    None, 0, -1, 2.5, np.nan, 2**70, True, "", "x", "5220007", b"", b"\x00", b"\xff", "é", b"PPP",
    [], [[]], [None], [[[[]]]], {}, {"size": [4, 6]}, {"counts": b"5220007"}, set(), object(), int,
    (), (1,), [1, 2, 3, 4], [[1, 2], [3]], ["a"], [[1, 2, 3, "x"]], [[None] * 6], [b"012345"],
    np.zeros(0), np.zeros(()), np.zeros((2, 3)), np.zeros((2, 4, 4)), np.array([None]),
    np.array(["x"] * 4), np.array([[1j] * 4], object), [2**70], [[2**2000] * 6], range(6),
    iter([RLE]), {"size": None, "counts": None}, {"size": [], "counts": b""},
    {"size": ["4", 6], "counts": b"5220007"}, {"size": [-4, -6], "counts": b"5220007"},
    {"size": [2**40, 2**40], "counts": b"5220007"}, {"size": [np.nan, 6], "counts": b"5220007"},
    {"size": [np.inf, 6], "counts": b"5220007"}, {"size": [4, 6], "counts": 7},
    {"size": [4, 6], "counts": [5, 2, 17.5, None]}, {"size": [4, 6], "counts": [-1, 25]},
    {"size": [4, 6], "counts": [2**63]}, {"size": [4, 6], "counts": np.array([np.nan, 1])},
    {"size": [4, 6], "counts": [[24]]}, {"size": [4, 6], "counts": "52200\u0661"},
    {"size": [4, 6], "counts": b"5220007\x00"}, {"size": [4, 6], "counts": b"o" * 40},
    {"size": [4, 6], "counts": b"52O"}, {"size": [4, 6], "counts": b"N0"},
]  # fmt: skip


def calls(compat, value):
    for name in ("encode", "decode", "area", "toBbox", "merge"):
        for each in (value, [value], [RLE, value]):
            yield getattr(compat, name), (each,)
    yield compat.merge, ([RLE, RLE], value)
    for each in (value, [value], [value, RLE], [[1, 1, 2, 2], value]):
        yield compat.iou, (each, [RLE], [0])
        yield compat.iou, ([RLE], each, [0])
        yield compat.iou, ([RLE], each, [0, 0])
        yield compat.iou, ([[1, 1, 2, 2]], each, [0])
    yield compat.iou, ([RLE], [RLE], value)
    yield compat.iou, ([RLE], [RLE], [value])
    for name in ("frPyObjects", "frPoly", "frBbox", "frUncompressedRLE"):
        function = getattr(compat, name)
        for each in (value, [value], [[0, 0, 2, 2], value], [[0, 0, 2, 2, 1, 3], value]):
            yield function, (each, 4, 6)
        yield function, ([[0, 0, 2, 0, 2, 2]], value, 6)
        yield function, ([[0, 0, 2, 2]], 4, value)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: type(value).__name__)
def test_hostile_objects(compat, value):
    for function, arguments in calls(compat, value):
        with contextlib.suppress(TypeError, ValueError):
            assert isinstance(function(*arguments), (dict, list, np.ndarray, np.uint32))


def test_rings_of_four_numbers(compat, original):
    boxes = [[5, 2, 15, 7], [1.5, 1, 5, 5]]
    expected = original.frPyObjects(np.array(boxes, float), 30, 30)
    for form in (boxes, [tuple(box) for box in boxes], [np.array(box) for box in boxes]):
        assert compat.frPyObjects(form, 30, 30) == expected
    # After a longer ring they are lines, which cover nothing.
    rings = [[1, 1, 5, 1, 5, 5], [5, 2, 15, 7]]
    assert compat.frPyObjects(rings, 30, 30) == original.frPyObjects(rings, 30, 30)
    for other in ([1, 1, 5, 1, 5, 5], [1, 1], 3, None, np.array(0.0), {1: 1, 2: 2, 3: 3, 4: 4}):
        with pytest.raises(
            ValueError, match=r"^ring 1: expected 4 numbers like ring 0 \(rings of "
        ):
            compat.frPyObjects([boxes[0], other], 30, 30)


@given(stack=stacks(), data=st.data())
def test_mutated_strings(compat, original, stack, data):
    objects = rles(original, stack)
    mutated = []
    for rle in objects:
        text = bytearray(rle["counts"])
        place = data.draw(st.integers(0, len(text)))
        text[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
        mutated.append({**rle, "counts": bytes(text)})
    for rle in mutated:
        try:
            dense = compat.decode(rle)
        except ValueError:
            continue
        assert_same(dense, original.decode(rle))


def test_inputs_stay_as_they_are(compat):
    boxes = np.array([[0.0, 0, 2, 2]])
    boxes.flags.writeable = False
    compat.frPyObjects(boxes, 4, 6)
    compat.iou(boxes, boxes, [0])
    stack = np.asfortranarray(np.eye(5, dtype=np.uint8))
    stack.flags.writeable = False
    assert compat.decode(compat.encode(stack)).tolist() == stack.tolist()
    result = compat.merge([RLE])
    result["size"][0] = 7
    assert RLE == {"size": [4, 6], "counts": b"5220007"}


def test_the_surface(original):
    for name in ("encode", "decode", "merge", "iou", "area", "toBbox", "frPyObjects"):
        assert hasattr(original, name)
        assert callable(getattr(drop_in, name))
        assert getattr(drop_in._mask, name) is getattr(drop_in, name)
    extension = pytest.importorskip("pycocotools._mask")
    for name in ("frPoly", "frBbox", "frUncompressedRLE"):
        assert hasattr(extension, name)
        assert getattr(drop_in._mask, name) is getattr(drop_in, name)
    parameters = {
        name: list(inspect.signature(getattr(drop_in, name)).parameters) for name in drop_in.__all__
    }
    assert parameters == {
        "area": ["rleObjs"],
        "decode": ["rleObjs"],
        "encode": ["bimask"],
        "frBbox": ["bb", "h", "w"],
        "frPoly": ["poly", "h", "w"],
        "frPyObjects": ["pyobj", "h", "w"],
        "frUncompressedRLE": ["ucRles", "h", "w"],
        "iou": ["dt", "gt", "pyiscrowd"],
        "merge": ["rleObjs", "intersect"],
        "toBbox": ["rleObjs"],
    }
