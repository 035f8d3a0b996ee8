"""Compare truth and prediction, object by object."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import (
    as_flags,
    as_fraction,
    as_integer,
    as_integers,
    as_number,
    as_scores,
)
from segcore.diagnosis.causes import CAUSES, Cause, causes_of
from segcore.diagnosis.match import EXTRA, Match, match
from segcore.diagnosis.result import Diagnosis, Finding
from segcore.masks import Masks, check_same_size, unions
from segcore.ops.pairs import overlapping_pairs


def diagnose(
    truth: Masks,
    predicted: Masks,
    truth_classes: ArrayLike | None = None,
    predicted_classes: ArrayLike | None = None,
    *,
    crowd: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    score_threshold: float | None = None,
    iou_threshold: float = 0.1,
    thin_width: int | None = None,
    boundary_distance: int | None = None,
) -> Diagnosis:
    """Compare true and predicted masks, and give each wrong pixel a cause.

    Each true object and each prediction gets one finding, whose ``kind`` is decided in this order:

    1. ``"matched"``: pairs of one class with an IoU of at least `iou_threshold` are taken from the
       greatest IoU down; of equal ones the best score comes first, then the first object, then the
       first prediction.
    2. ``"split"``: a prediction that is left belongs to the object of its class in which more than
       half of it lies, if more than half of it is where nothing else was found of that object. The
       object is split if it then has several predictions, and their union has an IoU of at least
       `iou_threshold`.
    3. ``"confused"``: an object without predictions has an IoU of at least 0.5 with a prediction of
       another class that is left.
    4. ``"merged"``: more than half of an object without predictions is covered by one prediction of
       its class, which is counted for another object (pixels that also lie in that object do not
       count here) or covers more than half of two or more such objects.
    5. ``"missed"``: all other objects.
    6. ``"duplicate"``: a prediction that is left has an IoU of at least 0.5 with an object of its
       class that is matched or split. Other predictions that are left are ``"spurious"``.

    Let T be the true mask of an object, P its predictions, united (of a merged object: what the
    prediction covers of T), and d the `boundary_distance`; distances are Euclidean. Each missed
    pixel, one of T and not of P or one of a confused or merged object, has the first of these
    causes that is true of it:

    - ``"class"``: it is in P, which is of another class;
    - ``"merged"``: it is in P, which covers another object, too;
    - ``"component"``: it is in a connected component of T of which less than half was found, such
      as one side of an object that something stands in front of. If T has one component only,
      nothing of it must have been found. Of a missed object, that is everything;
    - ``"thin"``: it is in a lost part that is thin, such as a leg. *Lost*, of the pixels without a
      cause so far, are those farther than d from every pixel of P in T, and those within d of such
      a pixel. A lost part is a connected component of the lost pixels. It is thin if more than half
      of it lies in parts of T narrower than `thin_width` (see :func:`segcore.thin_parts`);
    - ``"hole"``: it is in a hole of P (see :func:`segcore.fill_holes`), lost or not, and more than
      half of that hole lies in T;
    - ``"part"``: it is in a lost part that is not thin;
    - ``"boundary"``: it is within d of a pixel that is not in T, in the image or beyond its edges;
    - ``"other"``: none of these.

    Each spurious (false-positive) pixel, one of P and not of T, has the first of these:

    - ``"duplicate"``: it is in a duplicate prediction, on the object (which counts, although it is
      in T, because the object has another prediction);
    - ``"boundary"``: it is within d of T;
    - ``"bleeding"``: it is in another true object, which the result names;
    - ``"filled"``: it is in a hole of T;
    - ``"background"``: it is in no true object.

    Parameters
    ----------
    truth, predicted : Masks
        N true masks and M predicted ones of the same image.
    truth_classes, predicted_classes : array_like of int, optional
        Shapes (N,) and (M,). Without both, everything is of one class.
    crowd : array_like of bool, optional
        Shape (N,), COCO's ``iscrowd``: true masks that are regions of many objects. They are not
        judged, and predictions of their class that belong to no object are left out if more than
        half of them lies in one.
    scores : array_like, optional
        Shape (M,): numbers, the greater the better.
    score_threshold : float, optional
        Leave out predictions whose score is less. Needs `scores`.
    iou_threshold : float, default 0.1
        The IoU from which a prediction belongs to an object of its class. It is low, as in TIDE
        (Bolya et al., 2020), so that poor predictions are told from missing ones.
    thin_width : int, optional
        In pixels, odd. By default 1 % of the image's diagonal, and at least 3.
    boundary_distance : int, optional
        In pixels. By default 0.5 % of the image's diagonal, and at least 1.

    Returns
    -------
    Diagnosis
        The true objects in their order, without crowds; then the spurious and duplicate
        predictions in theirs. The causes add up: the missed pixels of all causes are those of T
        without P (all of T for confused objects and missed ones), and the spurious ones those of P
        without T (all of a spurious or duplicate prediction); no pixel counts twice.

    Raises
    ------
    ValueError
        If the image sizes differ, lengths do not match, a number is out of range, or
        `score_threshold` is given without `scores`.
    TypeError
        If classes are not integers, `crowd` is not boolean, or scores are not numbers.

    Notes
    -----
    Time and memory grow with the masks and with the pairs that overlap, not with N x M.

    Examples
    --------
    A table that was found without its legs, of which one is wide:

    >>> import segcore as sc
    >>> boxes = sc.Masks.from_boxes([[5, 5, 45, 15], [8, 15, 10, 40], [34, 15, 42, 40]], (50, 50))
    >>> result = sc.diagnose(boxes.union(), boxes[0])
    >>> finding = result.findings[0]
    >>> finding.kind, {cause: pixels for cause, pixels in finding.missed.items() if pixels}
    ('matched', {'thin': 50, 'part': 200})
    """
    check_same_size(truth, predicted, ("truth", "predicted"))
    classes = _classes(truth_classes, predicted_classes, len(truth), len(predicted))
    is_crowd = (
        np.zeros(len(truth), np.bool_) if crowd is None else as_flags(crowd, "crowd", len(truth))
    )
    ranking, usable = _ranking(scores, score_threshold, len(predicted))
    threshold = as_fraction(iou_threshold, "iou_threshold")
    diagonal = math.hypot(*truth.size)
    width = max(3, round(0.01 * diagonal)) | 1 if thin_width is None else _odd(thin_width)
    distance = max(1, round(0.005 * diagonal))
    if boundary_distance is not None:
        distance = as_integer(boundary_distance, "boundary_distance")
        if distance < 0:
            raise ValueError(f"boundary_distance: expected 0 or more pixels, got {distance}")

    matches = match(truth, predicted, classes, is_crowd, ranking, usable, threshold)
    true, found = _rows(matches, truth, predicted)
    kinds = np.array([row.kind for row in matches], np.str_)
    ious, found = _ious(true, found, kinds == "merged")
    objects = truth[np.flatnonzero(~is_crowd)].union()
    parts = causes_of(true, found, kinds, objects, width, distance)
    findings = _findings(matches, truth, true, found, ious, parts)
    return Diagnosis(findings, parts, width, distance, int(len(usable) - usable.sum()))


def _rows(matches: list[Match], truth: Masks, predicted: Masks) -> tuple[Masks, Masks]:
    """Return the true mask and the united predictions of each match, empty where there are none."""
    objects = [() if row.truth is None else (row.truth,) for row in matches]
    return unions(truth, objects), unions(predicted, [row.predicted for row in matches])


def _ious(
    true: Masks, found: Masks, merged: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], Masks]:
    """Return the IoU of each row, and the predictions, those of merged objects cut to these."""
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
) -> list[Finding]:
    areas = {cause: masks.area.tolist() for cause, masks in parts.items()}
    extra = [row.kind in EXTRA for row in matches]
    sizes = np.where(extra, found.area, true.area).tolist()
    into = _bleeding_into(parts, truth)
    result = []
    for i, row in enumerate(matches):
        missed = {cause.name: areas[cause][i] for cause in CAUSES if not cause.spurious}
        spurious = {cause.name: areas[cause][i] for cause in CAUSES if cause.spurious}
        finding = Finding(
            row.kind,
            row.truth,
            row.predicted,
            sizes[i],
            float(ious[i]),
            missed,
            spurious,
            into.get(i, {}),
        )
        result.append(finding)
    return result


def _bleeding_into(parts: dict[Cause, Masks], truth: Masks) -> dict[int, dict[int, int]]:
    """Count for each finding the pixels in other true objects, the most first."""
    [bleeding] = [masks for cause, masks in parts.items() if cause.name == "bleeding"]
    rows, objects, pixels = overlapping_pairs(bleeding, truth)
    order = np.lexsort((objects, -pixels, rows))
    into: dict[int, dict[int, int]] = {}
    columns = (column[order].tolist() for column in (rows, objects, pixels))
    for row, place, count in zip(*columns, strict=True):
        into.setdefault(row, {})[place] = count
    return into


def _classes(
    a: ArrayLike | None, b: ArrayLike | None, count_a: int, count_b: int
) -> tuple[NDArray[np.integer], NDArray[np.integer]] | None:
    if (a is None) != (b is None):
        raise ValueError("truth_classes, predicted_classes: give both, or neither")
    if a is None or b is None:
        return None
    return as_integers(a, "truth_classes", count_a), as_integers(b, "predicted_classes", count_b)


def _ranking(
    scores: ArrayLike | None, threshold: float | None, count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the rank of each score, the greater the better, and which reach the threshold."""
    usable = np.ones(count, np.bool_)
    if scores is None:
        if threshold is not None:
            raise ValueError("score_threshold: there are no scores; pass scores=")
        return np.zeros(count, np.int64), usable
    values = as_scores(scores, "scores", count)
    if threshold is not None:
        usable = values >= as_number(threshold, "score_threshold")
    return np.unique(values, return_inverse=True)[1].reshape(count), usable


def _odd(value: int) -> int:
    width = as_integer(value, "thin_width")
    if width < 1 or width % 2 == 0:
        raise ValueError(f"thin_width: expected an odd number of pixels, got {width}")
    return width
