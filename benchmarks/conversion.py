"""``python -m benchmarks.conversion``: data sets from format to format, beside plain Python.

Each conversion runs in a process of its own, on one thread, in turns with the loop that a user
would write with json, NumPy, pycocotools and Pillow. The answers of both are compared. Memory is
the peak beyond the imports.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import segcore as sc

HEIGHT, WIDTH, ANNOTATIONS, CATEGORIES = 480, 640, 7, 80
DISTINCT = 500
"""Number of annotations that differ; the others are copies of them."""


# -- the data set ---------------------------------------------------------------------------------


def generate(path: Path, images: int) -> None:
    """Write COCO instances like those of COCO: 12 % in several parts, and 1 % crowds as RLE."""
    rng = np.random.default_rng(0)
    made = [_annotation(rng) for _ in range(DISTINCT)]
    with path.open("w") as file:
        listed = [
            {"id": i + 1, "file_name": f"{i:012}.jpg", "height": HEIGHT, "width": WIDTH}
            for i in range(images)
        ]
        categories = [{"id": c, "name": f"category {c}"} for c in range(1, CATEGORIES + 1)]
        file.write(f'{{"images":{json.dumps(listed)},"categories":{json.dumps(categories)},')
        file.write('"annotations":[')
        for number, choice in enumerate(rng.integers(DISTINCT, size=images * ANNOTATIONS).tolist()):
            ids = {"id": number + 1, "image_id": number // ANNOTATIONS + 1}
            file.write("," * bool(number) + json.dumps({**ids, **made[choice]}))
        file.write("]}")


def _annotation(rng: Any) -> dict[str, Any]:
    is_crowd = rng.random() < 0.01
    parts = 1 if rng.random() > 0.12 else int(rng.integers(2, 4))
    rings = [_ring(rng, parts) for _ in range(parts)]
    masks = sc.Masks.from_coco([rings], (HEIGHT, WIDTH))
    left, top, right, bottom = masks.boxes[0].tolist()
    return {
        "category_id": int(rng.integers(1, CATEGORIES + 1)),
        "iscrowd": int(is_crowd),
        "area": int(masks.area[0]),
        "bbox": [left, top, right - left, bottom - top],
        "segmentation": masks.to_coco(compressed=False)[0] if is_crowd else rings,
    }


def _ring(rng: Any, parts: int) -> list[float]:
    count = int(np.clip(rng.lognormal(3.0, 0.7), 4, 200))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = min(rng.lognormal(3.6, 0.9) + 4, 230) / parts
    radius *= 1 + 0.2 * np.sin(rng.integers(2, 8) * angle)
    x = rng.uniform(0, WIDTH) + radius * np.cos(angle)
    y = rng.uniform(0, HEIGHT) + radius * np.sin(angle)
    points = np.stack([x.clip(0, WIDTH), y.clip(0, HEIGHT)], axis=1)
    ring: list[float] = points.round(2).ravel().tolist()
    return ring


# -- the loops that a user would write ------------------------------------------------------------


def plain_to_yolo(source: Path, target: Path) -> None:
    """Write a text file per image, with parts joined to one ring, and without crowds."""
    document = json.loads(source.read_bytes())
    of_image: dict[int, list[Any]] = {}
    for annotation in document["annotations"]:
        of_image.setdefault(annotation["image_id"], []).append(annotation)
    numbers = {category["id"]: i for i, category in enumerate(document["categories"])}
    (target / "labels").mkdir(parents=True)
    for image in document["images"]:
        size = np.array([image["width"], image["height"]])
        lines = []
        for annotation in of_image.get(image["id"], []):
            if annotation["iscrowd"]:
                continue
            rings = [np.array(r).reshape(-1, 2) for r in annotation["segmentation"]]
            ring = rings[0] if len(rings) == 1 else _merged(rings)
            words = " ".join(f"{value:.6f}" for value in (ring / size).ravel())
            lines.append(f"{numbers[annotation['category_id']]} {words}\n")
        name = Path(image["file_name"]).with_suffix(".txt")
        (target / "labels" / name).write_text("".join(lines))
    names = [category["name"] for category in document["categories"]]
    (target / "names.json").write_text(json.dumps([names, document["images"]]))


def _merged(rings: list[Any]) -> Any:
    """Join parts by the nearest vertices, there and back."""
    joined = rings[0]
    for ring in rings[1:]:
        distances = ((joined[:, None] - ring[None]) ** 2).sum(axis=-1)
        here, there = np.unravel_index(distances.argmin(), distances.shape)
        parts = joined[: here + 1], ring[there:], ring[: there + 1], joined[here:]
        joined = np.concatenate(parts)
    return joined


def plain_from_yolo(source: Path, target: Path) -> None:
    """Write COCO instances from text files; sizes are known."""
    names, images = json.loads((source / "names.json").read_text())
    annotations = []
    for image in images:
        size = np.array([image["width"], image["height"]])
        label = source / "labels" / Path(image["file_name"]).with_suffix(".txt")
        for line in label.read_text().splitlines():
            number, *words = line.split()
            ring = np.array([float(word) for word in words]).reshape(-1, 2) * size
            x, y = ring.T
            (left, top), (right, bottom) = ring.min(axis=0), ring.max(axis=0)
            area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": int(number) + 1,
                    "iscrowd": 0,
                    "area": round(area, 2),
                    "bbox": [left, top, right - left, bottom - top],
                    "segmentation": [ring.ravel().round(2).tolist()],
                }
            )
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(names)]
    document = {"images": images, "categories": categories, "annotations": annotations}
    target.write_text(json.dumps(document))


def plain_to_maps(source: Path, target: Path) -> None:
    """Write a PNG per image; crowds are painted first, then from the largest to the smallest."""
    from PIL import Image
    from pycocotools import mask as coco_mask

    document = json.loads(source.read_bytes())
    of_image: dict[int, list[Any]] = {}
    for annotation in document["annotations"]:
        of_image.setdefault(annotation["image_id"], []).append(annotation)
    target.mkdir()
    for image in document["images"]:
        size = image["height"], image["width"]
        labels = np.zeros(size, np.uint8)
        annotations = of_image.get(image["id"], [])
        for annotation in sorted(annotations, key=lambda a: (-a["iscrowd"], -a["area"])):
            segmentation = annotation["segmentation"]
            rle = coco_mask.frPyObjects(segmentation, *size)
            rle = coco_mask.merge(rle) if isinstance(rle, list) else rle
            labels[coco_mask.decode(rle) == 1] = annotation["category_id"]
        Image.fromarray(labels).save(target / Path(image["file_name"]).with_suffix(".png"))


# -- segcore --------------------------------------------------------------------------------------


def to_yolo(source: Path, target: Path) -> None:
    """Convert COCO to YOLO."""
    sc.data.write(sc.data.read(source), target, "yolo")


def from_yolo(source: Path, target: Path) -> None:
    """Convert YOLO to COCO."""
    sc.data.write(sc.data.read(source), target)


def to_maps(source: Path, target: Path) -> None:
    """Convert COCO to PNG label maps."""
    sc.data.write(sc.data.read(source), target, "maps")


# -- the answers ----------------------------------------------------------------------------------


def check(folder: Path, checked: int = 200) -> None:
    """Raise AssertionError unless both give the same masks, or segcore the exact ones."""
    original = sc.data.read(folder / "source.json")[:checked]
    ours, theirs = (sc.data.read(folder / name / "again.json") for name in ("segcore", "plain"))
    for sample, mine, plain in zip(original, ours[:checked], theirs[:checked], strict=True):
        if mine.masks != sample.masks:
            raise AssertionError(f"{sample}: expected the masks of the COCO file")
        other = sample.masks[~sample.iscrowd]
        if len(other) and np.diagonal(sc.iou(plain.masks, other)).mean() < 0.9:
            raise AssertionError(f"{sample}: expected similar masks from plain Python")
    from PIL import Image

    names = [Path(name).with_suffix(".png") for name in original.images["file_name"]]
    for name in names:
        maps = [np.asarray(Image.open(folder / k / "maps" / name)) for k in ("segcore", "plain")]
        if not np.array_equal(*maps):
            raise AssertionError(f"{name}: expected the same map")


CONVERSIONS: dict[str, tuple[Callable[[Path, Path], None], ...]] = {
    "COCO to YOLO": (to_yolo, plain_to_yolo),
    "YOLO to COCO": (from_yolo, plain_from_yolo),
    "COCO to PNG maps": (to_maps, plain_to_maps),
}
PATHS = {
    "COCO to YOLO": ("../source.json", "yolo"),
    "YOLO to COCO": ("yolo", "again.json"),
    "COCO to PNG maps": ("../source.json", "maps"),
}


def _peak() -> int:
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s*(\d+)", status)[1])  # type: ignore[index]


def run(name: str, who: int, folder: Path) -> None:
    """Run a conversion and print its seconds and its memory."""
    sc.set_num_threads(1)
    if who:
        import PIL.Image  # noqa: F401
        import pycocotools.mask  # noqa: F401
    source, target = (folder / path for path in PATHS[name])
    before, start, processor = _peak(), time.perf_counter(), time.process_time()
    CONVERSIONS[name][who](source, target)
    seconds = time.perf_counter() - start
    print(seconds, time.process_time() - processor, _peak() - before)


def measured(name: str, who: int, folder: Path) -> tuple[float, float, int]:
    """Return the seconds by the clock and of the processor, and the memory."""
    command = [sys.executable, "-m", "benchmarks.conversion", "--run", name, str(who), str(folder)]
    environment = {**os.environ, "SEGCORE_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    seconds, processor, memory = output.stdout.split()
    return float(seconds), float(processor), int(memory)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="*", default=[10_000])
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run:
        run(chosen.run[0], int(chosen.run[1]), Path(chosen.run[2]))
        return
    for images in chosen.images:
        with tempfile.TemporaryDirectory(prefix="segcore-benchmark-") as made:
            folder = Path(made)
            generate(folder / "source.json", images)
            print(f"{images} images, {(folder / 'source.json').stat().st_size / 1e6:.0f} MB")
            for name in CONVERSIONS:
                found = []
                for who, title in enumerate(("segcore", "plain")):
                    (folder / title).mkdir(exist_ok=True)
                    found.append(measured(name, who, folder / title))
                    seconds, processor, memory = found[-1]
                    print(
                        f"  {name}, {title}: {seconds:.2f} s ({processor:.2f} s of the processor), "
                        f"{memory / 1e6:.0f} MB"
                    )
                ratios = found[1][0] / found[0][0], found[1][1] / found[0][1]
                print(f"  {name}: {ratios[0]:.2f}x, processor {ratios[1]:.2f}x")
            check(folder)


if __name__ == "__main__":
    main()
