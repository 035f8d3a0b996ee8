"""Semantic maps of a data set's images: composition, classes and counts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.per_image.instance_set import Category, DatasetImage, Instances
from segcore.data.problems import Problems
from segcore.maps.semantic import compose_semantic
from segcore.masks import Masks

_BLOCK = 2**22


def semantic_map(
    instances: Instances,
    *,
    priority: str,
    crowd: bool,
    dtype: np.dtype[Any],
    under: NDArray[Any] | None,
) -> NDArray[np.unsignedinteger]:
    """Compose the map of an image: stuff, crowds on top, and other annotations on top of these.

    Parameters
    ----------
    instances : Instances
        The annotations of the image.
    priority : str
        The annotation that wins where several overlap, as in :func:`segcore.compose_semantic`.
        Crowds are painted in the file's order.
    crowd : bool
        Whether crowds are painted.
    dtype : numpy.dtype
        Data type of the map.
    under : numpy.ndarray, optional
        Category indices of the stuff: shape (H, W).

    Returns
    -------
    numpy.ndarray
        Category indices, shape (H, W); 0 is background.
    """
    masks, indices, is_crowd = instances.masks, instances.category, instances.iscrowd
    if crowd and is_crowd.any():
        under = compose_semantic(masks[is_crowd], indices[is_crowd], dtype=dtype, base=under)
    rest = ~is_crowd
    scores = instances.scores[rest] if priority == "score" else None
    labels: NDArray[np.unsignedinteger[Any]] = compose_semantic(
        masks[rest], indices[rest], priority=priority, scores=scores, dtype=dtype, base=under
    )
    return labels


def count_covered(
    image: DatasetImage, instances: Instances, labels: NDArray[Any], crowd: bool, problems: Problems
) -> None:
    """Count the annotations of a semantic map that are hidden, and the pixels that are covered.

    Parameters
    ----------
    image : DatasetImage
        The image.
    instances : Instances
        Its annotations.
    labels : numpy.ndarray
        Its map, as returned by `semantic_map`.
    crowd : bool
        Whether crowds are painted; otherwise they are counted, too.
    problems : Problems
        Receives the numbers.
    """
    if not crowd:
        crowds = np.flatnonzero(instances.iscrowd)
        first = _named(image, instances, crowds)
        problems.leave_out(
            "crowd annotation", "not painted", len(crowds), first, "--crowd paints them", True
        )
    areas = instances.masks.area
    rows = np.flatnonzero((areas > 0) & (crowd | ~instances.iscrowd))
    if np.count_nonzero(labels) == int(areas[rows].sum()):  # nothing overlaps
        return
    found, regions = Masks.from_label_map(labels)
    index = np.searchsorted(found, instances.category[rows])
    is_there = found[np.minimum(index, len(found) - 1)] == instances.category[rows]
    visible = np.zeros(len(rows), np.int64)
    there = np.flatnonzero(is_there)
    visible[there] = (instances.masks[rows[there]] & regions[index[there]]).area
    count_hidden(image, instances, rows, visible, problems)


def count_hidden(
    image: DatasetImage,
    instances: Instances,
    rows: NDArray[np.int64],
    visible: NDArray[np.int64],
    problems: Problems,
) -> None:
    """Count the annotations without visible pixels, and the covered pixels of the others."""
    hidden = rows[visible == 0]
    option = "--priority decides which one is in front"
    first = _named(image, instances, hidden)
    problems.leave_out("annotation", "hidden by others", len(hidden), first, option)
    partly = (visible > 0) & (visible < instances.masks.area[rows])
    covered = int((instances.masks.area[rows] - visible)[partly].sum())
    first = _named(image, instances, rows[partly])
    problems.leave_out("pixel", "covered by other annotations", covered, first, option)


def _named(image: DatasetImage, instances: Instances, rows: NDArray[np.int64]) -> str:
    return f"annotation {instances.ids[rows[0]]} of {image.label}" if len(rows) else ""


class ClassCounts:
    """Counts of painted annotations, pixels and images per class: arrays of shape (C + 1,).

    Parameters
    ----------
    num_classes : int
        Number of categories C. The background has index 0.
    """

    def __init__(self, num_classes: int) -> None:
        self.instances, self.pixels, self.images = np.zeros((3, num_classes + 1), np.int64)

    def add(self, labels: NDArray[np.unsignedinteger], painted: NDArray[np.int64]) -> None:
        """Add the map of an image and the category indices of the annotations painted in it."""
        num_labels = len(self.pixels)
        pixels = np.zeros(num_labels, np.int64)
        for start in range(0, labels.size, _BLOCK):  # bincount copies its input to int64
            block = labels.ravel()[start : start + _BLOCK]
            pixels += np.bincount(block, minlength=num_labels)
        self.pixels += pixels
        self.images += pixels > 0
        self.instances += np.bincount(painted, minlength=num_labels)


def describe_classes(
    categories: list[Category], colors: NDArray[np.uint8], dtype: np.dtype[Any]
) -> dict[str, object]:
    """Return the content of ``classes.json``: the meaning of the pixel values."""
    background = {"index": 0, "category_id": None, "name": "background"}
    listed = [background] + [
        {"index": c.index, "category_id": c.id, "name": c.name} for c in categories
    ]
    kind = "indexed, with the colors below as palette"
    if dtype == np.uint16:
        kind = "grayscale: an indexed PNG has at most 256 colors"
    return {
        "png": f"{dtype.itemsize * 8}-bit {kind}",
        "classes": [
            {**item, "color": color.tolist()} for item, color in zip(listed, colors, strict=True)
        ],
    }
