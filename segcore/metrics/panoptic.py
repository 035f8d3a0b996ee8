"""Panoptic quality (PQ), as defined by COCO's panopticapi."""

from __future__ import annotations

import functools
import math
import operator
from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_fraction, as_integer, as_label_map, described
from segcore.maps.overlap_table import OverlapTable, check_same_shape, table_of, table_of_masks
from segcore.masks import Masks, check_same_size
from segcore.ops.morphology import boundary

VOID = 0
"""Id of pixels that belong to no segment."""


@dataclass(frozen=True)
class PanopticScore:
    """Panoptic scores averaged over the categories that have segments.

    Attributes
    ----------
    pq : float
        Panoptic quality: mean of the categories' ``sq * rq``.
    sq : float
        Segmentation quality: mean of the categories' mean IoU of matched segments.
    rq : float
        Recognition quality: mean of the categories' F1 scores for detecting segments.
    n : int
        Number of categories that have segments. If it is 0, the means are NaN.
    """

    pq: float
    sq: float
    rq: float
    n: int


@dataclass(frozen=True)
class CategoryQuality:
    """Panoptic quality and counts of one category; all zero if it has no segments.

    Attributes
    ----------
    pq : float
        Panoptic quality, ``sq * rq``.
    sq : float
        Segmentation quality: mean IoU of the matched segments.
    rq : float
        Recognition quality: F1 score for detecting segments.
    iou_sum : float
        Sum of the IoUs of the matched segments.
    tp : int
        Number of matched segments (true positives).
    fp : int
        Number of unmatched predicted segments (false positives).
    fn : int
        Number of unmatched ground-truth segments (false negatives).
    """

    pq: float
    sq: float
    rq: float
    iou_sum: float
    tp: int
    fp: int
    fn: int


class PanopticQuality:
    """Accumulate matches between predicted and true segments and compute panoptic quality.

    The scores equal those of panopticapi's ``pq_compute`` with one process, bit for bit. In each
    image, a true and a predicted segment of the same category match if their IoU is greater than
    0.5, so each segment has at most one match. The area of a true segment is the ``area`` of its
    dict in ``segments_info``. Pixels of the predicted segment that are void in the ground truth do
    not count for the union.

    True segments with ``iscrowd`` never match and are not false negatives. An unmatched predicted
    segment is not a false positive if more than half of its area is void or in the crowd segment of
    its category (the last one listed, if there are several).

    ``a + b`` returns an accumulator with the segments of `a`, then those of `b`; ``a += b`` adds
    them in place. If the accumulators of consecutive parts of a data set are added in order, the
    scores are exactly those of the whole; in another order, the last bits may differ.

    Parameters
    ----------
    categories : iterable of dict
        COCO ``categories``, with the keys ``id`` and ``isthing`` (0 or 1). Other keys are ignored.
    iou : {"mask", "boundary"}
        With ``"boundary"``, segments are compared by the smaller of mask IoU and Boundary IoU,
        which gives Boundary PQ. Pixels of the boundary of a predicted segment that are void in the
        ground truth do not count for its union.
    dilation_ratio : float, default 0.02
        Width of boundaries as a fraction of the image diagonal; see :func:`segcore.boundary_iou`.

    Raises
    ------
    ValueError
        If there are no categories, a key is missing, ``isthing`` is not 0 or 1, an id is listed
        twice, `iou` is unknown, or `dilation_ratio` is not in [0, 1].
    TypeError
        If an id or ``isthing`` is not an integer.

    References
    ----------
    A. Kirillov et al., "Panoptic Segmentation", CVPR 2019; panopticapi, evaluation.py. For
    boundaries: B. Cheng et al., "Boundary IoU", CVPR 2021.

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
    >>> quality.per_category[1]
    CategoryQuality(pq=0.75, sq=0.75, rq=1.0, iou_sum=0.75, tp=1, fp=0, fn=0)
    """

    def __init__(
        self,
        categories: Iterable[Mapping[str, Any]],
        iou: str = "mask",
        *,
        dilation_ratio: float = 0.02,
    ) -> None:
        if iou not in ("mask", "boundary"):
            raise ValueError(f'iou: expected "mask" or "boundary", got {iou!r}')
        self._iou = iou
        self._dilation_ratio = as_fraction(dilation_ratio, "dilation_ratio")
        self._isthing = _categories(categories)
        self._index = {category: i for i, category in enumerate(self._isthing)}
        count = len(self._isthing)
        self._ious = [array("d") for _ in range(count)]
        self._fp = np.zeros(count, np.int64)
        self._fn = np.zeros(count, np.int64)

    # -- accumulation -----------------------------------------------------------------------------

    def update(
        self,
        truth: ArrayLike,
        truth_segments: Iterable[Mapping[str, Any]],
        prediction: ArrayLike,
        prediction_segments: Iterable[Mapping[str, Any]],
    ) -> None:
        """Match the segments of one image and add the results.

        Parameters
        ----------
        truth, prediction : array_like
            Segment id of each pixel: integers of any dtype, shape (H, W), 0 for void. Use
            :func:`segcore.maps.ids.from_rgb` to convert COCO's panoptic PNGs.
        truth_segments : iterable of dict
            COCO ``segments_info`` with the keys ``id``, ``category_id``, ``iscrowd`` (default 0)
            and ``area`` (default: the number of pixels in `truth`). Listed segments without pixels
            are false negatives. Ids in `truth` that are not listed match nothing.
        prediction_segments : iterable of dict
            COCO ``segments_info`` with the keys ``id`` and ``category_id``. Its ids must be exactly
            the nonzero ids in `prediction`.

        Raises
        ------
        ValueError
            If a map is not 2-D or the shapes differ; if a segment lacks a key, is listed twice, or
            has id 0, an unknown category or an invalid area; or if the ids of `prediction_segments`
            are not those in `prediction`. The accumulator is then unchanged.
        TypeError
            If the dtype of a map is not an integer dtype, a map is on a GPU, or a segment is not a
            dict with integer values.
        """
        a, b = as_label_map(truth, "truth"), as_label_map(prediction, "prediction")
        check_same_shape(a, b, "truth", "prediction")
        true = _SegmentTable.read(truth_segments, "truth", self._index)
        predicted = _SegmentTable.read(prediction_segments, "prediction", self._index)

        def chosen(i: NDArray[np.int64], j: NDArray[np.int64]) -> tuple[Masks, Masks, Masks]:
            void = Masks.from_dense(a == VOID)
            return true.masks(a)[i], predicted.masks(b)[j], void

        self._add(table_of(a, b), true, predicted, chosen)

    def update_masks(
        self,
        truth: Masks,
        truth_segments: Iterable[Mapping[str, Any]],
        prediction: Masks,
        prediction_segments: Iterable[Mapping[str, Any]],
    ) -> None:
        """Match the segments of one image, which are given as masks, and add the results.

        This is equivalent to :meth:`update` with their label maps, but does not create these.

        Parameters
        ----------
        truth, prediction : Masks
            One mask per segment, in their order. The masks of each batch are disjoint, and pixels
            outside of them are void.
        truth_segments, prediction_segments : iterable of dict
            As for :meth:`update`.

        Raises
        ------
        ValueError
            If the image sizes differ, the number of segments is not that of the masks, or masks
            overlap; or as by :meth:`update`. The accumulator is then unchanged.
        TypeError
            If `truth` or `prediction` is not a `Masks`, or as by :meth:`update`.

        Examples
        --------
        >>> import segcore as sc
        >>> quality = sc.metrics.PanopticQuality([{"id": 7, "isthing": 1}])
        >>> truth, found = sc.Masks.from_boxes([[0, 0, 4, 2], [0, 0, 3, 2]], (2, 5))
        >>> segments = [{"id": 1, "category_id": 7}]
        >>> quality.update_masks(truth, segments, found, segments)
        >>> quality.all.sq
        0.75
        """
        check_same_size(truth, prediction, ("truth", "prediction"))
        tables = []
        for name, masks, segments in (
            ("truth", truth, truth_segments),
            ("prediction", prediction, prediction_segments),
        ):
            table = _SegmentTable.read(segments, name, self._index)
            if len(table) != len(masks):
                raise ValueError(
                    f"{name}: expected one segment per mask, got {len(table)} for {len(masks)}"
                )
            if int(masks.area.sum()) != int(masks.union().area[0]):
                raise ValueError(f"{name}: expected masks that do not overlap")
            tables.append(table)
        true, predicted = tables
        table_of_pairs = table_of_masks((truth, prediction), (true.ids(), predicted.ids()))

        def chosen(i: NDArray[np.int64], j: NDArray[np.int64]) -> tuple[Masks, Masks, Masks]:
            return truth[i], prediction[j], ~truth.union()

        self._add(table_of_pairs, true, predicted, chosen)

    def _add(
        self,
        table: OverlapTable,
        true: _SegmentTable,
        predicted: _SegmentTable,
        chosen: Callable[[NDArray[np.int64], NDArray[np.int64]], tuple[Masks, Masks, Masks]],
    ) -> None:
        """Add the segments of an image.

        ``chosen`` returns the masks of the true and of the predicted segments with these indices,
        and that of the pixels that are void in the truth.
        """
        true_index, predicted_index = true.indices(table.ids_a), predicted.indices(table.ids_b)
        predicted.check_listed(table.ids_b, predicted_index)
        true_areas = true.areas_or(table.areas_a, true_index)
        predicted_areas = _scattered(table.areas_b, predicted_index, len(predicted))

        # The pairs (i, j) of segments that overlap, and their intersection areas.
        i, j, common = true_index[table.rows], predicted_index[table.columns], table.areas
        is_void = table.ids_a[table.rows] == VOID
        void_areas = _scattered(common[is_void], j[is_void], len(predicted))

        listed = (i >= 0) & (j >= 0)
        i, j, common = i[listed], j[listed], common[listed]
        same_category = true.categories[i] == predicted.categories[j]
        i, j, common = i[same_category], j[same_category], common[same_category]
        is_crowd = true.iscrowd[i]
        last_crowds = true.last_crowds()
        crowd_areas = _scattered(
            common[is_crowd], j[is_crowd], len(predicted), last_crowds[i[is_crowd]]
        )
        i, j, common = i[~is_crowd], j[~is_crowd], common[~is_crowd]

        true.check_areas(true_areas, i)
        iou = common / (predicted_areas[j] + true_areas[i] - common - void_areas[j])
        match = iou > 0.5
        i, j, iou = i[match], j[match], iou[match]
        if self._iou == "boundary" and len(i):
            iou = np.minimum(iou, _boundary_iou(*chosen(i, j), self._dilation_ratio))
            match = iou > 0.5
            i, j, iou = i[match], j[match], iou[match]

        false_negative = ~true.iscrowd
        false_negative[i] = False
        false_positive = (void_areas + crowd_areas) / predicted_areas <= 0.5
        false_positive[j] = False
        for category, value in zip(true.categories[i].tolist(), iou.tolist(), strict=True):
            self._ious[category].append(value)
        count = len(self._index)
        self._fn += np.bincount(true.categories[false_negative], minlength=count)
        self._fp += np.bincount(predicted.categories[false_positive], minlength=count)

    def empty(self) -> PanopticQuality:
        """Return an accumulator with the same settings and without segments."""
        return PanopticQuality(
            ({"id": category, "isthing": isthing} for category, isthing in self._isthing.items()),
            self._iou,
            dilation_ratio=self._dilation_ratio,
        )

    def __add__(self, other: PanopticQuality) -> PanopticQuality:
        """Return an accumulator with the segments of `self`, then those of `other`."""
        if not isinstance(other, PanopticQuality):
            return NotImplemented
        total = self.empty()
        total += self
        total += other
        return total

    def __iadd__(self, other: PanopticQuality) -> PanopticQuality:
        """Append the segments of `other` in place."""
        if not isinstance(other, PanopticQuality):
            return NotImplemented
        if list(self._isthing.items()) != list(other._isthing.items()):
            raise ValueError("expected accumulators with the same categories in the same order")
        mine_by, theirs_by = ((each._iou, each._dilation_ratio) for each in (self, other))
        if mine_by != theirs_by:
            raise ValueError(
                f"expected the same IoU and dilation ratio, got {mine_by}, {theirs_by}"
            )
        for mine, theirs in zip(self._ious, other._ious, strict=True):
            mine.extend(theirs)
        self._fp += other._fp
        self._fn += other._fn
        return self

    def __repr__(self) -> str:
        """Return the number of categories and the segment counts so far."""
        tp = sum(len(ious) for ious in self._ious)
        return (
            f"PanopticQuality of {len(self._index)} categories: {tp} segments matched, "
            f"{self._fp.sum()} wrong, {self._fn.sum()} missed"
        )

    # -- scores -----------------------------------------------------------------------------------

    @property
    def per_category(self) -> dict[int, CategoryQuality]:
        """Quality of each category: dict of category id to :class:`CategoryQuality`."""
        return {category: self._category_quality(i) for category, i in self._index.items()}

    @property
    def all(self) -> PanopticScore:
        """Scores averaged over all categories that have segments: :class:`PanopticScore`."""
        return self._score(self._isthing)

    @property
    def things(self) -> PanopticScore:
        """Scores averaged over the thing categories that have segments: :class:`PanopticScore`."""
        return self._score(category for category, isthing in self._isthing.items() if isthing)

    @property
    def stuff(self) -> PanopticScore:
        """Scores averaged over the stuff categories that have segments: :class:`PanopticScore`."""
        return self._score(category for category, isthing in self._isthing.items() if not isthing)

    def _category_quality(self, i: int) -> CategoryQuality:
        # Add from left to right, as panopticapi does: sum() is more accurate since Python 3.12.
        iou_sum = functools.reduce(operator.add, self._ious[i], 0.0)
        tp, fp, fn = len(self._ious[i]), int(self._fp[i]), int(self._fn[i])
        if not tp + fp + fn:
            return CategoryQuality(0.0, 0.0, 0.0, 0.0, 0, 0, 0)
        denominator = tp + 0.5 * fp + 0.5 * fn
        sq = iou_sum / tp if tp else 0.0
        return CategoryQuality(iou_sum / denominator, sq, tp / denominator, iou_sum, tp, fp, fn)

    def _score(self, categories: Iterable[int]) -> PanopticScore:
        qualities = [self._category_quality(self._index[category]) for category in categories]
        qualities = [quality for quality in qualities if quality.tp + quality.fp + quality.fn]
        n = len(qualities)
        if not n:
            return PanopticScore(float("nan"), float("nan"), float("nan"), 0)
        add = functools.partial(functools.reduce, operator.add)
        return PanopticScore(
            add(quality.pq for quality in qualities) / n,
            add(quality.sq for quality in qualities) / n,
            add(quality.rq for quality in qualities) / n,
            n,
        )


@dataclass(frozen=True)
class _SegmentTable:
    """The ``segments_info`` of one map, as columns in the order listed."""

    name: str
    index: dict[int, int]  # segment id -> row
    categories: NDArray[np.int64]  # indices of the categories, not their ids
    iscrowd: NDArray[np.bool_]
    areas: list[int | None]

    def __len__(self) -> int:
        return len(self.index)

    @classmethod
    def read(
        cls,
        segments: Iterable[Mapping[str, Any]],
        name: str,
        category_index: Mapping[int, int],
    ) -> _SegmentTable:
        """Validate the entries; `category_index` maps category ids to their indices."""
        index: dict[int, int] = {}
        categories, crowds, areas = [], [], []
        entry = f"{name} segment"
        for i, segment in enumerate(segments):
            number = _integer(segment, "id", entry, i)
            if number == VOID:
                raise ValueError(f"{entry} {i}: the id 0 is reserved for void")
            if number in index:
                raise ValueError(f"{entry} {i}: the id {number} is listed twice")
            category = _integer(segment, "category_id", entry, i)
            if category not in category_index:
                raise ValueError(f"{entry} {i} of id {number}: unknown category_id {category}")
            index[number] = i
            categories.append(category_index[category])
            crowds.append("iscrowd" in segment and _flag(segment, "iscrowd", entry, i))
            areas.append(_area(segment, entry, i) if "area" in segment else None)
        return cls(name, index, np.array(categories, np.int64), np.array(crowds, np.bool_), areas)

    def ids(self) -> NDArray[np.int64]:
        """Return the ids of all segments. Raises ValueError if they do not fit into int64."""
        try:
            return np.array(list(self.index), np.int64)
        except OverflowError:
            raise ValueError(f"{self.name} segments: expected ids that fit into int64") from None

    def masks(self, labels: NDArray[Any]) -> Masks:
        """Return the mask of each segment in a label map; some other one for those it lacks."""
        there, masks = Masks.from_label_map(labels)
        return masks[np.searchsorted(there, list(self.index)).clip(max=len(there) - 1)]

    def indices(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """Return the row of each segment id, -1 for ids that are not listed."""
        return np.array([self.index.get(number, -1) for number in ids.tolist()], np.int64)

    def check_listed(self, ids: NDArray[Any], indices: NDArray[np.int64]) -> None:
        """Raise ValueError unless the ids of the map are exactly the listed ones."""
        unlisted = ids[(indices < 0) & (ids != VOID)]
        if len(unlisted):
            raise ValueError(
                f"{self.name}: the map contains the id {unlisted[0]}, which is not listed in its "
                "segments"
            )
        absent = sorted(set(self.index) - set(ids.tolist()))
        if absent:
            raise ValueError(f"{self.name} segment of id {absent[0]}: the map has no such pixels")

    def areas_or(self, counted: NDArray[np.int64], indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the listed areas, or the counted pixels of segments that list no area."""
        pixels = _scattered(counted, indices, len(self)).tolist()
        areas = [n if area is None else area for area, n in zip(self.areas, pixels, strict=True)]
        return np.array(areas, np.int64)

    def check_areas(self, areas: NDArray[np.int64], indices: NDArray[np.int64]) -> None:
        """Raise ValueError if a segment that has pixels has area 0."""
        empty = indices[areas[indices] == 0]
        if len(empty):
            number = list(self.index)[empty[0]]
            raise ValueError(
                f"{self.name} segment of id {number}: the area is 0, but the map has such pixels"
            )

    def last_crowds(self) -> NDArray[np.bool_]:
        """Return a mask of the segments that are the last crowd of their category."""
        last = np.zeros(len(self), np.bool_)
        for row in {self.categories[i]: i for i in np.flatnonzero(self.iscrowd)}.values():
            last[row] = True
        return last


def _boundary_iou(
    truth: Masks, prediction: Masks, void: Masks, dilation_ratio: float
) -> NDArray[np.float64]:
    """Compute the Boundary IoU of pairs of segments, without what is void in the truth."""
    distance = max(1, round(dilation_ratio * math.hypot(*truth.size)))
    true, predicted = boundary(truth, distance), boundary(prediction, distance)
    common = (true & predicted).area
    in_void = (predicted & void).area
    ratios: NDArray[np.float64] = common / (true.area + predicted.area - common - in_void)
    return ratios


def _scattered(
    areas: NDArray[np.int64],
    indices: NDArray[np.int64],
    count: int,
    where: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Return an array of length `count` with ``areas[k]`` at ``indices[k]``, skipping index -1."""
    keep = indices >= 0 if where is None else where
    out = np.zeros(count, np.int64)
    out[indices[keep]] = areas[keep]
    return out


def _categories(categories: Iterable[Mapping[str, Any]]) -> dict[int, bool]:
    """Return ``isthing`` of each category, keyed by category id."""
    isthing: dict[int, bool] = {}
    for i, category in enumerate(categories):
        number = _integer(category, "id", "category", i)
        if number in isthing:
            raise ValueError(f"category {i}: the id {number} is listed twice")
        isthing[number] = _flag(category, "isthing", "category", i)
    if not isthing:
        raise ValueError("categories: expected at least one category")
    return isthing


def _integer(entry: Any, key: str, name: str, i: int) -> int:
    value = entry.get(key) if type(entry) is dict else None
    if type(value) is int:  # as parsed from JSON
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
    if isinstance(value, float) and value.is_integer():  # some tools write areas as floats
        value = int(value)
    area = value if type(value) is int else as_integer(value, f"{name} {i}: area")
    if not 0 <= area < 2**59:
        raise ValueError(f"{name} {i}: area: expected 0 to 2**59 - 1 pixels, got {area}")
    return area
