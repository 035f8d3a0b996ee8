"""Masks in Arrow memory."""

from __future__ import annotations

import io

import numpy as np
import pytest

import segcore as sc

pa = pytest.importorskip("pyarrow")


@pytest.fixture
def masks():
    return sc.Masks.from_dense(np.random.default_rng(0).random((5, 20, 30)) > 0.5)


def addresses(masks):
    return masks.run_ends.ctypes.data, masks.offsets.ctypes.data


def test_there_and_back_without_a_copy(masks):
    array = masks.to_arrow()
    lists = array.storage
    assert (lists.values.buffers()[1].address, lists.buffers()[1].address) == addresses(masks)
    assert array.type.size == masks.size
    for data in (array, masks, pa.array(masks), pa.chunked_array([array])):
        back = sc.Masks.from_arrow(data)
        assert back == masks
        assert addresses(back) == addresses(masks)
        assert not back.run_ends.flags.writeable
    del array, lists, data
    assert back == masks  # which keeps the memory


def test_parts(masks):
    assert sc.Masks.from_arrow(masks.to_arrow()[1:4]) == masks[1:4]
    assert sc.Masks.from_arrow(masks[1:4].to_arrow()[1:]) == masks[2:4]
    assert sc.Masks.from_arrow(masks[:0]) == masks[:0]
    chunks = pa.chunked_array([masks[:2].to_arrow(), masks[2:].to_arrow()])
    assert sc.Masks.from_arrow(chunks) == masks


def test_large_images():
    large = sc.Masks([5, 2**33], [0, 2], (2**20, 2**20))
    array = large.to_arrow()
    assert array.storage.type == pa.large_list(pa.uint64())
    assert sc.Masks.from_arrow(array) == large


def test_ipc(masks):
    sink = io.BytesIO()
    table = pa.table({"masks": masks.to_arrow()})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    read = pa.ipc.open_stream(sink.getvalue()).read_all()
    assert read.schema.field("masks").type.size == masks.size
    assert sc.Masks.from_arrow(read["masks"]) == masks


@pytest.mark.parametrize("kind", [pa.list_, pa.large_list])
@pytest.mark.parametrize("values", [pa.int8(), pa.int64(), pa.uint64()])
def test_plain_lists(kind, values):
    array = pa.array([[3, 6], [], [0]], kind(values))
    assert sc.Masks.from_arrow(array, (3, 4)) == sc.Masks([3, 6, 0], [0, 2, 2, 3], (3, 4))
    assert len(sc.Masks.from_arrow(array[:0], (3, 4))) == 0


def test_memory_that_can_change_is_copied():
    ends = np.array([3, 6], np.uint32)
    values = pa.Array.from_buffers(pa.uint32(), 2, [None, pa.py_buffer(ends)])
    masks = sc.Masks.from_arrow(pa.LargeListArray.from_arrays([0, 2], values), (3, 4))
    ends[:] = 10**6
    assert masks.run_ends.tolist() == [3, 6]


@pytest.mark.parametrize(
    ("data", "size", "error", "message"),
    [
        ([[3, 6]], None, ValueError, "no image size"),
        ([[3, 13]], (3, 4), ValueError, "mask 0: expected run ends from 0 to 11"),
        ([[3], [6, 3]], (3, 4), ValueError, "mask 1: expected strictly increasing"),
        ([[3], None], (3, 4), ValueError, "mask 1: expected run ends, got null"),
        ([[3, None]], (3, 4), ValueError, "got null"),
        ([["a"]], (3, 4), TypeError, "expected lists of integers"),
        ([[1.5]], (3, 4), TypeError, "expected lists of integers"),
        ([3], (3, 4), TypeError, "expected lists of integers"),
        ([[-1]], (3, 4), ValueError, "expected run ends from 0"),
    ],
)
def test_malformed_arrays(data, size, error, message):
    with pytest.raises(error, match=message):
        sc.Masks.from_arrow(pa.array(data), size)


def test_malformed_types(masks):
    from segcore.formats.arrow import MasksType

    with pytest.raises(TypeError, match="expected an Arrow array, got"):
        sc.Masks.from_arrow([[3, 6]], (3, 4))
    with pytest.raises(ValueError, match="expected the size of the array"):
        sc.Masks.from_arrow(masks.to_arrow(), (3, 4))
    storage = masks.to_arrow().type.storage_type
    for metadata in (b"", b"[]", b'{"size": 3}', b'{"size": [-1, 2]}', b'{"size": [65536, 65536]}'):
        with pytest.raises((pa.ArrowInvalid, ValueError), match=r"segcore\.masks: "):
            MasksType.__arrow_ext_deserialize__(storage, metadata)


def test_hugging_face_column(masks):
    datasets = pytest.importorskip("datasets")
    table = pa.table({"masks": masks.to_arrow().storage})
    column = datasets.Dataset(table).with_format("arrow")[:]["masks"]
    assert sc.Masks.from_arrow(column, masks.size) == masks
