"""JSON files, and what files of other formats look like."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any

from segcore._text import counted
from segcore.data._problems import DataError

READABLE = (
    "segcore reads COCO's JSON (instances, results, panoptic) and PNG label maps, or a folder of "
    "these"
)

_SIGNATURES = (
    (b"\x1f\x8b", "a gzip file; unpack it first"),
    (b"PK\x03\x04", "a ZIP archive (or numpy .npz); unpack it first"),
    (b"BZh", "a bzip2 file; unpack it first"),
    (b"\xfd7zXZ", "an xz file; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file; unpack it first"),
    (b"\x93NUMPY", "a NumPy array (.npy)"),
    (b"\x89PNG", "a PNG image, whose name should end in .png"),
    (b"\xff\xd8\xff", "a JPEG image, which cannot hold labels: its compression changes pixels"),
    (b"II*\x00", "a TIFF image; save it as PNG"),
    (b"MM\x00*", "a TIFF image; save it as PNG"),
    (b"GIF8", "a GIF image; save it as PNG"),
    (b"RIFF", "a WebP image, which cannot hold labels unless it is lossless; save it as PNG"),
    (b"\x89HDF", "an HDF5 file"),
    (b"MATLAB", "a MATLAB file"),
    (b"PAR1", "a Parquet file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x80", "a Python pickle"),
)
_NUMBERS = re.compile(r"\d+( +-?[\d.eE+-]+){4,}\s*")


def read_json(path: Path) -> Any:
    """Return the document in a JSON file.

    Raises
    ------
    DataError
        If the file cannot be read or is not valid JSON. The message tells which other format it
        looks like.
    """
    data = _read(path)
    try:
        return json.loads(data, object_pairs_hook=_unique)
    except RecursionError as error:
        raise DataError(f"{path}: its JSON is nested too deeply") from error
    except _DuplicateKeyError as error:
        raise DataError(f"{path}: {error}") from error
    except ValueError as error:  # not JSON, or not Unicode
        raise DataError(f"{path}: {_not_json(data, error)}") from error


def _read(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise DataError(_is_a_folder(path))
        mode = path.stat().st_mode
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            raise DataError(f"{path}: this is a device, expected a file")
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from error
    except DataError:
        raise
    except ValueError as error:  # a NUL in the name
        raise DataError(f"{path}: {error}") from error


class _DuplicateKeyError(ValueError):
    """An object has a key twice, so its value is ambiguous."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        [(repeated, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise _DuplicateKeyError(f"the key {json.dumps(repeated)} occurs twice in one object")
    return found


def _not_json(data: bytes, error: ValueError) -> str:
    kind = look_of(data)
    if kind is not None:
        return f"not JSON: it looks like {kind}; {READABLE}"
    if "4300" in str(error):
        return "not JSON that can be read: an integer has more than 4300 digits"
    return f"not JSON: {error}"


def look_of(data: bytes) -> str | None:
    """Describe the format of a file that is not JSON by its first bytes; None if unknown."""
    if not data.strip():
        return "an empty file"
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[257:262] == b"ustar":
        return "a tar archive; unpack it first"
    text = data[:4096].decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    if re.match(r"<!doctype html|<html", text, re.I):
        return "an HTML page, perhaps instead of a download"
    if text.startswith("<"):
        return "XML, such as CVAT's or Pascal VOC's"
    if text.startswith("version https://git-lfs"):
        return "a Git LFS pointer; fetch the file itself with git lfs pull"
    lines = [line for line in text.splitlines() if line.strip()]
    if _NUMBERS.fullmatch(lines[0]):
        return "YOLO's text format (a class and numbers)"
    if text.startswith("{") and len(lines) > 1 and lines[1].startswith("{"):
        return "JSON lines, a document per line; put them into one"
    if text[0] not in "[{" and "," in lines[0] and len(lines) > 1:
        return "CSV"
    if re.match(r"(%YAML|---|[\w\"'-]+:(\s|$))", text):
        return "YAML"
    return None


def kind_of_document(document: object) -> str | None:
    """Name the format of a JSON document that segcore does not read; None if unknown."""
    first = document[0] if isinstance(document, list) and document else document
    if not isinstance(first, dict):
        return None
    keys = first.keys()
    if isinstance(document, list):
        if "data" in keys and keys & {"annotations", "predictions", "completions"}:
            return "Label Studio's export (segcore.formats.label_studio reads it in Python)"
        return None
    for name, needed in (
        ("LabelMe's JSON", {"shapes", "imagePath"}),
        ("GeoJSON", {"type", "features"}),
        ("VIA's project", {"_via_img_metadata"}),
        ("a Label Studio task", {"data", "annotations", "predictions"}),
        ("Supervisely's JSON", {"objects", "size"}),
        ("Cityscapes' polygons", {"objects", "imgHeight"}),
        ("a Jupyter notebook", {"cells", "nbformat"}),
        ("classes.json of segcore semantic: pass its folder", {"png", "classes"}),
    ):
        if needed <= keys:
            return name
    return None


def _is_a_folder(path: Path) -> str:
    files = sum(1 for entry in path.iterdir() if entry.suffix.lower() == ".json")
    held = f" with {counted(files, 'JSON file')}; pass one of them" if files else ""
    return f"{path}: this is a folder{held}, expected a JSON file"
