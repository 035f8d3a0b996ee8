"""Reading of data sets of any format, in the same way for all commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from segcore.data.coco.panoptic import PanopticMaps
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.io import FORMATS, belongs_to, read_file
from segcore.data.problems import Problems
from segcore.data.recognize import recognized


@dataclass(frozen=True)
class ReadOptions:
    """How a data set is read.

    Attributes
    ----------
    format : str, optional
        Name of the format. By default, it is recognized.
    folder : Path, optional
        The folder with the PNGs of a panoptic file. By default, the one of its name.
    boxes : bool
        Whether boxes are the masks of annotations that have no mask.
    crowd_as_object : bool
        Whether crowds are objects like others.
    labels : dict
        Options of label maps, by the names of the options of commands: ``background``, ``ignore``,
        ``colors`` and ``ids``.
    progress : callable, optional
        As for :func:`segcore.data.read`.
    """

    format: str | None = None
    folder: Path | None = None
    boxes: bool = False
    crowd_as_object: bool = False
    labels: dict[str, Any] = field(default_factory=dict)
    progress: Progress | None = None


DEFAULT = ReadOptions()


def read_dataset(
    path: Path,
    problems: Problems,
    options: ReadOptions = DEFAULT,
    known: Dataset | None = None,
    need_images: bool = True,
) -> Dataset:
    """Read a data set of any format.

    Parameters
    ----------
    path : Path
        The file or folder.
    problems : Problems
        Receives a message per invalid item, which is left out, and a line per kind of thing that is
        not read.
    options : ReadOptions
        How it is read.
    known : Dataset, optional
        Data set with the images and categories of results, or with the sizes of images. Other
        formats do not need it.
    need_images : bool, default True
        Whether results without their images are an error.

    Raises
    ------
    DatasetError
        If the file cannot be used, or the images of results are unknown.
    ValueError
        If there is no format of the given name.
    """
    name = options.format or recognized(path)
    if options.labels and name != "maps":
        listed = ", ".join(f"--{option}" for option in options.labels)
        raise DatasetError(path, f"{listed}: only for label maps, but the format is {name!r}")
    in_parquet = name == "parquet"
    found = read_file(
        path,
        name,
        dataset=None if in_parquet else known,
        skip_invalid=problems.skip,
        progress=options.progress,
        **options.labels,
    )
    if in_parquet and known is not None and _is_without_images(found):
        found = read_file(path, name, dataset=known)
    if need_images and FORMATS[name].dataset == "results" and _is_without_images(found):
        raise DatasetError(
            path,
            "expected an instance file, got a list of annotations without images, as in COCO "
            "results; also pass the instance file with their images and categories (--dataset)",
        )
    for line in found.skipped:  # a name that occurs twice is listed even without skip
        problems.report(DatasetError("", line))
    problems.not_read += found.notes
    if found.maps is not None:
        if options.folder is not None:
            found = found.with_maps(panoptic_maps(found).at(options.folder))
        folder = panoptic_maps(found).folder
        if not folder.is_dir():
            raise DatasetError(folder, f"expected the folder with the PNGs of {path}")
    if options.boxes:
        found = found.with_box_masks()
    return found.without_crowds() if options.crowd_as_object else found


def read_with_truth(
    path: Path,
    problems: Problems,
    options: ReadOptions = DEFAULT,
    truth_path: Path | None = None,
    need_images: bool = True,
) -> tuple[Dataset, Dataset | None]:
    """Read a data set, and the one that has the images and categories of results, if given.

    Raises
    ------
    DatasetError
        If a file cannot be used, or the second file is passed with something that is neither
        results nor a format without the sizes of images.
    """
    if truth_path is None:
        return read_dataset(path, problems, options, need_images=need_images), None
    truth = read_dataset(truth_path, problems)
    found = read_dataset(path, problems, options, truth)
    name = options.format or recognized(path)
    if FORMATS[name].dataset != "sizes" and not belongs_to(found, truth):
        raise DatasetError(
            path,
            "expected COCO results, a list, since a data set was passed with them (--dataset)",
        )
    return found, truth


def read_panoptic(path: Path, problems: Problems, folder: Path | None = None) -> Dataset:
    """Read a COCO panoptic file, whose PNGs are in the folder of its name by default."""
    found = read_dataset(path, problems, ReadOptions(folder=folder))
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
    """Return whether all files of a folder belong to a data set, unlike those beside label maps."""
    try:
        return path.is_dir() and recognized(path) != "maps"
    except DatasetError:
        return False


def _is_without_images(dataset: Dataset) -> bool:
    """Return whether nothing but the ids of the images is known, as for results alone."""
    names: Any = dataset.images["file_name"]
    return not dataset.members and dataset.maps is None and not names.lengths.any()
