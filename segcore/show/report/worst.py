"""The worst findings of many images: cropped images, and a COCO document."""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore._png import encode_png, filter_rows
from segcore.data.files.photographs import Photographs
from segcore.diagnosis import CAUSES, Finding
from segcore.show.colors import ColorArray
from segcore.show.draw import RgbImage, difference
from segcore.show.report.objects import Class, PageImage
from segcore.show.report.pairs import PHOTOGRAPHS, ImagePairs

PAPER, OTHERS, AGREED = (236, 236, 232), (214, 214, 210), (185, 191, 198)
"""Colors of crops without a photograph: the background, other objects, and what is right."""
_MARGIN = 0.2


class Worst:
    """Keeps the indices of the worst findings of images.

    Parameters
    ----------
    count : int
        Maximum number of findings.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._kept: list[tuple[tuple[float, int], int, int]] = []  # rank, image, finding

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, index: int, image: PageImage) -> None:
        """Add the findings of the image with this index, which must have a prediction."""
        assert image.diagnosis is not None
        findings = image.diagnosis.findings
        self._keep([(finding.rank, index, i) for i, finding in enumerate(findings)])

    def merge(self, other: Worst) -> None:
        """Add the findings of the next images."""
        self._keep(other._kept)

    def _keep(self, new: list[tuple[tuple[float, int], int, int]]) -> None:
        if len(self._kept) == self._count:
            new = [item for item in new if item < self._kept[-1]]
        if new:
            self._kept = sorted(self._kept + new)[: self._count]

    def parts(self, pairs: ImagePairs) -> list[tuple[ImagePairs, dict[int, list[_Number]]]]:
        """Return the images with the worst findings, some at a time, and the findings of each.

        These are tuples of the rank of the finding, from 1, and its index in the image.
        """
        found: dict[int, list[_Number]] = {}
        for rank, (_, image, finding) in enumerate(self._kept, 1):
            found.setdefault(image, []).append((rank, finding))
        images = sorted(found)
        parts = [images[i : i + PHOTOGRAPHS] for i in range(0, len(images), PHOTOGRAPHS)]
        return [(pairs.part(part), {image: found[image] for image in part}) for part in parts]


_Number: TypeAlias = tuple[int, int]


class WorstObject(NamedTuple):
    """One of the worst findings.

    Attributes
    ----------
    rank : int
        Its rank, from 1.
    image, size
        The name of its image, and its height and width.
    annotation : dict
        The object that it is about, as a COCO annotation without the id of the image.
    png : bytes
        The cropped image, as PNG.
    """

    rank: int
    image: str
    size: tuple[int, int]
    annotation: dict[str, Any]
    png: bytes

    @property
    def name(self) -> str:
        """The name of the file of the cropped image."""
        return _name(self.rank)


@dataclass(frozen=True)
class WorstObjects:
    """Describes and draws the worst findings of some images: a job.

    Attributes
    ----------
    photographs : Photographs, optional
        The photographs of the images.
    text : dict of str to str
        Keywords of the PNGs and their texts.
    """

    photographs: Photographs | None
    text: Mapping[str, str]

    def __call__(self, part: tuple[ImagePairs, dict[int, list[_Number]]]) -> list[WorstObject]:
        """Return the findings of a part; see `Worst.parts`."""
        pairs, chosen = part
        images, _ = pairs.read(self.photographs)
        found = []
        for index, image in images:
            assert image.diagnosis is not None
            for rank, i in chosen[index]:
                finding = image.diagnosis.findings[i]
                found.append(
                    WorstObject(
                        rank,
                        image.name,
                        image.truth.masks.size,
                        _annotation(rank, finding, image),
                        _png(_crop(finding, image), self.text),
                    )
                )
        return found


def worst_document(found: list[WorstObject], classes: list[Class]) -> dict[str, Any]:
    """Return a COCO document with one annotation per finding: the object that it is about.

    The id of an annotation is its rank, from 1. Further fields are its ``status`` and ``iou``,
    the ``prediction_score``, the id of the object in its data set (``truth_id`` or
    ``prediction_id``), the wrong ``pixels`` of each cause, and the name of the ``crop``.
    """
    images: dict[str, dict[str, Any]] = {}
    annotations = []
    for item in sorted(found, key=lambda item: item.rank):
        height, width = item.size
        new = {"id": len(images) + 1, "file_name": item.image}
        entry = images.setdefault(item.image, {**new, "height": height, "width": width})
        annotations.append({"id": item.rank, "image_id": entry["id"], **item.annotation})
    categories = [{"id": i, "name": c.name} for i, c in enumerate(classes, 1)]
    return {"images": list(images.values()), "annotations": annotations, "categories": categories}


def _name(rank: int) -> str:
    return f"crops/{rank:04}.png"


def _png(image: RgbImage, text: Mapping[str, str]) -> bytes:
    height, width, _ = image.shape
    rows = filter_rows(image.reshape(height, -1))
    return encode_png(rows, width, 24, text=text, strategy=zlib.Z_DEFAULT_STRATEGY)


def _annotation(rank: int, finding: Finding, image: PageImage) -> dict[str, Any]:
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
