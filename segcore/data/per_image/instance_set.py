"""Data sets as commands need them: with checked names, sizes and categories, image by image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._text import counted
from segcore.data.coco.panoptic import PanopticMaps
from segcore.data.columns.fields import MAX_PIXELS, Id, describe
from segcore.data.columns.table import MISSING, NULL
from segcore.data.dataset import Dataset, Sample
from segcore.data.errors import DatasetError
from segcore.data.files.names import relative_path
from segcore.data.io import belongs_to, read_file
from segcore.data.parquet.names import is_parquet
from segcore.data.problems import Problems
from segcore.errors import ItemError
from segcore.masks import Masks


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
class DatasetImage:
    """An image: its row in the data set, and how it is called.

    ``map_path`` is the path of its label map below a folder of maps: its file name, with the suffix
    .png. The size is 0 if it is unknown.
    """

    row: int
    id: Id
    name: str
    map_path: PurePosixPath
    size: tuple[int, int]

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"image {describe(self.id)}"


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
    skipped : tuple of str
        Messages about the invalid annotations.
    """

    masks: Masks
    category: NDArray[np.int64]
    ids: NDArray[Any]
    iscrowd: NDArray[np.bool_]
    scores: NDArray[np.float64]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.masks)


def read_dataset(
    path: Path, problems: Problems, dataset: Dataset | None = None, folder: Path | None = None
) -> Dataset:
    """Read a data set of any format.

    Parameters
    ----------
    path : Path
        The file, or a folder of SA-1B or Parquet.
    problems : Problems
        Receives a message per invalid item; these are left out.
    dataset : Dataset, optional
        The data set that has the images and categories of results. Other files do not need it.
    folder : Path, optional
        The folder with the PNGs of a panoptic file.

    Raises
    ------
    DatasetError
        If the file cannot be used, or the images of results are unknown.
    """
    found = _read(path, problems, dataset, folder)
    if _is_without_images(found):
        raise DatasetError(
            path,
            "expected an instance file, got a list of annotations without images, as in COCO "
            "results; also pass the instance file with their images and categories (--dataset)",
        )
    return found


def _read(path: Path, problems: Problems, dataset: Dataset | None, folder: Path | None) -> Dataset:
    if path.is_dir() and not is_dataset_folder(path):
        raise DatasetError(path, _not_a_dataset(path))
    in_parquet = is_parquet(path)
    needed = None if in_parquet else dataset
    found = read_file(path, dataset=needed, skip_invalid=problems.skip)
    if in_parquet and dataset is not None and _is_without_images(found):
        found = read_file(path, dataset=dataset)
    for line in found.skipped:
        problems.report(DatasetError("", line))
    if found.maps is not None:
        if folder is not None:
            found = found.with_maps(panoptic_maps(found).at(folder))
        folder = panoptic_maps(found).folder
        if not folder.is_dir():
            raise DatasetError(folder, f"expected the folder with the PNGs of {path}")
    return found


def read_panoptic(path: Path, problems: Problems, folder: Path | None = None) -> Dataset:
    """Read a COCO panoptic file, whose PNGs are in the folder of its name by default."""
    found = _read(path, problems, None, folder)
    if found.maps is None:
        raise DatasetError(
            path, 'not a COCO panoptic file: it has no annotations with "segments_info"'
        )
    return found


def panoptic_maps(dataset: Dataset) -> PanopticMaps:
    """Return the PNGs of a panoptic data set."""
    assert isinstance(dataset.maps, PanopticMaps)
    return dataset.maps


def is_dataset_folder(path: Path) -> bool:
    """Return whether a folder holds a data set of Parquet files, or of SA-1B's JSON files."""
    if is_parquet(path):
        return True
    first = min(path.glob("*.json"), default=None)
    if first is None or not first.is_file():
        return False
    with first.open("rb") as file:
        return b'"image"' in file.read(4096)


def _not_a_dataset(path: Path) -> str:
    count = sum(1 for entry in path.iterdir() if entry.suffix.lower() == ".json")
    held = f" with {counted(count, 'JSON file')}; pass one of them" if count else ""
    return f"this is a folder{held}, expected a data set: a file, or a folder of Parquet or SA-1B"


def _is_without_images(dataset: Dataset) -> bool:
    """Return whether nothing but the ids of the images is known, as for results alone."""
    names: Any = dataset.images["file_name"]
    return not dataset.members and dataset.maps is None and not names.lengths.any()


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
    images : list of DatasetImage, optional
        The images, if they have been checked.

    Attributes
    ----------
    categories : list of Category
        The categories by ascending id. A data set without categories has one, called "object".
    images : list of DatasetImage
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
        images: list[DatasetImage] | None = None,
    ) -> None:
        self.path = path
        self.dataset = dataset
        self.truth = truth
        self.needs_scores = False
        self._skip = problems.skip
        self.categories, self._index_of = _categories(path, dataset)
        self.num_listed = len(dataset.annotations) + _num_skipped(dataset)
        self.images: list[DatasetImage] = []
        usable = _usable_images(path, dataset, problems) if images is None else images
        self._keep(usable, np.ones(len(dataset), np.bool_), problems)

    def _keep(
        self, images: Iterable[DatasetImage], before: NDArray[np.bool_], problems: Problems
    ) -> None:
        """Keep some of the images, and report how many annotations the others have."""
        self.images = list(images)
        lost = before.copy()
        lost[[image.row for image in self.images]] = False
        number = int(lost[self.dataset.annotations["image"]].sum()) if lost.any() else 0
        if number:
            count = counted(number, "annotation")
            problems.skipped.append(f"{self.path}: {count} of images that were skipped")

    def keep_separate_maps(self, problems: Problems) -> None:
        """Report and leave out images whose label map would replace another one, or be hidden."""
        kept: dict[PurePosixPath, DatasetImage] = {}
        before = np.zeros(len(self.dataset), np.bool_)
        for image in self.images:
            before[image.row] = True
            path = image.map_path
            if path in kept:
                reason = f"{kept[path].label} goes to the same file, {path}"
            elif any(part.startswith(".") for part in path.parts):
                reason = f"its map would be hidden, {path}, and not be read"
            else:
                kept[path] = image
                continue
            problems.report(DatasetError(self.path, reason, image.label))
        self._keep(kept.values(), before, problems)

    @cached_property
    def has_scores(self) -> bool:
        """Whether any annotation has a score."""
        return not bool(np.isnan(self.dataset.annotations["score"]).all())

    @cached_property
    def _lacks_ids(self) -> bool:
        """Whether the annotations have no ids, as in results; their indices are shown instead."""
        if self.truth is None or is_parquet(self.path):
            return False
        forms = self.dataset.annotations.layout.forms("id")
        return bool((forms == MISSING).all())

    def ids_of(self, rows: NDArray[np.int64]) -> set[Id]:
        """Return the ids of the categories in these rows of the data set."""
        return {self.categories[index - 1].id for index in self._index_of[rows] if index}

    def read(self, image: DatasetImage) -> Instances:
        """Return the valid annotations of an image.

        Raises
        ------
        DatasetError
            If a PNG cannot be used, or an annotation is invalid and these are not skipped.
        """
        sample = self.dataset[image.row]
        reasons: dict[int, str] = {}
        masks = None
        try:
            if self.dataset.maps is None:
                masks = sample.masks
            else:
                maps = panoptic_maps(self.dataset)
                masks = maps.masks(image.row, sample.ids, image.size, only_these=True)
        except DatasetError:  # of a PNG
            raise
        except (ValueError, TypeError):
            reasons = _invalid_masks(sample)
        category = self._index_of[sample.categories]
        for row in np.flatnonzero(category == 0).tolist():
            reasons.setdefault(row, "it has no category_id")
        if self.needs_scores:
            for row in np.flatnonzero(~np.isfinite(sample.scores)).tolist():
                score = "missing" if np.isnan(sample.scores[row]) else str(sample.scores[row])
                reasons.setdefault(row, f'its "score" is {score}, expected a finite number')
        errors = [self._error(sample, row, reason) for row, reason in sorted(reasons.items())]
        if errors and not self._skip:
            raise errors[0]
        good = np.array([row for row in range(len(sample)) if row not in reasons], np.int64)
        if masks is None:
            masks = sample.segmentations[good].masks(sample.size)
        elif errors:
            masks = masks[good]
        return Instances(
            masks,
            category[good],
            sample.ids[good] - 1 if self._lacks_ids else sample.ids[good],
            sample.iscrowd[good],
            sample.scores[good],
            tuple(map(str, errors)),
        )

    def _error(self, sample: Sample, row: int, reason: str) -> DatasetError:
        rows = sample.rows
        position = int(rows.start + row if isinstance(rows, slice) else rows[row])
        offset = self.dataset.annotations.offset(position)
        name = sample.name_of(row)
        if self._lacks_ids:
            name = f"annotation at index {sample.ids[row] - 1} of image {sample.image_id}"
        return DatasetError(self.path, reason, name, offset)


def read_instances(path: Path, problems: Problems, dataset_path: Path | None = None) -> InstanceSet:
    """Read the instances of a data set of any format, or results together with their data set.

    Raises
    ------
    DatasetError
        If a file as a whole, or its categories, cannot be used.
    """
    if dataset_path is None:
        return InstanceSet(path, read_dataset(path, problems), problems)
    truth = read_dataset(dataset_path, problems)
    found = read_dataset(path, problems, truth)
    if not belongs_to(found, truth):
        raise DatasetError(
            path,
            "expected COCO results, a list, since a data set was passed with them (--dataset)",
        )
    return InstanceSet(path, found, problems, truth)


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
            raise DatasetError(path, f'the list "categories" is {found}')
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


def _usable_images(path: Path, dataset: Dataset, problems: Problems) -> Iterable[DatasetImage]:
    """Yield the images with a valid name and size; for panoptic files, those with a PNG."""
    images = dataset.images
    columns = [images[name].tolist() for name in ("id", "file_name", "height", "width")]
    with_map = None
    if dataset.maps is not None:
        with_map = set(panoptic_maps(dataset).entries["image"].tolist())
    if with_map is not None and len(with_map) < len(images):
        number = counted(len(images) - len(with_map), "image")
        problems.skipped.append(f"{path}: {number} without an annotation")
    for row, (key, name, height, width) in enumerate(zip(*columns, strict=True)):
        if with_map is not None and row not in with_map:
            continue
        try:
            map_path = _map_path(dataset, row, name)
            _check_size(height, width, is_needed=with_map is None)
        except ValueError as error:
            label = f"image {describe(key)}"
            problems.report(DatasetError(path, str(error), label, images.offset(row)))
        else:
            yield DatasetImage(row, key, name, map_path, (height, width))


def _map_path(dataset: Dataset, row: int, name: str) -> PurePosixPath:
    try:
        return relative_path(name).with_suffix(".png")
    except ValueError as error:
        if dataset.images.layout.forms("file_name")[row] in (MISSING, NULL):
            raise ValueError(
                'its "file_name" is missing or null, expected the name of a file'
            ) from None
        raise ValueError(f'its "file_name" {error}') from None


def _check_size(height: int, width: int, is_needed: bool) -> None:
    """Raise ValueError for sizes that are unknown or too large."""
    for side, value in (("height", height), ("width", width)):
        if not value and is_needed:
            raise ValueError(f'its "{side}" is missing or null, expected a number of pixels')
    if height * width > MAX_PIXELS:
        raise ValueError(
            f"its height {describe(height)} and width {describe(width)} make more than "
            f"{MAX_PIXELS} pixels, the maximum"
        )


def _invalid_masks(sample: Sample) -> dict[int, str]:
    """Return why masks of an image are invalid, by their indices."""
    reasons: dict[int, str] = {}
    segmentations = sample.segmentations
    for row in range(len(sample)):
        try:
            segmentations[row : row + 1].masks(sample.size)
        except (ValueError, TypeError) as error:
            reasons[row] = error.detail if isinstance(error, ItemError) else str(error)
    return reasons
