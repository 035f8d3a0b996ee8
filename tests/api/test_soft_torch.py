"""Soft masks against torch's own operators, and torchvision's own function.

A mask may differ where the interpolated value lies within 1e-5 of the threshold: torch sums in
another order.
"""

from __future__ import annotations

import numpy as np
import pytest
from support.soft_inputs import detections, logits, probabilities

import segcore as sc

torch = pytest.importorskip("torch", reason="torch is not installed")

F = torch.nn.functional
TOLERANCE = 1e-5


def assert_masks(masks, values, threshold, inside=None, inclusive=False):
    """Compare with (N, H, W) interpolated values."""
    values = values.numpy()
    wanted = values >= threshold if inclusive else values > threshold
    close = np.abs(values - threshold) <= TOLERANCE
    if inside is not None:
        wanted &= inside
        close &= inside
    got = masks.to_dense()
    wrong = (got != wanted) & ~close
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size} pixels"
    assert close.mean() < 0.01 or values.size < 1000  # so that it says something


# -- pasting --------------------------------------------------------------------------------------


def pasted_as_detectron2(probs, boxes, size):
    """Look every pixel's centre up, box by box, with zeros around: values, and where it looks."""
    height, width = size
    values = torch.zeros((len(probs), height, width))
    inside = np.zeros(values.shape, bool)
    for i, (prob, box) in enumerate(zip(probs, boxes, strict=True)):
        x0, y0, x1, y1 = box
        left = int(torch.clamp(x0.floor() - 1, min=0, max=width))
        top = int(torch.clamp(y0.floor() - 1, min=0, max=height))
        right = int(torch.clamp(x1.ceil() + 1, min=left, max=width))
        bottom = int(torch.clamp(y1.ceil() + 1, min=top, max=height))
        if left == right or top == bottom:
            continue
        x = (torch.arange(left, right, dtype=torch.float32) + 0.5 - x0) / (x1 - x0) * 2 - 1
        y = (torch.arange(top, bottom, dtype=torch.float32) + 0.5 - y0) / (y1 - y0) * 2 - 1
        grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=2).to(prob.dtype)
        sampled = F.grid_sample(prob[None, None], grid[None], align_corners=False)
        values[i, top:bottom, left:right] = sampled[0, 0].float()
        inside[i, top:bottom, left:right] = True
    return values, inside


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("side", "size"), [(28, (97, 130)), (14, (33, 200)), (7, (400, 300))])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_detectron2(seed, side, size, dtype):
    probs, boxes = detections(40, side, size, seed)
    boxes = boxes.astype(dtype)
    values, inside = pasted_as_detectron2(torch.tensor(probs), torch.tensor(boxes), size)
    for threshold in (0.5, 0.3):
        masks = sc.paste_masks(torch.tensor(probs), torch.tensor(boxes), size, threshold)
        assert_masks(masks, values, threshold, inside, inclusive=True)


def test_detectron2_of_a_threshold_of_nothing():
    probs, boxes = detections(40, 28, (50, 60), 0)
    _, inside = pasted_as_detectron2(torch.tensor(probs), torch.tensor(boxes), (50, 60))
    masks = sc.paste_masks(probs, boxes, (50, 60), threshold=0)
    np.testing.assert_array_equal(masks.to_dense(), inside)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("side", "size"), [(28, (97, 130)), (14, (33, 200)), (7, (400, 300))])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_torchvision(seed, side, size, dtype):
    heads = pytest.importorskip(
        "torchvision.models.detection.roi_heads", reason="torchvision is not installed"
    )
    probs, boxes = detections(40, side, size, seed)
    boxes = boxes.astype(dtype)
    touches = np.all((boxes[:, :2] < size[::-1]) & (boxes[:, 2:] > 0), axis=1)
    probs, boxes = probs[touches, None], boxes[touches]  # it fails where there is nothing to paste
    values = heads.paste_masks_in_image(torch.tensor(probs), torch.tensor(boxes), size)[:, 0]
    for threshold in (0.5, 0.3):
        masks = sc.paste_masks(probs, boxes, size, threshold, rule="torchvision")
        assert_masks(masks, values, threshold)


# -- upsampling -----------------------------------------------------------------------------------


def resized(scores, size):
    return F.interpolate(scores[:, None], size, mode="bilinear", align_corners=False)[:, 0]


@pytest.mark.parametrize(
    ("sides", "size"),
    [
        ((160, 160), (604, 806)),
        ((160, 160), (640, 640)),
        ((28, 28), (57, 113)),
        ((17, 40), (17, 40)),
        ((64, 48), (20, 31)),
        ((5, 7), (300, 3)),
        ((1, 9), (20, 20)),
        ((9, 1), (20, 20)),
        ((1, 1), (3, 4)),
    ],
)
def test_upsample(sides, size):
    scores = logits(6, *sides, seed=1)
    values = resized(torch.tensor(scores), size)
    for threshold in (0.0, 0.7, -1.3):
        assert_masks(sc.upsample_masks(torch.tensor(scores), size, threshold), values, threshold)
    scores = probabilities(6, *sides, seed=2)
    assert_masks(sc.upsample_masks(scores, size, 0.5), resized(torch.tensor(scores), size), 0.5)


@pytest.mark.parametrize("dtype", ["float16", "float64", "bfloat16"])
def test_upsample_other_floats(dtype):
    scores = torch.tensor(logits(3, 20, 30, seed=3)).to(getattr(torch, dtype))
    values = resized(scores.float(), (77, 100))
    assert_masks(sc.upsample_masks(scores, (77, 100), 0.0), values, 0.0)


@pytest.mark.parametrize(
    ("intermediate", "crop", "size"),
    [
        ((256, 256), (190, 256), (333, 450)),  # SAM
        ((256, 256), (256, 171), (120, 80)),
        ((200, 264), (193, 260), (427, 640)),  # Mask2Former
        ((40, 40), (40, 40), (100, 100)),  # smaller, then larger
        ((64, 64), (10, 64), (3, 9)),
    ],
)
def test_upsample_by_an_intermediate_size(intermediate, crop, size):
    scores = logits(5, 64, 64, seed=4)
    first = resized(torch.tensor(scores), intermediate)
    values = resized(first[:, : crop[0], : crop[1]], size)
    masks = sc.upsample_masks(scores, size, 0.0, crop=crop, intermediate=intermediate)
    assert_masks(masks, values, 0.0)


def test_upsample_a_crop():
    scores = logits(5, 64, 64, seed=5)
    values = resized(torch.tensor(scores)[:, :50, :33], (70, 200))
    assert_masks(sc.upsample_masks(scores, (70, 200), 0.0, crop=(50, 33)), values, 0.0)


def test_upsample_to_boxes():
    size = (120, 170)
    scores, (_, boxes) = logits(30, 40, 50, seed=6), detections(30, 1, size, 6)
    x, y = torch.arange(size[1]), torch.arange(size[0])
    x0, y0, x1, y1 = torch.tensor(boxes).T[:, :, None]
    inside = ((y >= y0) & (y < y1))[:, :, None] & ((x >= x0) & (x < x1))[:, None, :]
    values = resized(torch.tensor(scores), size)
    masks = sc.upsample_masks(scores, size, 0.0, boxes=boxes)
    assert_masks(masks, values, 0.0, inside.numpy())


def test_prototypes():
    size = (120, 170)
    rng = np.random.default_rng(7)
    coefficients = rng.normal(size=(30, 8)).astype(np.float32)
    prototypes = logits(8, 30, 42, seed=7)
    scores = torch.einsum("nk,khw->nhw", torch.tensor(coefficients), torch.tensor(prototypes))
    masks = sc.prototype_masks(coefficients, prototypes, None, size, 0.0)
    assert_masks(masks, resized(scores, size), 0.0)


# -- stability ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_stability_score(dtype):
    scores = torch.tensor(logits(9, 40, 50, seed=8)).to(getattr(torch, dtype))
    inner = (scores > 0.25 + 0.5).sum((1, 2))
    outer = (scores > 0.25 - 0.5).sum((1, 2))
    np.testing.assert_array_equal(
        sc.stability_score(scores, 0.25, 0.5), inner.numpy() / outer.numpy()
    )
