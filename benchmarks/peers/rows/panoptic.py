"""Panoptic maps, their quality, and tables of labels, beside the code that defined them.

The functions of detectron2 and panopticapi are read from checkouts of their repositories:
SEGCORE_CHECKOUTS names the folder that holds ``detectron2`` and ``panopticapi``.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

from ...inputs import TEST_DATA, Inputs
from ...panoptic import by_numpy, instances, stuff_map
from ..libraries import load
from ..row import PIPELINES, Skip, row
from ..timing import SEGCORE, Contender


def checkout(name: str) -> Path | None:
    """Find a checkout of somebody else's repository."""
    path = Path(os.environ.get("SEGCORE_CHECKOUTS", os.devnull), name)
    return path if path.is_dir() else None


def function_of(path: Path, name: str, **names: Any) -> Any:
    """Read one function out of a file, without what the file imports."""
    tree = ast.parse(path.read_text("utf-8"))
    [found] = [node for node in tree.body if getattr(node, "name", None) == name]
    found.decorator_list = []  # type: ignore[attr-defined]
    exec(compile(ast.Module([found], []), str(path), "exec"), names)
    return names[name]


# -- instances over a map of stuff -----------------------------------------------------------------


def combine(inputs: Inputs, from_dense: bool) -> Iterator[Contender]:
    size = (120, 160) if inputs.quick else (800, 1333)
    masks, classes, scores = instances(inputs.count, size)
    semantic, dense = stuff_map(size), masks.to_dense()

    def composed() -> NDArray[Any]:
        given = sc.Masks.from_dense(dense) if from_dense else masks
        return sc.compose_panoptic(
            given, classes, scores, stuff=semantic, rules="detectron2"
        ).labels

    yield Contender(SEGCORE, composed, np.asarray)
    yield Contender("numpy", lambda: by_numpy(dense, scores, semantic), np.asarray)
    repository, torch = checkout("detectron2"), load("torch")
    if repository and torch:
        torch.set_num_threads(1)
        path = repository / "detectron2" / "modeling" / "meta_arch" / "panoptic_fpn.py"
        function = function_of(path, "combine_semantic_and_instance_outputs", torch=torch)
        found = SimpleNamespace(
            scores=torch.from_numpy(scores),
            pred_masks=torch.from_numpy(dense),
            pred_classes=torch.from_numpy(classes),
        )
        tensor = torch.from_numpy(semantic)
        yield Contender(
            "detectron2",
            lambda: function(found, tensor, 0.5, 4096, 0.5)[0],
            lambda labels: labels.numpy(),
        )


@row("panoptic map by detectron2's rules, 100 instances and stuff", table=PIPELINES)
def panoptic_map(inputs: Inputs) -> Iterator[Contender]:
    """Of 800 x 1333, from masks and a semantic map; the others from dense masks."""
    return combine(inputs, from_dense=False)


@row("panoptic map by detectron2's rules, from dense masks", table=PIPELINES)
def panoptic_map_of_dense(inputs: Inputs) -> Iterator[Contender]:
    """The same, from dense masks for everyone."""
    return combine(inputs, from_dense=True)


# -- COCO's two sample images ----------------------------------------------------------------------


class Sample:
    """COCO's panoptic sample: its document, and the map of ids of each annotation."""

    def __init__(self) -> None:
        from PIL import Image

        if TEST_DATA not in os.environ:
            raise Skip(f"set {TEST_DATA} to the folder of the real data")
        folder = Path(os.environ[TEST_DATA]) / "panoptic_sample"
        document = json.loads((folder / "panoptic_examples.json").read_text("utf-8"))
        self.categories = {category["id"]: category for category in document["categories"]}
        self.annotations: list[tuple[dict[str, Any], NDArray[np.int32]]] = []
        for entry in document["annotations"]:
            with Image.open(folder / "panoptic_examples" / entry["file_name"]) as image:
                self.annotations.append((entry, sc.maps.ids.from_rgb(np.asarray(image))))


def panopticapi(name: str) -> ModuleType | None:
    """Import a module of panopticapi, if there is a checkout."""
    repository = checkout("panopticapi")
    if repository is None:
        return None
    if str(repository) not in sys.path:
        sys.path.append(str(repository))
    return importlib.import_module(f"panopticapi.{name}")


def partitions(maps: list[NDArray[Any]]) -> list[NDArray[np.int64]]:
    """Number the segments of each map in the order of their first pixels."""
    found = []
    for labels in maps:
        _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
        found.append(np.argsort(np.argsort(first))[inverse].reshape(labels.shape))
    return found


@row("panopticapi's combination of COCO's two sample images", table=PIPELINES)
def combine_sample(inputs: Inputs) -> Iterator[Contender]:
    """From dicts, made of the sample's truth, three shifted copies each; no PNG is written.

    The ids of panopticapi are random colours, so that segments are compared, not ids.
    """
    sample = Sample()
    rng = np.random.default_rng(0)
    images: dict[Any, dict[str, Any]] = {}
    things: dict[Any, list[dict[str, Any]]] = {}
    stuff: dict[Any, list[dict[str, Any]]] = {}
    for entry, ids in sample.annotations:
        key = entry["image_id"]
        images[key] = {"height": ids.shape[0], "width": ids.shape[1], "file_name": f"{key}.jpg"}
        things[key], stuff[key] = [], []
        for segment in entry["segments_info"]:
            category = segment["category_id"]
            kind = things if sample.categories[category]["isthing"] else stuff
            for score in rng.uniform(0.5, 1, 3):
                shifted = np.roll(ids == segment["id"], rng.integers(-9, 10, 2), (0, 1))
                [rle] = sc.Masks.from_dense(shifted).to_coco()
                described = {"segmentation": rle, "category_id": category, "score": float(score)}
                kind[key].append(described)
        things[key].sort(key=lambda described: -described["score"])
        stuff[key] = stuff[key][::3]

    def composed() -> list[NDArray[Any]]:
        maps = []
        for key, image in images.items():
            size = image["height"], image["width"]
            masks, stuff_masks = (
                sc.Masks.from_coco([each["segmentation"] for each in kind[key]], size)
                for kind in (things, stuff)
            )
            result = sc.compose_panoptic(
                masks,
                [each["category_id"] for each in things[key]],
                [each["score"] for each in things[key]],
                stuff=(stuff_masks, [each["category_id"] for each in stuff[key]]),
                rules="panopticapi",
            )
            maps.append(result.labels)
        return maps

    yield Contender(SEGCORE, composed, partitions)
    module: Any = panopticapi("combine_semantic_and_instance_predictions")
    if module is None:
        return
    saved: list[NDArray[Any]] = []
    module.id2rgb = lambda ids: saved.append(ids) or np.zeros((1, 1, 3), np.uint8)
    module.Image = SimpleNamespace(fromarray=lambda _: SimpleNamespace(save=lambda _: None))
    arguments = 0, list(images), images, things, stuff, "", 0.5, 4096, sample.categories

    def combined() -> list[NDArray[Any]]:
        saved.clear()
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            module.combine_to_panoptic_single_core(*arguments)
        return saved.copy()

    yield Contender("panopticapi", combined, partitions)


@row("panoptic quality of COCO's two sample images", table=PIPELINES)
def quality(inputs: Inputs) -> Iterator[Contender]:
    """Of shifted predictions, four fifths of the segments, from maps of ids in memory."""
    sample = Sample()
    rng = np.random.default_rng(0)
    maps, pairs = {}, []
    for entry, ids in sample.annotations:
        predicted = np.roll(ids, (3, 5), (0, 1))
        kept = [segment for segment in entry["segments_info"] if rng.random() < 0.8]
        predicted[~np.isin(predicted, [segment["id"] for segment in kept])] = 0
        kept = [{**segment} for segment in kept if (predicted == segment["id"]).any()]
        maps[entry["file_name"], "truth"] = ids
        maps[entry["file_name"], "prediction"] = predicted
        pairs.append((entry, {**entry, "segments_info": kept}))

    def scored() -> NDArray[np.float64]:
        score = sc.metrics.PanopticQuality(list(sample.categories.values()))
        for truth, prediction in pairs:
            name = truth["file_name"]
            score.update(
                maps[name, "truth"],
                truth["segments_info"],
                maps[name, "prediction"],
                prediction["segments_info"],
            )
        return np.array([score.all.pq, score.all.sq, score.all.rq])

    yield Contender(SEGCORE, scored, np.asarray)
    module: Any = panopticapi("evaluation")
    if module is None:
        return
    # Both begin with the maps of ids: reading a PNG costs them the same.
    module.rgb2id = lambda array: array
    module.Image = SimpleNamespace(open=lambda key: maps[key])
    module.np = SimpleNamespace(
        **{**vars(np), "array": lambda value, dtype=None: np.array(value, dtype)}
    )
    module.os = SimpleNamespace(path=SimpleNamespace(join=lambda folder, name: (name, folder)))
    copies = json.loads(json.dumps(pairs))  # it writes areas into them

    def computed() -> NDArray[np.float64]:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            stat = module.pq_compute_single_core(
                0, copies, "truth", "prediction", sample.categories
            )
        average = stat.pq_average(sample.categories, isthing=None)[0]
        return np.array([average["pq"], average["sq"], average["rq"]])

    yield Contender("panopticapi", computed, np.asarray)


# -- tables ----------------------------------------------------------------------------------------


def pairs_of_labels(a: NDArray[Any], b: NDArray[Any]) -> Iterator[Contender]:
    def table() -> tuple[NDArray[Any], ...]:
        table = sc.overlap_table(a, b)
        return table.ids_a[table.rows], table.ids_b[table.columns], table.areas

    def by_unique() -> tuple[NDArray[Any], ...]:
        width = int(b.max()) + 1
        pairs, counts = np.unique(a.astype(np.int64) * width + b, return_counts=True)
        return pairs // width, pairs % width, counts

    yield Contender(SEGCORE, table, tuple, "overlap_table")
    yield Contender("numpy", by_unique, tuple, "unique")


@row("pairs of labels of 1024 x 1024: 800 objects, int32", table=PIPELINES)
def pairs_of_objects(inputs: Inputs) -> Iterator[Contender]:
    """NumPy sorts all pairs, as one number each."""
    return pairs_of_labels(*inputs.label_pairs["objects"])


@row("pairs of labels of 1024 x 1024: 800 objects, ids of colours, int64", table=PIPELINES)
def pairs_of_colours(inputs: Inputs) -> Iterator[Contender]:
    """The same with ids that are far apart."""
    return pairs_of_labels(*inputs.label_pairs["objects, RGB ids"])


@row("pairs of labels of 1024 x 1024: noise of 21 classes, uint8", table=PIPELINES)
def pairs_of_noise(inputs: Inputs) -> Iterator[Contender]:
    """The same where every pixel may have another label than the one before."""
    return pairs_of_labels(*inputs.label_pairs["noise"])
