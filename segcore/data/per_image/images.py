"""The images of a data set that commands can use: those with a valid name and size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from segcore._text import counted
from segcore.data.coco.panoptic import PanopticMaps
from segcore.data.columns.fields import MAX_PIXELS, Id, describe
from segcore.data.columns.table import MISSING, NULL, Table
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.names import relative_name, with_suffix
from segcore.data.problems import Problems

LISTED = 1024
"""Number of images whose names are in memory at a time."""


@dataclass(frozen=True)
class DatasetImage:
    """An image of a data set: its row, id, names and size.

    ``map_name`` is the path of its label map below a folder of maps: its file name with the suffix
    .png. An unknown height or width is 0.
    """

    row: int
    id: Id
    name: str
    map_name: str
    size: tuple[int, int]

    @property
    def label(self) -> str:
        """Its name in messages."""
        return f"image {describe(self.id)}"


class DatasetImages(Sequence[DatasetImage]):
    """Images of a data set, given by their rows. Items are created on access.

    Parameters
    ----------
    table : Table
        The images of the data set.
    rows : numpy.ndarray
        Rows of the images, which have valid names: int64.
    """

    def __init__(self, table: Table, rows: NDArray[np.int64]) -> None:
        self._table = table
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> DatasetImage: ...
    @overload
    def __getitem__(self, index: slice | NDArray[np.int64]) -> DatasetImages: ...
    def __getitem__(self, index: int | slice | NDArray[np.int64]) -> DatasetImage | DatasetImages:
        if isinstance(index, (slice, np.ndarray)):
            return DatasetImages(self._table, self.rows[index])
        return next(iter(self[np.array([index])]))

    def __iter__(self) -> Iterator[DatasetImage]:
        for row, key, name, height, width in _values(self._table, self.rows):
            yield DatasetImage(row, key, name, _map_name(name), (height, width))

    def names(self) -> Iterator[str]:
        """Yield the name of each image."""
        return (name for _, _, name, _, _ in _values(self._table, self.rows))

    def map_names(self) -> Iterator[str]:
        """Yield the path of the label map of each image."""
        return map(_map_name, self.names())


def usable_images(path: Path, dataset: Dataset, problems: Problems) -> DatasetImages:
    """Return the images with a valid name and size; for panoptic files, those with a PNG."""
    images = dataset.images
    rows = np.arange(len(images))
    is_map = isinstance(dataset.maps, PanopticMaps)
    if isinstance(dataset.maps, PanopticMaps):
        rows = np.unique(dataset.maps.entries["image"])
        if len(rows) < len(images):
            number = counted(len(images) - len(rows), "image")
            problems.skipped.append(f"{path}: {number} without an annotation")
    is_usable = np.ones(len(rows), np.bool_)
    for index, (row, key, name, height, width) in enumerate(_values(images, rows)):
        try:
            _check_name(images, row, name)
            _check_size(height, width, is_needed=not is_map)
        except ValueError as error:
            is_usable[index] = False
            label = f"image {describe(key)}"
            problems.report(DatasetError(path, str(error), label, images.offset(row)))
    return DatasetImages(images, rows[is_usable])


def _values(table: Table, rows: NDArray[np.int64]) -> Iterator[tuple[int, Id, str, int, int]]:
    """Yield the row, the id, the name, the height and the width of images."""
    names, *numbers = (table[name] for name in ("file_name", "id", "height", "width"))
    for start in range(0, len(rows), LISTED):
        part = rows[start : start + LISTED]
        listed = part.tolist()
        ids, heights, widths = (column[part].tolist() for column in numbers)
        yield from zip(listed, ids, [names[row] for row in listed], heights, widths, strict=True)


def _map_name(name: str) -> str:
    return with_suffix(relative_name(name), ".png")


def _check_name(images: Table, row: int, name: str) -> None:
    """Raise ValueError unless a name is a valid name of a file."""
    try:
        _map_name(name)
    except ValueError as error:
        if images.layout.forms("file_name")[row] in (MISSING, NULL):
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
