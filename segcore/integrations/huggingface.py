"""Hugging Face's transformers: instance and panoptic post-processing, SAM, and its pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore.arrays import Size, as_array, as_size, described
from segcore.codecs import huggingface as codec
from segcore.integrations._tensors import to_host
from segcore.masks import Masks
from segcore.soft import upsample_masks


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


def from_segmentation(result: Mapping[str, Any], size: Iterable[int] | None = None) -> Segments:
    """Take what ``post_process_instance_segmentation`` gives for one picture.

    That of DETR, MaskFormer, Mask2Former, OneFormer, EoMT, RF-DETR and others; and what their
    ``post_process_panoptic_segmentation`` gives.

    Parameters
    ----------
    result : dict
        Its ``"segments_info"``: a list of dicts with ``id``, ``label_id`` and ``score``. Its
        ``"segmentation"`` is one of

        - the map of ids: integers, or floats that are integers, (H, W);
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
        If the size is missing or another; and where run-length lists do not tell which segment
        they belong to, as explained in the notes.
    TypeError
        For other things.

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
    """
    try:
        segmentation, info = result["segmentation"], list(result["segments_info"])
        ids = np.array([each["id"] for each in info], np.int64)
        labels = np.array([each["label_id"] for each in info], np.int64)
        numbers = [each.get("score") for each in info]
    except (AttributeError, KeyError, TypeError) as error:
        raise TypeError(
            "result: expected the dict of one picture, with segmentation and segments_info, whose "
            f"dicts have id and label_id; got {described(result)}"
        ) from error
    scores = np.array([np.nan if each is None else float(each) for each in numbers], np.float64)
    expected = None if size is None else as_size(size)
    masks = _masks(segmentation, ids, expected)
    if expected not in (None, masks.size):
        raise ValueError(f"size: expected that of the segmentation, {masks.size}, got {expected}")
    return Segments(masks, ids, labels, scores)


def from_pipeline(outputs: Sequence[Mapping[str, Any]], size: Iterable[int] | None = None) -> Masks:
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
    for place, output in enumerate(outputs):
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
            raise ValueError(f"segmentation: expected {len(ids)}, one a segment, got {len(masks)}")
        return masks
    if array.dtype.kind == "f":
        whole = array.astype(np.int64)
        if not np.array_equal(whole, array):
            raise ValueError("segmentation: expected ids, but there are floats with fractions")
        array = whole
    values, shown = Masks.from_label_map(array, background=None)
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
