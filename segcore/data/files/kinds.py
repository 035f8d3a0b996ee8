"""What files that segcore does not read look like."""

from __future__ import annotations

import re
from collections.abc import Iterable

TITLES = {
    "coco": "COCO instances, LVIS",
    "coco-results": "COCO results",
    "coco-panoptic": "COCO panoptic",
    "sa-1b": "SA-1B, a folder of JSON files",
    "sa-v": "SA-V, a JSON file per video",
    "parquet": "Parquet",
    "yolo": "YOLO segmentation, a folder with data.yaml and labels",
    "labelme": "LabelMe, a JSON file per image or a folder of them",
    "maps": "PNG label maps or binary masks, or a folder of them",
    "binary-masks": "a folder of binary masks per image",
    "voc": "Pascal VOC, a folder with SegmentationClass and SegmentationObject",
    "cvat": "CVAT's XML for images or video",
    "label-studio": "Label Studio's JSON",
    "kaggle": "Kaggle's CSV of run lengths",
    "geojson": "GeoJSON in pixels",
    "cityscapes": "Cityscapes, a folder of PNGs of ids or of files of polygons",
}
"""The formats that are read, and what they are called in messages."""

READABLE = f"segcore reads {'; '.join(TITLES.values())}"

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


_OBJECTS = (
    ("labelme", "LabelMe's JSON", {"shapes"}),
    ("cityscapes", "Cityscapes' polygons", {"imgHeight", "objects"}),
    ("geojson", "GeoJSON", {"type", "features"}),
    ("", "VIA's project", {"_via_img_metadata"}),
    ("label-studio", "a Label Studio task", {"data", "annotations", "predictions"}),
    ("", "Supervisely's JSON", {"objects", "size"}),
    ("", "a Jupyter notebook", {"cells", "nbformat"}),
    ("", "classes.json of segcore semantic: pass its folder", {"png", "classes"}),
)
_ITEMS = (
    ("label-studio", "Label Studio's export", {"data", "annotations"}),
    ("label-studio", "Label Studio's export", {"data", "predictions"}),
    ("label-studio", "Label Studio's export JSON-MIN", {"annotation_id", "annotator"}),
    ("", "Label Studio's export in an old form", {"data", "completions"}),
)
"""Formats of JSON by the members of the outermost object, or of the items of a list: the name of
the format, or "" if it is not read, a description, and the members."""


def kind_of_json(names: Iterable[str], is_list: bool = False) -> tuple[str, str] | None:
    """Return the name and description of a format of JSON other than COCO's, or None.

    Parameters
    ----------
    names : iterable of str
        Members of the outermost object, or of the first item of a list.
    is_list : bool
        Whether it is a list.

    Returns
    -------
    tuple of str or None
        The name in `TITLES`, or "" if the format is not read, and a description.
    """
    keys = set(names)
    for name, kind, needed in _ITEMS if is_list else _OBJECTS:
        if needed <= keys:
            return name, kind
    return None
