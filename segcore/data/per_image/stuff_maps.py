"""Semantic maps of stuff: a folder with one PNG per image, whose labels are categories."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.fields import describe
from segcore.data.errors import DatasetError
from segcore.data.files.classes import CLASSES, read_classes
from segcore.data.files.label_maps import IGNORED
from segcore.data.files.names import Folder
from segcore.data.formats.maps import read_labels
from segcore.data.per_image.images import DatasetImage
from segcore.data.per_image.instance_set import Category
from segcore.masks import Masks

UNLABELED = (0, IGNORED)
"""The labels of pixels without stuff, unless they are categories."""


class StuffMaps:
    """Reads the stuff maps of a folder.

    Parameters
    ----------
    folder : Path
        The folder. Each map is named after its image's file_name, with the suffix .png. Labels are
        category ids or, if the folder has a classes.json of ``segcore semantic``, its indices.
    categories : list of Category
        The categories of the data set.
    """

    def __init__(self, folder: Path, categories: list[Category]) -> None:
        if not folder.is_dir():
            raise DatasetError(folder, "expected a folder with semantic maps")
        self._folder = Folder(folder)
        by_id = {category.id: category for category in categories}
        classes = read_classes(folder)
        self._categories: dict[int, Category] = {}  # by label
        if classes:
            self._expected = f"an index of {CLASSES} with a category of this data set"
            for c in classes.values():
                if c.category_id is not None and c.category_id in by_id:
                    self._categories[c.index] = by_id[c.category_id]
        else:
            self._expected = "a category id"
            for category in categories:
                if not isinstance(category.id, int):
                    raise DatasetError(
                        "",
                        f"category {describe(category.id)}: stuff maps need integer category ids",
                    )
                self._categories[category.id] = category
        self._unlabeled = [label for label in UNLABELED if label not in self._categories]

    def masks(self, image: DatasetImage) -> tuple[list[Category], Masks]:
        """Return the categories of stuff in an image, and the mask of each."""
        labels, masks = self._split(image, self._read(image))
        return [self._categories[label] for label in labels], masks

    def regions(self, image: DatasetImage) -> tuple[NDArray[np.int64], Masks]:
        """Return the category indices of stuff in an image, and the mask of each."""
        categories, masks = self.masks(image)
        return np.array([category.index for category in categories], np.int64), masks

    def _read(self, image: DatasetImage) -> NDArray[np.unsignedinteger]:
        path = self._folder.path_of(PurePosixPath(image.map_name))
        labels = read_labels(path)
        if labels.shape != image.size:
            height, width = image.size
            raise DatasetError(
                path,
                f"its height {labels.shape[0]} and width {labels.shape[1]} are not those "
                f"of {image.label}, {height} and {width}",
            )
        return labels

    def _split(
        self, image: DatasetImage, labels: NDArray[np.unsignedinteger]
    ) -> tuple[list[int], Masks]:
        """Return the labels of stuff, and the mask of each."""
        ids, masks = Masks.from_label_map(labels, background=None, ignore=self._unlabeled)
        for label, area in zip(ids.tolist(), masks.area.tolist(), strict=True):
            if label not in self._categories:
                raise DatasetError(
                    self._folder.path_of(PurePosixPath(image.map_name)),
                    f"{area} of its pixels are {label}; "
                    f"expected {self._expected}, or 0 or 255 for none",
                )
        return ids.tolist(), masks
