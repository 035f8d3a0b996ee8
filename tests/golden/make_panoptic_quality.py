"""Make panoptic_quality.npz: pairs of panoptic maps, and what panopticapi counts in them.

Run it from the repository with panopticapi (its repository's master) on the path:
``PYTHONPATH=tests:path/to/panopticapi python tests/golden/make_panoptic_quality.py``. The inputs
are kept, so that other versions of NumPy have the same.
"""

from __future__ import annotations

import contextlib
import copy
import io
import json
import tempfile
from pathlib import Path

import numpy as np
from panopticapi.evaluation import pq_compute_single_core
from PIL import Image
from support.panoptic_scenes import CATEGORIES, scene

import segcore as sc

FILE = Path(__file__).with_name("panoptic_quality.npz")
IMAGES = 40


def main() -> None:
    rng = np.random.default_rng(31)
    scenes = [scene(rng) for _ in range(IMAGES)]
    categories = {each["id"]: each for each in CATEGORIES}
    with tempfile.TemporaryDirectory() as folder:
        pairs = []
        for i, (truth, true_segments, found, segments) in enumerate(scenes):
            entries = []
            for kind, labels, infos in (("t", truth, true_segments), ("p", found, segments)):
                path = Path(folder) / kind / f"{i}.png"
                path.parent.mkdir(exist_ok=True)
                Image.fromarray(sc.maps.ids.to_rgb(labels)).save(path)
                copies = copy.deepcopy(infos)  # it writes areas into the predicted ones
                entries.append({"image_id": i, "file_name": path.name, "segments_info": copies})
            pairs.append(tuple(entries))
        with contextlib.redirect_stdout(io.StringIO()):
            folders = [str(Path(folder) / kind) for kind in "tp"]
            stat = pq_compute_single_core(0, pairs, *folders, categories)
    answer = {
        "classes": {
            number: [float(each.iou), each.tp, each.fp, each.fn]
            for number in categories
            for each in [stat.pq_per_cat[number]]
        },
        **{
            name: stat.pq_average(categories, isthing)[0]
            for name, isthing in (("all", None), ("things", True), ("stuff", False))
        },
    }
    np.savez_compressed(
        FILE,
        truth=np.array([each[0] for each in scenes]),
        found=np.array([each[2] for each in scenes]),
        segments=json.dumps([[each[1], each[3]] for each in scenes]),
        answer=json.dumps(answer),
    )


if __name__ == "__main__":
    main()
