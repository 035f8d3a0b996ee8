"""COCO panoptic data sets: a JSON file, and a folder with a PNG of segment ids per image."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.data._coco_json import ENTRIES, SEGMENTS, RawTable, Reader
from segcore.data._dataset import Dataset, LabelMaps
from segcore.data._errors import DatasetError
from segcore.data._file_names import relative_path
from segcore.data._label_maps import read_colors
from segcore.data._segmentations import Segmentations
from segcore.data._table import PLAIN, Table
from segcore.maps.ids import from_rgb
from segcore.masks import Masks


class PanopticMaps(LabelMaps):
    """The PNGs of a panoptic data set, and how the file lists them.

    Attributes
    ----------
    entries : Table
        One row per PNG, with the columns ``image`` (row of the image) and ``file_name``.
    """

    def __init__(self, folder: Path, entries: Table, count: int) -> None:
        self.folder = folder
        self.entries = entries
        self._entry_of = np.full(count, -1, np.int64)
        self._entry_of[entries["image"]] = np.arange(len(entries))

    def masks(self, image: int, ids: NDArray[Any], size: tuple[int, int]) -> Masks:
        """Return the masks of the segments with these ids.

        Raises
        ------
        DatasetError
            If the PNG cannot be read or has another size, or a segment is not in it.
        """
        path = self.path(image)
        labels = from_rgb(read_colors(path))
        if labels.shape != size:
            raise DatasetError(
                str(path), f"expected the image's size {size}, got a PNG of {labels.shape}"
            )
        found, masks = Masks.from_label_map(labels)
        rows = {segment_id: row for row, segment_id in enumerate(found.tolist())}
        missing = [segment_id for segment_id in ids.tolist() if segment_id not in rows]
        if missing:
            raise DatasetError(str(path), f"no pixel has the id {missing[0]} of a segment")
        return masks[[rows[segment_id] for segment_id in ids.tolist()]]

    def path(self, image: int) -> Path:
        """Return the path of an image's PNG."""
        entry = int(self._entry_of[image])
        if entry < 0:
            raise DatasetError(str(self.folder), f"the file lists no PNG for image {image}")
        return self.folder / str(self.entries["file_name"][entry])

    def take(self, new_rows: NDArray[np.int64], count: int) -> PanopticMaps:
        """Return the maps of some images; `new_rows` has the new row of each, or -1."""
        images = new_rows[self.entries["image"]]
        kept = np.flatnonzero(images >= 0)
        entries = self.entries.take(kept).replace(image=images[kept])
        return PanopticMaps(self.folder, entries, count)


def panoptic_dataset(reader: Reader, members: list[tuple[str, bytes | None]]) -> Dataset:
    """Make the data set of a panoptic file. The PNGs are in the folder of its name beside it."""
    images, categories = reader.images(), reader.categories()
    entry = RawTable(reader.raw["annotations"], ENTRIES, "annotations")
    counts, raw_segments = entry.columns["segments_info"]
    names = entry.columns["file_name"]
    image = entry.lookup("image_id", images["id"], "an image")
    _check_entries(entry, image, names.tolist())
    good_entries = reader.valid(entry)

    segment = RawTable(raw_segments, SEGMENTS, "segments_info")
    offsets = offsets_of(counts)

    def item(row: int) -> str:
        owner = int(np.searchsorted(offsets, row, side="right")) - 1
        return f"annotations[{owner}].segments_info[{row - int(offsets[owner])}]"

    segment.item = item
    category = segment.lookup("category_id", categories["id"], "a category")
    segment.check_integers("iscrowd", 0, "0 or 1", required=False, greatest=1)
    columns = {
        "image": np.repeat(image, counts),
        "category": category,
        "id": segment.ids("id"),
        "iscrowd": segment.columns["iscrowd"] != 0,
        "score": np.full(len(segment), np.nan),
        "area": segment.columns["area"],
        "bbox": segment.columns["bbox"],
        "segmentation": Segmentations.empty(len(segment)),
    }
    good = reader.valid(segment) & np.repeat(good_entries, counts)
    annotations = Table(columns, segment.layout)
    entries = Table({"image": image, "file_name": names}, entry.layout)
    return Dataset(
        images,
        categories,
        annotations if good.all() else annotations.take(np.flatnonzero(good)),
        members=members,
        skipped=reader.skipped,
        source=reader.path,
        maps=PanopticMaps(
            Path(reader.path).with_suffix(""),
            entries if good_entries.all() else entries.take(np.flatnonzero(good_entries)),
            len(images),
        ),
    )


def _check_entries(entry: RawTable, image: NDArray[np.int64], names: list[str]) -> None:
    """Refuse second entries of an image, file names that leave the folder, and missing segments."""
    forms = entry.layout.forms("segments_info")
    entry.refuse(
        np.flatnonzero(forms != PLAIN),
        "segments_info",
        lambda row: f"expected a list of segments, got {entry.got('segments_info', row)}",
    )
    seen: set[int] = set()
    for row, (number, name) in enumerate(zip(image.tolist(), names, strict=True)):
        if number >= 0 and number in seen:
            entry.refuse([row], "image_id", lambda _: "this image has another entry")
        seen.add(number)
        if reason := _why_not_a_name(name):
            entry.refuse([row], "file_name", partial(_always, reason))


def _always(text: str, _row: int) -> str:
    return text


def _why_not_a_name(name: str) -> str:
    try:
        relative_path(name)
    except ValueError as error:
        return str(error)
    return ""
