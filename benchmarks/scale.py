"""``python -m benchmarks.scale --masks 1_000_000``: data sets of any size, and what they cost.

Images are of 480 x 640 pixels and have 7 polygons like those of COCO. Each job runs in a process of
its own. Processor time is that of all its processes, and memory the peak of the largest one. With
``--plain``, the loops that a user would write with pycocotools, NumPy and Pillow run beside them,
on the first images; the answers are compared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import segcore as sc

SIZE = (480, 640)
PER_IMAGE = 7
CATEGORIES = 80
SHAPES = 20_000
"""Number of different polygons in a generated data set of any size."""


def shapes(count: int = SHAPES, seed: int = 0) -> list[str]:
    """Return the members "segmentation", "area" and "bbox" of polygons like those of COCO, as JSON.

    Radii are between 6 and 180 pixels, most of them small, and rings have 8 to 60 points.
    """
    rng = np.random.default_rng(seed)
    height, width = SIZE
    texts = []
    for _ in range(count):
        points = int(rng.integers(8, 61))
        angles = np.sort(rng.random(points)) * 2 * np.pi
        radius = 6 * 30 ** rng.random()
        radii = radius * (1 + 0.25 * rng.standard_normal(points)).clip(0.3, 1.7)
        center = rng.random(2) * (width, height)
        x = (center[0] + radii * np.cos(angles)).clip(0, width).round(2)
        y = (center[1] + radii * np.sin(angles) * rng.uniform(0.5, 1.5)).clip(0, height).round(2)
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        box = [x.min(), y.min(), x.max() - x.min(), y.max() - y.min()]
        ring = np.stack([x, y], axis=1).ravel().tolist()
        members = {
            "segmentation": [ring],
            "area": round(float(area), 2),
            "bbox": [round(float(value), 2) for value in box],
        }
        texts.append(json.dumps(members)[1:-1])
    return texts


def write_instances(path: Path, masks: int, seed: int = 0) -> None:
    """Write a COCO instance file of `masks` annotations, `PER_IMAGE` per image."""
    pool = shapes()
    images = -(-masks // PER_IMAGE)
    with path.open("w") as file:
        file.write('{"images": [')
        file.writelines(_joined(_image(index) for index in range(images)))
        file.write('],\n"categories": ')
        categories = [{"id": n, "name": f"category {n}"} for n in range(1, CATEGORIES + 1)]
        file.write(json.dumps(categories))
        file.write(',\n"annotations": [')
        file.writelines(_joined(_annotations(pool, masks, seed)))
        file.write("]}\n")


def _image(index: int) -> str:
    name = f"{index + 1:012}.jpg"
    return f'{{"id": {index + 1}, "file_name": "{name}", "height": {SIZE[0]}, "width": {SIZE[1]}}}'


def _chosen(count: int, masks: int, seed: int) -> Iterator[tuple[int, int, int]]:
    """Yield the index of each mask, and those of its shape (of `count`) and its category."""
    rng = np.random.default_rng(seed)
    for start in range(0, masks, 10_000):
        size = min(10_000, masks - start)
        chosen = rng.integers(count, size=size).tolist()
        categories = rng.integers(1, CATEGORIES + 1, size=size).tolist()
        yield from zip(range(start, start + size), chosen, categories, strict=True)


def _annotations(pool: list[str], masks: int, seed: int) -> Iterator[str]:
    for row, shape, category in _chosen(len(pool), masks, seed):
        yield (
            f'{{"id": {row + 1}, "image_id": {row // PER_IMAGE + 1}, '
            f'"category_id": {category}, "iscrowd": 0, {pool[shape]}}}'
        )


def _joined(items: Iterator[str]) -> Iterator[str]:
    for index, item in enumerate(items):
        yield (",\n" if index else "") + item


def write_results(path: Path, masks: int, seed: int = 1) -> None:
    """Write results: the masks of `write_instances` as RLEs of polygons drawn by other numbers."""
    pool = [json.loads("{" + shape + "}") for shape in shapes(2_000, seed)]
    masks_of_pool = sc.Masks.from_polygons([shape["segmentation"] for shape in pool], SIZE)
    texts = [json.dumps({"segmentation": rle})[1:-1] for rle in masks_of_pool.to_coco()]
    rng = np.random.default_rng(seed)
    with path.open("w") as file:
        file.write("[")
        for row in range(masks):
            item = (
                f'"image_id": {row // PER_IMAGE + 1}, "category_id": {rng.integers(1, 81)}, '
                f'"score": {rng.random():.6f}, {texts[rng.integers(len(texts))]}'
            )
            file.write((",\n" if row else "") + "{" + item + "}")
        file.write("]\n")


def write_prediction(path: Path, masks: int, seed: int = 0) -> None:
    """Write the results of a model for the masks of `write_instances`, as RLEs with scores.

    Their outlines are 2 or 3 pixels beside the true ones. One mask of ten is missed, and one of ten
    has another category.
    """
    rng = np.random.default_rng(seed + 1)
    rings = [json.loads("{" + shape + "}")["segmentation"][0] for shape in shapes()]
    moved = [[(ring + rng.normal(0, 1.5, len(ring)) + 1).tolist()] for ring in rings]
    rles = sc.Masks.from_polygons(moved, SIZE).to_coco()
    texts = [json.dumps({"segmentation": rle})[1:-1] for rle in rles]
    with path.open("w") as file:
        file.write("[")
        before = ""
        for row, shape, true_category in _chosen(len(texts), masks, seed):
            kind = rng.random()
            if kind < 0.1:
                continue
            category = true_category if kind < 0.9 else true_category % CATEGORIES + 1
            file.write(
                f'{before}{{"image_id": {row // PER_IMAGE + 1}, "category_id": {category}, '
                f'"score": {rng.random():.6f}, {texts[shape]}}}'
            )
            before = ",\n"
        file.write("]\n")


# -- measuring ------------------------------------------------------------------------------------

JOBS = {
    "convert": "sc.data.write(sc.data.read(truth), parquet, overwrite=True, workers=workers)",
    "write-json": (
        "sc.data.write(sc.data.read(truth), out, 'coco', overwrite=True, workers=workers)"
    ),
    "stats-json": "sc.data.statistics(sc.data.read(truth), workers=workers)",
    "semantic-json": "cli('semantic', truth, '-o', out, '--workers', workers)",
    "stats": "sc.data.statistics(sc.data.read(parquet), workers=workers)",
    "semantic": "cli('semantic', parquet, '-o', out, '--workers', workers)",
    "panoptic": "cli('panoptic', parquet, '-o', out, '--workers', workers)",
    "evaluate": (
        "sc.data.evaluate(t := sc.data.read(parquet), sc.data.read(results, dataset=t), "
        "workers=workers).compute()"
    ),
    "view": "cli('view', parquet, '-o', out + '.html', '--workers', workers, '--overwrite')",
    "compare": (
        "cli('compare', parquet, prediction, '--json', out + '.json', '--workers', workers, "
        "'--overwrite')"
    ),
    "quality": "cli('evaluate', 'panoptic', parquet, prediction, '--workers', workers)",
}
DRIVER = """
import contextlib, io, json, re, resource, sys, time
import segcore as sc, segcore.data

def cli(*arguments):
    from segcore.cli.app import app
    quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    try:
        with quiet[0], quiet[1]:
            app([str(a) for a in arguments])
    except SystemExit as end:
        assert not end.code, end.code

if __name__ == "__main__":
    truth, parquet, results, prediction, out, workers = sys.argv[1:7]
    workers = int(workers)
    sc.set_num_threads(1)
    start = time.perf_counter()
    {code}
    seconds = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(u.ru_utime + u.ru_stime for u in used)
    # ru_maxrss of this process would include the process that started it.
    own = int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
    print(json.dumps([seconds, cpu, 1024 * max(own, used[1].ru_maxrss)]))
"""
PLAIN_IMAGES = 1000


class Files:
    """The files of a generated data set."""

    def __init__(self, folder: Path) -> None:
        self.truth, self.parquet = folder / "truth.json", folder / "truth.parquet"
        self.results = folder / "results.json"
        self.prediction = folder / "prediction.parquet"
        self.driver = folder / "driver.py"
        self._folder, self._runs = folder, 0

    @property
    def out(self) -> Path:
        """The output of the last job.

        Each job has a new one, and folders stay until the end: for minutes after many files were
        removed, ext4 without a journal creates others ten times as slowly.
        """
        return self._folder / f"out-{self._runs}"

    def measure(self, job: str, workers: int) -> tuple[float, float, int]:
        """Return the seconds, the processor seconds and the bytes of a job."""
        if self.out.is_file():
            self.out.unlink()
        self._runs += 1
        self.driver.write_text(DRIVER.replace("{code}", JOBS[job]))
        names = (self.truth, self.parquet, self.results, self.prediction, self.out)
        command = [sys.executable, str(self.driver), *map(str, names), str(workers)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        seconds, cpu, memory = json.loads(output.splitlines()[-1])
        return seconds, cpu, memory


def plain_maps(files: Files) -> tuple[float, float]:
    """Return the processor seconds per image of plain loops: semantic, and panoptic maps.

    Smaller objects are in front, as in ``segcore semantic``, whose maps must be the same.
    """
    from time import process_time

    from PIL import Image
    from pycocotools.coco import COCO

    from segcore.data.formats.maps import read_labels

    coco = COCO(str(files.truth))
    seconds = [0.0, 0.0]
    for image_id in coco.getImgIds()[:PLAIN_IMAGES]:
        name = coco.imgs[image_id]["file_name"].replace(".jpg", ".png")
        start = process_time()
        annotations = coco.loadAnns(coco.getAnnIds(image_id))
        masks = [coco.annToMask(annotation).astype(bool) for annotation in annotations]
        order = np.argsort([mask.sum() for mask in masks], kind="stable")[::-1]
        labels = np.zeros(SIZE, np.uint8)
        for index in order:
            labels[masks[index]] = annotations[index]["category_id"]
        Image.fromarray(labels).save(files.out.parent / "plain.png")
        seconds[0] += process_time() - start
        assert np.array_equal(labels, read_labels(files.out / name)), name
        start = process_time()
        ids = np.zeros(SIZE, np.int32)
        for number, index in enumerate(order, 1):
            ids[masks[index]] = number
        for number in np.unique(ids):
            int((ids == number).sum())
        colors = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=-1).astype(np.uint8)
        Image.fromarray(colors).save(files.out.parent / "plain.png")
        seconds[1] += process_time() - start
    images = min(PLAIN_IMAGES, len(coco.imgs))
    return seconds[0] / images, (seconds[0] + seconds[1]) / images


def dask_overhead(parts: int = 400) -> float:
    """Return the seconds that Dask adds to a part that does nothing, on one process."""
    import time

    from distributed import Client, LocalCluster

    from segcore.distributed import run

    with (
        LocalCluster(1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        list(run(abs, range(20), client=client))
        start = time.perf_counter()
        list(run(abs, range(parts), client=client))
        return (time.perf_counter() - start) / parts


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--masks", type=int, nargs="+", default=[10_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=list(JOBS))
    parser.add_argument("--plain", action="store_true", help="also run plain loops")
    parser.add_argument("--dask", action="store_true", help="also measure Dask's overhead")
    parser.add_argument("--folder", type=Path, help="where the files are made")
    options: Any = parser.parse_args()
    print("masks       job           workers  seconds  processor s  per 10^6 masks  peak memory")
    for masks in options.masks:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            files = Files(Path(folder))
            write_instances(files.truth, masks)
            write_results(files.results, masks)
            if {"compare", "quality"} & set(options.jobs):
                found = Path(folder) / "prediction.json"
                write_prediction(found, masks)
                truth = sc.data.read(files.truth)
                sc.data.write(sc.data.read(found, dataset=truth), files.prediction)
            for job in ["convert", *(job for job in options.jobs if job != "convert")]:
                for workers in options.workers:
                    seconds, cpu, memory = files.measure(job, workers)
                    print(
                        f"{masks:<11,} {job:13} {workers:7} {seconds:8.1f} {cpu:12.1f} "
                        f"{cpu * 1e6 / masks:15.0f} {memory / 1e6:9.0f} MB",
                        flush=True,
                    )
                if job == "semantic" and options.plain:
                    semantic, panoptic = plain_maps(files)
                    print(f"plain loops: semantic {1000 * semantic:.2f} ms an image, panoptic "
                          f"{1000 * panoptic:.2f} ms")  # fmt: skip
            for path in (files.truth, files.parquet):
                print(f"{path.name}: {path.stat().st_size / masks:.0f} bytes per mask")
    if options.dask:
        print(f"Dask: {1000 * dask_overhead():.2f} ms per part")


if __name__ == "__main__":
    main()
