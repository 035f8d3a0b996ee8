"""Interrupts one long call, in a process of its own: ``python interrupt_cases.py NAME THREADS``.

Prints, as JSON, the processor time that the call takes, and that from a signal until its handler
was called: one that raises an exception, and one that returns. The tests are in test_interrupt.py.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import segcore as sc
from segcore.compat.pycocotools import mask as mask_util

Call = Callable[[], Any]

# In processor time, of which a busy machine does not take more.
SIGNAL_AFTER = 0.05  # seconds, and these alone as the clock counts them
LONG_ENOUGH = 0.6  # so that a call that does not listen cannot be in time by having finished
GOOD = 0.4  # seconds from a signal to its handler
TRIES = 4  # as other programs may take the caches

_rng = np.random.default_rng(0)


class Stopped(Exception):
    """What the signal's handler raises."""


def _noise(pixels: int) -> np.ndarray:
    return _rng.integers(0, 2, (1, pixels // 1024, 1024), np.uint8)


def encode(n: int) -> Call:
    dense = _noise(n << 22)
    return lambda: sc.Masks.from_dense(dense)


def encode_many(n: int) -> Call:
    dense = np.broadcast_to(_noise(1 << 17), (n << 8, 128, 1024))
    return lambda: sc.Masks.from_dense(dense)


def decode(n: int) -> Call:
    masks = sc.Masks.from_dense(_noise(n << 22))
    return masks.to_dense


def combine(n: int) -> Call:
    a, b = (sc.Masks.from_dense(_noise(n << 24)) for _ in range(2))
    return lambda: a | b


def _boxes(count: int) -> sc.Masks:
    corners = _rng.random((count, 2)) * 50
    return sc.Masks.from_boxes(np.hstack([corners, corners + 50]), (100, 100))


def iou(n: int) -> Call:
    a, b = _boxes(n << 10), _boxes(1000)
    return lambda: sc.iou(a, b)


def polygons(n: int) -> Call:
    ring = _rng.random(n << 14) * 1000
    return lambda: sc.Masks.from_polygons([[ring]], (1000, 1000))


def components(n: int) -> Call:
    masks = sc.Masks.from_dense(_noise(n << 21))
    return masks.components


def label_map(n: int) -> Call:
    labels = _rng.integers(0, 100, (n << 11, 1024), np.uint8)
    return lambda: sc.Masks.from_label_map(labels)


def argmax(n: int) -> Call:
    scores = _rng.random((40, 64, 64), np.float32)
    return lambda: sc.argmax_upsample(scores, (n << 8, 4000))


def drop_in_decode(n: int) -> Call:
    masks = sc.Masks.from_dense(_noise(n << 22))
    [rle] = masks.to_coco()
    return lambda: mask_util.decode(rle)


def drop_in_iou(n: int) -> Call:
    a, b = _boxes(n << 10).to_coco(), _boxes(1000).to_coco()
    return lambda: mask_util.iou(a, b, [0] * len(b))


CASES = {
    case.__name__: case
    for case in (
        *(encode, encode_many, decode, combine, iou, polygons),
        *(components, label_map, argmax, drop_in_decode, drop_in_iou),
    )
}


def timed(call: Call) -> tuple[Any, float]:
    start = time.process_time()
    result = call()
    return result, time.process_time() - start


class Signal:
    """Sends a signal in a while."""

    def __init__(self) -> None:
        self.sent = 0.0
        self.timer = threading.Timer(SIGNAL_AFTER, self.send)
        self.timer.start()

    def send(self) -> None:
        self.sent = time.process_time()
        signal.raise_signal(signal.SIGINT)


def latency_of(call: Call) -> float:
    """Measure the seconds from the signal to the exception."""

    def stop(number: int, frame: object) -> None:
        raise Stopped

    signal.signal(signal.SIGINT, stop)
    waiting = Signal()
    try:
        call()
        waiting.timer.join()
        time.sleep(1)
    except Stopped:
        return time.process_time() - waiting.sent
    raise RuntimeError("no exception came")


def result_and_latency_of_answer(call: Call) -> tuple[Any, float]:
    """Let a handler answer the signal and return, so that the call continues to its end."""
    answered = 0.0

    def answer(number: int, frame: object) -> None:
        nonlocal answered
        assert sc.Masks.from_boxes([[1, 2, 3, 4]], (9, 9)).area[0] == 4  # a kernel in a kernel
        answered = time.process_time()

    signal.signal(signal.SIGINT, answer)
    waiting = Signal()
    result = call()
    waiting.timer.join()
    return result, answered - waiting.sent


def same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return all(same(x, y) for x, y in zip(a, b, strict=True))
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else bool(a == b)


def best_of(measure: Callable[[], float]) -> float:
    best = measure()
    for _ in range(TRIES - 1):
        if best < GOOD:
            break
        best = min(best, measure())
    return best


def main(name: str, threads: int) -> None:
    sc.set_num_threads(threads)
    n = 1
    call = CASES[name](n)
    expected, seconds = timed(call)
    while seconds < LONG_ENOUGH and n < 128:
        n *= max(2, int(1.2 * LONG_ENOUGH / seconds))
        n = min(n, 128)
        call = CASES[name](n)
        expected, seconds = timed(call)
    stopped = best_of(lambda: latency_of(call))
    results = []

    def answered() -> float:
        result, latency = result_and_latency_of_answer(call)
        results.append(result)
        return latency

    report = {
        "seconds": seconds,
        "stopped": stopped,
        "answered": best_of(answered),
        "same": all(same(result, expected) for result in results),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
