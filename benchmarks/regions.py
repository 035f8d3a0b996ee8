"""Regions, outlines, boundaries and reports beside other code: ``python -m benchmarks.regions``.

On one thread each. Others get masks in the form that they work on: OpenCV dense arrays, rlemasklib
and faster-coco-eval their run lengths, all made before. The answers are compared first.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import segcore as sc
from benchmarks.inputs import TEST_DATA, blobs

SIZE = 1080, 1920
PHOTOGRAPH = 3024, 4032
SMALL = 1000  # pixels of a hole


def rough(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Shift each row by up to two pixels, as noisy predictions have edges."""
    rng = np.random.default_rng(0)
    ragged = masks.copy()
    for mask in ragged:
        for y in np.flatnonzero(mask.any(axis=1)):
            mask[y] = np.roll(mask[y], rng.integers(-2, 3))
    return ragged


def punched(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Punch holes of 5 x 5 pixels, thirty a mask."""
    rng = np.random.default_rng(0)
    holed = masks.copy()
    for mask in holed:
        places = np.argwhere(mask)
        for y, x in places[rng.integers(0, len(places), 30)]:
            mask[y : y + 5, x : x + 5] = False
    return holed


def best(call: Callable[[], Any], seconds: float = 1.0) -> float:
    """Give the least of several times, in milliseconds."""
    times: list[float] = []
    while len(times) < 3 or (sum(times) < seconds and len(times) < 200):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return 1000 * min(times)


def row(name: str, ours: Callable[[], Any], **others: Callable[[], Any]) -> None:
    """Print a line: our time, and those of others with their ratios to it."""
    own = best(ours)
    cells = [f"{other} {(t := best(call)):.4g} ({t / own:.3g}x)" for other, call in others.items()]
    print(f"{name}: segcore {own:.3g} ms; {', '.join(cells)}", flush=True)


class Peers:
    """One batch in the forms that others work on."""

    def __init__(self, dense: NDArray[np.bool_]) -> None:
        import rlemasklib

        self.dense = dense.view(np.uint8)
        self.masks = sc.Masks.from_dense(dense)
        self.rles = [{**each, "counts": each["counts"].encode()} for each in self.masks.to_coco()]
        self.objects = [rlemasklib.RLEMask.from_dict(each) for each in self.rles]

    def counts(self, masks: sc.Masks) -> list[bytes]:
        """Give COCO's strings, to compare answers by."""
        return [each["counts"].encode() for each in masks.to_coco()]


def boundary_rows(peers: Peers) -> None:
    """Boundary IoU."""
    from faster_coco_eval.core import mask as theirs

    def boundaries() -> Any:
        return theirs._mask.toBoundary(peers.rles, 0.02)

    def boundary_iou() -> Any:
        found = boundaries()
        return theirs.iou(found, found, [0] * len(found))

    assert np.array_equal(sc.boundary_iou(peers.masks, peers.masks), boundary_iou())
    distance = round(0.02 * np.hypot(*SIZE))
    assert peers.counts(sc.boundary(peers.masks, distance)) == [
        each["counts"] for each in boundaries()
    ]
    fce = {"faster-coco-eval": boundary_iou}
    row("boundary IoU, 100 x 100", lambda: sc.boundary_iou(peers.masks, peers.masks), **fce)


def morphology_rows(peers: Peers) -> None:
    """Dilation, erosion."""
    import cv2

    for distance in (3, 10, 40):
        side = 2 * distance + 1
        square = np.ones((side, side), np.uint8)
        disc = np.hypot(*np.ogrid[-distance : distance + 1, -distance : distance + 1]) <= distance
        disc = disc.astype(np.uint8)
        for shape, element, kind in (("square", square, "square"), ("disc", disc, "circle")):
            grown = sc.dilate(peers.masks, distance, shape)
            by_cv2 = [cv2.dilate(mask, element) for mask in peers.dense[:3]]
            assert np.array_equal(grown[:3].to_dense(np.uint8), by_cv2)
            if shape == "square":
                theirs = [each.dilate(kind, side).to_dict()["counts"] for each in peers.objects]
                assert peers.counts(grown) == theirs
            row(
                f"dilate by a {shape}, {distance} pixels",
                lambda d=distance, s=shape: sc.dilate(peers.masks, d, s),
                OpenCV=lambda e=element: [cv2.dilate(mask, e) for mask in peers.dense],
                rlemasklib=lambda k=kind, s=side: [each.dilate(k, s) for each in peers.objects],
            )


def region_rows(name: str, peers: Peers) -> None:
    """Components, holes."""
    import cv2

    def parts_by_cv2() -> list[Any]:
        return [cv2.connectedComponents(mask, connectivity=8) for mask in peers.dense]

    def parts_by_rlemasklib() -> list[Any]:
        return [each.connected_components(connectivity=8) for each in peers.objects]

    count = len(peers.masks.components()[0])
    assert count == sum(each[0] - 1 for each in parts_by_cv2())
    assert count == sum(map(len, parts_by_rlemasklib()))
    others = {"OpenCV": parts_by_cv2, "rlemasklib": parts_by_rlemasklib}
    row(f"components, {name}", peers.masks.components, **others)

    def filled_by_cv2() -> list[Any]:
        """Flood the background from a border; what stays unflooded is filled."""
        found = []
        for mask in peers.dense:
            padded = np.pad(mask, 1)
            cv2.floodFill(padded, None, (0, 0), 2)
            found.append(padded[1:-1, 1:-1] != 2)
        return found

    def filled_by_rlemasklib() -> list[Any]:
        # All parts of the background of fewer pixels, also those that the picture's edge cuts off.
        return [each.fill_small_holes(min_size=SMALL) for each in peers.objects]

    assert np.array_equal(sc.fill_holes(peers.masks).to_dense(), filled_by_cv2())
    theirs = [each.to_dict()["counts"] for each in filled_by_rlemasklib()]
    ours = peers.counts(sc.fill_holes(peers.masks, SMALL - 1))
    others = sum(a != b for a, b in zip(ours, theirs, strict=True))
    row(f"fill_holes, {name}", lambda: sc.fill_holes(peers.masks), OpenCV=filled_by_cv2)
    row(
        f"fill_holes below {SMALL} pixels, {name} (at the edge rlemasklib differs in {others})",
        lambda: sc.fill_holes(peers.masks, SMALL - 1),
        rlemasklib=filled_by_rlemasklib,
    )


def outline_rows(name: str, dense: NDArray[np.bool_]) -> None:
    """Outlines."""
    import cv2

    masks, images = sc.Masks.from_dense(dense), dense.view(np.uint8)

    def by_cv2() -> list[Any]:
        way = cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
        return [cv2.findContours(image, *way)[0] for image in images]

    polygons = masks.to_polygons()
    assert len(polygons.outer) == sum(map(len, by_cv2()))
    assert sc.Masks.from_polygons(polygons) == masks
    row(f"to_polygons of {len(masks)}, {name}", masks.to_polygons, OpenCV=by_cv2)
    row("  and COCO's lists of them", lambda: masks.to_polygons().to_coco(), OpenCV=by_cv2)
    simplified = best(lambda: masks.to_polygons(tolerance=1.0))
    print(f"  with tolerance=1: {simplified:.4g} ms")


def extra_memory() -> str:
    """Trace in a fresh process: the peak above what there was before, in MiB (Linux alone)."""
    code = "from benchmarks.regions import print_extra_memory as p; p()"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def print_extra_memory() -> None:
    """Print how much more memory was resident at most than before, for all but making masks."""
    sc.set_num_threads(1)
    masks = sc.Masks.concatenate(
        [sc.Masks.from_dense(blobs(4, *PHOTOGRAPH, seed=seed)) for seed in range(23)]
    )
    masks[:1].to_polygons().to_coco()
    Path("/proc/self/clear_refs").write_text("5", "utf-8")

    def kilobytes(key: str) -> int:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
        return int(next(line for line in lines if line.startswith(key)).split()[1])

    before = kilobytes("VmRSS")
    polygons = masks.to_polygons()
    arrays = (kilobytes("VmHWM") - before) / 1024
    lists = polygons.to_coco()
    both = (kilobytes("VmHWM") - before) / 1024
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{arrays:.0f} MiB, with COCO's lists of {len(lists)} masks {both:.0f} ({whole:.0f} ever)"
    )


def report_rows() -> None:
    """Reports of COCO's pictures, by the command, all from starting Python to the written file."""
    data = os.environ.get(TEST_DATA)
    if data is None:
        print(f"reports: {TEST_DATA} is not set")
        return
    folder = Path(data) / "coco_val2014_100"
    truth = folder / "instances_val2014_100.json"
    prediction = folder / "instances_val2014_fakesegm100_results.json"
    with tempfile.TemporaryDirectory() as out:
        page = Path(out) / "page.html"
        for name, arguments in {
            "segcore view": ["view", truth, "-o", page],
            "segcore compare --html": ["compare", truth, prediction, "--html", page],
        }.items():
            command = [sys.executable, "-m", "segcore.cli", *map(str, arguments)]
            time = best(lambda c=command: subprocess.run(c, check=True, capture_output=True))
            pictures = len(json.loads(truth.read_text())["images"])
            size = page.stat().st_size / 1e6
            print(f"{name}, {pictures} pictures: {time / 1000:.2f} s, {size:.1f} MB")


def main() -> None:
    """Compare all."""
    import cv2

    sc.set_num_threads(1)
    cv2.setNumThreads(1)
    print(f"segcore on {sc.backends.current()}, OpenCV {cv2.__version__}, one thread each")
    print("100 blobs of 1080 x 1920:")
    dense = blobs(100, *SIZE)
    peers = Peers(dense)
    boundary_rows(peers)
    morphology_rows(peers)
    region_rows("blobs", peers)
    region_rows("blobs with 30 holes", Peers(punched(dense)))
    region_rows("noise, one mask", Peers(np.random.default_rng(0).random((1, *SIZE)) < 0.5))
    print("92 masks of 3024 x 4032:")
    dense = blobs(92, *PHOTOGRAPH)
    outline_rows("blobs", dense)
    outline_rows("blobs with rough edges", rough(dense))
    if sys.platform == "linux":
        print(f"  peak extra memory: {extra_memory()}")
    report_rows()


if __name__ == "__main__":
    main()
