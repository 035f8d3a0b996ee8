"""What comes in: instances, and stuff beneath them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore.arrays import as_array, as_integers, as_scores, is_in
from segcore.masks import Masks, check_same_size
from segcore.panoptic.rules import PanopticRules
from segcore.sampling import check_numbers, check_samples

Integers: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]


class Candidate(NamedTuple):
    """What may become a segment; ``area`` is what it covers by itself."""

    source: int | None
    category_id: int
    isthing: bool
    score: float | None
    area: int


@dataclass(frozen=True)
class Instances:
    """What is said of the instances: arrays of one value each."""

    class_ids: Integers
    scores: NDArray[Any] | None
    passes: Flags  # whether score and class let them take part

    @classmethod
    def of(
        cls,
        count: int,
        class_ids: ArrayLike | None,
        scores: ArrayLike | None,
        no_object: int | None,
        rules: PanopticRules,
    ) -> Instances:
        """Check and convert the arguments of ``compose_panoptic``."""
        if class_ids is None and not rules.vote:
            raise ValueError("class_ids: expected one a mask; only rules with a vote do without")
        if class_ids is not None and rules.vote:
            raise ValueError("class_ids: these rules take a vote on them; pass None")
        classes = np.full(count, -1)
        if class_ids is not None:
            classes = _as_int64(as_integers(class_ids, "class_ids", count), "class_ids")
        if scores is None and (
            rules.score_threshold is not None or rules.order == "score" or rules.winner == "argmax"
        ):
            raise ValueError("scores: these rules need them, one a mask")
        numbers = None if scores is None else as_scores(scores, "scores", count)
        passes = np.ones(count, np.bool_)
        if numbers is not None and rules.score_threshold is not None:
            dtype = np.dtype(rules.score_dtype)
            compare = np.greater if rules.score_above else np.greater_equal
            passes = compare(numbers.astype(dtype), dtype.type(rules.score_threshold))
        if no_object is not None:
            passes = passes & (classes != no_object)
        return cls(classes, numbers, passes)

    def in_order(self, order: str, areas: Integers) -> NDArray[np.intp]:
        """Give the indices of the instances in the order of the rules."""
        if order == "input":
            return np.arange(len(areas))
        values: NDArray[Any]
        if order == "area":
            values = np.where(areas == 0, np.iinfo(np.int64).max, areas)
        else:
            assert self.scores is not None
            values = self.scores
        # Descending, but stable: reversed before and after an ascending sort.
        return len(areas) - 1 - np.argsort(values[::-1], kind="stable")[::-1]

    def candidates(self, areas: Integers, things: NDArray[Any] | None) -> list[Candidate]:
        """Give all instances; of which classes are things says ``things``, or all are."""
        count = len(areas)
        isthing = [True] * count if things is None else is_in(self.class_ids, things).tolist()
        scores = [None] * count if self.scores is None else self.scores.astype(float).tolist()
        columns = range(count), self.class_ids.tolist(), isthing, scores, areas.tolist()
        return [Candidate(*each) for each in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Stuff:
    """What may lie beneath the instances, without what the rules ignore."""

    masks: Masks
    candidates: list[Candidate]
    things: Masks  # what has a class of things there, one mask a class
    thing_ids: Integers

    @classmethod
    def of(
        cls,
        stuff: ArrayLike | tuple[Masks, ArrayLike] | None,
        instances: Masks,
        things: NDArray[Any] | None,
        rules: PanopticRules,
    ) -> Stuff:
        """Check and convert the argument of ``compose_panoptic``."""
        pair: Any = None
        if isinstance(stuff, tuple) and len(stuff) == 2 and isinstance(stuff[0], Masks):
            pair = stuff
        if rules.vote and (stuff is None or pair or things is None):
            raise ValueError(
                "stuff, things: these rules take a vote on the classes, in a semantic map (H, W), "
                "among the classes of things; pass both"
            )
        if stuff is None:
            masks, class_ids = instances[:0], np.empty(0, np.int64)
        elif pair:
            masks = pair[0]
            check_same_size(instances, masks)
            class_ids = as_integers(pair[1], "stuff: class ids", len(masks))
        else:
            class_ids, masks = Masks.from_label_map(_label_map(stuff, instances), None)
        ids = _as_int64(class_ids, "stuff")
        is_thing = is_in(ids, [] if things is None else things)
        [places] = np.nonzero(~is_thing & ~is_in(ids, rules.stuff_ignore))
        sources = places.tolist() if pair else [None] * len(places)
        kept = masks if len(places) == len(masks) else masks[places]
        columns = sources, ids[places].tolist(), kept.area.tolist()
        candidates = [Candidate(i, k, False, None, a) for i, k, a in zip(*columns, strict=True)]
        return cls(kept, candidates, masks[is_thing], ids[is_thing])


def probabilities_of(values: ArrayLike) -> NDArray[np.number]:
    """Check soft masks (N, h, w)."""
    array = as_array(values, "masks")
    check_numbers(array, "masks")
    if array.ndim != 3:
        raise ValueError(f"masks: expected probabilities (N, h, w), got the shape {array.shape}")
    check_samples(array, "masks")
    return array


def _label_map(stuff: Any, masks: Masks) -> NDArray[Any]:
    labels = as_array(stuff, "stuff")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"stuff: expected a map of integers, got {labels.dtype}")
    if labels.shape != masks.size:
        raise ValueError(f"stuff: expected the masks' size {masks.size}, got {labels.shape}")
    return labels


def _as_int64(ids: NDArray[Any], name: str) -> Integers:
    if ids.size and int(ids.max()) > np.iinfo(np.int64).max:
        raise ValueError(f"{name}: the class {ids.max()} does not fit into int64")
    return ids.astype(np.int64)
