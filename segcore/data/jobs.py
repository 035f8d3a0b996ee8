"""The evaluation of data sets, part by part."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, overload

from segcore._input.arrays import described
from segcore.data import evaluation
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.mapping import Partition, counted_results, engine_of
from segcore.distributed import run
from segcore.metrics import AveragePrecision, DetectionMetric

Metrics = TypeVar("Metrics", bound=DetectionMetric | Sequence[DetectionMetric])


@overload
def evaluate(
    truth: Dataset,
    prediction: Dataset,
    metrics: None = None,
    *,
    workers: int | None = 1,
    client: Any = None,
    progress: Progress | None = None,
) -> AveragePrecision: ...
@overload
def evaluate(
    truth: Dataset,
    prediction: Dataset,
    metrics: Metrics,
    *,
    workers: int | None = 1,
    client: Any = None,
    progress: Progress | None = None,
) -> Metrics: ...
def evaluate(
    truth: Dataset,
    prediction: Dataset,
    metrics: Any = None,
    *,
    workers: int | None = 1,
    client: Any = None,
    progress: Progress | None = None,
) -> Any:
    """Match the detections of all images to the true objects.

    Parameters
    ----------
    truth, prediction : Dataset
        The annotations, and the results of a model, as read by ``read(path, dataset=truth)``.
        Images and categories are matched by their ids, which are integers for categories. If one of
        them has no categories, as in SA-1B, all objects are of class 0.
    metrics : DetectionMetric or sequence of DetectionMetric, optional
        One or more accumulators, such as :class:`segcore.metrics.AveragePrecision` and
        :class:`segcore.metrics.DetectionErrors`, to which the images are added. The data are read
        once for all of them. For boxes, `box_format` is ``"xywh"``, as in the files. By default, a
        new `AveragePrecision` with COCO's settings and the categories of `truth`.
    workers : int or None, default 1
        Number of processes; None for one per core. See :func:`segcore.data.map`.
    client : dask.distributed.Client or concurrent.futures.Executor, optional
        Does the work instead of local processes; `workers` is then ignored.
    progress : callable, optional
        Called with the number of images done and their total.

    Returns
    -------
    DetectionMetric or sequence of DetectionMetric
        `metrics`, or the new accumulator. Results of average precision equal those of pycocotools
        for the same files, bit for bit, for any number of processes.

    Raises
    ------
    ValueError
        If `prediction` has images that `truth` lacks, a detection has no score, an annotation has
        no category or lacks the mask or box that is compared, a metric of boxes has another
        `box_format`, or a metric is listed twice.
    TypeError
        If a metric is not a `DetectionMetric`.
    MaskError
        If an annotation has no valid mask.

    Examples
    --------
    >>> import segcore as sc
    >>> truth = sc.data.read("instances_val2017.json")  # doctest: +SKIP
    >>> prediction = sc.data.read("results.json", dataset=truth)  # doctest: +SKIP
    >>> sc.data.evaluate(truth, prediction).compute().stats["AP"]  # doctest: +SKIP
    0.354

    Average precision of boundaries, and the types of errors:

    >>> metrics = [sc.metrics.AveragePrecision("boundary"), sc.metrics.DetectionErrors()]
    >>> boundary, errors = sc.data.evaluate(truth, prediction, metrics)  # doctest: +SKIP
    """
    evaluation.check_images(truth, prediction)
    if metrics is None:
        ids = evaluation.category_ids(truth, prediction)
        metrics = AveragePrecision(class_ids=None if ids is None else ids[0])
    listed = _listed(metrics)
    share = len(truth.annotations) / max(len(truth.annotations) + len(prediction.annotations), 1)
    parts = truth.partitions(max(int(evaluation.ANNOTATIONS * share), 1))
    found_images = evaluation.found_images(truth, prediction)

    def pairs() -> Iterator[tuple[Partition, Partition]]:
        for images in parts:
            rows = found_images[images]
            yield Partition(truth, images), Partition(prediction, rows[rows >= 0])

    like = [metric.empty() for metric in listed]
    function = functools.partial(_evaluate, like)
    states = run(function, pairs(), **engine_of(workers, client))
    for found in counted_results(states, [len(images) for images in parts], progress):
        for metric, state in zip(listed, found, strict=True):
            metric.merge(state)
    return metrics


def _listed(metrics: Any) -> list[DetectionMetric]:
    """Return the metrics as a list."""
    is_one = isinstance(metrics, DetectionMetric) or not isinstance(metrics, Sequence)
    listed = [metrics] if is_one else list(metrics)
    for metric in listed:
        if not isinstance(metric, DetectionMetric):
            raise TypeError(
                "metrics: expected AveragePrecision, DetectionErrors or a sequence of them, got "
                f"{described(metric)}"
            )
        if metric.iou == "box" and metric.box_format != "xywh":
            raise ValueError(
                'metrics: expected box_format="xywh" for iou="box", which is the format of data '
                "sets"
            )
    if len({id(metric) for metric in listed}) < len(listed):
        raise ValueError("metrics: expected different accumulators, got one of them twice")
    return listed


def _evaluate(
    like: list[DetectionMetric], parts: tuple[Partition, Partition]
) -> list[DetectionMetric]:
    """Return new accumulators with the settings of `like` and the images of a part: a job."""
    metrics = [metric.empty() for metric in like]
    evaluation.evaluate(parts[0].load(), parts[1].load(), metrics)
    return metrics
