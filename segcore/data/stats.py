"""Statistics of a data set: counts, sizes, and what looks like a mistake."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.data.coco.stream import Progress
from segcore.data.columns.segmentations import COUNTS, POLYGON, STRING, Segmentations
from segcore.data.columns.table import Table
from segcore.data.dataset import Dataset, Sample, annotation_names
from segcore.data.mapping import engine_of, map
from segcore.data.valid import without_invalid_masks
from segcore.masks import Masks
from segcore.ops.overlap import iou

SMALL, MEDIUM = 32**2, 96**2
"""Areas from which COCO calls an object medium and large."""
NEARLY = 0.95
"""IoU from which two masks are nearly equal."""
FINDINGS = (
    *("without a mask", "of another size", "polygons outside", "polygons partly outside"),
    *("invalid", "empty", "equal", "nearly equal"),
)
"""What looks like a mistake, in the order in which it is listed."""


@dataclass(frozen=True)
class Distribution:
    """Minimum, median, mean and maximum of some numbers; all 0 if there are none."""

    least: int
    median: float
    mean: float
    greatest: int


@dataclass(frozen=True)
class Finding:
    """The number of items that look like a mistake, and the name of the first one."""

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


def statistics(
    dataset: Dataset,
    *,
    workers: int | None = 1,
    client: Any = None,
    progress: Progress | None = None,
) -> Statistics:
    """Compute statistics of a data set. This computes all masks, one image at a time.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    workers : int or None, default 1
        Number of processes; None for one per core. See :func:`segcore.data.map`.
    client : dask.distributed.Client or concurrent.futures.Executor, optional
        Does the work instead of local processes; `workers` is then ignored.
    progress : callable, optional
        Called with the number of images done and their total.

    Returns
    -------
    Statistics
        The same for any number of processes. The first item of each finding is from the image with
        the lowest id.

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
    total = _Counts(len(dataset.categories))
    for part in map(dataset, _counts, progress=progress, **engine_of(workers, client)):
        total += part
    return total.statistics(dataset.categories)


class _Counts:
    """What is counted in a part of a data set, for C categories; counts of parts can be added."""

    def __init__(self, num_classes: int) -> None:
        self.images = self.annotations = self.crowds = self.overlapping = 0
        self.images_without_annotations = 0
        self.by_size = np.zeros(3, np.int64)
        self.per_class = np.zeros((3, num_classes + 1), np.int64)  # the last one: without a class
        self.objects_per_image: Counter[int] = Counter()
        self.runs_per_mask: Counter[int] = Counter()
        self.findings: dict[str, Finding] = {}

    def __iadd__(self, other: _Counts) -> _Counts:
        """Add the counts of a part that follows."""
        for name, value in vars(other).items():
            if name != "findings":
                setattr(self, name, getattr(self, name) + value)
        for what, finding in other.findings.items():
            before = self.findings.get(what, Finding(0, finding.first))
            self.findings[what] = Finding(before.count + finding.count, before.first)
        return self

    def statistics(self, categories: Table) -> Statistics:
        """Return the statistics of a data set with these categories."""
        small, medium, large = self.by_size.tolist()
        named = zip(categories["id"].tolist(), categories["name"].tolist(), strict=True)
        return Statistics(
            images=self.images,
            annotations=self.annotations,
            crowds=self.crowds,
            images_without_annotations=self.images_without_annotations,
            classes=tuple(
                ClassStatistics(category_id, name, *self.per_class[:, row].tolist())
                for row, (category_id, name) in enumerate(named)
            ),
            small=small,
            medium=medium,
            large=large,
            objects_per_image=_distribution(self.objects_per_image),
            runs_per_mask=_distribution(self.runs_per_mask),
            overlapping=self.overlapping,
            findings={what: self.findings[what] for what in FINDINGS if what in self.findings},
        )


def _counts(dataset: Dataset) -> _Counts:
    """Count a part of a data set."""
    counts = _Counts(len(dataset.categories))
    findings = _Findings(dataset)
    findings.look_at_columns()
    valid, messages = without_invalid_masks(dataset)
    if messages:
        findings.add("invalid", len(messages), messages[0])
    segmentations: Segmentations = valid.annotations["segmentation"]
    is_missing = segmentations.is_missing
    every_row = np.arange(len(valid.annotations))
    for image, sample in enumerate(valid):
        rows = every_row[valid.rows_of(image)]
        if valid.maps is None:
            rows = rows[~is_missing[rows]]
        if not len(rows) or min(sample.size) <= 0:
            continue
        ids = valid.annotations["id"][rows]
        name = annotation_names(ids, sample.image_id)
        masks = (
            sample.masks
            if valid.maps is not None
            else segmentations[rows].masks(sample.size, name, valid.source)
        )
        area = masks.area
        np.add.at(counts.per_class[2], valid.annotations["category"][rows], area)
        counts.by_size += np.bincount(np.searchsorted((SMALL, MEDIUM), area, "right"), minlength=3)
        counts.runs_per_mask.update((-(-np.diff(masks.offsets) // 2)).tolist())
        counts.overlapping += findings.look_at_masks(sample, ids, masks, area)
    found: Any = dataset.annotations["category"]
    np.add.at(counts.per_class[0], found, 1)
    pairs = np.unique(np.stack([found, dataset.annotations["image"]]), axis=1)
    np.add.at(counts.per_class[1], pairs[0], 1)
    per_image = np.bincount(dataset.annotations["image"], minlength=len(dataset))
    counts.images, counts.annotations = len(dataset), len(dataset.annotations)
    counts.crowds = int(dataset.annotations["iscrowd"].sum())
    counts.images_without_annotations = int((per_image == 0).sum())
    counts.objects_per_image.update(per_image.tolist())
    counts.findings = findings.found
    return counts


def _distribution(counts: Counter[int]) -> Distribution:
    """Return the distribution of values, given how often each value occurs."""
    if not counts:
        return Distribution(0, 0.0, 0.0, 0)
    values = sorted(counts)
    ends = np.cumsum([counts[value] for value in values])
    number = int(ends[-1])
    middle = np.searchsorted(ends, [(number - 1) // 2, number // 2], "right").tolist()
    median = (values[middle[0]] + values[middle[1]]) / 2
    mean = sum(value * count for value, count in counts.items()) / number
    return Distribution(values[0], median, mean, values[-1])


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
            annotations, images = self._dataset.annotations, self._dataset.images
            rows = np.flatnonzero(selected)
            row = int(rows[annotations["image"][rows].argmin()])
            image_id = images["id"][annotations["image"][row]]
            name = annotation_names(annotations["id"], image_id)(row)
            self.add(what, int(selected.sum()), name)

    def look_at_masks(
        self, sample: Sample, ids: NDArray[Any], masks: Masks, area: NDArray[np.int64]
    ) -> int:
        """Look at the masks of an image; return how many overlap others."""
        empty = np.flatnonzero(area == 0)
        if len(empty):
            name = annotation_names(ids, sample.image_id)(int(empty[0]))
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
