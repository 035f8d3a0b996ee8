"""The evaluation of data sets by the pixels of their semantic and panoptic maps."""

from __future__ import annotations

import warnings
from typing import Any, Literal

from segcore.data.dataset import Dataset
from segcore.data.mapping import engine_of
from segcore.data.per_image.evaluation import panoptic_quality, semantic_confusion
from segcore.data.problems import Problems
from segcore.metrics import ConfusionMatrix, PanopticQuality


def evaluate_semantic(
    truth: Dataset,
    prediction: Dataset,
    *,
    trimap: int | None = None,
    area_range: tuple[float, float] | None = None,
    workers: int | None = 1,
    client: Any = None,
) -> ConfusionMatrix:
    """Compare the semantic maps of two data sets.

    The maps are those of ``segcore semantic``: where objects overlap, the one with the highest
    score is in front or, without scores, the smallest.

    Parameters
    ----------
    truth, prediction : Dataset
        The data sets. Images are matched by their file names, and categories by their ids or names,
        as by ``segcore compare``.
    trimap, area_range : optional
        Which pixels to count; see :class:`segcore.metrics.ConfusionMatrix`.
    workers : int or None, default 1
        Number of processes; None for one per core. See :func:`segcore.data.map`.
    client : dask.distributed.Client or concurrent.futures.Executor, optional
        Does the work instead of local processes; `workers` is then ignored.

    Returns
    -------
    ConfusionMatrix
        The confusion matrix of all images. Class 0 is the background, and the classes from 1 on are
        the categories of `truth`, by ascending id.

    Warns
    -----
    UserWarning
        If images or objects are left out.

    Raises
    ------
    DatasetError
        If an image of `truth` is missing, or an annotation is invalid.

    Examples
    --------
    >>> import segcore as sc
    >>> sofa = {"id": 1, "image_id": 1, "category_id": 7, "segmentation": [[0, 0, 3, 0, 3, 4]]}
    >>> truth = sc.data.from_coco({
    ...     "images": [{"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}],
    ...     "categories": [{"id": 7, "name": "sofa"}],
    ...     "annotations": [sofa],
    ... })
    >>> sc.data.evaluate_semantic(truth, truth).iou
    array([1., 1.])
    """
    problems = Problems(skip=False)
    engine = engine_of(workers, client)
    confusion = semantic_confusion(truth, prediction, problems, engine, trimap, area_range)
    _warn(problems)
    return confusion


def evaluate_panoptic(
    truth: Dataset,
    prediction: Dataset,
    *,
    iou: Literal["mask", "boundary"] = "mask",
    workers: int | None = 1,
    client: Any = None,
) -> PanopticQuality:
    """Compare the panoptic maps of two data sets.

    The maps are those of COCO panoptic data sets. If one of the data sets has none, both are
    composed by panopticapi's rules, as by ``segcore panoptic``.

    Parameters
    ----------
    truth, prediction : Dataset
        The data sets. The images of panoptic data sets are matched by their ids, and those of
        others as by :func:`evaluate_semantic`.
    iou : {"mask", "boundary"}, default "mask"
        What segments are compared by; see :class:`segcore.metrics.PanopticQuality`.
    workers, client
        What does the work, as for :func:`evaluate_semantic`.

    Returns
    -------
    PanopticQuality
        The quality of all images. Category ids are those of `truth` for panoptic data sets; for
        others, they are 1, 2, ... by ascending id.

    Warns
    -----
    UserWarning
        If images or objects are left out.

    Raises
    ------
    DatasetError
        If an image of `truth` is missing, or an annotation or a map is invalid.

    Examples
    --------
    >>> import segcore as sc
    >>> sofa = {"id": 1, "image_id": 1, "category_id": 7, "segmentation": [[0, 0, 3, 0, 3, 4]]}
    >>> truth = sc.data.from_coco({
    ...     "images": [{"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}],
    ...     "categories": [{"id": 7, "name": "sofa", "isthing": 1}],
    ...     "annotations": [sofa],
    ... })
    >>> sc.data.evaluate_panoptic(truth, truth).all.pq
    1.0
    """
    problems = Problems(skip=False)
    quality = panoptic_quality(truth, prediction, problems, engine_of(workers, client), iou)
    _warn(problems)
    return quality


def _warn(problems: Problems) -> None:
    """Warn of what is left out, but not of pixels: where objects overlap, one is in front."""
    for item in problems.left_out:
        if item.what != "pixel":
            warnings.warn(str(item), stacklevel=3)
