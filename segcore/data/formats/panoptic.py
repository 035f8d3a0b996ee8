"""COCO panoptic, composed of the annotations of any data set.

The rules are those of ``segcore panoptic``: panopticapi's for annotations with scores. Without
scores, smaller masks are in front of larger ones, and crowds behind all others. Categories that are
not things have one segment per image, behind the things.
"""

from __future__ import annotations

import functools
import json
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._publish import FolderWriter, Outputs
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.files.pngs import id_png
from segcore.data.formats._account import EMPTY, HIDDEN, MERGED, Account, Rows
from segcore.data.formats._parts import written_parts
from segcore.data.report import WriteReport
from segcore.maps.panoptic import Panoptic, PanopticRules, compose_panoptic
from segcore.masks import Masks

RULES = PanopticRules.preset("panopticapi", relist_fused=False, keep_hidden=False, keep_empty=False)
WITHOUT_SCORES = {"score_threshold": None, "max_taken": None, "stuff_area": 0}
"""Nothing that is visible is dropped: the order of painting is passed as scores."""
NO_SCORE = "it has no score, which others have"
REASONS = {
    "score": f"its score is below {RULES.score_threshold}",
    "empty": EMPTY,
    "overlap": f"more than {RULES.max_taken} of it is covered by others",
    "hidden": HIDDEN,
    "area": f"fewer than {RULES.stuff_area} pixels of it are visible",
}


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
    **engine: Any,
) -> WriteReport:
    """Write the JSON file, and a PNG of segment ids per image into the folder of its name."""
    account = Account(dataset, "coco-panoptic", path, progress)
    dataset = account.dataset
    names = account.names(".png")
    ids = _category_ids(dataset)
    folder = outputs.folder(os.path.splitext(path)[0], names=names)
    entries: list[Any] = [None] * len(dataset)
    has_scores = not np.isnan(dataset.annotations["score"]).all()
    compose = functools.partial(_compose, ids, has_scores, folder.writer())
    for images, found in written_parts(account, compose, names, **engine):
        for image, (png, entry) in zip(images.tolist(), found, strict=True):
            folder.take(names[image], png)
            entries[image] = entry
    with outputs.file(path).open() as file:
        file.write(b'{"images":' + _images_text(account))
        file.write(b',"categories":' + _categories_text(dataset, ids) + b',"annotations":[')
        for index, entry in enumerate(entries):
            file.write((b",\n" if index else b"\n") + _text(entry))
        file.write(b"]}\n")
    file_names = dataset.images["file_name"].tolist()
    image_names = [name or png for name, png in zip(file_names, names, strict=True)]
    account.unwritten_values(
        *("image ids", "iscrowd flags", "supercategories", "categories without annotations"),
        "categories that are not things",
        image_names=image_names,
        category_ids=ids,
    )
    return account.report()


def _compose(
    ids: NDArray[np.int64],
    has_scores: bool,
    files: FolderWriter,
    account: Account,
    names: list[str],
) -> list[Any]:
    """Write the maps of some images: a job.

    Returns
    -------
    list of tuple
        The PNG of each image, unless it could be written, and COCO's description.
    """
    found: list[Any] = [None] * len(names)
    composer = _Composer(account, ids, has_scores)
    for image, rows, masks in account.with_masks():
        result, segments = composer.compose(rows, masks)
        image_id = account.dataset.images["id"][image]
        entry = {
            "image_id": image_id if isinstance(image_id, str) else int(image_id),
            "file_name": names[image],
            "segments_info": segments,
        }
        found[image] = files.write(names[image], id_png(result.ids, result.masks)), entry
    account.unwritten(MERGED, composer.merged)
    return found


def _category_ids(dataset: Dataset) -> NDArray[np.int64]:
    """Return the ids of the categories, or numbers from 1 if these are not integers."""
    ids: NDArray[np.int64] = dataset.categories["id"]
    return np.arange(1, len(ids) + 1) if ids.dtype == object else ids


class _Composer:
    """Composes the annotations of one image after the other."""

    def __init__(self, account: Account, ids: NDArray[np.int64], has_scores: bool) -> None:
        self._account = account
        self._ids = ids
        self._has_scores = has_scores
        annotations = account.dataset.annotations
        self._category: Any = annotations["category"]
        self._crowd: Any = annotations["iscrowd"]
        self._score: Any = annotations["score"]
        self._is_thing: Any = account.dataset.categories["isthing"]
        changes: dict[str, Any] = {} if has_scores else WITHOUT_SCORES
        self._rules = PanopticRules.preset(
            "panopticapi", relist_fused=False, keep_hidden=False, keep_empty=False, **changes
        )
        self.merged = 0

    def compose(self, rows: Rows, masks: Masks) -> tuple[Panoptic, list[dict[str, Any]]]:
        """Return the map of an image, and COCO's description of its segments."""
        account = self._account
        areas = masks.area
        is_thing = self._is_thing[self._category[rows]]
        things, stuff = np.flatnonzero(is_thing), np.flatnonzero(~is_thing & (areas > 0))
        account.drop(rows[~is_thing & (areas == 0)], EMPTY)
        scores = self._scores(rows[things], areas[things])
        class_ids = self._ids[self._category[rows]]
        regions = masks[stuff], class_ids[stuff]
        result = compose_panoptic(
            masks[things], class_ids[things], scores, stuff=regions, rules=self._rules
        )
        for dropped in result.dropped:
            source = rows[[(things if dropped["isthing"] else stuff)[dropped["source"]]]]
            without_score = dropped["reason"] == "score" and np.isnan(self._score[source]).all()
            account.drop(source, NO_SCORE if without_score else REASONS[dropped["reason"]])
        described = []
        for index, segment in enumerate(result.segments):
            sources = (things if segment["isthing"] else stuff)[segment["sources"]]
            written = result.masks[[index] * len(sources)]
            lost = (masks[sources] - written).area
            account.change(rows[sources], np.zeros_like(lost), lost)
            self.merged += len(sources) - 1
            described.append(self._described(segment, rows[sources]))
        return result, described

    def _scores(self, rows: Rows, areas: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the scores of things; their ranks in the order of painting if there are none."""
        if self._has_scores:
            return np.where(np.isnan(self._score[rows]), -np.inf, self._score[rows])
        ranks = np.empty(len(rows))
        ranks[np.lexsort((np.arange(len(rows))[::-1], -areas, ~self._crowd[rows]))] = np.arange(
            len(rows)
        )
        return ranks

    def _described(self, segment: dict[str, Any], rows: Rows) -> dict[str, Any]:
        return {
            "id": segment["id"],
            "category_id": segment["category_id"],
            "iscrowd": int(segment["isthing"] and self._crowd[rows[0]]),
            "bbox": segment["bbox"],
            "area": segment["area"],
        }


def _images_text(account: Account) -> bytes:
    images = account.dataset.images
    columns = (images[name].tolist() for name in ("id", "file_name", "height", "width"))
    keys = ("id", "file_name", "height", "width")
    return _text([dict(zip(keys, values, strict=True)) for values in zip(*columns, strict=True)])


def _categories_text(dataset: Dataset, ids: NDArray[np.int64]) -> bytes:
    categories = dataset.categories
    columns = ids.tolist(), categories["name"].tolist(), categories["supercategory"].tolist()
    listed = []
    for category_id, name, supercategory, is_thing in zip(
        *columns, categories["isthing"].tolist(), strict=True
    ):
        above = {"supercategory": supercategory} if supercategory else {}
        listed.append({"id": category_id, "name": name, **above, "isthing": int(is_thing)})
    return _text(listed)


def _text(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
