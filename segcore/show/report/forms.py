"""Sizes of the forms of an image's masks, and the information that each form loses."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._text import counted, visible
from segcore.backends import kernels
from segcore.masks import Masks, unwrap, wrap


def forms_of(masks: Masks, classes: NDArray[np.integer]) -> list[dict[str, Any]]:
    """Measure masks as semantic map, instance masks and panoptic map.

    Parameters
    ----------
    masks : Masks
        N masks in painting order.
    classes : numpy.ndarray
        Class indices: integers, shape (N,).

    Returns
    -------
    list of dict
        Per form: its name, shape, dtype, number of distinct values, and size in bytes, dense and as
        COCO's compressed counts (of the masks of its labels).
    """
    height, width = masks.size
    dtype = np.min_scalar_type(int(classes.max(initial=-1)) + 1)
    from_top = masks[::-1]
    in_view = wrap(kernels.resolve(unwrap(from_top), from_top.area)[0])[::-1]
    shown = np.flatnonzero(in_view.area)
    of_segments = in_view[shown]
    of_classes = of_segments.union_by(classes[shown])[1]
    covered = int(of_segments.area.sum()) == height * width

    def form(name: str, shape: str, dtype: str, count: int, dense: int, masks: Masks) -> Any:
        return {
            "name": name,
            "shape": shape,
            "dtype": dtype,
            "values": count,
            "dense": dense,
            "rle": sum(len(rle["counts"]) for rle in masks.to_coco()),
        }

    pixels = height * width
    count = len(masks)
    size = f"{height} × {width}"
    labels = len(of_classes) + (not covered)
    ids = len(of_segments) + (not covered)
    return [
        form("Semantic", size, dtype.name, labels, pixels * dtype.itemsize, of_classes),
        form("Instance", f"{count} × {size}", "bool", 2, count * pixels, masks),
        form("Panoptic", size, "int32", ids, 4 * pixels, of_segments),
    ]


def losses_of(masks: Masks, classes: NDArray[np.integer], names: list[str]) -> list[str]:
    """Return sentences on what semantic and panoptic maps of these masks lose."""
    counts = np.bincount(classes, minlength=len(names))
    order = np.argsort(-counts, kind="stable")
    repeated = [f"{counts[i]:,} of {visible(names[i])}" for i in order.tolist() if counts[i] > 1]
    sentences = []
    if repeated:
        shown = ", ".join(repeated[:4]) + (" and others" if len(repeated) > 4 else "")
        sentences.append(
            f"The semantic map merges objects of the same class: {shown} share one label each."
        )
    hidden = int(masks.area.sum()) - int(masks.union().area[0])
    if hidden:
        sentences.append(
            f"Masks overlap, with {counted(hidden, 'pixel')} hidden below other masks. Instance "
            "masks keep them; semantic and panoptic maps, with one value per pixel, do not."
        )
    return sentences
