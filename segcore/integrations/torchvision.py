"""torchvision: the outputs of its Mask R-CNN, with masks pasted or before they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segcore._input.arrays import as_size, described
from segcore.integrations._tensors import to_host
from segcore.masks import Masks
from segcore.models.paste import paste_masks


def from_output(output: Mapping[str, Any], threshold: float = 0.5) -> Masks:
    """Take the masks of one picture out of what the model gives.

    Parameters
    ----------
    output : dict
        Its ``"masks"``: floats (N, 1, H, W), soft masks of the whole picture; or bool or integers
        (N, H, W), as in the targets of its training.
    threshold : float, default 0.5
        Foreground is what is greater, of floats.

    Returns
    -------
    Masks
        N masks of size (H, W), in the order of the dict's boxes, labels and scores.

    Raises
    ------
    ValueError
        If there are no masks, or they have another shape.
    TypeError
        If they are on a GPU; the message says how to bring over bits instead.

    See Also
    --------
    postprocess : makes the masks without the soft ones of the whole picture.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import torchvision
    >>> torchvision.from_output({"masks": np.full((2, 1, 4, 5), 0.7)}).area
    array([20, 20])
    """
    masks = _masks_of(output)
    if len(masks.shape) == 4:
        if masks.shape[1] != 1:
            raise ValueError(f"masks: expected (N, 1, H, W), got {tuple(masks.shape)}")
        masks = masks[:, 0]
    is_soft = "float" in str(masks.dtype)
    return Masks.from_dense(masks, threshold if is_soft else None)


def postprocess(
    result: Sequence[dict[str, Any]],
    image_shapes: Sequence[Sequence[int]],
    original_image_sizes: Sequence[Sequence[int]],
    threshold: float = 0.5,
) -> list[dict[str, Any]]:
    """Bring detections to the sizes of their pictures: masks to Masks, never dense ones.

    It takes the place of ``GeneralizedRCNNTransform.postprocess``:
    ``model.transform.postprocess = postprocess``, after which the dicts that the model gives have
    Masks as their ``"masks"``.

    Parameters
    ----------
    result : list of dict
        What the region-of-interest heads give for each picture: ``"boxes"``, tensors (N, 4), on
        any device, and ``"masks"``, soft ones of (N, 1, h, w) that belong into the boxes, and
        others.
    image_shapes : list of tuple of int
        (height, width) of each picture as the network saw it, to which the boxes belong.
    original_image_sizes : list of tuple of int
        (H, W) of each picture.
    threshold : float, default 0.5
        Foreground is what is greater.

    Returns
    -------
    list of dict
        Copies of the dicts, with boxes and keypoints scaled, and N masks of size (H, W).

    Raises
    ------
    ValueError, TypeError
        As in :func:`segcore.paste_masks`, and for lists of different lengths.

    Notes
    -----
    The masks are those of torchvision, which pastes soft masks into the picture, and
    ``> threshold``, except where an interpolated value lies within 1e-5 of the threshold.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import torchvision
    >>> heads = [{"boxes": np.array([[2.0, 0.0, 8.0, 4.0]]), "masks": np.ones((1, 1, 28, 28))}]
    >>> [output] = torchvision.postprocess(heads, [(8, 10)], [(4, 5)])
    >>> output["boxes"], output["masks"]
    (array([[1., 0., 4., 2.]]), Masks(1 mask of 4 x 5, 10 run ends))
    """
    if not result:  # as in training
        return []
    outputs = []
    for each, seen, size in zip(result, image_shapes, original_image_sizes, strict=True):
        height, width = as_size(size, "original_image_sizes")
        rows, columns = as_size(seen, "image_shapes")
        if not rows or not columns:
            raise ValueError(f"image_shapes: expected pictures with pixels, got {(rows, columns)}")
        output = dict(each)
        boxes = output["boxes"]
        down, across = _ratio(height, rows, boxes), _ratio(width, columns, boxes)
        output["boxes"] = boxes * _like(boxes, [across, down, across, down])
        if "masks" in output:
            probs, corners = to_host(_masks_of(output)), to_host(output["boxes"])
            output["masks"] = paste_masks(
                probs, corners, (height, width), threshold, rule="torchvision"
            )
        if "keypoints" in output:
            points = output["keypoints"]
            output["keypoints"] = points * _like(points, [across, down, 1.0])
        outputs.append(output)
    return outputs


def _masks_of(output: Mapping[str, Any]) -> Any:
    if not isinstance(output, Mapping):
        raise TypeError(f"output: expected the dict of one picture, got {described(output)}")
    if "masks" not in output:
        raise ValueError(f"output: expected a dict with masks, got the keys {list(output)}")
    return output["masks"]


def _ratio(original: int, seen: int, like: Any) -> float:
    """Divide as torchvision does: tensors in float32."""
    is_tensor = hasattr(like, "new_tensor")
    return float(np.float32(original) / np.float32(seen)) if is_tensor else original / seen


def _like(values: Any, numbers: list[float]) -> Any:
    """Give numbers as a tensor on the device of another, or as an array."""
    return values.new_tensor(numbers) if hasattr(values, "new_tensor") else np.array(numbers)
