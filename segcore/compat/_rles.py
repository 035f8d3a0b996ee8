"""RLE dicts as pycocotools takes and gives them: lists of any sizes, compressed counts only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, as_size, described
from segcore.backends.protocol import Batch, Kernels, Offsets
from segcore.backends.reference.coco_string import read_string, write_strings

RleDict = dict[str, Any]


class Rles(NamedTuple):
    """What RLE dicts hold, not looked into yet."""

    name: str
    """What error messages call one of them."""
    strings: list[bytes]
    sizes: list[Size]


class Group(NamedTuple):
    """The masks of one size among some RLEs."""

    size: Size
    places: NDArray[np.intp]
    batch: Batch


def read(rle_objects: Collection[Any], name: str = "object") -> Rles:
    """Read RLE dicts with compressed counts, str or bytes."""
    if isinstance(rle_objects, str) or not hasattr(rle_objects, "__len__"):
        raise TypeError(f"expected a list of RLE dicts, got {described(rle_objects)}")
    rles = Rles(name, [], [])
    for index, rle in enumerate(rle_objects):
        try:
            counts, size = parts(rle)
            rles.strings.append(_string(counts))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name} {index}: {error}") from None
        rles.sizes.append(size)
    return rles


def parts(rle: Any) -> tuple[Any, Size]:
    """Give the counts and the size of an RLE dict, or of what else has these two items."""
    try:
        counts, size = rle["counts"], rle["size"]
        height, width = size[0], size[1]
    except (AttributeError, LookupError, TypeError):
        raise (TypeError if isinstance(rle, (str, bytes, list, tuple)) else ValueError)(
            f'expected an RLE dict with "size" [height, width] and "counts", got {described(rle)}'
        ) from None
    return counts, image_size(height, width)


def image_size(height: Any, width: Any) -> Size:
    """Check a size; fractions are cut off, as pycocotools does."""
    if type(height) is not int or type(width) is not int:
        height, width = integer(height, "height"), integer(width, "width")
    return as_size((height, width))


def integer(value: Any, name: str) -> int:
    """Convert what has a number's value to an integer, cutting off fractions."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if not hasattr(value, "__int__") or isinstance(value, (np.ndarray, np.complexfloating)):
        raise TypeError(f"{name}: expected an integer, got {described(value)}")
    try:
        return int(value)
    except (OverflowError, ValueError):
        raise ValueError(f"{name}: expected an integer, got {described(value)}") from None


def _string(counts: Any) -> bytes:
    if isinstance(counts, str):
        if not counts.isascii():
            raise ValueError("its counts string has a character that is not ASCII")
        return counts.encode()
    if not isinstance(counts, bytes):
        raise TypeError(
            f"counts: expected a compressed string, str or bytes, got {described(counts)}; "
            "frPyObjects compresses lists of run lengths"
        )
    return counts


# -- masks ----------------------------------------------------------------------------------------


def grouped(kernels: Kernels, rles: Rles) -> list[Group]:
    """Decode RLEs, those of one size together."""
    sizes = list(dict.fromkeys(rles.sizes))
    if len(sizes) == 1:
        return [Group(sizes[0], np.arange(len(rles.sizes)), batch_of(kernels, rles, sizes[0]))]
    places: dict[Size, list[int]] = {size: [] for size in sizes}
    for place, size in enumerate(rles.sizes):
        places[size].append(place)
    return [
        Group(size, np.array(places[size]), batch_of(kernels, rles, size, places[size]))
        for size in sizes
    ]


def batch_of(
    kernels: Kernels, rles: Rles, size: Size, places: Collection[int] | None = None
) -> Batch:
    """Decode the RLEs at some places, or all of them, as masks of one size."""
    chosen = rles.strings if places is None else [rles.strings[place] for place in places]
    try:
        return kernels.string_decode(*joined(chosen), *size)
    except ValueError as error:
        raise renamed(error, rles.name, places) from None


def joined(strings: list[bytes]) -> tuple[NDArray[np.uint8], Offsets]:
    """Lay strings end to end."""
    return np.frombuffer(b"".join(strings), np.uint8), offsets_of([len(each) for each in strings])


def offsets_of(lengths: list[int]) -> Offsets:
    """Give the offsets of things that are laid end to end."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def renamed(error: ValueError, name: str, places: Collection[int] | None = None) -> ValueError:
    """Make a kernel's error about a mask one about the caller's object."""
    found = re.match(r"mask (\d+): ", str(error))
    if found is None:
        return error
    place = int(found[1]) if places is None else list(places)[int(found[1])]
    return ValueError(f"{name} {place}: {str(error)[found.end() :]}")


def write(kernels: Kernels, batch: Batch, size: Size) -> list[RleDict]:
    """Make RLE dicts of masks."""
    strings = _cut(*kernels.string_encode(*batch, *size))
    return [{"size": list(size), "counts": counts} for counts in strings]


def _cut(characters: NDArray[np.uint8], offsets: Offsets) -> Iterator[bytes]:
    text = characters.tobytes()
    return (text[start:end] for start, end in pairwise(offsets.tolist()))


# -- run lengths as they are ----------------------------------------------------------------------


def read_runs(rles: Rles) -> list[NDArray[np.int64]]:
    """Give the run lengths of each RLE, zeros among them, whatever they sum to."""
    try:
        return [
            read_string(index, np.frombuffer(string, np.uint8))
            for index, string in enumerate(rles.strings)
        ]
    except ValueError as error:
        raise renamed(error, rles.name) from None


def write_runs(runs: list[NDArray[np.int64]], sizes: list[Size]) -> list[RleDict]:
    """Make RLE dicts of run lengths, whatever they sum to."""
    offsets = offsets_of([len(each) for each in runs])
    counts = np.concatenate([np.empty(0, np.int64), *runs])
    strings = _cut(*write_strings(counts, offsets))
    return [
        {"size": list(size), "counts": counts} for size, counts in zip(sizes, strings, strict=True)
    ]
