"""Compose masks with class ids into a semantic map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from segcore._input.arrays import (
    allocate,
    as_integer,
    as_integers,
    as_label_dtype,
    as_label_map,
    as_output,
    as_scores,
    described,
)
from segcore.backends import kernels
from segcore.masks import Masks, check_masks, unwrap


def compose_semantic(
    masks: Masks,
    class_ids: ArrayLike,
    *,
    scores: ArrayLike | None = None,
    priority: str | ArrayLike = "last",
    background: int = 0,
    dtype: DTypeLike | None = None,
    base: ArrayLike | None = None,
    out: Any = None,
) -> Any:
    """Compose overlapping masks into a semantic map.

    Parameters
    ----------
    masks : Masks
        N instances of size (H, W), which may overlap.
    class_ids : array_like
        Class id of each mask: integers, shape (N,).
    scores : array_like, optional
        Score of each mask, shape (N,). Required for, and only allowed with, ``priority="score"``.
    priority : str or array_like, default "last"
        Which mask determines the class of a pixel that several masks cover:

        - ``"last"``: the last one (painter's order);
        - ``"first"``: the first one;
        - ``"score"``: the one with the highest score, the first one in a tie;
        - ``"smallest"``: the one with the smallest area, the first one in a tie;
        - a permutation of the mask indices, shape (N,): the order in which the masks are painted,
          the last one on top.
    background : int, default 0
        Label of the pixels that no mask covers.
    dtype : dtype, optional
        Integer dtype of the result. Defaults to the smallest unsigned dtype that holds all class
        ids and the background (or all labels of `base`).
    base : array_like, optional
        Label map to paint the masks on, such as the stuff of a panoptic model: integers, shape
        (H, W). It replaces `background`, which must not be given as well, and is not modified
        unless it shares memory with `out`.
    out : array, optional
        Writable array of shape (H, W) to write the map into, with any strides and any integer
        dtype, which replaces `dtype`: a NumPy array, or a CPU tensor that shares its memory through
        DLPack (which requires NumPy 2.1 or later). All of its pixels are overwritten.

    Returns
    -------
    numpy.ndarray
        Class id of each pixel: shape (H, W), C-contiguous, with the dtype `dtype`; or `out`, if it
        is given.

    Raises
    ------
    ValueError
        If `class_ids` or `scores` does not have shape (N,); if `base` or `out` does not have shape
        (H, W); if `priority` is unknown or not a permutation; if `scores` are missing, unused or
        contain NaN; if both `background` and `base`, or both `dtype` and `out`, are given; if `out`
        is read-only; or if a label does not fit the dtype. Negative labels require a signed dtype.
    TypeError
        If `masks` is not a `Masks`; if the class ids, `base`, `dtype` or `out` are not of an
        integer dtype; or if `out` is not an array.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 1], [1, 0, 4, 1]], (1, 5))
    >>> sc.compose_semantic(masks, [7, 9])
    array([[7, 9, 9, 9, 0]], dtype=uint8)
    >>> sc.compose_semantic(masks, [7, 9], priority="smallest", background=255)
    array([[  7,   7,   9,   9, 255]], dtype=uint8)
    >>> sc.compose_semantic(masks, [7, 9], base=[[1, 1, 1, 1, 300]])
    array([[  7,   9,   9,   9, 300]], dtype=uint16)

    Write into an array that is there, such as one of a batch:

    >>> import numpy as np
    >>> batch = np.empty((2, 1, 5), np.uint8)
    >>> for labels in batch:
    ...     _ = sc.compose_semantic(masks, [7, 9], out=labels)
    >>> batch[1]
    array([[7, 9, 9, 9, 0]], dtype=uint8)
    """
    check_masks(masks)
    ids = as_integers(class_ids, "class_ids", len(masks))
    order = painting_order(masks, priority, scores)
    values = [(f"mask {i}: class id", int(ids[i])) for i in _extremes(ids)]
    if base is None:
        background = as_integer(background, "background")
        values.append(("background", background))
        labels = None
    else:
        if background != 0:
            raise ValueError("background: pass either background or base, not both")
        labels = as_label_map(base, "base", masks.size)
        values += [("base: label", int(labels.flat[i])) for i in _extremes(labels)]
    if out is None:
        result_dtype = as_label_dtype(dtype, values)
    else:
        array = _checked_output(out, masks, dtype)
        result_dtype = as_label_dtype(array.dtype, values, "out")

    colors = np.array(ids, result_dtype.newbyteorder("="))
    if out is not None:
        array[...] = background if labels is None else labels
    elif labels is not None:
        array = labels.astype(result_dtype, order="C")
    else:
        # np.zeros gets zeroed pages from the operating system, which is faster than filling.
        array = allocate(masks.size, result_dtype)
        if background:
            array.fill(background)
    kernels.paint(unwrap(masks), order, colors, array)
    return array if out is None else out


def _checked_output(out: object, masks: Masks, dtype: DTypeLike | None) -> NDArray[Any]:
    if dtype is not None:
        raise ValueError("dtype: pass either dtype or out, not both")
    array = as_output(out, "out")
    if array.shape != masks.size:
        raise ValueError(f"out: expected the shape {masks.size} of the masks, got {array.shape}")
    return array


def painting_order(
    masks: Masks, priority: str | ArrayLike, scores: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Return the order in which :func:`compose_semantic` paints: the mask on top comes last."""
    if scores is not None and not (isinstance(priority, str) and priority == "score"):
        raise ValueError('scores: only used with priority="score"')
    if not isinstance(priority, str):
        return _permutation(priority, len(masks))
    if priority == "last":
        order = np.arange(len(masks))
    elif priority == "first":
        order = np.arange(len(masks))[::-1]
    elif priority == "smallest":
        order = np.argsort(masks.area, kind="stable")[::-1]
    elif priority == "score":
        # Sort the reversed scores stably, so that the first of equal scores is painted last.
        order = len(masks) - 1 - np.argsort(_scores(scores, len(masks))[::-1], kind="stable")
    else:
        raise ValueError(
            'priority: expected "last", "first", "score", "smallest" or a permutation of the mask '
            f"indices, got {described(priority)}"
        )
    return np.ascontiguousarray(order, np.int64)


def _permutation(order: ArrayLike, count: int) -> NDArray[np.int64]:
    indices = as_integers(order, "priority", count)
    if not np.array_equal(np.sort(indices), np.arange(count)):
        raise ValueError(f"priority: expected a permutation of the mask indices 0 to {count - 1}")
    return np.array(indices, np.int64)


def _scores(scores: ArrayLike | None, count: int) -> NDArray[Any]:
    if scores is None:
        raise ValueError('scores: required with priority="score", one value per mask')
    return as_scores(scores, "scores", count)


def _extremes(values: NDArray[Any]) -> tuple[int, ...]:
    """Return the flat indices of the minimum and maximum, or () for an empty array."""
    return (int(values.argmin()), int(values.argmax())) if values.size else ()
