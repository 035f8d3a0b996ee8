"""Make argmax.npz: class scores and queries, and the label maps that torch makes of them.

Run it from the repository with torch installed: ``PYTHONPATH=tests python
tests/golden/make_argmax.py``. Inputs are multiples of 2**-8, and kept, so that other versions of
NumPy have the same. Each answer is the labels, and where the best two classes are so close (1e-5)
that it may be another one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from api.test_argmax_torch import close_calls, resized, semantic
from support.soft_inputs import logits

FILE = Path(__file__).with_name("argmax.npz")
SIZE = (61, 83)


def on_grid(values: np.ndarray) -> np.ndarray:
    return (np.round(values * 256) / 256).astype(np.float16)


def answer(name: str, scores: torch.Tensor) -> dict[str, np.ndarray]:
    labels = scores.argmax(0).numpy().astype(np.uint8)
    return {name: labels, f"{name}_close": np.packbits(close_calls(scores))}


def main() -> None:
    scores, masks = on_grid(logits(7, 12, 16, seed=21)), on_grid(logits(8, 12, 16, seed=22))
    classes = on_grid(np.random.default_rng(23).dirichlet(np.ones(6), size=8)[:, :5])
    arrays = {"scores": scores, "masks": masks, "classes": classes}
    given, queries, weights = (torch.tensor(each).float() for each in (scores, masks, classes))
    arrays |= answer("enlarged", resized(given, SIZE))
    arrays |= answer("reduced", resized(given, (7, 9)))
    arrays |= answer("maskformer", resized(semantic(queries, weights), SIZE))
    inner = semantic(resized(queries, (48, 48)), weights)
    arrays |= answer("mask2former", resized(inner, SIZE))
    inner = semantic(resized(queries, (48, 64)), weights)[:, :37]
    arrays |= answer("by_steps", resized(inner, SIZE))
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
