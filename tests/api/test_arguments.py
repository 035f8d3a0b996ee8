"""What the native binding refuses of the arrays that all kernels take: they rely on it."""

from __future__ import annotations

import numpy as np
import pytest
from support.util import assert_identical, batch_of, patterns

from segcore import backends
from segcore._batch import Batch
from segcore.backends.protocol import OR

SIZE = (5, 7)
BATCH = batch_of(patterns(*SIZE))
RUN_ENDS, OFFSETS = BATCH.run_ends, BATCH.offsets

KERNELS = {
    "area": (),
    "boxes": (),
    "moments": (True,),
    "string_encode": (),
    "counts_encode": (),
    "components": (4,),
    "outline": (4,),
    "reduce": (OR,),
    "dilate": (np.array([1]),),
    "place": (np.zeros(len(OFFSETS) - 1, np.int64), np.zeros(len(OFFSETS) - 1, np.int64), 5, 7),
    "reverse": (True, False),
    "transpose": (True, False),
    "resize": (3, 4, False),
    "cover": (3, 4, 1),
    "warp": (np.tile(np.eye(3).ravel(), (len(OFFSETS) - 1, 1)), 5, 7),
}
"""Those that take a batch and these."""


@pytest.fixture(params=[name for name in backends.available() if name.startswith("native")])
def native(request):
    return backends.load(request.param)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(
    "run_ends",
    [
        RUN_ENDS.astype(np.int32),
        RUN_ENDS.astype(np.uint64),
        RUN_ENDS.astype(np.float32),
        RUN_ENDS.astype(RUN_ENDS.dtype.newbyteorder()),
        RUN_ENDS.repeat(2)[::2],
    ],
    ids=["signed", "wide", "float", "swapped", "strided"],
)
def test_other_run_ends(native, name, run_ends):
    with pytest.raises(TypeError, match="run_ends: expected an aligned C-contiguous array of u4"):
        getattr(native, name)(BATCH._replace(run_ends=run_ends), *KERNELS[name])


@pytest.mark.parametrize("name", KERNELS)
def test_offsets_of_another_dtype(native, name):
    for dtype in (np.int32, np.uint64, OFFSETS.dtype.newbyteorder()):
        with pytest.raises(
            TypeError, match="offsets: expected an aligned C-contiguous array of i8"
        ):
            getattr(native, name)(BATCH._replace(offsets=OFFSETS.astype(dtype)), *KERNELS[name])


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(
    "offsets",
    [
        [],
        [0],
        [1, len(RUN_ENDS)],
        [-1, len(RUN_ENDS)],
        [0, len(RUN_ENDS) - 1],
        [0, len(RUN_ENDS) + 1],
        [0, 4, 3, len(RUN_ENDS)],
    ],
    ids=str,
)
def test_offsets_that_do_not_divide_the_run_ends(native, name, offsets):
    offsets = np.array(offsets, np.int64)
    with pytest.raises(ValueError, match=f"offsets: expected offsets from 0 to {len(RUN_ENDS)}"):
        getattr(native, name)(BATCH._replace(offsets=offsets), *KERNELS[name])


def test_slices_outside_of_the_batch():
    native = pytest.importorskip("segcore._native")
    count = len(OFFSETS) - 1
    batch = native.slice_batch(BATCH, 2, count)
    expected = RUN_ENDS[OFFSETS[2] :], OFFSETS[2:] - OFFSETS[2]
    assert_identical(batch, Batch(*expected, *SIZE))
    for array in (batch.run_ends, batch.offsets):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    for start, stop in ((-1, 1), (2, 1), (0, count + 1)):
        with pytest.raises(ValueError, match="expected the masks start to stop of a batch"):
            native.slice_batch(BATCH, start, stop)
    with pytest.raises(TypeError, match=r"expected a numpy\.ndarray"):
        native.slice_batch(BATCH._replace(run_ends=[0]), 0, 1)
    with pytest.raises(TypeError, match="expected a Batch"):
        native.slice_batch(tuple(BATCH), 0, 1)


def test_batches_are_sealed_once():
    native = pytest.importorskip("segcore._native")
    batch = native.seal_batch(BATCH)
    assert_identical(batch, BATCH)
    for array in (batch.run_ends, batch.offsets):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
    assert native.seal_batch(batch) is batch
    with pytest.raises(TypeError, match=r"expected a numpy\.ndarray"):
        native.seal_batch(BATCH._replace(offsets=[0]))
    with pytest.raises(TypeError, match="expected a Batch"):
        native.seal_batch(RUN_ENDS)


def test_what_is_no_batch(native):
    for other in (None, tuple(BATCH)[:3], [*BATCH], BATCH._replace(run_ends=[0])):
        with pytest.raises(TypeError, match="incompatible function arguments"):
            native.area(other)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        native.area(BATCH._replace(height=5.0))


def test_batches_of_other_image_sizes(native):
    other = BATCH._replace(height=7, width=5)
    for name, rest in (("combine", (OR,)), ("overlap", ()), ("overlap_ratios", ())):
        with pytest.raises(ValueError, match="expected batches of the same image size"):
            getattr(native, name)(BATCH, other, *rest)
    count = len(OFFSETS) - 1
    with pytest.raises(TypeError, match="out: expected masks of the size of the batch"):
        native.decode(BATCH, np.zeros((count, 7, 5), bool), False)
    with pytest.raises(TypeError, match="out: expected an array of the size of the batch"):
        native.paint(BATCH, np.arange(count), np.zeros(count, int), np.zeros((7, 5), int))


def test_groups_that_do_not_partition_the_masks(native):
    count = len(OFFSETS) - 1
    for groups in ([], [0], [1, count], [0, count + 1], [0, 2, 1, count]):
        with pytest.raises(ValueError, match=f"groups: expected offsets from 0 to {count}"):
            native.reduce(BATCH, OR, np.array(groups, np.int64))
    with pytest.raises(TypeError, match="groups: expected an aligned C-contiguous array of i8"):
        native.reduce(BATCH, OR, np.array([0, count], np.int32))
    with pytest.raises(ValueError, match="table: expected the table of AND, OR or XOR"):
        native.reduce(BATCH, 0b0100)


@pytest.mark.parametrize("size", [(-1, 5), (5, -1), (2**30, 2**29), (2**59, 1), (2**62, 2**62)])
def test_sizes_out_of_range(native, size):
    run_ends, offsets = np.zeros(0, np.uint64), np.zeros(1, np.int64)
    with pytest.raises(ValueError, match=r"expected fewer than 2\*\*59 pixels"):
        native.area(Batch(run_ends, offsets, *size))


def test_the_dtype_of_run_ends_goes_by_the_number_of_pixels(native):
    offsets = np.array([0, 1])
    for size, right, wrong in (
        ((2**16, 2**16 - 1), np.uint32, np.uint64),
        ((2**16, 2**16), np.uint64, np.uint32),
    ):
        assert native.area(Batch(np.zeros(1, right), offsets, *size)) == size[0] * size[1]
        with pytest.raises(TypeError, match="run_ends: expected"):
            native.area(Batch(np.zeros(1, wrong), offsets, *size))


def test_parts_outside_of_an_array():
    native = pytest.importorskip("segcore._native")
    values = np.arange(6, dtype=np.uint32)
    starts, lengths = np.array([4, 0, 6]), np.array([2, 1, 0])
    assert_identical(native.gather(values, starts, lengths), np.array([4, 5, 0], np.uint32))
    for start, length in ((-1, 1), (0, -1), (5, 2), (7, 0), (2**62, 2**62), (0, 2**63 - 1)):
        with pytest.raises(ValueError, match="part 0: expected a part of 6 items"):
            native.gather(values, np.array([start]), np.array([length]))
    one = np.array([1])
    assert_identical(native.gather_from([values, values[:3]], one, one, one), values[1:2])
    for array, start in ((-1, 0), (2, 0), (1, 3)):
        with pytest.raises(ValueError, match="part 0: expected a part of"):
            native.gather_from([values, values[:3]], np.array([array]), np.array([start]), one)
    for arguments in (
        [values, values[:3].astype(np.int64)],
        [values[::2]],
        [values.astype(object)],
    ):
        with pytest.raises(TypeError, match="values: expected"):
            native.gather_from(arguments, one * 0, one, one)
    with pytest.raises(ValueError, match="values: expected"):
        native.gather_from([], one, one, one)
    for arguments in (
        (values[::2], starts, lengths),
        (values.astype(object), starts, lengths),
        (values, starts[:2], lengths),
        (values, starts.astype(np.int32), lengths),
    ):
        with pytest.raises(TypeError, match="expected"):
            native.gather(*arguments)
