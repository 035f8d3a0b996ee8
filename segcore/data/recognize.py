"""Recognize the format of a data set by its name and its contents."""

from __future__ import annotations

import gzip
import itertools
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from segcore.data.errors import DatasetError
from segcore.data.files.kinds import TITLES, kind_of_json, look_of
from segcore.data.files.walk import files_below
from segcore.data.parquet.names import is_parquet

PEEK = 1 << 16
"""Number of bytes of a file that are looked at."""
LISTED = 1000
"""Number of files of a folder that are looked at."""

CITYSCAPES = ("_instanceIds.png", "_labelIds.png", "_polygons.json")
YOLO = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
VOC = [f"Segmentation{kind}{png}" for kind in ("Class", "Object") for png in ("", "PNG")]
MASK_LIST = "masks.csv"
_TOKENS = re.compile(rb'"((?:[^"\\]++|\\.)*+)(?:"(\s*:)?|\\?\Z)|[{}\[\]]', re.S)


def recognized(path: Any) -> str:
    """Return the name of the format of a file, a folder, an address or a list of files.

    Parameters
    ----------
    path : path-like or list
        What is to be read.

    Raises
    ------
    DatasetError
        If it is not recognized. The message says what it looks like.
    OSError
        If it cannot be read.
    """
    is_folder = isinstance(path, (str, os.PathLike)) and os.path.isdir(path)
    found = _of_marked_folder(Path(path)) if is_folder else None
    if found is not None:
        return found
    if is_parquet(path):
        return "parquet"
    name = os.fspath(path)
    if "://" in name:
        return "coco"
    found = _of_folder(Path(name)) if is_folder else _of_file(Path(name))
    if found.startswith("?"):
        what, _, advice = found[1:].partition("; ")
        looks = f"it looks like {what}; " if what else ""
        advice = f"{advice[:1].upper()}{advice[1:]}. " if advice else ""
        listed = "; ".join(TITLES.values())
        raise DatasetError(name, f"{looks}segcore does not read this. {advice}It reads: {listed}")
    return found


def _of_file(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix == ".png":
        return "maps"
    if path.exists() and not path.is_file():
        return "coco"  # a pipe or a device, of which nothing can be read twice
    data = _head(path)
    start = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in (b"{", b"["):
        return _of_json(data)
    if suffix in (".yaml", ".yml"):
        return "yolo"
    if suffix != ".json" and (suffix == ".xml" or start == b"<"):
        return _of_xml(data)
    if suffix in (".csv", ".tsv"):
        return "kaggle"
    look = look_of(data)
    if suffix in (".json", ".gz") or (look is None and b"\0" in data[:4]):
        return "coco"  # perhaps in UTF-16; its reader says what is wrong
    if look is not None and look.startswith("YOLO"):
        look += "; pass data.yaml, or the folder with images and labels"
    return "?" + (look or "")


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(PEEK)
        if data[:2] != b"\x1f\x8b":
            return data
        file.seek(0)
        try:
            return gzip.GzipFile(fileobj=file).read(PEEK)
        except (OSError, EOFError, zlib.error):
            return data


def _of_json(data: bytes) -> str:
    opening, keys = _outer_keys(data)
    kind = kind_of_json(keys, opening == b"[")
    return kind[0] or "coco" if kind else "coco"  # whose reader says what it looks like


def _outer_keys(data: bytes) -> tuple[bytes, set[str]]:
    """Return the opening bracket, and the members of the outermost object, or of the first item."""
    opening, depth, keys = b"", 0, set()
    for match in _TOKENS.finditer(data):
        token = match[0]
        opening = opening or token[:1]
        if token in (b"{", b"["):
            depth += 1
        elif token in (b"}", b"]"):
            depth -= 1
            if depth == 1 and opening == b"[":
                break
        elif match[2] and depth == (1 if opening == b"{" else 2):
            keys.add(match[1].decode("utf-8", "replace"))
    return opening, keys


def _of_xml(data: bytes) -> str:
    if re.search(rb"<annotations[\s>]", data):
        return "cvat"
    if re.search(rb"<annotation[\s>]", data):
        return "?Pascal VOC's XML, which has boxes and no masks; pass the folder above it"
    return "?" + (look_of(data) or "XML")


def _of_marked_folder(path: Path) -> str | None:
    """Return the format of a folder with a file or folder of a certain name; None for others."""
    names = set(os.listdir(path))
    if names.intersection(YOLO):
        return "yolo"
    if names.intersection(VOC):
        return "voc"
    if MASK_LIST in names:
        return "binary-masks"
    if "annotations.xml" in names:
        return "cvat"
    if "labels" in names and _has(path / "labels", ".txt"):
        return "yolo"
    return None


def _of_folder(path: Path) -> str:
    """Return the format of a folder by its files."""
    files = list(_files(path))
    if any(file.endswith(CITYSCAPES) for file in files):
        return "cityscapes"
    jsons = [file for file in files if file.lower().endswith(".json")]
    is_maps = any(map(_is_png, files))
    for file in jsons[:10]:
        data = _head(path / file)
        found = _of_json(data)
        if found != "coco":
            return found
        if is_maps and b'"segments_info"' in data:
            return f"?the PNGs of a COCO panoptic file; pass {file}"
        if b'"image"' in data and not is_maps:
            return "sa-1b"
    if is_maps:
        folders = {os.path.basename(os.path.dirname(f)) for f in files if _is_png(f)}
        return "binary-masks" if folders == {"masks"} else "maps"
    if _has(path, ".txt") and path.name == "labels":
        return "yolo"
    if jsons:
        return "sa-1b"
    return "?" + _look_of_folder(files)


def _is_png(name: str) -> bool:
    return name.lower().endswith(".png")


def _look_of_folder(files: list[str]) -> str:
    suffixes = sorted({os.path.splitext(file)[1].lower() for file in files} - {""})
    if not files:
        return "an empty folder"
    if set(suffixes) <= {".jpg", ".jpeg"}:
        return "a folder of JPEG files, which cannot hold labels: their compression changes pixels"
    if set(suffixes) <= {".tif", ".tiff"}:
        return "a folder of TIFF files; save them as PNG"
    return f"a folder with {', '.join(suffixes[:4]) or 'other'} files"


def _has(folder: Path, suffix: str) -> bool:
    return any(file.lower().endswith(suffix) for file in _files(folder))


def _files(folder: Path) -> Iterator[str]:
    """Yield the first files below a folder, without hidden ones, as paths below it."""
    for path in itertools.islice(files_below(folder), LISTED):
        yield os.path.relpath(path, folder)
