"""TorchMetrics: mean average precision without dense masks in its state.

This module imports ``torch`` and ``torchmetrics``; ``import segcore.integrations.torchmetrics``.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from segcore._input.arrays import as_array, as_integers
from segcore.integrations._tensors import to_host
from segcore.masks import Masks
from segcore.metrics import AveragePrecision, PrecisionRecall
from segcore.models.upsample import upsample_masks

KINDS = {"segm": "mask", "bbox": "box"}
"""The names of TorchMetrics, and those of segcore."""
SIZES = ("small", "medium", "large")


class _Part(NamedTuple):
    """The results of one call of ``update``."""

    accumulators: dict[tuple[str, str], AveragePrecision]
    labels: NDArray[np.int64]
    with_predictions: bool
    with_targets: bool


class MeanAveragePrecision(Metric):  # type: ignore[misc]
    """Mean average precision of boxes or masks, as by torchmetrics.detection.MeanAveragePrecision.

    It is a ``torchmetrics.Metric`` with the same arguments of ``update`` and the same results of
    ``compute``, bit for bit those of the original with the backend pycocotools. The state is a few
    bytes per object, which the ranks of a distributed run exchange; masks are not kept.

    Parameters
    ----------
    box_format : {"xyxy", "xywh", "cxcywh"}
        Format of boxes: corners, corner and size, or center and size.
    iou_type : {"bbox", "segm"} or tuple of both
        Whether to compare boxes or masks. With both, names of results begin with the type.
    iou_thresholds, rec_thresholds : list of float, optional
        IoU thresholds, and recalls at which precision is averaged. Default: those of COCO, in
        float32 as in TorchMetrics.
    max_detection_thresholds : list of int, optional
        Three limits of the number of detections per image. Default: 1, 10, 100.
    class_metrics : bool, default False
        Whether to return the results of each class, too.
    average : {"macro", "micro"}
        Mean over classes, or results without regard to classes.
    **kwargs
        Settings of ``torchmetrics.Metric``.

    Raises
    ------
    ValueError
        If a choice is unknown, or there are not three limits.

    Notes
    -----
    As in TorchMetrics, masks of images without true masks are not evaluated with
    ``iou_type="segm"``, and ``map`` is -1 unless 100 is among `max_detection_thresholds`.

    Examples
    --------
    >>> import torch  # doctest: +SKIP
    >>> from segcore.integrations.torchmetrics import MeanAveragePrecision  # doctest: +SKIP
    >>> metric = MeanAveragePrecision(iou_type="segm")  # doctest: +SKIP
    >>> masks = torch.zeros(1, 8, 8, dtype=torch.bool)  # doctest: +SKIP
    >>> masks[0, 2:5, 2:6] = True  # doctest: +SKIP
    >>> true = {"masks": masks, "labels": torch.tensor([3])}  # doctest: +SKIP
    >>> metric.update([true | {"scores": torch.tensor([0.9])}], [true])  # doctest: +SKIP
    >>> metric.compute()["map"]  # doctest: +SKIP
    tensor(1.)
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = True

    def __init__(
        self,
        box_format: str = "xyxy",
        iou_type: str | Sequence[str] = "bbox",
        iou_thresholds: Sequence[float] | None = None,
        rec_thresholds: Sequence[float] | None = None,
        max_detection_thresholds: Sequence[int] | None = None,
        class_metrics: bool = False,
        average: str = "macro",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.box_format = _choice(box_format, "box_format", ("xyxy", "xywh", "cxcywh"))
        self.average = _choice(average, "average", ("macro", "micro"))
        kinds = (iou_type,) if isinstance(iou_type, str) else tuple(iou_type)
        self.iou_type = tuple(_choice(kind, "iou_type", tuple(KINDS)) for kind in kinds)
        self.class_metrics = class_metrics
        limits = sorted(max_detection_thresholds or [1, 10, 100])
        if len(limits) != 3:
            raise ValueError(f"max_detection_thresholds: expected 3 limits, got {len(limits)}")
        self.max_detection_thresholds = limits
        self.iou_thresholds = list(iou_thresholds or torch.linspace(0.5, 0.95, 10).tolist())
        self.rec_thresholds = list(rec_thresholds or torch.linspace(0, 1, 101).tolist())
        self._empty_accumulators()  # checks the settings
        self.add_state("parts", default=[], dist_reduce_fx="cat")
        self.add_state("num_images", default=torch.tensor(0), dist_reduce_fx="sum")

    def _empty_accumulators(self) -> dict[tuple[str, str], AveragePrecision]:
        """Return an accumulator for each type of IoU and each average that is needed."""
        averages = {self.average, "macro"} if self.class_metrics else {self.average}
        return {
            (kind, average): AveragePrecision(
                KINDS[kind],
                thresholds=self.iou_thresholds,
                recalls=self.rec_thresholds,
                max_detections=self.max_detection_thresholds,
                box_format="xywh",
            )
            for kind in self.iou_type
            for average in sorted(averages)
        }

    def update(
        self, preds: Sequence[Mapping[str, Any]], target: Sequence[Mapping[str, Any]]
    ) -> None:
        """Match the detections of some images.

        Parameters
        ----------
        preds, target : list of dict
            One dict per image: ``boxes``, of shape (N, 4), or ``masks``, and ``labels``; ``scores``
            for detections; ``iscrowd`` and ``area`` for true objects, which are optional. Tensors
            may be on any device. Masks are a `Masks`, a boolean or integer tensor of shape
            (N, H, W), or, with a key ``size`` of (H, W), scores of shape (N, h, w), which are
            interpolated to that size as by :func:`segcore.upsample_masks` and are foreground above
            0.

        Raises
        ------
        ValueError
            If the numbers of images or objects differ, or a value is invalid.
        TypeError
            If a value has the wrong type.
        """
        if len(preds) != len(target):
            raise ValueError(
                f"target: expected {len(preds)} images, as many as preds, got {len(target)}"
            )
        accumulators = self._empty_accumulators()
        labels, with_predictions, with_targets = [np.empty(0, np.int64)], False, False
        world, rank = _world()
        for number, (found, true) in enumerate(zip(preds, target, strict=True)):
            classes = [
                as_integers(to_host(of["labels"]), "labels").astype(np.int64)
                for of in (true, found)
            ]
            labels += classes
            is_skipped = self.iou_type == ("segm",) and not len(classes[0])
            with_targets |= not is_skipped
            with_predictions |= self.iou_type != ("segm",) or len(classes[1]) > 0
            if not is_skipped:
                image_id = (int(self.num_images) + number) * world + rank
                self._add(accumulators, found, true, classes, image_id)
        part = _Part(
            accumulators, np.unique(np.concatenate(labels)), with_predictions, with_targets
        )
        state = np.frombuffer(pickle.dumps(part), np.uint8)
        self.parts.append(torch.from_numpy(state.copy()).to(self.device))
        self.num_images += len(preds)

    def _add(
        self,
        accumulators: dict[tuple[str, str], AveragePrecision],
        found: Mapping[str, Any],
        true: Mapping[str, Any],
        classes: list[NDArray[np.int64]],
        image_id: int,
    ) -> None:
        """Add an image to all accumulators."""
        shapes: dict[str, tuple[Any, Any]] = {}
        if "segm" in self.iou_type:
            shapes["segm"] = _masks(true), _masks(found)
            areas = shapes["segm"][0].area.astype(np.float64)
        if "bbox" in self.iou_type:
            shapes["bbox"] = self._boxes(true), self._boxes(found)
            if "segm" not in self.iou_type:
                areas = shapes["bbox"][0][:, 2] * shapes["bbox"][0][:, 3]
        if "area" in true:  # areas of 0 are unknown
            given = as_array(to_host(true["area"]), "area").astype(np.float64)
            areas = np.where(given > 0, given, areas)
        crowd = as_array(to_host(true["iscrowd"]), "iscrowd") if "iscrowd" in true else None
        for (kind, average), accumulator in accumulators.items():
            of_true, of_found = (
                labels if average == "macro" else np.zeros_like(labels) for labels in classes
            )
            accumulator.update(
                *shapes[kind],
                scores=to_host(found["scores"]),
                truth_classes=of_true,
                prediction_classes=of_found,
                crowd=crowd,
                truth_areas=areas,
                image_id=image_id,
            )

    def _boxes(self, item: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return boxes as x, y, width, height, computed in their own precision."""
        boxes = as_array(to_host(item["boxes"]), "boxes")
        if boxes.size == 0:
            return np.empty((0, 4))
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise ValueError(f"boxes: expected the shape (N, 4), got {boxes.shape}")
        start, end = boxes[:, :2], boxes[:, 2:]
        if self.box_format == "cxcywh":
            half = end * boxes.dtype.type(0.5)
            start, end = start - half, start + half
        size = end if self.box_format == "xywh" else end - start
        return np.concatenate([start, size], axis=1).astype(np.float64)

    def compute(self) -> dict[str, Any]:
        """Return the results of all images, of all ranks.

        Returns
        -------
        dict of str to tensor
            ``map``, ``map_50``, ``map_75``, ``map_small`` and so on, ``mar_1`` and so on for each
            limit, ``mar_small`` and so on, ``map_per_class``, ``mar_100_per_class`` and
            ``classes``; -1 where there are no true objects.
        """
        parts = list(_loaded(dim_zero_cat(self.parts))) if len(self.parts) else []
        accumulators = self._empty_accumulators()
        for part in parts:
            for key, accumulator in part.accumulators.items():
                accumulators[key].merge(accumulator)
        is_empty = not all(any(there) for there in zip(*(part[2:] for part in parts), strict=True))
        classes = np.unique(
            np.concatenate([np.empty(0, np.int64), *(part.labels for part in parts)])
        )
        results: dict[str, Any] = {}
        for kind in self.iou_type:
            prefix = "" if len(self.iou_type) == 1 else f"{kind}_"
            curves = accumulators[kind, self.average].compute()
            results |= {
                prefix + name: torch.tensor(-1.0 if is_empty or not parts else value)
                for name, value in self._summary(curves).items()
            }
            of_class: tuple[list[float], list[float]] = ([-1.0], [-1.0])
            if self.class_metrics and not is_empty:
                curves = accumulators[kind, "macro"].compute()
                of_class = self._per_class(curves, classes)
            limit = self.max_detection_thresholds[-1]
            names = f"{prefix}map_per_class", f"{prefix}mar_{limit}_per_class"
            for name, values in zip(names, of_class, strict=True):
                results[name] = torch.tensor(values).squeeze()
        results["classes"] = torch.tensor(classes, dtype=torch.int32)
        return results

    def _summary(self, curves: PrecisionRecall) -> dict[str, float]:
        """Return the numbers of COCOeval.summarize by TorchMetrics' names."""
        numbers = {"map": self._mean_precision(curves)}
        for threshold in (0.5, 0.75):
            there = threshold in curves.thresholds
            value = curves.average_precision(threshold) if there else -1.0
            numbers[f"map_{threshold * 100:.0f}"] = value
        numbers |= {f"map_{size}": curves.average_precision(area=size) for size in SIZES}
        for limit in self.max_detection_thresholds:
            numbers[f"mar_{limit}"] = curves.average_recall(max_detections=limit)
        return numbers | {f"mar_{size}": curves.average_recall(area=size) for size in SIZES}

    def _mean_precision(self, curves: PrecisionRecall, classes: Any = None) -> float:
        if 100 not in self.max_detection_thresholds:
            return -1.0
        return curves.average_precision(max_detections=100, classes=classes)

    def _per_class(
        self, curves: PrecisionRecall, classes: NDArray[np.int64]
    ) -> tuple[list[float], list[float]]:
        """Return the mean precision and the mean recall of each class."""
        rows = {class_id: [row] for row, class_id in enumerate(curves.class_ids.tolist())}
        found = [rows.get(class_id, []) for class_id in classes.tolist()]
        return (
            [self._mean_precision(curves, row) for row in found],
            [curves.average_recall(classes=row) for row in found],
        )


def _masks(item: Mapping[str, Any]) -> Masks:
    masks = item["masks"]
    if isinstance(masks, Masks):
        return masks
    if "size" in item:
        return upsample_masks(to_host(masks), item["size"], 0.0)
    return Masks.from_dense(to_host(masks))


def _world() -> tuple[int, int]:
    """Return the number of ranks, and the own one."""
    distributed = torch.distributed
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_world_size(), distributed.get_rank()
    return 1, 0


def _loaded(states: Any) -> Any:
    """Yield the parts that are stored one after the other."""
    stream = io.BytesIO(states.cpu().numpy().tobytes())
    while stream.tell() < len(stream.getbuffer()):
        yield pickle.load(stream)


def _choice(value: str, name: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        raise ValueError(f"{name}: expected one of {listed}, got {value!r}")
    return value
