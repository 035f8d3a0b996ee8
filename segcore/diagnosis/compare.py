"""Comparison of truth and prediction, object by object."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

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
from segcore.diagnosis.result import Diagnosis
from segcore.diagnosis.together import CheckedImage, diagnose_together
from segcore.masks import Masks, check_same_size, unwrap

MAX_RUN_ENDS = 2**18
"""Number of run ends of the images that are diagnosed together, unless a single one has more."""
MAX_PIXELS = 2**32
"""Number of pixels of these images."""


def diagnose(
    truth: Masks,
    predicted: Masks,
    truth_classes: ArrayLike | None = None,
    predicted_classes: ArrayLike | None = None,
    *,
    crowd: ArrayLike | None = None,
    scores: ArrayLike | None = None,
    judged: ArrayLike | None = None,
    score_threshold: float | None = None,
    iou_threshold: float = 0.1,
    thin_width: int | None = None,
    boundary_distance: int | None = None,
) -> Diagnosis:
    """Match true and predicted masks, and assign a cause to every wrong pixel.

    The result has one finding per true object, and one per spurious or duplicate prediction. The
    ``kind`` of a finding is decided in this order:

    1. ``"matched"``: pairs of the same class with an IoU of at least `iou_threshold` are chosen by
       decreasing IoU. Ties are broken by the best score, then by the lowest indices of the object
       and of the prediction.
    2. ``"split"``: each remaining prediction, in order of decreasing area, is assigned to the
       object of its class that it overlaps most, if more than half of the prediction lies in the
       object, not counting pixels covered by predictions that the object already has. An object
       with two or more predictions, including the matched one, is split if the IoU of the object
       and their union is at least `iou_threshold`.
    3. ``"confused"``: an object without predictions has an IoU of at least 0.5 with a remaining
       prediction of another class.
    4. ``"merged"``: more than half of an object without predictions is covered by a prediction of
       its class, and this prediction either belongs to another object (pixels of that object do not
       count as covered) or covers more than half of at least two objects without predictions.
    5. ``"missed"``: all other objects.
    6. ``"duplicate"``: a remaining prediction has an IoU of at least 0.5 with a matched or split
       object of its class. All other remaining predictions are ``"spurious"``.

    Let T be the true mask of an object, P the union of its predictions (for a merged object, the
    part of the prediction in T), and d the `boundary_distance`. Distances are Euclidean. The missed
    pixels are the pixels of T outside of P; for confused and merged objects, all pixels of T. The
    cause of a missed pixel is the first of these that applies:

    - ``"class"``: the pixel is in P, and P has a different class;
    - ``"merged"``: the pixel is in P, and P covers another object as well;
    - ``"component"``: the pixel is in a connected component of T of which P covers less than half
      (or, if T is connected, no pixel), such as one side of a partly occluded object. All pixels of
      a missed object have this cause;
    - ``"thin"``: the pixel is in a lost part that is thin, such as a leg. Among the pixels without
      a cause so far, the lost pixels are those more than d away from the intersection of P and T,
      and those within d of such a pixel. A lost part is a connected component of the lost pixels.
      It is thin if more than half of it lies in parts of T that are narrower than `thin_width` (see
      :func:`segcore.thin_parts`);
    - ``"hole"``: the pixel is in a hole of P (see :func:`segcore.holes`), and more than half of
      that hole lies in T;
    - ``"part"``: the pixel is in a lost part that is not thin;
    - ``"boundary"``: the pixel is within d of a pixel outside of T, or of the image border;
    - ``"other"``: none of these.

    The spurious (false-positive) pixels are the pixels of P outside of T. The cause of a spurious
    pixel is the first of these that applies:

    - ``"duplicate"``: the pixel is in a duplicate prediction and in the object that it duplicates;
    - ``"boundary"``: the pixel is within d of T;
    - ``"bleeding"``: the pixel is in another true object (see `Finding.bleeding_into`);
    - ``"filled"``: the pixel is in a hole of T;
    - ``"background"``: none of these.

    Parameters
    ----------
    truth, predicted : Masks
        N true and M predicted masks of the same image.
    truth_classes, predicted_classes : array_like of int, optional
        Class ids, shapes (N,) and (M,). By default all masks have the same class.
    crowd : array_like of bool, optional
        Shape (N,): bools, or zeros and ones. Whether a true mask is a crowd region (COCO's
        ``iscrowd``). Crowd regions get no finding. An unmatched prediction is ignored if more than
        half of it lies in a crowd region of its class.
    scores : array_like, optional
        Scores of the predictions, shape (M,). Greater is better.
    judged : array_like of bool, optional
        Shape (M,). Where False, a prediction that matches no object gets no finding, because
        objects of its class may lack an annotation in this image (LVIS). Defaults to True.
    score_threshold : float, optional
        Minimum score: predictions with a lower score are left out. Requires `scores`.
    iou_threshold : float, default 0.1
        Minimum IoU of an object and a prediction of its class. It is low, as in TIDE (Bolya et al.,
        2020), to distinguish poor predictions from missing ones.
    thin_width : int, optional
        Parts narrower than this number of pixels are thin. Must be odd. Defaults to 1 % of the
        image diagonal, and at least 3.
    boundary_distance : int, optional
        Width of the band along boundaries in pixels. Defaults to 0.5 % of the image diagonal, and
        at least 1.

    Returns
    -------
    Diagnosis
        First one finding per true object that is not a crowd, in input order; then one per spurious
        or duplicate prediction, in input order. The numbers of pixels of the causes add up to all
        missed and spurious pixels of a finding; no pixel counts twice.

    Raises
    ------
    ValueError
        If the image sizes differ; `truth_classes`, `predicted_classes`, `crowd`, `scores` or
        `judged` does not have one element per mask; only one of the two class arguments is given;
        `crowd` contains integers other than 0 and 1; a number is out of range; or
        `score_threshold` is given without `scores`.
    TypeError
        If classes are not integers, `crowd` contains neither bools nor integers, or scores are not
        numbers.

    Notes
    -----
    Time and memory are proportional to the number of run ends and of overlapping pairs, not to
    N x M.

    Examples
    --------
    A table, predicted without its narrow leg and its wide one:

    >>> import segcore as sc
    >>> boxes = sc.Masks.from_boxes([[5, 5, 45, 15], [8, 15, 10, 40], [34, 15, 42, 40]], (50, 50))
    >>> result = sc.diagnose(boxes.union(), boxes[0])
    >>> finding = result.findings[0]
    >>> finding.kind, {cause: pixels for cause, pixels in finding.missed.items() if pixels}
    ('matched', {'thin': 50, 'part': 200})
    """
    image = ImageMasks(truth, predicted, truth_classes, predicted_classes, crowd, scores, judged)
    [result] = diagnose_images(
        [image],
        score_threshold=score_threshold,
        iou_threshold=iou_threshold,
        thin_width=thin_width,
        boundary_distance=boundary_distance,
    )
    return result


class ImageMasks(NamedTuple):
    """The masks of an image, and what belongs to them: arguments of :func:`segcore.diagnose`."""

    truth: Masks
    predicted: Masks
    truth_classes: ArrayLike | None = None
    predicted_classes: ArrayLike | None = None
    crowd: ArrayLike | None = None
    scores: ArrayLike | None = None
    judged: ArrayLike | None = None


def diagnose_images(
    images: Sequence[ImageMasks],
    *,
    score_threshold: float | None = None,
    iou_threshold: float = 0.1,
    thin_width: int | None = None,
    boundary_distance: int | None = None,
) -> list[Diagnosis]:
    """Diagnose several images, which is faster than one by one if they have the same size.

    Parameters
    ----------
    images : sequence of ImageMasks
        The masks of each image.
    score_threshold, iou_threshold, thin_width, boundary_distance
        As for :func:`segcore.diagnose`.

    Returns
    -------
    list of Diagnosis
        What :func:`segcore.diagnose` returns for each image.

    Raises
    ------
    ValueError, TypeError
        As :func:`segcore.diagnose`, for the first image that is invalid.

    Examples
    --------
    >>> import segcore as sc
    >>> from segcore.diagnosis import ImageMasks, diagnose_images
    >>> a, b = sc.Masks.from_boxes([[0, 0, 9, 9], [0, 0, 9, 8]], (20, 20))
    >>> results = diagnose_images([ImageMasks(a, a), ImageMasks(a, b)])
    >>> [result.findings[0].missed["boundary"] for result in results]
    [0, 9]
    """
    checked = [_checked(image, score_threshold) for image in images]
    threshold = as_fraction(iou_threshold, "iou_threshold")
    width = None if thin_width is None else _odd(thin_width)
    distance = None
    if boundary_distance is not None:
        distance = as_integer(boundary_distance, "boundary_distance")
        if distance < 0:
            raise ValueError(f"boundary_distance: expected 0 or more pixels, got {distance}")
    found: dict[int, Diagnosis] = {}
    for part in _parts(checked):
        diagonal = math.hypot(*checked[part[0]].truth.size)
        results = diagnose_together(
            [checked[i] for i in part],
            threshold,
            max(3, round(0.01 * diagonal)) | 1 if width is None else width,
            max(1, round(0.005 * diagonal)) if distance is None else distance,
        )
        found.update(zip(part, results, strict=True))
    return [found[i] for i in range(len(images))]


def _parts(images: Sequence[CheckedImage]) -> Iterator[list[int]]:
    """Yield the indices of images that are diagnosed together: of the same size, and not many."""
    by_size: dict[tuple[int, int], list[int]] = {}
    for index, image in enumerate(images):
        by_size.setdefault(image.truth.size, []).append(index)
    for (height, width), indices in by_size.items():
        part: list[int] = []
        count = 0
        for index in indices:
            masks = images[index].truth, images[index].predicted
            new = sum(len(unwrap(found).run_ends) for found in masks)
            is_too_wide = height * width * (len(part) + 1) >= MAX_PIXELS
            if part and (is_too_wide or count + new > MAX_RUN_ENDS):
                yield part
                part, count = [], 0
            part.append(index)
            count += new
        yield part


def _checked(image: ImageMasks, score_threshold: float | None) -> CheckedImage:
    truth, predicted = image.truth, image.predicted
    check_same_size(truth, predicted, ("truth", "predicted"))
    classes = _classes(image.truth_classes, image.predicted_classes, len(truth), len(predicted))
    crowd = np.zeros(len(truth), np.bool_)
    if image.crowd is not None:
        crowd = as_flags(image.crowd, "crowd", len(truth))
    ranking, usable = _ranking(image.scores, score_threshold, len(predicted))
    judged = np.ones(len(predicted), np.bool_)
    if image.judged is not None:
        judged = as_flags(image.judged, "judged", len(predicted))
    return CheckedImage(truth, predicted, classes, crowd, ranking, usable, judged)


def _classes(
    a: ArrayLike | None, b: ArrayLike | None, count_a: int, count_b: int
) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    if (a is None) != (b is None):
        raise ValueError("truth_classes, predicted_classes: expected both or neither")
    if a is None or b is None:
        return np.zeros(count_a, np.int64), np.zeros(count_b, np.int64)
    return as_integers(a, "truth_classes", count_a), as_integers(b, "predicted_classes", count_b)


def _ranking(
    scores: ArrayLike | None, threshold: float | None, count: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the rank of each score, greater is better, and which scores reach the threshold."""
    usable = np.ones(count, np.bool_)
    if scores is None:
        if threshold is not None:
            raise ValueError("score_threshold: expected scores as well; pass scores=")
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
