"""Evaluation of folders of label maps and of COCO panoptic files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from segcore.data._classes import CLASSES, read_classes
from segcore.data._fields import Id
from segcore.data._file_names import Folder
from segcore.data._label_maps import IGNORED, label_maps, read_colors, read_labels
from segcore.data._panoptic_file import Entry, find_item, read_panoptic
from segcore.data._problems import DataError
from segcore.data._read_ahead import read_ahead
from segcore.data._sources import Progress, no_progress
from segcore.maps.ids import from_rgb
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
    DataError
        If the folders do not match, or a map cannot be used.
    """
    pairs = _paired_maps(truth, prediction)
    names = {index: c.name for index, c in read_classes(truth).items()}
    if num_classes is None and not names:
        raise DataError(f"{truth / CLASSES}: there is no such file; pass --num-classes")
    count = max(names) + 1 if num_classes is None else num_classes
    if ignore is None and count <= IGNORED:
        ignore = IGNORED
    try:
        confusion = ConfusionMatrix(count, ignore_index=ignore)
    except ValueError as error:
        raise DataError(str(error)) from error

    def read(pair: tuple[Path, Path]) -> Maps:
        return read_labels(pair[0]), read_labels(pair[1])

    for pair, maps in progress(read_ahead(read, pairs), "Comparing", len(pairs)):
        try:
            confusion.update(*maps)
        except ValueError as error:
            raise DataError(f"{pair[1]}, truth {pair[0]}: {error}") from error
    return confusion, names, len(pairs)


def _paired_maps(truth: Path, prediction: Path) -> list[tuple[Path, Path]]:
    """Return the pairs of maps with the same name; both folders must have the same names."""
    maps = {folder: label_maps(folder) for folder in (truth, prediction)}
    for folder, other in ((truth, prediction), (prediction, truth)):
        if unpaired := sorted(maps[folder].keys() - maps[other].keys()):
            raise DataError(
                f"{folder / unpaired[0]}: there is no such file in {other}"
                + (f", nor for {len(unpaired) - 1} more" if len(unpaired) > 1 else "")
            )
    if not maps[truth]:
        raise DataError(f"{truth}: it contains no file named *.png")
    return [(path, maps[prediction][name]) for name, path in maps[truth].items()]


def quality_of_panoptic(
    truth: Path,
    prediction: Path,
    folders: tuple[Path, Path],
    progress: Progress = no_progress,
) -> tuple[PanopticQuality, dict[int, str], int]:
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

    Raises
    ------
    DataError
        If a file or a map cannot be used, or an image is missing.
    """
    true = read_panoptic(truth)
    predictions: dict[Id, Entry] = {
        entry.image_id: entry for entry in read_panoptic(prediction).entries
    }
    categories = true.categories()
    map_folders = [Folder(folder) for folder in folders]
    try:
        quality = PanopticQuality(categories.values())
    except (ValueError, TypeError) as error:
        raise DataError(f"{truth}: {error}") from error
    pairs = []
    for entry in true.entries:
        predicted = find_item(predictions, entry.image_id)
        if predicted is None:
            raise DataError(f"{prediction}: it has no annotation for the image {entry.image_id}")
        pairs.append((entry, predicted))

    def read(pair: tuple[Entry, Entry]) -> Maps:
        true_map, predicted_map = (
            from_rgb(read_colors(folder.path_of(entry.file_name)))
            for folder, entry in zip(map_folders, pair, strict=True)
        )
        return true_map, predicted_map

    for (entry, predicted), maps in progress(read_ahead(read, pairs), "Comparing", len(pairs)):
        try:
            quality.update(maps[0], entry.segments, maps[1], predicted.segments)
        except (ValueError, TypeError) as error:
            raise DataError(f"image {entry.image_id}: {error}") from error

    names = {key: category["name"] for key, category in categories.items()}
    return quality, names, len(pairs)
