"""Read and write data sets in the supported formats."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from segcore._input.extras import require
from segcore._publish import Outputs, publish
from segcore.data import _coco_json, _coco_write
from segcore.data._addresses import AddressOutputs, check_absent
from segcore.data._dataset import Dataset
from segcore.data._errors import DatasetError
from segcore.data._panoptic import PanopticMaps
from segcore.data._parquet_names import has_parquet_name, is_parquet
from segcore.data._sa_v import write_video
from segcore.data._stream import Progress

Path = str | os.PathLike[str]


Reader = Callable[..., Dataset]
Writer = Callable[[Any, Any, Path], None]
"""Writes a data set to `Outputs` or, at an address, to `AddressOutputs`."""


@dataclass(frozen=True)
class Format:
    """One format of data sets."""

    name: str
    title: str
    read: Reader
    write: Writer


def _file(write: Callable[[Any, BinaryIO], None]) -> Writer:
    """Return a writer of a single file."""

    def write_file(dataset: Any, outputs: Outputs, path: Path) -> None:
        with outputs.file(path).open() as file:
            write(dataset, file)

    return write_file


def _write_panoptic(dataset: Dataset, outputs: Outputs, path: Path) -> None:
    """Write the JSON file, and copy the PNGs into the folder of its name beside it."""
    maps = dataset.maps
    if not isinstance(maps, PanopticMaps):
        raise ValueError("dataset: expected one that was read from a COCO panoptic file")
    with outputs.file(path).open() as file:
        _coco_write.write_panoptic(dataset, file)
    names = maps.entries["file_name"].tolist()
    folder = outputs.folder(os.path.splitext(path)[0], names=names)
    for name, image in zip(names, maps.entries["image"].tolist(), strict=True):
        with folder.open(name) as file, open(maps.path(image), "rb") as png:
            shutil.copyfileobj(png, file)


def _read_folder(path: Path, dataset: Dataset | None = None, **options: Any) -> Dataset:
    """Read every JSON file of a folder as one data set."""
    files = sorted(file for file in os.listdir(path) if file.endswith(".json"))
    if not files:
        raise DatasetError(os.fspath(path), "expected a folder with JSON files, found none")
    return Dataset.concatenate(
        [_coco_json.read_coco(os.path.join(path, name), dataset, **options) for name in files]
    )


def _write_folder(dataset: Dataset, outputs: Outputs, path: Path) -> None:
    """Write a JSON file per image."""
    stems = [os.path.splitext(os.path.basename(name))[0] for name in dataset.images["file_name"]]
    names = [
        f"{stem or f'sa_{image_id}'}.json"
        for stem, image_id in zip(stems, dataset.images["id"].tolist(), strict=True)
    ]
    folder = outputs.folder(path, names=names)
    for index, name in enumerate(names):
        with folder.open(name) as file:
            _coco_write.write_single_image(dataset[[index]], file)


def _parquet() -> Any:
    return require("segcore.data._parquet", "pyarrow", "arrow", "Parquet and Arrow")


def _read_parquet(*args: Any, **options: Any) -> Dataset:
    dataset: Dataset = _parquet().read_parquet(*args, **options)
    return dataset


def _write_parquet(dataset: Any, file: BinaryIO) -> None:
    _parquet().write_parquet(dataset, file)


FORMATS = {
    format.name: format
    for format in (
        Format(
            "coco",
            "COCO instances, LVIS",
            _coco_json.read_coco,
            _file(_coco_write.write_instances),
        ),
        Format(
            "coco-results",
            "COCO results",
            _coco_json.read_coco,
            _file(_coco_write.write_results),
        ),
        Format("coco-panoptic", "COCO panoptic", _coco_json.read_coco, _write_panoptic),
        Format("sa-1b", "SA-1B, a folder of JSON files", _read_folder, _write_folder),
        Format("sa-v", "SA-V, a JSON file per video", _coco_json.read_coco, _file(write_video)),
        Format("parquet", "Parquet", _read_parquet, _file(_write_parquet)),
    )
}


def read(
    path: Path | Sequence[Path],
    format: str | None = None,
    *,
    dataset: Dataset | None = None,
    invalid: Literal["raise", "skip"] = "raise",
    progress: Progress | None = None,
) -> Dataset:
    """Read a data set into columns.

    Files are read once, piece by piece, and no Python object is made per annotation. Masks are made
    later, when they are asked for.

    Parameters
    ----------
    path : path-like or list of path-like
        A file, which may be compressed with gzip, or an address that fsspec opens, such as
        ``s3://bucket/instances.json`` (extra ``arrow``). For Parquet, also a folder or a list of
        files, which have the same categories and different images.
    format : str, optional
        Name of the format. By default, it is recognized by the name and the contents:

        - ``"coco"``: COCO instances and LVIS;
        - ``"coco-results"``: a list of results of a model;
        - ``"coco-panoptic"``: COCO panoptic. The PNGs are in the folder beside the file that has
          its name without ``.json``, and are read when masks are asked for;
        - ``"sa-1b"``: a folder with a JSON file per image, or one of these files;
        - ``"sa-v"``: a JSON file per video. Frames are images; annotation ids are masklet ids, and
          are the same in all frames.
        - ``"parquet"``: Parquet (extra ``arrow``). Annotations are read when they are asked for:
          ``ds[i]`` reads one row group, and ``ds.annotations["score"]`` one column.
    dataset : Dataset, optional
        For results: the data set that they belong to, which has the images and categories. Without
        it, they are listed from the results themselves, and image sizes are those of the RLEs.
    invalid : {"raise", "skip"}, default "raise"
        What to do with an invalid item, such as an annotation of an unknown image. Skipped items
        are listed in `Dataset.skipped`. Invalid masks are found later, when they are made, and so
        are all invalid items of Parquet files, which are errors.
    progress : callable, optional
        Called with the number of bytes read and the size of the file (None if unknown). Not called
        for Parquet, which is read later.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If the file is not JSON or not of a known format, or an item is invalid. The message names
        the file, the item and the byte at which it starts.
    ImportError
        If the extra ``arrow`` is needed and not installed.
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
    chosen = _format(format) if format is not None else _recognized(path)
    return chosen.read(path, dataset, skip_invalid=invalid == "skip", progress=progress)


def write(
    dataset: Dataset | Iterable[Dataset],
    path: Path,
    format: str | None = None,
    *,
    overwrite: bool = False,
) -> None:
    """Write a data set to a file.

    The file appears when it is complete. A COCO file that was read and written again holds the same
    values: fields that segcore does not know, the order of everything, and whether a number is
    written as 1 or 1.0 included.

    Parameters
    ----------
    dataset : Dataset or iterable of Dataset
        The data set, or parts of it, as for :meth:`Dataset.concatenate`. Parts are written to
        Parquet one after the other, so that they need not be in memory together; there, annotation
        ids are kept as they are.
    path : path-like
        The file to write, or an address that fsspec opens, such as ``s3://bucket/masks.parquet``
        (extra ``arrow``). There, the file is written under a temporary name beside it, and renamed
        when it is complete.
    format : str, optional
        One of the formats of :func:`read`. By default, it is ``"parquet"`` for names that end with
        ``.parquet``, and ``"coco"`` for others. For ``"coco-panoptic"`` the PNGs are copied; for
        ``"sa-1b"``, `path` is a folder. These two are written to local paths only.
    overwrite : bool, default False
        Whether to replace an existing file.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is False.
    ValueError
        If the format is unknown, the parts do not fit together, or `path` is an address and the
        format writes several files.
    ImportError
        If the extra ``arrow`` is needed and not installed.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.data.write(ds[:100], "first_100.json")  # doctest: +SKIP
    """
    if not isinstance(dataset, Dataset) and not isinstance(dataset, Iterable):
        raise TypeError(f"dataset: expected a Dataset, got {type(dataset).__name__}")
    chosen = _format(format) if format is not None else _format_to_write(path)
    if chosen.name != "parquet" and not isinstance(dataset, Dataset):
        dataset = Dataset.concatenate(list(dataset))
    if "://" in os.fspath(path):
        if not overwrite:
            check_absent(os.fspath(path))
        chosen.write(dataset, AddressOutputs(), os.fspath(path))
        return
    if not overwrite and os.path.lexists(path):
        raise FileExistsError(f"{os.fspath(path)} exists; overwrite=True replaces it")
    with publish(overwrite=True) as outputs:
        chosen.write(dataset, outputs, path)


def from_coco(
    document: dict[str, Any] | list[dict[str, Any]], dataset: Dataset | None = None
) -> Dataset:
    """Make a data set of a COCO document: the objects that ``json.load`` returns.

    Parameters
    ----------
    document : dict or list
        A dict with ``images``, ``annotations`` and ``categories``, or a list of results.
    dataset : Dataset, optional
        For results: the data set that they belong to.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        If an item is invalid.
    TypeError
        If something cannot be written as JSON.

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.from_coco({"images": [{"id": 1, "height": 2, "width": 2}], "annotations": []})
    >>> len(ds)
    1
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    data = text.encode("utf-8", "surrogatepass")
    return _coco_json.read_stream("", io.BytesIO(data), len(data), dataset)


def to_coco(dataset: Dataset) -> Any:
    """Return a data set as the objects that ``json.load`` returns for its COCO file."""
    file = io.BytesIO()
    _coco_write.write_instances(dataset, file)
    return json.loads(file.getvalue())


def from_arrow(table: Any) -> Dataset:
    """Make a data set of an Arrow table with one row per annotation.

    Parameters
    ----------
    table : pyarrow.Table, or any object with ``__arrow_c_stream__``
        A table as :meth:`Dataset.to_arrow` returns it, or another one with the columns ``image_id``
        and ``mask`` or ``polygons``; see :ref:`Parquet <parquet>` for what they hold.

    Returns
    -------
    Dataset
        Its columns are converted when they are asked for. The images and categories of a table
        without segcore's metadata are those that its rows name.

    Raises
    ------
    DatasetError
        If a column is missing or of another type.
    ImportError
        If the extra ``arrow`` is not installed.

    Examples
    --------
    >>> import segcore as sc
    >>> sc.data.from_arrow(ds.to_arrow())  # doctest: +SKIP
    """
    dataset: Dataset = _parquet().from_arrow(table)
    return dataset


def to_arrow(dataset: Dataset) -> Any:
    """Return a data set as an Arrow table; see :meth:`Dataset.to_arrow`."""
    return _parquet().to_arrow(dataset)


def _recognized(path: Path | Sequence[Path]) -> Format:
    """Return the format of an existing file or folder."""
    if is_parquet(path):
        return FORMATS["parquet"]
    is_folder = isinstance(path, (str, os.PathLike)) and os.path.isdir(path)
    return FORMATS["sa-1b" if is_folder else "coco"]


def _format_to_write(path: Path) -> Format:
    return FORMATS["parquet" if has_parquet_name(path) else "coco"]


def _format(name: str) -> Format:
    if name not in FORMATS:
        known = ", ".join(f'"{known}"' for known in FORMATS)
        raise ValueError(f"format: expected {known}, got {name!r}")
    return FORMATS[name]
