"""Panoptic quality, by the rule of COCO's panopticapi."""

from __future__ import annotations

import functools
import operator
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_integer, as_label_map, described
from segcore.maps.overlap_table import OverlapTable, check_same_shape, table_of

VOID = 0
"""The id of pixels that belong to no segment."""


class PanopticScore(NamedTuple):
    """Means over categories: of those alone of which there are segments."""

    pq: float
    """Panoptic quality: mean of ``sq * rq`` of each category."""
    sq: float
    """Segmentation quality: mean IoU of matched segments."""
    rq: float
    """Recognition quality: F1 of finding segments."""
    n: int
    """The number of categories that have segments; without any the means are nan."""


class ClassQuality(NamedTuple):
    """The quality of one category; all zeros if it has no segments."""

    pq: float
    sq: float
    rq: float
    iou_sum: float
    """Of matched segments."""
    tp: int
    """Segments that are matched."""
    fp: int
    """Predicted segments that are not."""
    fn: int
    """True segments that are not."""


class PanopticQuality:
    """Match predicted segments with true ones, and score each category.

    The scores are those of panopticapi's ``pq_compute`` (one process), to the last bit. Its rule,
    image by image: a true and a predicted segment of one category match where their IoU is above
    0.5, which only one can be. The area of a true segment is what its entry says; the union is
    without the predicted segment's void pixels. True segments that are crowds match nothing and
    are not missed. A predicted segment without a match does not count if more than half of it is
    void or lies in its category's crowd (the last one listed).

    The IoUs of matches are kept, not their sum, and are added in the order of images when scores
    are read. So parts of a data set, merged in order, give the scores of the whole to the last
    bit, however they were grouped (merged in another order, sums may differ in the last bits).

    Parameters
    ----------
    categories : iterable of dict
        COCO's ``categories``: each with ``id`` and ``isthing`` (0 or 1); the rest is ignored.

    Raises
    ------
    ValueError
        If a category has no such keys, or comes twice, or there is none.
    TypeError
        If an id or ``isthing`` is no integer.

    References
    ----------
    A. Kirillov et al., "Panoptic Segmentation", CVPR 2019; panopticapi, evaluation.py.

    Examples
    --------
    >>> import segcore as sc
    >>> quality = sc.metrics.PanopticQuality([{"id": 1, "isthing": 1}, {"id": 7, "isthing": 0}])
    >>> truth = [[10, 10, 10, 20, 20]]
    >>> truth_segments = [
    ...     {"id": 10, "category_id": 1, "area": 3, "iscrowd": 0},
    ...     {"id": 20, "category_id": 7, "area": 2, "iscrowd": 0},
    ... ]
    >>> prediction = [[1, 1, 1, 1, 2]]
    >>> prediction_segments = [{"id": 1, "category_id": 1}, {"id": 2, "category_id": 7}]
    >>> quality.update(truth, truth_segments, prediction, prediction_segments)
    >>> quality.all
    PanopticScore(pq=0.375, sq=0.375, rq=0.5, n=2)
    >>> quality.per_class[1]
    ClassQuality(pq=0.75, sq=0.75, rq=1.0, iou_sum=0.75, tp=1, fp=0, fn=0)
    """

    def __init__(self, categories: Iterable[Mapping[str, Any]]) -> None:
        self._isthing = _categories(categories)
        self._index = {category: i for i, category in enumerate(self._isthing)}
        count = len(self._isthing)
        self._ious = [array("d") for _ in range(count)]
        self._fp = np.zeros(count, np.int64)
        self._fn = np.zeros(count, np.int64)

    # -- counting ---------------------------------------------------------------------------------

    def update(
        self,
        truth: ArrayLike,
        truth_segments: Iterable[Mapping[str, Any]],
        prediction: ArrayLike,
        prediction_segments: Iterable[Mapping[str, Any]],
    ) -> None:
        """Add the segments of one image.

        Parameters
        ----------
        truth, prediction : array_like
            Integers (H, W), of any dtypes: the id of each pixel's segment, 0 for void. Colours of
            COCO's PNGs become ids by :func:`segcore.maps.ids.from_rgb`.
        truth_segments : iterable of dict
            COCO's ``segments_info``: ``id``, ``category_id``, ``iscrowd`` (0 if it is missing) and
            ``area`` (counted if it is missing). Segments without pixels are missed ones; labels
            of the map that are not listed match nothing.
        prediction_segments : iterable of dict
            Of these ``id`` and ``category_id`` are read. They are just those of the map.

        Raises
        ------
        ValueError
            If a map is not 2-D, their shapes differ, a segment lacks a key, is listed twice, has
            the id 0, an unknown category or an impossible area, if a predicted segment is listed
            but not in the map, or in the map but not listed. Then nothing has been added.
        TypeError
            If a map holds no integers, is on a GPU, or a segment is no dict of integers.
        """
        a, b = as_label_map(truth, "truth"), as_label_map(prediction, "prediction")
        check_same_shape(a, b, "truth", "prediction")
        true = _Segments.read(truth_segments, "truth", self._index)
        found = _Segments.read(prediction_segments, "prediction", self._index)
        self._add(table_of(a, b), true, found)

    def _add(self, table: OverlapTable, true: _Segments, found: _Segments) -> None:
        # Which segment a label is, or -1.
        true_of, found_of = true.places(table.ids_a), found.places(table.ids_b)
        found.check_all_in_map(table.ids_b, found_of)
        true_areas = true.areas_or(table.areas_a, true_of)
        found_areas = _scattered(table.areas_b, found_of, len(found))

        i, j, common = true_of[table.rows], found_of[table.columns], table.areas
        void = table.ids_a[table.rows] == VOID
        in_void = _scattered(common[void], j[void], len(found))

        of_segments = (i >= 0) & (j >= 0)
        i, j, common = i[of_segments], j[of_segments], common[of_segments]
        alike = true.categories[i] == found.categories[j]
        i, j, common = i[alike], j[alike], common[alike]
        crowd = true.iscrowd[i]
        crowds = true.last_crowds()
        in_crowd = _scattered(common[crowd], j[crowd], len(found), crowds[i[crowd]])
        i, j, common = i[~crowd], j[~crowd], common[~crowd]

        true.check_areas(true_areas, i)
        iou = common / (found_areas[j] + true_areas[i] - common - in_void[j])
        match = iou > 0.5
        i, j = i[match], j[match]

        missed = ~true.iscrowd
        missed[i] = False
        wrong = (in_void + in_crowd) / found_areas <= 0.5
        wrong[j] = False
        for category, value in zip(true.categories[i].tolist(), iou[match].tolist(), strict=True):
            self._ious[category].append(value)
        count = len(self._index)
        self._fn += np.bincount(true.categories[missed], minlength=count)
        self._fp += np.bincount(found.categories[wrong], minlength=count)

    def __add__(self, other: PanopticQuality) -> PanopticQuality:
        """Give the segments of both together, those of this one first."""
        if not isinstance(other, PanopticQuality):
            return NotImplemented
        total = PanopticQuality({"id": each, "isthing": is_} for each, is_ in self._isthing.items())
        total += self
        total += other
        return total

    def __iadd__(self, other: PanopticQuality) -> PanopticQuality:
        """Add another's segments behind those of this one."""
        if not isinstance(other, PanopticQuality):
            return NotImplemented
        if list(self._isthing.items()) != list(other._isthing.items()):
            raise ValueError("expected qualities of the same categories, in the same order")
        for mine, theirs in zip(self._ious, other._ious, strict=True):
            mine.extend(theirs)
        self._fp += other._fp
        self._fn += other._fn
        return self

    def __repr__(self) -> str:
        """Show how much has been counted."""
        tp = sum(len(ious) for ious in self._ious)
        return (
            f"PanopticQuality of {len(self._index)} categories: {tp} segments matched, "
            f"{self._fp.sum()} wrong, {self._fn.sum()} missed"
        )

    # -- scores -----------------------------------------------------------------------------------

    @property
    def per_class(self) -> dict[int, ClassQuality]:
        """The quality of each category, by its id."""
        return {category: self._class_quality(i) for category, i in self._index.items()}

    @property
    def all(self) -> PanopticScore:
        """The mean quality of all categories."""
        return self._score(self._isthing)

    @property
    def things(self) -> PanopticScore:
        """The mean quality of the categories that are things."""
        return self._score(category for category, isthing in self._isthing.items() if isthing)

    @property
    def stuff(self) -> PanopticScore:
        """The mean quality of the categories that are stuff."""
        return self._score(category for category, isthing in self._isthing.items() if not isthing)

    def _class_quality(self, i: int) -> ClassQuality:
        # One after the other, as panopticapi adds; sum() adds more exactly in newer Pythons.
        iou_sum = functools.reduce(operator.add, self._ious[i], 0.0)
        tp, fp, fn = len(self._ious[i]), int(self._fp[i]), int(self._fn[i])
        if not tp + fp + fn:
            return ClassQuality(0.0, 0.0, 0.0, 0.0, 0, 0, 0)
        below = tp + 0.5 * fp + 0.5 * fn
        sq = iou_sum / tp if tp else 0.0
        return ClassQuality(iou_sum / below, sq, tp / below, iou_sum, tp, fp, fn)

    def _score(self, categories: Iterable[int]) -> PanopticScore:
        classes = [self._class_quality(self._index[category]) for category in categories]
        classes = [each for each in classes if each.tp + each.fp + each.fn]
        n = len(classes)
        if not n:
            return PanopticScore(float("nan"), float("nan"), float("nan"), 0)
        add = functools.partial(functools.reduce, operator.add)
        return PanopticScore(
            add(each.pq for each in classes) / n,
            add(each.sq for each in classes) / n,
            add(each.rq for each in classes) / n,
            n,
        )


@dataclass(frozen=True)
class _Segments:
    """The segments of one map, as arrays in the order in which they are listed."""

    name: str
    place: dict[int, int]  # by id
    categories: NDArray[np.int64]  # as places among the categories
    iscrowd: NDArray[np.bool_]
    areas: list[int | None]

    def __len__(self) -> int:
        return len(self.place)

    @classmethod
    def read(
        cls, segments: Iterable[Mapping[str, Any]], name: str, index: Mapping[int, int]
    ) -> _Segments:
        place: dict[int, int] = {}
        categories, crowds, areas = [], [], []
        entry = f"{name} segment"
        for i, segment in enumerate(segments):
            number = _integer(segment, "id", entry, i)
            if number == VOID:
                raise ValueError(f"{entry} {i}: the id 0 is void; expected ids from 1")
            if number in place:
                raise ValueError(f"{entry} {i}: the id {number} is listed twice")
            category = _integer(segment, "category_id", entry, i)
            if category not in index:
                raise ValueError(f"{entry} {i}, of id {number}: unknown category_id {category}")
            place[number] = i
            categories.append(index[category])
            crowds.append("iscrowd" in segment and _flag(segment, "iscrowd", entry, i))
            areas.append(_area(segment, entry, i) if "area" in segment else None)
        return cls(name, place, np.array(categories, np.int64), np.array(crowds, np.bool_), areas)

    def places(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        return np.array([self.place.get(each, -1) for each in ids.tolist()], np.int64)

    def check_all_in_map(self, ids: NDArray[Any], places: NDArray[np.int64]) -> None:
        unlisted = ids[(places < 0) & (ids != VOID)]
        if len(unlisted):
            raise ValueError(f"{self.name}: the map has the id {unlisted[0]}, which is not listed")
        absent = sorted(set(self.place) - set(ids.tolist()))
        if absent:
            raise ValueError(f"{self.name} segment of id {absent[0]}: the map has no pixel of it")

    def areas_or(self, counted: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the areas that are listed and, where none is, the pixels counted."""
        pixels = _scattered(counted, places, len(self)).tolist()
        areas = [n if area is None else area for area, n in zip(self.areas, pixels, strict=True)]
        return np.array(areas, np.int64)

    def check_areas(self, areas: NDArray[np.int64], places: NDArray[np.int64]) -> None:
        empty = places[areas[places] == 0]
        if len(empty):
            number = list(self.place)[empty[0]]
            raise ValueError(
                f"{self.name} segment of id {number}: its area is 0, but the map has pixels of it"
            )

    def last_crowds(self) -> NDArray[np.bool_]:
        """Tell which segments are the last crowd of their category."""
        last = np.zeros(len(self), np.bool_)
        for place in {self.categories[i]: i for i in np.flatnonzero(self.iscrowd)}.values():
            last[place] = True
        return last


def _scattered(
    areas: NDArray[np.int64],
    places: NDArray[np.int64],
    count: int,
    where: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Put each area in its place of ``count``; those of the place -1 are dropped."""
    keep = places >= 0 if where is None else where
    out = np.zeros(count, np.int64)
    out[places[keep]] = areas[keep]
    return out


def _categories(categories: Iterable[Mapping[str, Any]]) -> dict[int, bool]:
    isthing: dict[int, bool] = {}
    for i, category in enumerate(categories):
        number = _integer(category, "id", "category", i)
        if number in isthing:
            raise ValueError(f"category {i}: the id {number} is listed twice")
        isthing[number] = _flag(category, "isthing", "category", i)
    if not isthing:
        raise ValueError("categories: expected one at least")
    return isthing


def _integer(entry: Any, key: str, name: str, i: int) -> int:
    value = entry.get(key) if type(entry) is dict else None
    if type(value) is int:  # as JSON gives them
        return value
    if not isinstance(entry, Mapping):
        raise TypeError(f"{name} {i}: expected a dict, got {described(entry)}")
    if key not in entry:
        raise ValueError(f"{name} {i}: expected the key {key!r}")
    return as_integer(entry[key], f"{name} {i}: {key}")


def _flag(entry: Mapping[str, Any], key: str, name: str, i: int) -> bool:
    if isinstance(entry.get(key), (bool, np.bool_)):
        return bool(entry[key])
    value = _integer(entry, key, name, i)
    if value not in (0, 1):
        raise ValueError(f"{name} {i}: {key}: expected 0 or 1, got {value}")
    return value == 1


def _area(entry: Mapping[str, Any], name: str, i: int) -> int:
    value = entry["area"]
    if isinstance(value, float) and value.is_integer():  # as some tools write them
        value = int(value)
    area = value if type(value) is int else as_integer(value, f"{name} {i}: area")
    if not 0 <= area < 2**59:
        raise ValueError(f"{name} {i}: area: expected a number of pixels, got {area}")
    return area
