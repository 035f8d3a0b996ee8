"""The matches of COCOeval in columns, and the records of ``evalImgs``."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore.backends import kernels
from segcore.backends.threshold_bits import packed

Record = dict[str, Any]


@contextmanager
def collecting_later() -> Iterator[None]:
    """Put off garbage collection, which searches all annotations whenever many lists are made."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def best_first(found: list[Record]) -> list[Record]:
    """Return detections by descending score; equal scores stay in their order, NaN comes last."""
    if len(found) < 2:
        return found
    scores = [-detection["score"] for detection in found]
    order = sorted(range(len(found)), key=scores.__getitem__)
    if math.isnan(sum(scores)):
        order = np.argsort(scores, kind="stable").tolist()
    return [found[index] for index in order]


class Groups:
    """The objects of each category and image that has any, by category and then image."""

    def __init__(self, images: Sequence[Any], categories: Sequence[Any]) -> None:
        self.images, self.categories = images, categories
        self.category: list[int] = []
        self.image: list[int] = []
        self.true: list[Record] = []
        self.found: list[Record] = []
        self.true_bounds, self.found_bounds = [0], [0]
        self._ratios: list[Any] = [np.empty(0)]

    def add(
        self, category: int, image: int, true: list[Record], found: list[Record], ratios: Any
    ) -> None:
        """Append the objects of a category and an image, given by their indices, and their IoUs."""
        self.category.append(category)
        self.image.append(image)
        self.true += true
        self.found += found
        self.true_bounds.append(len(self.true))
        self.found_bounds.append(len(self.found))
        if len(ratios):
            self._ratios.append(np.ravel(ratios[: len(found)]))

    def ratios(self) -> NDArray[np.float64]:
        """Return the IoUs of all pairs, one group after the other."""
        return np.concatenate(self._ratios)


class Matches:
    """The true object that each detection matches, for each range of areas and IoU threshold.

    Parameters
    ----------
    groups : Groups
        The objects.
    ranges : sequence of sequence of float
        Ranges of areas, limits included.
    limit : int
        Limit of the number of detections, for the records.
    thresholds : numpy.ndarray
        IoU thresholds.
    """

    def __init__(
        self,
        groups: Groups,
        ranges: Sequence[Sequence[float]],
        limit: int,
        thresholds: NDArray[np.float64],
    ) -> None:
        true, found = groups.true, groups.found
        self._images, self._categories = groups.images, groups.categories
        self._image = np.array(groups.image, np.int64)
        self._category = np.array(groups.category, np.int64)
        self._true_bounds = np.array(groups.true_bounds)
        self._found_bounds = np.array(groups.found_bounds)
        self._group_bounds = offsets_of(
            np.bincount(groups.category, minlength=len(groups.categories)).astype(np.int64)
        )
        self._ranges, self._limit = ranges, limit
        low, high = np.array(ranges, np.float64).reshape(-1, 2).T[..., None]
        areas = np.array([annotation["area"] for annotation in true], np.float64)
        ignore = np.array([bool(annotation["ignore"]) for annotation in true], np.bool_)
        self._ignored = ignore | (areas < low) | (areas > high)
        areas = np.array([detection["area"] for detection in found], np.float64)
        outside = (areas < low) | (areas > high)
        self._true_ids = [annotation["id"] for annotation in true]
        self._found_ids = [detection["id"] for detection in found]
        self._scores = [detection["score"] for detection in found]
        self._matches = kernels.match(
            groups.ratios(),
            self._found_bounds,
            self._true_bounds,
            self._ignored.astype(np.uint8),
            np.array([int(annotation.get("iscrowd", 0)) for annotation in true], np.uint8),
            (np.array(self._found_ids) > 0).astype(np.uint8),
            np.ascontiguousarray(thresholds, np.float64),
        )
        for annotation, value in zip(true, self._ignored[-1].tolist(), strict=True):
            annotation["_ignore"] = int(value)
        # The last item is for detections without a match, whose index is -1.
        is_match = np.array([bool(number) for number in self._true_ids] + [False])[self._matches]
        self._is_ignored = np.array(
            [np.append(row, False)[found] for row, found in
             zip(self._ignored, self._matches, strict=True)]
        ).reshape(self._matches.shape)  # fmt: skip
        self._is_ignored |= ~is_match & outside[:, None]
        self._score_column = np.array(self._scores, np.float64)
        self._bits = bits_of(is_match, self._is_ignored)

    def ranked(self, ranges: Sequence[int], images: Sequence[int]) -> Ranked:
        """Return the detections of some images, for some ranges of areas."""
        rows = list(ranges)
        is_chosen = np.isin(self._image, images)
        num_found, num_true = np.diff(self._found_bounds), np.diff(self._true_bounds)
        found = np.flatnonzero(np.repeat(is_chosen, num_found))
        is_counted = np.repeat(is_chosen, num_true) & ~self._ignored[rows]
        true_label = np.repeat(self._category, num_true)
        return Ranked(
            np.repeat(self._category, num_found)[found],
            num_found[is_chosen],
            self._score_column[found],
            [
                (count, matched[rows][:, found], ignored[rows][:, found])
                for count, matched, ignored in self._bits
            ],
            np.array([_count(true_label[row], len(self._categories)) for row in is_counted]),
        )

    def records(self) -> list[Record | None]:
        """Return the items of ``evalImgs``: by category, range of areas and image."""
        ids, found_ids = np.array(self._true_ids), np.array(self._found_ids)
        group = np.repeat(np.arange(len(self._image)), np.diff(self._true_bounds))
        bounds = [
            [slice(*pair) for pair in pairwise(ends.tolist())]
            for ends in (self._found_bounds, self._true_bounds)
        ]
        records: list[Record | None] = [None] * (
            len(self._categories) * len(self._ranges) * len(self._images)
        )
        for row, limits in enumerate(self._ranges):
            matches = self._matches[row]
            true_matches = np.zeros((len(matches), len(ids)))
            found_matches = np.zeros(matches.shape)
            t, detection = np.nonzero(matches >= 0)
            chosen = matches[t, detection]
            if len(chosen):
                found_matches[t, detection] = ids[chosen]
                true_matches[t, chosen] = found_ids[detection]  # the last match of a crowd
            order = np.lexsort((self._ignored[row], group))
            true_ids = [self._true_ids[index] for index in order.tolist()]
            true_matches, ignored = true_matches[:, order], self._ignored[row, order]
            ignored = ignored.astype(np.int64)
            for category in range(len(self._categories)):
                start = (category * len(self._ranges) + row) * len(self._images)
                for number in range(*self._group_bounds[category : category + 2].tolist()):
                    of_found, of_true = bounds[0][number], bounds[1][number]
                    image = int(self._image[number])
                    records[start + image] = {
                        "image_id": self._images[image],
                        "category_id": self._categories[category],
                        "aRng": limits,
                        "maxDet": self._limit,
                        "dtIds": self._found_ids[of_found],
                        "gtIds": true_ids[of_true],
                        "dtMatches": found_matches[:, of_found],
                        "gtMatches": true_matches[:, of_true],
                        "dtScores": self._scores[of_found],
                        "gtIgnore": ignored[of_true],
                        "dtIgnore": self._is_ignored[row][:, of_found],
                    }
        return records


def bits_of(
    is_match: NDArray[np.bool_], is_ignored: NDArray[np.bool_]
) -> list[tuple[int, NDArray[Any], NDArray[Any]]]:
    """Pack flags of shape (A, T, n) to integers of shape (A, n), for up to 64 thresholds each.

    Returns the number of thresholds and both integers.
    """
    parts = []
    for start in range(0, is_match.shape[1], 64):
        flags = [part[:, start : start + 64] for part in (is_match, is_ignored)]
        matched, ignored = map(packed, flags)
        parts.append((flags[0].shape[1], matched, ignored))
    return parts


def _count(labels: NDArray[np.int64], categories: int) -> NDArray[np.int64]:
    return np.bincount(labels, minlength=categories).astype(np.int64)


class Ranked:
    """The detections of each category, the best scores first.

    Parameters
    ----------
    category : numpy.ndarray
        Index of the category of each of the n detections, which are grouped by category and image.
    lengths : numpy.ndarray
        Number of detections of each category and image.
    scores : numpy.ndarray
        Scores of the detections.
    bits : list of tuple
        Number of thresholds, and a bit for each: whether each detection matches, and whether it is
        ignored, of shape (A, n) for A ranges of areas.
    num_true : numpy.ndarray
        Number of true objects to find: shape (A, K) for K categories.
    """

    def __init__(
        self,
        category: NDArray[np.int64],
        lengths: NDArray[np.int64],
        scores: NDArray[np.float64],
        bits: Sequence[tuple[int, NDArray[Any], NDArray[Any]]],
        num_true: NDArray[np.int64],
    ) -> None:
        order = np.lexsort((-scores, category))
        ranks = np.arange(len(scores)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        self._ranks, self._scores = ranks[order], scores[order]
        self._bits = [
            (count, matched.take(order, axis=1), ignored.take(order, axis=1))
            for count, matched, ignored in bits
        ]
        self._categories = offsets_of(_count(category, num_true.shape[1]))
        self._num_true = num_true

    @classmethod
    def of_records(
        cls, by_category: Sequence[Sequence[Record | None]], num_thresholds: int
    ) -> Ranked:
        """Collect the detections of items of ``evalImgs``, for one range of areas."""
        labeled = [
            (k, record)
            for k, records in enumerate(by_category)
            for record in records
            if record is not None
        ]
        labels = np.array([k for k, _ in labeled], np.int64)
        parts = [record for _, record in labeled]
        lengths = np.array([len(part["dtScores"]) for part in parts], np.int64)
        scores = list(chain.from_iterable(part["dtScores"] for part in parts))
        none = np.zeros((num_thresholds, 0))
        is_match, is_ignored = (
            np.concatenate([none, *(part[name] for part in parts)], axis=1)[None] != 0
            for name in ("dtMatches", "dtIgnore")
        )
        counted = [int(np.count_nonzero(np.asarray(part["gtIgnore"]) == 0)) for part in parts]
        num_true = np.zeros((1, len(by_category)), np.int64)
        np.add.at(num_true[0], labels, counted)
        return cls(
            np.repeat(labels, lengths),
            lengths,
            np.array(scores, np.float64),
            bits_of(is_match, is_ignored),
            num_true,
        )

    def curves(
        self, limits: Sequence[int], recalls: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return precision, scores and recall with M limits of detections per image.

        Their shapes are (K, A, M, T, R), (K, A, M, T, R) and (K, A, M, T); values are -1 where
        there are no true objects.
        """
        parts = [
            kernels.precision_recall(
                matched,
                ignored,
                self._scores,
                self._ranks,
                self._categories,
                self._num_true,
                np.array(limits, np.int64),
                count,
                recalls,
            )
            for count, matched, ignored in self._bits
        ]
        precision, scores, recall = (
            np.concatenate(part, axis=3) for part in zip(*parts, strict=True)
        )
        return precision, scores, recall
