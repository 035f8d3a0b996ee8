"""Evaluation of folders of label maps and of COCO panoptic files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.fields import as_integer
from segcore.data.columns.ids import Ids
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.classes import CLASSES, read_classes
from segcore.data.files.label_maps import IGNORED, label_maps, read_labels
from segcore.data.files.read_ahead import read_ahead
from segcore.data.per_image.instance_set import isthing_of, panoptic_maps, read_panoptic
from segcore.data.per_image.sources import Progress, no_progress
from segcore.data.problems import Problems
from segcore.metrics import ConfusionMatrix, PanopticQuality

Maps = tuple[NDArray[Any], NDArray[Any]]


def confusion_of_folders(
    truth: Path,
    prediction: Path,
    num_classes: int | None = None,
    ignore: int | None = None,
    progress: Progress = no_progress,
) -> tuple[ConfusionMatrix, dict[int, str], int]:
    """Compare two folders of PNG label maps.

    Parameters
    ----------
    truth, prediction : Path
        The folders, which must contain the same names.
    num_classes : int, optional
        Number of classes. Defaults to that of ``classes.json`` in the folder of the truth.
    ignore : int, optional
        True label of pixels to leave out. Defaults to 255, unless it is a class.
    progress : callable, optional
        Shows progress over the maps.

    Returns
    -------
    confusion : ConfusionMatrix
        The confusion matrix of all pixels.
    names : dict of int to str
        The names of the classes, if known.
    num_images : int
        Number of maps.

    Raises
    ------
    DatasetError
        If the folders do not match, or a map cannot be used.
    """
    pairs = _paired_maps(truth, prediction)
    names = {index: c.name for index, c in read_classes(truth).items()}
    if num_classes is None and not names:
        raise DatasetError(truth / CLASSES, "there is no such file; pass --num-classes")
    count = max(names) + 1 if num_classes is None else num_classes
    if ignore is None and count <= IGNORED:
        ignore = IGNORED
    try:
        confusion = ConfusionMatrix(count, ignore_index=ignore)
    except ValueError as error:
        raise DatasetError("", str(error)) from error

    def read(pair: tuple[Path, Path]) -> Maps:
        return read_labels(pair[0]), read_labels(pair[1])

    for pair, maps in progress(read_ahead(read, pairs), "Comparing", len(pairs)):
        try:
            confusion.update(*maps)
        except ValueError as error:
            raise DatasetError("", f"{pair[1]}, truth {pair[0]}: {error}") from error
    return confusion, names, len(pairs)


def _paired_maps(truth: Path, prediction: Path) -> list[tuple[Path, Path]]:
    """Return the pairs of maps with the same name; both folders must have the same names."""
    maps = {folder: label_maps(folder) for folder in (truth, prediction)}
    for folder, other in ((truth, prediction), (prediction, truth)):
        if unpaired := sorted(maps[folder].keys() - maps[other].keys()):
            raise DatasetError(
                folder / unpaired[0],
                f"there is no such file in {other}"
                + (f", nor for {len(unpaired) - 1} more" if len(unpaired) > 1 else ""),
            )
    if not maps[truth]:
        raise DatasetError(truth, "it contains no file named *.png")
    return [(path, maps[prediction][name]) for name, path in maps[truth].items()]


def quality_of_panoptic(
    truth: Path,
    prediction: Path,
    folders: tuple[Path, Path],
    progress: Progress = no_progress,
) -> tuple[PanopticQuality, dict[int, str], int, int]:
    """Compare two COCO panoptic files.

    Parameters
    ----------
    truth, prediction : Path
        The files. The prediction must have all images of the truth.
    folders : tuple of Path
        The folders with the PNGs of the truth and of the prediction.
    progress : callable, optional
        Shows progress over the images.

    Returns
    -------
    quality : PanopticQuality
        The panoptic quality over all images of the truth.
    names : dict of int to str
        The names of the categories.
    num_images : int
        Number of images.
    num_unknown : int
        Number of predicted images that the truth lacks, which are left out.

    Raises
    ------
    DatasetError
        If a file or a map cannot be used, or an image is missing.
    """
    true, predicted = (
        read_panoptic(path, Problems(skip=False), folder)
        for path, folder in zip((truth, prediction), folders, strict=True)
    )
    categories = _panoptic_categories(truth, true)
    try:
        quality = PanopticQuality(categories)
    except (ValueError, TypeError) as error:
        raise DatasetError(truth, str(error)) from error
    true_images = _images_with_maps(true)
    image_ids = true.images["id"][true_images]
    rows = Ids(predicted.images["id"][_images_with_maps(predicted)]).find(image_ids)
    if (rows < 0).any():
        missing = image_ids[rows < 0].tolist()[0]
        raise DatasetError(prediction, f"it has no annotation for the image {missing}")
    pairs = list(
        zip(true_images.tolist(), _images_with_maps(predicted)[rows].tolist(), strict=True)
    )

    def read(pair: tuple[int, int]) -> Maps:
        true_map, predicted_map = (
            panoptic_maps(dataset).labels(image)
            for dataset, image in zip((true, predicted), pair, strict=True)
        )
        return true_map, predicted_map

    for (row, other), maps in progress(read_ahead(read, pairs), "Comparing", len(pairs)):
        try:
            quality.update(maps[0], _segments(true, row), maps[1], _segments(predicted, other))
        except (ValueError, TypeError) as error:
            image_id = true.images["id"][row]
            raise DatasetError("", str(error), f"image {image_id}") from error

    names = {category["id"]: category["name"] for category in categories}
    return quality, names, len(pairs), len(_images_with_maps(predicted)) - len(pairs)


def _panoptic_categories(path: Path, dataset: Dataset) -> list[dict[str, Any]]:
    """Return the categories as in the file; "isthing" is missing where the file lacks it."""
    table = dataset.categories
    ids = table["id"].tolist()
    if not ids:
        raise DatasetError(path, 'not a COCO panoptic file: it has no list "categories"')
    things = isthing_of(dataset)
    return [
        {"id": key, "name": name or str(key)} | ({} if thing is None else {"isthing": int(thing)})
        for key, name, thing in zip(ids, table["name"], things, strict=True)
    ]


def _images_with_maps(dataset: Dataset) -> NDArray[np.int64]:
    images: NDArray[np.int64] = panoptic_maps(dataset).entries["image"]
    return images


def _segments(dataset: Dataset, image: int) -> list[dict[str, Any]]:
    """Return the segments of an image as COCO's ``segments_info``."""
    sample = dataset[image]
    areas: list[float] = dataset.column_of(image, "area").tolist()
    if len(dataset.categories):
        categories = sample.category_ids
    else:
        categories = dataset.column_of(image, "category_id")
    columns = (sample.ids.tolist(), categories.tolist(), sample.iscrowd.tolist(), areas)
    return [
        {"id": key, "category_id": category, "iscrowd": int(crowd)}
        | ({} if math.isnan(area) else {"area": as_integer(area)})
        for key, category, crowd, area in zip(*columns, strict=True)
    ]
