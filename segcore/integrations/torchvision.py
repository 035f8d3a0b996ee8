"""torchvision: outputs of Mask R-CNN, before or after pasting the masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from segcore._input.arrays import as_size, described
from segcore.integrations._tensors import to_host
from segcore.masks import Masks
from segcore.models.paste import paste_masks


def from_output(output: Mapping[str, Any], threshold: float = 0.5) -> Masks:
    """Return the masks in the model's output for one image.

    Parameters
    ----------
    output : dict
        Output with the key ``"masks"``: soft masks of the whole image (floats, shape (N, 1, H, W)),
        or masks as in training targets (bool or integers, shape (N, H, W)).
    threshold : float, default 0.5
        Pixels of soft masks with greater values are foreground.

    Returns
    -------
    Masks
        N masks of size (H, W), in the order of the output's boxes, labels and scores.

    Raises
    ------
    ValueError
        If there are no masks, or they do not have one of the shapes above.
    TypeError
        If `output` is not a dict, or the masks are on a GPU. The message says how to transfer them
        as bits instead.

    See Also
    --------
    postprocess : Create the masks without dense soft masks of the whole image.

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
            raise ValueError(f"masks: expected the shape (N, 1, H, W), got {tuple(masks.shape)}")
        masks = masks[:, 0]
    is_soft = "float" in str(masks.dtype)
    return Masks.from_dense(masks, threshold if is_soft else None)


def postprocess(
    result: Sequence[dict[str, Any]],
    image_shapes: Sequence[Sequence[int]],
    original_image_sizes: Sequence[Sequence[int]],
    threshold: float = 0.5,
) -> list[dict[str, Any]]:
    """Scale detections to the original image sizes and paste their masks, without dense arrays.

    It replaces ``GeneralizedRCNNTransform.postprocess``: after ``model.transform.postprocess =
    postprocess``, the ``"masks"`` in the model's outputs are `Masks`.

    Parameters
    ----------
    result : list of dict
        Output of the region-of-interest heads, one dict per image: ``"boxes"``, shape (N, 4),
        optionally ``"masks"`` (soft masks within the boxes, shape (N, 1, h, w)) and
        ``"keypoints"``, on any device. Other keys are copied.
    image_shapes : list of tuple of int
        Size (height, width) of each image as the network received it, to which the boxes refer.
    original_image_sizes : list of tuple of int
        Original size (H, W) of each image.
    threshold : float, default 0.5
        Pixels with greater interpolated probabilities are foreground.

    Returns
    -------
    list of dict
        Copies of the dicts, with boxes and keypoints in pixels of the original image, and masks as
        a `Masks` of N masks of size (H, W).

    Raises
    ------
    ValueError
        If the lists have different lengths, an image has no pixels, or the masks or boxes are
        invalid (see :func:`segcore.paste_masks`).
    TypeError
        If a dtype is not numeric.

    Notes
    -----
    The masks equal torchvision's soft masks ``> threshold``, except at pixels whose interpolated
    value is within 1e-5 of the threshold.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import torchvision
    >>> heads = [{"boxes": np.array([[2.0, 0.0, 8.0, 4.0]]), "masks": np.ones((1, 1, 28, 28))}]
    >>> [output] = torchvision.postprocess(heads, [(8, 10)], [(4, 5)])
    >>> output["boxes"], output["masks"]
    (array([[1., 0., 4., 2.]]), Masks(1 mask of 4 x 5, 10 run ends))
    """
    if not result:  # empty during training
        return []
    outputs = []
    for detections, input_size, original_size in zip(
        result, image_shapes, original_image_sizes, strict=True
    ):
        height, width = as_size(original_size, "original_image_sizes")
        input_height, input_width = as_size(input_size, "image_shapes")
        if not input_height or not input_width:
            raise ValueError(
                "image_shapes: expected sizes of at least one pixel, got "
                f"{(input_height, input_width)}"
            )
        output = dict(detections)
        boxes = output["boxes"]
        scale_y = _ratio(height, input_height, boxes)
        scale_x = _ratio(width, input_width, boxes)
        output["boxes"] = boxes * _like(boxes, [scale_x, scale_y, scale_x, scale_y])
        if "masks" in output:
            probs, corners = to_host(_masks_of(output)), to_host(output["boxes"])
            output["masks"] = paste_masks(
                probs, corners, (height, width), threshold, rule="torchvision"
            )
        if "keypoints" in output:
            points = output["keypoints"]
            output["keypoints"] = points * _like(points, [scale_x, scale_y, 1.0])
        outputs.append(output)
    return outputs


def _masks_of(output: Mapping[str, Any]) -> Any:
    if not isinstance(output, Mapping):
        raise TypeError(f"output: expected the dict of one image, got {described(output)}")
    if "masks" not in output:
        raise ValueError(f'output: expected a dict with the key "masks", got {list(output)}')
    return output["masks"]


def _ratio(original: int, resized: int, boxes: Any) -> float:
    """Return the scale factor of boxes, in float32 for tensors, as torchvision does."""
    is_tensor = hasattr(boxes, "new_tensor")
    return float(np.float32(original) / np.float32(resized)) if is_tensor else original / resized


def _like(template: Any, numbers: list[float]) -> Any:
    """Return numbers as a tensor of the same dtype and device as a template, or as an array."""
    return template.new_tensor(numbers) if hasattr(template, "new_tensor") else np.array(numbers)
