"""COCO panoptic data sets: a JSON file, and a folder with a PNG of segment ids per image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.data.coco.instances import Reader
from segcore.data.coco.raw_table import RawTable, first_rows
from segcore.data.columns.layouts import ENTRIES, SEGMENTS, image_layout
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import PLAIN, Table
from segcore.data.columns.texts import Texts
from segcore.data.dataset import Dataset, LabelMaps
from segcore.data.errors import DatasetError
from segcore.data.files.label_maps import read_colors
from segcore.data.files.names import Folder, relative_path
from segcore.maps.ids import from_rgb
from segcore.masks import Masks


class PanopticMaps(LabelMaps):
    """The PNGs of a panoptic data set, and how the file lists them.

    Attributes
    ----------
    folder : Path
        The folder of the PNGs.
    entries : Table
        One row per PNG, with the columns ``image`` (row of the image) and ``file_name``.
    """

    def __init__(self, folder: Path, entries: Table, count: int) -> None:
        self.folder = folder
        self.entries = entries
        self._files = Folder(folder)
        self._entry_of = np.full(count, -1, np.int64)
        self._entry_of[entries["image"]] = np.arange(len(entries))

    def masks(
        self, image: int, ids: NDArray[Any], size: tuple[int, int], only_these: bool = False
    ) -> Masks:
        """Return the masks of the segments with these ids.

        Parameters
        ----------
        image : int
            Index of the image.
        ids : numpy.ndarray
            Ids of N segments.
        size : tuple of int
            Image size (H, W); 0 if it is unknown.
        only_these : bool, default False
            Whether other ids in the PNG are an error.

        Raises
        ------
        DatasetError
            If the PNG cannot be read or has another size, or a segment is not in it.
        """
        path = self.path(image)
        labels = self.labels(image)
        height, width = labels.shape
        if any(stated not in (0, side) for stated, side in zip(size, labels.shape, strict=True)):
            raise DatasetError(
                path,
                f"its height {height} and width {width} are not those of the image, {size[0]} and "
                f"{size[1]}",
            )
        found, masks = Masks.from_label_map(labels)
        rows = {segment_id: row for row, segment_id in enumerate(found.tolist())}
        listed = ids.tolist()
        if missing := [segment_id for segment_id in listed if segment_id not in rows]:
            raise DatasetError(path, f"no pixel has the id {missing[0]} of a segment")
        if only_these and (unlisted := rows.keys() - set(listed)):
            raise DatasetError(
                path, f"it has pixels of the id {min(unlisted)}, which is not listed"
            )
        return masks[[rows[segment_id] for segment_id in listed]]

    def labels(self, image: int) -> NDArray[Any]:
        """Return the segment id of each pixel of an image: shape (H, W)."""
        return from_rgb(read_colors(self.path(image)))

    def path(self, image: int) -> Path:
        """Return the path of an image's PNG."""
        entry = int(self._entry_of[image])
        if entry < 0:
            raise DatasetError(self.folder, f"the file lists no PNG for image {image}")
        return self._files.path_of(relative_path(self.entries["file_name"][entry]))

    def at(self, folder: Path) -> PanopticMaps:
        """Return the same maps in another folder."""
        return PanopticMaps(folder, self.entries, len(self._entry_of))

    def take(self, new_rows: NDArray[np.int64], count: int) -> PanopticMaps:
        """Return the maps of some images; `new_rows` has the new row of each, or -1."""
        images = new_rows[self.entries["image"]]
        kept = np.flatnonzero(images >= 0)
        entries = self.entries.take(kept).replace(image=images[kept])
        return PanopticMaps(self.folder, entries, count)


def maps_folder(path: Path) -> Path:
    """Return the folder with the PNGs of a panoptic file: its name without ``.json``."""
    return (path.with_suffix("") if path.suffix == ".gz" else path).with_suffix("")


def panoptic_dataset(reader: Reader, members: list[tuple[str, bytes | None]]) -> Dataset:
    """Make the data set of a panoptic file. The PNGs are in the folder of its name beside it."""
    entry = RawTable(reader.raw["annotations"], ENTRIES, "annotations")
    counts, raw_segments = entry.columns["segments_info"]
    names = entry.columns["file_name"]
    images = reader.images() if "images" in reader.raw else _images_of_entries(entry)
    categories = reader.categories()
    image = entry.lookup("image_id", images["id"], "an image", reader.skipped_images)
    _check_entries(entry, image, names.tolist())
    good_entries = reader.valid(entry) & (image >= 0)

    segment = RawTable(raw_segments, SEGMENTS, "segments_info")
    offsets = offsets_of(counts)
    owner = np.repeat(np.arange(len(counts)), counts)
    segment.item = lambda row: (
        f"annotations[{owner[row]}].segments_info[{row - int(offsets[owner[row]])}]"
    )
    segment.offset = lambda row: entry.offset(owner[row])
    category = np.full(len(segment), -1, np.int64)
    if len(categories):
        category = segment.lookup("category_id", categories["id"], "a category")
    segment.check_integers("iscrowd", 0, "0 or 1", required=False, greatest=1)
    reader.check_measures(segment)
    ids = _segment_ids(segment, owner)
    columns = {
        "image": image[owner],
        "category": category,
        "id": ids,
        "iscrowd": segment.columns["iscrowd"] != 0,
        "score": np.full(len(segment), np.nan),
        "area": segment.columns["area"],
        "bbox": segment.columns["bbox"],
        "segmentation": Segmentations.empty(len(segment)),
    }
    if not len(categories):
        columns["category_id"] = segment.ids("category_id")  # there are no rows to refer to
    good = reader.valid(segment) & good_entries[owner]
    annotations = Table(columns, segment.layout)
    entries = Table({"image": image, "file_name": names}, entry.layout)
    entries = entries if good_entries.all() else entries.take(np.flatnonzero(good_entries))
    return Dataset(
        _named_by_entries(images, entries),
        categories,
        annotations if good.all() else annotations.take(np.flatnonzero(good)),
        members=members,
        skipped=reader.skipped,
        source=reader.path,
        maps=PanopticMaps(maps_folder(Path(reader.path)), entries, len(images)),
    )


def _images_of_entries(entry: RawTable) -> Table:
    """Return the images of a file that lists none: those of its annotations, of unknown size."""
    ids, _ = first_rows(entry.ids("image_id"))
    zeros = np.zeros(len(ids), np.int64)
    columns: dict[str, Any] = {
        "id": ids,
        "file_name": Texts.empty(len(ids)),
        "height": zeros,
        "width": zeros,
    }
    return Table(columns, image_layout(columns))


def _named_by_entries(images: Table, entries: Table) -> Table:
    """Return images such that those without a name have that of their PNG."""
    names: Texts = images["file_name"]
    if (names.lengths > 0).all():
        return images
    found = names.tolist()
    for row, name in zip(entries["image"].tolist(), entries["file_name"], strict=True):
        found[row] = found[row] or name
    return images.replace(file_name=Texts.from_strings(found))


def _segment_ids(segment: RawTable, owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the ids of segments: integers that are different within an image."""
    segment.check_integers("id", 0, "an integer", required=True)
    ids: NDArray[np.int64] = segment.columns["id"]
    order = np.lexsort([ids, owner])
    same = (np.diff(ids[order]) == 0) & (np.diff(owner[order]) == 0)
    segment.refuse(
        np.sort(order[1:][same]), "id", lambda row: f"{ids[row]} occurs twice in this image"
    )
    return ids


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
        try:
            relative_path(name)
        except ValueError as error:
            entry.invalid.setdefault(row, f"file_name: {error}")
