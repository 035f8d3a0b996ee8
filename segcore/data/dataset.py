"""A data set of images, categories and annotations, held in columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import Size, described
from segcore._text import counted
from segcore.data.columns.checks import are_distinct, distinct
from segcore.data.columns.ids import sorted_ids
from segcore.data.columns.layouts import annotation_layout
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import Table
from segcore.data.parquet import parquet_files
from segcore.masks import Masks


class LabelMaps(Protocol):
    """Masks that are stored as one label map per image, not in the column ``segmentation``."""

    def masks(self, image: int, ids: NDArray[Any], size: Size) -> Masks:
        """Return the masks of the annotations with these ids; a size of 0 is unknown."""
        ...

    def take(self, new_rows: NDArray[np.int64], count: int) -> LabelMaps:
        """Return the maps of some images; `new_rows` has the new index of each image, or -1."""
        ...


def check_dataset(value: object, name: str = "dataset") -> None:
    """Raise TypeError unless `value` is a `Dataset`."""
    if not isinstance(value, Dataset):
        raise TypeError(f"{name}: expected a Dataset, got {described(value)}")


class Dataset:
    """Images, categories and annotations of a data set, held in columns.

    Data sets are created by :func:`segcore.data.read`, :func:`segcore.data.from_coco` and
    :func:`segcore.data.from_arrow`. They are immutable: all columns are read-only, and selections
    share the memory of the masks.

    - ``ds[i]`` is a :class:`Sample`: image i with its annotations.
    - ``ds[index]``, with a slice, integers or bools, is a data set of the selected images.
    - ``len(ds)`` is the number of images. Iteration yields samples.

    Masks are decoded lazily, one image at a time, by ``ds[i].masks``. The constructor takes the
    three tables, and the other attributes as keyword arguments.

    Attributes
    ----------
    images : Table
        One row per image, with the columns ``id``, ``file_name``, ``height`` and ``width``. The
        height and width are 0 if they are unknown.
    categories : Table
        One row per category, with the columns ``id``, ``name``, ``supercategory`` and ``isthing``.
    annotations : Table
        One row per annotation, in the order of the file, with the columns

        - ``image``, ``category``: index of the annotation's image in `images` and of its category
          in `categories`, int64. In data sets without categories, ``category`` is -1, and the
          column ``category_id`` has the ids;
        - ``id``: annotation id; 1, 2, ... if no annotation has an id;
        - ``iscrowd``: bool; ``score``, ``area``: float64, NaN if missing;
        - ``bbox``: x, y, width and height in pixels, as in the file: float64, shape (N, 4), NaN if
          missing;
        - ``segmentation``: the segmentations as they are in the file (RLE, polygons, ...), a
          :class:`Segmentations`.
    skipped : tuple of str
        What was left out, one line each: invalid items, if the data set was read with
        ``invalid="skip"``, and values whose name occurs again in the same object.
    notes : tuple of str
        Parts of the file that are not in the data set, such as ignored pixels or shapes that are
        not masks: one line per kind, with their number and the first one.
    members : tuple of tuple
        Top-level members of the JSON file, in order: (name, JSON text), such as
        ``("info", b"{}")``. The text of ``images``, ``annotations`` and ``categories`` is None.
    source : str
        Path that was read; empty if there is none.
    maps : LabelMaps or None
        Reader of the PNGs of a panoptic data set; None for other data sets.
    result_areas : {"box", "mask"} or None
        For lists of results, what evaluation computes their areas from, by the rule of pycocotools:
        boxes if the first result has a box, and masks otherwise. Selections and Parquet files keep
        this value. None for other data sets, whose areas are in the column ``area``.

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.from_coco({
    ...     "images": [{"id": 7, "file_name": "sofa.jpg", "height": 4, "width": 6}],
    ...     "categories": [{"id": 63, "name": "couch"}],
    ...     "annotations": [{
    ...         "id": 1, "image_id": 7, "category_id": 63, "iscrowd": 0,
    ...         "segmentation": [[1, 1, 5, 1, 5, 3, 1, 3]],
    ...     }],
    ... })
    >>> ds
    Dataset(1 image, 1 category, 1 annotation)
    >>> ds[0].masks.area, ds[0].category_ids
    (array([8]), array([63]))
    """

    is_lazy = False
    """Whether it pickles as the path of a file, of which it reads the parts that are asked for."""

    def __init__(
        self,
        images: Table,
        categories: Table,
        annotations: Table,
        *,
        members: Sequence[tuple[str, bytes | None]] = (),
        skipped: Sequence[str] = (),
        notes: Sequence[str] = (),
        source: str = "",
        maps: LabelMaps | None = None,
        result_areas: str | None = None,
    ) -> None:
        self.images = images
        self.categories = categories
        self.annotations = annotations
        self.skipped = tuple(skipped)
        self.notes = tuple(notes)
        self.source = source
        self.maps = maps
        self.members = tuple(members)
        self.result_areas = result_areas

    # -- images -----------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)

    def __repr__(self) -> str:
        counts = (
            counted(len(self.images), "image"),
            counted(len(self.categories), "category"),
            counted(len(self.annotations), "annotation"),
        )
        return f"Dataset({', '.join(counts)})"

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice | ArrayLike) -> Dataset: ...
    def __getitem__(self, index: int | slice | ArrayLike) -> Sample | Dataset:
        """Return image `index` as a `Sample`, or a data set of several images.

        `index` is an integer, or a slice, integers or bools, which select each image at most once.
        """
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            image = int(index) + (len(self) if index < 0 else 0)
            if not 0 <= image < len(self):
                raise IndexError(f"index {index} is out of range for {counted(len(self), 'image')}")
            return Sample(self, image)
        return self._of_images(_rows(index, len(self), "images"))

    def __iter__(self) -> Iterator[Sample]:
        return (Sample(self, image) for image in range(len(self)))

    @cached_property
    def _by_image(self) -> tuple[NDArray[np.int64] | None, NDArray[np.int64]]:
        """Annotation indices sorted by image (None if they already are), and offsets per image."""
        images: NDArray[np.int64] = self.annotations["image"]
        offsets = offsets_of(np.bincount(images, minlength=len(self)))
        if len(images) < 2 or (images[1:] >= images[:-1]).all():
            return None, offsets
        return np.argsort(images, kind="stable"), offsets

    def rows_of(self, image: int) -> NDArray[np.int64] | slice:
        """Return the indices of the annotations of one image, in the order of the file.

        Parameters
        ----------
        image : int
            Index of the image, from 0 to ``len(ds) - 1``.

        Returns
        -------
        numpy.ndarray or slice
            Indices into `annotations`: int64, or a slice if the file is sorted by image.

        Raises
        ------
        IndexError
            If `image` is out of range.
        """
        order, offsets = self._by_image
        part = slice(int(offsets[image]), int(offsets[image + 1]))
        return part if order is None else order[part]

    def column_of(self, image: int, name: str) -> Any:
        """Return a column of `annotations` for one image.

        Parameters
        ----------
        image : int
            Index of the image, from 0 to ``len(ds) - 1``.
        name : str
            Name of the column.

        Returns
        -------
        numpy.ndarray, Texts or Segmentations
            One element per annotation of the image.

        Raises
        ------
        IndexError
            If `image` is out of range.
        KeyError
            If there is no such column.
        """
        return self.annotations[name][self.rows_of(image)]

    def annotations_of(self, images: NDArray[np.int64]) -> tuple[Table, NDArray[np.int64]]:
        """Return the annotations of several images, grouped by image.

        Parameters
        ----------
        images : numpy.ndarray
            Indices of the images: int64, shape (K,), from 0 to ``len(ds) - 1``.

        Returns
        -------
        annotations : Table
            The annotations, in the order of `images`.
        rows : numpy.ndarray
            Indices of these annotations in ``ds.annotations``: int64.

        Raises
        ------
        IndexError
            If an index is out of range.

        Examples
        --------
        >>> import numpy as np, segcore as sc
        >>> ds = sc.data.from_coco({
        ...     "images": [{"id": i, "height": 2, "width": 2} for i in (1, 2)],
        ...     "annotations": [{"image_id": i, "segmentation": []} for i in (2, 1, 2)],
        ... })
        >>> annotations, rows = ds.annotations_of(np.array([1, 0]))
        >>> annotations["image"], rows
        (array([1, 1, 0]), array([0, 2, 1]))
        """
        rows, _ = self.rows_of_images(images)
        return self.annotations.take(rows), rows

    def rows_of_images(
        self, images: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the rows of the annotations of several images, and how many each image has."""
        order, offsets = self._by_image
        counts = offsets[images + 1] - offsets[images]
        ends = offsets_of(counts)
        rows = np.arange(ends[-1]) + np.repeat(offsets[images] - ends[:-1], counts)
        return rows if order is None else order[rows], counts

    def masks_of(self, annotations: NDArray[np.bool_]) -> Iterator[tuple[NDArray[np.int64], Masks]]:
        """Yield the masks of selected annotations, one image at a time.

        Parameters
        ----------
        annotations : numpy.ndarray
            Whether each annotation is selected: bool, shape (N,).

        Yields
        ------
        rows : numpy.ndarray
            Indices of the K selected annotations of an image: int64.
        masks : Masks
            Their K masks.

        Raises
        ------
        MaskError, ValueError
            If a mask cannot be computed; see :attr:`segcore.data.Sample.masks`.
        """
        every_row = np.arange(len(annotations))
        for image in distinct(self.annotations["image"][annotations])[0].tolist():
            rows = every_row[self.rows_of(image)]
            chosen = np.flatnonzero(annotations[rows])
            yield rows[chosen], Sample(self, image).masks_of(chosen)

    def filled_boxes(self) -> NDArray[np.float64]:
        """Return the boxes of all annotations; missing boxes are computed from masks.

        Returns
        -------
        numpy.ndarray
            Boxes x, y, width, height: float64, shape (N, 4); NaN if there is neither a box nor a
            mask.

        Raises
        ------
        MaskError, ValueError
            If a mask cannot be computed; see :attr:`segcore.data.Sample.masks`.
        """
        boxes: NDArray[np.float64] = self.annotations["bbox"]
        is_missing = np.isnan(boxes).any(axis=1)
        if not is_missing.any():
            return boxes
        boxes = boxes.copy()
        for rows, masks in self.masks_of(is_missing & self.has_mask):
            x0, y0, x1, y1 = masks.boxes.T
            boxes[rows] = np.column_stack([x0, y0, x1 - x0, y1 - y0])
        return boxes

    def mask_areas(self) -> NDArray[np.float64]:
        """Return the area of each mask: float64, shape (N,); NaN without a mask.

        Raises
        ------
        MaskError, ValueError
            If a mask cannot be computed; see :attr:`segcore.data.Sample.masks`.
        """
        areas = np.full(len(self.annotations), np.nan)
        for rows, masks in self.masks_of(self.has_mask):
            areas[rows] = masks.area
        return areas

    @property
    def has_mask(self) -> NDArray[np.bool_]:
        """Whether each annotation has a mask: a segmentation that is not ``[]``, or a label map."""
        if self.maps is not None:
            return np.ones(len(self.annotations), np.bool_)
        segmentations: Segmentations = self.annotations["segmentation"]
        return ~segmentations.is_missing

    def partitions(self, annotations: int = 4096) -> list[NDArray[np.int64]]:
        """Split the images, sorted by id, into parts with similar numbers of annotations.

        Parameters
        ----------
        annotations : int, default 4096
            Minimum number of annotations per part: a part ends with the image that reaches this
            number. The last part may have fewer.

        Returns
        -------
        list of numpy.ndarray
            Indices of the images of each part: int64. Reading the images of a Parquet file in this
            order reads each row group only once.

        Raises
        ------
        ValueError
            If `annotations` is less than 1.

        Examples
        --------
        Visit all images of a data set larger than memory::

            for images in ds.partitions():
                for sample in ds[images]:
                    ...
        """
        if annotations < 1:
            raise ValueError(f"annotations: expected at least 1, got {annotations}")
        images = sorted_ids(self.images["id"])
        counts = np.bincount(self.annotations["image"], minlength=len(self))[images]
        cuts, part = [], 0
        for row, count in enumerate(counts.tolist(), 1):
            part += count
            if part >= annotations:
                cuts.append(row)
                part = 0
        return [part for part in np.split(images, cuts) if len(part)]

    def index_of(self, image_id: int | str) -> int:
        """Return the index of an image.

        Parameters
        ----------
        image_id : int or str
            Id of the image.

        Returns
        -------
        int
            Index of the image, so that ``ds[index]`` is the sample with this id.

        Raises
        ------
        KeyError
            If there is no such image.
        """
        return self._image_index[image_id]

    @cached_property
    def _image_index(self) -> dict[Any, int]:
        ids: Any = self.images["id"]
        return {image_id: row for row, image_id in enumerate(ids.tolist())}

    # -- selections -------------------------------------------------------------------------------

    def select(self, annotations: ArrayLike) -> Dataset:
        """Return a data set of some of the annotations, with all images and categories.

        Parameters
        ----------
        annotations : array_like
            Annotations to keep: bools of shape (N,), where N is the number of annotations, or
            indices, where negative ones count from the end.

        Returns
        -------
        Dataset

        Raises
        ------
        ValueError
            If bools do not have shape (N,).
        IndexError
            If an index is out of range.
        TypeError
            If `annotations` contains neither bools nor integers.

        Examples
        --------
        Keep confident detections:

        >>> import segcore as sc
        >>> ds = sc.data.from_coco([
        ...     {"image_id": 1, "category_id": 7, "score": 0.9, "bbox": [0, 0, 2, 2]},
        ...     {"image_id": 1, "category_id": 7, "score": 0.1, "bbox": [1, 0, 2, 2]},
        ... ])
        >>> ds.select(ds.annotations["score"] >= 0.5)
        Dataset(1 image, 1 category, 1 annotation)
        """
        rows = _rows(annotations, len(self.annotations), "annotations")
        return self._with(self.annotations.take(rows))

    def _of_images(self, rows: NDArray[np.int64]) -> Dataset:
        if not are_distinct(rows):
            raise ValueError("images: expected each image at most once")
        annotations, order = self.annotations_of(rows)
        if (order[1:] < order[:-1]).any():
            annotations = annotations.take(np.argsort(order))
        # Not by a table of all images: parts of a large data set are many.
        order = np.argsort(rows)
        found = np.searchsorted(rows, annotations["image"], sorter=order)
        annotations = annotations.replace(image=order[found])
        maps = None
        if self.maps is not None:
            new_rows = np.full(len(self), -1, np.int64)
            new_rows[rows] = np.arange(len(rows))
            maps = self.maps.take(new_rows, len(rows))
        return self._with(annotations, self.images.take(rows), maps)

    def _with(
        self, annotations: Table, images: Table | None = None, maps: LabelMaps | None = None
    ) -> Dataset:
        """Return a data set with other annotations, and other images if they are given."""
        return Dataset(
            self.images if images is None else images,
            self.categories,
            annotations,
            members=self.members,
            skipped=self.skipped,
            notes=self.notes,
            source=self.source,
            maps=self.maps if images is None else maps,
            result_areas=self.result_areas,
        )

    def with_maps(self, maps: LabelMaps) -> Dataset:
        """Return the data set with its masks in other label maps."""
        return self._with(self.annotations, self.images, maps)

    def with_box_masks(self, replace: bool = False) -> Dataset:
        """Return a data set in which boxes are the masks of annotations that have no mask.

        Annotations have no mask if their segmentation is missing or ``[]``. Those with a box of
        positive width and height get its outline as a polygon; the others stay as they are.

        Parameters
        ----------
        replace : bool, default False
            Whether boxes also replace masks, including those of label maps. Annotations without a
            box get the box of their mask.

        Returns
        -------
        Dataset

        Examples
        --------
        >>> import segcore as sc
        >>> ds = sc.data.from_coco({
        ...     "images": [{"id": 1, "height": 4, "width": 6}],
        ...     "annotations": [{"image_id": 1, "bbox": [1, 1, 4, 2], "segmentation": []}],
        ... })
        >>> ds.with_box_masks()[0].masks.area
        array([8])
        """
        if self.maps is not None and not replace:
            return self
        segmentations: Segmentations = self.annotations["segmentation"]
        every_box = self.filled_boxes() if replace else self.annotations["bbox"]
        is_box = has_box(every_box)
        rows = np.flatnonzero(is_box if replace else is_box & segmentations.is_missing)
        if not len(rows):
            return self
        boxes = Segmentations.from_boxes(every_box[rows])
        source = np.arange(len(segmentations))
        source[rows] = len(segmentations) + np.arange(len(rows))
        joined = Segmentations.concatenate([segmentations, boxes])[source]
        columns = {name: self.annotations[name] for name in self.annotations.names}
        columns |= {"segmentation": joined, "bbox": every_box}
        if self.maps is None:
            layout = self.annotations.layout.with_plain("segmentation").with_member("segmentation")
        else:  # its annotations are segments, which have no segmentation
            layout = annotation_layout(columns)
        return self._with(Table(columns, layout), self.images)

    def with_annotations(self, annotations: Table) -> Dataset:
        """Return the data set with another table of annotations."""
        return self._with(annotations)

    def without_crowds(self) -> Dataset:
        """Return a data set in which no annotation is a crowd: ``iscrowd`` is 0 everywhere."""
        flags = np.zeros(len(self.annotations), np.bool_)
        columns = {name: self.annotations[name] for name in self.annotations.names}
        layout = self.annotations.layout.with_plain("iscrowd")
        return self._with(Table({**columns, "iscrowd": flags}, layout))

    def with_rle(self) -> Dataset:
        """Return a data set with all segmentations converted to compressed RLE.

        This computes all masks: polygons are rasterized and label maps are read.

        Returns
        -------
        Dataset

        Raises
        ------
        MaskError, ValueError
            If a mask cannot be computed; see :attr:`segcore.data.Sample.masks`.

        Examples
        --------
        >>> import segcore as sc
        >>> ds = sc.data.from_coco({
        ...     "images": [{"id": 1, "height": 2, "width": 2}],
        ...     "annotations": [{"image_id": 1, "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]}],
        ... })
        >>> ds.with_rle().annotations["segmentation"].value(0)
        {'size': [2, 2], 'counts': '04'}
        """
        order, _ = self._by_image
        parts = [Segmentations.from_masks(sample.masks) for sample in self]
        segmentations = Segmentations.concatenate(parts)
        if order is not None:
            places = np.empty(len(order), np.int64)
            places[order] = np.arange(len(order))
            segmentations = segmentations[places]
        annotations = self.annotations.replace(segmentation=segmentations)
        columns = {name: annotations[name] for name in annotations.names}
        table = Table(columns, annotation_layout(columns))
        members = () if self.maps is not None else self.members
        return Dataset(
            self.images,
            self.categories,
            table,
            members=members,
            skipped=self.skipped,
            notes=self.notes,
            result_areas=self.result_areas,
        )

    def to_arrow(self) -> Any:
        """Convert to an Arrow table.

        Returns
        -------
        pyarrow.Table
            One row per annotation, sorted by image id. The columns and the metadata of the schema
            are those that :func:`segcore.data.write` stores in :ref:`Parquet <parquet>` files.
            :func:`segcore.data.from_arrow` restores the data set.

        Raises
        ------
        ImportError
            If the extra ``arrow`` is not installed.
        """
        return parquet_files().to_arrow(self)

    @classmethod
    def concatenate(cls, datasets: Sequence[Dataset]) -> Dataset:
        """Concatenate data sets with the same categories and disjoint images.

        Annotation ids are kept if they are unique. Otherwise, all annotations are renumbered
        from 1.

        Parameters
        ----------
        datasets : sequence of Dataset
            At least one data set.

        Returns
        -------
        Dataset
            The images and annotations of all data sets, in order.

        Raises
        ------
        ValueError
            If there are no data sets, their categories differ, or two images have the same id.

        Examples
        --------
        >>> import segcore as sc
        >>> images = [{"id": i, "height": 2, "width": 2} for i in (1, 2)]
        >>> parts = [sc.data.from_coco({"images": [image], "annotations": []}) for image in images]
        >>> sc.data.Dataset.concatenate(parts)
        Dataset(2 images, 0 categories, 0 annotations)
        """
        for index, dataset in enumerate(datasets):
            check_dataset(dataset, f"datasets[{index}]")
        datasets = [dataset.with_rle() if dataset.maps else dataset for dataset in datasets]
        if not datasets:
            raise ValueError("datasets: expected at least one")
        first = datasets[0]
        for index, other in enumerate(datasets[1:], 1):
            if not same_categories(first.categories, other.categories):
                raise ValueError(
                    f"datasets: the categories of data set {index} differ from those of data set 0"
                )
        shifts = offsets_of([len(dataset) for dataset in datasets])[:-1].tolist()
        images = Table.concatenate([dataset.images for dataset in datasets])
        check_unique(images["id"], "image")
        annotations = Table.concatenate(
            [
                dataset.annotations.replace(image=dataset.annotations["image"] + shift)
                for dataset, shift in zip(datasets, shifts, strict=True)
            ]
        )
        ids: Any = annotations["id"]
        if not are_distinct(ids.astype(str) if ids.dtype == object else ids):
            annotations = annotations.with_ids(np.arange(1, len(ids) + 1))
        return cls(
            images,
            first.categories,
            annotations,
            members=first.members,
            skipped=[line for dataset in datasets for line in dataset.skipped],
            notes=[line for dataset in datasets for line in dataset.notes],
            result_areas=next((d.result_areas for d in datasets if len(d.annotations)), None),
        )


class Sample:
    """One image of a data set with its N annotations, as returned by ``ds[i]``.

    ``len(sample)`` is N.

    Attributes
    ----------
    image : int
        Index of the image in the data set.

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.from_coco({
    ...     "images": [{"id": 7, "file_name": "sofa.jpg", "height": 4, "width": 6}],
    ...     "categories": [{"id": 63, "name": "couch"}],
    ...     "annotations": [{
    ...         "id": 1, "image_id": 7, "category_id": 63,
    ...         "segmentation": [[1, 1, 5, 1, 5, 3, 1, 3]],
    ...     }],
    ... })
    >>> sample = ds[0]
    >>> sample.file_name, sample.size, sample.category_ids
    ('sofa.jpg', (4, 6), array([63]))
    >>> sample.masks
    Masks(1 mask of 4 x 6, 8 run ends)
    """

    __slots__ = ("_dataset", "_masks", "image")

    def __init__(self, dataset: Dataset, image: int) -> None:
        self._dataset = dataset
        self._masks: Masks | None = None
        self.image = image

    @property
    def rows(self) -> NDArray[np.int64] | slice:
        """Indices of the annotations in ``ds.annotations``: int64, shape (N,), or a slice."""
        return self._dataset.rows_of(self.image)

    def __len__(self) -> int:
        """Return the number of annotations."""
        return len(self._column("image"))

    def __repr__(self) -> str:
        return f"Sample({self.file_name or self.image_id!r}, {len(self)} annotations)"

    def _column(self, name: str) -> Any:
        return self._dataset.column_of(self.image, name)

    @property
    def image_id(self) -> Any:
        """Id of the image: int or str."""
        ids: Any = self._dataset.images["id"]
        return ids[self.image]

    @property
    def file_name(self) -> str:
        """File name of the image: str, empty if there is none."""
        names: Any = self._dataset.images["file_name"]
        return str(names[self.image])

    @property
    def size(self) -> Size:
        """Image size (H, W): tuple of int; (0, 0) if it is unknown."""
        images: Any = self._dataset.images
        return int(images["height"][self.image]), int(images["width"][self.image])

    @property
    def masks(self) -> Masks:
        """Masks of the annotations: a batch of N masks. Computed on first access and cached.

        Raises
        ------
        MaskError
            If an annotation has no valid segmentation, or its RLE does not have the size of the
            image.
        ValueError
            If the size of the image is unknown.
        """
        if self._masks is None:
            maps = self._dataset.maps
            if maps is not None:
                self._masks = maps.masks(self.image, self.ids, self.size)
            else:
                source = self._dataset.source
                self._masks = self.segmentations.masks(self._known_size(), self.name_of, source)
        return self._masks

    def masks_of(self, rows: NDArray[np.int64]) -> Masks:
        """Return the masks of selected annotations, given their indices in the sample.

        Raises
        ------
        MaskError, ValueError
            As for `masks`, but only for these annotations.
        """
        if self._masks is not None or self._dataset.maps is not None:
            return self.masks[rows]
        return self.segmentations[rows].masks(
            self._known_size(), lambda row: self.name_of(int(rows[row])), self._dataset.source
        )

    def _known_size(self) -> Size:
        height, width = self.size
        if height <= 0 or width <= 0:
            raise ValueError(
                f"image {self.image_id}: its size is unknown; for results, pass the data set "
                "that they belong to: read(path, dataset=...)"
            )
        return height, width

    @property
    def segmentations(self) -> Segmentations:
        """The masks of the annotations, in the form in which they were read."""
        column: Segmentations = self._column("segmentation")
        return column

    def name_of(self, row: int) -> str:
        """Return the name of an annotation in messages."""
        return annotation_names(self._column("id"), self.image_id)(row)

    @property
    def ids(self) -> NDArray[Any]:
        """Id of each annotation, shape (N,): int64, or object for strings and large integers."""
        return np.asarray(self._column("id"))

    @property
    def categories(self) -> NDArray[np.int64]:
        """Index of each annotation's category in ``ds.categories``: int64, shape (N,)."""
        return np.asarray(self._column("category"))

    @property
    def category_ids(self) -> NDArray[Any]:
        """Id of each annotation's category, shape (N,).

        int64, or object for strings and large integers. Raises ValueError if the data set has
        annotations, but no categories, as SA-1B.
        """
        ids: Any = self._dataset.categories["id"]
        if not len(ids) and len(self):
            raise ValueError(f"image {self.image_id}: its data set has no categories")
        return np.asarray(ids[self.categories])

    @property
    def iscrowd(self) -> NDArray[np.bool_]:
        """Whether each annotation is a crowd region: bool, shape (N,)."""
        return np.asarray(self._column("iscrowd"))

    @property
    def scores(self) -> NDArray[np.float64]:
        """Score of each annotation: float64, shape (N,); NaN if missing."""
        return np.asarray(self._column("score"))

    @property
    def areas(self) -> NDArray[np.float64]:
        """Area of each annotation as in the file: float64, shape (N,); NaN if missing."""
        return np.asarray(self._column("area"))

    @property
    def bboxes(self) -> NDArray[np.float64]:
        """Bounding boxes x, y, width, height in pixels: float64, shape (N, 4); NaN if missing.

        These are the boxes in the file. `Masks.boxes`, which are x0 y0 x1 y1, are computed from the
        masks.
        """
        return np.asarray(self._column("bbox"))


def annotation_names(ids: NDArray[Any], image_id: Any) -> Callable[[int], str]:
    """Return a function that returns the name of an annotation in messages, given its row."""
    return lambda row: f"annotation {ids[row]} of image {image_id}"


def _rows(index: slice | ArrayLike, count: int, name: str) -> NDArray[np.int64]:
    """Return the nonnegative indices that a slice, bools or integers select."""
    if isinstance(index, slice):
        return np.arange(*index.indices(count))
    array = np.asarray(index)
    if array.dtype == np.bool_:
        if array.shape != (count,):
            raise ValueError(
                f"{name}: expected {count} bools, one per row, got the shape {array.shape}"
            )
        return np.flatnonzero(array)
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise TypeError(f"{name}: expected row numbers or bools, got {described(index)}")
    rows = array.astype(np.int64)
    outside = np.flatnonzero((rows < -count) | (rows >= count))
    if len(outside):
        raise IndexError(f"{name}: row {rows[outside[0]]} is out of range for {count} rows")
    return np.where(rows < 0, rows + count, rows)


def has_box(bboxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether boxes x, y, width, height are finite and not empty: bool, shape (N,)."""
    values = np.column_stack([np.isfinite(bboxes), bboxes[:, 2:] > 0])
    has_box: NDArray[np.bool_] = np.asarray(values.all(axis=1))
    return has_box


def same_categories(a: Table, b: Table) -> bool:
    """Return whether two tables have the same ids and names."""
    return np.array_equal(a["id"], b["id"]) and a["name"] == b["name"]


def check_unique(ids: Any, name: str) -> None:
    """Raise ValueError if two ids are the same."""
    seen: set[Any] = set()
    for value in ids.tolist():
        if value in seen:
            raise ValueError(f"two {name}s have the id {value!r}")
        seen.add(value)
