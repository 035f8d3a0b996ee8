"""segcore's metric for TorchMetrics: the same numbers as the original, alone and on ranks."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from support.detections import SIZE, data_set

import segcore as sc

pytestmark = pytest.mark.filterwarnings("ignore")

torch = pytest.importorskip("torch")
detection = pytest.importorskip("torchmetrics.detection")
pytest.importorskip("torchvision")


def metric(**settings: Any) -> Any:
    from segcore.integrations.torchmetrics import MeanAveragePrecision

    return MeanAveragePrecision(**settings)


def items(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return predictions and targets of the images of a random data set."""
    document, results = data_set(seed)

    def of_image(records: list[Any], image: int) -> dict[str, Any]:
        records = [record for record in records if record["image_id"] == image]
        rles = [record["segmentation"] for record in records]
        boxes = np.array([record["bbox"] for record in records], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return {
            "masks": torch.from_numpy(sc.Masks.from_coco(rles, SIZE).to_dense()),
            "boxes": torch.from_numpy(boxes),
            "labels": torch.tensor([record["category_id"] for record in records]).long(),
            "scores": torch.tensor([record.get("score", 1.0) for record in records]).float(),
            "iscrowd": torch.tensor([record.get("iscrowd", 0) for record in records]).long(),
            "area": torch.tensor([record.get("area", 0.0) for record in records]).float(),
        }

    images = [image["id"] for image in document["images"]]
    return tuple(
        [of_image(records, image) for image in images]
        for records in (results, document["annotations"])
    )


def numbers(one: Any) -> dict[str, Any]:
    return {name: value.tolist() for name, value in one.compute().items()}


SETTINGS: list[dict[str, Any]] = [
    {},
    {"iou_type": "segm", "class_metrics": True},
    {"iou_type": ("bbox", "segm"), "class_metrics": True},
    {"iou_type": "segm", "average": "micro", "class_metrics": True},
    {"iou_type": "segm", "max_detection_thresholds": [1, 2, 5]},
    {"box_format": "cxcywh", "iou_thresholds": [0.3, 0.5], "rec_thresholds": [0.0, 0.5, 1.0]},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_equal_to_the_original(settings: dict[str, Any], seed: int) -> None:
    preds, target = items(seed)
    ours, theirs = metric(**settings), detection.MeanAveragePrecision(**settings)
    for one in (ours, theirs):
        for found, true in zip(preds, target, strict=True):
            one.update([found], [true])
    got, expected = ours.compute(), theirs.compute()
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.equal(got[name], value), name
        assert got[name].dtype == value.dtype, name


def test_batches_of_any_size_forward_and_reset() -> None:
    preds, target = items(4)
    whole, one = metric(iou_type="segm"), metric(iou_type="segm")
    whole.update(preds, target)
    expected = numbers(whole)
    for found, true in zip(preds, target, strict=True):
        one([found], [true])  # the result of the batch
    assert numbers(one) == expected
    assert numbers(pickle.loads(pickle.dumps(one))) == expected
    one.reset()
    assert one.compute()["map"] == -1
    one.update(preds, target)
    assert numbers(one) == expected


def test_masks_and_scores_of_low_resolution() -> None:
    scores = torch.randn(3, 10, 15, generator=torch.Generator().manual_seed(0))
    masks = sc.upsample_masks(scores, (40, 60), 0.0)
    labels = torch.tensor([1, 1, 2])
    target = {"masks": masks, "labels": labels}
    found = {"masks": scores, "size": (40, 60), "labels": labels, "scores": torch.rand(3)}
    one = metric(iou_type="segm")
    one.update([found], [target])
    assert one.compute()["map"] == 1
    strided = torch.from_numpy(masks.to_dense()).permute(1, 2, 0).contiguous().permute(2, 0, 1)
    one.update([found], [{"masks": strided, "labels": labels}])
    assert one.compute()["map"] == 1


def rank(number: int, address: str, settings: dict[str, Any], seed: int, results: Any) -> None:
    torch.distributed.init_process_group("gloo", init_method=address, rank=number, world_size=2)
    preds, target = items(seed)
    one = metric(**settings)
    for found, true in list(zip(preds, target, strict=True))[number::2]:
        one.update([found], [true])
    results.put(numbers(one))
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_two_ranks(tmp_path: Any) -> None:
    context = torch.multiprocessing.get_context("fork")
    results = context.Queue()
    arguments = f"file://{tmp_path}/ranks", {"iou_type": "segm"}, 4, results
    processes = [context.Process(target=rank, args=(number, *arguments)) for number in range(2)]
    for process in processes:
        process.start()
    got = [results.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    preds, target = items(4)
    alone = metric(iou_type="segm")
    alone.update(preds, target)
    assert got == [numbers(alone)] * 2


@pytest.mark.parametrize("iou", ["mask", "box"])
def test_average_precision_takes_tensors(iou: str) -> None:
    preds, target = items(4)
    from_tensors, from_arrays = (
        sc.metrics.AveragePrecision(iou, box_format="xywh") for _ in range(2)
    )
    for found, true in zip(preds, target, strict=True):
        columns = {
            "scores": found["scores"].double().requires_grad_().detach(),
            "truth_classes": true["labels"],
            "prediction_classes": found["labels"],
            "crowd": true["iscrowd"].bool(),
            "truth_areas": torch.stack([true["area"]] * 2, 1)[:, 0],  # strided
        }
        arrays = {name: value.numpy().copy() for name, value in columns.items()}
        tensors = [each["boxes"].t().contiguous().t() for each in (true, found)]
        shapes: list[list[Any]] = [tensors, [tensor.numpy().copy() for tensor in tensors]]
        if iou == "mask":
            shapes = [[sc.Masks.from_dense(each["masks"]) for each in (true, found)]] * 2
        from_tensors.update(*shapes[0], **columns)
        from_arrays.update(*shapes[1], **arrays)
    assert from_tensors.compute().stats == from_arrays.compute().stats


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metric(box_format="yxyx"), "box_format: expected one of"),
        (lambda: metric(iou_type="masks"), "iou_type: expected one of"),
        (lambda: metric(average="weighted"), "average: expected one of"),
        (lambda: metric(max_detection_thresholds=[1]), "expected 3 limits, got 1"),
        (lambda: metric().update([{}], []), "target: expected 1 images"),
    ],
)
def test_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
