"""Data sets as commands need them: with checked names, sizes and categories, image by image."""

from __future__ import annotations

import copy
import functools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from segcore._text import counted
from segcore.data.columns.fields import Id
from segcore.data.columns.segmentations import POLYGON, Segmentations
from segcore.data.columns.table import MISSING, NULL, Table
from segcore.data.dataset import Dataset, Sample, has_box
from segcore.data.errors import DatasetError
from segcore.data.io import belongs_to, from_coco
from segcore.data.mapping import Partition
from segcore.data.parquet.names import is_parquet
from segcore.data.per_image.images import DatasetImage, DatasetImages, usable_images
from segcore.data.per_image.reading import (
    DEFAULT,
    ReadOptions,
    panoptic_maps,
    read_dataset,
    read_with_truth,
)
from segcore.data.problems import Problems
from segcore.errors import ItemError
from segcore.masks import Masks

Item = TypeVar("Item")
IMAGES = 128
"""Number of images per part: the work of a fraction of a second."""


@dataclass(frozen=True)
class Category:
    """A category.

    ``index`` is its value in semantic maps, 1 for the lowest id. ``isthing`` is None if the file
    does not say.
    """

    index: int
    id: Id
    name: str
    isthing: bool | None = None


@dataclass(frozen=True)
class Instances:
    """The N valid annotations of an image, in the order of the file.

    Attributes
    ----------
    masks : Masks
        N masks.
    category : numpy.ndarray
        Index of each category, from 1: int64, shape (N,).
    ids : numpy.ndarray
        Ids, shape (N,).
    iscrowd : numpy.ndarray
        Whether each is a crowd region: bool, shape (N,).
    scores : numpy.ndarray
        Scores, NaN without one: float64, shape (N,).
    boxes : numpy.ndarray
        Boxes x, y, width, height in the data set, NaN if missing: float64, shape (N, 4).
    problems : Problems
        What was left out of the image, or has no pixels.
    """

    masks: Masks
    category: NDArray[np.int64]
    ids: NDArray[Any]
    iscrowd: NDArray[np.bool_]
    scores: NDArray[np.float64]
    boxes: NDArray[np.float64]
    problems: Problems

    def __len__(self) -> int:
        return len(self.masks)


class InstanceSet:
    """The instances of a data set whose images can be converted.

    Parameters
    ----------
    path : Path
        The file, for messages.
    dataset : Dataset
        Its content.
    problems : Problems
        Receives a message per image without a valid name and size; these are left out.
    truth : Dataset, optional
        The data set of results.
    images : DatasetImages, optional
        The usable images. By default, the images are checked.

    Attributes
    ----------
    categories : list of Category
        The categories by ascending id. A data set without categories has one, called "object".
    images : DatasetImages
        The usable images, in the order of the file.
    num_listed : int
        Number of annotations in the file, invalid ones included.

    Raises
    ------
    DatasetError
        If the categories cannot be used.
    """

    def __init__(
        self,
        path: Path,
        dataset: Dataset,
        problems: Problems,
        truth: Dataset | None = None,
        images: DatasetImages | None = None,
    ) -> None:
        self.path = path
        self.dataset = dataset
        self.truth = truth
        self.needs_scores = False
        self._skip = problems.skip
        self.categories, self._index_of = _categories(path, dataset)
        self.num_listed = len(dataset.annotations) + _num_skipped(dataset)
        usable = usable_images(path, dataset, problems) if images is None else images
        self._keep(usable, np.ones(len(dataset), np.bool_), problems)

    def _keep(self, images: DatasetImages, before: NDArray[np.bool_], problems: Problems) -> None:
        """Keep some of the images, and report how many annotations the others have."""
        self.images = images
        lost = before.copy()
        lost[images.rows] = False
        number = int(lost[self.dataset.annotations["image"]].sum()) if lost.any() else 0
        if number:
            count = counted(number, "annotation")
            problems.skipped.append(f"{self.path}: {count} of images that were skipped")

    def keep_separate_maps(self, problems: Problems) -> None:
        """Report and leave out images whose label map would replace another one, or be hidden."""
        kept: dict[str, int] = {}
        before = np.zeros(len(self.dataset), np.bool_)
        before[self.images.rows] = True
        for index, image in enumerate(self.images):
            name = image.map_name
            if name in kept:
                reason = f"{self.images[kept[name]].label} goes to the same file, {name}"
            elif name.startswith(".") or "/." in name:
                reason = f"its map would be hidden, {name}, and not be read"
            else:
                kept[name] = index
                continue
            problems.report(DatasetError(self.path, reason, image.label))
        if len(kept) < len(self.images):
            self._keep(self.images[np.fromiter(kept.values(), np.int64)], before, problems)

    @cached_property
    def has_scores(self) -> bool:
        """Whether any annotation has a score."""
        return not bool(np.isnan(self.dataset.annotations["score"]).all())

    def parts(self) -> list[InstanceSet]:
        """Return the instances in parts of as many images as a job should take."""
        return [self.part(self.images[chunk]) for chunk in chunks_of(len(self.images))]

    def part(self, images: DatasetImages) -> InstanceSet:
        """Return the instances of some of the images.

        In another process, it has only these images and their annotations.
        """
        self.has_scores, self._lacks_ids  # noqa: B018  # of the whole data set
        part = InstanceSet.__new__(InstanceSet)
        part.__dict__.update(self.__dict__, images=images)
        return part

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of a copy: the data set as a `Partition` of the images, to be loaded."""
        partition = Partition(self.dataset, self.images.rows)
        return {**self.__dict__, "dataset": partition, "truth": None, "images": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        dataset = state["dataset"].load()
        images = DatasetImages(dataset.images, np.arange(len(dataset)))
        self.__dict__.update(state, dataset=dataset, images=images)

    def choose_priority(self, priority: str | None = None) -> str:
        """Return which annotation is in front where several overlap, and require its scores.

        By default, this is the one with the highest score; without scores, the smallest.
        """
        chosen = priority or ("score" if self.has_scores else "smallest")
        self.needs_scores = chosen == "score"
        return chosen

    @cached_property
    def _lacks_ids(self) -> bool:
        """Whether the annotations have no ids, as in results; their indices are shown instead."""
        if self.truth is None or is_parquet(self.path):
            return False
        forms = self.dataset.annotations.layout.forms("id")
        return bool((forms == MISSING).all())

    def category_table(self, categories: list[Category]) -> Table:
        """Return the table of some of the categories, as in the file."""
        if not len(self.dataset.categories):
            listed = [{"id": c.id, "name": c.name} for c in categories]
            document = {"images": [], "annotations": [], "categories": listed}
            return from_coco(document).categories
        rows = {index: row for row, index in enumerate(self._index_of[:-1].tolist())}
        return self.dataset.categories.take(np.array([rows[c.index] for c in categories], np.int64))

    def ids_of(self, rows: NDArray[np.int64]) -> set[Id]:
        """Return the ids of the categories in these rows of the data set."""
        return {self.categories[index - 1].id for index in self._index_of[rows] if index}

    def read_all(self) -> Iterator[tuple[DatasetImage, Instances]]:
        """Yield each image with its valid annotations, which are read from a file together.

        Raises
        ------
        DatasetError
            As for `read`.
        """
        loaded = copy.copy(self) if self.dataset.is_lazy else self
        for image in loaded.images:
            yield image, loaded.read(image)

    def _masks(self, sample: Sample, rows: NDArray[np.int64]) -> Masks:
        return sample.segmentations[rows].masks(
            sample.size, lambda row: sample.name_of(int(rows[row])), self.dataset.source
        )

    def read(self, image: DatasetImage) -> Instances:
        """Return the valid annotations of an image.

        Raises
        ------
        DatasetError
            If a PNG cannot be used, or an annotation is invalid and these are not skipped.
        """
        sample = self.dataset[image.row]
        problems = Problems(self._skip)
        kept = np.arange(len(sample))
        if self.dataset.maps is None:
            kept = self._with_mask(sample, problems)
        reasons: dict[int, str] = {}
        masks = None
        try:
            if self.dataset.maps is None:
                masks = self._masks(sample, kept)
            else:
                maps = panoptic_maps(self.dataset)
                masks = maps.masks(image.row, sample.ids, image.size, only_these=True)
        except DatasetError:  # of a PNG
            raise
        except (ValueError, TypeError):
            reasons = _invalid_masks(sample, kept)
        category = self._index_of[sample.categories]
        for row in kept[category[kept] == 0].tolist():
            reasons.setdefault(row, "it has no category_id")
        if self.needs_scores:
            for row in kept[~np.isfinite(sample.scores[kept])].tolist():
                score = "missing" if np.isnan(sample.scores[row]) else str(sample.scores[row])
                reasons.setdefault(row, f'its "score" is {score}, expected a finite number')
        for row, reason in sorted(reasons.items()):
            problems.report(self._error(sample, row, reason))
        is_good = np.array([row not in reasons for row in kept.tolist()], np.bool_)
        good = kept[is_good]
        if masks is None:
            masks = self._masks(sample, good)
        elif reasons:
            masks = masks[is_good]
        self._count_empty(sample, good[masks.area == 0], problems)
        return Instances(
            masks,
            category[good],
            sample.ids[good] - 1 if self._lacks_ids else sample.ids[good],
            sample.iscrowd[good],
            sample.scores[good],
            sample.bboxes[good],
            problems,
        )

    def _with_mask(self, sample: Sample, problems: Problems) -> NDArray[np.int64]:
        """Return the indices of the annotations that have a mask, and count the others."""
        is_missing = sample.segmentations.is_missing
        if is_missing.any():
            name = functools.partial(self._name, sample)
            count_without_masks(is_missing, sample.bboxes, name, problems)
        return np.flatnonzero(~is_missing)

    def _count_empty(self, sample: Sample, rows: NDArray[np.int64], problems: Problems) -> None:
        """Count the annotations whose masks have no pixels."""
        if len(rows):
            row = int(rows[0])
            reason = why_empty(sample.segmentations, row, sample.size)
            first = f"{self._name(sample, row)}, {reason}"
            problems.leave_out("annotation", "without pixels", len(rows), first)

    def _name(self, sample: Sample, row: int) -> str:
        if self._lacks_ids:
            return f"annotation at index {sample.ids[row] - 1} of image {sample.image_id}"
        return sample.name_of(row)

    def _error(self, sample: Sample, row: int, reason: str) -> DatasetError:
        rows = sample.rows
        position = int(rows.start + row if isinstance(rows, slice) else rows[row])
        offset = self.dataset.annotations.offset(position)
        return DatasetError(self.path, reason, self._name(sample, row), offset)


def count_without_masks(
    is_missing: NDArray[np.bool_],
    boxes: NDArray[np.float64],
    name: Callable[[int], str],
    problems: Problems,
) -> None:
    """Count annotations without a mask; `name` returns the name of an annotation in messages."""
    with_box = is_missing & has_box(boxes)
    for rows, why, option in (
        (with_box, "with a box and no mask", "--boxes takes the box as the mask"),
        (is_missing & ~with_box, "without a mask", ""),
    ):
        first = name(int(rows.argmax()))
        problems.leave_out("annotation", why, int(rows.sum()), first, option)


def chunks(items: list[Item]) -> list[list[Item]]:
    """Return the items of consecutive images, as many at a time as a job should take."""
    return [items[part] for part in chunks_of(len(items))]


def chunks_of(count: int) -> list[slice]:
    """Return the slices of consecutive images, as many at a time as a job should take."""
    return [slice(start, start + IMAGES) for start in range(0, count, IMAGES)]


def read_instances(
    path: Path,
    problems: Problems,
    options: ReadOptions = DEFAULT,
    truth_path: Path | None = None,
) -> InstanceSet:
    """Read the instances of a data set of any format, or results together with their data set.

    Raises
    ------
    DatasetError
        If a file as a whole, or its categories, cannot be used.
    """
    found, truth = read_with_truth(path, problems, options, truth_path)
    return InstanceSet(path, found, problems, truth)


def read_two(
    paths: tuple[Path, Path | None],
    problems: Problems,
    options: tuple[ReadOptions, ReadOptions],
    known: Dataset | None = None,
) -> tuple[Dataset, Dataset | None]:
    """Read a truth, and a prediction, which may be results for the truth.

    Parameters
    ----------
    paths : tuple of Path
        The truth, and the prediction, which may be None.
    problems : Problems
        Receives a message per invalid item.
    options : tuple of ReadOptions
        How they are read.
    known : Dataset, optional
        The data set of results, if this is not the truth.

    Raises
    ------
    DatasetError
        If a file cannot be used.
    """
    truth = read_dataset(paths[0], problems, options[0], known)
    if paths[1] is None:
        return truth, None
    return truth, read_dataset(paths[1], problems, options[1], known or truth)


def instance_sets(
    paths: tuple[Path, Path | None],
    both: tuple[Dataset, Dataset | None],
    problems: Problems,
    known: Dataset | None = None,
) -> tuple[InstanceSet, InstanceSet]:
    """Return the instances of what `read_two` returns; of the truth twice without a prediction."""
    true, predicted = both
    truth = InstanceSet(paths[0], true, problems, known)
    truth.needs_scores = truth.has_scores
    if predicted is None or paths[1] is None:
        return truth, truth
    images = truth.images if belongs_to(predicted, true) else None
    prediction = InstanceSet(paths[1], predicted, problems, known or true, images)
    prediction.needs_scores = prediction.has_scores
    return truth, prediction


def category_keys(truth: InstanceSet, prediction: InstanceSet | None) -> list[list[Id]]:
    """Return the keys that match the categories of two data sets: their ids, or their names.

    Formats such as YOLO assign ids of their own. So names are used if the data sets share names,
    but no id has the same name in both.

    Returns
    -------
    list of list
        For each data set, a key per category.
    """
    sets = [truth] if prediction is None else [truth, prediction]
    ids: list[list[Id]] = [[c.id for c in found.categories] for found in sets]
    names: list[list[Id]] = [[c.name for c in found.categories] for found in sets]
    if prediction is None or any(len(set(listed)) < len(listed) for listed in names):
        return ids
    name_of = dict(zip(ids[0], names[0], strict=True))
    agree = [name_of.get(c.id) == c.name for c in prediction.categories]
    share_names = bool({*names[0]} & {*names[1]})
    return names if share_names and not all(agree) and not any(agree) else ids


def match_images(truth: InstanceSet, prediction: InstanceSet) -> NDArray[np.int64]:
    """Return the index of the predicted image of each true image, or -1.

    Images with the same name are matched first, then those whose names differ only in the suffix,
    unless that is ambiguous.
    """
    indices = _by_name(prediction)
    _by_name(truth)
    found = np.array([indices.pop(name, -1) for name in truth.images.names()], np.int64)
    rest = np.flatnonzero(found < 0)
    if not len(rest) or not indices:
        return found
    others = np.fromiter(indices.values(), np.int64)
    true_names = list(truth.images[rest].map_names())
    names = list(prediction.images[others].map_names())
    counts, true_counts = Counter(names), Counter(true_names)
    by_map = dict(zip(names, others.tolist(), strict=True))
    for index, name in zip(rest.tolist(), true_names, strict=True):
        if true_counts[name] == 1 and counts[name] == 1:
            found[index] = by_map[name]
    return found


def unknown_images(prediction: InstanceSet, matches: NDArray[np.int64]) -> tuple[int, str]:
    """Return the number of unmatched predicted images, and the name of the first."""
    is_unknown = np.ones(len(prediction.images), np.bool_)
    is_unknown[matches[matches >= 0]] = False
    number = int(is_unknown.sum())
    return number, prediction.images[int(is_unknown.argmax())].name if number else ""


def _by_name(source: InstanceSet) -> dict[str, int]:
    """Return the index of each image by its name. Raises DatasetError if two have the same one."""
    indices: dict[str, int] = {}
    for index, name in enumerate(source.images.names()):
        if indices.setdefault(name, index) != index:
            raise DatasetError(
                source.path, f"several images are called {name}; they are matched by name"
            )
    return indices


def isthing_of(dataset: Dataset) -> list[bool | None]:
    """Return whether each category is a thing; None if the file does not say."""
    categories = dataset.categories
    unknown = np.isin(categories.layout.forms("isthing"), (MISSING, NULL)).tolist()
    values: Any = categories["isthing"]
    return [
        None if missing else value for missing, value in zip(unknown, values.tolist(), strict=True)
    ]


def _categories(path: Path, dataset: Dataset) -> tuple[list[Category], NDArray[np.int64]]:
    """Return the categories by id, and the index of each row; that of the row -1 comes last."""
    ids: list[Id] = dataset.categories["id"].tolist()
    if not ids:
        members = dict(dataset.members)
        if "images" in members or dataset.maps is not None:
            found = "empty" if "categories" in members else "missing"
            if any(line.startswith(f"{dataset.source}: categories[") for line in dataset.skipped):
                found = "invalid"
            raise DatasetError(
                path,
                f'the list "categories" is {found}; without classes, it has one category, such as '
                '{"id": 1, "name": "object"}, and it is the "category_id" of all annotations',
            )
        return [Category(1, 1, "object")], np.ones(1, np.int64)
    if len({type(key) for key in ids}) > 1:
        raise DatasetError(path, "some category ids are numbers and some are text; use one kind")
    names, things = dataset.categories["name"].tolist(), isthing_of(dataset)
    order = sorted(range(len(ids)), key=ids.__getitem__)
    index_of = np.zeros(len(ids) + 1, np.int64)
    index_of[order] = np.arange(1, len(ids) + 1)
    return [
        Category(index, ids[row], names[row] or str(ids[row]), things[row])
        for index, row in enumerate(order, 1)
    ], index_of


def _num_skipped(dataset: Dataset) -> int:
    """Return the number of messages about annotations that were skipped."""
    others = tuple(f"{dataset.source}: {name}[" for name in ("images", "categories"))
    return sum(not line.startswith(others) for line in dataset.skipped)


def _invalid_masks(sample: Sample, rows: NDArray[np.int64]) -> dict[int, str]:
    """Return why masks of an image are invalid, by their indices."""
    reasons: dict[int, str] = {}
    segmentations = sample.segmentations
    for row in rows.tolist():
        try:
            segmentations[row : row + 1].masks(sample.size)
        except (ValueError, TypeError) as error:
            reasons[row] = error.detail if isinstance(error, ItemError) else str(error)
    return reasons


def why_empty(segmentations: Segmentations, row: int, size: tuple[int, int]) -> str:
    """Return why a mask has no pixels."""
    if segmentations.kinds[row] != POLYGON:
        return "whose RLE has no foreground"
    part = segmentations[row : row + 1].compact()
    points = part.coordinates.reshape(-1, 2)
    if not len(points):
        return "whose rings have no points"
    least, greatest = points.min(axis=0), points.max(axis=0)
    sides = np.array(size[::-1])
    if not ((greatest <= 0) | (least >= sides)).any():
        if least.min() >= 0 and greatest.max() <= 1:
            return "whose coordinates are from 0 to 1, perhaps shares of the sides of the image"
        return "whose polygon is too thin to cover a pixel"
    text = f"whose polygon is outside the image of height {size[0]} and width {size[1]}"
    if least.min() >= 0 and (greatest <= sides[::-1]).all():
        text += "; it would fit if height and width were swapped, as by an EXIF orientation"
    return text
