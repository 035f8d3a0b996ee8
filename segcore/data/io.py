"""Read and write data sets in the supported formats."""

from __future__ import annotations

import gzip
import io
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, BinaryIO, Literal, cast

import numpy as np

from segcore._publish import Outputs, publish
from segcore._text import counted, visible
from segcore.data.coco import reading, writing
from segcore.data.coco.document import Document
from segcore.data.coco.panoptic import PanopticMaps
from segcore.data.coco.sa_v import write_video
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset, check_dataset
from segcore.data.errors import DatasetError
from segcore.data.files.addresses import AddressOutputs, address_outputs, check_absent
from segcore.data.files.names import image_paths
from segcore.data.files.walk import files_below
from segcore.data.mapping import engine_of
from segcore.data.parquet import parquet_files
from segcore.data.parquet.names import has_parquet_name
from segcore.data.recognize import recognized
from segcore.data.report import WriteReport
from segcore.distributed import as_workers

Path = str | os.PathLike[str]


Reader = Callable[..., Dataset]
Writer = Callable[..., WriteReport | None]
"""Writes a data set to `Outputs` or, at a URL, to `AddressOutputs`. Returns None if the format
keeps all values of every annotation."""


@dataclass(frozen=True)
class Format:
    """One format of data sets."""

    name: str
    read: Reader
    write: Writer
    dataset: Literal["results", "sizes", ""] = "results"
    """What ``read(dataset=)`` has: the images and categories of results, the sizes of images, or
    nothing that the format needs."""
    has_progress: bool = False
    """Whether ``write`` reports its progress."""
    has_engine: bool = False
    """Whether ``write`` takes ``workers`` and ``client``, to encode parts in several processes."""


def _file(write: Callable[..., None]) -> Writer:
    """Return a writer of a single file."""

    def write_file(dataset: Any, outputs: Outputs, path: Path, **engine: Any) -> None:
        with _opened(outputs, path) as file:
            write(dataset, file, **engine)

    return write_file


@contextmanager
def _opened(outputs: Outputs, path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, which compresses what is written if its name ends with ``.gz``."""
    with outputs.file(path).open() as file:
        if not _is_compressed(path):
            yield file
            return
        # Without a name and a time, so that equal data sets give equal files.
        with gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as packed:
            yield cast("BinaryIO", packed)


def _is_compressed(path: Path) -> bool:
    return os.fspath(path).lower().endswith(".gz")


def _write_panoptic(
    dataset: Dataset,
    outputs: Outputs,
    path: Path,
    progress: Progress | None = None,
    **engine: Any,
) -> WriteReport | None:
    """Write the JSON file, and copy or compose the PNGs into the folder of its name beside it."""
    maps = dataset.maps
    if not isinstance(maps, PanopticMaps):
        module = import_module("segcore.data.formats.panoptic")
        report: WriteReport = module.write(dataset, outputs, path, progress, **engine)
        return report
    with outputs.file(path).open() as file:
        writing.write_panoptic(dataset, file)
    names = maps.entries["file_name"].tolist()
    folder = outputs.folder(os.path.splitext(path)[0], names=names)
    for name, image in zip(names, maps.entries["image"].tolist(), strict=True):
        with folder.open(name) as file, open(maps.path(image), "rb") as png:
            shutil.copyfileobj(png, file)
    return None


def _read_folder(path: Path, dataset: Dataset | None = None, **options: Any) -> Dataset:
    """Read every JSON file of a folder as one data set, or one of these files."""
    if not os.path.isdir(path):
        return reading.read_coco(path, dataset, **options)
    files = sorted(file for file in os.listdir(path) if file.endswith(".json"))
    if not files:
        below = (file for file in files_below(pathlib.Path(path)) if file.suffix == ".json")
        found = f"the first one below it is {next(below, 'none')}"
        raise DatasetError(path, f"expected JSON files in this folder; {found}")
    parts = [reading.read_coco(os.path.join(path, name), dataset, **options) for name in files]
    try:
        return Dataset.concatenate(parts)
    except ValueError as error:
        raise DatasetError(path, f"its files do not fit together: {error}") from None


def _write_folder(dataset: Dataset, outputs: Outputs, path: Path) -> WriteReport:
    """Write a JSON file per image."""
    names = image_paths(dataset.images, ".json", keep_folders=False)
    folder = outputs.folder(path, names=names)
    for index, name in enumerate(names):
        with folder.open(name) as file:
            writing.write_single_image(dataset[[index]], file)
    categories = len(dataset.categories)
    report = _complete_report("sa-1b", path, dataset)
    return replace(report, unwritten={"categories": categories} if categories else {})


def _write_results(dataset: Dataset, outputs: Outputs, path: Path, **engine: Any) -> WriteReport:
    """Write a list of results, which has neither images nor categories."""
    with _opened(outputs, path) as file:
        writing.write_results(dataset, file, **engine)
    report = _complete_report("coco-results", path, dataset)
    named = {"names and sizes of images": len(dataset), "categories": len(dataset.categories)}
    return replace(report, unwritten={what: count for what, count in named.items() if count})


def _other(name: str, dataset: Literal["sizes", ""] = "", has_engine: bool = False) -> Format:
    """Return a format that is a module in `segcore.data.formats`, imported when it is used."""
    module_name = f"segcore.data.formats.{name.replace('-', '_')}"

    def read_it(path: Path, known: Dataset | None = None, **options: Any) -> Dataset:
        if dataset:
            options["dataset"] = known
        found: Dataset = import_module(module_name).read(path, **options)
        return found

    def write_it(dataset: Dataset, outputs: Outputs, path: Path, **options: Any) -> WriteReport:
        report: WriteReport = import_module(module_name).write(dataset, outputs, path, **options)
        return report

    return Format(name, read_it, write_it, dataset, has_progress=True, has_engine=has_engine)


def _read_parquet(path: Path | Sequence[Path], *args: Any, **options: Any) -> Dataset:
    """Read Parquet files; other files of annotations in their folder are noted."""
    dataset: Dataset = parquet_files().read_parquet(path, *args, **options)
    if isinstance(path, (str, os.PathLike)) and os.path.isdir(path):
        others = [
            str(file)
            for file in files_below(pathlib.Path(path))
            if file.name.lower().endswith(tuple(_SUFFIXES)) and not has_parquet_name(file)
        ]
        if others:
            files = counted(len(others), "file")
            dataset.notes = (f"{files} beside the Parquet files, the first: {visible(others[0])}",)
    return dataset


def _write_parquet(dataset: Any, file: BinaryIO, **engine: Any) -> None:
    parquet_files().write_parquet(dataset, file, **engine)


def _write_masks(dataset: Any, outputs: Any, path: Path, **engine: Any) -> WriteReport:
    """Write Parquet without polygons and what follows from the masks."""
    with outputs.file(path).open() as file:
        unwritten = parquet_files().write_parquet(dataset, file, masks_only=True, **engine)
    return replace(_complete_report("parquet", path, dataset), unwritten=unwritten)


FORMATS = {
    format.name: format
    for format in (
        Format("coco", reading.read_coco, _file(writing.write_instances), has_engine=True),
        Format("coco-results", reading.read_coco, _write_results, has_engine=True),
        Format(
            "coco-panoptic",
            reading.read_coco,
            _write_panoptic,
            has_progress=True,
            has_engine=True,
        ),
        Format("sa-1b", _read_folder, _write_folder),
        Format("sa-v", reading.read_coco, _file(write_video)),
        Format("parquet", _read_parquet, _file(_write_parquet), has_engine=True),
        _other("yolo", "sizes", has_engine=True),
        _other("labelme", has_engine=True),
        _other("maps", has_engine=True),
        _other("binary-masks", has_engine=True),
        _other("voc", has_engine=True),
        _other("cvat"),
        _other("label-studio"),
        _other("kaggle", "sizes"),
        _other("geojson"),
        _other("cityscapes", has_engine=True),
    )
}
"""The formats by name; `segcore.data.files.kinds.TITLES` has what they are called."""


_SUFFIXES = {
    ".json": "coco",
    ".json.gz": "coco",
    ".parquet": "parquet",
    ".csv": "kaggle",
    ".xml": "cvat",
    ".geojson": "geojson",
}
"""The formats that names of files stand for."""
_COMPRESSED = ("coco", "coco-results", "sa-v")
"""The formats that are written, and read, with gzip."""
LEVEL = 6
"""How much gzip compresses, as by default on the command line."""


def read(
    path: Path | Sequence[Path],
    format: str | None = None,
    *,
    dataset: Dataset | None = None,
    invalid: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
    colors: Mapping[str, Sequence[int]] | None = None,
    ids: str | int | None = None,
) -> Dataset:
    """Read a data set into columns.

    Files are parsed in one streaming pass, without creating a Python object per annotation. Masks
    are computed lazily. The segmentations of a JSON file of 32 MB or more stay in the file, unless
    it is compressed or a pipe. Do not change the file while the data set is in use; otherwise,
    masks raise a DatasetError.

    Parameters
    ----------
    path : path-like or list of path-like
        Path of a file, which may be compressed with gzip, or a URL that fsspec can open, such as
        ``s3://bucket/instances.json`` (extra ``arrow``). For Parquet, also a folder, or a list of
        files with the same categories and disjoint images.
    format : str, optional
        Name of the format. By default, it is recognized by the name and the contents:

        - ``"coco"``: COCO instances and LVIS;
        - ``"coco-results"``: detections in COCO's results format, a list of dicts;
        - ``"coco-panoptic"``: COCO panoptic. The PNGs are expected next to the JSON file, in a
          folder of the same name without ``.json``, and are read lazily;
        - ``"sa-1b"``: a folder with a JSON file per image, or one of these files;
        - ``"sa-v"``: a JSON file per video. Frames are images; annotation ids are masklet ids, and
          are the same in all frames;
        - ``"parquet"``: Parquet (extra ``arrow``). Annotations are read lazily: ``ds[i]`` reads one
          row group, and ``ds.annotations["score"]`` one column;
        - ``"yolo"``, ``"labelme"``, ``"maps"``, ``"binary-masks"``, ``"voc"``, ``"cvat"``,
          ``"label-studio"``, ``"kaggle"``, ``"geojson"``, ``"cityscapes"``: see :ref:`other
          formats <formats>` (extra ``formats``). Parts of such a file that are not in the data set
          are listed in `Dataset.notes`.
    dataset : Dataset, optional
        Data set with the images and categories that the detections of a results file refer to. By
        default, images and categories are collected from the detections, and image sizes are taken
        from their RLEs. For YOLO and Kaggle, a data set with the sizes of images whose files are
        missing.
    invalid : {"raise", "skip"}, default "raise"
        Whether an invalid item, such as an annotation of an unknown image, raises an error or is
        skipped and listed in `Dataset.skipped`. Masks are validated only when they are computed,
        and Parquet files only when their rows are read; invalid items found then always raise an
        error.
    progress : callable, optional
        Called with the number of bytes read and the size of the file (None if unknown), or, for a
        folder, with the number of images read and their total. Not called for Parquet, which is
        read lazily.
    colors : mapping of str to sequence of int, optional
        Red, green and blue, 0 to 255, of each class in RGB label maps. A class "background" is not
        read. By default, the colors are those of a table beside the maps.
    ids : {"cityscapes", "two-channels"} or int, optional
        How labels of PNG label maps encode a class and an instance; each label is an annotation.
        ``"cityscapes"``: instanceIds; ``"two-channels"``: the class in red and the instance in
        green, as panopticapi writes them; an int: the number of ids per class, such as 256 for
        KITTI. By default, labels are classes.

    Returns
    -------
    Dataset
        Data set with the images, categories and annotations of the file.

    Raises
    ------
    DatasetError
        If the format is not recognized, the file is not of the format, or an item is invalid. The
        message names the file and the item, and says what an unknown file looks like.
    ImportError
        If the extra ``arrow`` or ``formats`` is needed and not installed.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.read("instances_val2017.json")  # doctest: +SKIP
    >>> detections = sc.data.read("results.json", dataset=ds)  # doctest: +SKIP
    """
    if invalid not in ("raise", "skip"):
        raise ValueError(f'invalid: expected "raise" or "skip", got {invalid!r}')
    if dataset is not None:
        check_dataset(dataset)
    if isinstance(path, (list, tuple)) and not path:
        raise ValueError("path: expected one or more Parquet files, got an empty list")
    chosen = _format_to_read(path, format)
    if dataset is not None and not chosen.dataset:
        raise ValueError(f"dataset: not used for the format {chosen.name!r}")
    options: dict[str, Any] = {"skip_invalid": invalid == "skip", "progress": progress}
    found = chosen.read(path, dataset, **options, **_map_options(chosen, colors=colors, ids=ids))
    if dataset is not None and chosen.dataset == "results" and not belongs_to(found, dataset):
        raise DatasetError(str(path), "expected a list of results, as dataset= was passed")
    return found


def _map_options(format: Format, **values: Any) -> dict[str, Any]:
    """Return the options that are given, which only label maps have."""
    given = {name: value for name, value in values.items() if value is not None}
    if given and format.name != "maps":
        name = next(iter(given))
        raise ValueError(f"{name}: only used for PNG label maps, not for {format.name!r}")
    return given


def read_file(
    path: Path | Sequence[Path],
    format: str | None = None,
    *,
    dataset: Dataset | None = None,
    skip_invalid: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Dataset:
    """Read as :func:`read` does, but accept a `dataset` that the file does not need.

    `options` are those of the format's own reader, such as the labels to ignore in label maps.
    """
    chosen = _format_to_read(path, format)
    known = dataset if chosen.dataset else None
    return chosen.read(path, known, skip_invalid=skip_invalid, progress=progress, **options)


def belongs_to(results: Dataset, dataset: Dataset) -> bool:
    """Return whether a data set has the images of another one, as results do."""
    return results.images is dataset.images


def write(
    dataset: Dataset | Iterable[Dataset],
    path: Path,
    format: str | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    colors: Mapping[str, Sequence[int]] | None = None,
    masks_only: bool = False,
    workers: int | None = 1,
    client: Any = None,
) -> WriteReport:
    """Write a data set to a file or a folder.

    Reading and writing a COCO file preserves all values, including unknown fields, the order of
    items, and the spelling of numbers (1 or 1.0). The file is written to a temporary file first,
    and moved to `path` when it is complete.

    Parameters
    ----------
    dataset : Dataset or iterable of Dataset
        Data set, or parts with the same categories and disjoint images (see
        :meth:`Dataset.concatenate`). Parts are written to Parquet one at a time, so they need not
        fit into memory together, and annotation ids are not renumbered.
    path : path-like
        Path of the file, or a URL that fsspec opens, such as ``s3://bucket/masks.parquet`` (extra
        ``arrow``). A URL is written under a temporary name beside it and renamed when complete.
    format : str, optional
        One of the formats of :func:`read`. By default, it is ``"coco"``, ``"parquet"``,
        ``"kaggle"``, ``"cvat"`` or ``"geojson"`` for names that end with ``.json``, ``.parquet``,
        ``.csv``, ``.xml`` or ``.geojson``. A name that ends with ``.json.gz`` stands for COCO,
        compressed with gzip, as are results and SA-V files of such a name. For ``"coco-panoptic"``,
        the PNGs are copied, or composed if the data set was read from another format. For
        ``"sa-1b"``, ``"yolo"``, ``"labelme"``, ``"maps"``, ``"binary-masks"``, ``"voc"`` and
        ``"cityscapes"``, `path` is a folder. At a URL, the folder is complete when it has the file
        ``_SUCCESS``, which is written last and has the numbers of files and bytes as JSON.
    overwrite : bool, default False
        Whether to replace an existing file.
    progress : callable, optional
        Called with the number of images written and their total; once, at the end, for formats that
        are written in one step.
    colors : mapping of str to sequence of int, optional
        Red, green and blue, 0 to 255, of each class: label maps are written as RGB PNGs with a
        table ``class_dict.csv``. The background is black, unless there is a color of "background".
    masks_only : bool, default False
        Whether to write the smallest Parquet file that keeps every pixel: ids, categories, crowd
        flags, scores, masks, and the names and sizes of the images. Polygons are replaced by their
        masks. Their coordinates, the boxes and areas of the source, and unknown fields are left
        out, and counted in `WriteReport.unwritten`.
    workers : int or None, default 1
        Number of processes that encode Parquet, COCO instances and results, and the files of
        ``"coco-panoptic"``, ``"yolo"``, ``"labelme"``, ``"maps"``, ``"binary-masks"``, ``"voc"``
        and ``"cityscapes"``; None for one per core. The files do not depend on it. Other formats
        are written by one process. See :func:`segcore.data.map`.
    client : dask.distributed.Client or concurrent.futures.Executor, optional
        Encodes them instead of local processes; `workers` is then ignored.

    Returns
    -------
    WriteReport
        What was written, the pixels that each annotation gained or lost by the form of the format,
        and what the format has no place for.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    MaskError
        If a mask that has to be converted is invalid.
    ValueError
        If the format is unknown or not implied by `path`, the categories of the parts differ, two
        images have the same id, `workers` is out of range, or `masks_only` is True and the format
        is not Parquet.
    TypeError
        If `dataset` is neither a `Dataset` nor an iterable, or `client` is neither a client nor an
        executor.
    ImportError
        If the extra ``arrow`` or ``formats`` is needed and not installed.

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.read("instances_val2017.json")  # doctest: +SKIP
    >>> sc.data.write(ds[:100], "first_100.json")  # doctest: +SKIP
    """
    if not isinstance(dataset, Dataset) and not isinstance(dataset, Iterable):
        raise TypeError(f"dataset: expected a Dataset, got {type(dataset).__name__}")
    if isinstance(dataset, Sequence):
        for number, part in enumerate(dataset):
            check_dataset(part, f"dataset[{number}]")
    if format is not None:
        _format(format)
    if workers is not None:
        as_workers(workers)
    engine = engine_of(workers, client)
    options = format, progress, colors, masks_only
    if "://" in os.fspath(path):
        if not overwrite:
            check_absent(os.fspath(path))
        with address_outputs() as remote:
            return write_to(remote, dataset, os.fspath(path), *options, **engine)
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(f"{os.fspath(path)} exists; overwrite=True replaces it")
    with publish(overwrite=True) as outputs:
        return write_to(outputs, dataset, path, *options, **engine)


def write_to(
    outputs: Outputs | AddressOutputs,
    dataset: Dataset | Iterable[Dataset],
    path: Path,
    format: str | None = None,
    progress: Progress | None = None,
    colors: Mapping[str, Sequence[int]] | None = None,
    masks_only: bool = False,
    **engine: Any,
) -> WriteReport:
    """As :func:`write`, among other outputs that appear together; `engine` says what encodes it."""
    chosen = _format(format) if format is not None else _format_to_write(path)
    if _is_compressed(path) and chosen.name not in _COMPRESSED:
        raise ValueError(f'{os.fspath(path)}: the format "{chosen.name}" is not written with gzip')
    if masks_only and chosen.name != "parquet":
        raise ValueError(f'masks_only: expected the format "parquet", got "{chosen.name}"')
    if chosen.name != "parquet" and not isinstance(dataset, Dataset):
        dataset = Dataset.concatenate(list(dataset))
    parts = dataset if isinstance(dataset, Dataset) else _Counted(dataset)
    options = _map_options(chosen, colors=colors)
    if chosen.has_progress:
        options["progress"] = progress
    if chosen.has_engine:
        options |= engine
    write_parts = _write_masks if masks_only else chosen.write
    report = write_parts(parts, outputs, path, **options)
    report = _complete_report(chosen.name, path, parts) if report is None else report
    if progress is not None and (not chosen.has_progress or not report.images):
        progress(report.images, report.images)
    return report


class _Counted:
    """Parts of a data set, which counts their images and annotations as they pass."""

    def __init__(self, parts: Iterable[Dataset]) -> None:
        self._parts = parts
        self.images = self.annotations = 0

    def __iter__(self) -> Iterator[Dataset]:
        for part in self._parts:
            if isinstance(part, Dataset):
                self.images += len(part)
                self.annotations += len(part.annotations)
            yield part


def _complete_report(format: str, path: Path, dataset: Dataset | _Counted) -> WriteReport:
    """Return the report of a format that keeps everything."""
    if isinstance(dataset, Dataset):
        images, count = len(dataset), len(dataset.annotations)
    else:
        images, count = dataset.images, dataset.annotations
    none = np.zeros(count, np.int64)
    return WriteReport(format, os.fspath(path), images, count, none, none, (), {})


def from_coco(
    document: dict[str, Any] | list[dict[str, Any]], dataset: Dataset | None = None
) -> Dataset:
    """Create a data set from a COCO document, as ``json.load`` returns it.

    Parameters
    ----------
    document : dict or list
        A dict with ``images``, ``annotations`` and ``categories``, or a list of detections in
        COCO's results format. Values may also be those of models and of pycocotools: NumPy numbers
        and arrays, counts as bytes, and dense masks of dtype bool as segmentations.
    dataset : Dataset, optional
        Data set with the images and categories that the detections refer to. By default, they are
        collected from the detections.

    Returns
    -------
    Dataset
        Data set with the images, categories and annotations of the document.

    Raises
    ------
    DatasetError
        If an item is invalid.
    TypeError
        If `document` contains a value of another type.

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.from_coco({"images": [{"id": 1, "height": 2, "width": 2}], "annotations": []})
    >>> len(ds)
    1
    """
    if dataset is not None and not isinstance(document, (list, tuple)):
        raise DatasetError("", "expected a list of results, as dataset= was passed")
    return reading.read_source(Document(document), dataset)


def to_coco(dataset: Dataset) -> Any:
    """Convert a data set to a COCO document, as ``json.load`` returns it.

    Parameters
    ----------
    dataset : Dataset
        Data set of any format.

    Returns
    -------
    dict
        With the keys ``images``, ``annotations`` and ``categories``, and any other top-level
        members of the file that was read. For detections, too, this is a dict.

    Raises
    ------
    DatasetError
        If the masks of a panoptic data set cannot be read from its PNGs.

    Examples
    --------
    >>> import segcore as sc
    >>> document = {"images": [{"id": 1, "height": 2, "width": 2}], "annotations": []}
    >>> sc.data.to_coco(sc.data.from_coco(document)) == document
    True
    """
    file = io.BytesIO()
    writing.write_instances(dataset, file)
    return json.loads(file.getvalue())


def from_arrow(table: Any) -> Dataset:
    """Create a data set from an Arrow table with one row per annotation.

    Parameters
    ----------
    table : pyarrow.Table, or any object with ``__arrow_c_stream__``
        The result of :meth:`Dataset.to_arrow`, or another table with the columns ``image_id`` and
        ``mask`` or ``polygons``; see :ref:`Parquet <parquet>` for their types.

    Returns
    -------
    Dataset
        Data set whose columns are converted lazily. If the table has no metadata of segcore, images
        and categories are collected from its rows.

    Raises
    ------
    DatasetError
        If a column is missing or does not have the expected type.
    ImportError
        If the extra ``arrow`` is not installed.

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.read("instances_val2017.json")  # doctest: +SKIP
    >>> sc.data.from_arrow(ds.to_arrow())  # doctest: +SKIP
    Dataset(5000 images, 80 categories, 36781 annotations)
    """
    dataset: Dataset = parquet_files().from_arrow(table)
    return dataset


def _format_to_read(path: Path | Sequence[Path], name: str | None) -> Format:
    """Return the named format, or that of the file or folder."""
    return _format(recognized(path) if name is None else name)


def _format_to_write(path: Path) -> Format:
    """Return the format that the name of a file stands for. Raises ValueError for other names."""
    if has_parquet_name(path):
        return FORMATS["parquet"]
    name = os.fspath(path).lower()
    for suffix, format in _SUFFIXES.items():
        if name.endswith(suffix):
            return FORMATS[format]
    raise ValueError(
        f"{os.fspath(path)}: its name does not tell the format; expected a name that ends with "
        f"{', '.join(_SUFFIXES)}, or format= (--to): {_names_of_formats()}"
    )


def _format(name: str) -> Format:
    if name not in FORMATS:
        raise ValueError(f"format: expected {_names_of_formats()}, got {name!r}")
    return FORMATS[name]


def _names_of_formats() -> str:
    return ", ".join(f'"{name}"' for name in FORMATS)
