"""Data sets without the annotations whose masks are invalid."""

from __future__ import annotations

import numpy as np

from segcore.backends.errors import MAX_COORDINATE
from segcore.data.columns.segmentations import NONE, POLYGON, Segmentations
from segcore.data.dataset import Dataset
from segcore.errors import MaskError


def without_invalid_masks(dataset: Dataset) -> tuple[Dataset, list[str]]:
    """Return a data set without invalid masks, and a message about each of them.

    Masks are made for it, except those of polygons, which are valid if their coordinates are.
    Annotations without a segmentation stay.
    """
    if dataset.maps is not None:
        return dataset, []
    segmentations: Segmentations = dataset.annotations["segmentation"]
    ids = dataset.annotations["id"]
    is_checked = segmentations.kinds != NONE
    if (np.abs(segmentations.coordinates) < MAX_COORDINATE).all():
        is_checked &= segmentations.kinds != POLYGON
    if not is_checked.any():
        return dataset, []
    every_row = np.arange(len(ids))
    is_valid = np.ones(len(ids), np.bool_)
    messages = []
    for image, sample in enumerate(dataset):
        rows = every_row[dataset.rows_of(image)]
        rows = rows[is_checked[rows]]
        while len(rows) and min(sample.size) > 0:
            try:
                segmentations[rows].masks(sample.size)
                break
            except MaskError as error:
                row = int(rows[error.index])
                name = f"annotation {ids[row]} of image {sample.image_id}"
                messages.append(f"{name}: {error.detail}")
                is_valid[row] = False
                rows = np.delete(rows, error.index)
    return (dataset if is_valid.all() else dataset.select(is_valid)), messages
