"""Transposition of masks: in NumPy, which takes all masks of a batch at once."""

from __future__ import annotations

from segcore._batch import Batch
from segcore.backends.numba.reverse import reverse
from segcore.backends.reference.transpose import exchanged


def transpose(batch: Batch, rows: bool = False, columns: bool = False) -> Batch:
    """Exchange rows and columns, then reverse the order of the rows or columns of the result."""
    transposed = exchanged(batch)
    return reverse(transposed, rows, columns) if rows or columns else transposed
