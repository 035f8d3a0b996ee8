"""Scores of models to masks and label maps, beside what pipelines do with PyTorch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import segcore as sc

from ...inputs import Inputs
from ...scores import class_scores, heads, wobbly
from ..forms import NearlyEqual
from ..libraries import load
from ..row import PIPELINES, row
from ..timing import SEGCORE, Contender

CLASSES_AT_A_TIME = 25
"""With channels last, the fastest of those tried for PyTorch; all at once would take 7 GB."""


def decoded(masks: sc.Masks) -> NearlyEqual:
    return NearlyEqual(masks.to_dense())


class Torch:
    """What the pipelines do on a CPU, mask by mask, in the functions of PyTorch and pycocotools."""

    def __init__(self) -> None:
        from pycocotools import mask

        self.torch, self.mask = load("torch"), mask
        if self.torch:
            self.torch.set_num_threads(1)

    def contender(self, function: Any, *arguments: Any) -> Iterator[Contender]:
        """Give one of the functions below, if PyTorch is installed."""
        if self.torch:
            tensors = [self.torch.tensor(each) for each in arguments[:-1]]
            yield Contender(
                "torch",
                lambda: function(*tensors, arguments[-1]),
                lambda rles: decoded(sc.Masks.from_coco(rles)),
            )

    def paste(self, probs: Any, boxes: Any, size: tuple[int, int]) -> list[dict[str, Any]]:
        """Do as detectron2 does: grid_sample in the box, canvas, encode."""
        torch = self.torch
        height, width = size
        canvas = torch.zeros((len(probs), *size), dtype=torch.bool)
        for i, (x0, y0, x1, y1) in enumerate(boxes):
            left, top = ((side.floor() - 1).clamp(min=0).to(torch.int32) for side in (x0, y0))
            right = (x1.ceil() + 1).clamp(max=width).to(torch.int32)
            bottom = (y1.ceil() + 1).clamp(max=height).to(torch.int32)
            x = torch.arange(left, right, dtype=torch.float32) + 0.5
            y = torch.arange(top, bottom, dtype=torch.float32) + 0.5
            x, y = (x - x0) / (x1 - x0) * 2 - 1, (y - y0) / (y1 - y0) * 2 - 1
            grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=2)[None]
            values = torch.nn.functional.grid_sample(
                probs[i, None, None], grid, align_corners=False
            )
            canvas[i, top:bottom, left:right] = values[0, 0] >= 0.5
        return [self.encode(mask) for mask in canvas]

    def upsample(self, scores: Any, size: tuple[int, int]) -> list[dict[str, Any]]:
        """Interpolate, threshold and encode."""
        return [self.encode(self.resize(mask[None, None], size)[0, 0] > 0) for mask in scores]

    def upsample_twice(self, scores: Any, size: tuple[int, int]) -> list[dict[str, Any]]:
        """Do the same as SAM does: to 1024 x 1024, crop, to the size of the image."""
        rows = round(1024 * size[0] / size[1])
        rles = []
        for mask in scores:
            middle = self.resize(mask[None, None], (1024, 1024))[:, :, :rows]
            rles.append(self.encode(self.resize(middle, size)[0, 0] > 0))
        return rles

    def argmax(self, scores: Any, size: tuple[int, int]) -> Any:
        """Interpolate some classes at a time, and keep the best."""
        torch = self.torch
        greatest = labels = None
        with torch.inference_mode():
            for first in range(0, len(scores), CLASSES_AT_A_TIME):
                some = scores[None, first : first + CLASSES_AT_A_TIME]
                some = some.contiguous(memory_format=torch.channels_last)
                values, ids = self.resize(some, size)[0].max(0)
                if greatest is None:
                    greatest, labels = values, ids
                else:
                    labels = torch.where(values > greatest, ids + first, labels)
                    greatest = torch.maximum(greatest, values)
        return labels

    def resize(self, scores: Any, size: tuple[int, int]) -> Any:
        return self.torch.nn.functional.interpolate(scores, size, mode="bilinear")

    def encode(self, mask: Any) -> dict[str, Any]:
        """Encode with pycocotools; PyTorch transposes faster than NumPy."""
        rle: dict[str, Any] = self.mask.encode(mask.T.contiguous().numpy().view(np.uint8).T)
        return rle


@row("paste 100 masks of 28 x 28 into 800 x 1333", table=PIPELINES)
def paste(inputs: Inputs) -> Iterator[Contender]:
    """From the output of a Mask R-CNN head to masks; with PyTorch to dicts of strings."""
    size = (60, 100) if inputs.quick else (800, 1333)
    probs, boxes = heads(inputs.count, 28, size)
    yield Contender(SEGCORE, lambda: sc.paste_masks(probs, boxes, size), decoded)
    torch = Torch()
    yield from torch.contender(torch.paste, probs, boxes, size)


@row("upsample 15 masks of 160 x 160 to 3024 x 4032", table=PIPELINES)
def upsample(inputs: Inputs) -> Iterator[Contender]:
    """From logits to masks; with PyTorch to dicts of strings."""
    size = (60, 80) if inputs.quick else (3024, 4032)
    scores = wobbly(2 if inputs.quick else 15, 160)
    yield Contender(SEGCORE, lambda: sc.upsample_masks(scores, size, 0.0), decoded)
    torch = Torch()
    yield from torch.contender(torch.upsample, scores, size)


@row("upsample 10 masks of 256 x 256 as SAM does to 1500 x 2250", table=PIPELINES)
def upsample_as_sam(inputs: Inputs) -> Iterator[Contender]:
    """The same by way of 1024 x 1024, of which the image fills a part."""
    size = (60, 90) if inputs.quick else (1500, 2250)
    scores = wobbly(2 if inputs.quick else 10, 256)
    steps = {"crop": (683, 1024), "intermediate": (1024, 1024)}
    yield Contender(SEGCORE, lambda: sc.upsample_masks(scores, size, 0.0, **steps), decoded)
    torch = Torch()
    yield from torch.contender(torch.upsample_twice, scores, size)


def argmax(kind: str, inputs: Inputs) -> Iterator[Contender]:
    size = (60, 80) if inputs.quick else (1512, 2016)
    scores = class_scores(kind, 30 if inputs.quick else 150, 128)
    yield Contender(SEGCORE, lambda: sc.argmax_upsample(scores, size), NearlyEqual)
    torch = Torch()
    if torch.torch:
        tensor = torch.torch.tensor(scores)
        yield Contender(
            "torch",
            lambda: torch.argmax(tensor, size),
            lambda labels: NearlyEqual(labels.numpy()),
            f"{CLASSES_AT_A_TIME} classes at a time",
        )


@row("label map of 150 classes of 128 x 128, 1512 x 2016: blobs", table=PIPELINES)
def argmax_of_blobs(inputs: Inputs) -> Iterator[Contender]:
    """From class scores to the class of the greatest at each pixel."""
    return argmax("blobs", inputs)


@row("label map of 150 classes of 128 x 128, 1512 x 2016: noise", table=PIPELINES)
def argmax_of_noise(inputs: Inputs) -> Iterator[Contender]:
    """The same, where any class may win anywhere."""
    return argmax("noise", inputs)
