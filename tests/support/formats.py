"""Round trips through formats of data sets, with the losses counted independently."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import real_data

import segcore as sc

PANOPTIC = "panoptic_sample/panoptic_examples.json"


def sample(name: str, images: int = 4) -> Any:
    """Return the first images of a real data set."""
    if name == "panoptic":
        pytest.importorskip("PIL")
        return sc.data.read(real_data.folder() / PANOPTIC)[:1]
    return sc.data.read(real_data.path(name))[:images]


def document(**changes: Any) -> dict[str, Any]:
    """Return a small COCO document with all forms of masks."""
    rle = sc.Masks.from_boxes([[3, 2, 9, 7]], (12, 16))
    ring = rle - sc.Masks.from_boxes([[5, 4, 7, 6]], (12, 16))
    annotations = [
        {"category_id": 7, "segmentation": [[1, 1, 6.5, 1.25, 4, 9.333]]},
        {"category_id": 3, "segmentation": [[0, 0, 3, 0, 3, 3, 0, 3], [9, 9, 15, 9, 15, 11]]},
        {"category_id": 3, "segmentation": ring.to_coco()[0]},
        {"category_id": 7, "segmentation": rle.to_coco(compressed=False)[0], "iscrowd": 1},
        {"category_id": 7, "segmentation": [[-4, -4, 20, -4, 20, 3, -4, 3]], "image_id": 2},
    ]
    return {
        "images": [
            {"id": 1, "file_name": "a.jpg", "height": 12, "width": 16},
            {"id": 2, "file_name": "sub/b.png", "height": 12, "width": 16},
        ],
        "categories": [{"id": 3, "name": "cup"}, {"id": 7, "name": "café, größer"}],
        "annotations": [
            {"id": index, "image_id": 1, "iscrowd": 0, **annotation}
            for index, annotation in enumerate(annotations, 1)
        ],
        **changes,
    }


def small() -> Any:
    """Return a small data set with all forms of masks."""
    return sc.data.from_coco(document())


def check_round_trip(dataset: Any, folder: Path, name: str, target: str = "out") -> Any:
    """Write and read a data set, and compare it, and the reported losses, with an own count.

    Returns the report and the data set that was read without naming the format.
    """
    report = sc.data.write(dataset, folder / target, name)
    back = sc.data.read(folder / target)
    dropped = {row for item in report.dropped for row in item.rows.tolist()}
    assert report.annotations == len(dataset.annotations) - len(dropped) == len(back.annotations)
    stems = {Path(found.file_name).stem: found for found in back}
    for index, original in enumerate(dataset):
        all_rows = np.arange(len(dataset.annotations))[dataset.rows_of(index)].tolist()
        rows = [row for row in all_rows if row not in dropped]
        kept = [i for i, row in enumerate(all_rows) if row not in dropped]
        found = stems[Path(original.file_name).stem]
        assert found.size == original.size
        assert names_of(found, back) == [names_of(original, dataset)[i] for i in kept]
        masks = original.masks.to_dense()[kept]
        written = found.masks.to_dense()
        gained = (written & ~masks).sum(axis=(1, 2))
        lost = (masks & ~written).sum(axis=(1, 2))
        assert gained.tolist() == report.gained[rows].tolist()
        assert lost.tolist() == report.lost[rows].tolist()
    return report, back


def names_of(image: Any, dataset: Any) -> list[str]:
    """Return the name of the category of each annotation of an image."""
    names = dataset.categories["name"].tolist()
    return [names[index] for index in image.categories.tolist()]
