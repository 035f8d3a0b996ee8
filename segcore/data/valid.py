"""Data sets without the annotations whose masks are invalid."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from segcore.backends.errors import MAX_COORDINATE
from segcore.data.columns.segmentations import NONE, POLYGON, Segmentations
from segcore.data.dataset import Dataset, annotation_names
from segcore.errors import MaskError

ANNOTATIONS = 4096
"""Least number of annotations whose segmentations are in memory at a time."""


def without_invalid_masks(dataset: Dataset) -> tuple[Dataset, list[str]]:
    """Return a data set without invalid masks, and a message about each of them.

    Masks are made for it, except those of polygons, which are valid if their coordinates are.
    Annotations without a segmentation stay.
    """
    if dataset.maps is not None:
        return dataset, []
    is_valid = np.ones(len(dataset.annotations), np.bool_)
    messages = []
    for images in dataset.partitions(ANNOTATIONS):
        rows = np.sort(dataset.rows_of_images(images)[0])
        for row, message in _invalid_masks(dataset[images]):
            is_valid[rows[row]] = False
            messages.append(message)
    return (dataset if is_valid.all() else dataset.select(is_valid)), messages


def missing_masks(dataset: Dataset) -> NDArray[np.bool_]:
    """Return which annotations have no segmentation; Parquet files are read part by part."""
    segmentations: Segmentations
    if not dataset.is_lazy:
        segmentations = dataset.annotations["segmentation"]
        return segmentations.is_missing
    is_missing = np.zeros(len(dataset.annotations), np.bool_)
    for images in dataset.partitions(ANNOTATIONS):
        table, rows = dataset.annotations_of(images)
        segmentations = table["segmentation"]
        is_missing[rows] = segmentations.is_missing
    return is_missing


def _invalid_masks(dataset: Dataset) -> Iterator[tuple[int, str]]:
    """Yield the row of each annotation whose mask is invalid, and a message."""
    segmentations: Segmentations = dataset.annotations["segmentation"]
    is_checked = segmentations.kinds != NONE
    if (np.abs(segmentations.coordinates) < MAX_COORDINATE).all():
        is_checked &= segmentations.kinds != POLYGON
    if not is_checked.any():
        return
    ids = dataset.annotations["id"]
    every_row = np.arange(len(ids))
    for image, sample in enumerate(dataset):
        rows = every_row[dataset.rows_of(image)]
        rows = rows[is_checked[rows]]
        while len(rows) and min(sample.size) > 0:
            try:
                name = annotation_names(ids[rows], sample.image_id)
                segmentations[rows].masks(sample.size, name, dataset.source)
                break
            except MaskError as error:
                row = int(rows[error.index])
                yield row, f"{annotation_names(ids, sample.image_id)(row)}: {error.detail}"
                rows = np.delete(rows, error.index)
