"""Average precision of instances, as defined by COCO and LVIS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import (
    as_array,
    as_flags,
    as_fraction,
    as_integer,
    as_integers,
    as_range,
    as_scores,
    check_length,
    described,
)
from segcore.masks import Masks, check_same_size
from segcore.metrics.accumulator import DetectionMetric, check_both_classes
from segcore.metrics.curves import PrecisionRecall, precision_recall
from segcore.metrics.detections import Detections, Truths, concatenated, taken
from segcore.metrics.keys import distinct, sorted_rows
from segcore.metrics.matching import (
    FoundObjects,
    ImageClasses,
    TrueObjects,
    area_of,
    joined_objects,
    listed_classes,
    matched,
)

AREAS = {
    "all": (0.0, 1e10),
    "small": (0.0, 32.0**2),
    "medium": (32.0**2, 96.0**2),
    "large": (96.0**2, 1e10),
}
"""COCO's ranges of areas, both limits included, in square pixels."""
MAX_THRESHOLDS = 64
FREQUENCIES = {"r": "rare", "c": "common", "f": "frequent"}


class _Image(NamedTuple):
    """The validated arguments of ``update``."""

    image_id: Any
    true_objects: TrueObjects
    found_objects: FoundObjects
    true: Any
    found: Any
    negative: NDArray[np.int64]
    incomplete: NDArray[np.int64]


class AveragePrecision(DetectionMetric):
    """Accumulate matched detections, and compute average precision and recall.

    With the default settings, the results equal those of pycocotools' ``COCOeval``, bit for bit.
    The state is a few numbers per detection and true object: masks are not kept.

    Parameters
    ----------
    iou : {"mask", "box", "boundary"}
        What detections are compared by: masks, boxes, or the smaller of mask IoU and
        :func:`segcore.boundary_iou`, as published with Boundary IoU (mask IoU for crowds).
    protocol : {"coco", "lvis"}
        Rules of the evaluation. ``"lvis"`` is for images in which not all classes are annotated:
        detections of classes that are neither present nor in `negative_classes` are left out, and
        unmatched ones of `incomplete_classes` are ignored. Objects of area 0 are left out, there
        are no crowds, and only the 300 detections with the best scores of each image count.
    thresholds : array_like of float, optional
        IoU thresholds, at most 64. Default: 0.5, 0.55, ..., 0.95.
    recalls : array_like of float, optional
        Recalls at which precision is averaged, ascending. Default: 0, 0.01, ..., 1.
    areas : dict, optional
        Limits of each area range by name, in square pixels, both included. The first range is the
        default of the results' methods. Default: COCO's ranges.
    max_detections : sequence of int, optional
        Maximum numbers of detections per image and class, ascending. Default: 1, 10, 100. For LVIS,
        a single maximum per image; default 300.
    class_ids : array_like of int, optional
        Classes to evaluate. By default, those that occur.
    frequencies : dict, optional
        For LVIS: ``"r"``, ``"c"`` or ``"f"`` (rare, common, frequent) by class id.
    box_format : {"xyxy", "xywh"}
        Format of boxes for ``iou="box"``: two corners, or a corner and the size as in COCO.
    dilation_ratio : float, default 0.02
        See :func:`segcore.boundary_iou`.

    Raises
    ------
    ValueError
        If a choice is unknown, there are no thresholds or more than 64, or limits do not ascend.
    TypeError
        If `areas` is not a dict of two limits each, or `max_detections` not a list of integers.

    References
    ----------
    T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context", ECCV 2014, and pycocotools,
    cocoeval.py; A. Gupta et al., "LVIS", CVPR 2019, and lvis-api, eval.py; B. Cheng et al.,
    "Boundary IoU", CVPR 2021.

    Examples
    --------
    >>> import segcore as sc
    >>> truth = sc.Masks.from_boxes([[0, 0, 50, 40], [60, 0, 90, 30]], (100, 100))
    >>> prediction = sc.Masks.from_boxes([[0, 0, 50, 36], [60, 50, 90, 80]], (100, 100))
    >>> ap = sc.metrics.AveragePrecision()
    >>> ap.update(truth, prediction, scores=[0.9, 0.8], truth_classes=[1, 1],
    ...           prediction_classes=[1, 1], image_id=7)
    >>> {name: round(value, 3) for name, value in list(ap.compute().stats.items())[:3]}
    {'AP': 0.454, 'AP50': 0.505, 'AP75': 0.505}
    """

    def __init__(
        self,
        iou: str = "mask",
        *,
        protocol: str = "coco",
        thresholds: ArrayLike | None = None,
        recalls: ArrayLike | None = None,
        areas: Mapping[str, tuple[float, float]] | None = None,
        max_detections: Sequence[int] | None = None,
        class_ids: ArrayLike | None = None,
        frequencies: Mapping[int, str] | None = None,
        box_format: str = "xyxy",
        dilation_ratio: float = 0.02,
    ) -> None:
        super().__init__(iou, protocol, box_format, dilation_ratio)
        self.thresholds = _levels(thresholds, "thresholds", np.linspace(0.5, 0.95, 10))
        self.recalls = _levels(recalls, "recalls", np.linspace(0.0, 1.0, 101))
        if not 1 <= len(self.thresholds) <= MAX_THRESHOLDS:
            raise ValueError(f"thresholds: expected 1 to 64 values, got {len(self.thresholds)}")
        if (np.diff(self.recalls) < 0).any():
            raise ValueError("recalls: expected ascending values")
        areas = AREAS if areas is None else areas
        if not isinstance(areas, Mapping):
            raise TypeError(
                f"areas: expected a dict of names to limits, (low, high), got {described(areas)}"
            )
        self.areas = {
            str(name): as_range(limits, f"areas[{name!r}]") for name, limits in areas.items()
        }
        default = (300,) if protocol == "lvis" else (1, 10, 100)
        self.max_detections = _limits(default if max_detections is None else max_detections)
        if protocol == "lvis" and len(self.max_detections) != 1:
            raise ValueError("max_detections: expected a single limit for LVIS")
        self.class_ids = None if class_ids is None else _class_ids(class_ids)
        self.frequencies = dict(frequencies or {})
        unknown = set(self.frequencies.values()) - FREQUENCIES.keys()
        if unknown:
            raise ValueError(f'frequencies: expected "r", "c" or "f", got {unknown.pop()!r}')
        self._truths = [Truths.empty(len(self.areas))]
        self._detections = [Detections.empty(len(self.areas), len(self.thresholds))]

    # -- accumulation -----------------------------------------------------------------------------

    def update(
        self,
        truth: Masks | ArrayLike,
        prediction: Masks | ArrayLike,
        *,
        scores: ArrayLike,
        truth_classes: ArrayLike | None = None,
        prediction_classes: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        truth_areas: ArrayLike | None = None,
        prediction_areas: ArrayLike | None = None,
        truth_ids: ArrayLike | None = None,
        negative_classes: ArrayLike = (),
        incomplete_classes: ArrayLike = (),
        image_id: int | str | None = None,
    ) -> None:
        """Match the detections of one image to its true objects, and add the results.

        Parameters
        ----------
        truth, prediction : Masks or array_like
            m true objects and n detections: `Masks` of the same image size, or boxes of shape
            (m, 4) and (n, 4) for ``iou="box"``.
        scores : array_like
            Shape (n,). Detections with equal scores are ranked in the given order.
        truth_classes, prediction_classes : array_like of int, optional
            Shapes (m,) and (n,); both or neither. By default, all objects are of class 0.
        crowd : array_like of bool, optional
            Shape (m,): COCO's ``iscrowd``. A crowd is not to be found, and any number of
            detections may match it.
        truth_areas, prediction_areas : array_like, optional
            Shapes (m,) and (n,): COCO's ``area``, which determines the area range of an object.
            Default, also for NaN: the area of the mask or box.
        truth_ids : array_like of int, optional
            Shape (m,): ids of the true objects. As in pycocotools, a match with the id 0 does not
            count as a match. By default, there are no ids, and all matches count.
        negative_classes, incomplete_classes : array_like of int
            For LVIS: classes that are known to be absent from the image, and classes whose objects
            are not all annotated (``neg_category_ids``, ``not_exhaustive_category_ids``).
        image_id : int or str, optional
            Id of the image. Images are ordered by ascending id, which matters only for equal
            scores. Default: the number of images so far.

        Raises
        ------
        ValueError
            If lengths or image sizes do not fit together, a value is invalid, or the image was
            added before. The accumulator is then unchanged.
        TypeError
            If a value has the wrong type.
        """
        self.update_images(
            [
                {
                    "truth": truth,
                    "prediction": prediction,
                    "scores": scores,
                    "truth_classes": truth_classes,
                    "prediction_classes": prediction_classes,
                    "crowd": crowd,
                    "truth_areas": truth_areas,
                    "prediction_areas": prediction_areas,
                    "truth_ids": truth_ids,
                    "negative_classes": negative_classes,
                    "incomplete_classes": incomplete_classes,
                    "image_id": image_id,
                }
            ]
        )

    def update_images(self, images: Iterable[Mapping[str, Any]]) -> None:
        """Match the detections of several images, and add the results.

        This takes a fraction of the time of calling :meth:`update` for each image.

        Parameters
        ----------
        images : iterable of dict
            For each image, the arguments of :meth:`update` by name.

        Raises
        ------
        ValueError, TypeError
            As for :meth:`update`; a note of the error has the index of the image. The accumulator
            is then unchanged.

        Examples
        --------
        >>> import segcore as sc
        >>> masks = sc.Masks.from_boxes([[0, 0, 5, 4]], (10, 10))
        >>> ap = sc.metrics.AveragePrecision()
        >>> ap.update_images([{"truth": masks, "prediction": masks, "scores": [0.9]}] * 3)
        >>> len(ap), ap.compute().stats["AP"]
        (3, 1.0)
        """
        read = []
        for number, image in enumerate(images):
            try:
                read.append(self._read(len(self._images) + number, **image))
            except (TypeError, ValueError) as error:
                error.add_note(f"image {number} of those to add")
                raise
        if not read:
            return
        numbers = np.zeros(len(read), np.int64)
        if self.iou != "box":  # images of the same size adjoin
            read.sort(key=lambda image: image.found.size)
            changes = [a.found.size != b.found.size for a, b in pairwise(read)]
            numbers[1:] = np.cumsum(changes)
        true = joined_objects(
            [image.true_objects for image in read], [image.true for image in read], TrueObjects
        )
        found = joined_objects(
            [image.found_objects for image in read], [image.found for image in read], FoundObjects
        )
        self.add(
            [image.image_id for image in read],
            true,
            found,
            sizes=numbers,
            negative=listed_classes([image.negative for image in read]),
            incomplete=listed_classes([image.incomplete for image in read]),
        )

    def _read(
        self,
        default_id: int,
        truth: Masks | ArrayLike,
        prediction: Masks | ArrayLike,
        scores: ArrayLike,
        truth_classes: ArrayLike | None = None,
        prediction_classes: ArrayLike | None = None,
        crowd: ArrayLike | None = None,
        truth_areas: ArrayLike | None = None,
        prediction_areas: ArrayLike | None = None,
        truth_ids: ArrayLike | None = None,
        negative_classes: ArrayLike = (),
        incomplete_classes: ArrayLike = (),
        image_id: int | str | None = None,
    ) -> _Image:
        """Validate the arguments of :meth:`update`."""
        check_both_classes(truth_classes, prediction_classes)
        true, true_classes, true_areas = self._objects(truth, truth_classes, truth_areas, "truth")
        found, found_classes, found_areas = self._objects(
            prediction, prediction_classes, prediction_areas, "prediction"
        )
        score = as_scores(scores, "scores", len(found)).astype(np.float64)
        is_crowd = np.zeros(len(true), np.bool_)
        if crowd is not None:
            is_crowd = as_flags(crowd, "crowd", len(true))
        ids = np.ones(len(true), np.int64)
        if truth_ids is not None:
            ids = as_integers(truth_ids, "truth_ids", len(true))
        if self.iou != "box":
            check_same_size(found, true)
        of_true, of_found = (np.zeros(len(objects), np.int64) for objects in (true, found))
        return _Image(
            default_id if image_id is None else image_id,
            TrueObjects(of_true, true_classes, true_areas, true.__getitem__, is_crowd, ids != 0),
            FoundObjects(of_found, found_classes, found_areas, found.__getitem__, score),
            true,
            found,
            _class_ids(negative_classes, "negative_classes"),
            _class_ids(incomplete_classes, "incomplete_classes"),
        )

    def add(
        self,
        image_ids: Sequence[Any],
        true: TrueObjects,
        found: FoundObjects,
        *,
        sizes: NDArray[np.int64] | None = None,
        negative: ImageClasses | None = None,
        incomplete: ImageClasses | None = None,
    ) -> None:
        """Match the detections of several images; see :meth:`DetectionMetric.add`."""
        self._check_images(image_ids, true.crowd)
        none = np.empty(0, np.int64)
        sizes = np.zeros(len(image_ids), np.int64) if sizes is None else sizes
        lists = (
            (none, none) if negative is None else negative,
            ((none, none) if incomplete is None else incomplete),
        )
        truths, detections = matched(self, true, found, sizes, *lists)
        first = len(self._images)
        self._append(truths, detections, first)
        self._images.update({name: first + index for index, name in enumerate(image_ids)})

    def _append(self, truths: Truths, detections: Detections, first: int) -> None:
        """Add the results of images whose numbers begin with `first`."""
        self._truths.append(replace(truths, image=truths.image + first))
        self._detections.append(replace(detections, image=detections.image + first))

    def _objects(
        self, shapes: Any, classes: ArrayLike | None, areas: ArrayLike | None, name: str
    ) -> tuple[Any, NDArray[np.int64], NDArray[np.float64]]:
        """Return the masks or boxes, and their classes and areas."""
        shapes = self._shapes(shapes, name)
        labels = np.zeros(len(shapes), np.int64)
        if classes is not None:
            labels = _class_ids(classes, f"{name}_classes")
            check_length(labels, f"{name}_classes", len(shapes))
        if areas is None:
            return shapes, labels, area_of(shapes)
        given = as_array(areas, f"{name}_areas").astype(np.float64)
        check_length(given, f"{name}_areas", len(shapes))
        return shapes, labels, given

    def _add_images(self, other: Self) -> None:
        first = len(self._images)
        self._append(*other._rows(), first)
        self._images.update({name: first + index for name, index in other._images.items()})

    # -- results ----------------------------------------------------------------------------------

    def compute(self) -> PrecisionRecall:
        """Compute precision and recall of all images so far.

        Returns
        -------
        PrecisionRecall
            COCO's numbers by name in ``stats``, the same by class in ``per_class``, and the
            curves.
        """
        in_order = self._in_order()
        positions = np.empty(len(in_order), np.int64)
        positions[in_order] = np.arange(len(in_order))
        return self._curves(*self._rows(), positions)

    def _in_order(self) -> NDArray[np.int64]:
        """Return the indices of the images, sorted by their ids: integers, then strings."""
        ids = sorted(self._images, key=lambda name: (isinstance(name, str), name))
        return np.array([self._images[name] for name in ids], np.int64)

    def _rows(self) -> tuple[Truths, Detections]:
        """Return all columns; they are concatenated once."""
        self._truths = [concatenated(self._truths)]
        self._detections = [concatenated(self._detections)]
        return self._truths[0], self._detections[0]

    def _curves(
        self, truths: Truths, detections: Detections, positions: NDArray[np.int64]
    ) -> PrecisionRecall:
        in_order = sorted_rows(positions[detections.image], np.arange(len(detections.image)))
        class_ids = self.class_ids
        if class_ids is None:
            class_ids = distinct(np.concatenate([truths.label, detections.label]))
        groups = {}
        for letter, name in FREQUENCIES.items() if self.frequencies else ():
            found = [self.frequencies.get(class_id) == letter for class_id in class_ids.tolist()]
            groups[name] = np.flatnonzero(found)
        return precision_recall(
            truths,
            detections,
            in_order,
            class_ids,
            self.thresholds,
            self.recalls,
            self.areas,
            self.max_detections,
            groups,
        )

    def confidence_intervals(
        self, samples: int = 200, level: float = 0.95, seed: int = 0
    ) -> dict[str, tuple[float, float]]:
        """Compute bootstrap confidence intervals of the summary, by resampling images.

        Parameters
        ----------
        samples : int, default 200
            Number of samples. Each has as many images as there are, drawn with replacement.
        level : float, default 0.95
            Share of the samples within the interval, in [0, 1].
        seed : int, default 0
            Seed of the random numbers. The samples depend only on it and on the ids of the images.

        Returns
        -------
        dict
            (low, high) by the name of each number in ``compute().stats``: percentiles of the
            samples in which some class has true objects; (-1, -1) if there are none.

        Raises
        ------
        ValueError
            If `samples` is less than 1, or `level` is not in [0, 1].
        """
        if samples < 1:
            raise ValueError(f"samples: expected at least 1, got {samples}")
        margin = (1 - as_fraction(level, "level")) / 2
        rng = np.random.default_rng(seed)
        truths, detections = self._rows()
        in_order = self._in_order()
        by_image = [_rows_by_image(part.image, len(in_order)) for part in (truths, detections)]
        values: dict[str, list[float]] = {}
        for _ in range(samples):
            count = len(in_order)
            drawn = in_order[np.sort(rng.integers(count, size=count))] if count else in_order
            some = _drawn(truths, by_image[0], drawn), _drawn(detections, by_image[1], drawn)
            for name, value in self._curves(*some, np.arange(len(drawn))).stats.items():
                values.setdefault(name, []).append(value)
        return {name: _interval(found, margin) for name, found in values.items()}


def _rows_by_image(image: NDArray[np.int64], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return rows sorted by image, and the bounds of each image."""
    order = np.argsort(image, kind="stable")
    return order, np.searchsorted(image[order], np.arange(count + 1))


def _drawn(part: Any, rows: tuple[NDArray[Any], NDArray[Any]], drawn: NDArray[np.int64]) -> Any:
    """Return the rows of the drawn images, which get new indices."""
    order, bounds = rows
    lengths = bounds[drawn + 1] - bounds[drawn]
    image = np.repeat(np.arange(len(drawn)), lengths)
    within = np.arange(len(image)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    chosen = taken(part, order[bounds[drawn][image] + within])
    chosen.image = image
    return chosen


def _interval(values: list[float], margin: float) -> tuple[float, float]:
    there = [value for value in values if value > -1]
    if not there:
        return -1.0, -1.0
    low, high = np.quantile(there, [margin, 1 - margin])
    return float(low), float(high)


def _levels(
    values: ArrayLike | None, name: str, default: NDArray[np.float64]
) -> NDArray[np.float64]:
    levels = default if values is None else np.array(values, np.float64)
    if levels.ndim != 1 or not ((levels >= 0) & (levels <= 1)).all():
        raise ValueError(f"{name}: expected a list of numbers in [0, 1], got {values!r}")
    return levels


def _limits(values: Sequence[int]) -> tuple[int, ...]:
    if not isinstance(values, Iterable):
        raise TypeError(
            f"max_detections: expected a list of limits, such as [{values!r}], got "
            f"{described(values)}"
        )
    limits = tuple(as_integer(value, "max_detections") for value in values)
    if not limits or limits[0] < 1 or any(a >= b for a, b in pairwise(limits)):
        raise ValueError(f"max_detections: expected ascending positive integers, got {limits}")
    return limits


def _class_ids(values: ArrayLike, name: str = "class_ids") -> NDArray[np.int64]:
    if isinstance(values, tuple) and not values:
        return np.empty(0, np.int64)
    ids = as_integers(values, name)
    if ids.dtype == np.uint64 and len(ids) and int(ids.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{name}: expected ids below 2**63, got {int(ids.max())}")
    ids = ids.astype(np.int64)
    return distinct(ids) if name == "class_ids" else ids
