"""``python -m benchmarks.average_precision``: average precision beside other libraries, on Linux.

Each way of each library runs in a process of its own, in turns; its imports are not measured. Times
are processor times of one thread, the least of several turns, and memory is the peak beyond the
imports. All answers are compared. SEGCORE_TEST_DATA names the folder of the real data.

"Objects in memory" is what a training loop has: for segcore, `Masks` and arrays per image, which
`update_images` takes; for the others, a loaded truth and loaded results, which their ``COCOeval``
takes. None of them takes decoded masks: hotcoco, faster-coco-eval and ultrafast-pycocotools read
the compressed strings when they evaluate.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import segcore as sc

from .inputs import TEST_DATA

DETECTIONS = 86
"""Per image, as in the results by which libraries are compared."""
SLOW = 2.5
"""Seconds from which a way is measured only once."""

PRELUDE = r"""
import contextlib, io, json, re, sys, time
import numpy as np
folder, truth, results, boxes, lvis_truth = sys.argv[1], *(
    f"{sys.argv[1]}/{n}.json" for n in ("truth", "results", "results_with_boxes", "truth_lvis"))
def peak():  # ru_maxrss would include the process that started this one
    return int(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1]) / 1024
def measured(run):
    before, start, used = peak(), time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        stats = run()
    used, elapsed = time.process_time() - used, time.perf_counter() - start
    print(json.dumps([[float(x) for x in stats][:13], used, elapsed, peak() - before]))
"""
COCO = r"""
def evaluated(gt, found, kind):
    done = COCOeval(gt, found, kind)
    done.evaluate(); done.accumulate(); done.summarize()
    return done.stats
def whole(kind, file):
    def run():
        gt = COCO(truth)
        return evaluated(gt, gt.loadRes(file), kind)
    measured(run)
def loaded(file):
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(truth)
    return gt, json.load(open(file))
def lists(kind, file):
    gt, found = loaded(file)
    measured(lambda: evaluated(gt, gt.loadRes(found), kind))
def in_memory(kind, file):
    gt, found = loaded(file)
    with contextlib.redirect_stdout(io.StringIO()):
        found = gt.loadRes(found)
    measured(lambda: evaluated(gt, found, kind))
"""
SEGCORE = r"""
import segcore as sc, segcore.data, segcore.metrics
sc.set_num_threads(THREADS)
def metric(gt, kind="mask"):
    return sc.metrics.AveragePrecision(kind, class_ids=gt.categories["id"], box_format="xywh")
def stats(gt, found, kind):
    return sc.data.evaluate(gt, found, metric(gt, kind)).compute().stats.values()
def whole(kind, file):
    def run():
        gt = sc.data.read(truth)
        return stats(gt, sc.data.read(file, dataset=gt), kind)
    measured(run)
def lists(kind, file):
    gt, found = sc.data.read(truth), json.load(open(file))
    measured(lambda: stats(gt, sc.data.from_coco(found, dataset=gt), kind))
def in_memory(kind, file):
    gt = sc.data.read(truth)
    images = [
        {"truth": true.masks, "prediction": found.masks, "scores": found.scores,
         "truth_classes": true.category_ids, "prediction_classes": found.category_ids,
         "crowd": true.iscrowd, "truth_areas": true.areas, "image_id": int(true.image_id)}
        for true, found in zip(gt, sc.data.read(file, dataset=gt))
    ]
    def run():
        ap = metric(gt, kind)
        ap.update_images(images)
        return ap.compute().stats.values()
    measured(run)
def lvis(kind, file):
    def run():
        gt = sc.data.read(lvis_truth)
        frequencies = {id: gt.categories.extra(row)["frequency"]
                       for row, id in enumerate(gt.categories["id"].tolist())}
        ap = sc.metrics.AveragePrecision(
            kind, protocol="lvis", class_ids=gt.categories["id"], frequencies=frequencies)
        found = sc.data.read(file, dataset=gt)
        return sc.data.evaluate(gt, found, ap).compute().stats.values()
    measured(run)
def parquet(kind, file):
    import pyarrow.parquet
    def run():
        gt = sc.data.read(f"{folder}/truth.parquet")
        found = sc.data.read(f"{folder}/results.parquet", dataset=gt)
        return stats(gt, found, kind)
    measured(run)
"""
VERNIER = r"""
from vernier import instance
def whole(kind, file):
    of = {"mask": instance.Segm(), "box": instance.Bbox(), "boundary": instance.Boundary()}
    evaluator = instance.Evaluator(iou=of[kind], parity_mode="strict")
    def run():
        gt, dt = (open(name, "rb").read() for name in (truth, file))
        return evaluator.evaluate(gt, dt, num_threads=1).stats
    measured(run)
"""
LVIS = r"""
def lvis(kind, file):
    def run():
        gt = LVIS(lvis_truth)
        done = LVISEval(gt, LVISResults(gt, file), "segm")
        done.run()
        found = done.get_results()  # in the order of the original
        return [found[name] for name in
                "AP AP50 AP75 APs APm APl APr APc APf AR@300 ARs@300 ARm@300 ARl@300".split()]
    measured(run)
"""
ORIGINAL_LVIS = r"""
import types
np.float = float  # which NumPy 2 does not have
for name in ("cv2", "matplotlib", "matplotlib.pyplot", "matplotlib.patches"):  # for drawing
    sys.modules.setdefault(name, types.ModuleType(name))
    setattr(sys.modules[name.partition(".")[0]], name.rpartition(".")[2], sys.modules[name])
sys.modules["matplotlib.patches"].Polygon = None
from lvis import LVIS, LVISEval, LVISResults
"""
ULTRAFAST_LVIS = r"""
def lvis(kind, file):
    def run():
        gt = COCO(lvis_truth)
        done = COCOeval(gt, gt.loadRes(file), "segm", lvis_style=True)
        done.evaluate(); done.accumulate(); done.summarize()
        return done.stats
    measured(run)
"""
PEERS = {
    "lvis": LVIS + ORIGINAL_LVIS,
    "pycocotools": COCO
    + "from pycocotools.coco import COCO\nfrom pycocotools.cocoeval import COCOeval",
    "faster-coco-eval": COCO + "from faster_coco_eval import COCO, COCOeval_faster as COCOeval",
    "ultrafast-pycocotools": COCO
    + ULTRAFAST_LVIS
    + "from ultrafast_pycocotools.coco import COCO\n"
    + "from ultrafast_pycocotools.cocoeval import COCOeval",
    "hotcoco": COCO + LVIS + "from hotcoco import COCO, COCOeval, LVIS, LVISEval, LVISResults",
    "vernier": VERNIER,
    "segcore": SEGCORE,
    "segcore, two threads": SEGCORE.replace("THREADS", "2"),
    "segcore's COCOeval": COCO
    + "from segcore.compat.pycocotools.coco import COCO\n"
    + "from segcore.compat.pycocotools.cocoeval import COCOeval",
}
ROWS: dict[str, tuple[str, str, str, list[str]]] = {
    "masks from JSON": ("whole", "mask", "results", []),
    "masks from JSON that has boxes, too": ("whole", "mask", "boxes", []),
    "boxes from JSON": ("whole", "box", "boxes", []),
    "boundaries from JSON": ("whole", "boundary", "boxes", ["segcore", "vernier"]),
    "masks from lists of dicts": ("lists", "mask", "results", []),
    "masks from objects in memory": ("in_memory", "mask", "results", []),
    "masks from Parquet": ("parquet", "mask", "results", ["segcore"]),
    "masks from JSON, LVIS": (
        "lvis",
        "mask",
        "results",
        ["lvis", "ultrafast-pycocotools", "hotcoco", "segcore"],
    ),
}
"""Each row: the function, what is compared, the file, and the libraries, if not all."""


def made(folder: Path, images: int) -> None:
    """Write a truth and results: the real data, repeated, with moved masks as detections."""
    data = Path(os.environ[TEST_DATA]) / "coco_val2014_100"
    truth = json.loads((data / "instances_val2014_100.json").read_text("utf-8"))
    real = json.loads((data / "instances_val2014_fakesegm100_results.json").read_text("utf-8"))
    both = sc.data.from_coco(truth), sc.data.from_coco(real, dataset=sc.data.from_coco(truth))
    classes = [category["id"] for category in truth["categories"]]
    rng = np.random.default_rng(0)
    document: dict[str, Any] = {**truth, "images": [], "annotations": []}
    results: list[dict[str, Any]] = []
    for number in range(1, images + 1):
        source = truth["images"][number % 100]
        samples = [dataset[dataset.index_of(source["id"])] for dataset in both]
        document["images"].append(source | {"id": number})
        for annotation in truth["annotations"]:
            if annotation["image_id"] == source["id"]:
                changes = {"id": len(document["annotations"]) + 1, "image_id": number}
                document["annotations"].append(annotation | changes)
        pool = sc.Masks.concatenate([sample.masks for sample in samples])
        if not len(pool):
            continue
        pool_classes = np.concatenate([sample.category_ids for sample in samples]).tolist()
        chosen = rng.integers(0, len(pool), DETECTIONS)
        moved = pool[chosen].translate(*rng.integers(-6, 7, (2, DETECTIONS)))
        boxes = moved.boxes.astype(float)
        boxes[:, 2:] -= boxes[:, :2]
        results += [
            {
                "image_id": number,
                "category_id": pool_classes[row]
                if rng.random() < 0.6
                else int(rng.choice(classes)),
                "segmentation": rle,
                "score": round(float(rng.random()), 5),
                "bbox": box,
            }
            for row, rle, box in zip(chosen, moved.to_coco(), boxes.tolist(), strict=True)
        ]
    (folder / "truth.json").write_text(json.dumps(document))
    (folder / "results_with_boxes.json").write_text(json.dumps(results))
    for result in results:
        del result["bbox"]
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "truth_lvis.json").write_text(json.dumps(as_lvis(document, rng)))
    dataset = sc.data.read(folder / "truth.json")
    sc.data.write(dataset, folder / "truth.parquet")
    found = sc.data.read(folder / "results.json", dataset=dataset)
    sc.data.write(found, folder / "results.parquet")


def as_lvis(document: dict[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Return the truth without crowds, and with the fields of LVIS."""
    classes = [category["id"] for category in document["categories"]]
    return {
        **document,
        "annotations": [a for a in document["annotations"] if not a["iscrowd"]],
        "categories": [
            category | {"frequency": "rcf"[number % 3]}
            for number, category in enumerate(document["categories"])
        ],
        "images": [
            image
            | {
                "neg_category_ids": rng.choice(classes, 20, replace=False).tolist(),
                "not_exhaustive_category_ids": rng.choice(classes, 2, replace=False).tolist(),
            }
            for image in document["images"]
        ],
    }


def run(folder: Path, peer: str, row: str, python: str) -> list[Any]:
    """Run a row with one library; the answer, the times and the memory, or why it did not run."""
    function, kind, file, _ = ROWS[row]
    code = PEERS[peer].replace("THREADS", "1")
    if code.startswith(COCO):
        kind = {"mask": "segm", "box": "bbox"}.get(kind, kind)
    command = f"{PRELUDE}{code}\n{function}({kind!r}, {file})"
    interpreter = sys.executable if peer.startswith("segcore") else python
    env = {**os.environ, "RAYON_NUM_THREADS": "1"}
    done = subprocess.run(
        [interpreter, "-c", command, str(folder)],
        check=False,
        capture_output=True,
        text=True,
        env=env,
    )
    if done.returncode:
        return [done.stderr.strip().splitlines()[-1]]
    return list(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="the Python that has the others")
    parser.add_argument("--row", action="append", choices=list(ROWS))
    chosen = parser.parse_args()
    if not os.environ.get(TEST_DATA):
        parser.error(f"expected the folder of the real data in {TEST_DATA}")
    with tempfile.TemporaryDirectory(prefix="segcore-benchmark-") as name:
        folder = Path(name)
        made(folder, chosen.images)
        for row in chosen.row or ROWS:
            print(f"{row}:", flush=True)
            peers = ROWS[row][3] or [
                peer
                for peer in PEERS
                if peer != "lvis" and (peer != "vernier" or ROWS[row][0] == "whole")
            ]
            best: dict[str, list[Any]] = {}
            for turn in range(chosen.turns):
                for peer in peers:
                    if turn and len(best[peer]) > 1 and best[peer][1] > SLOW:
                        continue
                    got = run(folder, peer, row, chosen.python)
                    if peer not in best or (len(got) > 1 and got[1] < best[peer][1]):
                        best[peer] = got
            answer = next(got[0] for got in best.values() if len(got) > 1)
            for peer, got in best.items():
                if len(got) == 1:
                    print(f"  {peer}: {got[0]}")
                    continue
                same = np.allclose(got[0], answer, rtol=0, atol=1e-12)
                line = f"{got[1]:.3f} s, elapsed {got[2]:.3f} s, {got[3]:.0f} MB"
                print(f"  {peer}: {line}{'' if same else ', another answer'}", flush=True)


if __name__ == "__main__":
    main()
