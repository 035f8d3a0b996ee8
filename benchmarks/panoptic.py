"""Panoptic maps and their quality beside other code: ``python -m benchmarks.panoptic``.

On one thread each; answers are compared before times are. The others' functions are read out of
checkouts of their repositories, ``--detectron2 DIR`` and ``--panopticapi DIR``; without these, what
is measured beside segcore is NumPy's way, written here. COCO's two sample pictures are read from
the folder of SEGCORE_TEST_DATA.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc

from .soft import best

PICTURE = 800, 1333


class WrongAnswerError(AssertionError):
    """Two ways disagree."""


def compare(title: str, ours: Callable[[], Any], **others: Callable[[], Any]) -> None:
    """Time the ways to one answer, and print the ratios; each gives a comparable value."""
    time, answer = best(ours, 20)
    print(f"{title}: segcore {time:.2f} ms", end="")
    for name, way in others.items():
        their_time, expected = best(way, 3)
        if not same(answer, expected):
            raise WrongAnswerError(f"{title}: segcore and {name} disagree")
        print(f"; {name} {their_time:.1f} ms, {their_time / time:.0f} times that", end="")
    print(flush=True)


def same(a: Any, b: Any) -> bool:
    """Compare values, or arrays, or tuples of them."""
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(np.array_equal(a, b))


def function_of(path: Path, name: str, **names: Any) -> Any:
    """Read one function out of a file of somebody else's, without what the file imports."""
    tree = ast.parse(path.read_text("utf-8"))
    [found] = [each for each in tree.body if getattr(each, "name", None) == name]
    found.decorator_list = []  # type: ignore[attr-defined]
    exec(compile(ast.Module([found], []), str(path), "exec"), names)
    return names[name]


# -- instances over a map of stuff -----------------------------------------------------------------


def instances(count: int) -> tuple[sc.Masks, NDArray[np.int64], NDArray[np.float32]]:
    """Draw overlapping blobs: masks, classes from 1 to 80, and scores."""
    rng = np.random.default_rng(0)
    height, width = PICTURE
    angle = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = rng.uniform(20, 200, (count, 1)) * (1 + 0.2 * np.sin(rng.integers(2, 7) * angle))
    x = (rng.uniform(0, width, (count, 1)) + radius * np.cos(angle)).clip(0, width)
    y = (rng.uniform(0, height, (count, 1)) + radius * np.sin(angle)).clip(0, height)
    masks = sc.Masks.from_polygons(np.stack([x, y], axis=2), PICTURE)
    return masks, rng.integers(1, 81, count), rng.uniform(0.3, 1, count).astype(np.float32)


def stuff_map() -> NDArray[np.int64]:
    """Draw a semantic map of 53 classes and 0, in patches of 40 x 45 with ragged edges."""
    rng = np.random.default_rng(1)
    height, width = PICTURE
    y, x = np.mgrid[:height, :width]
    y = y + (6 * np.sin(x / 11)).astype(int) + 8
    x = x + (6 * np.sin(y / 13)).astype(int) + 8
    patches: NDArray[np.int64] = rng.integers(0, 54, (height // 40 + 2, width // 45 + 2))
    return patches[y // 40, x // 45]


def by_numpy(
    masks: NDArray[np.bool_], scores: NDArray[np.float32], semantic: NDArray[np.int64]
) -> NDArray[np.int32]:
    """Combine as detectron2 does, in NumPy."""
    labels = np.zeros(semantic.shape, np.int32)
    number = 0
    for i in np.argsort(-scores, kind="stable"):
        if scores[i] < 0.5:
            break
        mask = masks[i]
        area = np.count_nonzero(mask)
        if area == 0 or np.count_nonzero(mask & (labels > 0)) / area > 0.5:
            continue
        number += 1
        labels[mask & (labels == 0)] = number
    for label in np.unique(semantic):
        mask = (semantic == label) & (labels == 0)
        if label and np.count_nonzero(mask) >= 4096:
            number += 1
            labels[mask] = number
    return labels


def combine(detectron2: Path | None) -> None:
    """Compare the ways to combine 100 instances and a map of stuff."""
    masks, classes, scores = instances(100)
    semantic = stuff_map()
    dense = masks.to_dense()
    objects = masks.to_coco()
    ways: dict[str, Callable[[], Any]] = {"NumPy": lambda: by_numpy(dense, scores, semantic)}
    if detectron2:
        import torch

        torch.set_num_threads(1)
        path = detectron2 / "detectron2" / "modeling" / "meta_arch" / "panoptic_fpn.py"
        function = function_of(path, "combine_semantic_and_instance_outputs", torch=torch)
        theirs = types.SimpleNamespace(
            scores=torch.from_numpy(scores),
            pred_masks=torch.from_numpy(dense),
            pred_classes=torch.from_numpy(classes),
        )
        tensor = torch.from_numpy(semantic)

        def by_detectron2() -> Any:
            labels, _ = function(theirs, tensor, 0.5, 4096, 0.5)
            return labels.numpy()

        ways["detectron2"] = by_detectron2

    def ours(masks: sc.Masks) -> NDArray[Any]:
        result = sc.compose_panoptic(masks, classes, scores, stuff=semantic, rules="detectron2")
        return result.labels

    title = "detectron2's rules, 100 instances of 800 x 1333 and a map of stuff"
    compare(f"{title}, from Masks", lambda: ours(masks), **ways)
    compare(f"{title}, from bool arrays", lambda: ours(sc.Masks.from_dense(dense)), **ways)
    compare(f"{title}, from COCO dicts", lambda: ours(sc.Masks.from_coco(objects)), **ways)


# -- COCO's sample ---------------------------------------------------------------------------------


def sample(folder: Path) -> Iterator[tuple[dict[str, Any], NDArray[np.int32]]]:
    """Read the sample's entries and maps of ids."""
    from PIL import Image

    document = json.loads((folder / "panoptic_examples.json").read_text("utf-8"))
    for entry in document["annotations"]:
        with Image.open(folder / "panoptic_examples" / entry["file_name"]) as image:
            yield entry, sc.maps.ids.from_rgb(np.asarray(image))


def combine_sample(folder: Path, panopticapi: Path) -> None:
    """Compare the combination of predictions made from the sample's truth, as COCO dicts."""
    categories = {
        each["id"]: each
        for each in json.loads((folder / "panoptic_examples.json").read_text("utf-8"))["categories"]
    }
    rng = np.random.default_rng(0)
    pictures, things, stuff = {}, {}, {}
    for entry, ids in sample(folder):
        key = entry["image_id"]
        pictures[key] = {"height": ids.shape[0], "width": ids.shape[1], "file_name": f"{key}.jpg"}
        things[key], stuff[key] = [], []
        for segment in entry["segments_info"]:
            # Three shifted copies of each: duplicates, as predictions have them.
            for score in rng.uniform(0.5, 1, 3):
                shifted = np.roll(ids == segment["id"], rng.integers(-9, 10, 2), (0, 1))
                [rle] = sc.Masks.from_dense(shifted).to_coco()
                category = segment["category_id"]
                described = {"segmentation": rle, "category_id": category, "score": float(score)}
                of = things if categories[category]["isthing"] else stuff
                of[key].append(described)
        things[key].sort(key=lambda each: -each["score"])
        stuff[key] = stuff[key][::3]
    sys.path.insert(0, str(panopticapi))
    from panopticapi import combine_semantic_and_instance_predictions as module

    saved: list[NDArray[Any]] = []
    module.id2rgb = lambda ids: saved.append(ids) or np.zeros((1, 1, 3), np.uint8)
    module.Image = types.SimpleNamespace(  # neither side writes a PNG
        fromarray=lambda _: types.SimpleNamespace(save=lambda _: None)
    )

    def theirs() -> tuple[Any, ...]:
        saved.clear()
        arguments = 0, list(pictures), pictures, things, stuff, "", 0.5, 4096, categories
        with open(os.devnull, "w") as nowhere:
            stdout, sys.stdout = sys.stdout, nowhere
            try:
                module.combine_to_panoptic_single_core(*arguments)
            finally:
                sys.stdout = stdout
        return tuple(saved)

    def ours() -> tuple[Any, ...]:
        maps = []
        for key, picture in pictures.items():
            size = picture["height"], picture["width"]
            of_things, of_stuff = (
                sc.Masks.from_coco([each["segmentation"] for each in some], size)
                for some in (things[key], stuff[key])
            )
            result = sc.compose_panoptic(
                of_things,
                [each["category_id"] for each in things[key]],
                [each["score"] for each in things[key]],
                stuff=(of_stuff, [each["category_id"] for each in stuff[key]]),
                rules="panopticapi",
            )
            maps.append(result.labels)
        return tuple(maps)

    # Their ids are colours, random ones for things: compare how the pictures are cut.
    for mine, other in zip(ours(), theirs(), strict=True):
        table = sc.overlap_table(mine, other.astype(np.int64))
        if not len(table.areas) == len(table.ids_a) == len(table.ids_b):
            raise WrongAnswerError("panopticapi cuts the sample in another way")
    time, _ = best(ours, 20)
    their_time, _ = best(theirs, 5)
    print(
        f"panopticapi's combination of the sample, from COCO dicts: segcore {time:.2f} ms; "
        f"panopticapi {their_time:.1f} ms, {their_time / time:.0f} times that"
    )


def quality(folder: Path, panopticapi: Path) -> None:
    """Compare the panoptic quality of perturbed predictions, from maps of ids in memory."""
    document = json.loads((folder / "panoptic_examples.json").read_text("utf-8"))
    categories = {each["id"]: each for each in document["categories"]}
    rng = np.random.default_rng(0)
    truth, predicted, maps = [], [], {}
    for entry, ids in sample(folder):
        prediction = np.roll(ids, (3, 5), (0, 1))
        kept = [s for s in entry["segments_info"] if rng.random() < 0.8]
        prediction[~np.isin(prediction, [s["id"] for s in kept])] = 0
        kept = [{**s, "id": s["id"]} for s in kept if (prediction == s["id"]).any()]
        maps[entry["file_name"], "truth"] = ids
        maps[entry["file_name"], "prediction"] = prediction
        truth.append(entry)
        predicted.append({**entry, "segments_info": kept})
    sys.path.insert(0, str(panopticapi))
    from panopticapi import evaluation as module

    # Both begin with the maps of ids: reading a PNG costs them the same.
    module.rgb2id = lambda array: array
    module.Image = types.SimpleNamespace(open=lambda key: maps[key])
    module.np = types.SimpleNamespace(
        **{**vars(np), "array": lambda value, dtype=None: np.array(value, dtype)}
    )
    module.os = types.SimpleNamespace(
        path=types.SimpleNamespace(join=lambda folder, name: (name, folder))
    )

    # It writes into what is predicted: areas, the same ones each time.
    pairs = list(zip(truth, json.loads(json.dumps(predicted)), strict=True))

    def theirs() -> tuple[float, ...]:
        with open(os.devnull, "w") as nowhere:
            stdout, sys.stdout = sys.stdout, nowhere
            try:
                stat = module.pq_compute_single_core(0, pairs, "truth", "prediction", categories)
            finally:
                sys.stdout = stdout
        average = stat.pq_average(categories, isthing=None)[0]
        return average["pq"], average["sq"], average["rq"]

    def ours() -> tuple[float, ...]:
        score = sc.metrics.PanopticQuality(list(categories.values()))
        for entry, other in zip(truth, predicted, strict=True):
            name = entry["file_name"]
            score.update(
                maps[name, "truth"],
                entry["segments_info"],
                maps[name, "prediction"],
                other["segments_info"],
            )
        return score.all[:3]

    compare("pq_compute on the sample, from maps of ids", ours, panopticapi=theirs)


# -- tables ----------------------------------------------------------------------------------------


def by_unique(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Count pairs of labels as is usual: sort them all, as one number each."""
    width = int(b.max()) + 1
    pairs, counts = np.unique(a.astype(np.int64) * width + b, return_counts=True)
    return pairs // width, pairs % width, counts


def tables() -> None:
    """Compare the ways to count pairs of labels, of patches and of noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:1024, :1024]
    wavy = (y + 5 * np.sin(x / 9)).astype(int) // 48 * 22 + (x + 5 * np.sin(y / 7)).astype(
        int
    ) // 48
    wavy = wavy - wavy.min()
    for title, a, b in (
        (
            "484 labels, int32",
            wavy.astype(np.int32),
            np.roll(wavy, (5, 9), (0, 1)).astype(np.int32),
        ),
        ("colours as ids", wavy * 34567, np.roll(wavy, (5, 9), (0, 1)) * 45678),
        ("noise of 21 classes, uint8", *rng.integers(0, 21, (2, 1024, 1024), np.uint8)),
    ):

        def ours(a: NDArray[Any] = a, b: NDArray[Any] = b) -> tuple[Any, ...]:
            table = sc.overlap_table(a, b)
            return table.ids_a[table.rows], table.ids_b[table.columns], table.areas

        ways = {"np.unique": lambda a=a, b=b: by_unique(a, b)}
        compare(f"pairs of labels of 1024 x 1024, {title}", ours, **ways)


def main() -> None:
    """Compare all that the arguments allow."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--detectron2", type=Path, help="a checkout of detectron2")
    parser.add_argument("--panopticapi", type=Path, help="a checkout of panopticapi")
    arguments = parser.parse_args()
    sc.set_num_threads(1)
    print(f"segcore on {sc.backends.current()}, one thread each")
    combine(arguments.detectron2)
    data = os.environ.get("SEGCORE_TEST_DATA")
    if data and arguments.panopticapi:
        folder = Path(data) / "panoptic_sample"
        combine_sample(folder, arguments.panopticapi)
        quality(folder, arguments.panopticapi)
    tables()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
