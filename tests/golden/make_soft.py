"""Make soft.npz: soft masks, and the masks that torch and torchvision make of them.

Run it from the repository with torch and torchvision installed:
``PYTHONPATH=tests python tests/golden/make_soft.py``. Inputs are multiples of 2**-8, and kept, so
that other versions of NumPy have the same. Each answer is two sets of pixels: what is foreground,
and what is so close to the threshold (1e-5) that it may be either.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from api.test_soft_torch import pasted_as_detectron2, resized
from support.soft_inputs import detections, logits
from torchvision.models.detection import roi_heads

FILE = Path(__file__).with_name("soft.npz")
TOLERANCE = 1e-5


def on_grid(values: np.ndarray) -> np.ndarray:
    return (np.round(values * 256) / 256).astype(np.float32)


def answer(values: np.ndarray, threshold: float, inside=True, inclusive=False) -> np.ndarray:
    """Give the two sets of pixels, packed."""
    above = values >= threshold if inclusive else values > threshold
    return np.packbits([above & inside, (np.abs(values - threshold) <= TOLERANCE) & inside])


def main() -> None:
    arrays = {}
    size = (61, 83)
    probs, boxes = (on_grid(each) for each in detections(24, 14, size, 11))
    values, inside = pasted_as_detectron2(torch.tensor(probs), torch.tensor(boxes), size)
    arrays["probs"], arrays["boxes"] = probs.astype(np.float16), boxes
    arrays["detectron2"] = answer(values.numpy(), 0.5, inside, inclusive=True)

    touches = np.all((boxes[:, :2] < size[::-1]) & (boxes[:, 2:] > 0), axis=1)
    values = np.zeros((len(probs), *size), np.float32)
    given = torch.tensor(probs[touches, None]), torch.tensor(boxes[touches])
    values[touches] = roi_heads.paste_masks_in_image(*given, size)[:, 0]
    arrays["torchvision"] = answer(values, 0.5)

    scores = on_grid(logits(4, 24, 32, seed=12))
    arrays["scores"] = scores.astype(np.float16)
    given = torch.tensor(scores)
    arrays["upsampled"] = answer(resized(given, (97, 130)).numpy(), 0.25)
    arrays["reduced"] = answer(resized(given, (11, 9)).numpy(), 0.25)
    by_steps = resized(resized(given, (96, 128))[:, :71, :128], (50, 90))
    arrays["by_steps"] = answer(by_steps.numpy(), 0.25)
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
