"""``python -m benchmarks.average_precision``: average precision beside other libraries, on Linux.

Each library evaluates the same files in a process of its own, whose imports are not measured. Times
are processor times of one thread unless stated otherwise, the best of several turns; memory is the
peak beyond the imports. Each answer is compared with that of pycocotools, or for boundaries with
the first one. SEGCORE_TEST_DATA names the folder of the real data.
"""

from __future__ import annotations

DETECTIONS = 86
"""Per image."""

PRELUDE = r"""
import contextlib, io, json, re, sys, time
import numpy as np
truth, results = sys.argv[1:3]
def peak():  # ru_maxrss would include the process that started this one
    status = open("/proc/self/status").read()
    return int(re.search(r"VmHWM:\s*(\d+)", status)[1]) / 1024
def report(stats, start):
    elapsed, used = time.perf_counter() - start[0], time.process_time() - start[1]
    print(json.dumps([list(map(float, stats)), elapsed, used, peak() - start[2]]))
def begin():
    return time.perf_counter(), time.process_time(), peak()
def cocoeval(COCO, COCOeval, kind, found=None, start=None, **settings):
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(truth) if start is None else found[0]
        dt = gt.loadRes(results if start is None else found[1])
        done = COCOeval(gt, dt, kind, **settings)
        done.evaluate(); done.accumulate(); done.summarize()
    return done.stats[:12]
"""
IMPORTS = {
    "pycocotools": "from pycocotools.coco import COCO; from pycocotools.cocoeval import COCOeval",
    "faster-coco-eval": "from faster_coco_eval import COCO, COCOeval_faster as COCOeval",
    "ultrafast-pycocotools": "from ultrafast_pycocotools.coco import COCO\n"
    "from ultrafast_pycocotools.cocoeval import COCOeval",
    "hotcoco": "from hotcoco import COCO, COCOeval",
    "segcore, drop-in": "from segcore.compat.pycocotools.coco import COCO\n"
    "from segcore.compat.pycocotools.cocoeval import COCOeval",
}
