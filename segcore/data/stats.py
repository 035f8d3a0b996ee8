"""Statistics of a data set: counts, sizes, and what looks like a mistake."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.data.columns.segmentations import COUNTS, POLYGON, STRING, Segmentations
from segcore.data.dataset import Dataset, Sample
from segcore.data.valid import without_invalid_masks
from segcore.masks import Masks
from segcore.ops.overlap import iou

SMALL, MEDIUM = 32**2, 96**2
"""Areas from which COCO calls an object medium and large."""
NEARLY = 0.95
"""IoU from which two masks are nearly equal."""


@dataclass(frozen=True)
class Distribution:
    """The least, median, mean and greatest of some numbers; all 0 if there are none."""

    least: int
    median: float
    mean: float
    greatest: int


@dataclass(frozen=True)
class Finding:
    """How many items look like a mistake, and the name of the first one."""

    count: int
    first: str


@dataclass(frozen=True)
class ClassStatistics:
    """Numbers of a category."""

    id: Any
    name: str
    annotations: int
    images: int
    pixels: int


@dataclass(frozen=True)
class Statistics:
    """Statistics of a data set, as returned by :func:`statistics`.

    Attributes
    ----------
    images, annotations, crowds : int
        Number of images, annotations, and annotations with iscrowd.
    images_without_annotations : int
        Number of images without annotations.
    classes : tuple of ClassStatistics
        Annotations, images and pixels per category, in the order of the data set.
    small, medium, large : int
        Number of masks by area, as in COCO: below 32², below 96², and larger.
    objects_per_image, runs_per_mask : Distribution
        Annotations per image, and foreground runs per mask.
    overlapping : int
        Number of masks that have pixels in common with another mask of their image.
    findings : dict of str to Finding
        What looks like a mistake: ``"without a mask"``, ``"invalid"``, ``"of another size"`` (RLEs
        whose size is not that of their image), ``"empty"``, ``"polygons outside"`` and ``"polygons
        partly outside"`` of their image, and pairs of masks within an image that are ``"equal"`` or
        ``"nearly equal"`` (IoU of 0.95 or more).
    """

    images: int
    annotations: int
    crowds: int
    images_without_annotations: int
    classes: tuple[ClassStatistics, ...]
    small: int
    medium: int
    large: int
    objects_per_image: Distribution
    runs_per_mask: Distribution
    overlapping: int
    findings: dict[str, Finding]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as values that ``json.dumps`` accepts."""
        return asdict(self)


def statistics(dataset: Dataset) -> Statistics:
    """Compute statistics of a data set. All masks are made for it, one image at a time.

    Returns
    -------
    Statistics

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.from_coco({
    ...     "images": [{"id": 1, "file_name": "a.jpg", "height": 9, "width": 9}],
    ...     "annotations": [{"id": 5, "image_id": 1, "segmentation": [[1, 1, 4, 1, 4, 4]]}] * 2,
    ... })
    >>> found = sc.data.statistics(ds)
    >>> found.small, found.findings["equal"]
    (2, Finding(count=1, first='annotations 5 and 5 of image 1'))
    """
    findings = _Findings(dataset)
    findings.look_at_columns()
    valid, messages = without_invalid_masks(dataset)
    if messages:
        findings.add("invalid", len(messages), messages[0])
    per_class = np.zeros((3, len(dataset.categories) + 1), np.int64)
    areas, runs, overlapping = [], [], 0
    segmentations: Segmentations = valid.annotations["segmentation"]
    is_missing = segmentations.is_missing
    every_row = np.arange(len(valid.annotations))
    for image, sample in enumerate(valid):
        rows = every_row[valid.rows_of(image)]
        if valid.maps is None:
            rows = rows[~is_missing[rows]]
        if not len(rows) or min(sample.size) <= 0:
            continue
        masks = sample.masks if valid.maps is not None else segmentations[rows].masks(sample.size)
        area = masks.area
        categories = valid.annotations["category"][rows]
        np.add.at(per_class[2], categories, area)
        areas.append(area)
        runs.append(-(-np.diff(masks.offsets) // 2))
        overlapping += findings.look_at_masks(sample, valid.annotations["id"][rows], masks, area)
    all_areas = np.concatenate([np.empty(0, np.int64), *areas])
    found: Any = dataset.annotations["category"]
    np.add.at(per_class[0], found, 1)
    pairs = np.unique(np.stack([found, dataset.annotations["image"]]), axis=1)
    np.add.at(per_class[1], pairs[0], 1)
    per_image = np.bincount(dataset.annotations["image"], minlength=len(dataset))
    return Statistics(
        images=len(dataset),
        annotations=len(dataset.annotations),
        crowds=int(dataset.annotations["iscrowd"].sum()),
        images_without_annotations=int((per_image == 0).sum()),
        classes=tuple(
            ClassStatistics(category_id, name, *per_class[:, row].tolist())
            for row, (category_id, name) in enumerate(
                zip(
                    dataset.categories["id"].tolist(),
                    dataset.categories["name"].tolist(),
                    strict=True,
                )
            )
        ),
        small=int((all_areas < SMALL).sum()),
        medium=int(((all_areas >= SMALL) & (all_areas < MEDIUM)).sum()),
        large=int((all_areas >= MEDIUM).sum()),
        objects_per_image=_distribution(per_image),
        runs_per_mask=_distribution(np.concatenate([np.empty(0, np.int64), *runs])),
        overlapping=overlapping,
        findings=findings.found,
    )


def _distribution(values: NDArray[np.int64]) -> Distribution:
    if not len(values):
        return Distribution(0, 0.0, 0.0, 0)
    median, mean = float(np.median(values)), float(values.mean())
    return Distribution(int(values.min()), median, mean, int(values.max()))


class _Findings:
    """Collects what looks like a mistake."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.found: dict[str, Finding] = {}

    def add(self, what: str, count: int, first: str) -> None:
        """Count items; the name of the first one is kept."""
        if count:
            before = self.found.get(what, Finding(0, first))
            self.found[what] = Finding(before.count + count, before.first)

    def look_at_columns(self) -> None:
        """Look for what can be seen without masks."""
        dataset = self._dataset
        if dataset.maps is not None:
            return
        segmentations: Segmentations = dataset.annotations["segmentation"]
        image = dataset.annotations["image"]
        height, width = dataset.images["height"][image], dataset.images["width"][image]
        kinds = segmentations.kinds
        is_rle = (kinds == STRING) | (kinds == COUNTS)
        differs = (segmentations.heights != height) | (segmentations.widths != width)
        self._add_rows("without a mask", segmentations.is_missing)
        self._add_rows("of another size", is_rle & differs & (height > 0))
        rows = np.flatnonzero((kinds == POLYGON) & (segmentations.lengths > 0) & (height > 0))
        part = segmentations[rows].compact()
        ends = np.concatenate([np.zeros(1, np.int64), part.ring_ends])[offsets_of(part.lengths)]
        rows, starts = rows[ends[1:] > ends[:-1]], ends[:-1][ends[1:] > ends[:-1]]
        if not len(rows):
            return
        points = part.coordinates.reshape(-1, 2)
        least = np.minimum.reduceat(points, starts, axis=0)
        greatest = np.maximum.reduceat(points, starts, axis=0)
        sides = np.stack([width, height], axis=1)[rows]
        outside = ((greatest <= 0) | (least >= sides)).any(axis=1)
        partly = ((least < 0) | (greatest > sides)).any(axis=1) & ~outside
        for what, is_so in (("polygons outside", outside), ("polygons partly outside", partly)):
            selected = np.zeros(len(kinds), np.bool_)
            selected[rows[is_so]] = True
            self._add_rows(what, selected)

    def _add_rows(self, what: str, selected: NDArray[np.bool_]) -> None:
        if selected.any():
            row = int(selected.argmax())
            annotations, images = self._dataset.annotations, self._dataset.images
            image_id = images["id"][annotations["image"][row]]
            name = f"annotation {annotations['id'][row]} of image {image_id}"
            self.add(what, int(selected.sum()), name)

    def look_at_masks(
        self, sample: Sample, ids: NDArray[Any], masks: Masks, area: NDArray[np.int64]
    ) -> int:
        """Look at the masks of an image; return how many overlap others."""
        empty = np.flatnonzero(area == 0)
        if len(empty):
            name = f"annotation {ids[empty[0]]} of image {sample.image_id}"
            self.add("empty", len(empty), name)
        ratios = np.triu(iou(masks, masks), 1)
        for what, pairs in (
            ("equal", np.argwhere(ratios == 1)),
            ("nearly equal", np.argwhere((ratios >= NEARLY) & (ratios < 1))),
        ):
            if len(pairs):
                a, b = ids[pairs[0]]
                name = f"annotations {a} and {b} of image {sample.image_id}"
                self.add(what, len(pairs), name)
        return int(((ratios > 0).any(axis=0) | (ratios > 0).any(axis=1)).sum())
