"""Validated inputs of ``compose_panoptic``: instances and stuff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_integers, as_label_map, as_scores, is_in
from segcore._input.scores import check_numbers, check_samples
from segcore.maps.panoptic.rules import PanopticRules
from segcore.masks import Masks, check_same_size

IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]


class Candidate(NamedTuple):
    """An instance or a piece of stuff that may become a segment.

    `source` is its index in the batch, or None for stuff of a semantic map; `area` is its area in
    pixels before overlaps are resolved.
    """

    source: int | None
    category_id: int
    isthing: bool
    score: float | None
    area: int


@dataclass(frozen=True)
class Instances:
    """Properties of the N instances, one array element per instance."""

    class_ids: IntArray
    scores: NDArray[Any] | None
    passes: BoolArray  # whether the score reaches the threshold and the class is an object

    @classmethod
    def of(
        cls,
        count: int,
        class_ids: ArrayLike | None,
        scores: ArrayLike | None,
        no_object: int | None,
        rules: PanopticRules,
    ) -> Instances:
        """Validate the arguments of ``compose_panoptic`` that describe instances."""
        if class_ids is None and not rules.vote:
            raise ValueError(
                "class_ids: expected one class id per mask; only rules with vote=True accept None"
            )
        if class_ids is not None and rules.vote:
            raise ValueError("class_ids: expected None, as these rules vote on the classes")
        classes = np.full(count, -1)
        if class_ids is not None:
            classes = _as_int64(as_integers(class_ids, "class_ids", count), "class_ids")
        if scores is None and (
            rules.score_threshold is not None or rules.order == "score" or rules.winner == "argmax"
        ):
            raise ValueError("scores: required by these rules, one value per mask")
        numbers = None if scores is None else as_scores(scores, "scores", count)
        passes = np.ones(count, np.bool_)
        if numbers is not None and rules.score_threshold is not None:
            dtype = np.dtype(rules.score_dtype)
            compare = np.greater if rules.score_strict else np.greater_equal
            passes = compare(numbers.astype(dtype), dtype.type(rules.score_threshold))
        if no_object is not None:
            passes = passes & (classes != no_object)
        return cls(classes, numbers, passes)

    def in_order(self, order: str, areas: IntArray) -> NDArray[np.intp]:
        """Return the indices of the instances, sorted by `order` of the rules."""
        if order == "input":
            return np.arange(len(areas))
        values: NDArray[Any]
        if order == "area":
            values = np.where(areas == 0, np.iinfo(np.int64).max, areas)
        else:
            assert self.scores is not None
            values = self.scores
        # Descending and stable: reverse, sort in ascending order, reverse again.
        return len(areas) - 1 - np.argsort(values[::-1], kind="stable")[::-1]

    def candidates(self, areas: IntArray, things: NDArray[Any] | None) -> list[Candidate]:
        """Return one candidate per instance; without `things`, all are things."""
        count = len(areas)
        isthing = [True] * count if things is None else is_in(self.class_ids, things).tolist()
        scores = [None] * count if self.scores is None else self.scores.astype(float).tolist()
        columns = range(count), self.class_ids.tolist(), isthing, scores, areas.tolist()
        return [Candidate(*row) for row in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Stuff:
    """Stuff regions below the instances, without those that the rules ignore."""

    masks: Masks
    candidates: list[Candidate]  # one per mask
    things: Masks  # the regions that have a thing class, one mask per class
    thing_ids: IntArray  # their classes

    @classmethod
    def of(
        cls,
        stuff: ArrayLike | tuple[Masks, ArrayLike] | None,
        instances: Masks,
        things: NDArray[Any] | None,
        rules: PanopticRules,
    ) -> Stuff:
        """Validate the argument `stuff` of ``compose_panoptic``."""
        pair: Any = None
        if isinstance(stuff, tuple) and len(stuff) == 2 and isinstance(stuff[0], Masks):
            pair = stuff
        if rules.vote and (stuff is None or pair or things is None):
            raise ValueError(
                "stuff, things: these rules vote on the classes and require both a semantic map "
                "(H, W) and the thing classes"
            )
        if stuff is None:
            masks, class_ids = instances[:0], np.empty(0, np.int64)
        elif pair:
            masks = pair[0]
            check_same_size(instances, masks)
            class_ids = as_integers(pair[1], "stuff: class ids", len(masks))
        else:
            class_ids, masks = Masks.from_label_map(
                as_label_map(stuff, "stuff", instances.size), None
            )
        ids = _as_int64(class_ids, "stuff")
        is_thing = is_in(ids, [] if things is None else things)
        [indices] = np.nonzero(~is_thing & ~is_in(ids, rules.stuff_ignore))
        sources = indices.tolist() if pair else [None] * len(indices)
        kept = masks if len(indices) == len(masks) else masks[indices]
        candidates = [
            Candidate(source, class_id, False, None, area)
            for source, class_id, area in zip(
                sources, ids[indices].tolist(), kept.area.tolist(), strict=True
            )
        ]
        return cls(kept, candidates, masks[is_thing], ids[is_thing])


def as_probabilities(values: ArrayLike) -> NDArray[np.number]:
    """Return mask probabilities as an array of shape (N, h, w)."""
    array = as_array(values, "masks")
    check_numbers(array, "masks")
    if array.ndim != 3:
        raise ValueError(f"masks: expected probabilities (N, h, w), got the shape {array.shape}")
    check_samples(array, "masks")
    return array


def _as_int64(ids: NDArray[Any], name: str) -> IntArray:
    if ids.size and int(ids.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{name}: the class id {ids.max()} does not fit into int64")
    return ids.astype(np.int64)
