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

from segcore.backends import kernels
from segcore.backends.threshold_bits import packed
from segcore.compat.pycocotools import mask

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
        self.evalImgs: Any = defaultdict(list)
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
        self._prepare()
        categories = p.catIds if p.useCats else [-1]
        overlaps = self.computeOks if p.iouType == "keypoints" else self.computeIoU
        self.ious = {
            (image, category): overlaps(image, category)
            for image in p.imgIds
            for category in categories
        }
        by_category = [
            [self._evaluate(image, category, p.areaRng, p.maxDets[-1]) for image in p.imgIds]
            for category in categories
        ]
        self.evalImgs = [
            found[index] if found else None
            for images in by_category
            for index in range(len(p.areaRng))
            for found in images
        ]
        self._paramsEval = copy.deepcopy(p)
        print("DONE")

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
        scores = [-detection["score"] for detection in found]
        if len(found) > 1:
            found = [found[index] for index in np.argsort(scores, kind="stable").tolist()]
        return true, found

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
        found = self._evaluate(imgId, catId, [aRng], maxDet)
        return found[0] if found else None

    def _evaluate(
        self, image: Any, category: Any, ranges: Sequence[Sequence[float]], limit: int
    ) -> list[Record] | None:
        """Match the detections of an image and category, for each range of areas."""
        p = self.params
        true, found = self._objects(image, category)
        if not true and not found:
            return None
        found = found[:limit]
        low, high = np.array(ranges, np.float64).reshape(-1, 2).T[..., None]
        areas = np.array([annotation["area"] for annotation in true], np.float64)
        ignore = np.array([bool(annotation["ignore"]) for annotation in true], np.bool_)
        ignored = ignore | (areas < low) | (areas > high)
        areas = np.array([detection["area"] for detection in found], np.float64)
        outside = (areas < low) | (areas > high)

        ids = np.array([annotation["id"] for annotation in true])
        found_ids = np.array([detection["id"] for detection in found])
        shape = len(ranges), len(p.iouThrs)
        matches = np.full((*shape, len(found)), -1, np.int64)
        ratios = self.ious[image, category]
        if len(ratios):
            crowd = np.array([int(annotation["iscrowd"]) for annotation in true], np.uint8)
            matches = kernels.match(
                np.ascontiguousarray(ratios[: len(found)], np.float64),
                np.array([0, len(found)]),
                np.array([0, len(true)]),
                ignored.astype(np.uint8),
                crowd,
                (found_ids > 0).astype(np.uint8),
                np.ascontiguousarray(p.iouThrs, np.float64),
            )
        results = []
        for row, limits in enumerate(ranges):
            order = np.argsort(ignored[row], kind="stable")
            is_match = matches[row] >= 0
            true_matches = np.zeros((shape[1], len(true)))
            found_matches = np.zeros((shape[1], len(found)))
            found_ignored = np.zeros((shape[1], len(found)), np.bool_)
            if is_match.any():
                t, detection = np.nonzero(is_match)
                chosen = matches[row, t, detection]
                found_matches[t, detection] = ids[chosen]
                true_matches[t, chosen] = found_ids[detection]  # the last match of a crowd
                found_ignored[t, detection] = ignored[row, chosen]
            found_ignored |= (found_matches == 0) & outside[row]
            for annotation, value in zip(true, ignored[row].tolist(), strict=True):
                annotation["_ignore"] = int(value)
            results.append(
                {
                    "image_id": image,
                    "category_id": category,
                    "aRng": limits,
                    "maxDet": limit,
                    "dtIds": [detection["id"] for detection in found],
                    "gtIds": [true[index]["id"] for index in order.tolist()],
                    "dtMatches": found_matches,
                    "gtMatches": true_matches[:, order],
                    "dtScores": [detection["score"] for detection in found],
                    "gtIgnore": ignored[row, order].astype(np.int64),
                    "dtIgnore": found_ignored,
                }
            )
        return results

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
        if not self.evalImgs:
            print("Please run evaluate() first")
        p = self.params if p is None else p
        p.catIds = p.catIds if p.useCats == 1 else [-1]
        done = self._paramsEval
        categories = done.catIds if done.useCats else [-1]
        shape = len(p.catIds) if p.useCats else 1, len(p.areaRng), len(p.maxDets)
        precision = -np.ones((len(p.iouThrs), len(p.recThrs), *shape))
        scores = precision.copy()
        recall = -np.ones((len(p.iouThrs), *shape))
        recalls = np.ascontiguousarray(p.recThrs, np.float64)

        # As in pycocotools, what is selected is looked up by its index in `p`.
        rows = [n for n, category in enumerate(p.catIds) if category in set(categories)]
        evaluated = {tuple(limits) for limits in done.areaRng}
        ranges = [n for n, limits in enumerate(p.areaRng) if tuple(limits) in evaluated]
        limits = [limit for limit in p.maxDets if limit in set(done.maxDets)]
        images = [n for n, image in enumerate(p.imgIds) if image in set(done.imgIds)]
        num_images, num_ranges = len(done.imgIds), len(done.areaRng)
        for k, row in enumerate(rows):
            for a, column in enumerate(ranges):
                start = (row * num_ranges + column) * num_images
                parts = [self.evalImgs[start + image] for image in images]
                parts = [part for part in parts if part is not None]
                if not parts:
                    continue
                num_true = sum(int(np.count_nonzero(part["gtIgnore"] == 0)) for part in parts)
                if not num_true:
                    continue
                ranked = _Ranked(parts)
                for m, limit in enumerate(limits):
                    at = np.s_[..., k, a, m]
                    precision[at], scores[at], recall[at] = ranked.curves(limit, num_true, recalls)
        self.eval = {
            "params": p,
            "counts": [*precision.shape],
            "date": datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S"),
            "precision": precision,
            "recall": recall,
            "scores": scores,
        }
        print("DONE")

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


class _Ranked:
    """The detections of one category and range of areas, the best scores first."""

    def __init__(self, parts: list[Record]) -> None:
        lengths = [len(part["dtScores"]) for part in parts]
        scores = np.concatenate([np.asarray(part["dtScores"], np.float64) for part in parts])
        order = np.argsort(-scores, kind="stable")
        ranks = np.concatenate([np.arange(length) for length in lengths])
        self._ranks, self._scores = ranks[order], scores[order]
        matches, ignored = (
            np.concatenate([np.asarray(part[name]) for part in parts], axis=1)[:, order] != 0
            for name in ("dtMatches", "dtIgnore")
        )
        self._matched, self._ignored = matches, ignored

    def curves(
        self, limit: int, num_true: int, recalls: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return precision, scores and recall with a limit of detections per image."""
        kept = self._ranks < limit
        scores = self._scores[kept]
        parts = []
        for start in range(0, len(self._matched), 64):  # a bit for each threshold
            rows = slice(start, start + 64)
            matched, ignored = (
                packed(flags[None, rows, kept])[0].astype(np.uint64)
                for flags in (self._matched, self._ignored)
            )
            count = len(self._matched[rows])
            parts.append(
                kernels.precision_recall(matched, ignored, scores, num_true, count, recalls)
            )
        precision, at, recall = (np.concatenate(part) for part in zip(*parts, strict=True))
        return precision, at, recall


def _distances(values: NDArray[Any], low: Any, high: Any) -> NDArray[Any]:
    """Return how far values are outside of a range."""
    zero = np.zeros_like(values)
    distances: NDArray[Any] = np.maximum(zero, low - values) + np.maximum(zero, values - high)
    return distances
