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

    def ranked(self, category: int, area: int, images: Sequence[int]) -> Ranked:
        """Return the detections of a category in some images, for one range of areas."""
        first, last = self._group_bounds[category : category + 2]
        is_chosen = np.isin(self._image[first:last], images)
        found, true = (
            bounds[first] + np.flatnonzero(np.repeat(is_chosen, np.diff(bounds[first : last + 1])))
            for bounds in (self._found_bounds, self._true_bounds)
        )
        return Ranked(
            np.diff(self._found_bounds[first : last + 1])[is_chosen],
            self._score_column[found],
            [(count, *(bits[area, found] for bits in flags)) for count, *flags in self._bits],
            int(np.count_nonzero(~self._ignored[area, true])),
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
) -> list[tuple[int, NDArray[np.uint64], NDArray[np.uint64]]]:
    """Pack flags of shape (A, T, n) to integers of shape (A, n), for up to 64 thresholds each.

    Returns the number of thresholds and both integers.
    """
    parts = []
    for start in range(0, is_match.shape[1], 64):
        flags = [part[:, start : start + 64] for part in (is_match, is_ignored)]
        matched, ignored = (packed(part).astype(np.uint64) for part in flags)
        parts.append((flags[0].shape[1], matched, ignored))
    return parts


class Ranked:
    """The detections of one category and range of areas, the best scores first.

    Parameters
    ----------
    lengths : numpy.ndarray
        Number of detections per image.
    scores : numpy.ndarray
        Scores of the n detections, image by image.
    bits : list of tuple
        Number of thresholds, and a bit for each: whether each detection matches, and whether it is
        ignored, of shape (n,).
    num_true : int
        Number of true objects to find.
    """

    def __init__(
        self,
        lengths: NDArray[np.int64],
        scores: NDArray[np.float64],
        bits: Sequence[tuple[int, NDArray[np.uint64], NDArray[np.uint64]]],
        num_true: int,
    ) -> None:
        order = np.argsort(-scores, kind="stable")
        ranks = np.arange(len(scores)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        self._ranks, self._scores = ranks[order], scores[order]
        self._bits = [(count, matched[order], ignored[order]) for count, matched, ignored in bits]
        self.num_true = num_true

    @classmethod
    def of_records(cls, records: Sequence[Record | None]) -> Ranked:
        """Collect the detections of items of ``evalImgs``."""
        parts = [record for record in records if record is not None]
        if not parts:
            return cls(np.empty(0, np.int64), np.empty(0), [], 0)
        scores = list(chain.from_iterable(part["dtScores"] for part in parts))
        is_match, is_ignored = (
            np.concatenate([part[name] for part in parts], axis=1)[None] != 0
            for name in ("dtMatches", "dtIgnore")
        )
        bits = bits_of(is_match, is_ignored)
        ignored = np.concatenate([part["gtIgnore"] for part in parts])
        return cls(
            np.array([len(part["dtScores"]) for part in parts]),
            np.array(scores, np.float64),
            [(count, matched[0], ignored[0]) for count, matched, ignored in bits],
            int(np.count_nonzero(ignored == 0)),
        )

    def curves(
        self, limit: int, recalls: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return precision, scores and recall with a limit of detections per image."""
        kept = self._ranks < limit
        scores = self._scores[kept]
        parts = [
            kernels.precision_recall(
                matched[kept], ignored[kept], scores, self.num_true, count, recalls
            )
            for count, matched, ignored in self._bits
        ]
        precision, at, recall = (np.concatenate(part) for part in zip(*parts, strict=True))
        return precision, at, recall
