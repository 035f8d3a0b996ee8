"""The worst findings of many images: cropped images, and a COCO document."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore.diagnosis import CAUSES, Finding
from segcore.show.colors import ColorArray
from segcore.show.draw import RgbImage, difference
from segcore.show.report.objects import Class, PageImage

PAPER, OTHERS, AGREED = (236, 236, 232), (214, 214, 210), (185, 191, 198)
"""Colors of crops without a photograph: the background, other objects, and what is right."""
_MARGIN = 0.2


class _Kept(NamedTuple):
    finding: Finding
    image: PageImage


class Worst:
    """Keeps the worst findings of images.

    Parameters
    ----------
    count : int
        Maximum number of findings.
    classes : list of Class
        The classes that the objects' class indices refer to.
    """

    def __init__(self, count: int, classes: list[Class]) -> None:
        self._count = count
        self._classes = classes
        self._kept: list[_Kept] = []

    def __len__(self) -> int:
        return len(self._kept)

    def collected(self, images: Iterable[PageImage]) -> Iterator[PageImage]:
        """Yield the images, which must have predictions, and keep their worst findings."""
        for image in images:
            diagnosis = image.diagnosis
            assert diagnosis is not None
            kept = self._kept
            limit = kept[-1].finding.rank if len(kept) == self._count else (np.inf, 0)
            new = [f for f in diagnosis.findings if f.rank < limit]
            if new:
                kept = kept + [_Kept(finding, image) for finding in new]
                self._kept = sorted(kept, key=lambda item: item.finding.rank)[: self._count]
            yield image

    def crops(self) -> Iterator[tuple[str, RgbImage]]:
        """Yield the name of a file, and the surroundings of a finding, the worst first."""
        for rank, (finding, image) in enumerate(self._kept, 1):
            yield _name(rank), _crop(finding, image)

    def to_coco(self) -> dict[str, Any]:
        """Return a COCO document with one annotation per finding: the object that it is about.

        The id of an annotation is its rank, from 1. Further fields are its ``status`` and ``iou``,
        the ``prediction_score``, the id of the object in its data set (``truth_id`` or
        ``prediction_id``), the wrong ``pixels`` of each cause, and the name of the ``crop``.
        """
        images: dict[str, dict[str, Any]] = {}
        annotations = []
        for rank, (finding, image) in enumerate(self._kept, 1):
            height, width = image.truth.masks.size
            new = {"id": len(images) + 1, "file_name": image.name}
            entry = images.setdefault(image.name, {**new, "height": height, "width": width})
            annotations.append(_annotation(rank, finding, image, entry["id"]))
        categories = [{"id": i, "name": c.name} for i, c in enumerate(self._classes, 1)]
        return {
            "images": list(images.values()),
            "annotations": annotations,
            "categories": categories,
        }


def _name(rank: int) -> str:
    return f"crops/{rank:04}.png"


def _annotation(rank: int, finding: Finding, image: PageImage, image_id: int) -> dict[str, Any]:
    truth, prediction = image.truth, image.prediction
    assert prediction is not None
    objects, i, key = prediction, finding.predicted[0] if finding.predicted else 0, "prediction_id"
    scores = prediction.scores
    score = float(scores[i]) if scores is not None and finding.predicted else None
    if not finding.is_prediction and finding.truth is not None:
        objects, i, key = truth, finding.truth, "truth_id"
    mask = objects.masks[i]
    x0, y0, x1, y1 = mask.boxes[0].tolist()
    areas = {
        f"{'false_positive' if c.spurious else 'missed'}_{c.name}": (
            finding.spurious if c.spurious else finding.missed
        )[c.name]
        for c in CAUSES
    }
    return {
        "id": rank,
        "image_id": image_id,
        "category_id": int(objects.classes[i]) + 1,
        "segmentation": mask.to_coco()[0],
        "area": int(mask.area[0]),
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "iscrowd": 0,
        "status": finding.kind,
        "iou": finding.iou,
        **({} if score is None else {"prediction_score": score}),
        key: objects.ids[i],
        "pixels": {name: area for name, area in areas.items() if area},
        "crop": _name(rank),
    }


def _crop(finding: Finding, image: PageImage) -> RgbImage:
    """Draw what is missed and what is predicted outside of the object, with what is around it."""
    truth, prediction = image.truth.masks, image.prediction
    assert prediction is not None
    own = truth[[] if finding.truth is None else [finding.truth]].union()
    found = prediction.masks[list(finding.predicted)].union()
    box = _surroundings((own | found).boxes[0], truth.size)
    true, own, found = truth.crop(box), own.crop(box), found.crop(box)
    if finding.kind == "merged":
        found = found & own
    drawn = _photograph(image, box)
    if drawn is None:
        drawn = np.full((*true.size, 3), PAPER, np.uint8)
        drawn[true.union().to_dense()[0]] = OTHERS
        drawn[(own & found).to_dense()[0]] = AGREED
    shown = own & found if finding.is_prediction else own  # the rest of a duplicate's object
    return difference(shown, found, drawn)


def _surroundings(box: NDArray[np.int64], size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return a box with a margin, within the image; all of the image for an empty box."""
    x0, y0, x1, y1 = box.tolist()
    if x0 == x1:
        return 0, 0, size[1], size[0]
    margin = round(_MARGIN * max(x1 - x0, y1 - y0)) + 4
    return (
        max(0, x0 - margin),
        max(0, y0 - margin),
        min(size[1], x1 + margin),
        min(size[0], y1 + margin),
    )


def _photograph(image: PageImage, box: tuple[int, int, int, int]) -> ColorArray | None:
    """Return a part of the photograph, at the size of the masks."""
    if image.photograph is None:
        return None
    from PIL import Image

    with Image.open(io.BytesIO(image.photograph)) as opened:
        height, width = image.truth.masks.size
        resized = opened.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
        return np.array(resized.crop(box))
