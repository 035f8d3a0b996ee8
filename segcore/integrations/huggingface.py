"""Hugging Face's transformers: instance and panoptic post-processing, SAM, and its pipeline."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, as_array, as_integer, as_label_map, as_size, described
from segcore.formats import huggingface as codec
from segcore.integrations._tensors import to_host
from segcore.masks import Masks
from segcore.models.upsample import upsample_masks


@dataclass(frozen=True, eq=False)
class Segments:
    """The segments of one image.

    Attributes
    ----------
    masks : Masks
        N masks.
    ids : numpy.ndarray
        Id of each segment (``id``): int64, shape (N,).
    labels : numpy.ndarray
        Class id of each segment (``label_id``): int64, shape (N,).
    scores : numpy.ndarray
        Score of each segment (``score``): float64, shape (N,); NaN if it has none.
    """

    masks: Masks
    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]


def from_segmentation(result: Any, size: Iterable[int] | None = None) -> Segments:
    """Convert the result of a post-processing function of transformers for one image.

    Supported are the results of ``post_process_instance_segmentation`` and
    ``post_process_panoptic_segmentation`` (DETR, MaskFormer, Mask2Former, OneFormer, EoMT, RF-DETR
    and others), and of ``post_process_semantic_segmentation`` (these, and SegFormer, BEiT, DPT and
    others).

    Parameters
    ----------
    result : dict or array_like
        Either a semantic map: class ids of shape (H, W), integers or floats with integral values.
        Each class that occurs becomes a segment, with the class as its id and label; -1 is
        background. Or a dict of instances or of a panoptic map. Its ``"segments_info"`` is a list
        of dicts with ``id``, ``label_id`` and ``score``, and its ``"segmentation"`` is one of

        - a map of segment ids, shape (H, W): integers or floats with integral values. Pixels with
          other ids, such as -1, belong to no segment;
        - zeros and ones of shape (N, H, W), as with ``return_binary_maps=True``;
        - a list of run-length lists, as with ``return_coco_annotation=True``;
        - None, if nothing was found.
    size : sequence of int, optional
        Image size (H, W). Required for run-length lists and for None, which do not contain it.

    Returns
    -------
    Segments
        The segments in the order of ``segments_info``. The mask of a segment that is completely
        covered by others is empty.

    Raises
    ------
    ValueError
        If `size` is missing or not that of the segmentation, two segments have the same id, or it
        is not clear which segments run-length lists belong to (see Notes).
    TypeError
        If `result` is none of the above, such as a list of the results of several images.

    Notes
    -----
    Run-length lists are in ascending order of the values in the map. There is none for a hidden
    segment, and there is one for the background if it is visible. If there is one list more than
    segments, the first list is the background. If there are equally many, there is no background,
    provided that the ids start at 1: the models that count from 1 hide no segments. If ids start at
    0 (MaskFormer, Mask2Former, OneFormer), a segment could be hidden instead, which is an error.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import huggingface
    >>> info = [{"id": 1, "label_id": 17, "score": 0.9}, {"id": 2, "label_id": 3, "score": 0.8}]
    >>> ids = np.array([[0, 1, 1], [2, 2, 0]])
    >>> segments = huggingface.from_segmentation({"segmentation": ids, "segments_info": info})
    >>> segments.labels, segments.masks.area
    (array([17,  3]), array([2, 2]))
    >>> semantic = huggingface.from_segmentation(np.array([[0, 0, 8], [-1, 8, 8]]))
    >>> semantic.labels, semantic.masks.area
    (array([0, 8]), array([2, 3]))
    """
    expected = None if size is None else as_size(size)
    if isinstance(result, Mapping):
        segments = _from_dict(result, expected)
    elif not hasattr(result, "ndim"):
        many = "; pass the result of one image at a time" if _is_list(result) else ""
        raise TypeError(
            "result: expected the result of one image, a dict or a map (H, W), got "
            f"{described(result)}{many}"
        )
    else:
        segments = _from_semantic_map(result)
    if expected not in (None, segments.masks.size):
        raise ValueError(
            f"size: expected the segmentation's size, {segments.masks.size}, got {expected}"
        )
    return segments


def _from_dict(result: Mapping[str, Any], size: Size | None) -> Segments:
    """Read the dict of one image's instances, or of its panoptic map."""
    missing = [key for key in ("segmentation", "segments_info") if key not in result]
    if missing:
        raise TypeError(
            'result: expected a dict with "segmentation" and "segments_info", got the keys '
            f"{reprlib.repr(list(result))}"
        )
    segmentation, info = result["segmentation"], result["segments_info"]
    ids, labels, scores = [], [], []
    for index, segment in enumerate(_as_list(info)):
        name = f"segments_info[{index}]"
        if not isinstance(segment, Mapping) or not {"id", "label_id"} <= segment.keys():
            raise TypeError(
                f"{name}: expected a dict with id and label_id, got {described(segment)}"
            )
        ids.append(_integer(segment["id"], f"{name}: id"))
        labels.append(_integer(segment["label_id"], f"{name}: label_id"))
        scores.append(_score(segment.get("score"), f"{name}: score"))
    numbers = np.array(ids, np.int64)
    values, counts = np.unique(numbers, return_counts=True)
    if (counts > 1).any():
        raise ValueError(
            "segments_info: expected unique ids, got several segments with the id "
            f"{values[counts > 1][0]}"
        )
    masks = _masks(segmentation, numbers, size)
    return Segments(masks, numbers, np.array(labels, np.int64), np.array(scores, np.float64))


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _as_list(info: Any) -> list[Any]:
    if info is None:
        return []
    if not _is_list(info):
        raise TypeError(f"segments_info: expected a list of dicts, got {described(info)}")
    return list(info)


def _integer(value: Any, name: str) -> int:
    """Convert to an integer. Tensors of one element are accepted."""
    number = as_integer(value, name)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{name}: expected a 64-bit integer, got {number}")
    return number


def _score(value: Any, name: str) -> float:
    if value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {described(value)}") from None


def _from_semantic_map(result: Any) -> Segments:
    """Convert a map of class ids, in which -1 is background."""
    ids, masks = Masks.from_label_map(_id_map(result, "result"), background=-1)
    labels = ids.astype(np.int64)
    return Segments(masks, labels, labels, np.full(len(labels), np.nan))


def _id_map(value: Any, name: str) -> NDArray[Any]:
    """Return a map (H, W) as integers; floats with integral values are accepted."""
    array = as_array(value, name)
    if array.ndim != 2:
        raise ValueError(
            f"{name}: expected a map (H, W) of ids, got the shape {array.shape}"
            + ("; pass the map of one image" if array.ndim > 2 else "")
        )
    if array.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = array.astype(np.int64)
        if not np.array_equal(whole, array):
            raise ValueError(f"{name}: expected integral ids, got fractions")
        return whole
    labels = as_label_map(array, name)
    if labels.dtype == np.uint64 and labels.size and int(labels.max()) >= 2**63:
        raise ValueError(f"{name}: expected ids below 2**63, got {labels.max()}")
    return labels


def from_pipeline(outputs: Iterable[Any], size: Iterable[int] | None = None) -> Masks:
    """Convert the result of ``pipeline("image-segmentation")`` for one image.

    Parameters
    ----------
    outputs : list of dict
        Each has a ``"mask"``: a Pillow image of 0 and 255, or an array of shape (H, W). The
        ``"label"`` and ``"score"`` are not read.
    size : sequence of int, optional
        Image size (H, W). Required if the list may be empty.

    Returns
    -------
    Masks
        One mask per item of the list. Nonzero pixels are foreground.

    Raises
    ------
    ValueError
        If the sizes differ, or there is neither a mask nor a size.
    TypeError
        If `outputs` is not a list of dicts with masks.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import huggingface
    >>> image = np.array([[0, 255], [0, 0]], np.uint8)
    >>> huggingface.from_pipeline([{"label": "cat", "score": 0.9, "mask": image}]).area
    array([1])
    """
    parts = []
    if size is not None:
        parts.append(Masks.from_dense(np.empty((0, *as_size(size)), np.bool_)))
    if isinstance(outputs, Mapping) or not hasattr(outputs, "__iter__"):
        raise TypeError(
            f"outputs: expected the list of results of one image, got {described(outputs)}"
        )
    for index, output in enumerate(outputs):
        if not isinstance(output, Mapping) or "mask" not in output:
            raise TypeError(
                f'outputs[{index}]: expected a dict with a "mask", got {described(output)}'
                + ("; pass the list of one image" * isinstance(output, (list, tuple)))
            )
        array = as_array(output["mask"], f"outputs[{index}]: mask")
        if array.ndim != 2:
            raise ValueError(f"outputs[{index}]: mask: expected (H, W), got {array.shape}")
        parts.append(Masks.from_dense(array, 0.5 if array.dtype.kind == "f" else None))
        if parts[0].size != parts[-1].size:
            raise ValueError(
                f"outputs[{index}]: mask: expected the size {parts[0].size}, got {parts[-1].size}"
            )
    if not parts:
        raise ValueError("outputs: without masks, the image size is unknown; pass size=(H, W)")
    return Masks.concatenate(parts)


def post_process_masks(
    masks: Sequence[Any],
    original_sizes: Any,
    reshaped_input_sizes: Any,
    mask_threshold: float = 0.0,
    pad_size: Mapping[str, int] | None = None,
) -> list[Masks]:
    """Enlarge SAM's low-resolution masks: ``SamProcessor.post_process_masks``.

    Parameters
    ----------
    masks : sequence of tensor
        Logits of each image, shape (prompts, masks, h, w), as in ``outputs.pred_masks``.
    original_sizes : sequence of sequence of int
        Size (H, W) of each image, as in the inputs' ``original_sizes``.
    reshaped_input_sizes : sequence of sequence of int
        Size (height, width) of each image in the network's input, without padding, as in the
        inputs' ``reshaped_input_sizes``.
    mask_threshold : float, default 0.0
        Pixels with greater logits are foreground.
    pad_size : dict, optional
        ``height`` and ``width`` of the network's input; 1024 each by default.

    Returns
    -------
    list of Masks
        One batch per image. With M masks per prompt, mask m of prompt p has the index p * M + m.

    Raises
    ------
    ValueError
        If there is not one size per image, the masks of an image are not 4-D, or a size is invalid
        (see :func:`segcore.upsample_masks`).
    TypeError
        If a dtype is not numeric.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import huggingface
    >>> logits = np.ones((1, 1, 3, 256, 256), np.float32)
    >>> huggingface.post_process_masks(logits, [(480, 640)], [(768, 1024)])
    [Masks(3 masks of 480 x 640, 3 run ends)]
    """
    whole = (1024, 1024) if pad_size is None else (pad_size["height"], pad_size["width"])
    originals = _sizes(original_sizes, "original_sizes", len(masks))
    inputs = _sizes(reshaped_input_sizes, "reshaped_input_sizes", len(masks))
    found = []
    for scores, size, shape in zip(masks, originals, inputs, strict=True):
        logits = as_array(to_host(scores), "masks")
        if logits.ndim != 4:
            raise ValueError(
                "masks: expected the shape (prompts, masks, h, w) for each image, got "
                f"{logits.shape}"
            )
        prompts, per_prompt, height, width = logits.shape
        planes = logits.reshape(prompts * per_prompt, height, width)
        found.append(upsample_masks(planes, size, mask_threshold, crop=shape, intermediate=whole))
    return found


def _sizes(value: Any, name: str, count: int) -> list[Size]:
    host = to_host(value)
    sizes = host.tolist() if hasattr(host, "tolist") else list(host)
    if len(sizes) != count:
        raise ValueError(f"{name}: expected {count} sizes, one per image, got {len(sizes)}")
    return [as_size(size, name) for size in sizes]


def _masks(segmentation: Any, ids: NDArray[np.int64], size: Size | None) -> Masks:
    if segmentation is None:
        if len(ids):
            raise ValueError(f"segmentation: expected {len(ids)} segments, got None")
        return _no_masks(size)
    if isinstance(segmentation, (list, tuple)):
        return _from_lists(segmentation, ids, size)
    array = as_array(segmentation, "segmentation")
    if array.ndim == 3:
        masks = Masks.from_dense(array, 0.5 if array.dtype.kind == "f" else None)
        if len(masks) != len(ids):
            raise ValueError(
                f"segmentation: expected {len(ids)} masks, one per segment, got {len(masks)}"
            )
        return masks
    values, shown = Masks.from_label_map(_id_map(array, "segmentation"), background=None)
    rows = {value: i for i, value in enumerate(values.tolist())}
    hidden = Masks.from_dense(np.zeros((1, *shown.size), np.bool_))
    return Masks.concatenate([shown, hidden])[[rows.get(i, len(shown)) for i in ids.tolist()]]


def _from_lists(lists: Sequence[Any], ids: NDArray[np.int64], size: Size | None) -> Masks:
    """Decode run-length lists, which are in ascending order of the values in the map."""
    if not len(ids):
        return _no_masks(size)
    if size is None:
        raise ValueError("size: run-length lists do not contain it; pass size=(H, W)")
    first = len(lists) - len(ids)
    if first not in (0, 1) or (first == 0 and ids.min() < 1 and len(ids) > 1):
        raise ValueError(
            f"segmentation: it is not clear which of the {len(ids)} segments the {len(lists)} "
            "run-length lists belong to, as segments may be hidden; use return_binary_maps=True or "
            "pass the map itself"
        )
    masks = codec.decode(lists[first:], size)
    return masks[np.searchsorted(np.sort(ids), ids)]


def _no_masks(size: Size | None) -> Masks:
    if size is None:
        raise ValueError("size: without segments, the image size is unknown; pass size=(H, W)")
    return Masks.from_dense(np.empty((0, *size), np.bool_))
