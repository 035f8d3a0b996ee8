"""Hugging Face's run-length lists: ``[start, length, start, length]``, 1-based, row-major.

This is the format of ``binary_mask_to_rle`` and ``convert_segmentation_to_rle`` in transformers,
which ``post_process_instance_segmentation`` of DETR, MaskFormer, Mask2Former, OneFormer and others
returns with ``return_coco_annotation=True``. Despite its documentation, it is not COCO's format,
which is column-major and starts with background. (The RLE dicts of transformers' SAM processors are
COCO's; convert them with ``Masks.from_coco``.)
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from segcore._batch import offsets_of
from segcore._input.arrays import as_size
from segcore.formats._objects import append_integers, as_list
from segcore.formats._pairs import from_pairs, to_pairs
from segcore.formats._row_major import transposed
from segcore.masks import Masks, check_masks


def decode(objects: Iterable[Any], size: Iterable[int]) -> Masks:
    """Decode Hugging Face's run-length lists.

    Parameters
    ----------
    objects : iterable of list of int
        One list, tuple or array per mask: the 1-based start and the length of each foreground run,
        row-major, in ascending order without overlap. An empty list is an empty mask.
    size : sequence of int
        Image size (H, W).

    Returns
    -------
    Masks
        One mask per list, in the same order.

    Raises
    ------
    ValueError
        If a list has an odd number of integers, or its runs are outside the image, overlap or are
        not in ascending order. The message contains the index of the list.
    TypeError
        If an object is not a list of integers.

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
    for index, item in enumerate(as_list(objects)):
        before = len(numbers)
        append_integers(numbers, index, item, "a list of integers")
        lengths.append(len(numbers) - before)
    values = np.frombuffer(numbers, np.int64)
    return transposed(from_pairs(values, offsets_of(lengths), (width, height)))


def encode(masks: Masks) -> list[list[int]]:
    """Encode masks as Hugging Face's run-length lists.

    Parameters
    ----------
    masks : Masks
        N masks.

    Returns
    -------
    list of list of int
        One list per mask: the 1-based start and the length of each foreground run, row-major. The
        list of an empty mask is empty.

    Raises
    ------
    TypeError
        If `masks` is not a `Masks`.

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
