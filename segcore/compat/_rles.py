"""RLE dicts as pycocotools reads and returns them: compressed counts, images of any sizes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets, offsets_of
from segcore._input.arrays import Size, as_size, described
from segcore.backends.protocol import Kernels
from segcore.backends.reference.coco_string import read_string, write_strings
from segcore.errors import MaskError
from segcore.formats.coco import string_of

RleDict = dict[str, Any]


class Rles(NamedTuple):
    """The undecoded contents of RLE dicts."""

    name: str
    """Name of an object in error messages."""
    strings: list[bytes]
    sizes: list[Size]


class Group(NamedTuple):
    """The RLEs of one image size: their indices in the list, and their masks."""

    indices: NDArray[np.intp]
    batch: Batch


def read(rle_objects: Collection[Any], name: str = "object") -> Rles:
    """Read RLE dicts with compressed counts (str or bytes)."""
    if isinstance(rle_objects, str) or not hasattr(rle_objects, "__len__"):
        raise TypeError(f"expected a list of RLE dicts, got {described(rle_objects)}")
    rles = Rles(name, [], [])
    for index, rle in enumerate(rle_objects):
        try:
            counts, size = parts(rle)
            string = string_of(counts) if isinstance(counts, (str, bytes)) else None
            if string is None:
                raise TypeError(
                    f"counts: expected a compressed string, str or bytes, got {described(counts)}; "
                    "compress lists of run lengths with frPyObjects"
                )
            rles.strings.append(bytes(string))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name} {index}: {error}") from None
        rles.sizes.append(size)
    return rles


def parts(rle: Any) -> tuple[Any, Size]:
    """Return the counts and the size of an RLE dict, or another object with these two items."""
    try:
        counts, size = rle["counts"], rle["size"]
        height, width = size[0], size[1]
    except (AttributeError, LookupError, TypeError):
        raise (TypeError if isinstance(rle, (str, bytes, list, tuple)) else ValueError)(
            f'expected an RLE dict with "size" [height, width] and "counts", got {described(rle)}'
        ) from None
    return counts, image_size(height, width)


def image_size(height: Any, width: Any) -> Size:
    """Validate an image size. Fractions are truncated, as by pycocotools."""
    if type(height) is not int or type(width) is not int:
        height, width = integer(height, "height"), integer(width, "width")
    return as_size((height, width))


def integer(value: Any, name: str) -> int:
    """Convert a number, or an array of one element, to an integer. Fractions are truncated."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.item()
    if not hasattr(value, "__int__") or isinstance(value, (np.ndarray, np.complexfloating)):
        raise TypeError(f"{name}: expected an integer, got {described(value)}")
    try:
        return int(value)
    except (OverflowError, ValueError):
        raise ValueError(f"{name}: expected an integer, got {described(value)}") from None


# -- masks ----------------------------------------------------------------------------------------


def grouped(kernels: Kernels, rles: Rles) -> list[Group]:
    """Decode RLEs, grouped by image size."""
    sizes = list(dict.fromkeys(rles.sizes))
    if len(sizes) == 1:
        return [Group(np.arange(len(rles.sizes)), batch_of(kernels, rles, sizes[0]))]
    indices: dict[Size, list[int]] = {size: [] for size in sizes}
    for index, size in enumerate(rles.sizes):
        indices[size].append(index)
    return [
        Group(np.array(indices[size]), batch_of(kernels, rles, size, indices[size]))
        for size in sizes
    ]


def batch_of(
    kernels: Kernels, rles: Rles, size: Size, indices: Collection[int] | None = None
) -> Batch:
    """Decode the RLEs at the given indices (default: all) as masks of the given size."""
    chosen = rles.strings if indices is None else [rles.strings[index] for index in indices]
    try:
        return kernels.string_decode(*joined(chosen), *size)
    except MaskError as error:
        raise renamed(error, rles.name, indices) from None


def joined(strings: list[bytes]) -> tuple[NDArray[np.uint8], Offsets]:
    """Concatenate strings, and return their offsets."""
    return np.frombuffer(b"".join(strings), np.uint8), offsets_of(list(map(len, strings)))


def renamed(error: MaskError, name: str, indices: Collection[int] | None = None) -> MaskError:
    """Return a kernel's error about a mask, named as the object in the caller's list."""
    index = error.index if indices is None else list(indices)[error.index]
    return MaskError(index, error.detail, name, position=error.position)


def write(kernels: Kernels, batch: Batch) -> list[RleDict]:
    """Convert masks to RLE dicts."""
    strings = _split(*kernels.string_encode(batch))
    return [{"size": [*batch.size], "counts": counts} for counts in strings]


def _split(characters: NDArray[np.uint8], offsets: Offsets) -> Iterator[bytes]:
    text = characters.tobytes()
    return (text[start:end] for start, end in pairwise(offsets.tolist()))


# -- unchecked run lengths ------------------------------------------------------------------------


def read_runs(rles: Rles) -> list[NDArray[np.int64]]:
    """Return the run lengths of each RLE, including zeros. Their sum is not checked."""
    try:
        return [
            read_string(index, np.frombuffer(string, np.uint8))
            for index, string in enumerate(rles.strings)
        ]
    except MaskError as error:
        raise renamed(error, rles.name) from None


def write_runs(runs: list[NDArray[np.int64]], sizes: list[Size]) -> list[RleDict]:
    """Convert run lengths to RLE dicts. Their sum is not checked."""
    offsets = offsets_of(list(map(len, runs)))
    counts = np.concatenate([np.empty(0, np.int64), *runs])
    strings = _split(*write_strings(counts, offsets))
    return [
        {"size": list(size), "counts": counts} for size, counts in zip(sizes, strings, strict=True)
    ]
