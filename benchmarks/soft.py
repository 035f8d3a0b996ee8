"""Soft masks beside torch and pycocotools: ``python -m benchmarks.soft``.

On one thread each. torch does what the pipelines do: mask by mask, interpolate, threshold, encode.
The answers are compared first: COCO's strings, of which some may differ where a value lies at the
threshold.
"""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

Strings = list[bytes]

PICTURE = 800, 1333
LARGE = 3024, 4032


def heads(
    count: int, side: int, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw what a Mask R-CNN head emits: probabilities (N, side, side), and boxes.

    The boxes are from 24 to 500 pixels long, small ones as often as large ones.
    """
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    radius, angle = np.hypot(y, x), np.arctan2(y, x)
    outlines = (
        0.75 + 0.12 * np.sin(rng.integers(2, 6) * angle + rng.uniform(0, 6)) for _ in range(count)
    )
    probs = np.array([1 / (1 + np.exp((radius - outline) * 14)) for outline in outlines])
    limits = np.array([size[1], size[0]])
    centre = rng.uniform(0.05, 0.95, (count, 2)) * limits
    reach = np.exp(rng.uniform(np.log(12), np.log(250), (count, 2)))
    boxes = np.concatenate([(centre - reach).clip(0), (centre + reach).clip(max=limits)], axis=1)
    return probs.astype(np.float32), boxes.astype(np.float32)


def wobbly(count: int, side: int) -> NDArray[np.float32]:
    """Draw logits of objects on the whole picture, (N, side, side), noisy as networks are."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side] / (side - 1)
    scores = np.empty((count, side, side), np.float32)
    for i in range(count):
        cy, cx = rng.uniform(0.1, 0.9, 2)
        radius = np.exp(rng.uniform(np.log(0.03), np.log(0.3)))
        angle = np.arctan2(y - cy, x - cx)
        outline = radius * (1 + 0.2 * np.sin(rng.integers(2, 7) * angle + rng.uniform(0, 6)))
        scores[i] = (outline - np.hypot(y - cy, x - cx)) * 60 + rng.normal(0, 0.05, y.shape)
    return scores


# -- torch ----------------------------------------------------------------------------------------


class Torch:
    """The pipelines, in torch's and pycocotools' functions."""

    def __init__(self) -> None:
        import torch
        from pycocotools import mask

        warnings.simplefilter("ignore")  # pycocotools' own, under NumPy 2
        torch.set_num_threads(1)
        self.torch, self.mask = torch, mask

    def paste(self, probs: Any, boxes: Any, size: tuple[int, int]) -> Strings:
        """Do as detectron2 does on a CPU: grid_sample in the box, canvas, encode."""
        torch = self.torch
        height, width = size
        canvas = torch.zeros((len(probs), *size), dtype=torch.bool)
        for i in range(len(probs)):
            x0, y0, x1, y1 = boxes[i]
            left, top = ((each.floor() - 1).clamp(min=0).to(torch.int32) for each in (x0, y0))
            right = (x1.ceil() + 1).clamp(max=width).to(torch.int32)
            bottom = (y1.ceil() + 1).clamp(max=height).to(torch.int32)
            x = torch.arange(left, right, dtype=torch.float32) + 0.5
            y = torch.arange(top, bottom, dtype=torch.float32) + 0.5
            x, y = (x - x0) / (x1 - x0) * 2 - 1, (y - y0) / (y1 - y0) * 2 - 1
            grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=2)[None]
            values = torch.nn.functional.grid_sample(probs[i, None, None], grid)
            canvas[i, top:bottom, left:right] = values[0, 0] >= 0.5
        return [self.encode(each) for each in canvas]

    def resize(self, scores: Any, size: tuple[int, int]) -> Any:
        return self.torch.nn.functional.interpolate(scores, size, mode="bilinear")

    def upsample(self, scores: Any, size: tuple[int, int]) -> Strings:
        """Interpolate, threshold and encode, mask by mask."""
        return [self.encode(self.resize(each[None, None], size)[0, 0] > 0) for each in scores]

    def two_steps(self, scores: Any, size: tuple[int, int]) -> Strings:
        """Do the same as SAM does: to 1024 x 1024, crop, to the picture."""
        rows = round(1024 * size[0] / size[1])
        strings = []
        for each in scores:
            middle = self.resize(each[None, None], (1024, 1024))[:, :, :rows]
            strings.append(self.encode(self.resize(middle, size)[0, 0] > 0))
        return strings

    def encode(self, mask: Any) -> bytes:
        """Encode with pycocotools; torch transposes faster than NumPy."""
        columns = mask.T.contiguous().numpy().view(np.uint8).T
        counts: bytes = self.mask.encode(columns)["counts"]
        return counts


# -- measuring ------------------------------------------------------------------------------------


def best(run: Callable[[], Any], rounds: int) -> tuple[float, Any]:
    """Give the best time in milliseconds, and the result."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        result = run()
        times.append(perf_counter() - start)
    return 1e3 * min(times), result


def compare(
    name: str, ours: Callable[[], sc.Masks], theirs: Callable[[], Strings], part: float
) -> None:
    """Print both times; ``part`` of the masks are given to the others."""
    ours()
    time, masks = best(ours, 20)
    time_to_strings, objects = best(lambda: ours().to_coco(), 20)
    their_time, strings = best(theirs, 3)
    got = [each["counts"].encode() for each in objects[: len(strings)]]
    equal = sum(a == b for a, b in zip(got, strings, strict=True))
    their_time /= part
    print(
        f"{name}: segcore {time:.3f} ms ({len(masks.run_ends)} run ends), {time_to_strings:.3f} ms "
        f"with COCO's strings; torch and pycocotools {their_time:.0f} ms: {their_time / time:.0f} "
        f"and {their_time / time_to_strings:.0f} times that; {equal} of {len(strings)} masks equal"
    )


def extra_memory() -> str:
    """Upsample 300 masks in a fresh process: the peak above what there was before, in MiB."""
    code = "from benchmarks.soft import print_extra_memory as p; p()"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def print_extra_memory() -> None:
    """Print the peak of the resident memory above what it was before (Linux alone tells)."""
    sc.set_num_threads(1)
    scores = wobbly(300, 160)
    sc.upsample_masks(scores[:1, :8, :8], (9, 9), 0.0)  # what is loaded once

    def kilobytes(key: str) -> int:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return int(next(line for line in lines if line.startswith(key)).split()[1])

    Path("/proc/self/clear_refs").write_text("5", "utf-8")
    before = kilobytes("VmRSS")
    masks = sc.upsample_masks(scores, LARGE, 0.0)
    peak = kilobytes("VmHWM") - before
    print(f"{peak / 1024:.1f} MiB, of which {masks.run_ends.nbytes / 2**20:.1f} are the result")


def main() -> None:
    """Compare all."""
    sc.set_num_threads(1)
    torch = Torch()
    tensor = torch.torch.tensor
    print(f"segcore on {sc.backends.current()}, torch {torch.torch.__version__}, one thread each")

    probs, boxes = heads(100, 28, PICTURE)
    given = tensor(probs), tensor(boxes)
    compare(
        "paste 100 masks of 28 x 28 into 800 x 1333",
        lambda: sc.paste_masks(probs, boxes, PICTURE),
        lambda: torch.paste(*given, PICTURE),
        1,
    )
    scores = wobbly(300, 160)
    few = tensor(scores[:15])
    compare(
        "upsample 300 masks of 160 x 160 to 3024 x 4032 (torch: 15 of them)",
        lambda: sc.upsample_masks(scores, LARGE, 0.0),
        lambda: torch.upsample(few, LARGE),
        15 / 300,
    )
    if sys.platform == "linux":
        print(f"  peak extra memory: {extra_memory()}")
    scores = wobbly(30, 256)
    few = tensor(scores[:10])
    compare(
        "upsample 30 masks of 256 x 256 as SAM does to 1500 x 2250 (torch: 10 of them)",
        lambda: sc.upsample_masks(
            scores, (1500, 2250), 0.0, crop=(683, 1024), intermediate=(1024, 1024)
        ),
        lambda: torch.two_steps(few, (1500, 2250)),
        10 / 30,
    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
