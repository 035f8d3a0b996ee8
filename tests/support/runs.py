"""A mask with runs of many lengths."""

from __future__ import annotations

import numpy as np


def mask_of_many_runs():
    """Return a 9 x 200 mask whose runs are 1 to 270 pixels long in row-major order."""
    mask = np.zeros((9, 200), np.uint8)
    mask[0, 3] = mask[1, 5:8] = mask[2, 10:50] = mask[3] = mask[4, :70] = mask[8, 199] = 1
    return mask
