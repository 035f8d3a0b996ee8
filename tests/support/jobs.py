"""Functions that tests run in other processes, which can import this module, but no test."""

import os
import signal
import time
from pathlib import Path

import segcore as sc


def pixels(part):
    return [(sample.image_id, sample.masks.area.tolist()) for sample in part]


def threads(_):
    """Return the number of threads, and whether Ctrl-C is handled as by Python."""
    return sc.get_num_threads(), signal.getsignal(signal.SIGINT) is signal.default_int_handler


def sleep(seconds):
    time.sleep(seconds)
    return os.getpid()


def slowly(folder, part):
    """Kill the process of one of the parts, the first time that it runs."""
    marker = Path(folder) / "killed"
    if len(part) and part[0].image_id % 2 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return pixels(part)
