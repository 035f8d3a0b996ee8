"""Masks and their classes to one label map."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from segcore.arrays import as_array, as_integer, as_integers, as_scores, described
from segcore.backends import kernels
from segcore.masks import Masks, check_masks


def compose_semantic(
    masks: Masks,
    class_ids: ArrayLike,
    *,
    scores: ArrayLike | None = None,
    priority: str | ArrayLike = "last",
    background: int = 0,
    dtype: DTypeLike | None = None,
    under: ArrayLike | None = None,
) -> NDArray[Any]:
    """Paint instances into a semantic map: the class of each pixel.

    Parameters
    ----------
    masks : Masks
        The instances, N of size (H, W). They may overlap.
    class_ids : array_like
        Integers (N,): the value of each mask's pixels.
    scores : array_like, optional
        Numbers (N,), for the priority ``"score"`` and no other.
    priority : str or array_like, default "last"
        Which mask a pixel belongs to when several cover it:

        - ``"last"``: the one that comes last (painter's order);
        - ``"first"``: the one that comes first;
        - ``"score"``: the one of the highest score, the earlier one in a tie;
        - ``"smallest"``: the one of the smallest area, the earlier one in a tie;
        - an array (N,), a permutation of the masks' indices: they are painted in that order, so
          the last of it lies on top.
    background : int, default 0
        The value of the pixels that no mask covers.
    dtype : dtype, optional
        An integer type for the result. By default the smallest unsigned one that holds all class
        ids and the background, or all labels of ``under``.
    under : array_like, optional
        Integers (H, W): a label map that lies under the masks, such as the stuff of a panoptic
        model. It takes the place of a background: its labels stay where no mask lies. It is not
        written to.

    Returns
    -------
    numpy.ndarray
        (H, W), C-contiguous.

    Raises
    ------
    ValueError
        If lengths or sizes do not match, if a priority is unknown or no permutation, if a score
        is missing or NaN, if both ``background`` and ``under`` are given, or if a value does not
        fit into the dtype; negative values need a signed one to be given.
    TypeError
        If class ids, labels or dtype are no integers.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 2, 1], [1, 0, 4, 1]], (1, 5))
    >>> sc.compose_semantic(masks, [7, 9])
    array([[7, 9, 9, 9, 0]], dtype=uint8)
    >>> sc.compose_semantic(masks, [7, 9], priority="smallest", background=255)
    array([[  7,   7,   9,   9, 255]], dtype=uint8)
    >>> sc.compose_semantic(masks, [7, 9], under=[[1, 1, 1, 1, 300]])
    array([[  7,   9,   9,   9, 300]], dtype=uint16)
    """
    check_masks(masks)
    ids = as_integers(class_ids, "class_ids", len(masks))
    order = painting_order(masks, priority, scores)
    values = [(f"mask {i}: class id", int(ids[i])) for i in _extremes(ids)]
    if under is None:
        background = as_integer(background, "background")
        values.append(("background", background))
        base = None
    else:
        if background != 0:
            raise ValueError("background: it has no place where a map lies under the masks")
        base = _label_map(under, masks.size)
        values += [("under: label", int(base.flat[i])) for i in _extremes(base)]
    result_dtype = _dtype(dtype, values)

    if base is None:
        # Zeros come from the system without being written.
        out = np.zeros(masks.size, result_dtype)
        if background:
            out.fill(background)
    else:
        out = base.astype(result_dtype, order="C")
    native = result_dtype.newbyteorder("=")
    kernels.paint(masks.run_ends, masks.offsets, order, np.ascontiguousarray(ids, native), out)
    return out


def painting_order(
    masks: Masks, priority: str | ArrayLike, scores: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Return the order in which :func:`compose_semantic` paints: the mask on top comes last."""
    if scores is not None and not (isinstance(priority, str) and priority == "score"):
        raise ValueError('scores: they are used with priority="score" alone')
    if not isinstance(priority, str):
        return _permutation(priority, len(masks))
    if priority == "last":
        order = np.arange(len(masks))
    elif priority == "first":
        order = np.arange(len(masks))[::-1]
    elif priority == "smallest":
        order = np.argsort(masks.area, kind="stable")[::-1]
    elif priority == "score":
        # Reversed before a stable sort, so that of equal scores the earlier comes last.
        order = len(masks) - 1 - np.argsort(_scores(scores, len(masks))[::-1], kind="stable")
    else:
        raise ValueError(
            'priority: expected "last", "first", "score", "smallest" or an order of the masks, '
            f"got {described(priority)}"
        )
    return np.ascontiguousarray(order, np.int64)


def _permutation(order: ArrayLike, count: int) -> NDArray[np.int64]:
    indices = as_integers(order, "priority", count)
    if not np.array_equal(np.sort(indices), np.arange(count)):
        raise ValueError(
            f"priority: expected each index from 0 to {count - 1} once, so a permutation"
        )
    return np.ascontiguousarray(indices, np.int64)


def _scores(scores: ArrayLike | None, count: int) -> NDArray[Any]:
    if scores is None:
        raise ValueError('scores: priority="score" needs them, one a mask')
    return as_scores(scores, "scores", count)


def _label_map(under: ArrayLike, size: tuple[int, int]) -> NDArray[Any]:
    labels = as_array(under, "under")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"under: expected a label map of integers, got {labels.dtype}")
    if labels.shape != size:
        raise ValueError(f"under: expected the masks' size {size}, got the shape {labels.shape}")
    return labels


def _extremes(values: NDArray[Any]) -> tuple[int, ...]:
    """Give the flat indices of the least and the greatest value, if there are any."""
    return (int(values.argmin()), int(values.argmax())) if values.size else ()


def _dtype(dtype: DTypeLike | None, values: list[tuple[str, int]]) -> np.dtype[Any]:
    """Choose the smallest unsigned dtype unless one is given, and check that all values fit."""
    if dtype is None:
        result = np.min_scalar_type(min(max([0, *(value for _, value in values)]), 2**64 - 1))
    else:
        result = np.dtype(dtype)
    if result.kind not in "iu":
        raise TypeError(f"dtype: expected one of integers, got {result}")
    limits = np.iinfo(result)
    for name, value in values:
        if not limits.min <= value <= limits.max:
            which = "a signed" if value < 0 else "a larger"
            raise ValueError(f"{name} {value} does not fit into {result}; pass {which} dtype")
    return result
