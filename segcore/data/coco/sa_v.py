"""SA-V: a JSON file per video, with a list of RLEs for each annotated frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from segcore.data.columns.fields import MAX_EXACT, as_integer, describe
from segcore.data.columns.layouts import annotation_layout, empty_categories, image_layout
from segcore.data.columns.segmentations import NONE, STRING, Segmentations
from segcore.data.columns.table import Table
from segcore.data.columns.texts import Texts
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError

FRAME_STEP = 4
"""Every fourth frame of a video is annotated."""


def video_dataset(path: str, members: list[tuple[str, bytes | None]]) -> Dataset:
    """Make the data set of one video: frames are images, and ids are those of masklets."""
    values = {name: json.loads(text or b"null") for name, text in members}
    frames = values["masklet"]
    if not isinstance(frames, list) or not all(isinstance(frame, list) for frame in frames):
        raise DatasetError(path, "expected a list of RLEs per frame", "masklet")
    video = str(values.get("video_id", Path(path).stem))
    count = len(frames)
    images: dict[str, Any] = {
        "id": np.arange(count) * FRAME_STEP,
        "file_name": Texts.from_strings(
            [f"{video}/{FRAME_STEP * index:05d}.jpg" for index in range(count)]
        ),
        "height": np.full(count, _whole(path, values.get("video_height"), "video_height")),
        "width": np.full(count, _whole(path, values.get("video_width"), "video_width")),
    }
    rles = [
        (frame, position, _rle(path, frame, position, rle))
        for frame, listed in enumerate(frames)
        for position, rle in enumerate(listed)
    ]
    masklets = values.get("masklet_id")
    masklets = masklets if isinstance(masklets, list) else []
    ids = [_whole(path, key, f"masklet_id[{i}]") for i, key in enumerate(masklets)]
    rows = len(rles)
    strings = Texts.from_strings([counts for _, _, (_, _, _, counts) in rles])
    heads = np.array([head for _, _, (*head, _) in rles], np.int64).reshape(-1, 3)
    columns: dict[str, Any] = {
        "image": np.array([frame for frame, _, _ in rles], np.int64),
        "category": np.full(rows, -1, np.int64),
        "id": np.array([ids[p] if p < len(ids) else p for _, p, _ in rles], np.int64),
        "iscrowd": np.zeros(rows, np.bool_),
        "score": np.full(rows, np.nan),
        "area": np.full(rows, np.nan),
        "bbox": np.full((rows, 4), np.nan),
        "segmentation": Segmentations.from_strings(
            heads[:, 0].astype(np.uint8), heads[:, 1], heads[:, 2], strings
        ),
    }
    return Dataset(
        Table(images, image_layout(images)),
        empty_categories(),
        Table(columns, annotation_layout(columns)),
        members=[(name, None if name == "masklet" else text) for name, text in members],
        source=path,
    )


def write_video(dataset: Dataset, file: BinaryIO) -> None:
    """Write one video that was read from a file of SA-V."""
    if "masklet" not in dict(dataset.members):
        raise ValueError("dataset: expected one that was read from a file of SA-V")
    segmentations: Segmentations = dataset.annotations["segmentation"]
    every_row = np.arange(len(dataset.annotations))
    frames = [
        [segmentations.value(row) for row in every_row[dataset.rows_of(image)].tolist()]
        for image in range(len(dataset))
    ]
    masklet = json.dumps(frames, separators=(",", ":")).encode()
    members = (
        json.dumps(name).encode() + b":" + (masklet if text is None else text)
        for name, text in dataset.members
    )
    file.write(b"{" + b",".join(members) + b"}")


def _rle(path: str, frame: int, position: int, rle: Any) -> tuple[int, int, int, str]:
    """Return the kind, height, width and string of an RLE; null means that nothing is visible."""
    if rle is None:
        return NONE, 0, 0, ""
    item = f"masklet[{frame}][{position}]"
    try:
        height, width = (_whole(path, side, item) for side in rle["size"])
        return STRING, height, width, "" + rle["counts"]
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(path, f"expected an RLE with a string: {error}", item) from None


def _whole(path: str, value: Any, item: str) -> int:
    """Return an integer, which SA-V may write as a float; 0 if it is missing."""
    number = 0 if value is None else as_integer(value)
    if type(number) is not int or abs(number) >= MAX_EXACT:
        raise DatasetError(path, f"expected an integer, got {describe(value)}", item)
    return number
