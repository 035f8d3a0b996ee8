"""Image sizes: what is allowed, and the run-end dtype that follows."""

from __future__ import annotations

import numpy as np

MAX_PIXELS = 2**59
"""Sizes have fewer pixels than this, so that sums of two pixel counts fit in 64 bits and every
run fits in the twelve characters that a COCO string spends on one count at the most."""


def run_end_dtype(height: int, width: int) -> np.dtype:
    """Return uint32 for fewer than 2**32 pixels, else uint64."""
    return np.dtype(np.uint32 if height * width < 2**32 else np.uint64)
