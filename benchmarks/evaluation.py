"""pycocotools' COCOeval on real annotations, with anybody's mask functions in it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Evaluation:
    """The COCO sample, prepared by pycocotools: every mask is a string.

    The methods that take ``functions``, a module or what else has the functions of
    ``pycocotools.mask``, let COCOeval call them: what a patch of pycocotools amounts to.

    Parameters
    ----------
    folder : Path
        The folder of the real data.
    images : int, optional
        How many images are evaluated; all without it.
    """

    def __init__(self, folder: Path, images: int | None = None) -> None:
        from pycocotools import cocoeval
        from pycocotools.coco import COCO

        data = folder / "coco_val2014_100"
        with contextlib.redirect_stdout(io.StringIO()):
            self._truth = COCO(str(data / "instances_val2014_100.json"))
            results = str(data / "instances_val2014_fakesegm100_results.json")
            self._cocoeval = cocoeval
            self._evaluation = cocoeval.COCOeval(self._truth, self._truth.loadRes(results), "segm")
        parameters = self._evaluation.params
        parameters.imgIds = parameters.imgIds[:images]
        chosen = self._truth.getAnnIds(imgIds=parameters.imgIds)
        self._shapes = [
            (annotation["segmentation"], image["height"], image["width"])
            for annotation in self._truth.loadAnns(chosen)
            for image in self._truth.loadImgs(annotation["image_id"])
        ]
        self._evaluation._prepare()
        self._pairs = [(i, c) for i in parameters.imgIds for c in parameters.catIds]

    def compute_ious(self, functions: Any) -> list[Any]:
        """Compute the IoUs of each image and class, as ``COCOeval.evaluate`` does it."""
        with self._using(functions):
            return [self._evaluation.computeIoU(*pair) for pair in self._pairs]

    def iou_calls(self) -> list[tuple[Any, ...]]:
        """Give the arguments of the calls of ``iou`` that :meth:`compute_ious` makes."""
        calls: list[tuple[Any, ...]] = []
        self.compute_ious(SimpleNamespace(iou=lambda *arguments: calls.append(arguments)))
        return calls

    def strings(self, functions: Any) -> list[dict[str, Any]]:
        """Make RLEs of the annotations' polygons and run lengths, as ``COCO.annToRLE`` does it."""
        rles = []
        for segmentation, *size in self._shapes:
            rle = functions.frPyObjects(segmentation, *size)
            rles.append(functions.merge(rle) if isinstance(rle, list) else rle)
        return rles

    @contextlib.contextmanager
    def _using(self, functions: Any) -> Iterator[None]:
        before, self._cocoeval.maskUtils = self._cocoeval.maskUtils, functions
        try:
            yield
        finally:
            self._cocoeval.maskUtils = before


def flat(ious: list[Any]) -> NDArray[np.float64]:
    """Give all IoUs in a row; where there are none, libraries differ in what they return."""
    return np.concatenate([np.ravel(np.asarray(each, np.float64)) for each in ious])
