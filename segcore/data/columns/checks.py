"""Checks of the arrays that columns consist of. Those of an unpickled column may be anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from segcore._input.arrays import described


def column_array(value: object, dtype: DTypeLike, name: str) -> NDArray[Any]:
    """Return a 1-D array as read-only and contiguous. Raise TypeError unless it has `dtype`."""
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.ndim != 1:
        raise TypeError(
            f"{name}: expected a 1-D array of {np.dtype(dtype)}, got {described(value)}"
        )
    return read_only(np.require(value, requirements=("C", "A")))


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


def is_among(codes: NDArray[np.uint8], values: Iterable[int]) -> NDArray[np.bool_]:
    """Return which codes are among the values, as ``numpy.isin``, which takes longer."""
    table = np.zeros(256, np.bool_)
    table[list(values)] = True
    return table[codes]


# numpy.unique imports numpy.ma, which takes 9 MB and longer than opening a data set.


def are_distinct(values: NDArray[Any]) -> bool:
    """Return whether no value occurs twice."""
    ordered = np.sort(values)
    return not np.count_nonzero(ordered[1:] == ordered[:-1])


def distinct(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the sorted distinct values, and the index of each value among them."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    is_new = np.ones(len(ordered), np.bool_)
    is_new[1:] = ordered[1:] != ordered[:-1]
    index = np.empty(len(ordered), np.int64)
    index[order] = np.cumsum(is_new) - 1
    return ordered[is_new], index


def check_parts(
    starts: NDArray[np.int64], lengths: NDArray[np.int64], size: int | NDArray[np.int64], what: str
) -> None:
    """Raise ValueError unless each row has a start and a length within a buffer of that size."""
    bad = (starts < 0) | (lengths < 0) | (starts > size) | (lengths > size - starts)
    if bad.any():
        row = int(bad.argmax())
        limit = size if isinstance(size, int) else int(size[row])
        raise ValueError(
            f"row {row}: expected a part of the {limit} {what}, got start {starts[row]} and length "
            f"{lengths[row]}"
        )


def check_lengths(arrays: dict[str, int], count: int) -> None:
    """Raise ValueError unless all arrays have `count` rows."""
    for name, length in arrays.items():
        if length != count:
            raise ValueError(f"{name}: expected {count} values, one per row, got {length}")
