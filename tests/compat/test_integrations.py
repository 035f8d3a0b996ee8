"""The integrations: on the real libraries where they import, and on structures of their form.

docs/integrations.md says which is which.
"""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from support import paths
from support.soft_inputs import detections, logits
from support.strategies import dense

import segcore as sc
from segcore.integrations import detectron2, huggingface, supervision, torchvision, ultralytics

SIZE = (97, 130)


def library(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what others deprecate is not ours
        return pytest.importorskip(name, reason=f"{name} is not installed")


def shapes(count, size, seed=0):
    """Draw rectangles and noise, from border to border, and an empty mask."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((count, *size), bool)
    for mask in masks[1:]:
        y0, x0 = rng.integers(0, size[0]), rng.integers(0, size[1])
        y1, x1 = rng.integers(y0, size[0]) + 1, rng.integers(x0, size[1]) + 1
        mask[y0:y1, x0:x1] = rng.random((y1 - y0, x1 - x0)) < rng.choice([0.5, 1])
    return masks


def test_nothing_is_imported():
    others = "{'torch', 'torchvision', 'supervision', 'transformers', 'detectron2', 'ultralytics'}"
    code = f"import segcore.integrations, sys; assert not {others} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# -- detectron2: structures -----------------------------------------------------------------------


class Instances(SimpleNamespace):
    """The public form of detectron2.structures.Instances."""

    def __len__(self):
        return len(self.scores)

    def has(self, name):
        return hasattr(self, name)


def instances(**fields):
    probs, boxes = detections(12, 28, SIZE, 3)
    given = {
        "image_size": SIZE,
        "pred_boxes": SimpleNamespace(tensor=boxes),
        "scores": np.linspace(1, 0, 12, dtype=np.float32),
        "pred_classes": np.arange(12),
        "pred_masks": probs[:, None],
    }
    return Instances(**{**given, **fields})


def test_detectron2_pastes():
    probs, boxes = detections(12, 28, SIZE, 3)
    wanted = sc.paste_masks(probs, boxes, SIZE, 0.3)
    wrapped = SimpleNamespace(tensor=probs), SimpleNamespace(tensor=boxes)
    assert detectron2.paste_masks_in_image(*wrapped, SIZE, 0.3) == wanted
    dense = detectron2.paste_masks_in_image_dense(*wrapped, SIZE, 0.3)
    np.testing.assert_array_equal(dense, wanted.to_dense())
    none = detectron2.paste_masks_in_image(probs[:0], boxes[:0], SIZE)
    assert (len(none), none.size) == (0, SIZE)
    with pytest.raises(ValueError, match="threshold: expected a non-negative number, got -1"):
        detectron2.paste_masks_in_image(probs, boxes, SIZE, -1)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (detectron2.instances_to_masks, "instances"),
        (lambda value: detectron2.instances_to_coco_json(value, 1), "instances"),
        (ultralytics.from_results, "results"),
        (supervision.from_detections, "detections"),
        (supervision.from_compact_mask, "compact"),
    ],
)
def test_other_objects(call, name):
    for value in (None, {}, [], 5, "a", np.zeros((2, 3, 4), bool)):
        with pytest.raises(TypeError, match=f"^{name}: expected an? .*, got "):
            call(value)
    with pytest.raises(TypeError, match="it seems to be of 2 images: pass one"):
        call([1, 2])
    with pytest.raises(TypeError, match=f'pass its "{name}"'):
        call({name: 1})


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("count", [0, 7])
def test_detectron2_gives_a_tensor_for_a_tensor(dtype, count):
    torch = library("torch")
    probs, boxes = (torch.tensor(each[:count]) for each in detections(12, 28, SIZE, 3))
    probs = probs.to(getattr(torch, dtype)).requires_grad_()
    out = detectron2.paste_masks_in_image_dense(probs, boxes, SIZE)
    assert out.dtype == torch.bool
    wanted = sc.paste_masks(probs.detach().float().numpy(), boxes.numpy(), SIZE)
    np.testing.assert_array_equal(out.numpy(), wanted.to_dense())


def test_detectron2_takes_every_kind_of_masks():
    soft = instances()
    probs, boxes = soft.pred_masks, soft.pred_boxes
    wanted = sc.paste_masks(probs, boxes.tensor, SIZE)
    binary = wanted.to_dense()
    for masks in (
        probs,
        SimpleNamespace(tensor=probs[:, 0]),  # ROIMasks
        SimpleNamespace(tensor=binary),  # BitMasks
        binary,
        binary.astype(np.uint8),
        binary.astype(np.float32),
        list(binary),
    ):
        assert detectron2.instances_to_masks(instances(pred_masks=masks)) == wanted
    with pytest.raises(
        ValueError, match=r"pred_masks: expected the shape \(N, 97, 130\) .* got uint8"
    ):
        detectron2.instances_to_masks(instances(pred_masks=np.zeros((12, 97, 131), np.uint8)))
    with pytest.raises(ValueError, match="with pred_masks"):
        detectron2.instances_to_masks(SimpleNamespace(image_size=SIZE))
    for empty in ([], probs[:0], binary[:0]):
        none = detectron2.instances_to_masks(
            instances(pred_masks=empty, pred_boxes=SimpleNamespace(tensor=boxes.tensor[:0]))
        )
        assert (len(none), none.size) == (0, SIZE)


def test_detectron2_results():
    mask_util = library("pycocotools.mask")
    points = np.full((12, 2, 3), 4.0, np.float32)
    given = instances(pred_keypoints=points)
    results = detectron2.instances_to_coco_json(given, "seven")
    assert (points == 4).all()
    assert [list(each) for each in results] == [
        ["image_id", "category_id", "bbox", "score", "segmentation", "keypoints"]
    ] * 12
    masks = sc.paste_masks(given.pred_masks, given.pred_boxes.tensor, SIZE).to_dense(np.uint8)
    for place, (result, mask) in enumerate(zip(results, masks, strict=True)):
        rle = mask_util.encode(np.asfortranarray(mask))
        rle["counts"] = rle["counts"].decode()
        assert result["segmentation"] == rle
        assert (result["image_id"], result["category_id"]) == ("seven", place)
        assert result["score"] == given.scores[place].item()
        x0, y0, x1, y1 = given.pred_boxes.tensor[place]
        assert result["bbox"] == [x0, y0, x1 - x0, y1 - y0]
        assert result["keypoints"] == [3.5, 3.5, 4] * 2
    del given.pred_masks, given.pred_keypoints
    assert list(detectron2.instances_to_coco_json(given, 1)[0])[-1] == "score"
    none = instances(pred_boxes=SimpleNamespace(tensor=np.empty((0, 4))))
    assert detectron2.instances_to_coco_json(none, 1) == []
    with pytest.raises(ValueError, match=r"pred_boxes: expected the shape \(N, 4\)"):
        detectron2.instances_to_coco_json(instances(pred_boxes=np.ones((12, 5))), 1)
    with pytest.raises(ValueError, match="score: expected 12 values, one per box, got 3"):
        detectron2.instances_to_coco_json(instances(scores=np.ones(3)), 1)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_detectron2_itself():
    theirs = library("detectron2.evaluation.coco_evaluation")
    mask_ops = library("detectron2.layers.mask_ops")
    structures = library("detectron2.structures")
    torch = library("torch")
    probs, boxes = (torch.tensor(each) for each in detections(40, 28, SIZE, 3))
    across, down = (boxes[:, :2] < torch.tensor([130, 97])).T & (boxes[:, 2:] > 0).T
    probs, boxes = (each[across & down][:12] for each in (probs, boxes))
    pasted = mask_ops.paste_masks_in_image(probs, structures.Boxes(boxes), SIZE)
    ours = detectron2.paste_masks_in_image_dense(
        structures.ROIMasks(probs), structures.Boxes(boxes), SIZE
    )
    assert ours.dtype == pasted.dtype
    assert torch.equal(ours, pasted)
    fields = {"pred_boxes": structures.Boxes(boxes), "pred_classes": torch.arange(12)}
    fields["scores"] = torch.linspace(1, 0, 12)
    found = structures.Instances(SIZE, pred_masks=pasted, **fields)
    raw = structures.Instances(SIZE, pred_masks=probs[:, None], **fields)
    wanted = theirs.instances_to_coco_json(found, 7)
    assert detectron2.instances_to_coco_json(found, 7) == wanted
    assert detectron2.instances_to_coco_json(raw, 7) == wanted
    raw.pred_masks = structures.ROIMasks(probs)
    assert detectron2.instances_to_coco_json(raw, 7) == wanted
    found.pred_masks = structures.BitMasks(pasted)
    assert detectron2.instances_to_masks(found) == detectron2.instances_to_masks(raw)
    found.pred_keypoints = torch.rand(12, 5, 3)
    found.pred_masks = pasted
    ours = detectron2.instances_to_coco_json(found, 7)
    assert ours == theirs.instances_to_coco_json(found, 7)


# -- torchvision: the library ---------------------------------------------------------------------


def heads(torch, seed=1):
    """Make what the region-of-interest heads give for two images, one without objects."""
    seen, sizes = [(97, 130), (50, 60)], [(200, 301), (33, 44)]
    results = []
    for count, size in zip((9, 0), seen, strict=True):
        probs, boxes = detections(3 * max(count, 1), 28, size, seed)
        boxes = np.clip(boxes, 0, [*size[::-1]] * 2)  # as the heads do
        inside = (boxes[:, 2:] - boxes[:, :2] > 0.5).all(axis=1)
        probs, boxes = probs[inside], boxes[inside].astype(np.float32)
        results.append(
            {
                "boxes": torch.tensor(boxes[:count]),
                "labels": torch.arange(count),
                "scores": torch.ones(count),
                "masks": torch.tensor(probs[:count, None]),
            }
        )
    return results, seen, sizes


def test_torchvision_postprocess():
    torch = library("torch")
    transform = library("torchvision.models.detection.transform")
    theirs = transform.GeneralizedRCNNTransform(800, 1333, [0.0] * 3, [1.0] * 3).eval()
    results, seen, sizes = heads(torch)
    wanted = theirs.postprocess([dict(each) for each in results], seen, sizes)
    before = [each["boxes"].clone() for each in results]
    theirs.postprocess = torchvision.postprocess
    got = theirs.postprocess(results, seen, sizes)
    for each, other, size, boxes, result in zip(got, wanted, sizes, before, results, strict=True):
        assert torch.equal(each["boxes"], other["boxes"])
        assert torch.equal(each["labels"], other["labels"])
        assert torch.equal(result["boxes"], boxes)
        assert isinstance(result["masks"], torch.Tensor)
        assert each["masks"].size == size
        soft = other["masks"][:, 0].numpy()
        wrong = (each["masks"].to_dense() != (soft > 0.5)) & (np.abs(soft - 0.5) > 1e-5)
        assert not wrong.any()
        # The soft masks of the image, thresholded, are the same masks.
        assert torchvision.from_output(other) == sc.Masks.from_dense(soft, 0.5)
    assert got[0]["masks"].area.max() > 100
    assert theirs.postprocess([], seen, sizes) == []


def test_torchvision_scales_keypoints():
    points = np.full((1, 17, 3), 1.0)
    result = {"boxes": np.ones((1, 4)), "keypoints": points}
    [output] = torchvision.postprocess([result], [(10, 10)], [(20, 50)])
    assert output["keypoints"][0, 0].tolist() == [5, 2, 1]
    assert output["boxes"].tolist() == [[5, 2, 5, 2]]


def test_torchvision_forms():
    soft = np.random.default_rng(0).random((3, 1, 20, 30), np.float32)
    wanted = sc.Masks.from_dense(soft[:, 0], 0.7)
    assert torchvision.from_output({"masks": soft}, 0.7) == wanted
    assert torchvision.from_output({"masks": soft[:, 0] > 0.7}) == wanted
    assert torchvision.from_output({"masks": (soft[:, 0] > 0.7).astype(np.uint8)}) == wanted
    with pytest.raises(ValueError, match=r"expected a dict with the key .masks., got \['boxes'\]"):
        torchvision.from_output({"boxes": []})
    with pytest.raises(TypeError, match="expected the dict of one image, got list"):
        torchvision.from_output([{"masks": soft}])
    with pytest.raises(ValueError, match=r"expected the shape \(N, 1, H, W\), got \(3, 2, 4, 4\)"):
        torchvision.from_output({"masks": np.ones((3, 2, 4, 4))})
    with pytest.raises(ValueError, match="image_shapes: expected sizes of at least one pixel"):
        torchvision.postprocess([{"boxes": np.ones((1, 4))}], [(0, 5)], [(4, 4)])


# -- Ultralytics: structures, and its rules written out -------------------------------------------


def cut_and_enlarged(torch, masks, size):
    """Write scale_masks out: the letterbox's padding off, and bilinear."""
    rows, columns = masks.shape[1:]
    gain = min(rows / size[0], columns / size[1])
    height, width = (max(round(side * gain), 1) for side in size)
    top, left = round((rows - height) / 2 - 0.1), round((columns - width) / 2 - 0.1)
    bottom, right = top + height, left + width
    inner = torch.tensor(masks[:, top:bottom, left:right], dtype=torch.float32)
    return torch.nn.functional.interpolate(inner[None], size, mode="bilinear")[0].numpy()


def in_boxes(boxes, size):
    y, x = np.arange(size[0])[:, None], np.arange(size[1])
    x0, y0, x1, y1 = boxes.T[:, :, None, None]
    return (x >= x0) & (x < x1) & (y >= y0) & (y < y1)


@pytest.mark.parametrize(
    "size", [(48, 64), (47, 64), (120, 160), (333, 500), (500, 333), (64, 64), (31, 97)]
)
@pytest.mark.parametrize("dtype", [np.float32, np.uint8, bool])
def test_ultralytics_results(size, dtype):
    torch = library("torch")
    data = shapes(5, (64, 64)).astype(dtype)
    results = SimpleNamespace(orig_shape=size, masks=SimpleNamespace(data=torch.tensor(data)))
    masks = ultralytics.from_results(results)
    values = cut_and_enlarged(torch, data, size)
    wrong = (masks.to_dense() != (values > 0.5)) & (np.abs(values - 0.5) > 1e-5)
    assert not wrong.any()
    assert masks.area[1:].any()


def test_ultralytics_forms():
    data = shapes(5, (48, 64))
    results = SimpleNamespace(orig_shape=(48, 64), masks=SimpleNamespace(data=data))
    assert ultralytics.from_results(results) == sc.Masks.from_dense(data)
    results.masks = None
    none = ultralytics.from_results(results)
    assert (len(none), none.size) == (0, (48, 64))
    results.masks = SimpleNamespace(data=data[0])
    with pytest.raises(ValueError, match=r"masks.data: expected the shape \(N, h, w\)"):
        ultralytics.from_results(results)
    with pytest.raises(
        ValueError, match=r"protos: expected the shape \(K, h, w\) for a single image"
    ):
        ultralytics.process_mask_native(np.ones((1, 4, 8, 8)), [[1] * 4], [[0, 0, 1, 1]], (8, 8))
    with pytest.raises(ValueError, match=r"got \(1, 3\) and \(4, 8, 8\)"):
        ultralytics.process_mask(np.ones((4, 8, 8)), np.ones((1, 3)), [[0, 0, 1, 1]], (8, 8))


def prototypes(size):
    """Draw (K, h, w) prototypes, (N, K) coefficients, and (N, 4) boxes in an image."""
    rng = np.random.default_rng(5)
    corners = np.sort(rng.random((6, 2, 2)), axis=1).reshape(6, 4) * np.tile(size[::-1], 2)
    weights = rng.normal(size=(6, 8)).astype(np.float32)
    return logits(8, 40, 40, 5), weights, corners.astype(np.float32)


# The padding ends on a whole pixel of the prototypes, on half of one, on a quarter or none.
@pytest.mark.parametrize(
    ("size", "times"),
    [((320, 320), 1), ((80, 160), 1), ((78, 80), 2), ((79, 80), 4), ((53, 97), 4)],
)
def test_ultralytics_native(size, times):
    torch = library("torch")
    protos, weights, boxes = prototypes(size)
    combined = torch.tensor(np.tensordot(weights, protos, 1))[None]
    enlarged = torch.nn.functional.interpolate(combined, scale_factor=times, mode="bilinear")[0]
    values = cut_and_enlarged(torch, enlarged.numpy(), size)
    tensors = (torch.tensor(each) for each in (protos, weights, boxes))
    masks = ultralytics.process_mask_native(*tensors, size)
    wrong = (masks.to_dense() != (values > 0) & in_boxes(boxes, size)) & (np.abs(values) > 1e-4)
    assert not wrong.any()
    assert masks.area.any()


def test_ultralytics_in_the_size_of_the_input():
    protos, weights, boxes = prototypes((160, 160))
    wanted = sc.prototype_masks(weights, protos, boxes, (160, 160), 0)
    assert ultralytics.process_mask(protos, weights, boxes, (160, 160)) == wanted


@pytest.mark.parametrize("size", [(320, 320), (333, 500), (79, 80), (78, 80), (53, 97), (500, 31)])
def test_ultralytics_itself(size):
    ops = library("ultralytics.utils.ops")
    results = library("ultralytics.engine.results")
    torch = library("torch")
    protos, weights, boxes = (torch.tensor(each) for each in prototypes(size))
    combined = np.tensordot(weights, protos, 1)
    assert_nearly(
        ultralytics.process_mask_native(protos, weights, boxes, size),
        ops.process_mask_native(protos, weights, boxes, size),
    )
    assert_nearly(
        ultralytics.process_mask(protos, weights, boxes, (160, 160)),
        ops.process_mask(protos, weights, boxes, (160, 160), upsample=True),
    )
    data = torch.tensor(combined > 0).byte()
    found = results.Results(
        np.zeros((*size, 3), np.uint8), path="", names={0: "thing"}, masks=data, boxes=None
    )
    scaled = ops.scale_masks(data[None].float(), size)[0]
    assert_nearly(ultralytics.from_results(found), scaled > 0.5)


def assert_nearly(masks, wanted):
    """Compare with what one cannot see how close it was: one pixel in a thousand may differ."""
    wanted = wanted.numpy().astype(bool)
    assert wanted.any()
    assert masks.size == wanted.shape[1:]
    assert np.mean(masks.to_dense() != wanted) < 1e-3


# -- supervision: the library ---------------------------------------------------------------------


class Compact:
    """The public form of CompactMask that is read: crops, and where they lie."""

    def __init__(self, masks, boxes):
        self.image_shape = masks.shape[1:]
        self.offsets = boxes[:, :2].astype(np.int32)
        self.crops = [mask[y0:y1, x0:x1] for mask, (x0, y0, x1, y1) in zip(masks, boxes, strict=1)]

    def __len__(self):
        return len(self.crops)

    def crop(self, index):
        return self.crops[index]


@given(dense())
def test_crops_become_masks(batch):
    masks = sc.Masks.from_dense(batch)
    height, width = masks.size
    whole = np.tile([0, 0, width, height], (len(masks), 1))
    for boxes in (masks.boxes, whole):
        assert supervision.from_compact_mask(Compact(batch != 0, boxes)) == masks


def test_a_crop_outside():
    compact = Compact(np.ones((1, 4, 4), bool), np.array([[0, 0, 4, 4]]))
    compact.offsets[0] = [0, 1]
    with pytest.raises(ValueError, match="mask 0: its crop of 4 x 4 at x 0 and y 1 extends beyond"):
        supervision.from_compact_mask(compact)


@pytest.mark.parametrize("size", [(40, 60), (1, 50), (50, 1), (2, 2), (7, 9)])
def test_supervision_both_ways(size):
    sv = library("supervision")
    batch = np.concatenate([shapes(12, size), np.ones((1, *size), bool)])
    batch = np.concatenate([batch, np.random.default_rng(1).random((9, *size)) < 0.5])
    masks = sc.Masks.from_dense(batch)
    compact = supervision.to_compact_mask(masks)
    assert type(compact) is sv.CompactMask
    np.testing.assert_array_equal(compact.to_dense(), batch)
    np.testing.assert_array_equal(compact.area, masks.area)
    theirs = sv.CompactMask.from_dense(batch, sv.mask_to_xyxy(batch), size)
    np.testing.assert_array_equal(compact.bbox_xyxy[1:], theirs.bbox_xyxy[1:])
    for ours, other in zip(compact._rles, theirs._rles, strict=True):
        assert ours.dtype == other.dtype
        np.testing.assert_array_equal(ours, other)
    loose = np.tile([0, 0, *size[::-1]], (len(batch), 1))
    for each in (compact, theirs, sv.CompactMask.from_dense(batch, loose, size)):
        assert supervision.from_compact_mask(each) == masks
    assert supervision.from_compact_mask(compact[[3, 1]]) == masks[[3, 1]]
    assert supervision.from_compact_mask(supervision.to_compact_mask(masks[:0])) == masks[:0]


def test_supervision_detections():
    sv = library("supervision")
    batch = shapes(12, (40, 60))
    masks = sc.Masks.from_dense(batch)
    found = supervision.to_detections(masks, confidence=np.linspace(0, 1, 12), class_id=range(12))
    np.testing.assert_array_equal(
        found.xyxy, sv.mask_to_xyxy(batch) * masks.area.astype(bool)[:, None]
    )
    few = found[found.confidence > 0.5]
    assert supervision.from_detections(few) == masks[6:]
    assert supervision.from_detections(few, (40, 60)) == masks[6:]
    other = sv.Detections(found.xyxy, batch, found.confidence, found.class_id)
    assert supervision.from_detections(other) == masks
    image = np.zeros((40, 60, 3), np.uint8)
    drawn = [sv.MaskAnnotator().annotate(image.copy(), each) for each in (found, other)]
    assert drawn[0].any()
    np.testing.assert_array_equal(*drawn)
    none = supervision.from_detections(sv.Detections.empty(), (4, 5))
    assert (len(none), none.size) == (0, (4, 5))


def test_supervision_errors():
    boxes = SimpleNamespace(mask=None, xyxy=np.ones((1, 4)))
    with pytest.raises(ValueError, match="mask is None"):
        supervision.from_detections(boxes)
    boxes.xyxy = boxes.xyxy[:0]
    with pytest.raises(ValueError, match=r"pass size=\(H, W\)"):
        supervision.from_detections(boxes)
    with pytest.raises(ValueError, match=r"size: expected the size \(3, 4\) of the masks, got"):
        supervision.from_detections(SimpleNamespace(mask=np.ones((1, 3, 4), bool)), (4, 3))
    library("supervision")
    with pytest.raises(TypeError, match="masks: expected Masks, got ndarray"):
        supervision.to_compact_mask(np.ones((1, 2, 2)))
    with pytest.raises(ValueError, match="expected a size of at least one pixel"):
        supervision.to_compact_mask(sc.Masks.from_dense(np.ones((1, 0, 4), bool)))
    large = sc.Masks([0], [0, 1], (2**16, 2**15))
    with pytest.raises(
        ValueError, match=r"mask 0: expected a bounding box of fewer than 2\*\*31 pixels"
    ):
        supervision.to_compact_mask(large)


# -- Hugging Face: the library --------------------------------------------------------------------


def info(*ids):
    return [{"id": each, "label_id": 10 + each, "score": each / 8} for each in ids]


def outputs(torch, queries=6, classes=4, side=24):
    """Make a model's raw output: of sure classes, and smooth masks that overlap."""
    names = torch.nn.functional.one_hot(torch.arange(queries) % classes, classes + 1) * 12.0
    masks = torch.tensor(logits(queries, side, side, 7)) * 3
    return {"classes": names[None], "masks": masks[None]}


def test_huggingface_detr():
    torch = library("torch")
    processor = library("transformers.models.detr.image_processing_detr").DetrImageProcessor()
    raw = outputs(torch)
    model = SimpleNamespace(logits=raw["classes"], pred_masks=raw["masks"].clone())
    args = {"threshold": 0.1, "overlap_mask_area_threshold": 0.1, "target_sizes": [(50, 61)]}
    [as_map] = processor.post_process_instance_segmentation(model, **args)
    [as_lists] = processor.post_process_instance_segmentation(
        model, return_coco_annotation=True, **args
    )
    check_segments(as_map, as_lists, (50, 61))


def check_segments(as_map, as_lists, size):
    segments = huggingface.from_segmentation(as_map)
    ids = [each["id"] for each in as_map["segments_info"]]
    assert len(ids) > 1
    assert segments.ids.tolist() == ids
    assert segments.labels.tolist() == [each["label_id"] for each in as_map["segments_info"]]
    assert segments.scores.tolist() == [each["score"] for each in as_map["segments_info"]]
    pixels = as_map["segmentation"].numpy()
    np.testing.assert_array_equal(segments.masks.to_dense(), pixels == np.array(ids)[:, None, None])
    assert isinstance(as_lists["segmentation"], list)
    assert huggingface.from_segmentation(as_lists, size).masks == segments.masks


def test_huggingface_rf_detr():
    torch = library("torch")
    module = library("transformers.models.rf_detr.image_processing_rf_detr")
    raw = outputs(torch)
    model = SimpleNamespace(logits=raw["classes"][..., :-1], pred_masks=raw["masks"])
    args = {"threshold": 0.6, "target_sizes": [(50, 61)]}
    call = module.RfDetrImageProcessor().post_process_instance_segmentation
    [as_map] = call(model, **args)
    [as_lists] = call(model, return_coco_annotation=True, **args)
    check_segments(as_map, as_lists, (50, 61))


def test_huggingface_mask2former():
    torch = library("torch")
    module = library("transformers.models.mask2former.image_processing_mask2former")
    call = module.Mask2FormerImageProcessor().post_process_instance_segmentation
    raw = outputs(torch)
    model = SimpleNamespace(class_queries_logits=raw["classes"], masks_queries_logits=raw["masks"])
    args = {"threshold": 0.1, "target_sizes": [(50, 61)]}
    [as_map] = call(model, **args)
    [as_maps] = call(model, return_binary_maps=True, **args)
    [as_lists] = call(model, return_coco_annotation=True, **args)
    assert as_map["segmentation"].dtype == torch.float32
    segments = huggingface.from_segmentation(as_map)
    assert segments.ids[0] == 0
    whole = huggingface.from_segmentation(as_maps, (50, 61))
    np.testing.assert_array_equal(whole.masks.to_dense(), as_maps["segmentation"].numpy() > 0)
    assert (whole.masks.area >= segments.masks.area).all()
    shown = len(as_lists["segmentation"])
    if shown == len(segments.ids) + 1:
        assert huggingface.from_segmentation(as_lists, (50, 61)).masks == segments.masks
    else:
        with pytest.raises(ValueError, match="run-length lists do not tell which"):
            huggingface.from_segmentation(as_lists, (50, 61))
    # Nothing found, in all three forms.
    args["threshold"] = 2.0
    for form in ({}, {"return_binary_maps": True}, {"return_coco_annotation": True}):
        [result] = call(model, **form, **args)
        none = huggingface.from_segmentation(result, (50, 61))
        assert (len(none.masks), none.masks.size, none.labels.shape) == (0, (50, 61), (0,))


def test_huggingface_maps():
    pixels = np.array([[-1.0, 0, 2], [2, 2, -1]], np.float32)
    result = {"segmentation": pixels, "segments_info": info(2, 1, 0)}
    segments = huggingface.from_segmentation(result)
    assert segments.masks.area.tolist() == [3, 0, 1]
    assert segments.labels.tolist() == [12, 11, 10]
    binary = {"segmentation": np.stack([pixels == 2, pixels == 1, pixels == 0]), **result}
    binary["segmentation"] = np.stack([pixels == 2, pixels == 1, pixels == 0])
    assert huggingface.from_segmentation(binary).masks == segments.masks
    unscored = {"segmentation": pixels, "segments_info": [{"id": 2, "label_id": 5}]}
    assert np.isnan(huggingface.from_segmentation(unscored).scores).all()
    nothing = {"segmentation": None, "segments_info": []}
    assert huggingface.from_segmentation(nothing, (4, 5)).masks.size == (4, 5)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.float32, ">i2"])
def test_huggingface_semantic_maps(dtype):
    pixels = np.array([[0, 0, 8], [-1, 8, 8]]).astype(dtype)
    segments = huggingface.from_segmentation(pixels)
    assert segments.ids.tolist() == segments.labels.tolist() == [0, 8]
    assert segments.ids.dtype == segments.labels.dtype == np.int64
    np.testing.assert_array_equal(segments.masks.to_dense(), [pixels == 0, pixels == 8])
    assert np.isnan(segments.scores).all()
    whole = huggingface.from_segmentation(np.zeros((4, 4), dtype), (4, 4))
    assert (whole.labels.tolist(), whole.masks.area.tolist()) == ([0], [16])
    none = huggingface.from_segmentation(np.full((4, 5), -1, dtype))
    assert (len(none.masks), none.masks.size) == (0, (4, 5))
    with pytest.raises(ValueError, match=r"size: expected the segmentation's size, \(4, 4\)"):
        huggingface.from_segmentation(np.zeros((4, 4), dtype), (4, 5))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"mask": np.eye(3)}, "outputs: expected the list of results of one image, got dict"),
        (None, "outputs: expected the list of results of one image, got None"),
        ([[{"mask": np.eye(3)}]], r"outputs\[0\]: .*; pass the list of one image"),
        ([{"label": "cat"}], r"outputs\[0\]: expected a dict with a .mask., got dict"),
        ([np.eye(3)], r"outputs\[0\]: expected a dict with a .mask., got ndarray"),
    ],
)
def test_other_pipelines(outputs, message):
    with pytest.raises(TypeError, match=message):
        huggingface.from_pipeline(outputs, (3, 3))


def test_huggingface_lists():
    lists = [[1, 1], [2, 2], [4, 3]]
    result = {"segmentation": lists, "segments_info": info(2, 1)}
    assert huggingface.from_segmentation(result, (2, 3)).masks.area.tolist() == [3, 2]
    result["segments_info"] = info(2, 3, 1)
    assert huggingface.from_segmentation(result, (2, 3)).masks.area.tolist() == [2, 3, 1]
    one = {"segmentation": [[1, 6]], "segments_info": info(0)}
    assert huggingface.from_segmentation(one, (2, 3)).masks.area.tolist() == [6]
    for hidden in (info(0, 1, 2), info(0, 1, 2, 3), info(1)):
        result["segments_info"] = hidden
        with pytest.raises(ValueError, match=r"3 run-length lists belong to, .* the map"):
            huggingface.from_segmentation(result, (2, 3))
    with pytest.raises(ValueError, match=r"size: run-length lists do not contain it"):
        huggingface.from_segmentation(result)


ERRORS = {
    "a list": (
        [{}, {}],
        TypeError,
        r"the result of one image, .*; pass the result of one image at a time",
    ),
    "None": (None, TypeError, "expected the result of one image, a dict or a map"),
    "text": ("a.png", TypeError, "expected the result of one image, a dict or a map"),
    "other keys": ({"masks": 1}, TypeError, r"\"segments_info\", got the keys \['masks'\]"),
    "a batch of maps": (np.zeros((2, 3, 4), int), ValueError, "pass the map of one image"),
    "logits": (np.zeros((3, 4)) + 0.5, ValueError, "result: .* integral ids, got fractions"),
    "NaN": (np.full((3, 4), np.nan), ValueError, "result: .* integral ids, got fractions"),
    "bools": (np.zeros((3, 4), bool), TypeError, "expected integers, got bool; pass masks to"),
    "huge ids": (np.full((3, 4), 2**63, np.uint64), ValueError, r"ids below 2\*\*63"),
    "no label": (
        {"segmentation": np.zeros((2, 2), int), "segments_info": [{"id": 1}]},
        TypeError,
        r"segments_info\[0\]: expected a dict with id and label_id",
    ),
    "no list": (
        {"segmentation": np.zeros((2, 2), int), "segments_info": {"id": 1}},
        TypeError,
        "segments_info: expected a list of dicts, got dict",
    ),
    "a label of text": (
        {"segmentation": np.zeros((2, 2), int), "segments_info": [{"id": 1, "label_id": "cat"}]},
        TypeError,
        r"segments_info\[0\]: label_id: expected an integer, got str 'cat'",
    ),
    "a score of text": (
        {
            "segmentation": np.zeros((2, 2), int),
            "segments_info": [{"id": 1, "label_id": 1, "score": "high"}],
        },
        TypeError,
        r"segments_info\[0\]: score: expected a number, got str 'high'",
    ),
    "an id twice": (
        {"segmentation": np.zeros((2, 2), int), "segments_info": info(1, 1)},
        ValueError,
        "unique ids, got several segments with the id 1",
    ),
    "a batch of dicts' maps": (
        {"segmentation": np.zeros((2, 3, 4, 5), int), "segments_info": info(1)},
        ValueError,
        r"segmentation: expected a map \(H, W\) of ids, got the shape \(2, 3, 4, 5\)",
    ),
    "fractions": (
        {"segmentation": np.full((2, 2), 0.5), "segments_info": info(1)},
        ValueError,
        "integral ids, got fractions",
    ),
    "none": ({"segmentation": None, "segments_info": info(1)}, ValueError, "1 segments, got None"),
    "nothing": ({"segmentation": None, "segments_info": []}, ValueError, r"pass size=\(H, W\)"),
    "number": (
        {"segmentation": np.ones((2, 4, 4)), "segments_info": info(1)},
        ValueError,
        "expected 1 masks, one per segment, got 2",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_huggingface_errors(name):
    result, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        huggingface.from_segmentation(result)


def test_huggingface_size_differs():
    result = {"segmentation": np.zeros((2, 3), int), "segments_info": []}
    with pytest.raises(ValueError, match=r"size: expected the segmentation's size, \(2, 3\), got"):
        huggingface.from_segmentation(result, (3, 2))


def test_huggingface_pipeline():
    image = library("PIL.Image")
    batch = shapes(4, (20, 30))
    found = [
        {"label": "cat", "score": 0.5, "mask": image.fromarray(np.uint8(mask) * 255)}
        for mask in batch
    ]
    assert huggingface.from_pipeline(found) == sc.Masks.from_dense(batch)
    assert huggingface.from_pipeline([], (20, 30)) == sc.Masks.from_dense(batch[:0])
    with pytest.raises(ValueError, match=r"pass size=\(H, W\)"):
        huggingface.from_pipeline([])
    with pytest.raises(ValueError, match=r"outputs\[0\]: mask: expected the size \(3, 3\)"):
        huggingface.from_pipeline(found, (3, 3))
    with pytest.raises(ValueError, match=r"outputs\[1\]: mask: expected \(H, W\)"):
        huggingface.from_pipeline([found[0], {"mask": np.ones((2, 2, 3), bool)}])


def test_huggingface_sam():
    torch = library("torch")
    processor = library("transformers.models.sam.image_processing_sam").SamImageProcessor()
    masks = torch.tensor(logits(2 * 2 * 3, 64, 64, 9)).reshape(2, 2, 3, 64, 64)
    sizes, inputs = [(120, 160), (97, 61)], torch.tensor([[192, 256], [256, 161]])
    pad = {"height": 256, "width": 256}
    args = (torch.tensor(sizes), inputs, 0.25)
    wanted = processor.post_process_masks(list(masks), *args, binarize=False, pad_size=pad)
    got = huggingface.post_process_masks(masks, *args, pad_size=pad)
    for each, values, size in zip(got, wanted, sizes, strict=True):
        assert each.size == size
        soft = values.flatten(0, 1).numpy()
        wrong = (each.to_dense() != (soft > 0.25)) & (np.abs(soft - 0.25) > 1e-4)
        assert not wrong.any()
        assert each.area.any()
    with pytest.raises(ValueError, match="original_sizes: expected 2 sizes, one per image, got 1"):
        huggingface.post_process_masks(masks, sizes[:1], inputs)
    with pytest.raises(ValueError, match=r"expected the shape \(prompts, masks, h, w\) for each"):
        huggingface.post_process_masks(masks[0], sizes, inputs)


# -- tensors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "bfloat16", "uint8", "bool"])
@pytest.mark.parametrize("layout", ["plain", "transposed", "sliced"])
def test_tensors_go_everywhere(name, layout):
    torch = library("torch")
    values = np.random.default_rng(2).random((4, 18, 22), np.float32)
    tensor = torch.tensor(values)
    tensor = (tensor > 0.5 if name in ("uint8", "bool") else tensor).to(getattr(torch, name))
    if layout == "transposed":
        tensor = tensor.mT
    elif layout == "sliced":
        tensor = tensor[::2, 1::3, 2:]
    numbers = tensor.float().numpy()
    before = numbers.copy()
    assert sc.Masks.from_dense(tensor, 0.5) == sc.Masks.from_dense(numbers > 0.5)
    wanted = sc.upsample_masks(numbers, (40, 50), 0.5)
    assert sc.upsample_masks(tensor, (40, 50), 0.5) == wanted
    boxes = np.array([[3, 4, 30, 35.5]] * len(numbers), np.float32)
    for rule in ("detectron2", "torchvision"):
        wanted = sc.paste_masks(numbers, boxes, (40, 50), rule=rule)
        assert sc.paste_masks(tensor, torch.tensor(boxes), (40, 50), rule=rule) == wanted
    np.testing.assert_array_equal(tensor.float().numpy(), before)


@pytest.mark.parametrize("name", ["float16", "float32", "float64", "uint8", "bool", "bfloat16"])
def test_tensors_are_not_copied(name):
    torch = library("torch")
    from segcore._input.arrays import as_array_or_bits

    tensor = torch.zeros((3, 6, 8), dtype=getattr(torch, name))[:, ::2, 1:]
    array, is_bfloat16 = as_array_or_bits(tensor, "dense")
    assert is_bfloat16 == (name == "bfloat16")
    assert array.__array_interface__["data"][0] == tensor.data_ptr()
    assert array.strides == tuple(step * tensor.element_size() for step in tensor.stride())


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_a_tensor_that_requires_grad(name):
    torch = library("torch")
    tensor = torch.ones((1, 4, 4), requires_grad=True, dtype=getattr(torch, name))
    for call in (sc.Masks.from_dense, lambda each, limit: sc.upsample_masks(each, (8, 8), limit)):
        with pytest.raises(TypeError, match=r"cannot read \w+ as array: .*detach\(\)"):
            call(tensor, 0.5)


class OnGpu:
    """A tensor of which one only learns where it lies."""

    def __init__(self, device):
        self.device = device

    def __dlpack_device__(self):
        if self.device is None:
            raise ValueError("no such device in DLPack")
        return self.device

    def __dlpack__(self, **_):
        raise AssertionError("it must not be read")


@pytest.mark.parametrize("device", [(2, 0), (8, 0), (10, 1), None], ids=str)
def test_a_tensor_on_a_gpu(device):
    tensor = OnGpu(device)
    for name, call in {
        "dense": lambda: sc.Masks.from_dense(tensor, 0.5),
        "soft_masks": lambda: sc.upsample_masks(tensor, (8, 8), 0.5),
        "probs": lambda: sc.paste_masks(tensor, [[0, 0, 1, 1]], (8, 8)),
        "out": lambda: sc.Masks.from_boxes([[0, 0, 1, 1]], (8, 8)).to_dense(out=tensor),
    }.items():
        with pytest.raises(TypeError, match=f"^{name}: .*another device; call .cpu.*from_bits"):
            call()


@pytest.mark.parametrize("width", [1, 7, 8, 9, 64, 101])
@pytest.mark.parametrize("count", [0, 3])
def test_the_recipe_for_bits(width, count):
    """Run what docs/integrations.md says."""
    torch = library("torch")
    page = (paths.ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    [recipe] = [
        each for each in re.findall(r"```python\n(.*?)```", page, re.S) if "from_bits" in each
    ]
    scores = torch.tensor(np.random.default_rng(4).random((count, 5, width)) - 0.5)
    recipe, replaced = re.subn(r"(?m)^scores = .*$", "", recipe)
    assert replaced == 1
    names = {"scores": scores}
    exec(recipe, names)
    assert names["packed"].shape == (count, 5, (width + 7) // 8)
    assert names["masks"] == sc.Masks.from_dense(scores, 0)
