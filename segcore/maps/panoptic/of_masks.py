"""Panoptic composition of masks: rules with ``winner="first"`` or ``"last"``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.backends import kernels
from segcore.maps.panoptic.inputs import BoolArray, Instances, Stuff
from segcore.maps.panoptic.result import Panoptic, PanopticBuilder
from segcore.maps.panoptic.rules import PanopticRules
from segcore.maps.panoptic.shares import max_overlaps
from segcore.masks import Masks, unwrap, wrap
from segcore.ops.overlap import intersection_area


def compose_masks(
    masks: Masks, instances: Instances, stuff: Stuff, rules: PanopticRules
) -> Panoptic:
    """Assign each pixel to the first (or last) instance that covers it, or else to stuff."""
    areas = masks.area
    has_class = np.ones(len(masks), np.bool_)
    if rules.vote:
        class_ids, has_class = _vote(masks, stuff)
        instances = replace(instances, class_ids=class_ids)
    candidates = instances.candidates(areas, None)
    builder = PanopticBuilder(rules)
    order = instances.in_order(rules.order, areas)
    for i in order[~instances.passes[order]]:
        builder.drop(candidates[i], "score")
    order = order[instances.passes[order]]
    if not rules.keep_empty:
        for i in order[areas[order] == 0]:
            builder.drop(candidates[i], "empty")
        order = order[areas[order] > 0]

    visible, is_overlapped = _resolve(masks[order], stuff.masks, rules)
    if rules.vote:
        voted = visible[: len(order)] & stuff.things.union()
        visible = Masks.concatenate([voted, visible[len(order) :]])
    is_hidden = (visible[: len(order)].area == 0) & (areas[order] > 0) & (not rules.keep_hidden)
    for row, i in enumerate(order.tolist()):
        if is_overlapped[row]:
            builder.drop(candidates[i], "overlap")
        elif not has_class[i]:
            builder.drop(candidates[i], "class")
        elif is_hidden[row]:
            builder.drop(candidates[i], "hidden")
        else:
            builder.add(candidates[i], row)
    for row, candidate in enumerate(stuff.candidates, len(order)):
        if is_overlapped[row]:
            builder.drop(candidate, "area")
        else:
            builder.add(candidate, row)
    return builder.build(visible, rules.void)


def _vote(masks: Masks, stuff: Stuff) -> tuple[NDArray[Any], BoolArray]:
    """Return the most frequent thing class in each mask, and whether it has any thing pixels."""
    if not len(stuff.thing_ids):
        return np.full(len(masks), -1), np.zeros(len(masks), np.bool_)
    votes = intersection_area(masks, stuff.things)
    return stuff.thing_ids[votes.argmax(axis=1)], votes.max(axis=1) > 0


def _resolve(instances: Masks, stuff: Masks, rules: PanopticRules) -> tuple[Masks, BoolArray]:
    """Return the visible parts of all instances and stuff, and which of them lose too much."""
    batch = Masks.concatenate([instances, stuff])
    min_area = min(rules.stuff_area, np.iinfo(np.int64).max)
    limits = np.concatenate([max_overlaps(rules, instances.area), stuff.area - min_area])
    order = np.arange(len(batch))
    if rules.winner == "last":
        order[: len(instances)] = order[: len(instances)][::-1]
        batch = batch[order]
    resolved, overlaps = kernels.resolve(unwrap(batch), limits[order])
    visible = wrap(resolved)
    if rules.winner == "last":  # the permutation is its own inverse
        visible = visible[order]
    return visible, overlaps[order] > limits
