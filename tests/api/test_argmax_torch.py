"""Label maps against torch's own operators, and the post-processing of transformers.

A label may differ where the best two classes lie within 1e-5: torch sums in another order.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from support.soft_inputs import logits

import segcore as sc

torch = pytest.importorskip("torch", reason="torch is not installed")

TOLERANCE = 1e-5


def resized(scores, size):
    options = {"size": size, "mode": "bilinear", "align_corners": False}
    return torch.nn.functional.interpolate(scores[None], **options)[0]


def semantic(masks, classes):
    return torch.einsum("qc,qhw->chw", classes, masks.sigmoid())


def close_calls(scores) -> np.ndarray:
    """Tell where the best two of (C, H, W) are too close to call."""
    if len(scores) == 1:
        return np.zeros(tuple(scores.shape[1:]), bool)
    best = scores.topk(2, dim=0).values
    return (best[0] - best[1] <= TOLERANCE).numpy()


def assert_labels(labels, scores):
    close = close_calls(scores)
    wrong = (labels != scores.argmax(0).numpy()) & ~close
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size} pixels"
    assert close.mean() < 0.01


def queries(count, classes, seed):
    """Draw what a model puts out: logits of masks, and of classes with "no object" at the end."""
    generator = torch.Generator().manual_seed(seed)
    masks = torch.tensor(logits(count, 24, 32, seed))
    return masks, 2 * torch.randn(count, classes + 1, generator=generator)


@pytest.mark.parametrize("size", [(24, 32), (97, 130), (400, 300), (11, 9), (1, 1), (25, 31)])
@pytest.mark.parametrize("classes", [1, 2, 21, 150])
def test_scores(classes, size):
    for scores in (
        logits(classes, 24, 32, classes),
        np.random.default_rng(0).normal(size=(classes, 24, 32)),
    ):
        given = torch.tensor(scores, dtype=torch.float32)
        assert_labels(sc.argmax_upsample(given, size), resized(given, size))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_dtypes(dtype):
    given = torch.tensor(logits(8, 20, 30, 0)).to(getattr(torch, dtype))
    labels = sc.argmax_upsample(given, (99, 101), dtype=np.int64)
    assert_labels(labels, resized(given.float(), (99, 101)))


def test_ties_have_the_first_class():
    given = torch.tensor(logits(4, 20, 30, 0)).repeat(3, 1, 1)
    labels = sc.argmax_upsample(given, (60, 90))
    assert labels.max() < 4
    assert_labels(labels, resized(given[:4], (60, 90)))


@pytest.mark.parametrize("seed", range(3))
def test_published_ways_of_queries(seed):
    masks, raw = queries(12, 9, seed)
    classes = raw.softmax(-1)[:, :-1]
    size = (131, 97)
    labels = sc.argmax_masks(masks, classes, size)
    assert_labels(labels, resized(semantic(masks, classes), size))
    labels = sc.argmax_masks(masks, classes, size, intermediate=(128, 160), crop=(128, 95))
    scores = semantic(resized(masks, (128, 160)), classes)[:, :128, :95]
    assert_labels(labels, resized(scores, size))
    labels = sc.argmax_masks(masks, classes, size, intermediate=size)
    assert_labels(labels, semantic(resized(masks, size), classes))


@pytest.mark.parametrize(
    ("module", "processor", "options"),
    [
        ("maskformer", "MaskFormerImageProcessor", {}),
        ("mask2former", "Mask2FormerImageProcessor", {"intermediate": (384, 384)}),
    ],
)
def test_post_processing_of_transformers(module, processor, options):
    models = pytest.importorskip(
        f"transformers.models.{module}.image_processing_{module}",
        reason="transformers is not installed",
        exc_type=ImportError,
    )
    masks, raw = queries(12, 9, seed=5)
    classes = raw.softmax(-1)[:, :-1]
    size = (131, 97)
    outputs = SimpleNamespace(class_queries_logits=raw[None], masks_queries_logits=masks[None])
    process = getattr(models, processor).post_process_semantic_segmentation
    [expected] = process(None, outputs, target_sizes=[size])
    labels = sc.argmax_masks(masks, classes, size, **options)
    inner = resized(masks, options["intermediate"]) if options else masks
    close = close_calls(resized(semantic(inner, classes), size))
    assert np.all(close | (labels == expected.numpy()))
    assert close.mean() < 0.01
