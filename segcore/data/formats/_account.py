"""The masks that a writer gets, and an account of what it does not keep."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, TypeVar

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
from segcore.data.files.names import check_distinct, relative_name
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


class Account:
    """What happens to the annotations of a data set that is written.

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
        self._format = format
        self._path = os.fspath(path)
        count = len(dataset.annotations)
        self._all_rows = np.arange(count)
        self._is_written = np.ones(count, np.bool_)
        self._gained = np.zeros(count, np.int64)
        self._lost = np.zeros(count, np.int64)
        self._dropped: dict[str, list[int]] = {}
        self._unwritten: dict[str, int] = {}
        self._segmentations: Segmentations = dataset.annotations["segmentation"]
        self._kinds = self._segmentations.kinds
        self._ring_ends = np.concatenate([np.zeros(1, np.int64), self._segmentations.ring_ends])

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
        images = self.dataset.images
        paths = []
        for row, name in enumerate(images["file_name"].tolist()):
            try:
                path = relative_name(name or str(images["id"][row]))
            except ValueError as error:
                raise ValueError(f"image {images['id'][row]}: its file_name {error}") from None
            if suffix:
                path = str(PurePosixPath(path).with_suffix(suffix))
            paths.append(path)
        check_distinct(paths, images["id"].tolist())
        return paths

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
            raise ValueError(f"image {image_id}: its size is unknown, but {self._format} needs it")
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
            return dataset.maps.masks(image, dataset.annotations["id"][rows], self.size(image))
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
        return self._segmentations[rows].masks(size, lambda row: self.name(int(rows[row])))

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
            return np.ones(len(self._kinds), np.bool_)
        return ~self._segmentations.is_missing

    @cached_property
    def is_polygon(self) -> NDArray[np.bool_]:
        """Whether each annotation has a polygon whose rings have three points or more."""
        segmentations, found = self._segmentations, self._kinds == POLYGON
        short = offsets_of(np.diff(self._ring_ends) < 3)
        first, count = segmentations.starts * found, segmentations.lengths * found
        is_polygon: NDArray[np.bool_] = found & (count > 0) & (short[first + count] == short[first])
        return is_polygon

    @cached_property
    def num_rings(self) -> Rows:
        """Number of rings of each annotation; 0 if it has no polygon."""
        num_rings: Rows = np.where(self._kinds == POLYGON, self._segmentations.lengths, 0)
        return num_rings

    def name(self, row: int) -> str:
        """Return the name of an annotation."""
        annotations, images = self.dataset.annotations, self.dataset.images
        image_id = images["id"][annotations["image"][row]]
        return f"annotation {annotations['id'][row]} of image {image_id}"

    # -- what is not kept -------------------------------------------------------------------------

    def drop(self, rows: Iterable[int], reason: str) -> None:
        """Note that annotations are not written."""
        rows = np.asarray(rows, np.int64)
        if len(rows):
            self._is_written[rows] = False
            self._dropped.setdefault(reason, []).extend(rows.tolist())

    def change(self, rows: Rows, gained: NDArray[np.int64], lost: NDArray[np.int64]) -> None:
        """Note the pixels that annotations gain and lose."""
        self._gained[rows] = gained
        self._lost[rows] = lost

    def compare(self, rows: Rows, masks: Masks, written: Masks) -> None:
        """Note the pixels that annotations gain and lose by their written masks."""
        self.change(rows, (written - masks).area, (masks - written).area)

    def unwritten(self, what: str, count: int) -> None:
        """Note values that the format has no place for."""
        if count:
            self._unwritten[what] = self._unwritten.get(what, 0) + int(count)

    def unwritten_values(
        self,
        *kept: str,
        names: list[str] | None = None,
        image_names: list[str] | None = None,
    ) -> None:
        """Note which values of the data set have no place, except those that are kept.

        Parameters
        ----------
        *kept : str
            Names in `counts` below.
        names : list of str, optional
            Paths of the files of the images, if images are read in their order.
        image_names : list of str, optional
            The file names of the images as they are read, unless they are kept.
        """
        dataset = self.dataset
        annotations, categories = dataset.annotations, dataset.categories
        images = range(len(dataset))
        order = images if names is None else sorted(images, key=lambda i: PurePosixPath(names[i]))
        rows = [self._all_rows[dataset.rows_of(image)] for image in order]
        written = np.concatenate([self._all_rows[:0], *rows])
        written = written[self._is_written[written]]
        used = np.bincount(annotations["category"][written] + 1, minlength=len(categories) + 1)
        extra = sum(
            int((table.layout.extra.lengths > 0).sum())
            for table in (dataset.images, categories, annotations)
        )
        file_names = dataset.images["file_name"].tolist()
        counts = {
            "file names of images": _different(file_names, image_names or file_names),
            "iscrowd flags": int(annotations["iscrowd"][written].sum()),
            "scores": int((~np.isnan(annotations["score"][written])).sum()),
            "annotation ids": _renumbered(annotations["id"][written]),
            "image ids": _renumbered(dataset.images["id"][list(order)]),
            "category ids": _renumbered(categories["id"]),
            "categories without annotations": int((used[1:] == 0).sum()),
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
            for reason, rows in self._dropped.items()
        )
        return WriteReport(
            self._format,
            self._path,
            len(self.dataset),
            int(self._is_written.sum()),
            self._gained,
            self._lost,
            dropped,
            self._unwritten,
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


def _different(a: list[str], b: list[str]) -> int:
    return sum(first != second for first, second in zip(a, b, strict=True))


def _renumbered(ids: NDArray[np.int64]) -> int:
    """Return the number of ids, unless they are 1, 2, 3, ..., as a reader numbers items."""
    return 0 if np.array_equal(ids, np.arange(1, len(ids) + 1)) else len(ids)


def category_names(dataset: Dataset) -> list[str]:
    """Return a different name for each category: its name, with its id where names repeat."""
    names: list[str] = dataset.categories["name"].tolist()
    ids = dataset.categories["id"].tolist()
    repeated = {name for name, count in Counter(names).items() if count > 1 or not name}
    return [
        f"{name} {category_id}".strip() if name in repeated else name
        for name, category_id in zip(names, ids, strict=True)
    ]
