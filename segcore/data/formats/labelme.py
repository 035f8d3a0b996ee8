"""LabelMe: a JSON file per image, with a list of shapes.

Polygons, rectangles, circles and masks (embedded PNGs) are read; points, lines and other shapes
have no area. Shapes of the same label and ``group_id`` are parts of one annotation. The flag
``iscrowd`` of a shape is that of COCO.
"""

from __future__ import annotations

import base64
import binascii
import functools
import io
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, described
from segcore._input.extras import require
from segcore._publish import FolderWriter, Outputs
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.names import Folder, with_suffix
from segcore.data.formats._account import EMPTY, POLYGONS, Account
from segcore.data.formats._builder import ROTATED, Builder, as_size, track
from segcore.data.formats._crops import cropped, pasted
from segcore.data.formats._images import image_size, is_image
from segcore.data.formats._json import read_json
from segcore.data.formats._parts import Unwritten, write_images
from segcore.data.formats._rings import Numbers, as_points, check_ring
from segcore.data.report import WriteReport
from segcore.masks import Masks

VERSION = "5.5.0"
WITHOUT_AREA = ("line", "linestrip", "point", "points")
CROWD = "iscrowd"
CORNERS = ("rectangle", "rotation", "oriented_rectangle")
"""Shapes of four corners, as X-AnyLabeling and newer versions of LabelMe write them."""


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a LabelMe file, or all of a folder."""
    place = Path(path)
    folder = place if place.is_dir() else place.parent
    files = _files(place)
    if not files:
        raise DatasetError(str(place), "expected JSON files, found none")
    builder = Builder(path, skip_invalid)
    done = track(files, progress)
    for index, file in enumerate(files):
        _FileReader(builder, folder, file).read()
        done(index)
    return builder.dataset()


def _files(place: Path) -> list[Path]:
    """Return the JSON files of a folder, sorted, or the single file."""
    if not place.is_dir():
        return [place]
    found = []
    for parent, folders, names in os.walk(place):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent, name)
            for name in names
            if name.lower().endswith(".json") and not name.startswith(".")
        ]
    return sorted(found)


class _FileReader:
    """Reads the file of one image."""

    def __init__(self, builder: Builder, folder: Path, path: Path) -> None:
        self._builder = builder
        self._folder = folder
        self._path = path

    def read(self) -> None:
        """Add the image and its annotations to the builder."""
        try:
            document = read_json(self._path)
            if not isinstance(document, dict) or not isinstance(document.get("shapes"), list):
                raise DatasetError(str(self._path), 'expected an object with a list "shapes"')
            name = self._name(document.get("imagePath"))
            self._size = self._image_size(document)
        except DatasetError as error:
            self._builder.refuse(error.detail, error.item, error.path)
            return
        self._image = self._builder.add_image(name, self._size)
        groups: dict[Any, list[tuple[Numbers | Masks, bool]]] = {}
        for index, shape in enumerate(document["shapes"]):
            try:
                part = self._shape(shape, index)
            except (ValueError, TypeError, OverflowError) as error:
                self._builder.refuse(str(error), f"shapes[{index}]", self._path)
                continue
            if part is not None:
                label, group = str(shape["label"]), shape.get("group_id")
                key = (label, index, None) if group is None else (label, None, group)
                is_crowd = isinstance(shape.get("flags"), dict) and shape["flags"].get(CROWD)
                groups.setdefault(key, []).append((part, is_crowd is True))
        for (label, _, _), parts in groups.items():
            self._add(label, [part for part, _ in parts], any(crowd for _, crowd in parts))

    def _name(self, value: Any) -> str:
        """Return the file name of the image, below the folder that is read."""
        if not isinstance(value, str) or not value:
            raise DatasetError(
                str(self._path), f"expected a name, got {described(value)}", "imagePath"
            )
        parts = [part for part in re.split(r"[/\\]", value) if part not in ("", ".", "..")]
        if not parts:
            raise DatasetError(str(self._path), f"expected a name, got {value!r:.60}", "imagePath")
        parent = self._path.parent.relative_to(self._folder)
        is_elsewhere = value[0] in "/\\" or ".." in value or ":" in parts[0]
        return str(PurePosixPath(parent.as_posix(), *(parts[-1:] if is_elsewhere else parts)))

    def _image_size(self, document: dict[str, Any]) -> Size:
        """Return the stated size, which must be that of the image file if there is one."""
        stated = None
        height, width = document.get("imageHeight"), document.get("imageWidth")
        if height is not None or width is not None:
            try:
                stated = as_size(height, width)
            except ValueError as error:
                raise DatasetError(str(self._path), str(error), "imageHeight, imageWidth") from None
        name = PurePosixPath(re.split(r"[/\\]", document["imagePath"])[-1])
        file = Folder(self._path.parent).find(name)
        file = file if file is not None and is_image(file.name) else None
        found, is_rotated = image_size(file) if file is not None else (None, False)
        if is_rotated:
            self._builder.note(ROTATED, str(name))
        if stated is None and found is None:  # as in files of version 3
            stated = self._embedded_size(document.get("imageData"))
        if stated is None and found is None:
            raise DatasetError(
                str(self._path), "expected a number of pixels, got none", "imageHeight, imageWidth"
            )
        if stated and found and stated != found:
            raise DatasetError(
                str(self._path), f"its size {stated} differs from {found} of {file}, as displayed"
            )
        return stated or found or (0, 0)

    def _embedded_size(self, data: Any) -> Size | None:
        """Return the size of the embedded image; None if there is none."""
        if not isinstance(data, str) or not data:
            return None
        image_module = require("PIL.Image", "PIL", "cli", "reading the images in LabelMe files")
        try:
            with image_module.open(io.BytesIO(base64.b64decode(data))) as image:
                return as_size(image.height, image.width)
        except MemoryError:
            raise
        except Exception as error:  # Pillow raises many kinds on broken files
            detail = f"not an image that can be read: {error}"
            raise DatasetError(str(self._path), detail, "imageData") from None

    def _shape(self, shape: Any, index: int) -> Numbers | Masks | None:
        """Return a ring or a mask; None for shapes without area."""
        if not isinstance(shape, dict) or not isinstance(shape.get("label"), (str, int, float)):
            raise ValueError('expected an object with a "label"')
        group = shape.get("group_id")
        if not isinstance(group, (int, str, type(None))):
            raise ValueError(f"group_id: expected an integer or null, got {described(group)}")
        kind = shape.get("shape_type") or "polygon"
        if kind in WITHOUT_AREA or not isinstance(kind, str):
            what = f"shapes of the type {str(kind)[:40]}, which have no area"
            self._builder.note(what, f"{self._path}: shapes[{index}]")
            return None
        points = as_points(shape.get("points"), "points")
        if kind == "mask":
            return self._mask(points, shape.get("mask"))
        ring = _ring(kind, points)
        if ring is None:
            what = f"shapes of the type {kind[:40]}, which is not read"
            self._builder.note(what, f"{self._path}: shapes[{index}]")
            return None
        check_ring(ring)
        return ring

    def _mask(self, points: Numbers, text: Any) -> Masks:
        """Return the mask of an embedded PNG, placed into the image."""
        if not isinstance(text, str):
            raise ValueError(f"mask: expected a PNG in base64, got {described(text)}")
        if points.shape != (2, 2):
            raise ValueError(f"points: expected two corners, got {len(points)} points")
        if (points != np.rint(points)).any():
            raise ValueError("points: expected integers, as this is a mask")
        (left, top), (right, bottom) = points.astype(np.int64).tolist()
        crop = _decoded(text)
        if crop.shape != (bottom - top + 1, right - left + 1):
            raise ValueError(
                f"mask: expected {bottom - top + 1} x {right - left + 1} pixels, got "
                f"{crop.shape[0]} x {crop.shape[1]}"
            )
        return pasted(crop, left, top, self._size)

    def _add(self, label: str, parts: list[Numbers | Masks], is_crowd: bool) -> None:
        """Add an annotation with one or several parts."""
        category = self._builder.category(label)
        rings = [part for part in parts if isinstance(part, np.ndarray)]
        if len(rings) == len(parts):
            lengths = [len(ring) // 2 for ring in rings]
            self._builder.add_polygons(
                self._image,
                category,
                np.concatenate(rings),
                lengths,
                [len(rings)],
                iscrowd=is_crowd,
            )
            return
        masks = [part for part in parts if isinstance(part, Masks)]
        if rings:
            masks.append(Masks.from_polygons([rings], self._size))
        union = Masks.concatenate(masks).union()
        self._builder.add_masks(self._image, np.array([category]), union, iscrowd=is_crowd)


def _ring(kind: str, points: Numbers) -> Numbers | None:
    """Return the ring of a shape; None if the type is unknown."""
    if kind == "polygon":
        polygon: Numbers = points.ravel()
        return polygon
    if kind in CORNERS and len(points) == 4:
        corners: Numbers = points.ravel()
        return corners
    if kind in ("rectangle", "circle") and len(points) != 2:
        raise ValueError(f"points: expected two points of a {kind}, got {len(points)}")
    if kind == "rectangle":
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return np.array([left, top, right, top, right, bottom, left, bottom])
    if kind == "circle":
        center, other = points
        radius = float(np.hypot(*(other - center)))
        # As many points as LabelMe draws: no chord is more than a pixel from the circle.
        steps = max(int(np.pi / np.arccos(1 - 1 / radius)), 12) if radius > 1 else 12
        angles = 2 * np.pi * np.arange(min(steps, 2**16)) / min(steps, 2**16)
        circle: Numbers = center + radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        return circle.reshape(-1)
    return None


def _decoded(text: str) -> NDArray[np.bool_]:
    """Return the foreground of a PNG in base64."""
    image_module = require("PIL.Image", "PIL", "cli", "reading the masks of LabelMe files")
    try:
        data = base64.b64decode(text, validate=True)
        with image_module.open(io.BytesIO(data), formats=("PNG",)) as image:
            pixels = np.asarray(image)
    except binascii.Error as error:
        raise ValueError(f"mask: not base64: {error}") from None
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises many kinds on broken files
        raise ValueError(f"mask: not a PNG that can be read: {error}") from None
    if pixels.ndim != 2:
        raise ValueError("mask: expected a gray PNG")
    is_foreground: NDArray[np.bool_] = pixels != 0
    return is_foreground


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
    **engine: Any,
) -> WriteReport:
    """Write a JSON file per image.

    Polygons are written as they are, several rings with the same ``group_id``. Other masks are
    written as embedded PNGs.
    """
    account = Account(dataset, "labelme", path, progress)
    files = account.names(".json")
    folder = outputs.folder(path, names=files)
    job = functools.partial(_write_files, account.category_names())
    write_images(account, folder, job, account.names(), **engine)
    account.unwritten_values("iscrowd flags", POLYGONS, names=files)
    return account.report()


def _write_files(
    labels: list[str], files: FolderWriter, account: Account, names: list[str]
) -> Iterator[Unwritten]:
    """Write the files of some images: a job."""
    for image, name in enumerate(names):
        height, width = account.size(image)
        document: dict[str, Any] = {
            "version": VERSION,
            "flags": {},
            "shapes": _shapes(account, image, labels),
            "imagePath": PurePosixPath(name).name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        data = json.dumps(document, ensure_ascii=False, indent=1).encode()
        file = with_suffix(name, ".json")
        yield file, files.write(file, data)


def _shapes(account: Account, image: int, labels: list[str]) -> list[dict[str, Any]]:
    """Return the shapes of an image."""
    rows = account.rows(image)
    is_polygon = account.is_polygon[rows]
    others = rows[~is_polygon]
    masks = account.masks(image, others)
    is_empty = masks.area == 0
    account.drop(others[is_empty], EMPTY)
    embedded = {
        row: _embedded(masks[[index]])
        for index, row in enumerate(others.tolist())
        if not is_empty[index]
    }
    annotations = account.dataset.annotations
    shapes = []
    group = 0
    for row, is_ring in zip(rows.tolist(), is_polygon.tolist(), strict=True):
        common: dict[str, Any] = {
            "label": labels[int(annotations["category"][row])],
            "group_id": None,
            "description": "",
            "flags": {CROWD: True} if annotations["iscrowd"][row] else {},
        }
        if row in embedded:
            shapes.append({**common, **embedded[row]})
        elif is_ring:
            coordinates, points = account.rings(row)
            rings = np.split(coordinates.reshape(-1, 2), np.cumsum(points)[:-1])
            if len(rings) > 1:
                group += 1
                common["group_id"] = group
            shapes += [
                {**common, "points": ring.tolist(), "shape_type": "polygon", "mask": None}
                for ring in rings
            ]
    return shapes


def _embedded(mask: Masks) -> dict[str, Any]:
    """Return the corners of a mask, and the PNG of what is between them."""
    crop, left, top = cropped(mask)
    image_module = require("PIL.Image", "PIL", "cli", "writing the masks of LabelMe files")
    file = io.BytesIO()
    image_module.fromarray(crop).save(file, "PNG")
    return {
        "points": [[left, top], [left + crop.shape[1] - 1, top + crop.shape[0] - 1]],
        "shape_type": "mask",
        "mask": base64.b64encode(file.getvalue()).decode(),
    }
