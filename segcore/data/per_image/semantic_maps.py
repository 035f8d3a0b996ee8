"""Semantic maps of a data set's images: composition, classes and counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._publish import FolderWriter
from segcore.backends import kernels
from segcore.data.files.pngs import label_png
from segcore.data.per_image.images import DatasetImage
from segcore.data.per_image.instance_set import Category, Instances, InstanceSet
from segcore.data.per_image.stuff_maps import StuffMaps
from segcore.data.problems import Problems
from segcore.maps.semantic import painting_order
from segcore.masks import Masks, unwrap, wrap

Regions = tuple[NDArray[Any], Masks]
"""The labels of a map, ascending and without 0, and the mask of each."""


def semantic_regions(
    instances: Instances, *, priority: str, crowd: bool, under: Regions | None = None
) -> Regions:
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
    under : tuple of numpy.ndarray and Masks, optional
        The category indices of the stuff, and the mask of each.

    Returns
    -------
    tuple of numpy.ndarray and Masks
        The category indices that are visible, ascending, and the pixels of each.
    """
    scores = instances.scores if priority == "score" else None
    order = painting_order(instances.masks, priority, scores)[::-1]
    is_crowd = instances.iscrowd[order]
    if is_crowd.any():
        crowds = np.flatnonzero(instances.iscrowd)[::-1] if crowd else order[:0]
        order = np.concatenate([order[~is_crowd], crowds])
    labels, masks = instances.category[order], instances.masks[order]
    if under is not None:
        labels = np.concatenate([labels, under[0]])
        masks = Masks.concatenate([masks, under[1]])
    visible = wrap(kernels.resolve(unwrap(masks), masks.area)[0])
    labels, regions = visible.union_by(labels)
    is_visible = regions.area > 0
    if is_visible.all():
        return labels, regions
    return labels[is_visible], regions[is_visible]


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
        Its map, as returned by `semantic_regions`.
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
    """What is counted in the maps of some images, and the PNG files that were not written."""

    pngs: list[bytes | None]
    counts: ClassCounts
    problems: Problems
    num_annotations: int


@dataclass(frozen=True)
class SemanticPainter:
    """Paints the maps of some images: a job, see :func:`segcore.distributed.run`.

    Attributes
    ----------
    priority, crowd
        As for `semantic_regions`.
    dtype : numpy.dtype
        Data type of the maps.
    colors : numpy.ndarray
        Color of each category index: uint8, shape (C + 1, 3). They are the palette of 8-bit maps.
    stuff : StuffMaps, optional
        The stuff below the annotations.
    text : dict of str to str
        Keywords of the PNGs and their texts.
    files : FolderWriter
        Writes the PNGs.
    """

    priority: str
    crowd: bool
    dtype: np.dtype[Any]
    colors: NDArray[np.uint8]
    stuff: StuffMaps | None
    text: dict[str, str]
    files: FolderWriter

    def __call__(self, source: InstanceSet) -> PaintedMaps:
        """Write the maps of all images of `source`."""
        painted = PaintedMaps([], ClassCounts(len(source.categories)), Problems(skip=True), 0)
        num_annotations = 0
        palette = self.colors if self.dtype == np.uint8 else None
        for image, instances in source.read_all():
            under = None if self.stuff is None else self.stuff.regions(image)
            regions = semantic_regions(
                instances, priority=self.priority, crowd=self.crowd, under=under
            )
            png = label_png(regions[0].astype(self.dtype), regions[1], palette, self.text)
            painted.pngs.append(self.files.write(image.map_name, png))
            painted.problems.add(instances.problems)
            count_covered(image, instances, regions, self.crowd, painted.problems)
            has_pixels = instances.masks.area > 0
            counted = instances.category[has_pixels & (self.crowd | ~instances.iscrowd)]
            painted.counts.add(regions, counted)
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
