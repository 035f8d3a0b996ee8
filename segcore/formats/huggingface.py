"""Hugging Face's run-length lists: ``[start, length, start, length]``, 1-based, row by row.

The format that the image processors of transformers give for segments: ``binary_mask_to_rle`` and
``convert_segmentation_to_rle``, which ``post_process_instance_segmentation`` of DETR, MaskFormer,
Mask2Former, OneFormer and others applies with ``return_coco_annotation=True``. Their documentation
calls it COCO's, which it is not: COCO's runs go down the columns, and begin with background.
(The run-length dicts of transformers' SAM processors are COCO's: Masks.from_coco reads those.)
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from segcore._input.arrays import as_size
from segcore.formats._objects import append_integers, as_list, as_offsets
from segcore.formats._pairs import from_pairs, to_pairs
from segcore.formats._row_major import transposed
from segcore.masks import Masks, check_masks


def decode(objects: Iterable[Any], size: Iterable[int]) -> Masks:
    """Read Hugging Face's lists.

    Parameters
    ----------
    objects : iterable of list of int
        One list (or tuple, or array) a mask: the 1-based first pixel and the length of each run of
        foreground, row by row, ascending, without overlap. An empty mask is an empty list.
    size : sequence of int
        (H, W).

    Returns
    -------
    Masks
        In the order of the lists.

    Raises
    ------
    ValueError
        For an odd number of numbers, pixels outside the image, and runs that overlap or do not
        ascend. The message names the list by its index.
    TypeError
        For what is no list of integers.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.formats.huggingface.decode([[2, 2, 6, 1], []], (2, 4)).to_dense(int)[0]
    array([[0, 1, 1, 0],
           [0, 1, 0, 0]])
    """
    height, width = as_size(size)
    numbers: array[int] = array("q")
    lengths = []
    for place, item in enumerate(as_list(objects)):
        before = len(numbers)
        append_integers(numbers, place, item, "a list of integers")
        lengths.append(len(numbers) - before)
    values = np.frombuffer(numbers, np.int64)
    return transposed(from_pairs(values, as_offsets(lengths), (width, height)))


def encode(masks: Masks) -> list[list[int]]:
    """Write Hugging Face's lists.

    Parameters
    ----------
    masks : Masks
        N masks.

    Returns
    -------
    list of list of int
        One list a mask: the 1-based first pixel and the length of each run of foreground, row by
        row. The list of an empty mask is empty.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.formats.huggingface.encode(sc.Masks.from_boxes([[1, 1, 3, 3], [0, 0, 0, 0]], (4, 6)))
    [[8, 2, 14, 2], []]
    """
    check_masks(masks)
    numbers, offsets = to_pairs(transposed(masks))
    values = numbers.tolist()
    return [values[start:end] for start, end in pairwise(offsets.tolist())]
