"""YOLO segmentation: ``data.yaml``, ``images/``, and ``labels/`` with a text file per image.

A line is a class and the coordinates of one ring, divided by the image's width and height::

    2 0.25 0.125 0.75 0.125 0.75 0.5

A line of a class and four numbers is the center and the size of a box, without a mask.

Without ``data.yaml``, the names of the classes are those in ``classes.txt`` or ``obj.names``.
Image sizes come from the headers of the image files. `write` also lists the images with their ids
and sizes in ``images.csv``, so that labels are read without the image files; other tools ignore it.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from functools import cache, partial
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import Size
from segcore._input.extras import require
from segcore._publish import FolderWriter, Outputs
from segcore.backends import kernels
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.formats._account import EMPTY, POLYGONS, Account
from segcore.data.formats._builder import ROTATED, Builder, as_size, relative_name, track
from segcore.data.formats._images import image_size, is_image
from segcore.data.formats._parts import Unwritten, write_images
from segcore.data.formats._rings import (
    Counts,
    Numbers,
    check_ring,
    joined_rings,
    parse_numbers,
)
from segcore.data.recognize import YOLO
from segcore.data.report import WriteReport
from segcore.masks import Masks, wrap

try:
    from segcore._native import read_number_lines, write_ring_lines
except ImportError:  # not compiled
    from segcore.data.formats._lines_python import read_number_lines, write_ring_lines

IMAGE_LIST = "images.csv"
NAMES = ("classes.txt", "obj.names")
DECIMALS = 6
"""Decimals of coordinates in pixels. Coordinates with as many decimals are read as they were."""
GREATEST = 2
"""Coordinates beyond this are taken for pixels. Rings may leave their image a little."""
BLOCK = 512
"""Number of images that are read at a time."""


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    dataset: Dataset | None = None,
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a YOLO data set: its ``data.yaml``, its folder, or its folder ``labels``."""
    root, names, folders = _layout(Path(path))
    builder = Builder(path, skip_invalid)
    listed = _listed_images(root)
    images = _images(root, folders, listed, dataset)
    for index, name in enumerate(names):
        builder.category(name, index)
    done = track(images, progress)
    for start in range(0, len(images), BLOCK):
        block = images[start : start + BLOCK]
        _read_block(builder, root, block, bool(names))
        done(start + len(block) - 1)
    return builder.dataset()


def _layout(path: Path) -> tuple[Path, list[str], list[PurePosixPath]]:
    """Return the root folder, the names of the classes, and the folders with images."""
    if not path.is_dir():
        return _read_yaml(path)
    for name in YOLO:
        if (path / name).is_file():
            return _read_yaml(path / name)
    if (path / "labels").is_dir():
        return path, _listed_names(path), [PurePosixPath("images")]
    for parent in path.parents:
        if parent.name == "labels" or path.name == "labels":
            root = path.parent if path.name == "labels" else parent.parent
            below = path.relative_to(root / "labels")
            names = next((_read_yaml(root / n)[1] for n in YOLO if (root / n).is_file()), None)
            names = _listed_names(root) if names is None else names
            return root, names, [PurePosixPath("images", below.as_posix())]
    raise DatasetError(str(path), f"expected {YOLO[0]} or a folder labels, found neither")


def _listed_names(root: Path) -> list[str]:
    """Return the names of the classes in a text file, as Label Studio writes them, one per line."""
    for path in (folder / name for folder in (root, root / "labels") for name in NAMES):
        if path.is_file():
            lines = path.read_text("utf-8-sig", "replace").splitlines()
            return _class_names(path, [line.strip() for line in lines if line.strip()])
    return []


def _read_yaml(path: Path) -> tuple[Path, list[str], list[PurePosixPath]]:
    yaml = require("yaml", "yaml", "formats", "reading data.yaml")
    try:
        document = yaml.safe_load(path.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        item = f"line {mark.line + 1}" if mark else ""
        detail = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise DatasetError(str(path), f"not YAML: {detail}", item) from None
    if not isinstance(document, dict) or not {"names", "nc"} & document.keys():
        raise DatasetError(str(path), 'expected a mapping with "names", the classes')
    root = path.parent
    base = document.get("path")
    if isinstance(base, str) and (below := _below(base, root)) and (root / below).is_dir():
        root = root / below
    folders = []
    for split in ("train", "val", "test"):
        value = document.get(split)
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str) and entry:
                folders.append(_image_folder(path, root, entry, split))
            elif entry is not None:
                raise DatasetError(str(path), f"expected a path, got {entry!r:.40}", split)
    names = document.get("names")
    if "names" not in document:  # as Ultralytics names classes of which only the number is known
        count = document["nc"]
        if type(count) is not int or not 0 < count < 10**6:
            raise DatasetError(str(path), f"expected a number of classes, got {count!r:.40}", "nc")
        names = [f"class_{index}" for index in range(count)]
    return root, _class_names(path, names), list(dict.fromkeys(folders))


def _below(text: str, root: Path) -> PurePosixPath | None:
    """Return a path without ``..`` at its start, as Roboflow writes it; None if it leaves.

    Of an absolute path, which another machine may have written, it is the longest end that exists
    below the root.
    """
    parts = [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
    while parts and parts[0] == "..":
        parts.pop(0)
    if ".." in parts:
        return None
    if text.startswith(("/", "\\")) or ":" in (parts[0] if parts else ""):
        ends = (PurePosixPath(*parts[start:]) for start in range(1, len(parts)))
        return next((end for end in ends if os.path.lexists(root / end)), None)
    return PurePosixPath(*parts)


def _image_folder(path: Path, root: Path, entry: str, split: str) -> PurePosixPath:
    """Return the folder of a split, or the text file that lists its images."""
    below = _below(entry, root)
    if below is None:
        raise DatasetError(str(path), f"expected a path below {root}, got {entry!r:.60}", split)
    return below


def _class_names(path: Path, names: Any) -> list[str]:
    """Return the names of the classes, which are a list or a mapping from 0, 1, 2, ...."""
    if isinstance(names, dict):
        if sorted(names, key=str) != sorted(range(len(names)), key=str):
            raise DatasetError(str(path), "expected the classes 0, 1, 2, ...", "names")
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list):
        raise DatasetError(str(path), f"expected a list of names, got {names!r:.40}", "names")
    found: dict[str, int] = {}
    for index, name in enumerate(names):
        if not isinstance(name, (str, int, float)):
            raise DatasetError(str(path), f"expected a name, got {name!r:.40}", f"names[{index}]")
        try:  # JSON, unlike YAML, writes a character such as an emoji as two surrogates
            text = str(name).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            detail = f"expected a name in Unicode, got {name!r:.40}"
            raise DatasetError(str(path), detail, f"names[{index}]") from None
        if text in found:
            raise DatasetError(str(path), f"{text!r} occurs twice", f"names[{index}]")
        found[text] = index
    return list(found)


class _Image:
    """An image, its label file, and its size if it is known."""

    __slots__ = ("file", "image_id", "label", "name", "size")

    def __init__(
        self, name: str, file: str | None, label: str, size: Size | None, image_id: Any = None
    ) -> None:
        self.name = name
        self.file = file
        self.label = label
        self.size = size
        self.image_id = image_id


def _images(
    root: Path,
    folders: list[PurePosixPath],
    listed: dict[str, tuple[Any, Size]],
    dataset: Dataset | None,
) -> list[_Image]:
    """Return all images in order: those that are listed, then those that are found."""
    found: dict[str, _Image] = {}
    for name, (image_id, size) in listed.items():
        found[name] = _Image(name, None, _label_path(root, f"images/{name}"), size, image_id)
    by_label = {image.label: image for image in found.values()}
    for folder in folders:
        for place in _files(root, folder):
            label = _label_path(root, place)
            file = os.path.join(root, place)
            if label in by_label:
                by_label[label].file = file
            else:
                image = _Image(place.removeprefix("images/"), file, label, None)
                by_label[label] = found[image.name] = image
    if dataset is not None:
        for sample in dataset:
            try:
                name = relative_name(sample.file_name)
            except ValueError:  # no label file can have such a name
                continue
            label = _label_path(root, f"images/{name}")
            if label not in by_label:
                known = _Image(sample.file_name, None, label, sample.size, sample.image_id)
                by_label[label] = found[known.name] = known
    for folder in folders:
        _check_labels(root, folder, by_label)
    if not found:
        raise DatasetError(str(root), "found no images, which labels refer to")
    return list(found.values())


def _check_labels(root: Path, folder: PurePosixPath, by_label: dict[str, _Image]) -> None:
    """Raise DatasetError for a label file without an image."""
    labels = os.path.dirname(_label_path(root, str(folder / "any.jpg")))
    if labels == str(root):  # other files may be there
        return
    for parent, _, files in os.walk(labels):
        for name in sorted(files):
            path = os.path.join(parent, name)
            if name.endswith(".txt") and name not in NAMES and path not in by_label:
                raise DatasetError(
                    path,
                    "found no image of this name, whose size is needed; put the images beside the "
                    "labels, or pass a data set that has them: read(path, dataset=...)",
                )


def _files(root: Path, folder: PurePosixPath) -> Iterator[str]:
    """Yield the images of a folder, or those that a text file lists, as paths below the root."""
    path = root / folder
    if path.suffix == ".txt" and path.is_file():
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            if not line.strip():
                continue
            below = _below(line.strip(), root)
            if below is None:
                detail = f"the path {line.strip()!r:.60} is not below {root}"
                raise DatasetError(str(path), detail, f"line {number}")
            if below.name:
                yield str(below)
        return
    for parent, folders, files in os.walk(path):
        folders.sort()
        place = Path(parent).relative_to(root).as_posix()
        for name in sorted(files):
            if is_image(name) and not name.startswith("."):
                yield name if place == "." else f"{place}/{name}"


def _label_path(root: Path, place: str) -> str:
    """Return the label file of an image: the last folder "images" becomes "labels"."""
    parts = place.split("/")
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return os.sep.join([str(root), *parts[:-1], os.path.splitext(parts[-1])[0] + ".txt"])


def _listed_images(root: Path) -> dict[str, tuple[Any, Size]]:
    """Return the images in ``images.csv``: ids and sizes by file name."""
    path = root / IMAGE_LIST
    if not path.is_file():
        return {}
    found: dict[str, tuple[Any, Size]] = {}
    size_of = cache(as_size)
    reader = csv.reader(io.StringIO(path.read_text("utf-8", "replace")))
    try:
        for number, row in enumerate(reader, 1):
            item = f"line {number}"
            if number == 1:
                if row != ["id", "file_name", "height", "width"]:
                    raise DatasetError(str(path), "expected id,file_name,height,width", item)
                continue
            try:
                image_id, name, height, width = row
                if relative_name(name) in found:
                    raise ValueError(f"{name!r:.60} occurs twice")
                key = int(image_id) if image_id.lstrip("-").isdecimal() else image_id
                found[name] = key, size_of(height, width)
            except ValueError as error:
                raise DatasetError(str(path), str(error), item) from None
    except csv.Error as error:
        raise DatasetError(str(path), str(error), f"line {reader.line_num}") from None
    return found


def _read_block(builder: Builder, root: Path, images: Sequence[_Image], is_named: bool) -> None:
    """Read the labels of some images."""
    labels = []
    for image in images:
        size = _size(builder, image)
        row = builder.add_image(image.name, size, image.image_id)
        try:
            with open(image.label, "rb", buffering=0) as file:
                data = file.readall()
        except FileNotFoundError:  # an image without objects
            continue
        labels.append(_Label(row, size, image.label, data))
    if _read_rings(builder, labels, is_named):
        return
    for label in labels:
        for number, line in enumerate(label.data.split(b"\n"), 1):
            if line and (stripped := line.strip()):
                place = label.path, number
                _read_line(builder, label.image, label.size, stripped, place, is_named)


class _Label(NamedTuple):
    """A label file: the row and the size of its image, its path, and its content."""

    image: int
    size: Size
    path: str
    data: bytes


def _read_rings(builder: Builder, labels: list[_Label], is_named: bool) -> bool:
    """Read label files at once; return False if one has anything but rings in the plainest form."""
    parsed = read_number_lines([label.data for label in labels])
    if parsed is None:
        return False
    values, lengths, lines = parsed
    if (lengths < 7).any() or (lengths % 2 == 0).any():
        return False
    starts = offsets_of(lengths)[:-1]
    classes = values[starts]
    if (classes != np.rint(classes)).any() or (classes < 0).any():
        return False
    is_share = np.ones(len(values), np.bool_)
    is_share[starts] = False
    shares = values[is_share].reshape(-1, 2)
    if (np.abs(shares) > GREATEST).any():
        return False
    found, inverse = np.unique(classes, return_inverse=True)
    try:
        categories = [_category(builder, b"%d" % number, is_named) for number in found.tolist()]
    except ValueError:
        return False
    sides = np.array([label.size[::-1] for label in labels], np.float64).reshape(-1, 2)
    label_of = np.repeat(np.arange(len(labels)), lines)
    points = lengths // 2
    builder.add_polygons(
        np.array([label.image for label in labels], np.int64)[label_of],
        np.array(categories, np.int64)[inverse],
        to_pixels(shares, np.repeat(sides[label_of], points, axis=0)),
        points,
        np.ones(len(points), np.int64),
    )
    return True


def _size(builder: Builder, image: _Image) -> Size:
    """Return the size of an image, from its file if there is one."""
    if image.file is None:
        return image.size or (0, 0)
    size, is_rotated = image_size(Path(image.file))
    if is_rotated:
        builder.note(ROTATED, image.name)
    if image.size is not None and image.size != size:
        raise DatasetError(
            image.file, f"expected the size {image.size} of {IMAGE_LIST}, got {size}"
        )
    return size


def _category(builder: Builder, word: bytes, is_named: bool) -> int:
    digits = word.removesuffix(b".0")
    number = int(digits) if digits.isdigit() and len(digits) < 10 else -1
    names = list(builder.categories)
    if number < 0 or (is_named and number >= len(names)):
        expected = f"a class from 0 to {len(names) - 1}" if is_named else "a class, 0 or greater"
        raise ValueError(f"expected {expected}, got {word.decode('utf-8', 'replace')!r:.40}")
    return number if is_named else builder.category(str(number), number)


def _read_line(
    builder: Builder, image: int, size: Size, line: bytes, place: tuple[str, int], is_named: bool
) -> None:
    """Read a single line with all checks."""
    word, *words = line.split()
    try:
        category = _category(builder, word, is_named)
        ring = parse_numbers(words)
        if len(ring) != 4:
            check_ring(ring)
        if not (np.abs(ring) <= GREATEST).all():
            raise ValueError(f"expected coordinates from 0 to 1, got {np.abs(ring).max():g}")
    except ValueError as error:
        builder.refuse(str(error), f"line {place[1]}", place[0])
        return
    sides = np.array([size[1], size[0]], np.float64)
    pixels = to_pixels(ring.reshape(-1, 2), sides)
    if len(ring) == 4:
        center, extent = pixels
        builder.add_boxes(image, category, [*(center - extent / 2), *extent])
        builder.note("boxes without masks", f"{place[0]}: line {place[1]}")
    else:
        builder.add_polygons(image, category, pixels, [len(ring) // 2], [1])


def to_pixels(values: Numbers, sides: Numbers) -> Numbers:
    """Return coordinates in pixels, to six decimals."""
    return np.round(values * sides, DECIMALS)


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
    **engine: Any,
) -> WriteReport:
    """Write labels, ``data.yaml`` and ``images.csv``. Image files are not copied."""
    account = Account(dataset, "yolo", path, progress)
    dataset = account.dataset
    names = account.names()
    labels = [f"labels/{name}" for name in account.names(".txt")]
    folder = outputs.folder(path, names=["data.yaml", IMAGE_LIST])
    for name, label in zip(names, labels, strict=True):
        try:
            folder.declare(label)
        except OSError as error:
            raise ValueError(f"image {name}: {error}") from None
    decimals = _decimals(max(int(dataset.images[s].max(initial=1)) for s in ("height", "width")))
    write_images(account, folder, partial(_write_labels, decimals), labels, **engine)
    folder.write("data.yaml", _yaml_text(account.category_names()))
    folder.write(IMAGE_LIST, _image_list(dataset, names))
    account.unwritten_values(
        *("image ids", "categories without annotations", POLYGONS),
        category_ids=np.arange(len(dataset.categories)),
    )
    return account.report()


def _write_labels(
    decimals: int, files: FolderWriter, account: Account, names: list[str]
) -> Iterator[Unwritten]:
    """Write the labels of some images: a job."""
    for size, images in account.groups():
        for image, text in zip(images, _texts(account, size, images, decimals), strict=True):
            yield names[image], files.write(names[image], text)


def _yaml_text(names: list[str]) -> bytes:
    listed = "".join(f"  {index}: {_yaml_string(name)}\n" for index, name in enumerate(names))
    text = f"path: .\ntrain: images\nval: images\nnames:{'' if names else ' {}'}\n{listed}"
    return text.encode()


def _yaml_string(text: str) -> str:
    """Return a string of JSON, with what cannot be printed as YAML escapes it."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in quoted)


def _image_list(dataset: Dataset, names: list[str]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    images = dataset.images
    writer.writerow(["id", "file_name", "height", "width"])
    columns = (images[column].tolist() for column in ("id", "height", "width"))
    for name, image_id, height, width in zip(names, *columns, strict=True):
        writer.writerow([image_id, name, height, width])
    return text.getvalue().encode()


def _texts(account: Account, size: Size, images: Counts, decimals: int) -> Iterator[bytes]:
    """Yield the label files of images of one size.

    Polygons are written as they are, joined to one ring, if that has the same pixels. Other masks
    are written as their outlines, whose coordinates are integers.
    """
    rows, counts = account.rows_of(images)
    lines = _Lines(account.dataset.annotations["category"][rows], size, decimals)

    polygons = np.flatnonzero(account.is_polygon[rows])
    coordinates, lengths, are_apart = joined_rings(*account.ring_parts(rows[polygons]))
    is_exact, is_inside = lines.set(polygons, coordinates, lengths)
    is_same = np.zeros(len(rows), np.bool_)
    is_same[polygons[is_exact & are_apart]] = True

    rest = np.flatnonzero(~is_same)
    masks = account.masks_of(size, rows[rest])
    tried = np.flatnonzero(is_inside & ~is_same[polygons])
    filled = lines.filled(*_parts(coordinates, lengths, tried))
    index = np.searchsorted(rest, polygons[tried])
    is_same[polygons[tried]] = (masks[index] ^ filled).area == 0
    is_empty = masks.area == 0
    account.drop(rows[rest[is_empty]], EMPTY)
    others = np.flatnonzero(~is_same[rest] & ~is_empty)
    is_other = account.num_rings[rows] > 1  # joined to one ring
    is_other[rest[others]] = True
    is_other[rest[is_empty]] = False
    account.unwritten(POLYGONS, int((account.is_polygon[rows] & is_other).sum()))
    outlines = masks[others].to_polygons()
    coordinates, lengths, _ = joined_rings(
        outlines.vertices.astype(np.float64).ravel(),
        outlines.ring_offsets,
        outlines.mask_offsets[:-1],
        np.diff(outlines.mask_offsets),
    )
    lines.set(rest[others], coordinates, lengths)
    lines.clear(rest[is_empty])
    account.compare(rows[rest[others]], masks[others], lines.filled(coordinates, lengths))
    for start, end in pairwise(offsets_of(counts).tolist()):
        yield b"".join(lines.texts[start:end])


class _Lines:
    """The lines of annotations of images of one size."""

    def __init__(self, classes: Counts, size: Size, decimals: int) -> None:
        self.texts = [b""] * len(classes)
        self._classes = classes
        self._size = size
        self._decimals = decimals

    def set(
        self, places: Counts, coordinates: Numbers, lengths: Counts
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Set lines to a class and a ring.

        All coordinates have the same number of decimals, which is written faster.

        Returns
        -------
        is_exact, is_inside : numpy.ndarray
            Which rings are read with exactly these coordinates, and which are within the image. The
            lines of the others are empty.
        """
        starts = offsets_of(lengths)[:-1]
        text, ends, is_exact = write_ring_lines(
            *(self._classes[places], coordinates, starts, lengths, *self._size),
            *(self._decimals, DECIMALS),
        )
        bounds = np.concatenate([ends[:0], [0], ends])
        for place, (start, end) in zip(places.tolist(), pairwise(bounds.tolist()), strict=True):
            self.texts[place] = text[start:end]
        return is_exact, np.diff(bounds) > 0

    def clear(self, places: Counts) -> None:
        """Remove lines."""
        for place in places.tolist():
            self.texts[place] = b""

    def filled(self, coordinates: Numbers, lengths: Counts) -> Masks:
        """Rasterize rings as they will be read."""
        sides = np.array([self._size[1], self._size[0]], np.float64)
        unit = 10.0**self._decimals
        shares = np.rint(coordinates.reshape(-1, 2) / sides * unit) / unit
        points = to_pixels(shares, sides).ravel()
        rings = np.arange(len(lengths) + 1)
        return wrap(
            kernels.rasterize_polygons(points, offsets_of(lengths // 2), rings, *self._size)
        )


def _parts(coordinates: Numbers, lengths: Counts, chosen: Counts) -> tuple[Numbers, Counts]:
    """Return the coordinates of some rings, and how many each has."""
    starts = offsets_of(lengths)[:-1]
    parts = [coordinates[starts[i] : starts[i] + lengths[i]] for i in chosen.tolist()]
    return np.concatenate([np.empty(0), *parts]), lengths[chosen]


def _decimals(side: int) -> int:
    """Return how many decimals make coordinates in pixels exact to `DECIMALS` decimals."""
    return DECIMALS + len(str(side))
