"""Truth against prediction, object by object."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_flags, as_fraction, as_integer, as_integers
from segcore.diagnosis.causes import CAUSES, Cause, causes_of
from segcore.diagnosis.match import Match, match
from segcore.diagnosis.result import Diagnosis, Finding
from segcore.masks import Masks, check_same_size
from segcore.ops.overlap import intersection
from segcore.ops.regions import united

Counts = NDArray[np.int64]


def diagnose(
    truth: Masks,
    predicted: Masks,
    truth_classes: ArrayLike | None = None,
    predicted_classes: ArrayLike | None = None,
    *,
    crowd: ArrayLike | None = None,
    iou_threshold: float = 0.1,
    thin_width: int | None = None,
    boundary_distance: int | None = None,
) -> Diagnosis:
    """Say of each object what a prediction lost of it, what it added, and why.

    Each missed pixel of an object has the first of these causes that is true of it:

    - ``"class"``: it was found, but as another class;
    - ``"thin"``: it is in a part of the object narrower than ``thin_width``, such as a leg;
    - ``"piece"``: it is in a connected piece of the object of which less than half was found, as
      where something stands in front of it. Of an object that was missed, all pieces are such;
    - ``"hole"``: the prediction has a hole there;
    - ``"boundary"``: it is within ``boundary_distance`` of the object's outline;
    - ``"other"``.

    And so has each spurious pixel, that is one of the prediction, and not of the object:

    - ``"boundary"``: it is within ``boundary_distance`` of the object;
    - ``"filled"``: it is in a hole of the object;
    - ``"bleeding"``: it is another true object's, which the result names;
    - ``"background"``: it is no object's.

    Parameters
    ----------
    truth, predicted : Masks
        N true masks, and M predicted ones, of one picture.
    truth_classes, predicted_classes : array_like, optional
        Integers (N,) and (M,). Without both, everything is of one class.
    crowd : array_like, optional
        bool (N,), or COCO's ``iscrowd``: which true masks are regions of many objects. They are not
        judged, and predictions of their class that lie in one by more than half are left out.
    iou_threshold : float, default 0.1
        The IoU from which on a prediction belongs to an object of its class; pairs are taken from
        the greatest IoU down. It is low, so that poor predictions are told from missing ones; 0.1
        is what TIDE (Bolya et al., 2020) has for this. A prediction of another class belongs to an
        object that has no other from 0.5 on.
    thin_width : int, optional
        In pixels, odd. By default 1 % of the picture's diagonal, and at least 3.
    boundary_distance : int, optional
        In pixels. By default 0.5 % of the picture's diagonal, and at least 1.

    Returns
    -------
    Diagnosis
        Its findings' pixels add up: those of all causes are the missed and the spurious ones.

    Raises
    ------
    ValueError
        If the masks are not of one size, if lengths do not match, or a number is out of range.
    TypeError
        If classes are no integers, or crowd no bools.

    Notes
    -----
    What is beyond the picture's edges does not count as outside of an object.

    Examples
    --------
    A table that was found without its legs:

    >>> import segcore as sc
    >>> boxes = sc.Masks.from_boxes([[5, 5, 45, 15], [8, 15, 10, 40], [40, 15, 42, 40]], (50, 50))
    >>> result = sc.diagnose(boxes.union(), boxes[0])
    >>> finding = result.findings[0]
    >>> finding.kind, {cause: pixels for cause, pixels in finding.missed.items() if pixels}
    ('matched', {'thin': 96, 'boundary': 4})
    """
    check_same_size(truth, predicted, ("truth", "predicted"))
    same_class = _same_class(truth_classes, predicted_classes, len(truth), len(predicted))
    is_crowd = (
        np.zeros(len(truth), np.bool_) if crowd is None else as_flags(crowd, "crowd", len(truth))
    )
    threshold = as_fraction(iou_threshold, "iou_threshold")
    diagonal = math.hypot(*truth.size)
    width = max(3, round(0.01 * diagonal)) | 1 if thin_width is None else _odd(thin_width)
    distance = max(1, round(0.005 * diagonal))
    if boundary_distance is not None:
        distance = as_integer(boundary_distance, "boundary_distance")
        if distance < 0:
            raise ValueError(f"boundary_distance: expected no negative number, got {distance}")

    matches = match(truth, predicted, same_class, is_crowd, threshold)
    objects = truth[np.flatnonzero(~is_crowd)].union()
    true, found = _rows(matches, truth, predicted)
    confused = np.array([each.kind == "confused" for each in matches], np.bool_)
    parts = causes_of(true, found, confused, objects, width, distance)
    return Diagnosis(_findings(matches, truth, true, found, parts), parts, width, distance)


def _rows(matches: list[Match], truth: Masks, predicted: Masks) -> tuple[Masks, Masks]:
    """Give the true and the predicted mask of each match, empty where there is none."""
    places = [(i, each.truth) for i, each in enumerate(matches) if each.truth is not None]
    rows, indices = np.array(places, np.int64).reshape(-1, 2).T
    found = [predicted[np.array(each.predicted, np.intp)].union() for each in matches]
    return united(truth[indices], rows, len(matches)), Masks.concatenate([predicted[:0], *found])


def _findings(
    matches: list[Match], truth: Masks, true: Masks, found: Masks, parts: dict[Cause, Masks]
) -> list[Finding]:
    areas = {cause: masks.area.tolist() for cause, masks in parts.items()}
    common = (true & found).area
    union = true.area + found.area - common
    ious = np.divide(common, union, out=np.zeros(len(matches)), where=union > 0).tolist()
    sizes = np.where([each.truth is None for each in matches], found.area, true.area).tolist()
    [bleeding] = [masks for cause, masks in parts.items() if cause.name == "bleeding"]
    into = intersection(bleeding, truth)
    result = []
    for i, each in enumerate(matches):
        of_it = {cause: areas[cause][i] for cause in CAUSES}
        neighbours = [j for j in np.argsort(-into[i], kind="stable").tolist() if into[i, j]]
        result.append(
            Finding(
                each.kind,
                each.truth,
                each.predicted,
                sizes[i],
                ious[i],
                {cause.name: area for cause, area in of_it.items() if not cause.spurious},
                {cause.name: area for cause, area in of_it.items() if cause.spurious},
                {j: int(into[i, j]) for j in neighbours},
            )
        )
    return result


def _same_class(
    a: ArrayLike | None, b: ArrayLike | None, count_a: int, count_b: int
) -> NDArray[np.bool_]:
    if (a is None) != (b is None):
        raise ValueError("truth_classes, predicted_classes: give both, or neither")
    if a is None or b is None:
        return np.ones((count_a, count_b), np.bool_)
    of_truth = as_integers(a, "truth_classes", count_a)
    of_predicted = as_integers(b, "predicted_classes", count_b)
    same: NDArray[np.bool_] = of_truth[:, None] == of_predicted
    return same


def _odd(value: int) -> int:
    width = as_integer(value, "thin_width")
    if width < 1 or width % 2 == 0:
        raise ValueError(f"thin_width: expected an odd number of pixels, got {width}")
    return width
