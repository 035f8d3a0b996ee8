"""What the asv benchmarks share: backends, inputs, and the check of the answer."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc
from segcore import backends
from segcore._batch import Batch
from segcore.backends.protocol import Kernels
from segcore.masks import unwrap

from .inputs import Inputs

BACKENDS = tuple(name for name in backends.available() if name != "reference") or ("reference",)
"""Those that are made to be fast; the reference says what their answers must be."""

INPUTS = Inputs(quick=bool(os.environ.get("SEGCORE_BENCH_QUICK")))

DENSE = ("blobs", "noise", "vertical_stripes", "horizontal_stripes", "empty", "full", "one_pixel")
"""The names of the inputs that are dense masks."""

REFERENCE = backends.load("reference")


class WrongAnswerError(AssertionError):
    """A kernel's answer differs from the reference's."""


def loaded(backend: str) -> Kernels:
    """Give a backend, on one thread."""
    sc.set_num_threads(1)
    return backends.load(backend)


def checked(backend: str, kernel: str, *arguments: Any) -> Kernels:
    """Give a backend, on one thread, warm, and right about these arguments."""
    kernels = loaded(backend)
    answer = getattr(kernels, kernel)(*arguments)
    expect(answer, getattr(REFERENCE, kernel)(*arguments), f"{backend}: {kernel}")
    return kernels


def expect(answer: Any, expected: Any, what: str) -> None:
    """Compare arrays, batches, or tuples of them, to the last bit."""
    pairs = zip(_parts(answer), _parts(expected), strict=True)
    if not all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs):
        raise WrongAnswerError(f"{what} is wrong")


def _parts(answer: Any) -> list[NDArray[Any]]:
    if isinstance(answer, tuple):
        return [part for item in answer for part in _parts(item)]
    return [np.asarray(answer)]


def dense(name: str, count: int = 10) -> NDArray[np.bool_]:
    """Give an input as (N, H, W) in C order, at most ``count`` masks."""
    array: NDArray[np.bool_] = getattr(INPUTS, name)
    return array[:count] if array.ndim == 3 else array[None]


def in_layout(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """Lay (N, H, W) out so that rows ("C"), columns ("F") or masks ("N") are contiguous."""
    order = {"C": (0, 1, 2), "F": (0, 2, 1), "N": (1, 2, 0)}[layout]
    back = np.argsort(order)
    return np.ascontiguousarray(array.transpose(order)).transpose(back)


def batch(name: str, count: int = 10) -> Batch:
    """Give an input as kernels take it."""
    return unwrap(sc.Masks.from_dense(dense(name, count)))


def scattered(count: int, seed: int) -> sc.Masks:
    """Give blobs spread over an image of 1080 x 1920: most of them lie apart."""
    count = min(count, 20) if INPUTS.quick else count
    rng = np.random.default_rng(seed)
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    radius = rng.uniform(8, 50, (count, 1)) * (1 + 0.2 * np.sin(rng.integers(2, 7) * angle))
    x = rng.uniform(0, 1920, (count, 1)) + radius * np.cos(angle)
    y = rng.uniform(0, 1080, (count, 1)) + radius * np.sin(angle)
    points = np.stack([np.clip(x, 0, 1920), np.clip(y, 0, 1080)], axis=2)
    return sc.Masks.from_polygons(points, (1080, 1920))
