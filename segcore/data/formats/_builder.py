"""Collect what a reader finds, and make a data set of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence, Sized
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import Size
from segcore._text import visible
from segcore.backends import kernels
from segcore.data.coco.stream import Progress
from segcore.data.columns.fields import MAX_PIXELS
from segcore.data.columns.layouts import annotation_layout, category_layout, image_layout
from segcore.data.columns.segmentations import NONE, POLYGON, STRING, Segmentations
from segcore.data.columns.table import Table
from segcore.data.columns.texts import Texts
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files import names as file_names
from segcore.data.files.names import Folder
from segcore.data.formats._images import image_size, is_image
from segcore.data.formats._measures import polygon_measures
from segcore.masks import Masks, unwrap

ROTATED = "images are rotated by EXIF, and sizes are those displayed"
Numbers = NDArray[np.float64]


class Builder:
    """Images, categories and annotations in the order in which a reader finds them.

    Parameters
    ----------
    path : path-like
        The file or folder, for error messages.
    skip_invalid : bool
        Whether invalid items are listed in ``skipped``; otherwise, the first one is raised.

    Attributes
    ----------
    image_folders : list of Folder
        Where image files may be, whose sizes must be those of the annotations.
    stuff : set of str
        Names of the categories that are not things.
    """

    def __init__(self, path: str | os.PathLike[str], skip_invalid: bool) -> None:
        self.path = os.fspath(path)
        self.skip_invalid = skip_invalid
        self.skipped: list[str] = []
        self.image_folders: list[Folder] = []
        self._notes: dict[str, list[Any]] = {}
        self._images: list[tuple[Any, str, int, int]] = []
        self.categories: dict[str, tuple[Any, str]] = {}
        self._category_rows: dict[str, int] = {}
        self.stuff: set[str] = set()
        self._new_rows: NDArray[np.int64] | None = None
        self._rows: list[tuple[NDArray[Any], ...]] = []
        self._count = 0
        self._extra: dict[int, bytes] = {}
        self._kinds: list[NDArray[np.uint8]] = []
        self._lengths: list[NDArray[np.int64]] = []
        self._sizes: list[NDArray[np.int64]] = []
        self._coordinates: list[Numbers] = []
        self._ring_points: list[NDArray[np.int64]] = []
        self._characters: list[NDArray[np.uint8]] = []

    # -- problems ---------------------------------------------------------------------------------

    def refuse(self, detail: str, item: str = "", path: str | Path | None = None) -> None:
        """Raise DatasetError about an item, or list it as skipped."""
        error = DatasetError(os.fspath(path) if path else self.path, detail, item)
        if not self.skip_invalid:
            raise error
        self.skipped.append(str(error))

    def forget_notes(self) -> None:
        """Forget all notes."""
        self._notes.clear()

    def note(self, what: str, where: str, count: int = 1) -> None:
        """Count something that is not read, and remember where it first occurs."""
        self._notes.setdefault(what, [0, where])[0] += count

    # -- images and categories --------------------------------------------------------------------

    def add_image(
        self,
        file_name: str,
        size: Size,
        image_id: Any = None,
        file_names: Sequence[str] | None = None,
    ) -> int:
        """Add an image and return its row.

        Parameters
        ----------
        file_name : str
            Its name in the data set.
        size : tuple of int
            Its height and width; 0 if they are unknown.
        image_id : int or str, optional
            Its id. Defaults to its number from 1.
        file_names : sequence of str, optional
            The names that its file may have in `image_folders`. Defaults to `file_name`.

        Raises
        ------
        DatasetError
            If its file has another size.
        """
        for name in (file_name,) if file_names is None else file_names:
            self._check_file(name, size)
        row = len(self._images)
        self._images.append((row + 1 if image_id is None else image_id, file_name, *size))
        return row

    def look_beside(self, folder: Path, *below: str) -> None:
        """Compare images with the files in a folder, and in some of the folders in it."""
        places = [folder, *(folder / name for name in below)]
        self.image_folders = [Folder(place) for place in places if place.is_dir()]

    def _check_file(self, file_name: str, size: Size) -> None:
        """Raise DatasetError if the file of an image has another size."""
        for folder in self.image_folders if min(size) > 0 else ():
            file = folder.find(PurePosixPath(file_name))
            if file is None or not is_image(file.name):
                continue
            try:
                found, is_rotated = image_size(file)
            except ImportError:  # without Pillow, sizes are those of the annotations
                return
            if is_rotated:
                self.note(ROTATED, file_name)
            if found != tuple(size):
                shown = "as EXIF rotates it" if is_rotated else "as displayed"
                detail = f"its size {found}, {shown}, differs from {tuple(size)} of {self.path}"
                raise DatasetError(str(file), detail)
            return

    def category(self, name: str, category_id: Any = None, supercategory: str = "") -> int:
        """Return the row of the category with this name, which is added if it is new."""
        if name not in self.categories:
            self._category_rows[name] = len(self.categories)
            self.categories[name] = category_id, supercategory
        return self._category_rows[name]

    def change_categories(
        self,
        new_rows: Sequence[int] | NDArray[np.int64],
        categories: dict[str, tuple[Any, str]],
    ) -> None:
        """Replace the categories; row i becomes ``new_rows[i]``, and -1 drops its annotations."""
        self._new_rows = np.asarray(new_rows, np.int64)
        self.categories = categories

    def drop_category(self, name: str) -> None:
        """Drop a category and its annotations."""
        names = list(self.categories)
        kept = {key: value for key, value in self.categories.items() if key != name}
        rows = [-1 if key == name else list(kept).index(key) for key in names]
        self.change_categories(rows, kept)

    # -- annotations ------------------------------------------------------------------------------

    def add_polygons(
        self,
        image: int | NDArray[np.int64],
        category: int | NDArray[np.int64],
        coordinates: Numbers,
        ring_points: Sequence[int] | NDArray[np.int64],
        rings: Sequence[int] | NDArray[np.int64],
        **values: Any,
    ) -> None:
        """Add annotations with polygons.

        Parameters
        ----------
        image, category : int or numpy.ndarray
            Row of the image and of the category, of all or of each annotation.
        coordinates : numpy.ndarray
            x0 y0 x1 y1 ... of all rings: float64.
        ring_points, rings : sequence of int
            Number of points of each ring, and of rings of each annotation.
        **values
            As for `_add`.
        """
        count = len(rings)
        if count:
            self._add(image, category, np.full(count, POLYGON, np.uint8), rings, (0, 0), values)
            self._coordinates.append(np.ascontiguousarray(coordinates, np.float64).ravel())
            self._ring_points.append(np.asarray(ring_points, np.int64))

    def add_masks(
        self, image: int, category: int | NDArray[np.int64], masks: Masks, **values: Any
    ) -> None:
        """Add annotations with masks, which are stored as compressed RLE."""
        if len(masks):
            characters, offsets = kernels.string_encode(unwrap(masks))
            kinds = np.full(len(masks), STRING, np.uint8)
            corners = masks.boxes
            boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
            values = {"area": masks.area, "bbox": boxes, **values}
            self._add(image, category, kinds, np.diff(offsets), masks.size, values)
            self._characters.append(characters)

    def add_boxes(self, image: int, category: int, bboxes: Any, **values: Any) -> None:
        """Add annotations that have a box x, y, width, height, and no mask."""
        boxes = np.asarray(bboxes, np.float64).reshape(-1, 4)
        kinds = np.full(len(boxes), NONE, np.uint8)
        values = {"area": boxes[:, 2] * boxes[:, 3], "bbox": boxes, **values}
        self._add(image, category, kinds, np.zeros(len(boxes)), (0, 0), values)

    def _add(
        self,
        image: int | NDArray[np.int64],
        category: int | NDArray[np.int64],
        kinds: NDArray[np.uint8],
        lengths: Any,
        size: Size,
        values: dict[str, Any],
    ) -> None:
        """Add annotations.

        `values` has ``iscrowd``, ``score``, ``area`` and ``bbox``, where known, and ``extra``, the
        text of another member, for a single annotation.
        """
        count = len(kinds)
        if values.get("extra"):
            self._extra[self._count] = values["extra"]
        self._count += count
        self._kinds.append(kinds)
        self._lengths.append(np.asarray(lengths, np.int64))
        self._sizes.append(np.tile(np.array(size, np.int64), (count, 1)))
        self._rows.append(
            (
                np.broadcast_to(np.asarray(image, np.int64), count),
                np.broadcast_to(np.asarray(category, np.int64), count),
                np.broadcast_to(np.asarray(values.get("iscrowd", False), np.bool_), count),
                np.broadcast_to(np.asarray(values.get("score", np.nan), np.float64), count),
                np.broadcast_to(np.asarray(values.get("area", np.nan), np.float64), count),
                np.broadcast_to(np.asarray(values.get("bbox", np.nan), np.float64), (count, 4)),
            )
        )

    # -- the data set -----------------------------------------------------------------------------

    def dataset(self) -> Dataset:
        """Return the data set of everything that was added."""
        self._sort_categories()
        images, categories = self._image_table(), self._category_table()
        empty = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.bool_))
        first = (*empty, np.empty(0), np.empty(0), np.empty((0, 4)))
        parts = [np.concatenate(column) for column in zip(first, *self._rows, strict=True)]
        columns: dict[str, Any] = dict(
            zip(("image", "category", "iscrowd", "score", "area", "bbox"), parts, strict=True)
        )
        count = len(columns["image"])
        segmentations = self._segmentations()
        columns |= {"id": np.arange(1, count + 1), "segmentation": segmentations}
        polygons = np.flatnonzero(segmentations.kinds == POLYGON)
        if len(polygons):
            areas, boxes = polygon_measures(segmentations, polygons)
            given = columns["area"][polygons]
            columns["area"][polygons] = np.where(np.isnan(given), areas, given)
            columns["bbox"][polygons] = boxes
        if self._new_rows is not None:
            columns["category"] = self._new_rows[columns["category"]]
        kept = np.flatnonzero(columns["category"] >= 0)
        if len(kept) < count:
            columns = {name: column[kept] for name, column in columns.items()}
            columns["id"] = np.arange(1, len(kept) + 1)
        layout = annotation_layout(columns)
        if self._extra:
            texts = [self._extra.get(row, b"").decode() for row in kept.tolist()]
            layout = layout.with_extra(Texts.from_strings(texts))
        notes = [
            f"{count:,} {what}, the first: {visible(where)}"
            for what, (count, where) in self._notes.items()
        ]
        return Dataset(
            images,
            categories,
            Table(columns, layout),
            skipped=self.skipped,
            notes=notes,
            source=self.path,
        )

    def _sort_categories(self) -> None:
        """Sort categories with integer ids by these."""
        ids = [category_id for category_id, _ in self.categories.values()]
        if all(type(value) is int for value in ids) and ids != sorted(ids):
            order = sorted(range(len(ids)), key=ids.__getitem__)
            ranks = np.empty(len(ids) + 1, np.int64)
            ranks[order] = np.arange(len(ids))
            ranks[-1] = -1
            rows = np.arange(len(ids)) if self._new_rows is None else self._new_rows
            items = list(self.categories.items())
            self.change_categories(ranks[rows], dict(items[row] for row in order))

    def _image_table(self) -> Table:
        ids, names, heights, widths = zip(*self._images, strict=True) if self._images else [()] * 4
        columns: dict[str, Any] = {
            "id": _id_array(ids),
            "file_name": Texts.from_strings(names),
            "height": np.array(heights, np.int64),
            "width": np.array(widths, np.int64),
        }
        return Table(columns, image_layout(columns))

    def _category_table(self) -> Table:
        ids = [category_id for category_id, _ in self.categories.values()]
        if None in ids:
            ids = list(range(1, len(ids) + 1))
        columns: dict[str, Any] = {
            "id": _id_array(ids),
            "name": Texts.from_strings(self.categories),
            "supercategory": Texts.from_strings(s for _, s in self.categories.values()),
            "isthing": np.array([name not in self.stuff for name in self.categories], np.bool_),
        }
        return Table(columns, category_layout(columns))

    def _segmentations(self) -> Segmentations:
        kinds = _joined(self._kinds, np.uint8)
        lengths = _joined(self._lengths, np.int64)
        sizes = _joined([part.ravel() for part in self._sizes], np.int64).reshape(-1, 2)
        starts = np.zeros(len(kinds), np.int64)
        for kind in (STRING, POLYGON):
            rows = np.flatnonzero(kinds == kind)
            starts[rows] = offsets_of(lengths[rows])[:-1]
        coordinates = _joined(self._coordinates, np.float64)
        return Segmentations(
            kinds,
            sizes[:, 0].copy(),
            sizes[:, 1].copy(),
            starts,
            lengths,
            _joined(self._characters, np.uint8),
            np.empty(0, np.int64),
            np.cumsum(_joined(self._ring_points, np.int64)),
            coordinates,
            (coordinates == np.rint(coordinates)).astype(np.uint8),
        )


def _joined(parts: list[Any], dtype: Any) -> NDArray[Any]:
    return np.concatenate([np.empty(0, dtype), *parts])


def _id_array(ids: Sequence[Any]) -> NDArray[Any]:
    integers = all(type(value) is int and abs(value) < 2**63 for value in ids)
    return np.array(ids, np.int64 if integers else object)


def track(items: Sized, progress: Progress | None) -> Callable[[int], None]:
    """Return a function that reports that the item with an index is done."""

    def done(index: int) -> None:
        if progress is not None:
            progress(index + 1, len(items))

    return done


def as_size(height: Any, width: Any) -> Size:
    """Return an image size; ValueError unless it has positive integers and at most 2**30 pixels."""
    found = []
    for name, value in (("height", height), ("width", width)):
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            number = np.nan
        if isinstance(value, bool) or not number.is_integer() or not 1 <= number <= MAX_PIXELS:
            raise ValueError(f"{name}: expected a number of pixels, got {value!r:.40}")
        found.append(int(number))
    if found[0] * found[1] > MAX_PIXELS:
        raise ValueError(f"size: expected at most {MAX_PIXELS} pixels, got {tuple(found)}")
    return found[0], found[1]


def as_score(value: object) -> float:
    """Return a score; NaN if it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return np.nan
    return float(value) if abs(value) < 2**63 else np.nan


def relative_name(name: object) -> str:
    """Return a file name in a data set. Raises ValueError unless it stays below its folder."""
    try:
        return file_names.relative_name(name)
    except ValueError as error:
        raise ValueError(f"the file name {error}") from None
