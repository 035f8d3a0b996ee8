"""Ends Python while threads run kernels, in a process of its own: ``python exit_cases.py ENDING``.

Prints "done" where the ending itself runs kernels. The tests are in test_exit.py.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from support.thread_calls import calls, scene

import segcore as sc
from segcore.compat.pycocotools import mask as pycocotools

ENDED = 7
"""The exit status that an ending asks for."""


def drop_in(large: sc.Masks) -> list[Callable[[], Any]]:
    """List calls of the pycocotools drop-in, which has bindings of its own."""
    rles = large.to_coco()
    dense = np.asfortranarray(large.to_dense(np.uint8).transpose(1, 2, 0))
    ring = [[float(x) for x in np.random.default_rng(0).random(2000) * 100]]
    return [
        lambda: pycocotools.encode(dense),
        lambda: pycocotools.decode(rles),
        lambda: pycocotools.area(rles),
        lambda: pycocotools.toBbox(rles),
        lambda: pycocotools.merge(rles),
        lambda: pycocotools.iou(rles, rles, [0] * len(rles)),
        lambda: pycocotools.frPyObjects(ring, 100, 100),
    ]


def run_all(work: list[Callable[[], Any]], write: Callable[[int, bytes], int] = os.write) -> None:
    for call in work:
        call()
    write(1, b"done")  # print() may be gone by then


class Last:
    """Runs kernels when it is deleted; by then the names of this module may be None."""

    def __init__(self, large: sc.Masks) -> None:
        self.run = run_all
        self.work = [large.union, large.to_dense, large.components, partial(sc.iou, large, large)]

    def __del__(self) -> None:
        self.run(self.work)


def loop(call: Callable[[], Any], ready: threading.Semaphore) -> None:
    call()
    ready.release()
    while True:
        call()


def main(ending: str) -> None:
    global last  # noqa: PLW0603  # it is deleted when Python clears this module
    small, large = scene()
    work = [*calls(small, large), *drop_in(large)]
    if ending == "__del__":  # Python does not clear this module while other threads use it
        last = Last(large)
        return
    ready = threading.Semaphore(0)
    for call in work:
        threading.Thread(target=loop, args=(call, ready), daemon=True).start()
    for _ in work:
        ready.acquire()
    if ending == "sys.exit":
        sys.exit(ENDED)
    if ending == "os._exit":
        os._exit(ENDED)
    if ending == "exception":
        raise RuntimeError("the end")
    if ending == "atexit":
        atexit.register(run_all, work)
    if ending == "executor":
        executor = ThreadPoolExecutor(4)
        for call in work:
            executor.submit(call)


EXIT_CODES = {
    "return": 0,
    "sys.exit": ENDED,
    "os._exit": ENDED,
    "exception": 1,
    "atexit": 0,
    "__del__": 0,
    "executor": 0,
}

if __name__ == "__main__":
    main(sys.argv[1])
