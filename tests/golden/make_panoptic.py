"""Make panoptic.npz: the panoptic maps that the references themselves make of panoptic_cases.

Run it from the repository with torch, transformers and pycocotools installed, and name the folders
in which the sources of the others lie, as their repositories or packages unpack: ``PYTHONPATH=tests
python tests/golden/make_panoptic.py FOLDER...``. The file was made with panopticapi of 2020,
detectron2 0.6, mmdet 3.3.0, Mask2Former of 2022, panoptic-deeplab of 2021, ultralytics 8.4.190 and
transformers 5.23.0.

Only the one function of each is run, on scores and probabilities that are given rather than
inferred, and with sorts made stable: where theirs is not, ties have no answer of their own.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from pycocotools import mask as coco
from support import panoptic_cases as cases
from support.panoptic_cases import Instances, Queries
from transformers.models.detr import image_processing_detr as detr
from transformers.models.eomt import image_processing_eomt as eomt

FILE = Path(__file__).with_name("panoptic.npz")
FOLDERS = [Path(each) for each in sys.argv[1:]]
DIVISOR, VOID = 1000, 255

Answer = tuple[np.ndarray, Any]


class Stable:
    """A module with a stable argsort."""

    def __init__(self, module: Any, **stable: Any) -> None:
        self.module, self.stable = module, stable

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)

    def argsort(self, values: Any) -> Any:
        return self.module.argsort(values, **self.stable)


STABLE_TORCH, STABLE_NUMPY = Stable(torch, stable=True), Stable(np, kind="stable")


def load(end: str, *names: str, **known: Any) -> SimpleNamespace:
    """These functions (or methods, or classes) of the source file whose path ends so."""
    files = (path for folder in FOLDERS for path in folder.rglob(Path(end).name))
    path = next(path for path in files if path.as_posix().endswith(end))
    tree = ast.parse(path.read_text())
    found = [node for node in ast.walk(tree) if getattr(node, "name", None) in names]
    for node in found:
        node.decorator_list = []
        for function in ast.walk(node):
            if isinstance(function, ast.FunctionDef):
                function.returns = None
                for argument in function.args.args:
                    argument.annotation = None
    space = dict(known)
    exec(compile(ast.Module(found, []), str(path), "exec"), space)
    return SimpleNamespace(**{name: space[name] for name in names})


def tensors(*arrays: np.ndarray) -> list[torch.Tensor]:
    return [torch.from_numpy(each.copy()) for each in arrays]


def given_queries(case: Queries) -> tuple[Any, Any, Any]:
    """Class logits, mask logits and torch's functional that come to just this case."""
    classes, scores, chances = tensors(case.class_ids, case.scores, case.probabilities)
    functional = SimpleNamespace(
        softmax=lambda logits, dim: SimpleNamespace(max=lambda dim: (scores, classes))
    )
    logits = torch.zeros(len(classes), case.no_object + 1)
    return logits, SimpleNamespace(sigmoid=lambda: chances), functional


# -- each reference on a case ----------------------------------------------------------------------


def panopticapi() -> Callable[[Instances], Answer]:
    names = "IdGenerator", "rgb2id", "id2rgb", "save_json"
    tools = load("panopticapi/utils.py", *names, np=np, json=json)
    images: list[np.ndarray] = []
    image = SimpleNamespace(
        fromarray=lambda rgb: SimpleNamespace(save=lambda path: images.append(rgb))
    )
    known = {"os": os, "json": json, "np": np, "copy": copy, "time": time, "COCOmask": coco}
    known |= {"defaultdict": defaultdict, "Image": image, **vars(tools)}
    names = "combine_to_panoptic_single_core", "combine_predictions"
    script = load("combine_semantic_and_instance_predictions.py", *names, **known)
    space = script.combine_predictions.__globals__
    space["combine_to_panoptic_multi_core"] = lambda images, *rest: (
        script.combine_to_panoptic_single_core(0, list(images), images, *rest)
    )

    def records(masks: Any, class_ids: Any, scores: Any = None) -> list[dict[str, Any]]:
        made = []
        for index, (mask, class_id) in enumerate(zip(masks, class_ids.tolist(), strict=True)):
            rle = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
            rle["counts"] = rle["counts"].decode()
            made.append({"image_id": 1, "category_id": class_id, "segmentation": rle})
            if scores is not None:
                made[-1]["score"] = float(scores[index])
        return made

    def answer(case: Instances) -> Answer:
        height, width = case.semantic_map.shape
        image = {"id": 1, "height": height, "width": width, "file_name": "1.jpg"}
        categories = [
            {"id": each, "isthing": int(each in case.things), "color": [20 * each + 99, 99, 99]}
            for each in range(case.num_things + case.num_stuff)
        ]
        files = {
            "semantic": records(case.stuff_masks, case.stuff_class_ids),
            "instances": records(case.masks, case.class_ids, case.scores),
            "images": {"images": [image]},
            "categories": categories,
        }
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(None):
            paths = [os.path.join(folder, name) for name in files]
            for path, content in zip(paths, files.values(), strict=True):
                tools.save_json(content, path)
            result = os.path.join(folder, "result.json")
            script.combine_predictions(*paths, folder, result, case.score, case.overlap, case.limit)
            with open(result) as file:
                segments = json.load(file)["annotations"][0]["segments_info"]
        colours = tools.rgb2id(images.pop().astype(np.uint32))
        ids = {each: n for n, each in enumerate(dict.fromkeys(s["id"] for s in segments), 1)}
        labels = np.zeros(colours.shape, np.uint32)
        for colour in np.unique(colours[colours != 0]).tolist():
            labels[colours == colour] = ids[colour]
        return labels, [segment | {"id": ids[segment["id"]]} for segment in segments]

    return answer


def detectron2() -> Callable[[Instances], Answer]:
    name = "combine_semantic_and_instance_outputs"
    real = load("detectron2/modeling/meta_arch/panoptic_fpn.py", name, torch=STABLE_TORCH)

    def answer(case: Instances) -> Answer:
        scores, masks, classes, semantic = tensors(
            case.scores, case.masks, case.class_ids, case.semantic_map
        )
        given = SimpleNamespace(scores=scores, pred_masks=masks, pred_classes=classes)
        thresholds = case.overlap, case.limit, case.score
        labels, segments = getattr(real, name)(given, semantic, *thresholds)
        return labels.numpy(), segments

    return answer


class Detections:
    """mmengine's InstanceData, as far as it is asked."""

    def __init__(self, case: Instances) -> None:
        given = tensors(case.masks, case.class_ids, case.scores)
        self.masks, self.labels, self.scores = given
        self.bboxes = torch.zeros(len(self), 4)

    def __len__(self) -> int:
        return len(self.masks)


def mmdet_heuristic() -> Callable[[Instances], Answer]:
    known = {"torch": STABLE_TORCH, "INSTANCE_OFFSET": 1000, "PixelData": SimpleNamespace}
    names = "_lay_masks", "_predict_single"
    real = load("panoptic_fusion_heads/heuristic_fusion_head.py", *names, **known)

    def answer(case: Instances) -> Answer:
        head = SimpleNamespace(
            num_things_classes=case.num_things,
            num_stuff_classes=case.num_stuff,
            num_classes=case.num_things + case.num_stuff,
            test_cfg=SimpleNamespace(mask_overlap=case.overlap, stuff_area_limit=case.limit),
        )
        head._lay_masks = lambda *given: real._lay_masks(head, *given)
        channels = np.arange(case.num_stuff + 1)[:, None, None] == case.semantic_map
        result = real._predict_single(head, Detections(case), torch.from_numpy(channels).float())
        return result.sem_seg[0].numpy(), None

    return answer


def panoptic_deeplab() -> Callable[[Instances], Answer]:
    name = "merge_semantic_and_instance"
    first = load("model/post_processing/instance_post_processing.py", name, torch=torch)
    known = {"torch": torch, "Counter": Counter}
    second = load("panoptic_deeplab/post_processing.py", name, **known)

    def answer(case: Instances) -> Answer:
        semantic, instances = (each[None] for each in tensors(case.class_map, case.instance_map))
        thing = torch.from_numpy(np.isin(case.class_map, list(case.things)))[None].int()
        given = DIVISOR, list(case.things), case.limit, VOID
        labels = getattr(first, name)(semantic, instances, *given)
        assert torch.equal(labels, getattr(second, name)(semantic, instances, thing, *given))
        return labels[0].numpy(), None

    return answer


def overlap_targets() -> Callable[[Instances], Answer]:
    def polygon2mask(shape: Any, segments: Any, **rest: Any) -> np.ndarray:
        return given[int(segments[0][0])].astype(np.uint8)

    name, known = "polygons2masks_overlap", {"np": STABLE_NUMPY, "polygon2mask": polygon2mask}
    real = getattr(load("ultralytics/data/utils.py", name, **known), name)
    given: Any = None

    def answer(case: Instances) -> Answer:
        nonlocal given
        given = case.masks
        labels, order = real(case.semantic_map.shape, [np.array([n]) for n in range(len(given))])
        return labels, order.tolist()

    return answer


class Classified:
    """Class logits of which this comes out, whatever is taken of them."""

    def __init__(self, scores: torch.Tensor, classes: torch.Tensor) -> None:
        self.result, self.shape = (scores, classes), (1, len(scores), 1)

    def __getitem__(self, at: Any) -> Classified:
        return self

    def softmax(self, dim: int) -> Classified:
        return self

    def max(self, dim: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.result


def huggingface_instance(case: Instances) -> Answer | None:
    """EoMT's, with logits so high that a mask's mean probability is area / (area + 1e-6)."""
    if len(case.masks) == 0:
        return None
    masks, classes, scores = tensors(case.masks, case.class_ids, case.scores.astype(np.float32))
    logits = torch.where(masks, 100.0, -100.0)[None]
    outputs = SimpleNamespace(
        masks_queries_logits=logits, class_queries_logits=Classified(scores, classes)
    )
    height, width = case.semantic_map.shape
    size = {"shortest_edge": height, "longest_edge": width}
    own = SimpleNamespace(size=size, unpad_image=lambda logits, targets, size: logits)
    method = eomt.EomtImageProcessor.post_process_instance_segmentation
    result = method(own, outputs, [(height, width)], threshold=case.score)[0]
    return result["segmentation"].numpy(), result["segments_info"]


def mask2former() -> Callable[[Queries], Answer]:
    name = "panoptic_inference"
    real = getattr(load("mask2former/maskformer_model.py", name, torch=torch), name)

    def answer(case: Queries) -> Answer:
        *logits, real.__globals__["F"] = given_queries(case)
        model = SimpleNamespace(
            sem_seg_head=SimpleNamespace(num_classes=case.no_object),
            object_mask_threshold=case.object_threshold,
            overlap_threshold=case.overlap,
            metadata=SimpleNamespace(
                thing_dataset_id_to_contiguous_id={each: each for each in case.things}
            ),
        )
        labels, segments = real(model, *logits)
        return labels.numpy(), segments

    return answer


def mmdet_maskformer(filter_low_score: bool) -> Callable[[Queries], Answer]:
    name = "panoptic_postprocess"
    known = {"torch": torch, "INSTANCE_OFFSET": 1000, "PixelData": SimpleNamespace}
    real = getattr(load("panoptic_fusion_heads/maskformer_fusion_head.py", name, **known), name)

    def answer(case: Queries) -> Answer:
        *logits, real.__globals__["F"] = given_queries(case)
        settings = {"object_mask_thr": case.object_threshold, "iou_thr": case.overlap}
        head = SimpleNamespace(
            num_things_classes=case.num_things,
            num_classes=case.no_object,
            test_cfg=settings | {"filter_low_score": filter_low_score},
        )
        return real(head, *logits).sem_seg[0].numpy(), None

    return answer


def kept(case: Queries, chances: Any) -> tuple[torch.Tensor, ...]:
    scores, classes = tensors(case.scores, case.class_ids)
    return detr.remove_low_and_no_objects(
        chances, scores, classes, case.object_threshold, case.no_object
    )


def huggingface(case: Queries) -> Answer:
    (chances,) = tensors(case.probabilities)
    given = kept(case, chances)
    if len(given[0]) == 0:  # what post_process_panoptic_segmentation does here
        return (torch.zeros(chances.shape[1:]) - 1).numpy(), []
    thresholds = case.mask_threshold, case.overlap
    labels, segments = detr.compute_segments(*given, *thresholds, case.stuff)
    return labels.numpy(), segments


def huggingface_eomt(case: Queries) -> Answer:
    (chances,) = tensors(case.probabilities)
    chances, scores, classes = kept(case, chances)
    if len(chances) == 0:
        return (torch.zeros(chances.shape[1:]) - 1).numpy(), []
    logits = SimpleNamespace(shape=chances.shape, device=chances.device, sigmoid=lambda: chances)
    thresholds = case.mask_threshold, case.overlap
    labels, segments = eomt.compute_segments(logits, scores, classes, case.stuff, *thresholds)
    return labels.numpy(), segments


# -- the file --------------------------------------------------------------------------------------


def instance_rules() -> dict[str, Callable[[Instances], Answer | None]]:
    return {
        "panopticapi": panopticapi(),
        "detectron2": detectron2(),
        "mmdet_heuristic": mmdet_heuristic(),
        "panoptic_deeplab": panoptic_deeplab(),
        "overlap_targets": overlap_targets(),
        "huggingface_instance": huggingface_instance,
    }


def query_rules() -> dict[str, Callable[[Queries], Answer | None]]:
    return {
        "mask2former": mask2former(),
        "mmdet_maskformer": mmdet_maskformer(filter_low_score=False),
        "mmdet_maskformer_filtered": mmdet_maskformer(filter_low_score=True),
        "huggingface": huggingface,
        "eomt": huggingface_eomt,
    }


def answers(given: list[Any], rules: dict[str, Any]) -> dict[str, np.ndarray]:
    """The maps of a rule end to end, and the rest of its answers as JSON."""
    arrays = {}
    for name, rule in rules.items():
        maps, entries = [], []
        for case in given:
            answer = rule(case)
            if answer is None:
                continue
            labels, segments = answer
            maps.append(labels.astype(np.int32).ravel())
            entries.append(
                {
                    "case": case.name,
                    "digest": cases.digest(case),
                    "dtype": str(labels.dtype),
                    "segments": segments,
                }
            )
        arrays[name] = np.concatenate(maps)
        arrays[name + "_entries"] = np.array(json.dumps(entries))
    return arrays


def main() -> None:
    arrays = answers(cases.golden_instances(), instance_rules())
    arrays |= answers(cases.golden_queries(), query_rules())
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    main()
