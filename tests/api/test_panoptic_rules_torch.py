"""The rules of panoptic_rules against Hugging Face's own post-processing."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
from support import panoptic_cases as cases
from support import panoptic_rules as rules
from support.panoptic_cases import Queries
from support.soft_inputs import logits

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", "5", reason="transformers 5 is not installed")

CASES = [*cases.edge_queries(), *map(cases.random_queries, range(1000, 1100))]
WEIGHED = "detr", "conditional_detr", "maskformer", "mask2former", "oneformer"


def module(name):
    return import_module(f"transformers.models.{name}.image_processing_{name}")


def processor(name):
    [found] = (each for each in module(name).__all__ if each.endswith("ImageProcessor"))
    return getattr(module(name), found)


def kept(source, case: Queries):
    """The probabilities, scores and classes of the queries that the source keeps."""
    arrays = case.probabilities, case.scores, case.class_ids
    given = (torch.from_numpy(each.copy()) for each in arrays)
    return source.remove_low_and_no_objects(*given, case.object_threshold, case.no_object)


def settings(case: Queries):
    names = "object_threshold", "mask_threshold", "overlap"
    return {name: getattr(case, name) for name in names}


def assert_same(answer, expected):
    labels, segments = answer
    labels = labels.numpy()
    np.testing.assert_array_equal(labels, expected[0])
    assert labels.dtype == expected[0].dtype
    assert segments == expected[1]


@pytest.mark.parametrize("name", WEIGHED)
@pytest.mark.parametrize("wide", [False, True])
def test_weighed(name, wide):
    source = module(name)
    for case in map(cases.widened, CASES) if wide else CASES:
        chances, scores, classes = kept(source, case)
        if len(chances) == 0:
            continue
        thresholds = case.mask_threshold, case.overlap
        answer = source.compute_segments(chances, scores, classes, *thresholds, case.stuff)
        given = case.class_ids, case.scores, case.probabilities, case.stuff, case.no_object
        assert_same(answer, rules.huggingface(*given, **settings(case)))


@pytest.mark.parametrize("wide", [False, True])
def test_eomt(wide):
    source = module("eomt")
    for case in map(cases.widened, CASES) if wide else CASES:
        chances, scores, classes = kept(source, case)
        if len(chances) == 0:
            continue
        shape, device = chances.shape, chances.device
        masks = SimpleNamespace(shape=shape, device=device, sigmoid=lambda known=chances: known)
        thresholds = case.mask_threshold, case.overlap
        answer = source.compute_segments(masks, scores, classes, case.stuff, *thresholds)
        given = case.class_ids, case.scores, case.probabilities, case.stuff, case.no_object
        assert_same(answer, rules.eomt(*given, **settings(case)))


# -- the methods as a whole ------------------------------------------------------------------------

SIZE, QUERIES = (23, 31), 9


def outputs(seed: int, sharpness: float = 6):
    """Logits of masks and classes, under the names that the models have."""
    masks = torch.from_numpy(logits(QUERIES, *SIZE, seed=seed)).float()[None]
    random = np.random.default_rng(seed)
    classes = sharpness * random.standard_normal((1, QUERIES, cases.THINGS + cases.STUFF + 1))
    classes = torch.from_numpy(classes).float()
    names = {"logits": classes, "class_queries_logits": classes}
    return SimpleNamespace(**names, pred_masks=masks, masks_queries_logits=masks)


def size_of(name):
    """EoMT resizes to its own size, so that must be the image's; the others need none."""
    return {"shortest_edge": SIZE[0], "longest_edge": SIZE[1]} if name == "eomt" else None


@pytest.mark.parametrize("name", ["detr", "conditional_detr", "maskformer", "oneformer", "eomt"])
@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
def test_panoptic(name, threshold):
    own = SimpleNamespace(size=None, unpad_image=lambda masks, sizes, size: masks)
    method = processor(name).post_process_panoptic_segmentation
    fused = set(range(cases.THINGS, cases.THINGS + cases.STUFF))
    for seed in range(5):
        made = outputs(seed)
        more = {"target_sizes": [SIZE], "threshold": threshold, "overlap_mask_area_threshold": 0.3}
        if name == "eomt":
            more |= {"stuff_classes": list(fused), "size": size_of(name)}
        else:
            more |= {"label_ids_to_fuse": fused}
        result = method(own, made, **more)[0]
        scores, classes = (each[0].numpy() for each in made.logits.softmax(-1).max(-1))
        chances = made.pred_masks[0].sigmoid().numpy()
        rule = rules.eomt if name == "eomt" else rules.huggingface
        expected = rule(
            *(classes, scores, chances, fused, cases.THINGS + cases.STUFF),
            object_threshold=threshold,
            overlap=0.3,
        )
        assert_same((result["segmentation"], result["segments_info"]), expected)


@pytest.mark.parametrize("name", ["maskformer", "eomt"])
def test_instances(name):
    own = SimpleNamespace(size=None, unpad_image=lambda masks, sizes, size: masks)
    method = processor(name).post_process_instance_segmentation
    for seed in range(5):
        made = outputs(seed)
        masks, classes, scores = ranked(made) if name == "maskformer" else best(made)
        pixels = (masks > 0).float().flatten(1)
        mean = (masks.sigmoid().flatten(1) * pixels).sum(1) / (pixels.sum(1) + 1e-6)
        scores = scores * mean
        given = (masks > 0).numpy(), classes.numpy(), scores.numpy()
        for threshold in (0.0, 0.5, *cases.around(scores[0].item(), np.float64)):
            more = {"size": size_of(name)} if name == "eomt" else {}
            result = method(own, made, target_sizes=[SIZE], threshold=float(threshold), **more)[0]
            labels, segments = rules.huggingface_instance(*given, threshold=float(threshold))
            if name == "eomt":
                for each in segments:
                    del each["was_fused"]
            assert_same((result["segmentation"], result["segments_info"]), (labels, segments))


def ranked(made):
    """The best pairs of query and class, as MaskFormer takes them."""
    scores = made.logits[0].softmax(-1)[:, :-1]
    count = scores.shape[1]
    scores, pairs = scores.flatten().topk(QUERIES, sorted=False)
    return made.pred_masks[0][pairs // count], pairs % count, scores


def best(made):
    """The best class of each query, as EoMT takes it."""
    scores, classes = made.logits[0].softmax(-1)[:, :-1].max(-1)
    return made.pred_masks[0], classes, scores
