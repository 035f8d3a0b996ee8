"""Masks, by the rules with the winner "first" or "last"."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends import kernels
from segcore.maps.panoptic.inputs import Flags, Instances, Stuff
from segcore.maps.panoptic.result import Panoptic, Segments
from segcore.maps.panoptic.rules import PanopticRules
from segcore.maps.panoptic.shares import most_taken
from segcore.masks import Masks, wrap
from segcore.ops.overlap import intersection


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
    if not rules.keep_empty:
        for i in order[areas[order] == 0]:
            segments.drop(candidates[i], "empty")
        order = order[areas[order] > 0]

    parts, loses = _take_turns(masks[order], stuff.masks, rules)
    if rules.vote:
        seen = parts[: len(order)] & stuff.things.union()
        parts = Masks.concatenate([seen, parts[len(order) :]])
    is_hidden = (parts[: len(order)].area == 0) & (areas[order] > 0) & (not rules.keep_hidden)
    kept: list[list[int]] = []  # the rows of each segment
    for row, i in enumerate(order.tolist()):
        if loses[row]:
            segments.drop(candidates[i], "overlap")
        elif not has_class[i]:
            segments.drop(candidates[i], "class")
        elif is_hidden[row]:
            segments.drop(candidates[i], "hidden")
        else:
            segments.add(candidates[i], kept, row)
    for row, candidate in enumerate(stuff.candidates, len(order)):
        if loses[row]:
            segments.drop(candidate, "area")
        else:
            segments.add(candidate, kept, row)
    return segments.measured(parts, kept, rules.void)


def _vote(masks: Masks, stuff: Stuff) -> tuple[NDArray[Any], Flags]:
    """Give the class of things that most pixels of each mask have, and whether any has one."""
    if not len(stuff.thing_ids):
        return np.full(len(masks), -1), np.zeros(len(masks), np.bool_)
    votes = intersection(masks, stuff.things)
    return stuff.thing_ids[votes.argmax(axis=1)], votes.max(axis=1) > 0


def _take_turns(instances: Masks, stuff: Masks, rules: PanopticRules) -> tuple[Masks, Flags]:
    """Resolve overlaps: what is left of instances and stuff, and which lose too much."""
    batch = Masks.concatenate([instances, stuff])
    least = min(rules.stuff_area, np.iinfo(np.int64).max)
    limits = np.concatenate([most_taken(rules, instances.area), stuff.area - least])
    turns = np.arange(len(batch))
    if rules.winner == "last":
        turns[: len(instances)] = turns[: len(instances)][::-1]
        batch = batch[turns]
    run_ends, offsets, overlaps = kernels.resolve(
        batch.run_ends, batch.offsets, *batch.size, limits[turns]
    )
    parts = wrap((run_ends, offsets), batch.size)
    if rules.winner == "last":  # and back: the turns are their own inverse
        parts = parts[turns]
    return parts, overlaps[turns] > limits
