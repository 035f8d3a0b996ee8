"""``pycocotools.cocoeval``: average precision and recall, as defined by COCO."""

from __future__ import annotations

import copy
import datetime
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.compat._matches import Groups, Matches, Ranked, best_first, collecting_later
from segcore.compat.pycocotools import mask

__all__ = ["COCOeval", "Params"]

Record = dict[str, Any]
SIGMAS = (26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89)
"""COCO's standard deviations of keypoints, in thousandths."""


class Params:
    """The settings of an evaluation.

    Attributes
    ----------
    iouType : {"segm", "bbox", "keypoints"}
        What detections are compared by.
    imgIds, catIds : list
        Ids of the images and categories to evaluate.
    iouThrs, recThrs : numpy.ndarray
        IoU thresholds, and recalls at which precision is averaged.
    areaRng, areaRngLbl : list
        Ranges of areas in square pixels, and their names.
    maxDets : list of int
        Limits of the number of detections per image and category.
    useCats : int
        Whether detections only match objects of their category.
    """

    def __init__(self, iouType: str = "segm") -> None:
        if iouType not in ("segm", "bbox", "keypoints"):
            raise ValueError(f'iouType: expected "segm", "bbox" or "keypoints", got {iouType!r}')
        self.iouType = iouType
        self.imgIds: Any = []
        self.catIds: Any = []
        self.iouThrs = np.linspace(0.5, 0.95, 10)
        self.recThrs = np.linspace(0.0, 1.0, 101)
        self.maxDets = [1, 10, 100]
        self.areaRng: list[list[float]] = [[0, 1e10], [0, 1024], [1024, 9216], [9216, 1e10]]
        self.areaRngLbl = ["all", "small", "medium", "large"]
        self.useCats = 1
        self.useSegm: Any = None
        if iouType == "keypoints":
            self.maxDets = [20]
            del self.areaRng[1], self.areaRngLbl[1]
            self.kpt_oks_sigmas = np.array(SIGMAS) / 100 / 10.0


class COCOeval:
    """Average precision and recall of the results of a model.

    The attributes and methods are those of ``pycocotools.cocoeval.COCOeval``, with the same
    results, bit for bit. :class:`segcore.metrics.AveragePrecision` needs less memory.

    Parameters
    ----------
    cocoGt, cocoDt : COCO
        The true annotations, and the results, as returned by ``cocoGt.loadRes``.
    iouType : {"segm", "bbox", "keypoints"}
        What detections are compared by.

    Attributes
    ----------
    params : Params
        The settings, which can be changed before :meth:`evaluate`.
    ious : dict
        (image id, category id) to the IoUs of detections and true objects.
    evalImgs : list of dict
        The matches of each category, range of areas and image; None where there are no objects.
    eval : dict
        ``precision`` and ``scores`` of shape (T, R, K, A, M), and ``recall`` of shape (T, K, A, M).
    stats : numpy.ndarray
        The twelve numbers of :meth:`summarize` (ten for keypoints).

    Examples
    --------
    >>> from segcore.compat.pycocotools.cocoeval import COCOeval
    >>> evaluation = COCOeval(truth, truth.loadRes("results.json"), "segm")  # doctest: +SKIP
    >>> evaluation.evaluate()  # doctest: +SKIP
    >>> evaluation.accumulate()  # doctest: +SKIP
    >>> evaluation.summarize()  # doctest: +SKIP
    """

    def __init__(self, cocoGt: Any = None, cocoDt: Any = None, iouType: str = "segm") -> None:
        self.cocoGt = cocoGt
        self.cocoDt = cocoDt
        self.params = Params(iouType=iouType)
        self._eval_images: Any = defaultdict(list)
        self._matches: Matches | None = None
        self.eval: Record = {}
        self.ious: dict[Any, Any] = {}
        self.stats: Any = []
        self._gts: dict[Any, list[Record]] = defaultdict(list)
        self._dts: dict[Any, list[Record]] = defaultdict(list)
        self._paramsEval: Any = {}
        if cocoGt is not None:
            self.params.imgIds = sorted(cocoGt.getImgIds())
            self.params.catIds = sorted(cocoGt.getCatIds())

    # -- matching ---------------------------------------------------------------------------------

    @property
    def evalImgs(self) -> Any:
        """The matches of each category, range of areas and image, as a list of dicts.

        The list is made when it is read for the first time after :meth:`evaluate`.
        """
        if self._matches is not None:
            with collecting_later():
                self._eval_images = self._matches.records()
            self._matches = None
        return self._eval_images

    @evalImgs.setter
    def evalImgs(self, value: Any) -> None:
        self._eval_images, self._matches = value, None

    def evaluate(self) -> None:
        """Match the detections of each image; fills `ious` and `evalImgs`."""
        print("Running per image evaluation...")
        p = self.params
        if p.useSegm is not None:
            p.iouType = "segm" if p.useSegm == 1 else "bbox"
            print(f"useSegm (deprecated) is not None. Running {p.iouType} evaluation")
        print(f"Evaluate annotation type *{p.iouType}*")
        p.imgIds = list(np.unique(p.imgIds))
        if p.useCats:
            p.catIds = list(np.unique(p.catIds))
        p.maxDets = sorted(p.maxDets)
        with collecting_later():
            self._prepare()
            categories = p.catIds if p.useCats else [-1]
            self._compute_ious(p.imgIds, categories)
            self._matches = self._match(p.imgIds, categories, p.areaRng, p.maxDets[-1])
        self._paramsEval = copy.deepcopy(p)
        print("DONE")

    def _compute_ious(self, images: Sequence[Any], categories: Sequence[Any]) -> None:
        """Fill `ious`. Without detections or true objects, there are none to compute."""
        overlaps = self.computeOks if self.params.iouType == "keypoints" else self.computeIoU
        self.ious = {(image, category): [] for image in images for category in categories}
        for pair in self.ious if not self.params.useCats else self._gts.keys() & self._dts.keys():
            self.ious[pair] = overlaps(*pair)

    def _prepare(self) -> None:
        """Collect the annotations of each image and category."""
        p = self.params
        categories = p.catIds if p.useCats else []
        true, found = (
            coco.loadAnns(coco.getAnnIds(imgIds=p.imgIds, catIds=categories))
            for coco in (self.cocoGt, self.cocoDt)
        )
        if p.iouType == "segm":
            for coco, annotations in ((self.cocoGt, true), (self.cocoDt, found)):
                for annotation in annotations:
                    segmentation = annotation["segmentation"]
                    if type(segmentation) is list or type(segmentation["counts"]) is list:
                        annotation["segmentation"] = coco.annToRLE(annotation)
        self._gts, self._dts = defaultdict(list), defaultdict(list)
        for annotation in true:
            annotation["ignore"] = annotation.get("iscrowd", 0)
            if p.iouType == "keypoints":
                annotation["ignore"] = annotation["num_keypoints"] == 0 or annotation["ignore"]
            self._gts[annotation["image_id"], annotation["category_id"]].append(annotation)
        for annotation in found:
            self._dts[annotation["image_id"], annotation["category_id"]].append(annotation)
        self.evalImgs = defaultdict(list)
        self.eval = {}

    def _objects(self, image: Any, category: Any) -> tuple[list[Record], list[Record]]:
        """Return the true objects and the detections, the best scores first."""
        if self.params.useCats:
            true = self._gts.get((image, category), [])
            found = self._dts.get((image, category), [])
        else:
            true, found = (
                list(chain.from_iterable(all_.get((image, c), ()) for c in self.params.catIds))
                for all_ in (self._gts, self._dts)
            )
        return true, best_first(found)

    def computeIoU(self, imgId: Any, catId: Any) -> Any:
        """Return the IoUs of the detections and true objects of an image: shape (n, m), or []."""
        p = self.params
        true, found = self._objects(imgId, catId)
        if not true and not found:
            return []
        if p.iouType not in ("segm", "bbox"):
            raise ValueError("unknown iouType for iou computation")
        key = "segmentation" if p.iouType == "segm" else "bbox"
        found = found[: p.maxDets[-1]]
        return mask.iou(
            [detection[key] for detection in found],
            [annotation[key] for annotation in true],
            [int(annotation["iscrowd"]) for annotation in true],
        )

    def computeOks(self, imgId: Any, catId: Any) -> Any:
        """Return the object keypoint similarities of an image: shape (n, m), or []."""
        p = self.params
        true, found = self._objects(imgId, catId)
        found = found[: p.maxDets[-1]]
        if not true or not found:
            return []
        variances = (p.kpt_oks_sigmas * 2) ** 2
        points = np.array([detection["keypoints"] for detection in found])
        x, y = points[:, 0::3], points[:, 1::3]
        similarities = np.zeros((len(found), len(true)))
        for column, annotation in enumerate(true):
            keypoints = np.array(annotation["keypoints"])
            visible = keypoints[2::3] > 0
            if visible.any():
                dx, dy = x - keypoints[0::3], y - keypoints[1::3]
            else:  # the distances to a box of three times the size
                left, top, width, height = annotation["bbox"]
                dx = _distances(x, left - width, left + width * 2)
                dy = _distances(y, top - height, top + height * 2)
            area = annotation["area"] + np.spacing(1)
            errors = (dx**2 + dy**2) / variances / area / 2
            if visible.any():
                errors = errors[:, visible]
            for row, values in enumerate(errors):
                similarities[row, column] = np.sum(np.exp(-values)) / len(values)
        return similarities

    def evaluateImg(
        self, imgId: Any, catId: Any, aRng: Sequence[float], maxDet: int
    ) -> Record | None:
        """Match the detections of an image and category, for one range of areas.

        Parameters
        ----------
        imgId, catId
            Ids of the image and the category.
        aRng : sequence of two floats
            Range of areas, limits included.
        maxDet : int
            Limit of the number of detections.

        Returns
        -------
        dict or None
            The matches, an item of `evalImgs`; None if there are no objects.
        """
        [record] = self._match([imgId], [catId], [aRng], maxDet).records()
        result: Record | None = record
        return result

    def _match(
        self,
        images: Sequence[Any],
        categories: Sequence[Any],
        ranges: Sequence[Sequence[float]],
        limit: int,
    ) -> Matches:
        """Match the detections of images, for each category and range of areas."""
        groups = Groups(images, categories)
        for k, i, image, category in self._pairs(images, categories):
            true, found = self._objects(image, category)
            if true or found:
                groups.add(k, i, true, found[:limit], self.ious[image, category])
        return Matches(groups, ranges, limit, self.params.iouThrs)

    def _pairs(
        self, images: Sequence[Any], categories: Sequence[Any]
    ) -> list[tuple[int, int, Any, Any]]:
        """Return the indices and ids of each category and image with objects, in this order."""
        number_of = {image: i for i, image in enumerate(images)}
        if not self.params.useCats:
            return [(0, i, image, categories[0]) for image, i in number_of.items()]
        place_of = {category: k for k, category in enumerate(categories)}
        return sorted(
            (place_of[category], number_of[image], image, category)
            for image, category in self._gts.keys() | self._dts.keys()
            if image in number_of and category in place_of
        )

    # -- curves -----------------------------------------------------------------------------------

    def accumulate(self, p: Params | None = None) -> None:
        """Compute the curves of precision and recall; fills `eval`.

        Parameters
        ----------
        p : Params, optional
            Settings that select some of the categories, ranges, limits and images that were
            evaluated. Default: all.
        """
        print("Accumulating evaluation results...")
        if self._matches is None and not self.evalImgs:
            print("Please run evaluate() first")
        p = self.params if p is None else p
        p.catIds = p.catIds if p.useCats == 1 else [-1]
        done = self._paramsEval
        categories = done.catIds if done.useCats else [-1]
        shape = len(p.catIds) if p.useCats else 1, len(p.areaRng), len(p.maxDets)
        precision, scores = (-np.ones((len(p.iouThrs), len(p.recThrs), *shape)) for _ in range(2))
        recall = -np.ones((len(p.iouThrs), *shape))
        recalls = np.ascontiguousarray(p.recThrs, np.float64)

        # As in pycocotools, what is selected is looked up by its index in `p`.
        rows = [n for n, category in enumerate(p.catIds) if category in set(categories)]
        evaluated = {tuple(limits) for limits in done.areaRng}
        ranges = [n for n, limits in enumerate(p.areaRng) if tuple(limits) in evaluated]
        limits = [limit for limit in p.maxDets if limit in set(done.maxDets)]
        images = [n for n, image in enumerate(p.imgIds) if image in set(done.imgIds)]
        if self._matches is not None:
            parts = [self._matches.ranked(ranges, images)]
        else:
            parts = [self._ranked(rows, column, images) for column in ranges]
            rows = list(range(len(rows)))
        found = [part.curves(limits, recalls) for part in parts] if limits else []
        for column, curves in zip(
            (precision, scores, recall), zip(*found, strict=True), strict=False
        ):
            of_ranges = np.concatenate(curves, axis=1)[rows]
            k, a, m = of_ranges.shape[:3]
            column[..., :k, :a, :m] = np.moveaxis(of_ranges, (0, 1, 2), (-3, -2, -1))
        self.eval = {
            "params": p,
            "counts": [*precision.shape],
            "date": datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S"),
            "precision": precision,
            "recall": recall,
            "scores": scores,
        }
        print("DONE")

    def _ranked(self, rows: Sequence[int], column: int, images: Sequence[int]) -> Ranked:
        """Collect what `evalImgs` has of some categories and images, for one range of areas."""
        done = self._paramsEval
        starts = [(row * len(done.areaRng) + column) * len(done.imgIds) for row in rows]
        by_category = [[self.evalImgs[start + image] for image in images] for start in starts]
        return Ranked.of_records(by_category, len(done.iouThrs))

    def summarize(self) -> None:
        """Print COCO's numbers, and store them in `stats`."""
        if not self.eval:
            raise RuntimeError("Please run accumulate() first")
        p = self.params
        if p.iouType == "keypoints":
            sizes, limits, first, most = ["medium", "large"], [20], 20, 20
        else:
            sizes, limits, first, most = (
                ["small", "medium", "large"],
                p.maxDets[:3],
                100,
                p.maxDets[2],
            )
        rows: list[tuple[str, float | None, str, int]] = [("precision", None, "all", first)]
        rows += [("precision", threshold, "all", most) for threshold in (0.5, 0.75)]
        rows += [("precision", None, size, most) for size in sizes]
        rows += [("recall", None, "all", limit) for limit in limits]
        if p.iouType == "keypoints":
            rows += [("recall", threshold, "all", most) for threshold in (0.5, 0.75)]
        rows += [("recall", None, size, most) for size in sizes]
        stats = [self._summarized(*row) for row in rows]
        self.stats = np.array(stats)

    def _summarized(self, name: str, threshold: float | None, area: str, limit: int) -> float:
        """Print and return the mean of a part of the curves; -1 if it is empty."""
        p = self.params
        values = self.eval[name]
        levels = f"{p.iouThrs[0]:0.2f}:{p.iouThrs[-1]:0.2f}"
        if threshold is not None:
            values = values[np.flatnonzero(p.iouThrs == threshold)]
            levels = f"{threshold:0.2f}"
        columns = [index for index, label in enumerate(p.areaRngLbl) if label == area]
        depth = [index for index, value in enumerate(p.maxDets) if value == limit]
        values = values[..., columns, depth]
        there = values[values > -1]
        mean = float(np.mean(there)) if len(there) else -1.0
        title = "Average Precision" if name == "precision" else "Average Recall"
        kind = "(AP)" if name == "precision" else "(AR)"
        print(
            f" {title:<18} {kind} @[ IoU={levels:<9} | area={area:>6s} | maxDets={limit:>3d} ]"
            f" = {mean:0.3f}"
        )
        return mean

    def __str__(self) -> str:
        """Print the summary."""
        self.summarize()
        return ""


def _distances(values: NDArray[Any], low: Any, high: Any) -> NDArray[Any]:
    """Return how far values are outside of a range."""
    zero = np.zeros_like(values)
    distances: NDArray[Any] = np.maximum(zero, low - values) + np.maximum(zero, values - high)
    return distances
