"""Write the golden files as the fuzzers' first inputs: bytes that they read as these arguments."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from support import paths


def read(name: str) -> Any:
    return json.loads((paths.GOLDEN / name).read_text("utf-8"))


COCO, MALFORMED = read("coco.json"), read("malformed.json")


def small(height: int, width: int) -> bytes | None:
    """Write a size that a fuzzer looks at pixel by pixel, if it is one."""
    if max(height, width) <= 10:
        return bytes([0, height, width])
    return bytes([1, height, width]) if 10 < height <= 80 and width <= 10 else None


# -- of the C++ core, in tests/cpp/fuzz -----------------------------------------------------------


def flat_size(height: int, width: int) -> bytes | None:
    """Write a size as fuzz_coco_string.cpp reads it, of as many pixels."""
    pixels = height * width
    for columns in range(1, 16):
        for shift in range(6):
            rows, rest = divmod(pixels, columns << shift)
            if rest == 0 and rows < 256:
                return bytes([rows, shift, columns])
    return None


def coco_string() -> Iterator[bytes]:
    for item in [*COCO["masks"], *MALFORMED["strings"]]:
        if head := flat_size(*item["size"]):
            yield b"\1" + head + item["counts"].encode()
    for item in MALFORMED["counts"]:
        if head := flat_size(*item["size"]):
            counts = [struct.pack("<Bq", 2, number) for number in item["counts"]]
            yield b"\0" + head + b"".join(counts)


def tenths(numbers: list[float]) -> bytes:
    """Write coordinates as near as a fuzzer reads them."""
    steps = np.clip(np.round(10 * np.array(numbers)), -2048, 2047).astype(int)
    return b"".join(struct.pack("<Bh", 2, step * 16) for step in steps)


def polygons() -> Iterator[bytes]:
    for item in COCO["polygons"]:
        head = small(*item["size"])
        if head and max(map(len, item["rings"])) <= 24:
            rings = [bytes([len(ring) // 2]) + tenths(ring) for ring in item["rings"][:3]]
            yield b"\0\0" + head + bytes([1, len(rings)]) + b"".join(rings)
    for item in COCO["boxes"]:
        x, y, width, height = item["bbox"]
        yield b"\0\1" + bytes([1, 40, 10, 1]) + tenths([x, y, x + width, y + height])


def columns(item: dict[str, Any]) -> np.ndarray:
    """Give a mask's pixels in column-major order."""
    return np.array([[pixel == "1" for pixel in row] for row in item["pixels"]]).T.ravel()


def small_masks() -> Iterator[tuple[bytes, np.ndarray]]:
    for item in COCO["masks"]:
        if head := small(*item["size"]):
            yield head, columns(item)


def masks() -> Iterator[bytes]:
    question = b"\1\5" + bytes(8) + bytes([0, 0, 1, 0, 1, 6, 1, 1, 100, 0])
    for head, pixels in small_masks():
        packed = b"\0" + np.packbits(pixels, bitorder="little").tobytes()
        for kernel in range(9):
            yield bytes([kernel, 1, 1]) + head + question + packed + packed


def arrays() -> Iterator[bytes]:
    for head, pixels in small_masks():
        for what in range(3):
            answers = bytes([0, 0, 1, 0, 0, 0, 1, 0]) + b"\1\1" * 4 + b"\1"
            yield bytes([what, 1]) + head + answers + pixels.astype(np.uint8).tobytes()
        yield b"\3" + head + bytes(5) + b"\1\1" * 4 + b"\1" + pixels.astype(np.uint8).tobytes()


def soft() -> Iterator[bytes]:
    palette = b"\1\10" * 8 + b"\2"
    with np.load(paths.GOLDEN / "argmax.npz") as golden:
        for x in range(8):
            scores = golden["scores"][:, 3:7, x : x + 6].astype("<f4")
            yield b"\0" + bytes([6, 3, 5, 0, 30, 0, 10, 0]) + palette + scores.tobytes()
    with np.load(paths.GOLDEN / "soft.npz") as golden:
        for probs in golden["probs"]:
            scores = probs[4:10, 4:10].astype("<f4")
            window = bytes([0, 10, 1, 9])  # columns, then rows
            head = b"\1\0" + bytes([0, 10, 10, 1, 5, 0, 5, 0, 1, 0])
            yield head + window + b"\0\0\0" + palette + scores.tobytes()


def json_text() -> Iterator[bytes]:
    """Write arrays of objects as fuzz_json.cpp reads them: not nested, in pieces of ten bytes."""
    from fuzz.coco_json import DOCUMENTS, VALUES

    rows = [row for item in DOCUMENTS[:3] for row in item["annotations"]] + DOCUMENTS[3]
    for row in [*rows, *({"id": 1, "bbox": value, "x": value} for value in VALUES)]:
        text = json.dumps([row, {"id": 2}]).encode()
        if max(text) < 0x7F:
            yield b"\0\3\12\12\12\0\0" + text


# -- of Python, in this folder --------------------------------------------------------------------


def backends() -> Iterator[bytes]:
    from fuzz.backends import ARGUMENTS

    place = list(ARGUMENTS).index("string_decode")
    for item in [*COCO["masks"], *MALFORMED["strings"]]:
        if head := small(*item["size"]):
            yield bytes([place, 0, 1]) + head + b"\0\0" + item["counts"].encode()


def surface() -> Iterator[bytes]:
    from fuzz.surface import NAMES

    for item in [*COCO["masks"], *MALFORMED["strings"]]:
        counts = item["counts"].encode()
        if (head := small(*item["size"])) and len(counts) < 256:
            one = bytes([9, 1, len(counts)]) + counts
            yield bytes([NAMES.index("from_coco")]) + head + b"\1\1\1\3" + one + b"\5"
            for name in ("decode", "area", "toBbox"):
                yield bytes([NAMES.index(f"pycocotools.{name}")]) + head + b"\1\1\1\0" + one


MAKERS = {
    maker.__name__: maker
    for maker in (coco_string, polygons, masks, arrays, soft, backends, surface)
} | {"json": json_text}


def write(name: str, folder: Path) -> None:
    """Write the first inputs of one fuzzer into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, data in enumerate(MAKERS[name]()):
        (folder / f"golden-{i}").write_bytes(data)
