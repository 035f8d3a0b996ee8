"""Label Studio's JSON export: a list of tasks with annotations.

Polygons (in per cent of the image) and brush labels (run lengths) are read, and rectangles as
boxes, also where the labels are those of a tag ``Labels``. Coordinates are those of the image as it
is: ``image_rotation`` only rotates it on the screen. Of several annotations of a task, the first
that was not cancelled is read. Where there is none, the first prediction is read, with its score.
The rest is counted.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import numpy as np

from segcore._input.arrays import Size, described
from segcore._publish import Outputs
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.formats._account import EMPTY, POLYGONS, Account
from segcore.data.formats._builder import Builder, as_score, as_size, track
from segcore.data.formats._json import read_json
from segcore.data.formats._rings import Numbers, as_points, check_ring
from segcore.data.report import WriteReport
from segcore.formats import label_studio as brush
from segcore.masks import Masks

DECIMALS = 6
"""Decimals of coordinates in pixels. Coordinates with as many decimals are read as they were."""
LABELS = ("polygonlabels", "brushlabels", "rectanglelabels")
SHAPES = ("polygon", "brush", "rectangle")
"""Results without a label, which a result of the type "labels" with the same id has."""
UPLOAD = re.compile(r"^[0-9a-f]{8}-")
"""Label Studio puts this in front of the names of uploaded files."""
SIZES = ("original_width", "original_height", "image_rotation")
TO_NAME = "image"


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a JSON export."""
    tasks = read_json(Path(path))
    if not isinstance(tasks, list):
        raise DatasetError(os.fspath(path), f"expected a list of tasks, got {described(tasks)}")
    builder = Builder(path, skip_invalid)
    builder.look_beside(Path(path).parent, "images")
    done = track(tasks, progress)
    for index, task in enumerate(tasks):
        _read_task(builder, task, f"[{index}]")
        done(index)
    return builder.dataset()


def _read_task(builder: Builder, task: Any, where: str) -> None:
    """Add the image of a task, and its annotations."""
    task = _full_task(task)
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        builder.refuse('expected an object with "data"', where)
        return
    results, score, item = _results(builder, task, where)
    try:
        name = _image_name(task)
        size = _size(task, results)
        image = builder.add_image(name, size or (0, 0))
    except ValueError as error:
        builder.refuse(str(error), where)
        return
    if size is None:
        builder.note("tasks without results, whose image size is unknown", where)
    labeled = {
        str(result.get("id"))
        for result in results
        if isinstance(result, dict) and result.get("type") == "labels"
    }
    for index, result in enumerate(results):
        is_shape = isinstance(result, dict) and result.get("type") in SHAPES
        if is_shape and str(result.get("id")) in labeled:
            continue
        try:
            _read_result(builder, image, size, result, f"{item}.result[{index}]", score)
        except (ValueError, TypeError) as error:
            detail = getattr(error, "detail", str(error))
            builder.refuse(detail, f"{item}.result[{index}]")


def _full_task(task: Any) -> Any:
    """Return a task of the export JSON-MIN, whose results are its members, in the full form."""
    if not isinstance(task, dict) or "data" in task:
        return task
    results = [
        {"type": kind, "value": item, **{key: item.get(key) for key in SIZES if key in item}}
        for value in task.values()
        for item in (value if isinstance(value, list) else [])
        if isinstance(item, dict)
        for kind in LABELS
        if kind in item
    ]
    data = {key: value for key, value in task.items() if isinstance(value, str)}
    return {"data": data, "annotations": [{"result": results}]} if data else task


def _results(builder: Builder, task: dict[str, Any], where: str) -> tuple[list[Any], float, str]:
    """Return the results that are read, their score, and where they are."""
    for kind in ("annotations", "predictions"):
        listed = task.get(kind) or []
        usable = [
            index
            for index, item in enumerate(listed if isinstance(listed, list) else [])
            if isinstance(item, dict)
            and isinstance(item.get("result"), list)
            and not item.get("was_cancelled")
        ]
        if usable:
            if len(usable) > 1:
                builder.note(f"further {kind} of a task", where, len(usable) - 1)
            chosen = listed[usable[0]]
            score = as_score(chosen.get("score")) if kind == "predictions" else np.nan
            return chosen["result"], score, f"{where}.{kind}[{usable[0]}]"
    return [], np.nan, where


def _image_name(task: dict[str, Any]) -> str:
    """Return the name of the image: the end of the first address in the data."""
    texts = [value for value in task["data"].values() if isinstance(value, str)]
    text = task["data"].get("image", texts[0] if texts else "")
    if not isinstance(text, str) or not text:
        raise ValueError("data: expected the address of an image")
    address = urlsplit(text.replace("\\", "/"))
    local = parse_qs(address.query).get("d", [address.path])[0]  # /data/local-files/?d=a/b.jpg
    upload = address.path.startswith("/data/upload/")
    name = PurePosixPath(unquote(local)).name
    name = UPLOAD.sub("", name) if upload else name
    if not name or name == "..":
        raise ValueError(f"data: expected the address of an image, got {text!r:.60}")
    return name


def _size(task: dict[str, Any], results: list[Any]) -> Size | None:
    """Return the size that the results state, or that `write` noted; None if there is none."""
    found = None
    for index, result in enumerate(results):
        if isinstance(result, dict) and "original_width" in result:
            try:
                size = as_size(result.get("original_height"), result["original_width"])
            except ValueError as error:
                raise ValueError(f"result[{index}]: original_{error}") from None
            if found is not None and size != found:
                raise ValueError(f"result[{index}]: its size {size} differs from {found}")
            found = size
    meta = task.get("meta")
    if found is None and isinstance(meta, dict) and "height" in meta and "width" in meta:
        found = as_size(meta["height"], meta["width"])
    return found


def _read_result(
    builder: Builder, image: int, size: Size | None, result: Any, where: str, score: float
) -> None:
    """Add an annotation."""
    if not isinstance(result, dict):
        raise ValueError(f"expected an object, got {described(result)}")
    kind, value = result.get("type"), result.get("value")
    name = kind
    if kind == "labels" and isinstance(value, dict):
        kind = _kind_of_labels(value)
    if kind not in LABELS:
        builder.note(f"results of the type {str(kind)[:40]!r}, which are not masks", where)
        return
    if not isinstance(value, dict) or size is None:
        raise ValueError('expected "value" and "original_width"')
    if result.get("image_rotation", 0) not in (0, None):
        _check_rotation(result["image_rotation"])
        builder.note("results on images that were rotated on the screen", where)
    labels = value.get(name)
    if not isinstance(labels, list) or not labels or not isinstance(labels[0], str):
        raise ValueError(f"{name}: expected a list of labels, got {described(labels)}")
    category = builder.category(labels[0])
    if len(labels) > 1:
        builder.note("further labels of a result", where, len(labels) - 1)
    if kind == "polygonlabels":
        points = as_points(value.get("points"), "points")
        ring = _to_pixels(points, size)
        check_ring(ring.ravel())
        builder.add_polygons(image, category, ring, [len(ring)], [1], score=score)
    elif kind == "brushlabels":
        if value.get("format") != "rle":
            raise ValueError(f'format: expected "rle", got {value.get("format")!r:.20}')
        masks = brush.decode([value.get("rle")], size)
        builder.add_masks(image, np.array([category]), masks, score=score)
    else:
        box = [[value.get(name) for name in names] for names in (("x", "y"), ("width", "height"))]
        pixels = _to_pixels(as_points(box, "x, y, width, height"), size)
        if value.get("rotation", 0) in (0, None):
            builder.add_boxes(image, category, pixels.ravel(), score=score)
            return
        ring = _rotated(pixels, value["rotation"])
        builder.add_polygons(image, category, ring, [4], [1], score=score)


def _kind_of_labels(value: dict[str, Any]) -> str:
    """Return the type that a result of the type "labels" has with a label of its own."""
    if "points" in value:
        return "polygonlabels"
    if "rle" in value:
        return "brushlabels"
    return "rectanglelabels" if "width" in value and "height" in value else "labels"


def _check_rotation(degrees: Any) -> None:
    if isinstance(degrees, bool) or not isinstance(degrees, (int, float)) or degrees % 90:
        raise ValueError(f"image_rotation: expected 0, 90, 180 or 270, got {degrees!r:.20}")


def _rotated(box: Numbers, degrees: Any) -> Numbers:
    """Return the corners of a box that is rotated clockwise about its top left corner."""
    if isinstance(degrees, bool) or not isinstance(degrees, (int, float)) or abs(degrees) > 1e6:
        raise ValueError(f"rotation: expected degrees, got {described(degrees)}")
    angle = np.deg2rad(float(degrees))
    (width, height), directions = box[1], np.array([[np.cos(angle), np.sin(angle)]])
    across = directions * width
    down = directions[:, ::-1] * [-1, 1] * height
    corners = np.concatenate([box[:1], box[:1] + across, box[:1] + across + down, box[:1] + down])
    ring: Numbers = np.round(corners, DECIMALS)
    return ring


def _to_pixels(shares: Numbers, size: Size) -> Numbers:
    """Return coordinates in pixels for those in per cent, to six decimals."""
    return np.round(shares * _sides(size) / 100, DECIMALS)


def _sides(size: Size) -> Numbers:
    return np.array([size[1], size[0]], np.float64)


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
) -> WriteReport:
    """Write a list of tasks.

    Polygons of one ring within the image are written as polygons, if they keep their pixels. Other
    masks are written as brush labels, and annotations that have a box alone as rectangles.
    """
    account = Account(dataset, "label-studio", path, progress)
    dataset = account.dataset
    names = account.names()
    labels = account.category_names()
    with outputs.file(path).open() as file:
        file.write(b"[")
        for image, name in account.tracked(names):
            height, width = account.size(image)
            task = {
                "id": image + 1,
                "data": {TO_NAME: quote(PurePosixPath(name).name)},
                "meta": {"height": height, "width": width},
                "annotations": [{"id": image + 1, "result": _written(account, image, labels)}],
                "predictions": [],
            }
            text = json.dumps(task, ensure_ascii=False, separators=(",", ":"))
            file.write((",\n" if image else "\n").encode() + text.encode())
        file.write(b"\n]\n")
    account.unwritten_values(POLYGONS, image_names=[PurePosixPath(name).name for name in names])
    return account.report()


def _written(account: Account, image: int, labels: list[str]) -> list[dict[str, Any]]:
    """Return the results of an image."""
    annotations = account.dataset.annotations
    rows = account.rows(image, boxes=True)
    height, width = size = account.size(image)
    values: dict[int, tuple[str, dict[str, Any]]] = {}
    for row in rows[account.is_polygon[rows] & (account.num_rings[rows] == 1)].tolist():
        points = account.rings(row)[0].reshape(-1, 2)
        shares = points / _sides(size) * 100
        if np.array_equal(_to_pixels(shares, size), points):
            values[row] = "polygonlabels", {"points": shares.tolist(), "closed": True}
    has_mask = account.has_mask[rows]
    others = np.array([row for row in rows[has_mask].tolist() if row not in values], np.int64)
    masks = account.masks(image, others)
    is_empty = masks.area == 0
    account.drop(others[is_empty], EMPTY)
    account.unwritten(POLYGONS, int(account.is_polygon[others[~is_empty]].sum()))
    values |= _brushes(others[~is_empty].tolist(), masks[np.flatnonzero(~is_empty)])
    for row in rows[~has_mask].tolist():
        shares = annotations["bbox"][row].reshape(2, 2) / _sides(size) * 100
        box = dict(zip(("x", "y", "width", "height"), shares.ravel().tolist(), strict=True))
        values[row] = "rectanglelabels", {**box, "rotation": 0}
    return [
        {
            "id": f"r{row}",
            "type": values[row][0],
            "value": {**values[row][1], values[row][0]: [labels[annotations["category"][row]]]},
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "from_name": "label",
            "to_name": TO_NAME,
        }
        for row in rows.tolist()
        if row in values
    ]


def _brushes(rows: list[int], masks: Masks) -> dict[int, tuple[str, dict[str, Any]]]:
    return {
        row: ("brushlabels", {"format": "rle", "rle": rle})
        for row, rle in zip(rows, brush.encode(masks), strict=True)
    }
