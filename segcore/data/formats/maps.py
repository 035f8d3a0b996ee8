"""PNG label maps and binary masks: a folder with a PNG per image, or one of them.

Every label except 0 is a category, and its pixels in an image are one annotation. 255 means that a
pixel is ignored, unless ``classes.json`` lists it, or no file has another label beside 0: a folder
of PNGs of 0 and 255 has one object per image.

With `ids`, labels are ids of a class and an instance, and each is an annotation of its class:
Cityscapes' instanceIds, ``class * divisor + instance``, or panopticapi's two channels.

Colors of RGB PNGs need a table beside them: ``labelmap.txt`` (``name:r,g,b``, as written by CVAT),
``label_colors.txt`` (``r g b name``, as in CamVid) or ``class_dict.csv`` (``name,r,g,b``).
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import described
from segcore._publish import FolderWriter, Outputs
from segcore._text import escaped
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.classes import CLASSES, MapClass, read_classes
from segcore.data.files.label_maps import IGNORED, label_maps
from segcore.data.files.pngs import id_png, label_png
from segcore.data.files.read_ahead import read_ahead
from segcore.data.files.walk import files_below
from segcore.data.formats._account import MERGED, Account, painted
from segcore.data.formats._builder import Builder, track
from segcore.data.formats._images import (
    is_image,
    read_label_png,
    voc_colors,
)
from segcore.data.formats._names import distinct_names
from segcore.data.formats._parts import written_parts
from segcore.data.formats.cityscapes import NAMES
from segcore.data.report import WriteReport
from segcore.maps.ids import decode, from_cityscapes, from_rgb, from_two_channels
from segcore.masks import Masks

COLOR_TABLES = ("labelmap.txt", "label_colors.txt", "class_dict.csv")
_LABELMAP = re.compile(r":\s*\d+\s*,\s*\d+\s*,\s*\d+\s*(:|$)")
"""The color in a line of ``labelmap.txt``, and of a table of another name in the same form."""
BACKGROUND = "background"
ROBOFLOW = "_classes.csv"
PHOTOGRAPHS = (".jpg", ".jpeg")
OBJECT = "object"
"""Name of the category of binary masks."""
CITYSCAPES, TWO_CHANNELS, CHANNEL = "cityscapes", "two-channels", 256
_LINE_ENDS = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_Decoder = Callable[[NDArray[np.int64]], NDArray[np.int64]]


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
    background: int = 0,
    ignore: Sequence[int] | None = None,
    colors: str | os.PathLike[str] | Mapping[str, Sequence[int]] | None = None,
    ids: str | int | None = None,
) -> Dataset:
    """Read a folder of PNG label maps or binary masks, or a single PNG.

    Parameters
    ----------
    path : path-like
        The folder, or the PNG.
    skip_invalid, progress
        As for :func:`segcore.data.read`.
    background : int, default 0
        Label of the background.
    ignore : sequence of int, optional
        Other labels to leave out. Defaults to 255, unless it is a class or the masks are binary.
    colors : path-like, optional
        Table of the colors of RGB PNGs. Defaults to the one beside them.
    ids : {"cityscapes", "two-channels"} or int, optional
        How a label stands for a class and an instance; an int is the number of ids per class.
    """
    place = Path(path)
    folder = place if place.is_dir() else place.parent
    files = label_maps(place) if place.is_dir() else {PurePosixPath(place.name): place}
    if not files:
        raise DatasetError(str(place), "expected PNG files, found none")
    classes = read_classes(folder) or _roboflow_classes(folder / ROBOFLOW)
    meaning = _Meaning(classes, _colors_of(folder, colors), background, ignore, ids)
    builder = Builder(path, skip_invalid)
    builder.look_beside(folder)
    for category in meaning.listed:
        builder.category(*category)
    done = track(files, progress)
    without_colors: list[str] = []
    is_binary = not classes and ignore is None and background == 0 and ids is None
    ignored = None if IGNORED in classes or ignore is not None else "class 255"
    for index, ((_, file), found) in enumerate(read_ahead(meaning.read, files.items())):
        done(index)
        if isinstance(found, DatasetError):
            builder.refuse(found.detail, found.item, found.path)
            continue
        name = file.relative_to(folder).as_posix()
        photographs = [str(PurePosixPath(name).with_suffix(suffix)) for suffix in PHOTOGRAPHS]
        try:
            row = builder.add_image(name, found.masks.size, file_names=photographs)
        except DatasetError as error:
            builder.refuse(error.detail, error.item, error.path)
            continue
        rows = [builder.category(*category) for category in found.categories]
        builder.add_masks(row, np.array(rows, np.int64), found.masks)
        is_binary &= found.is_binary
        if found.of_background:
            what = f"pixels of ids whose class is {background}, the background"
            builder.note(what, name, found.of_background)
        if not found.is_rgb:
            without_colors.append(name)
        is_ignored = [category == ignored for category, _ in found.categories]
        if ignored and any(is_ignored):
            area = int(found.masks.area[is_ignored].sum())
            builder.note("pixels of the label 255, which are ignored", name, area)
    if is_binary:
        builder.forget_notes()
        builder.change_categories([0] * len(builder.categories), {OBJECT: (1, "")})
    elif ignored in builder.categories:
        builder.drop_category(ignored)
    if colors is not None and without_colors:
        what = "PNGs of labels, not colors, for which the table of colors is not used"
        builder.note(what, without_colors[0], len(without_colors))
    if place.is_dir():
        _note_other_images(builder, place, {path.with_suffix("") for path in files})
    return builder.dataset()


def _decoder(ids: str | int) -> _Decoder:
    """Return the function that returns the classes of ids. Raises ValueError for other values."""
    if ids == CITYSCAPES:
        return lambda labels: from_cityscapes(labels)[0]
    if ids == TWO_CHANNELS:
        ids = CHANNEL
    if isinstance(ids, str) and ids.isdecimal():
        ids = int(ids[:20])
    if not isinstance(ids, int) or isinstance(ids, bool) or not 1 <= ids < 2**31:
        expected = f'"{CITYSCAPES}", "{TWO_CHANNELS}" or a number of ids per class'
        raise ValueError(f"ids: expected {expected}, got {ids!r}")
    divisor = ids
    return lambda labels: decode(labels, divisor)[0]


def _colors_of(
    folder: Path, colors: str | os.PathLike[str] | Mapping[str, Sequence[int]] | None
) -> dict[int, tuple[str, int]]:
    """Return the name and number of each color, as `color_table` does."""
    if colors is None:
        return color_table(folder)
    if isinstance(colors, (str, os.PathLike)):
        return _read_colors(Path(colors))
    return _numbered(_color_codes(colors))


def _note_other_images(builder: Builder, folder: Path, stems: set[PurePosixPath]) -> None:
    """Count image files that are neither PNGs nor, by their names, the photograph of one."""
    for file in files_below(folder):
        name = PurePosixPath(file.relative_to(folder).as_posix())
        if (
            is_image(name.name)
            and name.suffix.lower() != ".png"
            and name.with_suffix("") not in stems
        ):
            builder.note("image files that are not PNGs", str(name))


def _roboflow_classes(path: Path) -> dict[int, MapClass]:
    """Return the classes in ``_classes.csv``, with lines such as "1, car", if it exists."""
    if not path.is_file():
        return {}
    found: dict[int, MapClass] = {}
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        label, _, name = (part.strip() for part in line.partition(","))
        if number == 1 or not line.strip():
            continue
        if not (label.isdecimal() and int(label) <= IGNORED and name):
            detail = f"expected a pixel value and a class, got {line!r:.60}"
            raise DatasetError(str(path), detail, f"line {number}")
        found[int(label)] = MapClass(int(label), int(label) or None, name)
    return found


@dataclass(frozen=True)
class _Found:
    """The labels in a file: their categories (name and id), and their masks."""

    categories: list[tuple[str, Any]]
    masks: Masks
    is_binary: bool
    of_background: int = 0
    """Pixels whose id has an instance, but the class of the background."""
    is_rgb: bool = False


class _Meaning:
    """What labels and colors mean.

    Attributes
    ----------
    listed : list of tuple
        Name and id of each category that ``classes.json`` lists.
    """

    def __init__(
        self,
        classes: dict[int, MapClass],
        colors: dict[int, tuple[str, int]],
        background: int,
        ignore: Sequence[int] | None,
        ids: str | int | None,
    ) -> None:
        self._colors = colors
        self._ids = ids
        self._class_of = None if ids is None else _decoder(ids)
        self._background = background
        self._dropped = {
            *(ignore or ()),
            *(c.index for c in classes.values() if c.category_id is None),
        }
        # 255 is only found to be ignored, or not, when all files are read.
        self._unlisted = {IGNORED} if ignore is None else set()
        known = [c for _, c in sorted(classes.items()) if c.category_id is not None]
        names = distinct_names([c.name for c in known], [c.category_id for c in known])
        self._known = {c.index: (name, c.category_id) for c, name in zip(known, names, strict=True)}
        self._has_classes = bool(classes)
        self.listed = list(self._known.values())

    def read(self, item: tuple[PurePosixPath, Path]) -> _Found | DatasetError:
        """Read a file; an error is returned, since it may be skipped."""
        path = item[1]
        try:
            pixels, is_bits = read_label_png(
                path, keep_colors=bool(self._colors) or self._ids == TWO_CHANNELS
            )
            if self._ids == TWO_CHANNELS:
                pixels = _two_channels(path, pixels)
            if pixels.ndim == 3:
                return self._of_colors(path, pixels)
            return self._of_labels(path, pixels, is_bits)
        except DatasetError as error:
            return error

    def _of_labels(self, path: Path, labels: NDArray[Any], is_bits: bool) -> _Found:
        values, masks = Masks.from_label_map(labels, self._background, self._dropped)
        pixels = 0
        if self._class_of is not None:
            values = self._class_of(values)
            kept = ~np.isin(values, [self._background, *self._dropped])
            pixels = int(masks.area[values == self._background].sum())
            values, masks = values[kept], masks[kept]
        numbers: list[int] = values.tolist()
        if self._has_classes:
            for number, area in zip(numbers, masks.area.tolist(), strict=True):
                if number not in self._known and number not in self._unlisted:
                    raise DatasetError(
                        str(path),
                        f"{area} of its pixels have the label {number}, which {CLASSES} does not "
                        "list; ignored labels (--ignore) need not be listed",
                    )
        categories = [self._known.get(number, self._unknown(number)) for number in numbers]
        is_binary = is_bits or not set(numbers) - {IGNORED}
        return _Found(categories, masks, is_binary, pixels)

    def _unknown(self, number: int) -> tuple[str, int]:
        """Return the name and id of the category of a label that is not listed."""
        is_named = self._ids == CITYSCAPES and number < len(NAMES)
        return NAMES[number] if is_named else f"class {number}", number

    def _of_colors(self, path: Path, pixels: NDArray[np.uint8]) -> _Found:
        values, masks = Masks.from_label_map(from_rgb(pixels))
        codes: list[int] = values.tolist()
        if not self._colors:
            raise DatasetError(
                str(path),
                f"it is an RGB PNG of {len(codes)} colors, which need a table beside it: "
                f"{COLOR_TABLES[0]} with lines name:r,g,b; or pass colors= (--colors)",
            )
        if unknown := [code for code in codes if code not in self._colors]:
            red, green, blue = unknown[0] & 255, unknown[0] >> 8 & 255, unknown[0] >> 16
            raise DatasetError(
                str(path), f"it has the color {red},{green},{blue}, which the table does not list"
            )
        kept = [i for i, code in enumerate(codes) if self._colors[code][1]]
        return _Found([self._colors[codes[i]] for i in kept], masks[kept], False, is_rgb=True)


def _two_channels(path: Path, pixels: NDArray[Any]) -> NDArray[np.int64]:
    """Return ids of the class and the instance in the first two channels."""
    if pixels.ndim != 3:
        raise DatasetError(str(path), "expected an RGB PNG with two channels, got no colors")
    classes, instances = from_two_channels(pixels)
    return CHANNEL * classes + instances


def read_labels(path: Path) -> NDArray[np.unsignedinteger]:
    """Return the labels of a PNG that is no map of colors: uint8 or uint16, shape (H, W)."""
    pixels, _ = read_label_png(path)
    if pixels.ndim == 3:
        raise DatasetError(str(path), "expected an indexed or gray PNG, got colors")
    return pixels


def color_table(folder: Path) -> dict[int, tuple[str, int]]:
    """Return the name and number of each color, red + 256 * green + 65536 * blue.

    They come from the table of colors in a folder; the result is empty if there is none. The
    background has the number 0.
    """
    for name in COLOR_TABLES:
        if (folder / name).is_file():
            return _read_colors(folder / name)
    return {}


def _read_colors(path: Path) -> dict[int, tuple[str, int]]:
    found = []
    is_csv = path.suffix == ".csv"
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        text = line.strip()
        if not text or (number == 1 if is_csv else text.startswith("#")):
            continue
        name, color = _color_line(path.name, text)
        try:
            if not name:
                raise ValueError
            found.append((name, _code(color)))
        except ValueError:
            detail = f"expected a name and a color, got {text!r:.60}"
            raise DatasetError(str(path), detail, f"line {number}") from None
    return _numbered(found)


def _numbered(names: Iterable[tuple[str, int]]) -> dict[int, tuple[str, int]]:
    """Return the name and number of each color; the background has the number 0."""
    found: dict[int, tuple[str, int]] = {}
    classes = 0
    for name, code in names:
        is_background = name.lower() == BACKGROUND
        classes += not is_background
        found[code] = name, 0 if is_background else classes
    return found


def _color_codes(colors: Mapping[str, Sequence[int]]) -> list[tuple[str, int]]:
    """Return the code of the color of each class, as given by users; all are different."""
    if not isinstance(colors, Mapping):
        raise TypeError(f"colors: expected a mapping of names to colors, got {described(colors)}")
    found: dict[int, str] = {}
    for name, color in colors.items():
        try:
            code = _code([str(int(part)) for part in color])
        except (TypeError, ValueError):
            raise ValueError(
                f"colors: expected red, green and blue from 0 to 255 for {name!r:.40}, got "
                f"{color!r:.40}"
            ) from None
        if code in found:
            raise ValueError(f"colors: {found[code]!r:.40} and {name!r:.40} have the same color")
        found[code] = str(name)
    return [(name, code) for code, name in found.items()]


def line_of(name: str) -> str:
    """Return the name of a class as a line of a table of colors can have it."""
    return escaped(name, _LINE_ENDS).strip()


def _code(color: Sequence[str]) -> int:
    """Return red + 256 * green + 65536 * blue. Raises ValueError for other values."""
    red, green, blue = (int(part) if part.isdecimal() else 256 for part in color)
    if max(red, green, blue) > 255:
        raise ValueError
    return red + 256 * green + 65536 * blue


def _color_line(file: str, text: str) -> tuple[str, list[str]]:
    """Return the name and the three parts of the color in a line of a table."""
    is_labelmap = file not in COLOR_TABLES and not file.endswith(".csv") and _LABELMAP.search(text)
    if file == "labelmap.txt" or is_labelmap:
        name, _, rest = text.partition(":")
        return name, [part.strip() for part in rest.partition(":")[0].split(",")]
    words = re.split(r"[\s,]+", text)
    if file == "label_colors.txt":
        return " ".join(words[3:]), words[:3]
    name, *color = text.rsplit(",", 3)
    return name, [part.strip() for part in color]


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    colors: Mapping[str, Sequence[int]] | None = None,
    progress: Progress | None = None,
    **engine: Any,
) -> WriteReport:
    """Write a label map per image, and ``classes.json`` with the labels of the categories.

    Labels are category ids if these are from 1 to 65535, and otherwise numbers from 1. PNGs have 8
    bits if no label is above 254. With `colors`, PNGs are RGB, beside ``class_dict.csv``. Smaller
    masks are painted over larger ones, and crowds below all others. Annotations of the same
    category in an image become one.
    """
    account = Account(dataset, "maps", path, progress)
    dataset = account.dataset
    category_names = account.category_names(str if colors is None else line_of)
    encoder = (
        _Labels(dataset, category_names) if colors is None else _Colors(category_names, colors)
    )
    names = account.names(".png")
    folder = outputs.folder(path, names=[*names, encoder.table])
    paint = functools.partial(_paint, encoder, folder.writer())
    for images, pngs in written_parts(account, paint, names, **engine):
        for image, png in zip(images.tolist(), pngs, strict=True):
            folder.take(names[image], png)
    folder.write(encoder.table, encoder.table_text(dataset))
    kept = ("category ids",) if colors is None else ()
    account.unwritten_values(
        *kept,
        "categories without annotations",
        names=names,
        image_names=names,
        category_ids=encoder.labels,
    )
    return account.report()


def _paint(
    encoder: _Labels | _Colors, files: FolderWriter, account: Account, names: list[str]
) -> list[bytes | None]:
    """Write the maps of some images: a job. Returns the PNGs that could not be written."""
    pngs: list[bytes | None] = [None] * len(names)
    for image, rows, masks in account.with_masks():
        values = encoder.labels[account.dataset.annotations["category"][rows]]
        labels, regions, visible = painted(account, rows, masks, values)
        account.unwritten(MERGED, len(visible) - len(set(visible.tolist())))
        pngs[image] = files.write(names[image], encoder.png(labels, regions))
    return pngs


class _Labels:
    """Writes labels as gray or indexed PNGs."""

    table = CLASSES

    def __init__(self, dataset: Dataset, names: list[str]) -> None:
        self._names = names
        self.labels, self._dtype = _labels(dataset)
        self._colors = voc_colors() if self._dtype == np.uint8 else None

    def png(self, labels: NDArray[np.int64], regions: Masks) -> bytes:
        """Return the PNG of a label map."""
        return label_png(labels.astype(self._dtype), regions, self._colors)

    def table_text(self, dataset: Dataset) -> bytes:
        """Return the table of the classes."""
        return _classes_text(dataset, self._names, self.labels, self._colors)


class _Colors:
    """Writes labels as RGB PNGs."""

    table = COLOR_TABLES[-1]

    def __init__(self, names: list[str], colors: Mapping[str, Sequence[int]]) -> None:
        codes = dict(_color_codes(colors))
        self._names = names
        missing = [name for name in names if name not in codes]
        if missing:
            raise ValueError(
                f"colors: expected a color for each category, got none of {missing[0]!r}"
            )
        background = next((c for name, c in codes.items() if name.lower() == BACKGROUND), 0)
        listed = [background, *(codes[name] for name in names)]
        if background in listed[1:]:
            name = names[listed.index(background, 1) - 1]
            raise ValueError(f"colors: {name!r:.40} has the color of the background")
        self._codes = np.array(listed)
        self.labels = np.arange(1, len(listed))

    def png(self, labels: NDArray[np.int64], regions: Masks) -> bytes:
        """Return the PNG of a label map."""
        background = ~regions.union()
        codes = np.concatenate([self._codes[:1], self._codes[labels]])
        return id_png(codes, Masks.concatenate([background, regions]))

    def table_text(self, dataset: Dataset) -> bytes:
        """Return the table of the colors."""
        names = [BACKGROUND, *self._names]
        lines = [
            f"{name},{code & 255},{code >> 8 & 255},{code >> 16}\n"
            for name, code in zip(names, self._codes.tolist(), strict=True)
        ]
        return ("name,r,g,b\n" + "".join(lines)).encode()


def _labels(dataset: Dataset) -> tuple[NDArray[np.int64], Any]:
    """Return the label of each category, and the dtype of the maps."""
    ids = dataset.categories["id"]
    if len(ids) > 65534:
        raise ValueError(f"dataset: expected at most 65534 categories, got {len(ids)}")
    if ids.dtype == object or (len(ids) and (ids.min() < 1 or ids.max() > 65535)):
        ids = np.arange(1, len(ids) + 1)
    return ids, np.dtype(np.uint8 if ids.max(initial=0) < IGNORED else np.uint16)


def _classes_text(
    dataset: Dataset,
    names: list[str],
    labels: NDArray[np.int64],
    colors: NDArray[np.uint8] | None,
) -> bytes:
    ids = dataset.categories["id"].tolist()
    listed = [{"index": 0, "category_id": None, "name": "background"}] + [
        {"index": label, "category_id": category_id, "name": name}
        for label, category_id, name in zip(labels.tolist(), ids, names, strict=True)
    ]
    if colors is not None:
        listed = [{**item, "color": colors[item["index"]].tolist()} for item in listed]
    kind = "8-bit indexed" if colors is not None else "16-bit grayscale"
    return json.dumps({"png": kind, "classes": listed}, ensure_ascii=False, indent=1).encode()
