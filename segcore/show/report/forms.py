"""What the forms of one picture's masks are, side by side, and what each leaves out."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.maps.ids import to_rgb
from segcore.maps.semantic import compose_semantic
from segcore.masks import Masks


def forms_of(masks: Masks, classes: NDArray[np.integer]) -> list[dict[str, Any]]:
    """Measure the semantic map, the instance masks and the panoptic map of some objects.

    Parameters
    ----------
    masks : Masks
        N masks in the order of painting.
    classes : numpy.ndarray
        Integers (N,), from 0 on.

    Returns
    -------
    list of dict
        Of each form its name, shape, dtype, the number of different values, and bytes: dense, as
        COCO's compressed run lengths (those of the labels' masks) and as PNG. An instance PNG is a
        map of the objects' numbers, where they do not overlap.
    """
    height, width = masks.size
    segments = compose_semantic(masks, np.arange(1, len(masks) + 1))
    values = np.concatenate([[0], np.asarray(classes) + 1])
    semantic = values.astype(np.min_scalar_type(int(values.max())))[segments]
    of_classes = Masks.from_label_map(semantic)[1]
    of_segments = Masks.from_label_map(segments)[1]
    covered = int(of_segments.area.sum()) == height * width

    def form(
        name: str, shape: str, dtype: str, count: int, dense: int, rle: Masks, png: int
    ) -> Any:
        return {
            "name": name,
            "shape": shape,
            "dtype": dtype,
            "values": count,
            "dense": dense,
            "rle": sum(len(each["counts"]) for each in rle.to_coco()),
            "png": png,
        }

    pixels = height * width
    many = len(masks)
    size = f"{height} × {width}"
    labels = len(of_classes) + (not covered)
    ids = len(of_segments) + (not covered)
    number = np.uint8 if many < 256 else np.uint16
    return [
        form(
            *("Semantic", size, semantic.dtype.name, labels, pixels * semantic.itemsize),
            *(of_classes, _png_bytes(semantic)),
        ),
        form(
            *("Instance", f"{many} × {size}", "bool", 2, many * pixels, masks),
            _png_bytes(segments.astype(number)),
        ),
        form(
            *("Panoptic", size, "int32", ids, 4 * pixels, of_segments),
            _png_bytes(to_rgb(segments.astype(np.int32))),
        ),
    ]


def losses_of(masks: Masks, classes: NDArray[np.integer], names: list[str]) -> list[str]:
    """Say in sentences what a semantic map and a panoptic one lose of these masks."""
    counts = np.bincount(classes, minlength=len(names))
    several = [f"{counts[i]} of {names[i]}" for i in np.argsort(-counts, kind="stable").tolist()]
    several = several[: int((counts > 1).sum())]
    sentences = []
    if several:
        shown = ", ".join(several[:4]) + (" and others" if len(several) > 4 else "")
        sentences.append(
            f"The semantic map does not tell things of one class apart: {shown} become one label "
            "each."
        )
    hidden = int(masks.area.sum()) - int(masks.union().area[0])
    if hidden:
        sentences.append(
            f"Masks overlap: {hidden:,} pixels of them lie under others. Instance masks keep them; "
            "a semantic and a panoptic map have one value a pixel, and do not."
        )
    return sentences


def _png_bytes(picture: NDArray[Any]) -> int:
    """Encode a map as PNG, and say how long that is."""
    from PIL import Image

    if picture.size == 0:
        return 0
    if picture.dtype.itemsize > 2:
        picture = to_rgb(picture.astype(np.int32))
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.tell()
