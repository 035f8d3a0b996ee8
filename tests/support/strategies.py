"""Hypothesis strategies: sizes, masks and batches."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

sides = st.integers(0, 9) | st.sampled_from([15, 16, 17, 33, 63, 64, 65, 130])
sizes = st.tuples(sides, sides)
seeds = st.integers(0, 2**32 - 1)
large_sizes = st.sampled_from(
    [(2**16, 2**16 - 1), (2**16, 2**16), (2**20, 2**20), (3, 2**40), (2**40, 3), (2**29, 2**29)]
)


@st.composite
def dense(draw: st.DrawFn, max_count: int = 5) -> np.ndarray:
    """Draw (N, H, W) booleans: pixel by pixel where they are few, else noise of some density."""
    height, width = draw(sizes)
    count = draw(st.integers(0, max_count))
    if height * width <= 30:
        return draw(hnp.arrays(bool, (count, height, width)))
    rng = np.random.default_rng(draw(seeds))
    density = draw(st.sampled_from([0, 0.02, 0.5, 0.98, 1]))
    blocks = draw(st.sampled_from([1, 1, 7]))
    noise = rng.random((count, -(-height // blocks), -(-width // blocks))) < density
    return noise.repeat(blocks, axis=1).repeat(blocks, axis=2)[:, :height, :width]


@st.composite
def two_dense(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw two batches of one size."""
    both = draw(dense(max_count=8))
    cut = draw(st.integers(0, len(both)))
    return both[:cut], both[cut:]


@st.composite
def large_flips(draw: st.DrawFn, pixels: int) -> np.ndarray:
    """Draw the flips of one mask of a size that no dense array can have: int64."""
    near = st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, pixels - 1])
    places = draw(st.sets(near | st.integers(0, pixels - 1), max_size=12))
    return np.array(sorted(place for place in places if place < pixels), np.int64)
