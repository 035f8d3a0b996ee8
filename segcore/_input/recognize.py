"""What an unsuitable value looks like, and which call reads it: the second half of error messages.

Nothing here is called for good input.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COMPRESSED = {b"\x1f\x8b": "gzip", b"x\x01": "zlib", b"x\x9c": "zlib", b"x\xda": "zlib"}
_IMAGES = {b"\x89PNG": "a PNG file", b"\xff\xd8\xff": "a JPEG file", b"II*\0": "a TIFF file"}
_SUFFIX = re.compile(r"\.(json|csv|parquet|txt|png|jpe?g|tiff?|bmp|gif|webp|npy|npz|gz|zip)$", re.I)
_IMAGE_SUFFIX = re.compile(r"\.(png|jpe?g|tiff?|bmp|gif|webp)$", re.I)
_GEOMETRIES = frozenset({"Polygon", "MultiPolygon", "GeometryCollection", "Feature"})

NO_MASK = "leave out what has no segmentation, or give [] for an empty mask"


def hint(value: Any) -> str:
    """Say what a value looks like and what to do with it, as the end of an error message.

    Returns
    -------
    str
        Begins with ``"; "``; empty where nothing is recognized.
    """
    found = _recognized(value)
    return f"; {found}" if found else ""


def is_missing(value: Any) -> bool:
    """Return whether a value marks a missing cell of a table: None, NaN, pandas' NA or NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and bool(np.isnan(value))


def _recognized(value: Any) -> str:
    if is_missing(value) or isinstance(value, float):
        return NO_MASK
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _bytes(bytes(value))
    if isinstance(value, os.PathLike):
        return _path(str(value))
    if isinstance(value, Mapping):
        return _mapping(value)
    return _object(value)


def _text(text: str) -> str:
    stripped = text.strip()
    if re.fullmatch(r"[\[{].*[\]}]", stripped, re.S):
        return "it looks like JSON; read JSON with json.loads"
    if _SUFFIX.search(stripped):
        return _path(stripped)
    if re.fullmatch(r"\d+( +\d+)+", stripped):
        return "it looks like Kaggle's format: segcore.formats.kaggle.decode(strings, size)"
    if stripped.startswith(("POLYGON", "MULTIPOLYGON")):
        return "it looks like WKT; read it with shapely.from_wkt, and use Masks.from_polygons"
    found = _base64(stripped)
    if found:
        return found
    if stripped and stripped.isascii():
        return 'put a counts string into {"size": [H, W], "counts": ...}'
    return ""


def _path(path: str) -> str:
    if _IMAGE_SUFFIX.search(path):
        return "it looks like a path; open an image with numpy.asarray(PIL.Image.open(path))"
    return "it looks like a path; open the file and read it first: json.load(file) for JSON"


def _bytes(data: bytes) -> str:
    found = _magic(data)
    if found:
        return found
    return _text(data.decode("ascii")) if data.isascii() else ""


def _magic(data: bytes) -> str:
    for start, name in _COMPRESSED.items():
        if data.startswith(start):
            return f"these are bytes that {name} compressed; decompress them first"
    for start, name in _IMAGES.items():
        if data.startswith(start):
            return f"these are the bytes of {name}; open it with Pillow, and use Masks.from_dense"
    return ""


def _base64(text: str) -> str:
    """Recognize base64 of compressed bytes or of images, or what cannot be a counts string."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return ""
    found = _magic(data)
    if found:
        return f"it looks like base64: decode it with base64.b64decode; {found}"
    if len(text) >= 8 and (text.endswith("=") or re.search("[p-z+/]", text)):
        return "it looks like base64: decode it with base64.b64decode first"
    return ""


def _mapping(value: Mapping[Any, Any]) -> str:
    if "annotations" in value:
        return (
            "it looks like a whole COCO file; pass the annotations of one image: "
            '[a for a in file["annotations"] if a["image_id"] == image_id]'
        )
    if "segments_info" in value:
        return "it looks like a panoptic result: segcore.integrations.huggingface.from_segmentation"
    if str(value.get("type")) in _GEOMETRIES:
        return "it looks like GeoJSON, which Masks.from_polygons reads"
    if "segmentation" in value or ("counts" in value and "size" in value):
        return "COCO's RLE and annotation dicts go into Masks.from_coco"
    if "shapes" in value and "imageHeight" in value:
        return 'it looks like a LabelMe file; pass its shapes\' "points" to Masks.from_polygons'
    if "rle" in value or "brushlabels" in value:
        return "it looks like Label Studio's format: segcore.formats.label_studio.decode"
    if "masks" in value and "boxes" in value:
        return "it looks like torchvision's output: segcore.integrations.torchvision"
    if "mask" in value:
        return "it looks like a pipeline's output: segcore.integrations.huggingface.from_pipeline"
    if "bbox" in value:
        return (
            "it has a bbox alone; Masks.from_boxes makes masks of boxes "
            "[x, y, x + width, y + height]"
        )
    return ""


def _object(value: Any) -> str:
    kind = type(value).__name__  # the classes themselves are above this room
    if kind == "Masks":
        return "these are Masks already; join batches with Masks.concatenate"
    if kind == "Polygons" or hasattr(value, "__geo_interface__"):
        return "Masks.from_polygons reads it"
    if hasattr(value, "iloc") and hasattr(value, "columns"):
        return 'it is a table; pass one of its columns, such as table["segmentation"]'
    if hasattr(value, "loadAnns"):
        return "pass the annotations of one image: coco.loadAnns(coco.getAnnIds(image_id))"
    if hasattr(value, "pred_masks"):
        return "segcore.integrations.detectron2.instances_to_masks reads it"
    if hasattr(value, "masks") and hasattr(value, "orig_shape"):
        return "segcore.integrations.ultralytics reads it"
    if hasattr(value, "xyxy") and hasattr(value, "mask"):
        return "segcore.integrations.supervision reads it"
    if hasattr(value, "__array_interface__") and not isinstance(value, (np.ndarray, np.generic)):
        return "Masks.from_dense reads images"
    if isinstance(value, (int, np.integer)):
        return "a single segmentation goes into a list: [segmentation]"
    return ""


def masks_hint(value: Any) -> str:
    """Say how to make Masks of what was given instead of them."""
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    if isinstance(value, Mapping):
        return "; Masks.from_coco makes them of COCO's objects"
    if hasattr(value, "ndim") or hasattr(value, "__array__"):
        return "; Masks.from_dense makes them of dense arrays"
    return ""


def box_hint(shape: Sequence[int]) -> str:
    """Say what an array looks like that is no (N, 4) array of boxes."""
    if len(shape) == 1 and shape[0] == 4:
        return "; one box is [[x0, y0, x1, y1]]"
    if len(shape) == 2 and shape[1] in (5, 6):
        return "; if the columns after the fourth are scores or classes, pass boxes[:, :4]"
    return ""


# -- parts of objects -----------------------------------------------------------------------------


def counts_hint(counts: bytes) -> str:
    """Say what the characters of a broken counts string look like."""
    if re.match(rb"b['\"]", counts):
        return "; if it is the text of bytes, b'...', write counts.decode() for str(counts)"
    found = _bytes(counts)
    return "" if not found or "counts string" in found else f"; {found}"


def runs_hint(runs: NDArray[np.int64]) -> str:
    """Say what run lengths look like that do not sum to the size."""
    starts, lengths = runs[0::2], runs[1::2]
    if len(runs) < 4 or len(runs) % 2 or starts[0] < 1 or (lengths < 1).any():
        return ""
    if (starts[1:] < starts[:-1] + lengths[:-1]).any():
        return ""
    return (
        "; if these are pairs of start and length, use segcore.formats.kaggle (column by column) "
        "or segcore.formats.huggingface (row by row)"
    )


def array_hint(shape: Sequence[int], dtype: np.dtype[Any]) -> str:
    """Say what an array looks like that stands where a mask of rings is expected."""
    if len(shape) == 2 and shape[1] == 4 and shape[0] != 4:
        return "; boxes go into Masks.from_boxes"
    if len(shape) == 2 and shape[0] == 1 and shape[1] >= 6 and shape[1] % 2 == 0:
        return "; a list of flat rings goes in as list(array)"
    if len(shape) == 3 and shape[0] == 1 and shape[2] == 4:
        return "; it looks like OpenCV's hierarchy of contours: pass the contours alone"
    if len(shape) == 4 and shape[1] == 1:
        return "; masks (N, 1, H, W) go into Masks.from_dense(masks[:, 0])"
    if len(shape) == 3:
        return "; dense masks (N, H, W) go into Masks.from_dense"
    if len(shape) == 2 and dtype.kind == "f":
        return "; a soft mask (H, W) goes into Masks.from_dense(mask, threshold=0.5)"
    if len(shape) == 2 and dtype.kind in "iu":
        return "; a label map (H, W) goes into Masks.from_label_map, masks into Masks.from_dense"
    return ""


def dense_hint(value: Any, array: NDArray[Any]) -> str:
    """Say what a value looks like that is no dense array of numbers."""
    if array.dtype.kind in "OUS" and array.ndim and array.size:
        value = array.flat[0]
    return "" if value is None else hint(value.item() if isinstance(value, np.generic) else value)


def shape_hint(shape: Sequence[int]) -> str:
    """Say what a dense array of another number of dimensions looks like."""
    if len(shape) == 4 and 1 in shape[:2]:
        axis = 1 if shape[1] == 1 else 0
        return f"; drop the axis of length 1: dense{'[:, 0]' if axis else '[0]'}"
    if len(shape) == 4:
        return "; make one batch per image"
    if len(shape) == 1:
        return "; a flat mask needs dense.reshape(H, W)"
    return ""


def threshold_hint(array: NDArray[Any]) -> str:
    """Say which threshold floats need."""
    if array.size:
        low, high = (float(f.reduce(array, axis=None)) for f in (np.fmin, np.fmax))
        if low < 0:
            return f"pass threshold=0 for logits, as these from {low:.3g} to {high:.3g} seem to be"
        if high > 1:
            return f"pass one between 0 and {high:.3g}, the largest value"
    return "pass threshold=0.5"


def is_image_like(shape: Sequence[int]) -> bool:
    """Return whether an array (a, b, c) may be an image, or masks whose last axis counts them.

    That is where the last axis has a length of 1, 3 or 4 and the others one of 64 or more.
    """
    return shape[2] in (1, 3, 4) and min(shape[0], shape[1]) >= 64
