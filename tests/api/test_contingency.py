"""overlap_table of the public API, and the table that it gives."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from support.util import assert_identical

import segcore as sc
from segcore.maps import overlap_table as contingency


@given(data=st.data(), shape=hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))
def test_it_says_what_masks_say(data, shape):
    dtypes = st.sampled_from([np.uint8, np.int32, np.dtype(">i8")])
    labels = st.integers(0, 5)
    a, b = (
        data.draw(hnp.arrays(data.draw(dtypes), shape, elements=labels, fill=st.nothing()))
        for _ in range(2)
    )
    table = sc.overlap_table(a, b)
    assert_identical(table.ids_a, np.unique(a).astype(a.dtype.newbyteorder("=")))
    assert_identical(table.ids_b, np.unique(b).astype(b.dtype.newbyteorder("=")))
    _, masks_a = sc.Masks.from_label_map(a, None)
    _, masks_b = sc.Masks.from_label_map(b, None)
    assert_identical(table.dense(), sc.intersection_area(masks_a, masks_b))
    assert_identical(table.areas_a, masks_a.area)
    assert_identical(table.areas_b, masks_b.area)
    iou = sc.iou(masks_a, masks_b)
    assert_identical(table.iou(), iou[table.rows, table.columns])
    assert np.count_nonzero(iou) == len(table.areas)
    assert table.rows.dtype == table.columns.dtype == table.areas.dtype == np.int64


def test_a_map_without_pixels():
    table = sc.overlap_table(np.zeros((0, 4), np.uint8), np.zeros((0, 4), np.int32))
    assert table.dense().shape == (0, 0)
    assert_identical(table.iou(), np.empty(0))
    assert table.ids_a.dtype == np.uint8


def test_lists_tensors_and_layouts():
    expected = sc.overlap_table([[1, 2], [2, 2]], [[0, 0], [5, 0]])
    for array in (np.array([[1, 2], [2, 2]], order="F"), np.array([[2, 2], [1, 2]])[::-1]):
        got = sc.overlap_table(array, [[0, 0], [5, 0]])
        for field in dataclasses.fields(contingency.OverlapTable):
            assert_identical(getattr(got, field.name), getattr(expected, field.name))


def test_it_is_frozen():
    table = sc.overlap_table([[1, 2]], [[3, 3]])
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.areas = None
    with pytest.raises(ValueError, match="read-only"):
        table.areas[0] = 9


def test_a_table_that_is_too_large_is_not_made():
    labels = np.arange(20000, dtype=np.int32)[None]
    table = sc.overlap_table(labels, labels)
    with pytest.raises(ValueError, match=r"would be 20000 x 20000; use the 20000 pairs"):
        table.dense()


class OnGpu:
    __cuda_array_interface__ = None


@pytest.mark.parametrize(
    ("a", "b", "error", "message"),
    [
        ([[1.0]], [[1]], TypeError, "labels_a: expected integers, got float64"),
        ([[1]], [[True]], TypeError, "labels_b: expected integers, got bool"),
        ([1, 2], [[1, 2]], ValueError, r"labels_a: expected \(H, W\), got the shape \(2,\)"),
        ([[[1]]], [[1]], ValueError, r"labels_a: expected \(H, W\)"),
        ([[1, 2]], [[1], [2]], ValueError, r"same shape, got \(1, 2\) and \(2, 1\)"),
        ([[1], [2, 3]], [[1]], ValueError, "labels_a: expected an array"),
        ([["a"]], [["a"]], TypeError, "labels_a: expected integers"),
        ([[None]], [[1]], TypeError, "labels_a: expected integers, got object"),
        (7, [[1]], ValueError, "labels_a"),
        ([[1]], OnGpu(), TypeError, "labels_b: expected an array in CPU memory"),
    ],
)
def test_errors_name_the_map(a, b, error, message):
    with pytest.raises(error, match=message):
        sc.overlap_table(a, b)
