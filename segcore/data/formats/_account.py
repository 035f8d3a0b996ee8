"""The masks that a writer gets, and an account of what it does not keep."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import Size
from segcore.backends import kernels
from segcore.data.coco.stream import Progress
from segcore.data.columns.layouts import category_layout
from segcore.data.columns.segmentations import POLYGON, Segmentations
from segcore.data.columns.table import Table
from segcore.data.columns.texts import Texts
from segcore.data.dataset import Dataset
from segcore.data.files.names import image_paths
from segcore.data.formats._measures import polygon_measures
from segcore.data.formats._names import distinct_names, utf8_name
from segcore.data.report import NO_MASK, Dropped, WriteReport
from segcore.masks import Masks, unwrap, wrap

Rows = NDArray[np.int64]
Item = TypeVar("Item")
Numbers = NDArray[np.float64]

GROUP = 4096
"""Number of annotations whose masks are made together."""
NO_CATEGORY = "it has no category"
EMPTY = "its mask is empty"
HIDDEN = "it is hidden by smaller ones"
MERGED = "annotations merged with others of their category"
POLYGONS = "polygons that are written in another form"
AREAS = "areas and boxes that are not those of the masks"


class Noted(NamedTuple):
    """What is not kept: pixels of each annotation, annotations by reason, and counts of values."""

    gained: NDArray[np.int64]
    lost: NDArray[np.int64]
    dropped: dict[str, list[int]]
    unwritten: dict[str, int]


class Found(NamedTuple):
    """The result of the account of some images: totals, and flags of each annotation."""

    noted: Noted
    own_measures: NDArray[np.bool_]
    is_polygon: NDArray[np.bool_]


class Account:
    """The account of what happens to the annotations of a data set when it is written.

    Parameters
    ----------
    dataset : Dataset
        The data set. Without categories, it gets one, called "object".
    format : str
        Name of the format.
    path : path-like
        The path that is written.
    progress : callable, optional
        Called with the number of images written, and their total.
    """

    def __init__(
        self,
        dataset: Dataset,
        format: str,
        path: str | os.PathLike[str],
        progress: Progress | None = None,
    ) -> None:
        self._progress = progress
        self._num_done = 0
        self.dataset = dataset = _with_categories(dataset)
        self.format = format
        self._path = os.fspath(path)
        count = len(dataset.annotations)
        self._all_rows = np.arange(count)
        self.noted = Noted(np.zeros(count, np.int64), np.zeros(count, np.int64), {}, {})
        self._are_compared = False

    @cached_property
    def _segmentations(self) -> Segmentations:
        """The masks. Only the accounts of parts read them, because they write them."""
        column: Segmentations = self.dataset.annotations["segmentation"]
        return column

    @cached_property
    def _ring_ends(self) -> Rows:
        return np.concatenate([np.zeros(1, np.int64), self._segmentations.ring_ends])

    # -- what there is to write -------------------------------------------------------------------

    def names(self, suffix: str = "") -> list[str]:
        """Return a path below a folder for each image: its file name, or its id.

        Parameters
        ----------
        suffix : str
            Replaces the suffix of the names, unless it is empty.

        Raises
        ------
        ValueError
            If a name leads out of a folder, or two images get the same path.
        """
        return image_paths(self.dataset.images, suffix)

    def category_names(self, writable: Callable[[str], str] = str) -> list[str]:
        """Return the names of the categories as `distinct_names` does, and note which are new."""
        categories = self.dataset.categories
        names: list[str] = categories["name"].tolist()
        ids = categories["id"].tolist()
        found = distinct_names(names, ids, lambda name: writable(utf8_name(name)))
        self.unwritten("names of categories", _different(names, found))
        return found

    def sizes(self, images: Rows) -> NDArray[np.int64]:
        """Return the sizes of several images: int64, shape (N, 2)."""
        table = self.dataset.images
        sizes = np.stack([table["height"][images], table["width"][images]], axis=1)
        unknown = np.flatnonzero((sizes <= 0).any(axis=1))
        if len(unknown):
            self.size(int(images[unknown[0]]))
        return sizes

    def size(self, image: int) -> tuple[int, int]:
        """Return the size of an image. Raises ValueError if it is unknown."""
        size = self.dataset[image].size
        if min(size) <= 0:
            image_id = self.dataset.images["id"][image]
            raise ValueError(f"image {image_id}: its size is unknown, but {self.format} needs it")
        return size

    def _with_mask(self, rows: Rows, boxes: bool = False) -> Rows:
        """Return the rows of annotations that have a mask (or, with `boxes`, a box)."""
        if self.dataset.maps is None and len(rows):
            has_mask = self.has_mask[rows]
            if boxes:
                has_mask |= np.isfinite(self.dataset.annotations["bbox"][rows]).all(axis=1)
            if not has_mask.all():
                self.drop(rows[~has_mask], NO_MASK)
                rows = rows[has_mask]
        return rows

    def rows(self, image: int, boxes: bool = False) -> Rows:
        """Return the rows of the annotations of an image that have a mask and a category.

        The others are dropped. With `boxes`, annotations that have a box alone are kept, too.
        """
        return self._with_category(
            self._with_mask(self._all_rows[self.dataset.rows_of(image)], boxes)
        )

    def groups(self) -> Iterator[tuple[Size, Rows]]:
        """Yield the images in groups: their size, and their rows.

        The masks of a group are made together, which is faster than one image at a time. Groups are
        small, so that memory is bounded, and images of other sizes may lie between.
        """
        count = len(self.dataset)
        annotations = np.bincount(self.dataset.annotations["image"], minlength=count)
        ends = np.cumsum(np.maximum(annotations, 1)) // GROUP
        for window in np.split(np.arange(count), np.flatnonzero(np.diff(ends)) + 1):
            sizes, group_of = np.unique(self.sizes(window), axis=0, return_inverse=True)
            for part, (height, width) in enumerate(sizes.tolist()):
                yield (height, width), window[group_of.ravel() == part]

    def with_masks(self) -> Iterator[tuple[int, Rows, Masks]]:
        """Yield each image, in the order of `groups`, with its annotations and their masks."""
        for size, images in self.groups():
            rows, counts = self.rows_of(images)
            masks = self.masks_of(size, rows)
            offsets = offsets_of(counts).tolist()
            for image, start, end in zip(images.tolist(), offsets[:-1], offsets[1:], strict=True):
                yield image, rows[start:end], masks[start:end]
                self.image_is_done()

    def tracked(self, images: Sequence[Item]) -> Iterator[tuple[int, Item]]:
        """Yield the number and the item of each image, and report progress."""
        for image, item in enumerate(images):
            yield image, item
            self.image_is_done()

    def image_is_done(self) -> None:
        """Report that another image is written."""
        self._num_done += 1
        if self._progress is not None:
            self._progress(self._num_done, len(self.dataset))

    def rows_of(self, images: Rows) -> tuple[Rows, Rows]:
        """Return `rows` of several images, one after the other, and how many each image has."""
        all_rows, counts = self.dataset.rows_of_images(images)
        rows = self._with_category(self._with_mask(all_rows))
        if len(rows) < len(all_rows):
            of_image = np.repeat(np.arange(len(images)), counts)
            counts = np.bincount(of_image[np.isin(all_rows, rows)], minlength=len(images))
        return rows, counts

    def _with_category(self, rows: Rows) -> Rows:
        has_category = self.dataset.annotations["category"][rows] >= 0
        self.drop(rows[~has_category], NO_CATEGORY)
        kept: Rows = rows[has_category]
        return kept

    def masks(self, image: int, rows: Rows) -> Masks:
        """Return the masks of annotations of an image.

        Raises
        ------
        MaskError
            If a mask is invalid.
        """
        dataset = self.dataset
        if dataset.maps is not None:
            masks = dataset.maps.masks(image, dataset.annotations["id"][rows], self.size(image))
            self._compare_measures(rows, masks)
            return masks
        return self.masks_of(self.size(image), rows)

    def masks_of(self, size: Size, rows: Rows) -> Masks:
        """Return the masks of annotations of several images of one size."""
        if self.dataset.maps is not None and len(rows):
            images = self.dataset.annotations["image"][rows]
            parts = np.split(rows, np.flatnonzero(np.diff(images)) + 1)
            return Masks.concatenate(
                [
                    self.masks(int(self.dataset.annotations["image"][part[0]]), part)
                    for part in parts
                ]
            )
        masks = self._segmentations[rows].masks(
            size, lambda row: self.name(int(rows[row])), self.dataset.source
        )
        self._compare_measures(rows, masks)
        return masks

    def rings(self, row: int) -> tuple[Numbers, Rows]:
        """Return the coordinates x0 y0 x1 y1 ... of a polygon, and the points of each ring."""
        segmentations = self._segmentations
        first = int(segmentations.starts[row])
        ends = self._ring_ends[first : first + int(segmentations.lengths[row]) + 1]
        return segmentations.coordinates[2 * ends[0] : 2 * ends[-1]], np.diff(ends)

    def ring_parts(self, rows: Rows) -> tuple[Numbers, Rows, Rows, Rows]:
        """Return the polygons of many annotations.

        Returns
        -------
        coordinates, ring_offsets : numpy.ndarray
            x0 y0 x1 y1 ... of all rings of the data set, and where each starts, in points.
        first_rings, ring_counts : numpy.ndarray
            First ring of each annotation, and its number of rings.
        """
        segmentations = self._segmentations
        parts = segmentations.starts[rows], segmentations.lengths[rows]
        return segmentations.coordinates, self._ring_ends, *parts

    @cached_property
    def has_mask(self) -> NDArray[np.bool_]:
        """Whether each annotation has a mask: a segmentation that is neither missing nor ``[]``."""
        if self.dataset.maps is not None:
            return np.ones(len(self._all_rows), np.bool_)
        return ~self._segmentations.is_missing

    @cached_property
    def is_polygon(self) -> NDArray[np.bool_]:
        """Whether each annotation has a polygon whose rings have three points or more."""
        segmentations = self._segmentations
        found = segmentations.kinds == POLYGON
        short = offsets_of(np.diff(self._ring_ends) < 3)
        first, count = segmentations.starts * found, segmentations.lengths * found
        is_polygon: NDArray[np.bool_] = found & (count > 0) & (short[first + count] == short[first])
        return is_polygon

    @cached_property
    def num_rings(self) -> Rows:
        """Number of rings of each annotation; 0 if it has no polygon."""
        segmentations = self._segmentations
        num_rings: Rows = np.where(segmentations.kinds == POLYGON, segmentations.lengths, 0)
        return num_rings

    def name(self, row: int) -> str:
        """Return the name of an annotation."""
        annotations, images = self.dataset.annotations, self.dataset.images
        image_id = images["id"][annotations["image"][row]]
        return f"annotation {annotations['id'][row]} of image {image_id}"

    # -- areas and boxes --------------------------------------------------------------------------

    @cached_property
    def own_measures(self) -> NDArray[np.bool_]:
        """Whether the area and the box of each annotation differ from those of its mask and rings.

        `_compare_measures` compares with masks when these are made. Shape (N, 2).
        """
        annotations = self.dataset.annotations
        area, bbox = annotations["area"], annotations["bbox"]
        is_own = np.stack([~np.isnan(area), ~np.isnan(bbox).any(axis=1)], axis=1)
        if self.dataset.maps is not None:
            return is_own
        is_own[~self.has_mask, 1] = False  # the box is all there is
        is_own[~self.has_mask & _are_areas(area, bbox[:, 2] * bbox[:, 3]), 0] = False
        polygons = np.flatnonzero(self.is_polygon & is_own.any(axis=1))
        for rows in np.split(polygons, range(GROUP, len(polygons), GROUP)):
            part = self._segmentations[rows].compact()
            self._clear_own(is_own, rows, *polygon_measures(part, np.arange(len(rows))))
        return is_own

    def _compare_measures(self, rows: Rows, masks: Masks) -> None:
        """Compare areas and boxes with those of masks."""
        is_own = self.own_measures[rows].any(axis=1)
        if is_own.any():
            corners = masks[is_own].boxes
            boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
            self._clear_own(self.own_measures, rows[is_own], masks[is_own].area, boxes)

    def compare_polygons(self) -> None:
        """Also compare areas and boxes that differ from those of polygons with those of masks."""
        if self._are_compared:
            return
        self._are_compared = True
        written = np.flatnonzero(self._is_written)
        rows = written[self.own_measures[written].any(axis=1) & self.is_polygon[written]]
        sizes = self.sizes(self.dataset.annotations["image"][rows])
        for height, width in np.unique(sizes, axis=0).tolist():
            of_size = rows[(sizes == [height, width]).all(axis=1)]
            for part in np.split(of_size, range(GROUP, len(of_size), GROUP)):
                self.masks_of((height, width), part)

    def _clear_own(
        self, is_own: NDArray[np.bool_], rows: Rows, areas: NDArray[Any], boxes: NDArray[Any]
    ) -> None:
        """Clear the flags of areas and boxes that are these."""
        annotations = self.dataset.annotations
        is_own[rows, 0] &= ~_are_areas(annotations["area"][rows], areas)
        is_own[rows, 1] &= ~np.isclose(annotations["bbox"][rows], boxes, 0, 0.02).all(axis=1)

    # -- what is not kept -------------------------------------------------------------------------

    def drop(self, rows: Iterable[int], reason: str) -> None:
        """Note that annotations are not written."""
        rows = np.asarray(rows, np.int64)
        if len(rows):
            self.noted.dropped.setdefault(reason, []).extend(rows.tolist())

    def change(self, rows: Rows, gained: NDArray[np.int64], lost: NDArray[np.int64]) -> None:
        """Note the pixels that annotations gain and lose."""
        self.noted.gained[rows] = gained
        self.noted.lost[rows] = lost

    def compare(self, rows: Rows, masks: Masks, written: Masks) -> None:
        """Note the pixels that annotations gain and lose by their written masks."""
        self.change(rows, (written - masks).area, (masks - written).area)

    def unwritten(self, what: str, count: int) -> None:
        """Note values that the format has no place for."""
        if count:
            self.noted.unwritten[what] = self.noted.unwritten.get(what, 0) + int(count)

    def found(self) -> Found:
        """Return the result of an account of some images, for `add`."""
        self.compare_polygons()
        return Found(self.noted, self.own_measures, self.is_polygon)

    def add(self, found: Found, images: Rows) -> None:
        """Add the result of the account of some images, which have been written."""
        noted = found.noted
        rows = np.sort(self.dataset.rows_of_images(images)[0])
        if not self._are_compared:  # the parts, which cover all images, have compared them
            self._are_compared = True
            self.own_measures = np.zeros((len(self._all_rows), 2), np.bool_)
            self.is_polygon = np.zeros(len(self._all_rows), np.bool_)
        self.own_measures[rows] = found.own_measures
        self.is_polygon[rows] = found.is_polygon
        self.change(rows, noted.gained, noted.lost)
        for reason, of_part in noted.dropped.items():
            self.drop(rows[of_part], reason)
        for what, count in noted.unwritten.items():
            self.unwritten(what, count)
        for _ in images:
            self.image_is_done()

    @property
    def _is_written(self) -> NDArray[np.bool_]:
        """Whether each annotation is written."""
        is_written = np.ones(len(self._all_rows), np.bool_)
        for rows in self.noted.dropped.values():
            is_written[rows] = False
        return is_written

    def unwritten_values(
        self,
        *kept: str,
        names: list[str] | None = None,
        image_names: list[str] | None = None,
        category_ids: NDArray[np.int64] | None = None,
        is_thing: NDArray[np.bool_] | bool = True,
    ) -> None:
        """Note which values of the data set have no place, except those that are kept.

        Parameters
        ----------
        *kept : str
            Names in `counts` below.
        names : list of str, optional
            Paths of the files of the images, if images are read in their order.
        image_names : list of str, optional
            The file names of the images as they are read. Defaults to `names()`.
        category_ids : numpy.ndarray, optional
            The ids of the categories as they are read: int64, shape (C,). By default, a reader
            numbers categories from 1 as it finds them.
        is_thing : numpy.ndarray, optional
            Whether each category is a thing as it is read: bool, shape (C,). Defaults to True.
        """
        self.compare_polygons()
        dataset = self.dataset
        annotations, categories = dataset.annotations, dataset.categories
        images = range(len(dataset))
        order = images if names is None else sorted(images, key=lambda i: PurePosixPath(names[i]))
        written, _ = dataset.rows_of_images(np.array(order, np.int64))
        written = written[self._is_written[written]]
        used, first = np.unique(annotations["category"][written], return_index=True)
        old_ids, new_ids = categories["id"], category_ids
        if new_ids is None:
            old_ids, new_ids = old_ids[used], first.argsort().argsort() + 1
        extra = sum(
            int((table.layout.extra.lengths > 0).sum())
            for table in (dataset.images, categories, annotations)
        )
        file_names = dataset.images["file_name"].tolist()
        if image_names is None:
            image_names = self.names()
        counts = {
            "file names of images": _different(file_names, image_names),
            "iscrowd flags": int(annotations["iscrowd"][written].sum()),
            "scores": int((~np.isnan(annotations["score"][written])).sum()),
            "annotation ids": _renumbered(annotations["id"][written]),
            "image ids": _renumbered(dataset.images["id"][list(order)]),
            "category ids": _renumbered(old_ids, new_ids),
            "categories without annotations": len(categories) - len(used),
            "categories that are not things": int((categories["isthing"] != is_thing).sum()),
            AREAS: int(self.own_measures[written].any(axis=1).sum()),
            POLYGONS: int(self.is_polygon[written].sum()),
            "supercategories": int((categories["supercategory"].lengths > 0).sum()),
            "other members": extra + sum(text is not None for _, text in dataset.members),
        }
        for what, count in counts.items():
            if what not in kept:
                self.unwritten(what, count)

    def report(self) -> WriteReport:
        """Return the account of what was written."""
        dropped = tuple(
            Dropped(reason, np.array(sorted(rows), np.int64), self.name(min(rows)))
            for reason, rows in self.noted.dropped.items()
        )
        return WriteReport(
            self.format,
            self._path,
            len(self.dataset),
            int(self._is_written.sum()),
            self.noted.gained,
            self.noted.lost,
            dropped,
            self.noted.unwritten,
        )


def painting_order(masks: Masks, crowd: NDArray[np.bool_]) -> Rows:
    """Return the order of painting: crowds first, then the others from the largest on."""
    order: Rows = np.lexsort((-masks.area, ~crowd))
    return order


def painted(account: Account, rows: Rows, masks: Masks, values: Rows) -> tuple[Rows, Masks, Rows]:
    """Paint annotations of an image over each other, and note the pixels that are hidden.

    Crowds are painted first, then the others from the largest to the smallest.

    Parameters
    ----------
    account : Account
        Gets the empty and hidden annotations, and the pixels that the others lose.
    rows : numpy.ndarray
        Their rows.
    masks : Masks
        Their masks.
    values : numpy.ndarray
        Their labels.

    Returns
    -------
    labels : numpy.ndarray
        The labels, ascending.
    regions : Masks
        The visible pixels of each label.
    visible : numpy.ndarray
        The labels of the annotations that are visible, in the order of `rows`.
    """
    areas = masks.area
    account.drop(rows[areas == 0], EMPTY)
    from_top = painting_order(masks, account.dataset.annotations["iscrowd"][rows])[::-1]
    stacked, of_stacked = masks[from_top], values[from_top]
    seen = wrap(kernels.resolve(unwrap(stacked), areas[from_top])[0])
    labels, regions = seen.union_by(of_stacked)
    lost = np.empty_like(areas)
    lost[from_top] = areas[from_top] - seen.area
    if not lost.any():
        return labels, regions, values[areas > 0]
    if len(labels) < len(values):  # pixels of another one of the same label are kept
        lost[from_top] = (stacked - regions[np.searchsorted(labels, of_stacked)]).area
    hidden = (areas > 0) & (lost == areas)
    account.drop(rows[hidden], HIDDEN)
    lost[hidden] = 0
    account.change(rows, np.zeros_like(lost), lost)
    return labels, regions, values[(areas > 0) & ~hidden]


def _with_categories(dataset: Dataset) -> Dataset:
    """Return a data set whose annotations are of a category "object" if it has no categories."""
    if len(dataset.categories) or not len(dataset.annotations):
        return dataset
    categories: dict[str, Any] = {
        "id": np.array([1]),
        "name": Texts.from_strings(["object"]),
        "supercategory": Texts.from_strings([""]),
        "isthing": np.array([True]),
    }
    zeros = np.zeros(len(dataset.annotations), np.int64)
    return Dataset(
        dataset.images,
        Table(categories, category_layout(categories)),
        dataset.annotations.replace(category=zeros),
        members=dataset.members,
        source=dataset.source,
        maps=dataset.maps,
    )


def _are_areas(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    """Return whether areas are equal but for coordinates that were rounded to two decimals."""
    are_close: NDArray[np.bool_] = np.isclose(a, b, 1e-3, 0.5)
    return are_close


def _different(a: list[str], b: list[str]) -> int:
    return sum(first != second for first, second in zip(a, b, strict=True))


def _renumbered(ids: NDArray[Any], new_ids: NDArray[np.int64] | None = None) -> int:
    """Return the number of ids, unless they are the new ones, which default to 1, 2, 3, ...."""
    new_ids = np.arange(1, len(ids) + 1) if new_ids is None else new_ids
    return 0 if np.array_equal(ids, new_ids) else len(ids)
