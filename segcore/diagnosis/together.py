"""The diagnosis of several images of the same size, side by side as if they were one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.diagnosis.causes import CAUSES, Cause, causes_of
from segcore.diagnosis.match import EXTRA, Match, match
from segcore.diagnosis.result import Diagnosis, Finding
from segcore.diagnosis.windows import Canvas
from segcore.masks import Masks, unions
from segcore.ops.pairs import overlapping_pairs

MISSED = [cause for cause in CAUSES if not cause.spurious]
SPURIOUS = [cause for cause in CAUSES if cause.spurious]


class CheckedImage(NamedTuple):
    """The masks of an image; see :func:`segcore.diagnosis.match.match`."""

    truth: Masks
    predicted: Masks
    classes: tuple[NDArray[np.integer], NDArray[np.integer]]
    crowd: NDArray[np.bool_]
    ranking: NDArray[np.int64]
    usable: NDArray[np.bool_]
    judged: NDArray[np.bool_]


def diagnose_together(
    images: list[CheckedImage], iou_threshold: float, thin_width: int, boundary_distance: int
) -> list[Diagnosis]:
    """Diagnose at least one image, all of the same size; see :func:`segcore.diagnose`."""
    canvas = Canvas(images[0].truth.size, len(images))
    truth = canvas.enter([image.truth for image in images])
    predicted = canvas.enter([image.predicted for image in images])
    classes = [np.concatenate(part) for part in zip(*(i.classes for i in images), strict=True)]
    crowd = np.concatenate([image.crowd for image in images])
    ranking = np.concatenate([image.ranking for image in images])
    usable = np.concatenate([image.usable for image in images])
    judged = np.concatenate([image.judged for image in images])
    matches = match(
        truth, predicted, (classes[0], classes[1]), crowd, ranking, usable, iou_threshold, judged
    )

    numbers = _Numbers(images)
    matches, owners = numbers.sorted(matches)
    true, found = _rows(matches, truth, predicted)
    kinds = np.array([row.kind for row in matches], np.str_)
    ious, found = _ious(true, found, kinds == "merged")
    objects = truth[np.flatnonzero(~crowd)].union()
    parts = causes_of(true, found, kinds, objects, thin_width, boundary_distance, canvas, owners)
    findings = _findings(matches, truth, true, found, ious, parts, numbers.local(owners))
    parts = {cause: canvas.leave(masks, owners) for cause, masks in parts.items()}
    bounds = np.searchsorted(owners, np.arange(len(images) + 1)).tolist()
    results = []
    for image, start, stop in zip(images, bounds[:-1], bounds[1:], strict=True):
        masks = {cause: part[start:stop] for cause, part in parts.items()}
        below = tuple(np.flatnonzero(~image.usable).tolist())
        results.append(Diagnosis(findings[start:stop], masks, thin_width, boundary_distance, below))
    return results


class _Numbers:
    """The indices of masks among those of all images, and among those of their image."""

    def __init__(self, images: list[CheckedImage]) -> None:
        self._truth = offsets_of([len(image.truth) for image in images])
        self._predicted = offsets_of([len(image.predicted) for image in images])

    def sorted(self, matches: list[Match]) -> tuple[list[Match], NDArray[np.int64]]:
        """Return matches in the order of their images, and the index of the image of each."""
        true = [-1 if row.truth is None else row.truth for row in matches]
        found = [row.predicted[0] if row.truth is None else 0 for row in matches]
        owners = np.where(
            np.array(true, np.int64) < 0,
            np.searchsorted(self._predicted, np.array(found, np.int64), side="right") - 1,
            np.searchsorted(self._truth, np.array(true, np.int64), side="right") - 1,
        )
        order = np.argsort(owners, kind="stable")
        return [matches[i] for i in order.tolist()], owners[order]

    def local(self, owners: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return the index of the first true and of the first predicted mask of each image."""
        return list(
            zip(self._truth[owners].tolist(), self._predicted[owners].tolist(), strict=True)
        )


def _rows(matches: list[Match], truth: Masks, predicted: Masks) -> tuple[Masks, Masks]:
    """Return the true mask and the union of predictions of each match; empty if it has none."""
    objects = [() if row.truth is None else (row.truth,) for row in matches]
    return unions(truth, objects), unions(predicted, [row.predicted for row in matches])


def _ious(
    true: Masks, found: Masks, merged: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], Masks]:
    """Return the IoU per match, and the predictions, cropped to their object if it is merged."""
    common = true & found
    union = true.area + found.area - common.area
    ious = np.divide(common.area, union, out=np.zeros(len(true)), where=union > 0)
    if merged.any():
        found = Masks.concatenate([found, common])[np.arange(len(true)) + len(true) * merged]
    return ious, found


def _findings(
    matches: list[Match],
    truth: Masks,
    true: Masks,
    found: Masks,
    ious: NDArray[np.float64],
    parts: dict[Cause, Masks],
    firsts: list[tuple[int, int]],
) -> list[Finding]:
    """Describe the matches, by the indices of masks in their image.

    ``firsts`` are the indices of the first true and predicted mask of the image of each match.
    """
    areas = {cause: masks.area.tolist() for cause, masks in parts.items()}
    extra = [row.kind in EXTRA for row in matches]
    sizes = np.where(extra, found.area, true.area).tolist()
    into = _bleeding_into(parts, truth)
    values = ious.tolist()
    result = []
    for i, (row, (first_true, first_predicted)) in enumerate(zip(matches, firsts, strict=True)):
        result.append(
            Finding(
                row.kind,
                None if row.truth is None else row.truth - first_true,
                tuple(j - first_predicted for j in row.predicted),
                sizes[i],
                values[i],
                {cause.name: areas[cause][i] for cause in MISSED},
                {cause.name: areas[cause][i] for cause in SPURIOUS},
                {key - first_true: pixels for key, pixels in into.get(i, {}).items()},
            )
        )
    return result


def _bleeding_into(parts: dict[Cause, Masks], truth: Masks) -> dict[int, dict[int, int]]:
    """Return, per finding, the number of pixels in other true objects, in decreasing order."""
    [bleeding] = [masks for cause, masks in parts.items() if cause.name == "bleeding"]
    rows, objects, pixels = overlapping_pairs(bleeding, truth)
    order = np.lexsort((objects, -pixels, rows))
    into: dict[int, dict[int, int]] = {}
    columns = (column[order].tolist() for column in (rows, objects, pixels))
    for row, index, count in zip(*columns, strict=True):
        into.setdefault(row, {})[index] = count
    return into
