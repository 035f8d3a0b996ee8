"""Masks, by the rules with the winner "first" or "last"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends import kernels
from segcore.masks import Masks
from segcore.overlap import intersection
from segcore.panoptic.inputs import Flags, Instances, Stuff
from segcore.panoptic.result import Panoptic, Segments
from segcore.panoptic.rules import PanopticRules
from segcore.panoptic.shares import most_taken


def compose_masks(
    masks: Masks, instances: Instances, stuff: Stuff, rules: PanopticRules
) -> Panoptic:
    """Give each pixel to the first instance, or the last, that may have it, then to stuff."""
    areas = masks.area
    has_class = np.ones(len(masks), np.bool_)
    if rules.vote:
        class_ids, has_class = _vote(masks, stuff)
        instances = replace(instances, class_ids=class_ids)
    candidates = instances.candidates(areas, None)
    segments = Segments(rules)
    order = instances.in_order(rules.order, areas)
    for i in order[~instances.passes[order]]:
        segments.drop(candidates[i], "score")
    order = order[instances.passes[order]]
    for i in order[areas[order] == 0]:
        segments.drop(candidates[i], "empty")
    order = order[areas[order] > 0]

    seen, left, loses, too_little = _take_turns(masks[order], stuff.masks, rules)
    if rules.vote:
        seen = seen & stuff.things.union()
    is_hidden = (seen.area == 0) & (not rules.keep_hidden)
    kept = []
    for row, i in enumerate(order.tolist()):
        if loses[row]:
            segments.drop(candidates[i], "overlap")
        elif not has_class[i]:
            segments.drop(candidates[i], "class")
        elif is_hidden[row]:
            segments.drop(candidates[i], "hidden")
        else:
            segments.add(candidates[i])
            kept.append(row)
    kept_stuff = []
    for row, candidate in enumerate(stuff.candidates):
        if too_little[row]:
            segments.drop(candidate, "area")
        else:
            segments.add(candidate)
            kept_stuff.append(row)
    return segments.measured(Masks.concatenate([seen[kept], left[kept_stuff]]), rules.void)


def _vote(masks: Masks, stuff: Stuff) -> tuple[NDArray[Any], Flags]:
    """Give the class of things that most pixels of each mask have, and whether any has one."""
    if not len(stuff.thing_ids):
        return np.full(len(masks), -1), np.zeros(len(masks), np.bool_)
    votes = intersection(masks, stuff.things)
    return stuff.thing_ids[votes.argmax(axis=1)], votes.max(axis=1) > 0


def _take_turns(
    instances: Masks, stuff: Masks, rules: PanopticRules
) -> tuple[Masks, Masks, Flags, Flags]:
    """Resolve overlaps: what is left of both, and which of them may not have it."""
    count = len(instances)
    turns = slice(None, None, -1 if rules.winner == "last" else 1)
    batch = Masks.concatenate([instances[turns], stuff])
    limits = np.concatenate(
        [most_taken(rules, instances.area[turns]), stuff.area - rules.stuff_area]
    )
    run_ends, offsets, overlaps = kernels.resolve(
        batch.run_ends, batch.offsets, *batch.size, limits
    )
    free = Masks._trusted((run_ends, offsets), batch.size)
    exceeds = overlaps > limits
    return free[:count][turns], free[count:], exceeds[:count][turns], exceeds[count:]
