"""Label maps of class scores beside torch: ``python -m benchmarks.argmax``.

On one thread each, from 128 x 128 scores to 3024 x 4032 pixels. torch interpolates a few classes at
a time and keeps the best: all of them at once would take 7 GB. The labels are compared; they may
differ where two classes are nearly equal.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

from .soft import LARGE, best

SIDE = 128
CHUNK = 25
"""Classes at a time: with channels last, of those tried here the fastest for torch."""

KINDS = (
    ("smooth blobs", "blobs", 150),
    ("noise", "noise", 150),
    ("all equal", "ties", 150),
    ("one class", "noise", 1),
    ("two classes, noise", "noise", 2),
    ("1000 classes, smooth blobs", "blobs", 1000),
    ("1000 classes, noise", "noise", 1000),
)


def scores_of(kind: str, classes: int, side: int) -> NDArray[np.float32]:
    """Draw class scores (C, side, side) of a kind: "blobs", "noise" or "ties"."""
    rng = np.random.default_rng(0)
    shape = (classes, side, side)
    if kind == "ties":
        return np.zeros(shape, np.float32)
    noise = rng.standard_normal(shape, np.float32)
    if kind == "noise":
        return noise
    # Blobs of a dozen samples: low frequencies alone.
    spectrum = np.fft.rfft2(noise)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side))
    smooth = np.fft.irfft2(spectrum * np.exp(-200 * frequency**2), (side, side))
    return (smooth / smooth.std()).astype(np.float32)


def by_torch(scores: NDArray[np.float32], size: tuple[int, int]) -> Any:
    """Interpolate some classes at a time, and keep the best."""
    import torch

    given = torch.tensor(scores)[None]
    greatest = labels = None
    with torch.inference_mode():
        for first in range(0, len(scores), CHUNK):
            some = given[:, first : first + CHUNK].contiguous(memory_format=torch.channels_last)
            values = torch.nn.functional.interpolate(some, size, mode="bilinear")[0]
            values, ids = values.max(0)
            if greatest is None:
                greatest, labels = values, ids
            else:
                better = values > greatest
                greatest.copy_(torch.maximum(greatest, values))
                labels = torch.where(better, ids + first, labels)
    return labels


def print_extra_memory(kind: str) -> None:
    """Print the peak of the resident memory above what it was before (Linux alone tells)."""
    sc.set_num_threads(1)
    scores = scores_of(kind, 150, SIDE)
    sc.argmax_upsample(scores[:, :8, :8], (9, 9))  # what is loaded once

    def kilobytes(key: str) -> int:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return int(next(line for line in lines if line.startswith(key)).split()[1])

    # Give back what was freed, for it not to be taken again unnoticed.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", "utf-8")
    before = kilobytes("VmRSS")
    labels = sc.argmax_upsample(scores, LARGE)
    peak = kilobytes("VmHWM") - before
    print(f"{peak / 1024:.1f} MiB, of which {labels.nbytes / 2**20:.1f} are the result")


def extra_memory(kind: str) -> str:
    """Measure that in a fresh process."""
    code = f"from benchmarks.argmax import print_extra_memory as p; p({kind!r})"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    """Compare all; of 1000 classes, torch's time is that of 150, multiplied."""
    import torch

    sc.set_num_threads(1)
    torch.set_num_threads(1)
    print(f"segcore on {sc.backends.current()}, torch {torch.__version__}, one thread each")
    for title, kind, classes in KINDS:
        scores = scores_of(kind, classes, SIDE)
        time, labels = best(lambda scores=scores: sc.argmax_upsample(scores, LARGE), 10)
        few = scores[:150]
        their_time, expected = best(lambda few=few: by_torch(few, LARGE), 1)
        if classes > len(few):
            labels = sc.argmax_upsample(few, LARGE)
            their_time *= classes / len(few)
        equal = np.mean(labels == expected.numpy())
        print(
            f"{title}, {classes} classes: segcore {time:.1f} ms; torch {their_time:.0f} ms: "
            f"{their_time / time:.0f} times that; {100 * equal:.4f} % of the labels equal",
            flush=True,
        )
    if sys.platform == "linux":
        for kind in ("blobs", "noise"):
            print(f"peak extra memory, {kind}, 150 classes: {extra_memory(kind)}")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
