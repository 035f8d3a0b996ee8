"""Look for leaks: ``python leaks.py COUNT`` makes each public call COUNT times, well and badly.

What Python's and C's allocators hold must not grow meanwhile, nor must the process. Prints by how
much each call made them grow, and fails where that is more than a cache that fills.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from support.every_call import CALLER_FAULTS, every_call

WARM_UP = 20
RESIDENT_SLACK = 2 << 20  # allocators keep some of what they were given back


class Use(NamedTuple):
    """Memory in use: Python's small objects, bytes from malloc, bytes of the process."""

    objects: int
    heap: int
    resident: int

    def since(self, before: Use) -> Use:
        """Subtract."""
        return Use(*(now - then for now, then in zip(self, before, strict=True)))


class _MallInfo(ctypes.Structure):
    # As <malloc.h> has it. What is in use is uordblks, and hblkhd in blocks of their own.
    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


def _heap() -> int:
    """Ask glibc from 2.33 on; 0 elsewhere."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return 0
    mallinfo.restype = _MallInfo
    info = mallinfo()
    return int(info.uordblks + info.hblkhd)


def _resident() -> int:
    """Read the process's resident memory where the system tells it in this way; 0 elsewhere."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def use() -> Use:
    """Measure, without what only waits to be collected."""
    gc.collect()
    return Use(sys.getallocatedblocks(), _heap(), _resident())


def repeat(call: Callable[[], Any], count: int) -> None:
    """Call it, whatever it raises of what a caller's fault may raise."""
    for _ in range(count):
        with contextlib.suppress(CALLER_FAULTS):
            call()


def growth(call: Callable[[], Any], count: int) -> Use:
    """Tell by how much memory grew over the calls."""
    repeat(call, WARM_UP)
    before = use()
    repeat(call, count)
    return use().since(before)


def leaks(grown: Use, count: int) -> bool:
    """Judge: an object every second call, or four bytes a call, is a leak."""
    return (
        grown.objects > 50 + count / 2
        or grown.heap > 20_000 + 4 * count
        or grown.resident > RESIDENT_SLACK
    )


def main(count: int) -> int:
    """Try all."""
    found = []
    for name, pair in every_call().items():
        for kind, call in zip(("result", "error"), pair, strict=True):
            if call is None:
                continue
            grown = growth(call, count)
            # What happens a few times, such as a table that doubles, does not grow with the calls.
            calls = count
            if leaks(grown, calls):
                calls = 10 * count
                grown = growth(call, calls)
            if leaks(grown, calls):
                found.append(f"{name} ({kind})")
            print(
                f"{name:28} {kind:6} {grown.objects:+8} objects {grown.heap:+10} bytes of heap "
                f"{grown.resident:+10} resident",
                flush=True,
            )
    total = use()
    print(f"{count} calls each; the process has {total.resident >> 20} MiB")
    print(f"leaks: {', '.join(found)}" if found else "no leaks")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
