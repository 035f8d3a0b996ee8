"""The evaluation of data sets, part by part."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from segcore.data import evaluation
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.mapping import Partition, counted_results, engine_of
from segcore.distributed import run
from segcore.metrics import AveragePrecision


def evaluate(
    truth: Dataset,
    prediction: Dataset,
    metric: AveragePrecision | None = None,
    *,
    workers: int | None = 1,
    client: Any = None,
    progress: Progress | None = None,
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
    workers : int or None, default 1
        Number of processes; None for one per core. See :func:`segcore.data.map`.
    client : dask.distributed.Client or concurrent.futures.Executor, optional
        What does the work instead; `workers` is then not used.
    progress : callable, optional
        Called with the number of images done and their total.

    Returns
    -------
    AveragePrecision
        `metric`, or the new accumulator. Its results equal those of pycocotools for the same files,
        bit for bit, for any number of processes.

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
    evaluation.check_images(truth, prediction)
    share = len(truth.annotations) / max(len(truth.annotations) + len(prediction.annotations), 1)
    parts = truth.partitions(max(int(evaluation.ANNOTATIONS * share), 1))
    row_of = {image_id: row for row, image_id in enumerate(prediction.images["id"].tolist())}
    ids: Any = truth.images["id"]

    def pairs() -> Iterator[tuple[Partition, Partition]]:
        for images in parts:
            rows = [row_of[key] for key in ids[images].tolist() if key in row_of]
            yield Partition(truth, images), Partition(prediction, np.array(rows, np.int64))

    settings = None if metric is None else _settings(metric)
    function = functools.partial(_evaluate, settings, evaluation.has_box_areas(prediction))
    states = run(function, pairs(), **engine_of(workers, client))
    for state in counted_results(states, [len(images) for images in parts], progress):
        if metric is None:
            metric = state
        else:
            metric.merge(state)
    return evaluation.evaluate(truth, prediction, metric) if metric is None else metric


def _settings(metric: AveragePrecision) -> dict[str, Any]:
    """Return the arguments of an accumulator like this one."""
    names = (
        *("iou", "protocol", "thresholds", "recalls", "areas", "max_detections", "class_ids"),
        *("frequencies", "box_format", "dilation_ratio"),
    )
    return {name: getattr(metric, name) for name in names}


def _evaluate(
    settings: dict[str, Any] | None, box_areas: bool, parts: tuple[Partition, Partition]
) -> AveragePrecision:
    metric = None if settings is None else AveragePrecision(**settings)
    return evaluation.evaluate(parts[0].load(), parts[1].load(), metric, box_areas)
