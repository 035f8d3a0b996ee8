"""``python -m benchmarks.data_sets``: memory, sizes and times of whole data sets, on Linux.

Memory is measured in a process of its own, beyond what the imports of segcore and pyarrow take.
Answers are compared. SEGCORE_TEST_DATA names the folder of the real data.
"""

from __future__ import annotations

import argparse
import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import segcore as sc

DETECTIONS = 86
"""Per image, as in the results by which libraries are compared."""
MASKS_ONLY = {
    "coco_val2014_100/instances_val2014_100.json": 123_744,
    "lvis_val_100/lvis_val_100.json": 105_401,
    "taco/annotations.json": 1_745_887,
}
"""Bytes of the masks alone as compressed strings in Parquet, the smallest form known."""
MEASURED = r"""
import re, sys, time
from pathlib import Path
import pyarrow.parquet
import segcore as sc, segcore.data
from benchmarks.data_sets import Results
def peak():  # ru_maxrss would include the process that started this one
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s*(\d+)", status)[1])
sc.set_num_threads(1)
before, start = peak(), time.process_time()
masks = {what}
print(masks, peak() - before, time.process_time() - start)
"""
ALL_MASKS = "sum(len(sample.masks) for sample in Results(Path(sys.argv[1])).read())"
LAST_IMAGE = "len(sc.data.read(sys.argv[1])[-1].masks)"


@dataclass(frozen=True)
class Results:
    """A file with the results of a model, and the images beside it."""

    path: Path

    @property
    def images(self) -> Path:
        """The file with the images and categories."""
        return self.path.with_suffix(".images.json")

    @classmethod
    def made(cls, rles: list[dict[str, Any]], images: int) -> Results:
        """Write results with `DETECTIONS` of these masks per image into a temporary folder."""
        texts = [{**rle, "counts": str(rle["counts"], "ascii")} for rle in rles]
        return _made(json.dumps(texts), images)

    def read(self) -> sc.data.Dataset:
        """Read the results."""
        return sc.data.read(self.path, dataset=sc.data.read(self.images))


@cache
def folder() -> Path:
    """Return a temporary folder that is removed at the end."""
    made = tempfile.mkdtemp(prefix="segcore-benchmark-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


@cache
def _made(rles_text: str, images: int) -> Results:
    rles = json.loads(rles_text)  # compared as text, because dicts cannot be keys
    rng = np.random.default_rng(0)
    results = Results(folder() / f"results_{images}.json")
    height, width = rles[0]["size"]
    with open(results.path, "w") as file:
        file.write("[")
        for image in range(images):
            detections = [
                {
                    "image_id": image + 1,
                    "category_id": int(rng.integers(1, 80)),
                    "segmentation": rles[int(rng.integers(len(rles)))],
                    "score": round(float(rng.random()), 6),
                    "bbox": [1.5, 2.25, 30.0, 40.125],
                }
                for _ in range(DETECTIONS)
            ]
            file.write(", " * bool(image) + json.dumps(detections)[1:-1])
        file.write("]")
    listed = [
        {"id": image + 1, "file_name": f"{image:012}.jpg", "height": height, "width": width}
        for image in range(images)
    ]
    categories = [{"id": number, "name": f"category {number}"} for number in range(1, 80)]
    document = {"images": listed, "categories": categories, "annotations": []}
    results.images.write_text(json.dumps(document))
    return results


def memory(results: Results, masks: int) -> float:
    """Return the peak memory of reading results and making all masks, per byte of the file."""
    peak, _ = _measured(ALL_MASKS, results.path, masks)
    return peak / results.path.stat().st_size


def opening(results: Results) -> tuple[int, float]:
    """Return the memory and the processor time of the masks of one image of a Parquet file."""
    target = results.path.with_suffix(".parquet")
    sc.data.write(results.read(), target, overwrite=True)
    runs = [_measured(LAST_IMAGE, target, DETECTIONS) for _ in range(5)]
    return runs[-1][0], min(seconds for _, seconds in runs)


def reading(results: Results, turns: int = 15) -> dict[int, tuple[float, float]]:
    """Return the least seconds of reading with 1 and 2 threads: elapsed, and of the calling thread.

    The number of threads alternates, since other programs may take the processor.
    """
    images = sc.data.read(results.images)
    before = sc.get_num_threads()
    best = {1: (np.inf, np.inf), 2: (np.inf, np.inf)}
    for _ in range(turns):
        for threads, (elapsed, own) in best.items():
            sc.set_num_threads(threads)
            start, own_start = time.perf_counter(), time.thread_time()
            sc.data.read(results.path, dataset=images)
            stop, own_stop = time.perf_counter(), time.thread_time()
            best[threads] = min(elapsed, stop - start), min(own, own_stop - own_start)
    sc.set_num_threads(before)
    return best


def _measured(what: str, path: Path, masks: int) -> tuple[int, float]:
    """Run in a process of its own; return the bytes and the processor time beyond the imports."""
    command = [sys.executable, "-c", MEASURED.format(what=what), str(path)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    made, peak, seconds = output.split()
    if int(made) != masks:
        raise AssertionError(f"expected {masks} masks, got {made}")
    return int(peak), float(seconds)


def parquet_sizes(path: Path) -> dict[str, int]:
    """Return the size of a data set as a Parquet file, and of its columns."""
    import pyarrow.parquet as pq

    dataset = sc.data.read(path)
    target = folder() / "sizes.parquet"
    sc.data.write(dataset, target, overwrite=True)
    if sc.data.to_coco(sc.data.read(target)) != sc.data.to_coco(dataset):
        raise AssertionError(f"{path}: expected the same data set from Parquet")
    sc.data.write(dataset, masks := target.with_name("masks.parquet"), masks_only=True)
    metadata = pq.ParquetFile(target).metadata
    sizes = {"file": target.stat().st_size, "masks_only": masks.stat().st_size}
    masks.unlink()
    sizes["footer"] = metadata.serialized_size
    for group in range(metadata.num_row_groups):
        for number in range(metadata.num_columns):
            column = metadata.row_group(group).column(number)
            name = column.path_in_schema.partition(".")[0]
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    return sizes


def main() -> None:
    """Print the figures."""
    from .inputs import TEST_DATA, Inputs

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="*", default=[1000, 10_000])
    chosen = parser.parse_args()
    real = Inputs().real
    if real is None:
        parser.error(f"expected the folder of the real data in {TEST_DATA}")
    for images in chosen.images:
        results = Results.made(real[0] + real[1], images)
        share = memory(results, images * DETECTIONS)
        print(f"{images} images, {images * DETECTIONS} masks: peak memory {share:.2f} of the file")
        for threads, (elapsed, own) in reading(results).items():
            print(
                f"  read with {threads} threads: {elapsed * 1e3:.0f} ms, "
                f"{own * 1e3:.0f} ms of the calling thread"
            )
        peak, seconds = opening(results)
        print(f"  as Parquet, opened, one image: {seconds * 1e3:.0f} ms, {peak / 1e6:.0f} MB")
    for name, masks_only in MASKS_ONLY.items():
        sizes = parquet_sizes(Path(os.environ[TEST_DATA], name))
        share = ", ".join(
            f"{part} {sizes[part] / masks_only:.2f}" for part in ("mask", "file", "masks_only")
        )
        print(f"{name}: {share} of the masks alone; {sizes}")


if __name__ == "__main__":
    main()
