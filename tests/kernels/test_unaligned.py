"""Arrays at odd addresses and in odd strides give what their copies give."""

from __future__ import annotations

import numpy as np
import pytest
from support.util import agree

import segcore as sc
from segcore._input.arrays import as_array
from segcore.backends.protocol import OR
from segcore.compat.pycocotools import mask as pycocotools
from segcore.masks import unwrap

SIZE = (20, 30)


def shifted(values):
    """Copy to an address that is odd, C-contiguous all the same."""
    memory = np.zeros(values.nbytes + 1, np.uint8)
    array = np.ndarray(values.shape, values.dtype, memory, 1)
    array[...] = values
    assert values.dtype.itemsize == 1 or not array.flags.aligned
    return array


def packed(values):
    """Copy to a field of a packed structure, which has a single byte before it."""
    records = np.zeros(values.shape, [("tag", "u1"), ("value", values.dtype)])
    records["value"] = values
    return records["value"]


def from_buffer(values):
    return np.frombuffer(b"x" + values.tobytes(), values.dtype, offset=1).reshape(values.shape)


def mapped(values, tmp_path):
    file = tmp_path / str(len(list(tmp_path.iterdir())))
    file.write_bytes(b"x" + values.tobytes())
    return np.memmap(file, values.dtype, "r", 1, values.shape)


@pytest.fixture(params=["shifted", "packed", "from_buffer", "mapped"])
def odd(request, tmp_path):
    """A function that copies an array to odd addresses."""
    make = {"shifted": shifted, "packed": packed, "from_buffer": from_buffer}.get(request.param)
    return make or (lambda values: mapped(values, tmp_path))


def test_as_array_aligns(odd):
    values = np.arange(12.0).reshape(3, 4)
    array = as_array(odd(values), "values")
    assert type(array) is np.ndarray
    assert array.flags.aligned
    np.testing.assert_array_equal(array, values)


RNG = np.random.default_rng(0)
CORNERS = np.sort(RNG.integers(0, 15, (5, 2, 2)), axis=1).reshape(5, 4)
MASKS = sc.Masks.from_boxes(CORNERS, SIZE)
BATCH = unwrap(MASKS)
FLOAT_CORNERS = CORNERS + 0.25
HEADS = RNG.random((5, 7, 7)).astype(np.float32)
LABELS = RNG.integers(0, 5, SIZE).astype(np.int32)
IDS = np.arange(5)
SCORES = RNG.random(5)

CASES = {
    "constructor": (sc.Masks, MASKS.run_ends, MASKS.offsets),
    "from_dense": (sc.Masks.from_dense, RNG.integers(0, 2, (5, *SIZE)).astype(np.int32)),
    "from_bits": (sc.Masks.from_bits, np.packbits(MASKS.to_dense(), axis=-1)),
    "from_boxes": (sc.Masks.from_boxes, FLOAT_CORNERS),
    "from_label_map": (sc.Masks.from_label_map, LABELS),
    "from_polygons": (sc.Masks.from_polygons, RNG.random((5, 8)) * 20),
    "iou": (sc.iou, FLOAT_CORNERS),
    "nms": (sc.nms, SCORES, IDS),
    "soft_nms": (sc.soft_nms, SCORES, IDS),
    "matrix_nms": (sc.matrix_nms, SCORES, IDS),
    "upsample": (sc.upsample_masks, HEADS),
    "paste": (sc.paste_masks, HEADS, FLOAT_CORNERS),
    "argmax_upsample": (sc.argmax_upsample, HEADS),
    "compose": (sc.compose_semantic, IDS, IDS[::-1].copy(), LABELS),
    "panoptic": (sc.compose_panoptic, IDS, SCORES, LABELS),
    "overlap_table": (sc.overlap_table, LABELS, LABELS.T.copy().T),
    "index": (MASKS.__getitem__, IDS),
    "drop-in boxes": (pycocotools.iou, FLOAT_CORNERS, FLOAT_CORNERS),
    "drop-in polygons": (pycocotools.frPyObjects, FLOAT_CORNERS),
}


def call(name, function, arrays):
    """Call a function with arrays in the places where it takes them."""
    if name == "constructor":
        return function(*arrays, SIZE)
    if name == "from_polygons":
        return function(list(arrays[0]), SIZE)
    if name in ("from_bits", "from_boxes", "upsample", "argmax_upsample", "paste"):
        extra = {"threshold": 0.5} if name == "upsample" else {}
        return function(*arrays, SIZE, **extra)
    if name == "iou":
        return function(MASKS, *arrays), function(*arrays, MASKS)
    if name == "nms":
        return function(MASKS, arrays[0], 0.3, arrays[1])
    if name in ("soft_nms", "matrix_nms"):
        return function(MASKS, arrays[0], class_ids=arrays[1])
    if name == "compose":
        ids, order, base = arrays
        return (
            function(MASKS, ids, priority=order, base=base),
            function(MASKS, ids, priority="score", scores=order),
        )
    if name == "panoptic":
        ids, scores, stuff = arrays
        return function(MASKS, ids, scores, stuff=stuff).labels
    if name == "drop-in boxes":
        return function(*arrays, [0] * len(arrays[1]))
    if name == "drop-in polygons":
        return function(arrays[0], *SIZE)
    return function(*arrays)


def same(got, expected):
    if isinstance(expected, (tuple, list)):
        return all(same(*pair) for pair in zip(got, expected, strict=True))
    if isinstance(expected, np.ndarray):
        return got.dtype == expected.dtype and np.array_equal(got, expected)
    if isinstance(expected, sc.OverlapTable):
        return np.array_equal(got.areas, expected.areas) and np.array_equal(got.rows, expected.rows)
    return got == expected


@pytest.mark.parametrize("name", CASES)
def test_inputs(name, odd):
    function, *arrays = CASES[name]
    expected = call(name, function, arrays)
    assert same(call(name, function, [odd(array) for array in arrays]), expected)


@pytest.mark.parametrize("dtype", ["u2", "i4", "f4", "f8", "c8"])
def test_decode_into_odd_addresses(kernels, dtype):
    for make in (shifted, packed):
        out = make(np.full((5, *SIZE), 9, dtype))
        kernels.decode(BATCH, out, False)
        np.testing.assert_array_equal(out, MASKS.to_dense(dtype))


@pytest.mark.slow_on("numba")
def test_dense_arrays_in_kernels(kernels):
    agree(kernels, "encode", shifted(HEADS), 0.5)
    agree(kernels, "label_runs", shifted(LABELS), 0)
    agree(kernels, "overlap_table", shifted(LABELS), shifted(LABELS))


@pytest.mark.parametrize("name", ["area", "boxes", "union"])
def test_native_kernels_refuse_run_ends_at_odd_addresses(kernels, name):
    if not kernels.name.startswith("native"):
        pytest.skip("NumPy and Numba read any address")
    batch = BATCH._replace(run_ends=shifted(BATCH.run_ends))
    with pytest.raises(TypeError, match="run_ends: expected an aligned C-contiguous array of u4"):
        kernels.reduce(batch, OR) if name == "union" else getattr(kernels, name)(batch)
    with pytest.raises(TypeError, match="offsets: expected an aligned C-contiguous array of i8"):
        kernels.area(BATCH._replace(offsets=shifted(BATCH.offsets)))
