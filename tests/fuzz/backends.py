"""A fuzzer: the native kernels against the reference, to the bit, errors included.

It is given bytes, of which it makes the arguments of one kernel, as the API would call it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from fuzz.inputs import Input, batch, large_size, placed, small_size
from support.util import FLOATS, INTEGERS, agree, arrays, assert_identical, copied

from segcore import backends
from segcore._batch import Batch
from segcore.backends import reference
from segcore.backends.protocol import AND, OR, XOR

NATIVE = [name for name in backends.available() if name.startswith("native:")]
ANY_ORDER = [dtype.newbyteorder(order) for dtype in INTEGERS for order in "<>"]


def any_size(given: Input) -> tuple[int, int]:
    return large_size(given) if given.between(0, 3) == 0 else small_size(given)


def masks(given: Input) -> Batch:
    size = any_size(given)
    return batch(given, size, given.between(0, 5))


def two_batches(given: Input, is_pairwise: bool) -> tuple[Batch, Batch]:
    size = any_size(given)
    n, m = given.between(0, 5), given.between(0, 5)
    if is_pairwise:
        n, m = given.pick([(n, n), (1, m), (n, 1)])
    return batch(given, size, n), batch(given, size, m)


def offsets(given: Input, total: int, count: int) -> np.ndarray:
    inner = sorted(given.between(0, total) for _ in range(max(count - 1, 0)))
    return np.array([0, *inner, total] if count else [0], np.int64)


# -- arguments of each kernel ---------------------------------------------------------------------


def encode(given: Input) -> tuple[Any, ...]:
    shape = (given.between(0, 3), *small_size(given))
    dtype = given.pick([np.dtype(bool), *INTEGERS, *FLOATS])
    threshold = None
    if dtype.kind == "f" or (dtype.kind != "b" and given.flag()):
        threshold = given.pick([0.0, 0.5, -1.0, 127.0, given.double()])
        threshold = 0.0 if np.isnan(threshold) else threshold
    if dtype.kind == "b":
        return placed(given, shape, np.uint8).astype(bool), None
    return placed(given, shape, dtype), threshold


def encode_bits(given: Input) -> tuple[Any, ...]:
    count, (height, width) = given.between(0, 3), small_size(given)
    shape = (count, height, (width + 7) // 8)
    return given.values(int(np.prod(shape)), np.uint8).reshape(shape), width, given.flag()


def encode_changes(given: Input) -> tuple[Any, ...]:
    count, (height, width) = given.between(0, 3), small_size(given)
    pixels = height * width
    return given.values(count * pixels, np.uint8).reshape(count, pixels), height, width


def string_decode(given: Input) -> tuple[Any, ...]:
    size, count = any_size(given), given.between(1, 3)
    if given.flag():
        data, starts = reference.string_encode(batch(given, size, count))
        data = data.copy()
        for _ in range(given.between(0, 2) if data.size else 0):
            data[given.between(0, data.size - 1)] = given.byte()
        return data, starts, *size
    data = np.frombuffer(given.rest(), np.uint8)
    return data, offsets(Input(bytes(data[:24])), data.size, count), *size


def counts_decode(given: Input) -> tuple[Any, ...]:
    size, count = any_size(given), given.between(1, 3)
    if given.flag():
        data, starts = reference.counts_encode(batch(given, size, count))
        data = data.copy()
        for _ in range(given.between(0, 2)):
            data[given.between(0, data.size - 1)] += given.pick([1, -1, 0, 2**40])
        return data, starts, *size
    data = given.values(given.between(0, 8), np.int64)
    return data, offsets(given, data.size, count), *size


def resolve(given: Input) -> tuple[Any, ...]:
    drawn = masks(given)
    limits = [given.pick([0, 3, -1, 2**62]) for _ in drawn.offsets[1:]]
    return drawn, np.array(limits, np.int64)


def dilate(given: Input) -> tuple[Any, ...]:
    drawn = masks(given)
    height, width = drawn.size
    most, reach = min(height, given.pick([3, 3, 40, height])), []
    for _ in range(given.between(1, min(max(width, 1), 5))):
        most = given.between(0, most)
        reach.append(most)
    return drawn, np.array(reach, np.int64)


def place(given: Input) -> tuple[Any, ...]:
    drawn, (height, width) = masks(given), any_size(given)
    sides = (drawn.width, width), (drawn.height, height)
    moves = [
        [given.pick([-side, side // 3, 0, 1, -1, canvas - side, canvas]) for _ in drawn.offsets[1:]]
        for side, canvas in sides
    ]
    x, y = (
        np.array(values, np.int64).clip(-side, canvas)
        for values, (side, canvas) in zip(moves, sides, strict=True)
    )
    width = min(width, 300)  # pieces of what spans columns have runs in each
    return drawn, np.minimum(x, width), y, height, width


def resize(given: Input) -> tuple[Any, ...]:
    drawn = masks(given)
    # The API refuses sides whose products with those of the masks are 2**61 or more.
    height, width = (min(given.between(0, 40), (2**61 - 1) // max(s, 1)) for s in drawn.size)
    return drawn, height if drawn.pixels else 0, width


def cover(given: Input) -> tuple[Any, ...]:
    drawn, height, width = resize(given)
    return drawn, height, width, given.pick([1, drawn.pixels // 2 + 1, max(drawn.pixels, 1)])


def warp(given: Input) -> tuple[Any, ...]:
    drawn = batch(given, small_size(given), given.between(0, 4))
    matrices = []
    for _ in drawn.offsets[1:]:
        numbers = [given.pick([0.0, 1.0, 0.5, -1.0, given.double()]) for _ in range(9)]
        bottom = given.pick([[0.0, 0.0, 1.0], numbers[6:]])
        matrices.append([*numbers[:6], *bottom])
    values = np.nan_to_num(np.array(matrices, np.float64).reshape(-1, 9))
    return drawn, values, given.between(0, 40), given.between(0, 40)


def overlap(given: Input) -> tuple[Any, ...]:
    arguments = two_batches(given, is_pairwise=False)
    if given.flag():
        return arguments
    above = given.pick([0.0, 0.1, 0.5, 1.0, given.double()])
    divisors = given.values(len(arguments[1].offsets) - 1, np.uint8) % 4
    return *arguments, 0.0 if np.isnan(above) else above, given.pick([None, divisors])


def coordinates(given: Input, count: int, is_small: bool) -> np.ndarray:
    """Draw numbers on the fine grid, near it, or, in a small image or few columns, any."""
    steps = given.values(count, np.int16) // 16
    numbers = steps / given.pick([1, 2, 10, 16])
    if given.flag():
        numbers = np.nextafter(numbers, given.pick([-np.inf, np.inf]))
    if count and is_small and given.flag():
        wild = [given.double(), np.nan, 2.0**30, -(2.0**30), 2.0**30 + 1]
        numbers[given.between(0, count - 1)] = given.pick(wild)
    return numbers


def shape_size(given: Input) -> tuple[int, int]:
    """Draw a size of few columns: a shape has runs in each."""
    height, width = any_size(given)
    return height, min(width, 300)


def rasterize_polygons(given: Input) -> tuple[Any, ...]:
    size, count, rings = shape_size(given), given.between(0, 3), given.between(0, 5)
    points = given.between(0, 20) if rings and count else 0
    rings = rings if count else 0
    numbers = coordinates(given, 2 * points, is_small=True)
    filling = given.between(0, 2)
    return numbers, offsets(given, points, rings), offsets(given, rings, count), *size, filling


def rasterize_boxes(given: Input) -> tuple[Any, ...]:
    size, count = shape_size(given), given.between(0, 5)
    return coordinates(given, 4 * count, is_small=True).reshape(-1, 4), *size


def positions(given: Input, samples: int, count: int) -> np.ndarray:
    """Draw positions that never descend: evenly spread, or any."""
    if given.flag():
        even = (np.arange(count) + 0.5) * samples / max(count, 1) - 0.5
    else:
        even = np.nan_to_num(given.values(count, np.float32), posinf=0, neginf=0)
    return np.sort(np.clip(even.astype(np.float32), 0, samples - 1)).astype(np.float32)


def scores(given: Input, shape: tuple[int, ...]) -> np.ndarray:
    count = int(np.prod(shape))
    if given.flag():
        return given.values(count, np.float32).reshape(shape)
    return (given.values(count, np.int8) / np.float32(64)).astype(np.float32).reshape(shape)


def resample(given: Input) -> tuple[Any, ...]:
    count, rows, columns = given.between(0, 3), given.between(1, 6), given.between(1, 20)
    size = height, width = small_size(given)  # the reference draws dense columns
    sampled, inner = (rows, columns), None
    if given.flag():
        sampled = given.between(1, 12), given.between(1, 12)
        inner = positions(given, columns, sampled[1]), positions(given, rows, sampled[0])
    windows, xs, ys = [], [np.empty(0, np.float32)], [np.empty(0, np.float32)]
    for _ in range(count):
        x0, y0 = given.between(0, width), given.between(0, height)
        x1, y1 = given.between(x0, min(width, x0 + 60)), given.between(y0, min(height, y0 + 60))
        windows.append([x0, y0, x1, y1, sum(map(len, xs)), sum(map(len, ys))])
        xs.append(positions(given, sampled[1], x1 - x0))
        ys.append(positions(given, sampled[0], y1 - y0))
    threshold = given.pick([0.0, 0.5, -0.25, float(np.nextafter(np.float32(2**126), 0))])
    return (
        scores(given, (count, rows, columns)),
        inner,
        np.concatenate(xs),
        np.concatenate(ys),
        np.array(windows, np.int64).reshape(-1, 6),
        *size,
        threshold,
    )


def overlap_ratios(given: Input) -> tuple[Any, ...]:
    a, b, *rest = overlap(given)
    if given.flag():
        return a, b, *rest
    rest = rest or [0.0, None]
    cuts = given.between(0, 3)
    groups = tuple(
        np.array([0, *sorted(given.between(0, count) for _ in range(cuts)), count], np.int64)
        for count in (len(batch.offsets) - 1 for batch in (a, b))
    )
    return a, b, *rest, groups


def label_map(given: Input, shape: tuple[int, int]) -> np.ndarray:
    return placed(given, shape, given.pick(ANY_ORDER))


def label_runs(given: Input) -> tuple[Any, ...]:
    labels = label_map(given, small_size(given))
    first = int(labels.flat[0]) if labels.size else 0
    return labels, given.pick([None, 0, first, -1, 2**63, 2**70])


def overlap_table(given: Input) -> tuple[Any, ...]:
    size = small_size(given)
    return label_map(given, size), label_map(given, size)


def reduce(given: Input) -> tuple[Any, ...]:
    drawn = masks(given)
    count = len(drawn.offsets) - 1
    cuts = sorted(given.between(0, count) for _ in range(given.between(0, 4)))
    groups = given.pick([None, np.array([0, *cuts, count], np.int64)])
    return drawn, given.pick([AND, OR, XOR]), groups


ARGUMENTS: dict[str, Callable[[Input], tuple[Any, ...]]] = {
    "encode": encode,
    "encode_bits": encode_bits,
    "encode_changes": encode_changes,
    "string_decode": string_decode,
    "string_encode": lambda given: (masks(given),),
    "counts_decode": counts_decode,
    "counts_encode": lambda given: (masks(given),),
    "area": lambda given: (masks(given),),
    "boxes": lambda given: (masks(given),),
    "moments": lambda given: (masks(given), given.flag()),
    "combine": lambda given: (*two_batches(given, is_pairwise=True), given.between(0, 15)),
    "reduce": reduce,
    "resolve": resolve,
    "components": lambda given: (masks(given), given.pick([4, 8])),
    "outline": lambda given: (masks(given), given.pick([4, 8])),
    "dilate": dilate,
    "place": place,
    "reverse": lambda given: (masks(given), given.flag(), given.flag()),
    "transpose": lambda given: (
        batch(given, small_size(given), given.between(0, 5)),
        given.flag(),
        given.flag(),
    ),
    "resize": lambda given: (*resize(given), given.flag()),
    "cover": cover,
    "warp": warp,
    "overlap": overlap,
    "overlap_ratios": overlap_ratios,
    "rasterize_polygons": rasterize_polygons,
    "rasterize_boxes": rasterize_boxes,
    "resample": resample,
    "label_runs": label_runs,
    "overlap_table": overlap_table,
}


# -- kernels that write ---------------------------------------------------------------------------


def decode(given: Input) -> tuple[Any, ...]:
    count, size = given.between(0, 3), small_size(given)
    dtype = given.pick([np.dtype(bool), np.dtype("c8"), *ANY_ORDER, *FLOATS])
    out = placed(given, (count, *size), np.uint8 if dtype.kind == "b" else dtype)
    out = out.view(bool) if dtype.kind == "b" and out.flags.c_contiguous else out
    if zeroed := given.flag():
        out[...] = 0
    return batch(given, size, count), out, zeroed


def paint(given: Input) -> tuple[Any, ...]:
    count, out = given.between(0, 5), label_map(given, small_size(given))
    order = [given.between(0, count - 1) for _ in range(given.between(0, 7) if count else 0)]
    values = given.values(count, out.dtype.newbyteorder("="))
    return batch(given, out.shape, count), np.array(order, np.int64), values, out


def argmax_resample(given: Input) -> tuple[Any, ...]:
    classes, rows, columns = given.between(1, 12), given.between(1, 5), given.between(1, 9)
    height, width = small_size(given)
    out = np.full((height, width), 0xA5, given.pick([np.uint8, np.uint16, np.uint32, np.uint64]))
    return (
        scores(given, (classes, rows, columns)),
        positions(given, columns, width),
        positions(given, rows, height),
        out,
    )


WRITERS: dict[str, tuple[Callable[[Input], tuple[Any, ...]], int]] = {
    "decode": (decode, 1),
    "paint": (paint, 3),
    "argmax_resample": (argmax_resample, 3),
}
"""The arguments of the kernels that write, and which argument they write to."""


def check_writer(kernels: Any, name: str, arguments: tuple[Any, ...], place: int) -> None:
    out = arguments[place]
    expected = out.copy()
    inputs = [copied(each) for each in arguments]
    getattr(kernels, name)(*arguments)
    inputs[place] = expected
    getattr(reference, name)(*inputs)
    # By their bytes: NaN is as good as any number.
    assert_identical(as_bytes(out), as_bytes(expected), name)
    for i, each in enumerate(arguments):
        for array, copy in zip(arrays([each]), arrays([inputs[i]]), strict=True):
            if i != place:
                assert_identical(as_bytes(array), as_bytes(copy), f"{name}'s argument {i}")


def as_bytes(array: np.ndarray) -> np.ndarray:
    return np.frombuffer(array.tobytes(), np.uint8)


def check(data: bytes) -> None:
    """Make one call."""
    given = Input(data)
    name = given.pick([*ARGUMENTS, *WRITERS])
    kernels = backends.load(given.pick(NATIVE))
    if name in WRITERS:
        arguments, place = WRITERS[name]
        check_writer(kernels, name, arguments(given), place)
        return
    try:
        agree(kernels, name, *ARGUMENTS[name](given))
    except ValueError as error:  # of both
        if not str(error).startswith("mask "):
            raise
