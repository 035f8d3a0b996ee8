"""Semantic maps of stuff: a folder with one PNG a picture, whose pixels stand for categories."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data._classes import CLASSES, read_classes
from segcore.data._coco_file import Category, DatasetImage
from segcore.data._fields import describe
from segcore.data._file_names import Folder
from segcore.data._label_maps import IGNORED, read_labels
from segcore.data._problems import BadInput
from segcore.masks import Masks

NOTHING = (0, IGNORED)
"""What means that there is no stuff, unless it stands for a category."""


class StuffMaps:
    """Reads the maps of a folder.

    Parameters
    ----------
    folder : Path
        Where they are, each named after its picture's file_name, with the ending .png. Pixels are
        category ids or, where ``segcore semantic`` wrote classes.json, its indices.
    categories : list of Category
        What they may stand for.
    """

    def __init__(self, folder: Path, categories: list[Category]) -> None:
        if not folder.is_dir():
            raise BadInput(f"{folder}: expected a folder with semantic maps")
        self._folder = Folder(folder)
        by_id = {category.id: category for category in categories}
        classes = read_classes(folder)
        self._categories: dict[int, Category] = {}  # by the pixels' value
        if classes:
            self._kind = f"is in {CLASSES} with a category of this data set"
            for each in classes.values():
                if each.category_id is not None and each.category_id in by_id:
                    self._categories[each.index] = by_id[each.category_id]
        else:
            self._kind = "is a category id"
            for category in categories:
                if not isinstance(category.id, int):
                    raise BadInput(
                        f"category {describe(category.id)}: maps of stuff hold numbers, so the "
                        "ids of categories must be such"
                    )
                self._categories[category.id] = category
        self._nothing = [value for value in NOTHING if value not in self._categories]

    def masks(self, picture: DatasetImage) -> tuple[list[Category], Masks]:
        """Read a picture's stuff: categories, and the mask of each."""
        values, masks = self._split(picture, self._read(picture))
        return [self._categories[value] for value in values], masks

    def indices(self, picture: DatasetImage, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Read a picture's stuff as a map (H, W) of the categories' indices; 0 is none."""
        labels = self._read(picture)
        values, _ = self._split(picture, labels)
        table = np.zeros(int(labels.max(initial=0)) + 1, dtype)
        for value in values:
            table[value] = self._categories[value].index
        indices: NDArray[Any] = table[labels]
        return indices

    def _read(self, picture: DatasetImage) -> NDArray[np.unsignedinteger]:
        path = self._folder.map(picture.target)
        labels = read_labels(path)
        if labels.shape != picture.size:
            height, width = picture.size
            raise BadInput(
                f"{path}: its height {labels.shape[0]} and width {labels.shape[1]} are not those "
                f"of {picture.label}, {height} and {width}"
            )
        return labels

    def _split(
        self, picture: DatasetImage, labels: NDArray[np.unsignedinteger]
    ) -> tuple[list[int], Masks]:
        ids, masks = Masks.from_label_map(labels, background=None, ignore=self._nothing)
        for value, area in zip(ids.tolist(), masks.area.tolist(), strict=True):
            if value not in self._categories:
                raise BadInput(
                    f"{self._folder.map(picture.target)}: {area} of its pixels are {value}, which "
                    f"neither {self._kind}, nor is 0 or 255 for none"
                )
        return ids.tolist(), masks
