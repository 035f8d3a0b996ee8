"""Panoptic composition of queries with soft masks: rules with ``winner="argmax"``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import Size
from segcore._input.scores import as_float32
from segcore.backends import kernels
from segcore.maps.panoptic.inputs import Instances
from segcore.maps.panoptic.result import Panoptic, PanopticBuilder
from segcore.maps.panoptic.rules import PanopticRules
from segcore.maps.panoptic.shares import wins_enough
from segcore.masks import Masks, wrap
from segcore.models.positions import bilinear_positions
from segcore.models.upsample import upsample_masks


def compose_queries(
    probabilities: NDArray[np.number],
    instances: Instances,
    size: Size,
    things: NDArray[Any] | None,
    rules: PanopticRules,
) -> Panoptic:
    """Assign each pixel to the query with the greatest product of score and probability."""
    assert instances.scores is not None
    builder = PanopticBuilder(rules)
    zeros = np.zeros(len(probabilities), np.int64)
    order = instances.in_order(rules.order, zeros)
    without_area = instances.candidates(zeros, things)
    for i in order[~instances.passes[order]]:
        builder.drop(without_area[i], "score")
    order = order[instances.passes[order]]
    if not len(order):
        void = rules.void if rules.void_if_no_query is None else rules.void_if_no_query
        return builder.build(Masks([], [0], size), void)

    remaining = as_float32(probabilities[order])
    with np.errstate(invalid="ignore", over="ignore"):
        weighted = remaining * instances.scores[order].astype(np.float32)[:, None, None]
    won = _winners(weighted, size)
    # upsample_masks compares with `>`, the rules with `>=`.
    below = np.nextafter(np.float32(rules.mask_threshold), np.float32(-np.inf))
    confident = upsample_masks(
        weighted if rules.weighted_confidence else remaining, size, float(below)
    )
    painted = won if rules.assign_all_won else won & confident
    areas = zeros
    areas[order] = confident.area
    candidates = instances.candidates(areas, things)
    is_hidden = (won.area == 0) | ((painted.area == 0) & (not rules.keep_hidden))
    is_overlapped = ~wins_enough(rules, won.area, areas[order])

    for row, i in enumerate(order.tolist()):
        if areas[i] == 0:
            builder.drop(candidates[i], "empty")
        elif is_hidden[row]:
            builder.drop(candidates[i], "hidden")
        elif is_overlapped[row]:
            builder.drop(candidates[i], "overlap")
        else:
            builder.add(candidates[i], row)
    return builder.build(painted, rules.void)


def _winners(weighted: NDArray[np.float32], size: Size) -> Masks:
    """Return one mask per query: the pixels at which it has the greatest interpolated value."""
    count, height, width = weighted.shape
    labels = np.empty(size, np.min_scalar_type(count - 1))
    y, x = bilinear_positions(height, size[0]), bilinear_positions(width, size[1])
    kernels.argmax_resample(weighted, x, y, labels)
    ids, batch = kernels.label_runs(labels, None)
    lengths = np.zeros(count, np.int64)
    lengths[ids] = np.diff(batch.offsets)
    return wrap(batch._replace(offsets=offsets_of(lengths)))
