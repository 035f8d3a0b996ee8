"""What files that segcore does not read look like."""

from __future__ import annotations

import re
from collections.abc import Iterable

READABLE = (
    "segcore reads COCO's JSON (instances, results, panoptic), LVIS, SA-1B, SA-V, Parquet, PNG "
    "label maps or a folder of these, and the other formats that segcore.data.read lists"
)

_SIGNATURES = (
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
    if not lines:
        return None
    if _NUMBERS.fullmatch(lines[0]):
        return "YOLO's text format (a class and numbers)"
    if text.startswith("{") and len(lines) > 1 and lines[1].startswith("{"):
        return "JSON lines, a document per line; put them into one"
    if text[0] not in "[{" and "," in lines[0] and len(lines) > 1:
        return "CSV"
    if re.match(r"(%YAML|---|[\w\"'-]+:(\s|$))", text):
        return "YAML"
    return None


def kind_of_members(names: Iterable[str]) -> str | None:
    """Name the format of a JSON object that segcore does not read by its members, or None."""
    keys = set(names)
    for kind, needed in (
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
            return kind
    return None


def kind_of_item(names: Iterable[str]) -> str | None:
    """Name the format of a list that segcore does not read by the members of an item, or None."""
    keys = set(names)
    if "data" in keys and keys & {"annotations", "predictions", "completions"}:
        return "Label Studio's export (segcore.formats.label_studio reads it in Python)"
    return None
