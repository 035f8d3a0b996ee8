"""runs: arithmetic on run ends that all backends share."""

from __future__ import annotations

import numpy as np
from support.util import assert_identical, batch_of, patterns

from segcore.backends import reference
from segcore.backends.protocol import AND
from segcore.backends.runs import run_ends_of, runs_near


def test_runs_near_keep_the_intersection():
    masks, others = batch_of(patterns(9, 14)), batch_of(patterns(9, 14, seed=1))
    index = np.random.default_rng(0).permutation(len(masks.offsets) - 1)
    near = runs_near(masks, index, others)
    whole = batch_of(patterns(9, 14)[index])
    assert_identical(reference.combine(near, others, AND), reference.combine(whole, others, AND))
    assert len(near.run_ends) < len(whole.run_ends)


def test_run_ends_of_stretches_some_of_which_are_empty():
    ends = np.array([0, 3, 3, 5, 8, 8])
    is_foreground = np.array([True, False, True, True, True, False])
    assert run_ends_of(ends, is_foreground).tolist() == [3]
    assert run_ends_of(ends, ~is_foreground).tolist() == [0, 3]
    assert run_ends_of(np.zeros(0, np.int64), np.zeros(0, bool)).tolist() == []
