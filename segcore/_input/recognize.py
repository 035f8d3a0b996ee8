"""Recognize unsuitable values, and suggest the right call at the end of an error message.

These functions are not called for valid input.
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

NO_MASK = "leave out objects without a segmentation, or pass [] for an empty mask"


def hint(value: Any) -> str:
    """Return what a value looks like and how to read it, as the end of an error message.

    Returns
    -------
    str
        Starts with ``"; "``. Empty if the value is not recognized.
    """
    found = _recognized(value)
    return f"; {found}" if found else ""


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or pandas' NA or NaT: a missing cell of a table."""
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
            return f"these are bytes compressed with {name}; decompress them first"
    for start, name in _IMAGES.items():
        if data.startswith(start):
            return f"these are the bytes of {name}; open it with Pillow, and use Masks.from_dense"
    return ""


def _base64(text: str) -> str:
    """Recognize base64 of compressed bytes or images, and text that is not a counts string."""
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
        return "pass COCO's RLE and annotation dicts to Masks.from_coco"
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
            "it has only a bbox; convert boxes [x, y, x + width, y + height] with Masks.from_boxes"
        )
    return ""


def _object(value: Any) -> str:
    kind = type(value).__name__  # this package must not import the classes
    if kind == "Masks":
        return "these are Masks already; concatenate batches with Masks.concatenate"
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
        return "put a single segmentation into a list: [segmentation]"
    return ""


def masks_hint(value: Any) -> str:
    """Return how to convert a value to `Masks`, as the end of an error message."""
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    if isinstance(value, Mapping):
        return "; convert COCO objects with Masks.from_coco"
    if hasattr(value, "ndim") or hasattr(value, "__array__"):
        return "; convert dense arrays with Masks.from_dense"
    return ""


def box_hint(shape: Sequence[int]) -> str:
    """Return what an array that is not (N, 4) looks like, as the end of an error message."""
    if len(shape) == 1 and shape[0] == 4:
        return "; one box is [[x0, y0, x1, y1]]"
    if len(shape) == 2 and shape[1] in (5, 6):
        return "; if the columns after the fourth are scores or classes, pass boxes[:, :4]"
    return ""


# -- parts of objects -----------------------------------------------------------------------------


def counts_hint(counts: bytes) -> str:
    """Return what a malformed counts string looks like, as the end of an error message."""
    if re.match(rb"b['\"]", counts):
        return "; if it is the repr of bytes, b'...', use counts.decode() instead of str(counts)"
    found = _bytes(counts)
    return "" if not found or "counts string" in found else f"; {found}"


def runs_hint(runs: NDArray[np.int64]) -> str:
    """Return what run lengths that do not sum to the image size look like."""
    starts, lengths = runs[0::2], runs[1::2]
    if len(runs) < 4 or len(runs) % 2 or starts[0] < 1 or (lengths < 1).any():
        return ""
    if (starts[1:] < starts[:-1] + lengths[:-1]).any():
        return ""
    return (
        "; if these are pairs of start and length, use segcore.formats.kaggle (column-major) or "
        "segcore.formats.huggingface (row-major)"
    )


def array_hint(shape: Sequence[int], dtype: np.dtype[Any]) -> str:
    """Return what an array that is not a list of rings looks like."""
    if len(shape) == 2 and shape[1] == 4 and shape[0] != 4:
        return "; convert boxes with Masks.from_boxes"
    if len(shape) == 2 and shape[0] == 1 and shape[1] >= 6 and shape[1] % 2 == 0:
        return "; pass an array of flat rings as list(array)"
    if len(shape) == 3 and shape[0] == 1 and shape[2] == 4:
        return "; it looks like OpenCV's hierarchy of contours: pass only the contours"
    if len(shape) == 4 and shape[1] == 1:
        return "; convert masks (N, 1, H, W) with Masks.from_dense(masks[:, 0])"
    if len(shape) == 3:
        return "; convert dense masks (N, H, W) with Masks.from_dense"
    if len(shape) == 2 and dtype.kind == "f":
        return "; convert a soft mask (H, W) with Masks.from_dense(mask, threshold=0.5)"
    if len(shape) == 2 and dtype.kind in "iu":
        return "; convert a label map (H, W) with Masks.from_label_map, masks with Masks.from_dense"
    return ""


def dense_hint(value: Any, array: NDArray[Any]) -> str:
    """Return what a value that is not a numeric array looks like."""
    if array.dtype.kind in "OUS" and array.ndim and array.size:
        value = array.flat[0]
    return "" if value is None else hint(value.item() if isinstance(value, np.generic) else value)


def shape_hint(shape: Sequence[int]) -> str:
    """Return what a dense array that is neither 2-D nor 3-D looks like."""
    if len(shape) == 4 and 1 in shape[:2]:
        axis = 1 if shape[1] == 1 else 0
        return f"; drop the axis of length 1: dense{'[:, 0]' if axis else '[0]'}"
    if len(shape) == 4:
        return "; convert one image at a time"
    if len(shape) == 1:
        return "; reshape a flat mask: dense.reshape(H, W)"
    return ""


def threshold_hint(array: NDArray[Any]) -> str:
    """Return which threshold to pass for an array of floats."""
    if array.size:
        low, high = (float(f.reduce(array, axis=None)) for f in (np.fmin, np.fmax))
        if low < 0:
            return f"the values, {low:.3g} to {high:.3g}, look like logits: pass threshold=0"
        if high > 1:
            return f"pass one between 0 and {high:.3g}, the maximum"
    return "pass threshold=0.5"


def is_image_like(shape: Sequence[int]) -> bool:
    """Return whether a 3-D array may be an image (H, W, C), or masks of shape (H, W, N).

    This is assumed if the last axis has length 1, 3 or 4, and the others have length 64 or more.
    """
    return shape[2] in (1, 3, 4) and min(shape[0], shape[1]) >= 64
