"""Hugging Face's transformers: instance and panoptic post-processing, SAM, and its pipeline."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import Size, as_array, as_integer, as_label_map, as_size, described
from segcore.formats import huggingface as codec
from segcore.integrations._tensors import to_host
from segcore.masks import Masks
from segcore.models.upsample import upsample_masks


class Segments(NamedTuple):
    """The segments of one picture: masks, and their ids, labels and scores."""

    masks: Masks
    """N masks."""
    ids: NDArray[np.int64]
    """(N,): each segment's ``id``."""
    labels: NDArray[np.int64]
    """(N,): each segment's ``label_id``."""
    scores: NDArray[np.float64]
    """(N,): each segment's ``score``; NaN where there is none."""


def from_segmentation(result: Any, size: Iterable[int] | None = None) -> Segments:
    """Read what a post-processing function of transformers gives for one image.

    That is ``post_process_instance_segmentation`` and ``post_process_panoptic_segmentation`` of
    DETR, MaskFormer, Mask2Former, OneFormer, EoMT, RF-DETR and others, and
    ``post_process_semantic_segmentation`` of these and SegFormer, BEiT, DPT and others.

    Parameters
    ----------
    result : dict or array_like
        A semantic map: class ids (H, W), integers, or floats that are integers. Each class that
        occurs becomes a segment, whose id and label are the class; -1 is background. Or a dict of
        instances or of a panoptic map. Its ``"segments_info"`` is a list of dicts with ``id``,
        ``label_id`` and ``score``. Its ``"segmentation"`` is one of

        - the map of ids: integers, or floats that are integers, (H, W). Pixels of other ids, such
          as -1, belong to no segment;
        - with ``return_binary_maps=True``: ones and zeros, (N, H, W);
        - with ``return_coco_annotation=True``: a list of run-length lists;
        - None, where nothing was found.
    size : sequence of int, optional
        (H, W): needed for run-length lists and for None, which do not tell it.

    Returns
    -------
    Segments
        In the order of ``segments_info``. A segment of which nothing shows in the map, as others
        cover it, has an empty mask.

    Raises
    ------
    ValueError
        If the size is missing or another; if two segments have one id; and where run-length lists
        do not tell which segment they belong to, as explained in the notes.
    TypeError
        For other things, such as the results of several images.

    Notes
    -----
    The run-length lists are those of the map's values, ascending, also of its background if that
    shows, and none for a segment that is hidden. If there is one list more than segments, the
    first is the background. If there are as many, there is no background, provided that ids begin
    with 1: those models hide no segment. Where ids begin with 0 (MaskFormer, Mask2Former,
    OneFormer), a segment may be hidden just as well, and that is an error.

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
        many = f"; it seems to be of {len(result)} images: pass one" if _is_list(result) else ""
        raise TypeError(
            f"result: expected that of one image, a dict or a map (H, W), got {described(result)}"
            f"{many}"
        )
    else:
        segments = _from_semantic_map(result)
    if expected not in (None, segments.masks.size):
        raise ValueError(
            f"size: expected that of the segmentation, {segments.masks.size}, got {expected}"
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
    repeated = sorted({number for number in ids if ids.count(number) > 1}) if ids else []
    if repeated:
        raise ValueError(
            f"segments_info: expected one segment per id, got several of {repeated[0]}"
        )
    numbers = np.array(ids, np.int64)
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
    """Give an integer, also that of a tensor of one element."""
    number = as_integer(value, name)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{name}: expected an integer of 64 bits, got {number}")
    return number


def _score(value: Any, name: str) -> float:
    if value is None:
        return math.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected a number, got {described(value)}") from None


def _from_semantic_map(result: Any) -> Segments:
    """Read a map of classes, of which -1 is none."""
    ids, masks = Masks.from_label_map(_id_map(result, "result"), background=-1)
    labels = ids.astype(np.int64)
    return Segments(masks, labels, labels, np.full(len(labels), np.nan))


def _id_map(value: Any, name: str) -> NDArray[Any]:
    """Give a map (H, W) of integers, which may come as floats."""
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
            raise ValueError(f"{name}: expected ids, but there are floats with fractions")
        return whole
    labels = as_label_map(array, name)
    if labels.dtype == np.uint64 and labels.size and int(labels.max()) >= 2**63:
        raise ValueError(f"{name}: expected ids below 2**63, got {labels.max()}")
    return labels


def from_pipeline(outputs: Iterable[Any], size: Iterable[int] | None = None) -> Masks:
    """Take what ``pipeline("image-segmentation")`` gives for one picture.

    Parameters
    ----------
    outputs : list of dict
        Each with a ``"mask"``: a Pillow image of 0 and 255, or an array (H, W). Their ``"label"``
        and ``"score"`` stay where they are.
    size : sequence of int, optional
        (H, W), needed where the list may be empty.

    Returns
    -------
    Masks
        In the order of the list; foreground is what is not zero.

    Raises
    ------
    ValueError
        If sizes differ, or there is neither a mask nor a size.

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
        raise TypeError(f"outputs: expected the list of one image, got {described(outputs)}")
    for place, output in enumerate(outputs):
        if not isinstance(output, Mapping) or "mask" not in output:
            raise TypeError(
                f'outputs[{place}]: expected a dict with a "mask", got {described(output)}'
                + ("; pass the list of one image" * isinstance(output, (list, tuple)))
            )
        array = as_array(output["mask"], f"outputs[{place}]: mask")
        if array.ndim != 2:
            raise ValueError(f"outputs[{place}]: mask: expected (H, W), got {array.shape}")
        parts.append(Masks.from_dense(array, 0.5 if array.dtype.kind == "f" else None))
        if parts[0].size != parts[-1].size:
            raise ValueError(
                f"outputs[{place}]: mask: expected the size {parts[0].size}, got {parts[-1].size}"
            )
    if not parts:
        raise ValueError("outputs: there is no mask to tell the size; pass size=(H, W)")
    return Masks.concatenate(parts)


def post_process_masks(
    masks: Sequence[Any],
    original_sizes: Any,
    reshaped_input_sizes: Any,
    mask_threshold: float = 0.0,
    pad_size: Mapping[str, int] | None = None,
) -> list[Masks]:
    """Bring SAM's low-resolution masks to the pictures: ``SamProcessor.post_process_masks``.

    Parameters
    ----------
    masks : sequence of tensor
        For each picture logits (prompts, masks, h, w), as ``outputs.pred_masks``.
    original_sizes : sequence of sequence of int
        (H, W) of each picture: the inputs' ``original_sizes``.
    reshaped_input_sizes : sequence of sequence of int
        (height, width) of each picture in the network's input, without the padding: the inputs'
        ``reshaped_input_sizes``.
    mask_threshold : float, default 0.0
        Foreground is what is greater.
    pad_size : dict, optional
        ``height`` and ``width`` of the network's input, 1024 each by default.

    Returns
    -------
    list of Masks
        For each picture its masks, prompt by prompt: mask ``m`` of prompt ``p`` is ``p * M + m``.

    Raises
    ------
    ValueError, TypeError
        As in :func:`segcore.upsample_masks`; and for other lengths and shapes.

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
                f"masks: expected (prompts, masks, h, w) for each picture, got {logits.shape}"
            )
        prompts, each, rows, columns = logits.shape
        planes = logits.reshape(prompts * each, rows, columns)
        found.append(upsample_masks(planes, size, mask_threshold, crop=shape, intermediate=whole))
    return found


def _sizes(value: Any, name: str, count: int) -> list[Size]:
    host = to_host(value)
    sizes = host.tolist() if hasattr(host, "tolist") else list(host)
    if len(sizes) != count:
        raise ValueError(f"{name}: expected {count}, one a picture, got {len(sizes)}")
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
    place = {value: i for i, value in enumerate(values.tolist())}
    hidden = Masks.from_dense(np.zeros((1, *shown.size), np.bool_))
    return Masks.concatenate([shown, hidden])[[place.get(i, len(shown)) for i in ids.tolist()]]


def _from_lists(lists: Sequence[Any], ids: NDArray[np.int64], size: Size | None) -> Masks:
    """Read run-length lists, which belong to the map's values in ascending order."""
    if not len(ids):
        return _no_masks(size)
    if size is None:
        raise ValueError("size: run-length lists do not tell it; pass size=(H, W)")
    first = len(lists) - len(ids)
    if first not in (0, 1) or (first == 0 and ids.min() < 1 and len(ids) > 1):
        raise ValueError(
            f"segmentation: {len(lists)} run-length lists do not tell which of {len(ids)} segments "
            "they are, as some may be hidden; use return_binary_maps=True, or the map itself"
        )
    masks = codec.decode(lists[first:], size)
    return masks[np.searchsorted(np.sort(ids), ids)]


def _no_masks(size: Size | None) -> Masks:
    if size is None:
        raise ValueError("size: there is no segment to tell it; pass size=(H, W)")
    return Masks.from_dense(np.empty((0, *size), np.bool_))
