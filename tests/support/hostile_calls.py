"""Malformed calls of the pycocotools drop-in, by the thousand: run by test_compat_hostile.py.

``python hostile_calls.py BACKEND COUNT SEED`` makes COUNT calls with mutated strings, dicts and
arrays, within 2 GiB. Each must give a result, or a ValueError or TypeError, and the same again
when called again: memory that is not the input's would show. Every tenth call is compared with
the reference backend. Prints how many calls gave a result, and how many an error.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
from collections import Counter
from typing import Any

import numpy as np

from segcore import backends
from segcore.backends import reference
from segcore.compat import _functions
from segcore.compat._shortcuts import shortcuts_of
from segcore.compat.pycocotools import mask as pycocotools

LIMIT = 2 << 30
GOOD = [b"5220007", b"h0", b"0h0", b"1110c0", b"034221", b"2003c0", b"3e00", b"52a0"]  # of 4 x 6
POLYGON = [0.5, 0, 9, 0, 9, 7.5, -1, 6, 3, 3]
NUMBERS = [
    *(0, 1, -1, 2, 3, 4, 5, 7, 24, 31, 255, 256, 2**16, 2**31 - 1, 2**31, 2**32, 2**59, 2**63),
    *(2**64, 2**70, -(2**31), -(2**63), True, 0.5, 1e8, 1e300, -1e300, 5e-324),
    *(float("nan"), float("inf"), float("-inf"), np.int64(4), np.float32(2.5), np.uint8(200)),
]
JUNK = [
    *(None, "", "x", b"", b"\xff\x00", "\u0661", [], {}, (), set(), object(), range(5), [[]]),
    *([None], {"size": []}, np.zeros(0), np.zeros((2, 2, 2, 2)), np.array([None, 1]), "o" * 50),
]
LONG_WAYS = {
    "area": _functions.area,
    "decode": _functions.decode,
    "encode": _functions.encode,
    "frBbox": _functions.from_boxes,
    "frPoly": _functions.from_polygons,
    "frPyObjects": _functions.from_objects,
    "frUncompressedRLE": lambda _, rles, h, w: _functions.from_runs(rles, h, w),
    "iou": _functions.iou,
    "merge": lambda kernels, rles, intersect=0: _functions.merge(kernels, rles, intersect),
    "toBbox": _functions.to_bbox,
}


def bytes_of(rng: random.Random) -> bytes:
    """Make a counts string: a good one, a mutated one, or noise."""
    text = bytearray(rng.choice(GOOD if rng.random() < 0.9 else [b"", b"0", b"PPPP4", b"o" * 9]))
    for _ in range(rng.choice([0, 0, 0, 0, 1, 2, 5])):
        place = rng.randrange(len(text) + 1)
        new = rng.randbytes(1) if rng.random() < 0.2 else bytes([rng.randrange(48, 112)])
        text[place : place + rng.randrange(2)] = new * rng.choice([1, 1, 1, 0, 20])
    return bytes(text)


def rle(rng: random.Random) -> Any:
    """Make an RLE, of which something is often wrong."""
    size: Any = [4, 6] if rng.random() < 0.95 else rng.choice([[6, 4], [2, 3]])
    counts: Any = bytes_of(rng)
    kind = rng.randrange(30)
    if kind == 0:
        size = [rng.choice(NUMBERS), rng.choice(NUMBERS)]
    elif kind == 1:
        size = rng.choice(JUNK)
    elif kind == 2:
        counts = rng.choice(JUNK)
    elif kind == 3:
        counts = [rng.choice(NUMBERS) for _ in range(rng.randrange(5))]
    elif kind == 4:
        counts = [5, 2, rng.choice([17, 16, 18])]
    elif kind == 5:
        counts = counts.decode("latin-1")
    elif kind == 6:
        size = rng.choice(
            [tuple(size), np.array(size), [*size, 1], size[:1], np.array(size, float)]
        )
    made = {"size": size, "counts": counts}
    if rng.random() < 0.02:
        made.pop(rng.choice(["size", "counts"]))
    return made if rng.random() > 0.02 else rng.choice([*JUNK, *NUMBERS])


def numbers(rng: random.Random, length: int) -> Any:
    """Make a ring or a box, of which something is often wrong."""
    made: Any = [rng.choice([rng.uniform(-5, 15), rng.randrange(12)]) for _ in range(length)]
    kind = rng.randrange(16)
    if kind == 0 and made:
        made[rng.randrange(len(made))] = rng.choice(NUMBERS)
    elif kind == 1 and made:
        made[rng.randrange(len(made))] = rng.choice(JUNK)
    elif kind == 2:
        with contextlib.suppress(ValueError):
            made = np.array(made)
            made = rng.choice(
                [made, made[::-1], made[::2], made.astype(">f4"), made.reshape(-1, 2)]
            )
    return made


def array(rng: random.Random) -> Any:
    """Make a dense array of any dtype, rank and layout."""
    shape = [rng.choice([0, 1, 2, 3, 7, 65]) for _ in range(rng.choice([2, 3, 3, 3, 1, 4]))]
    dtype = rng.choice(["u1", "u1", "u1", "?", "i1", "u2", "f4", ">i4", "O", "U1", "M8[s]", "c8"])
    made = np.zeros(shape, dtype)
    if made.size and dtype in ("u1", "?", "i1"):
        made.flat[rng.randrange(made.size) :: rng.randrange(1, 9)] = rng.choice([1, 1, 2, 100])
    if rng.random() < 0.6:
        made = np.asfortranarray(made)
    if rng.random() < 0.2 and made.ndim:
        made = made[:: rng.choice([-1, 2])]
    return made if rng.random() > 0.05 else made.tolist()


def several(rng: random.Random, make: Any, *arguments: Any) -> Any:
    """Make a list of things, or something like one."""
    made: Any = [make(rng, *arguments) for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 9]))]
    kind = rng.randrange(40)
    if kind == 0:
        return rng.choice(JUNK)
    if kind == 1:
        return tuple(made)
    if kind == 2:
        with contextlib.suppress(ValueError):
            return np.array(made, rng.choice([None, object]))
    return made


def call(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
    """Make one call."""
    name = rng.choice(list(LONG_WAYS))
    if name == "encode":
        return name, (array(rng),)
    if name in ("decode", "area", "toBbox"):
        return name, (rle(rng) if rng.random() < 0.4 else several(rng, rle),)
    if name == "merge":
        flag = rng.choice([[], [False], [True], [0], [1], [rng.choice([*NUMBERS, *JUNK])]])
        return name, (several(rng, rle), *flag)
    if name == "iou":
        kinds = [several(rng, numbers, 4), several(rng, rle), several(rng, rle)]
        dt = rng.choice(kinds)
        gt = rng.choice([dt, dt, rng.choice(kinds)])
        crowd = [rng.choice([0, 0, 1])] * (len(gt) if hasattr(gt, "__len__") else 1)
        return name, (dt, gt, crowd if rng.random() > 0.1 else rng.choice([*JUNK, [2, 300]]))
    objects = rng.choice(
        [
            several(rng, numbers, rng.choice([0, 2, 4, 4, 5, 6, 7, 30])),
            several(rng, lambda _: [*POLYGON]),
            several(rng, rle),
            rle(rng),
        ]
    )
    size = (4, 6) if rng.random() > 0.1 else (rng.choice(NUMBERS), rng.choice([6, *NUMBERS]))
    return name, (objects, *size)


def outcome(function: Any, *arguments: Any) -> Any:
    """Give the result as something to compare, or the error."""
    try:
        result = function(*arguments)
    except (TypeError, ValueError) as error:
        return type(error).__name__, str(error)
    except MemoryError:
        raise AssertionError((function, arguments)) from None
    return comparable(result)


def comparable(result: Any) -> Any:
    """Give a result's type, layout and bytes."""
    if isinstance(result, (np.ndarray, np.generic)):
        array = np.asarray(result)
        return type(result), array.dtype, array.shape, array.flags.f_contiguous, array.tobytes()
    if isinstance(result, list):
        return [comparable(each) for each in result]
    assert type(result) is dict, result
    return {key: (type(value), value) for key, value in result.items()}


def main(backend: str, count: int, seed: int) -> None:
    """Make the calls."""
    if "asan" not in os.environ.get("LD_PRELOAD", ""):  # which maps terabytes, and uses few
        with contextlib.suppress(ImportError):
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    kernels = backends.load(backend)
    pycocotools.kernels = kernels
    for shortcut, function in shortcuts_of(kernels)._asdict().items():
        setattr(pycocotools, f"_{shortcut}", function)
    rng = random.Random(seed)
    tally: Counter[str] = Counter()
    for i in range(count):
        name, arguments = call(rng)
        first = outcome(getattr(pycocotools, name), *arguments)
        if kernels is not reference and i % 10 == 0:
            again = outcome(LONG_WAYS[name], reference, *arguments)
        else:
            again = outcome(getattr(pycocotools, name), *arguments)
        assert first == again, (i, name, arguments, first, again)
        tally["errors" if isinstance(first, tuple) and len(first) == 2 else "results"] += 1
    print(tally["results"], tally["errors"])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
