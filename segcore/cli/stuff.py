"""Semantic maps of stuff: a folder with one PNG a picture, whose pixels are category ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.cli.dataset import Category, Picture
from segcore.cli.labels_png import read_labels
from segcore.cli.problems import BadInput
from segcore.masks import Masks

NOTHING = (0, 255)
"""What means that there is no stuff, unless it is a category's id."""


class StuffMaps:
    """Reads the maps of a folder.

    Parameters
    ----------
    folder : Path
        Where they are, each named after its picture's file_name, with the ending .png.
    categories : list of Category
        What their pixels may be.
    """

    def __init__(self, folder: Path, categories: list[Category]) -> None:
        if not folder.is_dir():
            raise BadInput(f"{folder}: expected a folder with semantic maps")
        self._folder = folder
        self._indices: dict[int, int] = {}
        for category in categories:
            if not isinstance(category.id, int):
                raise BadInput(
                    f"category {category.id!r}: maps of stuff hold numbers, so the ids of "
                    "categories must be such"
                )
            self._indices[category.id] = category.index
        self._nothing = [value for value in NOTHING if value not in self._indices]

    def masks(self, picture: Picture) -> tuple[NDArray[np.int64], Masks]:
        """Read a picture's stuff: (category ids, masks), ascending."""
        return self._split(picture, self._read(picture))

    def indices(self, picture: Picture, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Read a picture's stuff as a map (H, W) of the categories' indices; 0 is none."""
        labels = self._read(picture)
        ids, _ = self._split(picture, labels)
        table = np.zeros(int(labels.max(initial=0)) + 1, dtype)
        for key in ids.tolist():
            table[key] = self._indices[key]
        indices: NDArray[Any] = table[labels]
        return indices

    def _read(self, picture: Picture) -> NDArray[np.unsignedinteger]:
        path = self._folder / picture.target
        labels = read_labels(path)
        if labels.shape != picture.size:
            height, width = picture.size
            raise BadInput(
                f"{path}: its height {labels.shape[0]} and width {labels.shape[1]} are not those "
                f"of {picture.label}, {height} and {width}"
            )
        return labels

    def _split(
        self, picture: Picture, labels: NDArray[np.unsignedinteger]
    ) -> tuple[NDArray[np.int64], Masks]:
        ids, masks = Masks.from_label_map(labels, background=None)
        kept = ~np.isin(ids, self._nothing)
        for key, area in zip(ids[kept].tolist(), masks[kept].area.tolist(), strict=True):
            if key not in self._indices:
                raise BadInput(
                    f"{self._folder / picture.target}: {area} of its pixels are {key}, "
                    "which is no category id, and not 0 or 255 for none"
                )
        return ids[kept].astype(np.int64), masks[kept]
