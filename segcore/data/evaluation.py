"""Evaluation of results: add the true and detected objects of two data sets to metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._text import counted
from segcore.data.columns.fields import describe
from segcore.data.columns.ids import sorted_ids
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import Table
from segcore.data.dataset import Dataset
from segcore.data.lvis import INCOMPLETE, NEGATIVE, listed_categories
from segcore.errors import MaskError
from segcore.masks import Masks
from segcore.metrics import DetectionMetric
from segcore.metrics.matching import (
    FoundObjects,
    ImageClasses,
    TrueObjects,
    listed_classes,
)

ANNOTATIONS = 24_576
"""Number of annotations whose columns are in memory at a time, unless an image has more.

With a third of this, evaluation takes 15 % longer and the same memory."""


def evaluate(
    truth: Dataset,
    prediction: Dataset,
    metrics: Sequence[DetectionMetric],
) -> None:
    """Add the detections of all images to each metric; see :func:`segcore.data.evaluate`."""
    ids = category_ids(truth, prediction)
    compared = {metric.iou for metric in metrics}
    if compared != {"box"}:  # label maps are read image by image
        truth, prediction = (
            dataset if dataset.maps is None else dataset.with_rle()
            for dataset in (truth, prediction)
        )
    if "box" in compared:
        with _in_file(truth):
            boxes = truth.filled_boxes()
        truth = truth.with_annotations(truth.annotations.replace(bbox=boxes))
    with _in_file(prediction):
        prediction = _measured(prediction, "box" in compared)
    found_rows = found_images(truth, prediction)
    for images in _parts(truth, prediction, found_rows):
        positions = np.flatnonzero(found_rows[images] >= 0)
        true = _Part(truth, images, np.arange(len(images)), ids and ids[0])
        found = _Part(prediction, found_rows[images[positions]], positions, ids and ids[1])
        for metric in metrics:
            _add(metric, true, found)


def _measured(prediction: Dataset, with_boxes: bool) -> Dataset:
    """Return a prediction with the areas of its detections and, if they are compared, boxes.

    For lists of results, areas are computed by the rule of pycocotools' ``loadRes``; other data
    sets keep their areas. NaN stands for the area of the mask or box that is compared.
    """
    columns: dict[str, Any] = {}
    rule = prediction.result_areas
    if with_boxes or rule == "box":
        columns["bbox"] = prediction.filled_boxes()
    if rule == "box":
        with np.errstate(over="ignore"):  # an area may be infinite
            columns["area"] = columns["bbox"][:, 2] * columns["bbox"][:, 3]
    elif rule == "mask":
        unknown = np.full(len(prediction.annotations), np.nan)
        columns["area"] = prediction.mask_areas() if with_boxes else unknown
    if not columns:
        return prediction
    return prediction.with_annotations(prediction.annotations.replace(**columns))


def _add(metric: DetectionMetric, true: _Part, found: _Part) -> None:
    """Add the images of a part to a metric."""
    lists, crowd = {}, true.annotations["iscrowd"]
    if metric.protocol == "lvis":
        crowd = np.zeros(len(crowd), np.bool_)
        lists["negative"] = true.listed(NEGATIVE)
        lists["incomplete"] = true.listed(INCOMPLETE)
    if metric.iou != "box":
        _check_sizes(true, found)
    ids = true.annotations["id"]
    metric.add(
        true.dataset.images["id"][true.images].tolist(),
        TrueObjects(
            true.image,
            true.classes(),
            true.annotations["area"],
            true.shapes(metric.iou),
            crowd,
            np.ones(len(ids), np.bool_) if ids.dtype == object else ids != 0,
        ),
        FoundObjects(
            found.image,
            found.classes(),
            found.annotations["area"],
            found.shapes(metric.iou),
            found.scores(),
        ),
        sizes=true.size_numbers if metric.iou != "box" else None,
        **lists,
    )


class _Part:
    """The annotations of some images of a data set, grouped by image.

    `positions` are the indices, ascending, of the images in the part of the truth, and `ids` are
    the ids of the categories, if classes count.
    """

    def __init__(
        self,
        dataset: Dataset,
        images: NDArray[np.int64],
        positions: NDArray[np.int64],
        ids: NDArray[np.int64] | None,
    ) -> None:
        self.dataset = dataset
        self.images = images
        self.positions = positions
        self._ids = ids
        self.annotations: Table = dataset.annotations_of(images)[0]
        place = np.full(len(dataset), -1, np.int64)
        place[images] = np.arange(len(images))
        self._rows = place[self.annotations["image"]]  # indices in `images`
        self.image = positions[self._rows]
        self.sizes = _sizes(dataset)[images]

    @property
    def size_numbers(self) -> NDArray[np.int64]:
        """Index of the size of each image."""
        changes = (self.sizes[1:] != self.sizes[:-1]).any(axis=1)
        return offsets_of(changes)[: len(self.sizes)]

    def classes(self) -> NDArray[np.int64]:
        """Return the class id of each annotation."""
        categories: NDArray[np.int64] = self.annotations["category"]
        if self._ids is None:
            return np.zeros(len(categories), np.int64)
        self._refuse(categories < 0, "expected a category, got none")
        return self._ids[categories]

    def listed(self, name: str) -> ImageClasses:
        """Return the indices of images and the class ids in their lists of that name."""
        lists = [listed_categories(self.dataset, image, name) for image in self.images.tolist()]
        return listed_classes([np.array(ids, np.int64) for ids in lists])

    def scores(self) -> NDArray[np.float64]:
        """Return the score of each annotation."""
        scores: NDArray[np.float64] = self.annotations["score"]
        self._refuse(np.isnan(scores), "expected a score, got none")
        return scores

    def boxes(self) -> NDArray[np.float64]:
        """Return the box of each annotation."""
        boxes: NDArray[np.float64] = self.annotations["bbox"]
        self._refuse(np.isnan(boxes).any(axis=1), "expected a bbox or a mask, got neither")
        return boxes

    def masks(self, rows: NDArray[np.int64]) -> Masks:
        """Return the masks of annotations of images of the same size."""
        height, width = self.sizes[self._rows[rows[0]]].tolist()
        if height <= 0 or width <= 0:
            image = self.dataset.images["id"][self.images[self._rows[rows[0]]]]
            where = self._located(f"image {image}")
            raise ValueError(
                f"{where}: its size is unknown; for results, pass the data set that they belong "
                "to: read(path, dataset=...)"
            )
        segmentations: Segmentations = self.annotations["segmentation"][rows]

        def name(row: int) -> str:
            return self._name(int(rows[row]))

        with _in_file(self.dataset):
            return segmentations.masks((height, width), name, self.dataset.source)

    def shapes(self, iou: str) -> Any:
        """Return the function from rows to their boxes or masks."""
        return self.boxes().__getitem__ if iou == "box" else self.masks

    def _refuse(self, invalid: Any, message: str) -> None:
        if invalid.any():
            raise ValueError(f"{self._located(self._name(int(invalid.argmax())))}: {message}")

    def _located(self, name: str) -> str:
        """Return a name in messages, after the name of its file if there is one."""
        return f"{self.dataset.source}: {name}" if self.dataset.source else name

    def _name(self, row: int) -> str:
        image = self.dataset.images["id"][self.images[self._rows[row]]]
        return f"annotation {self.annotations['id'][row]} of image {image}"


@contextmanager
def _in_file(dataset: Dataset) -> Iterator[None]:
    """Add the name of a data set's file to errors about its masks."""
    try:
        yield
    except MaskError as error:
        if not dataset.source:
            raise
        label = f"{dataset.source}: {error.label}"
        raise MaskError(error.index, error.detail, error.argument, label, error.position) from None


def found_images(truth: Dataset, prediction: Dataset) -> NDArray[np.int64]:
    """Return the index of each image of the truth in the prediction, or -1."""
    if prediction.images is truth.images:
        return np.arange(len(truth))
    found = {image: index for index, image in enumerate(prediction.images["id"].tolist())}
    return np.array([found.get(image, -1) for image in truth.images["id"].tolist()], np.int64)


def _parts(
    truth: Dataset, prediction: Dataset, found_rows: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """Yield the indices of the images of each part; images of the same size are adjacent.

    Images are distributed in the order of their ids, which is that of Parquet files.
    """
    counts = np.bincount(truth.annotations["image"], minlength=len(truth))
    of_found = np.bincount(prediction.annotations["image"], minlength=len(prediction))
    counts += np.append(of_found, 0)[found_rows]  # the last one is for images without detections
    images = sorted_ids(truth.images["id"])
    number = (np.cumsum(counts[images]) - 1) // ANNOTATIONS
    sizes = _sizes(truth)
    for part in np.split(images, np.flatnonzero(np.diff(number)) + 1):
        if len(part):
            yield part[np.lexsort(sizes[part].T)]


def _sizes(dataset: Dataset) -> NDArray[np.int64]:
    """Return the size of each image: shape (N, 2)."""
    return np.column_stack([dataset.images["height"], dataset.images["width"]])


def _check_sizes(true: _Part, found: _Part) -> None:
    """Raise ValueError if images with detections do not have the size of those of the truth."""
    expected = true.sizes[found.positions]
    differs = (found.sizes != expected).any(axis=1) & (found.sizes > 0).all(axis=1)
    with_detections = np.zeros(len(found.images), np.bool_)
    with_detections[np.searchsorted(found.positions, found.image)] = True
    wrong = np.flatnonzero(differs & with_detections)
    if len(wrong):
        image = found.dataset.images["id"][found.images[wrong[0]]]
        size, of_truth = (tuple(sizes[wrong[0]].tolist()) for sizes in (found.sizes, expected))
        raise ValueError(
            f"{found.dataset.source or 'prediction'}: image {image} has the size {size}, but "
            f"{of_truth} in the truth"
        )


def category_ids(
    truth: Dataset, prediction: Dataset
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the ids of the categories of both data sets; None if one of them has none."""
    if not (len(truth.categories) and len(prediction.categories)):
        return None
    return _category_ids(truth, "truth"), _category_ids(prediction, "prediction")


def _category_ids(dataset: Dataset, name: str) -> NDArray[np.int64]:
    ids: Any = dataset.categories["id"]
    if ids.dtype == object:
        [first, *_] = [key for key in ids.tolist() if not _is_int64(key)]
        raise ValueError(
            f"{dataset.source or name}: expected category ids that are integers of at most "
            f"64 bits, got {describe(first)}"
        )
    return np.asarray(ids)


def _is_int64(key: Any) -> bool:
    return isinstance(key, int) and -(2**63) <= key < 2**63


def check_images(truth: Dataset, prediction: Dataset) -> None:
    """Raise ValueError if the prediction has images that the truth lacks."""
    if prediction.images is truth.images:
        return
    found = {image: index for index, image in enumerate(prediction.images["id"].tolist())}
    unknown = found.keys() - set(truth.images["id"].tolist())
    if unknown:
        name = prediction.source or "prediction"
        first = min(unknown, key=found.__getitem__)
        raise ValueError(
            f"{name}: {counted(len(unknown), 'image')}, such as {first!r}, are not in the truth"
            if len(unknown) > 1
            else f"{name}: image {first!r} is not in the truth"
        )
