"""The same masks in every library's own form, and every library's result in one form."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

from .libraries import load


class Forms:
    """A batch of masks: COCO's dicts, and what the libraries that have a class make of them.

    Parameters
    ----------
    rles : list of dict
        As of ``pycocotools.mask.encode``.
    """

    def __init__(self, rles: list[dict[str, Any]]) -> None:
        self.rles = rles

    @classmethod
    def of_dense(cls, dense: NDArray[np.bool_]) -> Forms:
        """Encode an (N, H, W) array with pycocotools."""
        from pycocotools import mask as coco

        return cls([coco.encode(np.asfortranarray(mask.view(np.uint8))) for mask in dense])

    @cached_property
    def masks(self) -> sc.Masks:
        """Give segcore's batch."""
        return sc.Masks.from_coco(self.rles)

    @cached_property
    def rlemasks(self) -> list[Any]:
        """Give rlemasklib's objects, where it is installed."""
        rlemasklib = load("rlemasklib")
        return [rlemasklib.RLEMask.from_dict(rle) for rle in self.rles] if rlemasklib else []


class NearlyEqual:
    """An array that equals another of which at most one element in 10,000 differs.

    Scores that are interpolated in another order may lie on the other side of a threshold.
    """

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NearlyEqual) or self.array.shape != other.array.shape:
            return False
        return bool(np.count_nonzero(self.array != other.array) <= 1e-4 * self.array.size)

    __hash__ = None  # type: ignore[assignment]


# -- answers: what the libraries return, in the form of the first contender -----------------------


def counts_of_rle(rle: dict[str, Any]) -> bytes:
    """Give the compressed counts of COCO's dict."""
    counts = rle["counts"]
    return counts.encode() if isinstance(counts, str) else bytes(counts)


def counts_of_rles(rles: Sequence[dict[str, Any]]) -> list[bytes]:
    """Give the compressed counts of COCO's dicts."""
    return [counts_of_rle(rle) for rle in rles]


def counts_of_masks(masks: sc.Masks) -> list[bytes]:
    """Give the compressed counts of segcore's batch."""
    return counts_of_rles(masks.to_coco())


def counts_of_rlemasks(masks: Sequence[Any]) -> list[bytes]:
    """Give the compressed counts of rlemasklib's objects."""
    return [counts_of_rle(mask.to_dict()) for mask in masks]


def taken(out: NDArray[Any]) -> NDArray[Any]:
    """Give a copy of what was written, and spoil the original for whoever writes next."""
    answer = out.copy()
    out[...] = 1
    return answer


def dense_of_interleaved(dense: NDArray[Any]) -> NDArray[Any]:
    """Give (H, W, N) as (N, H, W)."""
    return dense.transpose(2, 0, 1)
