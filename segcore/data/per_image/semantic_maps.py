"""Semantic maps of a data set's images: composition, classes and counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.files.pngs import label_png
from segcore.data.per_image.instance_set import Category, DatasetImage, Instances, InstanceSet
from segcore.data.per_image.stuff_maps import StuffMaps
from segcore.data.problems import Problems
from segcore.maps.semantic import compose_semantic
from segcore.masks import Masks

Regions = tuple[NDArray[Any], Masks]
"""The labels of a map, ascending and without 0, and the mask of each."""


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
    image: DatasetImage, instances: Instances, regions: Regions, crowd: bool, problems: Problems
) -> None:
    """Count the annotations of a semantic map that are hidden, and the pixels that are covered.

    Parameters
    ----------
    image : DatasetImage
        The image.
    instances : Instances
        Its annotations.
    regions : tuple of numpy.ndarray and Masks
        The labels of its map, as returned by `semantic_map`, and the mask of each.
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
    found, visible_masks = regions
    if visible_masks.area.sum() == areas[rows].sum():  # nothing overlaps
        return
    index = np.searchsorted(found, instances.category[rows])
    is_there = found[np.minimum(index, len(found) - 1)] == instances.category[rows]
    visible = np.zeros(len(rows), np.int64)
    there = np.flatnonzero(is_there)
    visible[there] = (instances.masks[rows[there]] & visible_masks[index[there]]).area
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

    def add(self, regions: Regions, painted: NDArray[np.int64]) -> None:
        """Add the map of an image and the category indices of the annotations painted in it."""
        labels, masks = regions
        pixels = np.zeros(len(self.pixels), np.int64)
        pixels[labels] = masks.area
        pixels[0] = masks.size[0] * masks.size[1] - masks.area.sum()
        self.pixels += pixels
        self.images += pixels > 0
        self.instances += np.bincount(painted, minlength=len(pixels))

    def __iadd__(self, other: ClassCounts) -> ClassCounts:
        """Add the counts of other images."""
        self.instances += other.instances
        self.pixels += other.pixels
        self.images += other.images
        return self


@dataclass(frozen=True)
class PaintedMaps:
    """The maps of some images as PNG files, and what is counted in them."""

    pngs: list[bytes]
    counts: ClassCounts
    problems: Problems
    num_annotations: int


@dataclass(frozen=True)
class SemanticPainter:
    """Paints the maps of some images: a job, see :func:`segcore.distributed.run`.

    Attributes
    ----------
    priority, crowd, dtype
        As for `semantic_map`.
    colors : numpy.ndarray
        Color of each category index: uint8, shape (C + 1, 3). They are the palette of 8-bit maps.
    stuff : StuffMaps, optional
        The stuff below the annotations.
    text : dict of str to str
        Keywords of the PNGs and their texts.
    """

    priority: str
    crowd: bool
    dtype: np.dtype[Any]
    colors: NDArray[np.uint8]
    stuff: StuffMaps | None
    text: dict[str, str]

    def __call__(self, source: InstanceSet) -> PaintedMaps:
        """Return the maps of all images of `source`."""
        painted = PaintedMaps([], ClassCounts(len(source.categories)), Problems(skip=True), 0)
        num_annotations = 0
        palette = self.colors if self.dtype == np.uint8 else None
        for image in source.images:
            instances = source.read(image)
            labels = semantic_map(
                instances,
                priority=self.priority,
                crowd=self.crowd,
                dtype=self.dtype,
                under=None if self.stuff is None else self.stuff.indices(image, self.dtype),
            )
            painted.pngs.append(label_png(labels, palette, self.text))
            regions = Masks.from_label_map(labels)
            painted.problems.add(instances.problems)
            count_covered(image, instances, regions, self.crowd, painted.problems)
            painted.counts.add(regions, instances.category[self.crowd | ~instances.iscrowd])
            num_annotations += len(instances)
        return replace(painted, num_annotations=num_annotations)


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
