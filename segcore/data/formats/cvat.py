"""CVAT's XML for images and for video, version 1.1: ``annotations.xml``.

Polygons, masks (run lengths within a box) and boxes are read. Shapes of the same label and
``group_id`` other than 0 are parts of one annotation. Ellipses, polylines, points, cuboids,
skeletons and tags are counted.

The frames of a video are images, called ``frame_000010.PNG`` as CVAT exports them, and annotations
have a member ``track_id``. Shapes that are ``outside`` have left the image. Shapes between
keyframes are read if they are listed, as CVAT lists them; none are interpolated.

The file is read in one pass, without a tree. A document type declaration is refused, so entities
cannot be defined, and none can expand.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size
from segcore._publish import Outputs
from segcore._text import escaped
from segcore.backends import kernels
from segcore.data.coco.stream import Progress, open_binary
from segcore.data.columns.table import members_text
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.formats._account import EMPTY, POLYGONS, Account
from segcore.data.formats._builder import Builder, as_size, relative_name
from segcore.data.formats._crops import cropped, pasted
from segcore.data.formats._cvat_video import Videos
from segcore.data.formats._rings import (
    Counts,
    Numbers,
    check_ring,
    number_text,
    parse_numbers,
)
from segcore.data.report import WriteReport
from segcore.masks import Masks, unwrap, wrap

try:
    from segcore._native import read_number_lines
except ImportError:  # not compiled
    from segcore.data.formats._lines_python import read_number_lines

NAMES = ("annotations.xml",)
WITHOUT_MASK = ("ellipse", "polyline", "points", "cuboid", "skeleton", "tag")
CHUNK = 1 << 20
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_ENTITIES = {"\r": "&#13;"}
"""XML reads a carriage return as a newline."""
_AS_BLANKS = bytes.maketrans(b",;", b"  ")
MAX_DEPTH = 64
"""Elements of CVAT are nested less deeply."""


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read an XML file, or the ``annotations.xml`` in a folder."""
    place = Path(path)
    if place.is_dir():
        place = place / NAMES[0]
    builder = Builder(place, skip_invalid)
    builder.look_beside(place.parent, "images")
    file, size = open_binary(place)
    with file:
        _Parser(builder).parse(file, size, progress)
    return builder.dataset()


class _Parser:
    """Handles the elements of a file as they come."""

    def __init__(self, builder: Builder) -> None:
        self._builder = builder
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.EntityDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.buffer_text = True
        self._stack: list[str] = []
        self._content: list[str] = []
        self._videos = Videos()
        self._track: dict[str, str] = {}
        self._image: tuple[int, Size] | None = None
        self._is_skipped = False
        self._shapes: list[_Shape] = []

    def parse(self, file: Any, size: int | None, progress: Progress | None) -> None:
        """Parse a file."""
        done = 0
        try:
            while chunk := file.read(CHUNK):
                self._parser.Parse(chunk, False)
                done += len(chunk)
                if progress is not None:
                    progress(done, size)
            self._parser.Parse(b"", True)
            self._add_frames()
        except expat.ExpatError as error:
            detail = f"not XML: {expat.ErrorString(error.code)}"
            raise DatasetError(self._builder.path, detail, f"line {error.lineno}") from None
        except DatasetError:
            raise
        except (OSError, EOFError, LookupError, ValueError) as error:  # gzip, unknown encodings
            raise DatasetError(self._builder.path, f"cannot read it: {error}") from None

    def _where(self, element: str) -> str:
        return f"line {self._parser.CurrentLineNumber}, <{element}>"

    def _refuse_doctype(self, *_: Any) -> None:
        raise DatasetError(
            self._builder.path,
            "expected no document type declaration, since it may define entities that expand",
            f"line {self._parser.CurrentLineNumber}",
        )

    def _start(self, element: str, attributes: dict[str, str]) -> None:
        if not self._stack and element != "annotations":
            detail = f"expected <annotations>, as CVAT writes it, got <{element[:40]}>"
            raise DatasetError(self._builder.path, detail, self._where(element[:40]))
        self._stack.append(element)
        if len(self._stack) > MAX_DEPTH:
            detail = "its elements are nested too deeply"
            raise DatasetError(self._builder.path, detail, self._where(element[:40]))
        self._content = []
        if element == "track" and len(self._stack) == 2:
            self._start_track(attributes)
        elif element == "image" and len(self._stack) == 2:
            self._start_image(attributes)
        elif element == "tag" and len(self._stack) == 2:
            self._builder.note(f"shapes <{element}>, which are not masks", self._where(element))
        elif len(self._stack) == 3 and not self._is_skipped:
            if self._stack[1] == "image":
                self._start_shape(element, attributes)
            elif self._stack[1] == "track":
                self._start_tracked(element, attributes)

    def _end(self, element: str) -> None:
        self._stack.pop()
        text = "".join(self._content)
        if element == "name" and self._stack[-1:] == ["label"] and "labels" in self._stack:
            self._builder.category(text)
        elif "meta" in (element, *self._stack[1:2]):
            self._videos.end_element(element, self._stack[-1], text)
        elif element == "track" and len(self._stack) == 1 and not self._is_skipped:
            self._videos.end_track(self._track.get("task_id", ""))
        elif element == "image" and len(self._stack) == 1 and self._image is not None:
            self._add_shapes(*self._image)
            self._image = None

    def _text(self, text: str) -> None:
        if self._stack[1:2] == ["meta"]:
            self._content.append(text)

    def _start_image(self, attributes: dict[str, str]) -> None:
        try:
            name = relative_name(_attribute(attributes, "name"))
            size = as_size(_attribute(attributes, "height"), _attribute(attributes, "width"))
            self._image = self._builder.add_image(name, size), size
        except ValueError as error:
            self._builder.refuse(str(error), self._where("image"))
            self._is_skipped = True
            return
        self._is_skipped = False
        self._shapes = []

    def _start_track(self, attributes: dict[str, str]) -> None:
        self._track = attributes
        task = attributes.get("task_id", "")
        try:
            self._videos.size(task)
        except ValueError as error:
            self._builder.refuse(str(error), self._where("track"))
            self._is_skipped = True
            return
        self._is_skipped = False
        self._videos.start_track(task)

    def _start_tracked(self, element: str, attributes: dict[str, str]) -> None:
        """Add a shape to its frame. Its label and its group are those of the track."""
        where = self._where(element)
        if element not in ("polygon", "mask", "box"):
            self._start_shape(element, attributes)
            return
        try:
            frame = _whole(attributes, "frame")
        except ValueError as error:
            self._builder.refuse(str(error), where)
            return
        shape = _Shape(element, {**attributes, **self._track}, where)
        is_outside = attributes.get("outside") == "1"
        self._videos.add(self._track.get("task_id", ""), frame, is_outside, shape)

    def _add_frames(self) -> None:
        """Add the frames of all videos, and the shapes in them."""
        for task, frames in self._videos.frames(self._builder.path):
            folder = f"task_{task}/" if len(self._videos.shapes) > 1 else ""
            size = self._videos.size(task)
            for frame in frames:
                image = self._builder.add_image(f"{folder}frame_{frame:06}.PNG", size)
                self._shapes = self._videos.shapes[task].get(frame, [])
                self._add_shapes(image, size)
        if self._videos.unlisted:
            what = "frames in which a track goes on without a shape, which is not interpolated"
            self._builder.note(what, "<track>", self._videos.unlisted)

    def _start_shape(self, element: str, attributes: dict[str, str]) -> None:
        where = self._where(element)
        if element in ("polygon", "mask", "box") and self._image is not None:
            self._shapes.append(_Shape(element, attributes, where))
        elif element in WITHOUT_MASK:
            self._builder.note(f"shapes <{element}>, which are not masks", where)
        else:
            self._builder.note(f"elements <{element[:40]}>, which are unknown", where)

    def _add_shapes(self, image: int, size: Size) -> None:
        """Add the annotations of an image."""
        polygons = [shape for shape in self._shapes if shape.element == "polygon"]
        texts = [shape.attributes.get("points", "").encode() for shape in polygons]
        parsed = read_number_lines([text.translate(_AS_BLANKS) for text in texts])
        rings: list[Numbers] | None = None
        if parsed is not None and _are_rings(texts, *parsed):
            rings = np.split(parsed[0], np.cumsum(parsed[1])[:-1]) if polygons else []
        for index, shape in enumerate(polygons):
            shape.ring = None if rings is None else rings[index]
        groups: dict[Any, list[tuple[str, Any]]] = {}
        tracks: dict[Any, bytes] = {}
        for index, shape in enumerate(self._shapes):
            try:
                label = _attribute(shape.attributes, "label")
                group = _group(shape.attributes)
                part = shape.element, shape.part(size)
            except ValueError as error:
                self._builder.refuse(str(error), shape.where)
                continue
            key = (label, index, None) if group == 0 else (label, None, group)
            groups.setdefault(key, []).append(part)
            tracks.setdefault(key, shape.track)
        for key, parts in groups.items():
            self._add(image, size, self._builder.category(key[0]), parts, tracks[key])

    def _add(
        self, image: int, size: Size, category: int, parts: list[tuple[str, Any]], track: bytes
    ) -> None:
        """Add an annotation; boxes are parts only if there is nothing else."""
        rings = [part for kind, part in parts if kind == "polygon"]
        masks = [part for kind, part in parts if kind == "mask"]
        if masks:
            if rings:
                masks.append(Masks.from_polygons([rings], size))
            union = Masks.concatenate(masks).union()
            self._builder.add_masks(image, np.array([category]), union, extra=track)
        elif rings:
            lengths = [len(ring) // 2 for ring in rings]
            self._builder.add_polygons(
                image, category, np.concatenate(rings), lengths, [len(rings)], extra=track
            )
        for kind, part in parts:
            if kind == "box":
                self._builder.add_boxes(image, category, part, extra=track)


def _are_rings(texts: list[bytes], coordinates: Numbers, lengths: Counts, lines: Counts) -> bool:
    """Return whether the text of each ring is "x,y;x,y;...", with three points or more."""
    points = [text.count(b";") + 1 for text in texts]
    return (
        bool((lines == 1).all())
        and lengths.tolist() == [2 * count for count in points]
        and [text.count(b",") for text in texts] == points
        and bool((lengths >= 6).all() and (np.abs(coordinates) < 2**30).all())
    )


class _Shape:
    """A polygon, mask or box."""

    __slots__ = ("attributes", "element", "ring", "where")

    def __init__(self, element: str, attributes: dict[str, str], where: str) -> None:
        self.element = element
        self.attributes = attributes
        self.where = where
        self.ring: Numbers | None = None

    @property
    def track(self) -> bytes:
        """The id of its track as a member of an annotation; empty without one."""
        if "frame" not in self.attributes or "id" not in self.attributes:
            return b""
        text = self.attributes["id"]
        is_number = text.isascii() and text.isdecimal() and len(text) <= 18
        return members_text({"track_id": int(text) if is_number else text})

    def part(self, size: Size) -> Any:
        """Return the ring of a polygon, a mask, or the x, y, width and height of a box."""
        if self.element == "polygon":
            return self.ring if self.ring is not None else self._ring()
        if self.element == "mask":
            return _mask(self.attributes, size)
        if float(parse_numbers([self.attributes.get("rotation", "0")])[0]) != 0:
            raise ValueError("rotation: expected a box without rotation, which has no x and width")
        corners = [_attribute(self.attributes, name) for name in ("xtl", "ytl", "xbr", "ybr")]
        left, top, right, bottom = parse_numbers(corners)
        if not np.isfinite([left, top, right, bottom]).all():
            raise ValueError("expected finite coordinates")
        return [left, top, right - left, bottom - top]

    def _ring(self) -> Numbers:
        """Parse a polygon with all checks."""
        points = [point.split(",") for point in _attribute(self.attributes, "points").split(";")]
        if any(len(point) != 2 for point in points):
            raise ValueError('points: expected "x,y;x,y;..."')
        ring = parse_numbers([number for point in points for number in point])
        check_ring(ring)
        return ring


def _attribute(attributes: dict[str, str], name: str) -> str:
    if name not in attributes:
        raise ValueError(f'expected the attribute "{name}"')
    return attributes[name]


def _group(attributes: dict[str, str]) -> int:
    text = attributes.get("group_id") or "0"
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"group_id: expected an integer, got {text!r:.40}")
    return int(text)


def _mask(attributes: dict[str, str], size: Size) -> Masks:
    """Return the mask of run lengths, row by row within a box, background first."""
    left, top, width, height = (
        _whole(attributes, name) for name in ("left", "top", "width", "height")
    )
    if not 1 <= width * height <= size[0] * size[1]:
        raise ValueError(f"expected a box within the image, got {height} x {width} pixels")
    runs = _runs(_attribute(attributes, "rle"))
    try:
        # Rows of the box are columns of its transpose.
        batch = kernels.counts_decode(runs, np.array([0, len(runs)]), width, height)
    except ValueError as error:
        raise ValueError(f"rle: {getattr(error, 'detail', error)}") from None
    crop = wrap(batch).to_dense()[0].T
    return pasted(crop, left, top, size)


def _runs(text: str) -> NDArray[np.int64]:
    words = text.replace(",", " ").split()
    if not all(word.isdecimal() and len(word) < 19 for word in words):
        raise ValueError("rle: expected run lengths, separated by commas")
    return np.array([int(word) for word in words], np.int64)


def _whole(attributes: dict[str, str], name: str) -> int:
    text = _attribute(attributes, name)
    if not text.isdecimal() or len(text) > 18:
        raise ValueError(f"{name}: expected an integer, got {text!r:.40}")
    return int(text)


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
) -> WriteReport:
    """Write an XML file.

    Polygons are written as they are, several rings with the same ``group_id``. Other masks are
    written as run lengths, and annotations that have a box alone as boxes.
    """
    account = Account(dataset, "cvat", path, progress)
    dataset = account.dataset
    names = [_xml_text(name) for name in account.names()]
    labels = account.category_names(_xml_text)
    with outputs.file(path).open() as file:
        file.write(b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n')
        file.write(b"  <version>1.1</version>\n  <meta><task><labels>\n")
        for label in labels:
            file.write(f"    <label><name>{escape(label, _ENTITIES)}</name></label>\n".encode())
        file.write(b"  </labels></task></meta>\n")
        for image, name in account.tracked(names):
            height, width = account.size(image)
            file.write(
                f'  <image id="{image}" name={quoteattr(name)} width="{width}" '
                f'height="{height}">\n'.encode()
            )
            for line in _elements(account, image, [quoteattr(label) for label in labels]):
                file.write(line.encode())
            file.write(b"  </image>\n")
        file.write(b"</annotations>\n")
    account.unwritten_values(
        *("categories without annotations", POLYGONS),
        image_names=names,
        category_ids=np.arange(1, len(labels) + 1),
    )
    return account.report()


def _xml_text(text: str) -> str:
    """Return a text without the characters that XML cannot have, which are escaped."""
    return escaped(text, _NOT_XML)


def _elements(account: Account, image: int, labels: list[str]) -> Iterator[str]:
    """Yield the elements of the annotations of an image."""
    annotations = account.dataset.annotations
    rows = account.rows(image, boxes=True)
    has_mask = account.has_mask[rows]
    is_polygon = account.is_polygon[rows]
    others = rows[has_mask & ~is_polygon]
    masks = account.masks(image, others)
    is_empty = masks.area == 0
    account.drop(others[is_empty], EMPTY)
    index_of = {row: index for index, row in enumerate(others.tolist())}
    group = 0
    for row, is_ring in zip(rows.tolist(), is_polygon.tolist(), strict=True):
        label = labels[int(annotations["category"][row])]
        common = f'label={label} source="manual" occluded="0"'
        if is_ring:
            coordinates, points = account.rings(row)
            group += len(points) > 1
            for ring in np.split(coordinates, 2 * np.cumsum(points)[:-1]):
                yield _polygon(ring, common, group if len(points) > 1 else 0)
        elif row not in index_of:
            x, y, width, height = annotations["bbox"][row].tolist()
            corners = zip(("xtl", "ytl", "xbr", "ybr"), (x, y, x + width, y + height), strict=True)
            text = " ".join(f'{name}="{number_text(value)}"' for name, value in corners)
            yield f'    <box {common} {text} z_order="0"></box>\n'
        elif not is_empty[index_of[row]]:
            yield _mask_element(masks[[index_of[row]]], common)


def _polygon(ring: Numbers, common: str, group: int) -> str:
    words = [number_text(value) for value in ring.tolist()]
    points = ";".join(map(",".join, zip(words[::2], words[1::2], strict=True)))
    group_id = f' group_id="{group}"' if group else ""
    return f'    <polygon {common} points="{points}" z_order="0"{group_id}></polygon>\n'


def _mask_element(mask: Masks, common: str) -> str:
    crop, left, top = cropped(mask)
    height, width = crop.shape
    by_rows = Masks.from_dense(crop.T)
    runs, _ = kernels.counts_encode(unwrap(by_rows))
    rle = ", ".join(map(str, runs.tolist()))
    return (
        f'    <mask {common} rle="{rle}" left="{left}" top="{top}" width="{width}" '
        f'height="{height}" z_order="0"></mask>\n'
    )
