"""COCO instances made of the masks of any data set."""

from __future__ import annotations

import functools
import json
from contextlib import closing
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.layouts import annotation_layout, image_layout
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import Table, concatenate
from segcore.data.columns.texts import Texts
from segcore.data.dataset import Dataset
from segcore.data.per_image.engine import ONE_PROCESS, Engine, Progress, no_progress
from segcore.data.per_image.images import DatasetImage
from segcore.data.per_image.instance_set import Instances, InstanceSet
from segcore.data.problems import Problems
from segcore.distributed import run


def as_instances(
    source: InstanceSet,
    problems: Problems,
    connectivity: int | None = None,
    things_only: bool = False,
    progress: Progress = no_progress,
    engine: Engine = ONE_PROCESS,
) -> Dataset:
    """Return a data set as COCO instances: RLEs with areas and boxes, and ids from 1.

    Parameters
    ----------
    source : InstanceSet
        The data set.
    problems : Problems
        Receives what is left out.
    connectivity : {4, 8}, optional
        Return an instance per connected component instead of one per mask.
    things_only : bool, default False
        Whether to leave out stuff.
    progress : callable, optional
        Shows progress over parts of the images.
    engine : mapping, optional
        Arguments of :func:`segcore.distributed.run` that say what does the work.

    Raises
    ------
    DatasetError
        If a map or an annotation cannot be used.
    """
    kept = [c for c in source.categories if not things_only or c.isthing is not False]
    row_of = np.full(len(source.categories) + 1, -1, np.int64)
    row_of[[c.index for c in kept]] = np.arange(len(kept))
    columns: dict[str, list[Any]] = {name: [none] for name, none in _NONE.items()}
    sizes: list[tuple[int, int]] = []
    parts = source.parts()
    job = functools.partial(_instances, row_of=row_of, connectivity=connectivity)
    with closing(run(job, parts, **engine)) as results:
        for found, found_sizes, left_out in progress(results, "Reading", len(parts)):
            problems.add(left_out)
            found["image"] += len(sizes)
            sizes += found_sizes
            for name, values in found.items():
                columns[name].append(values)
    joined = {name: concatenate(parts) for name, parts in columns.items()}
    joined["id"] = np.arange(1, len(joined["image"]) + 1)
    return Dataset(
        _image_table(source, np.array(sizes, np.int64).reshape(-1, 2)),
        source.category_table(kept),
        Table(joined, annotation_layout(joined, as_integers=True)),
    )


def _instances(
    source: InstanceSet, row_of: NDArray[np.int64], connectivity: int | None
) -> tuple[dict[str, Any], list[tuple[int, int]], Problems]:
    """Return the columns of the annotations of some images, and the sizes of these: a job."""
    columns: dict[str, list[Any]] = {name: [none] for name, none in _NONE.items()}
    sizes = []
    problems = Problems(skip=True)
    for index, image in enumerate(source.images):
        instances = source.read(image)
        problems.add(instances.problems)
        rows = _things(image, instances, row_of, problems)
        found = instances.masks[rows]
        if connectivity:
            found, parents = found.components(connectivity)
            rows = rows[parents]
        sizes.append(found.size)
        boxes = found.boxes.astype(np.float64)
        boxes[:, 2:] -= boxes[:, :2]
        for name, values in {
            "image": np.full(len(found), index),
            "category": row_of[instances.category[rows]],
            "iscrowd": instances.iscrowd[rows],
            "score": instances.scores[rows],
            "area": found.area.astype(np.float64),
            "bbox": boxes,
            "segmentation": Segmentations.from_masks(found),
        }.items():
            columns[name].append(values)
    return {name: concatenate(parts) for name, parts in columns.items()}, sizes, problems


_NONE: dict[str, Any] = {
    "image": np.empty(0, np.int64),
    "category": np.empty(0, np.int64),
    "iscrowd": np.empty(0, np.bool_),
    "score": np.empty(0),
    "area": np.empty(0),
    "bbox": np.empty((0, 4)),
    "segmentation": Segmentations.empty(0),
}
"""The columns of a data set without annotations."""


def _image_table(source: InstanceSet, sizes: NDArray[np.int64]) -> Table:
    """Return the images with the names by which they are known, and the sizes of their masks."""
    images = source.dataset.images.take(np.array([i.row for i in source.images], np.int64))
    columns: dict[str, Any] = {
        "id": images["id"],
        "file_name": Texts.from_strings([image.name for image in source.images]),
        "height": sizes[:, 0],
        "width": sizes[:, 1],
    }
    if "id" not in images.layout.names:  # of SA-1B
        return Table(columns, image_layout(columns))
    return images.replace(**columns).with_members("file_name", "height", "width")


def _things(image: DatasetImage, instances: Instances, row_of: Any, problems: Problems) -> Any:
    """Return the rows of the annotations whose categories are kept, and count the others."""
    is_kept = row_of[instances.category] >= 0
    left_out = np.flatnonzero(~is_kept)
    if len(left_out):
        first = f"annotation {instances.ids[left_out[0]]} of {image.label}"
        problems.leave_out("annotation", "of stuff", len(left_out), first, "--things-only", True)
    return np.flatnonzero(is_kept)


def with_software(dataset: Dataset, software: str) -> Dataset:
    """Return a data set whose file names the software that wrote it."""
    info = json.dumps({"software": software}).encode()
    tables = [(name, None) for name in ("images", "annotations", "categories")]
    return Dataset(
        dataset.images,
        dataset.categories,
        dataset.annotations,
        members=[("info", info), *tables],
    )
