"""Evaluation of the results of a model: average precision of two data sets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._text import counted
from segcore.data.dataset import Dataset, Sample
from segcore.metrics import AveragePrecision


def evaluate(
    truth: Dataset, prediction: Dataset, metric: AveragePrecision | None = None
) -> AveragePrecision:
    """Match the detections of all images to the true objects.

    Parameters
    ----------
    truth, prediction : Dataset
        The annotations, and the results of a model, as read by ``read(path, dataset=truth)``.
        Images and categories are matched by their ids, which are integers for categories. If one of
        them has no categories, as in SA-1B, all objects are of class 0.
    metric : AveragePrecision, optional
        Accumulator to which the images are added. For boxes, its `box_format` is ``"xywh"``, as in
        the files. By default, a new one with COCO's settings and the categories of `truth`.

    Returns
    -------
    AveragePrecision
        `metric`, or the new accumulator. Its results equal those of pycocotools for the same files,
        bit for bit.

    Raises
    ------
    ValueError
        If there are results for images that `truth` does not have, a result has no score, or a box
        or category is missing.
    MaskError
        If an annotation has no valid mask.

    Examples
    --------
    >>> import segcore as sc
    >>> truth = sc.data.read("instances_val2017.json")  # doctest: +SKIP
    >>> prediction = sc.data.read("results.json", dataset=truth)  # doctest: +SKIP
    >>> sc.data.evaluate(truth, prediction).compute().stats["AP"]  # doctest: +SKIP
    0.354
    """
    with_classes = len(truth.categories) and len(prediction.categories)
    true_ids = _category_ids(truth, "truth") if with_classes else None
    found_ids = _category_ids(prediction, "prediction") if with_classes else None
    if metric is None:
        metric = AveragePrecision(class_ids=true_ids)
    if metric.iou == "box" and metric.box_format != "xywh":
        raise ValueError('metric: expected box_format="xywh", which is the format of data sets')
    check_images(truth, prediction)
    found = {image: index for index, image in enumerate(prediction.images["id"].tolist())}
    is_lvis = metric.protocol == "lvis"
    without_detections = truth.select([])
    for index, image in enumerate(truth.images["id"].tolist()):
        true = truth[index]
        detections = prediction[found[image]] if image in found else without_detections[index]
        extra = truth.images.extra(index) if is_lvis else {}
        metric.update(
            _shapes(true, metric.iou),
            _shapes(detections, metric.iou),
            scores=_scores(detections),
            truth_classes=_classes(true, true_ids),
            prediction_classes=_classes(detections, found_ids),
            crowd=None if is_lvis else true.iscrowd,
            truth_areas=true.areas,
            truth_ids=None if true.ids.dtype == object else true.ids,
            negative_classes=extra.get("neg_category_ids", []),
            incomplete_classes=extra.get("not_exhaustive_category_ids", []),
            image_id=image,
        )
    return metric


def _category_ids(dataset: Dataset, name: str) -> NDArray[np.int64]:
    ids: Any = dataset.categories["id"]
    if ids.dtype == object:
        raise ValueError(f"{name}: expected integers as ids of categories")
    return np.asarray(ids)


def _classes(sample: Sample, ids: NDArray[np.int64] | None) -> NDArray[np.int64] | None:
    """Return the class id of each annotation."""
    if ids is None:
        return None
    missing = np.flatnonzero(sample.categories < 0)
    if len(missing):
        raise ValueError(f"{sample.name_of(int(missing[0]))}: expected a category, got none")
    return ids[sample.categories]


def check_images(truth: Dataset, prediction: Dataset) -> None:
    """Raise ValueError if there are results for images that the truth does not have."""
    found = {image: index for index, image in enumerate(prediction.images["id"].tolist())}
    unknown = found.keys() - set(truth.images["id"].tolist())
    if unknown:
        first = min(unknown, key=found.__getitem__)
        raise ValueError(
            f"prediction: {counted(len(unknown), 'image')}, such as {first!r}, are not in the truth"
            if len(unknown) > 1
            else f"prediction: image {first!r} is not in the truth"
        )


def _shapes(sample: Sample, iou: str) -> Any:
    """Return the masks or boxes of an image."""
    if iou != "box":
        return sample.masks
    missing = np.flatnonzero(np.isnan(sample.bboxes).any(axis=1))
    if len(missing):
        raise ValueError(f"{sample.name_of(int(missing[0]))}: expected a bbox, got none")
    return sample.bboxes


def _scores(sample: Sample) -> NDArray[np.float64]:
    missing = np.flatnonzero(np.isnan(sample.scores))
    if len(missing):
        raise ValueError(f"{sample.name_of(int(missing[0]))}: expected a score, got none")
    return sample.scores
