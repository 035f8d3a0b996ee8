"""detectron2: ``paste_masks_in_image`` and ``instances_to_coco_json`` without dense masks.

The functions accept the outputs of Mask R-CNN before pasting (boxes and 28 x 28 soft masks, from
``model.inference(inputs, do_postprocess=False)``) and after it (bool masks of the whole image).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from segcore._input.arrays import as_array, as_size, as_threshold
from segcore.integrations._tensors import check_attributes, to_host, unwrapped
from segcore.masks import Masks
from segcore.models.paste import paste_masks


def paste_masks_in_image(
    masks: Any, boxes: Any, image_shape: Iterable[int], threshold: float = 0.5
) -> Masks:
    """Paste soft masks into the image like ``detectron2.layers.paste_masks_in_image``.

    Parameters
    ----------
    masks : tensor or ROIMasks
        Foreground probabilities within each box: floats, shape (N, h, w) or (N, 1, h, w), on any
        device.
    boxes : Boxes or tensor
        Boxes x0 y0 x1 y1 in pixels of the image, shape (N, 4), on any device.
    image_shape : sequence of int
        Image size (H, W).
    threshold : float, default 0.5
        Pixels with a probability ``>= threshold`` are foreground.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError
        If `threshold` is negative, with which detectron2 returns soft masks, or the masks or boxes
        are invalid (see :func:`segcore.paste_masks`).
    TypeError
        If a dtype is not numeric.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import detectron2
    >>> detectron2.paste_masks_in_image(np.ones((1, 28, 28)), [[1, 0, 4, 2]], (3, 5)).area
    array([6])
    """
    if as_threshold(threshold) < 0:
        raise ValueError(
            f"threshold: expected a non-negative number, got {threshold}; soft masks are not "
            "supported as output"
        )
    probs, corners = to_host(unwrapped(masks)), to_host(unwrapped(boxes))
    return paste_masks(probs, corners, image_shape, threshold, rule="detectron2")


def paste_masks_in_image_dense(
    masks: Any, boxes: Any, image_shape: Iterable[int], threshold: float = 0.5
) -> Any:
    """Paste soft masks into the image and return a dense tensor, as detectron2's function does.

    It is a drop-in replacement:
    ``detectron2.layers.mask_ops.paste_masks_in_image = paste_masks_in_image_dense``.

    Parameters
    ----------
    masks, boxes, image_shape, threshold
        See :func:`paste_masks_in_image`.

    Returns
    -------
    tensor or numpy.ndarray
        Binary masks: bool, shape (N, H, W). A tensor on the device of `masks` if that is a tensor,
        otherwise an array.

    Raises
    ------
    ValueError, TypeError
        For the same arguments as :func:`paste_masks_in_image`.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import detectron2
    >>> detectron2.paste_masks_in_image_dense(np.ones((1, 2, 2)), [[1, 0, 2, 1]], (1, 3))
    array([[[False,  True, False]]])
    """
    pasted = paste_masks_in_image(masks, boxes, image_shape, threshold)
    like = unwrapped(masks)
    if not hasattr(like, "new_empty"):
        return pasted.to_dense()
    torch_bool = (like[:0] > 0).dtype
    out = to_host(like).new_empty((len(pasted), *pasted.size), dtype=torch_bool)
    return pasted.to_dense(out=out).to(like.device)


def instances_to_masks(instances: Any, threshold: float = 0.5) -> Masks:
    """Return the predicted masks of a detectron2 ``Instances``.

    Parameters
    ----------
    instances : Instances
        Predictions with ``image_size`` and ``pred_masks``. These are either masks of the whole
        image (bool, integers, floats or BitMasks), shape (N, H, W), or soft masks (floats or
        ROIMasks), shape (N, 1, h, w) or (N, h, w), which are pasted into ``pred_boxes``.
    threshold : float, default 0.5
        Foreground threshold of floating-point masks: ``>= threshold`` for soft masks that are
        pasted, ``> threshold`` for masks of the whole image.

    Returns
    -------
    Masks
        N masks of size ``image_size``.

    Raises
    ------
    ValueError
        If there are no ``pred_masks``, or masks of the whole image do not have size ``image_size``.
    TypeError
        If the dtype is not numeric, or masks of the whole image are on a GPU.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from segcore.integrations import detectron2
    >>> instances = SimpleNamespace(image_size=(2, 3), pred_masks=np.ones((1, 2, 3), bool))
    >>> detectron2.instances_to_masks(instances)
    Masks(1 mask of 2 x 3, 1 run end)
    """
    check_attributes(instances, "instances", "an Instances", "image_size")
    if not hasattr(instances, "pred_masks"):
        raise ValueError("instances: expected an Instances with pred_masks")
    size = as_size(instances.image_size, "image_size")
    tensor = unwrapped(instances.pred_masks)
    if isinstance(tensor, (list, tuple)):  # one tensor per mask
        dense = [as_array(mask, "pred_masks") for mask in tensor]
        tensor = np.stack(dense) if dense else np.empty((0, *size), np.bool_)
    if len(tensor.shape) == 3 and tuple(tensor.shape[1:]) == size:
        array = as_array(tensor, "pred_masks")
        return Masks.from_dense(tensor, threshold if array.dtype.kind == "f" else None, size)
    array = as_array(to_host(tensor), "pred_masks")
    if array.dtype.kind != "f":
        raise ValueError(
            f"pred_masks: expected the shape (N, {size[0]}, {size[1]}) of image_size, or floats "
            f"(soft masks to paste into pred_boxes), got {array.dtype} {array.shape}"
        )
    return paste_masks_in_image(array, instances.pred_boxes, size, threshold)


def instances_to_coco_json(instances: Any, img_id: Any) -> list[dict[str, Any]]:
    """Convert a detectron2 ``Instances`` to COCO detection results.

    The results are those of ``detectron2.evaluation.coco_evaluation.instances_to_coco_json``.

    Parameters
    ----------
    instances : Instances
        Predictions with ``pred_boxes``, shape (N, 4), ``scores`` and ``pred_classes``, shape (N,),
        and optionally ``pred_masks``, as in :func:`instances_to_masks`, and ``pred_keypoints``,
        shape (N, K, 3).
    img_id : object
        Value of ``image_id`` in the results.

    Returns
    -------
    list of dict
        One JSON-serializable dict per instance, with the keys ``image_id``, ``category_id``,
        ``bbox`` (x, y, width, height) and ``score``; ``segmentation`` (an RLE dict with str counts)
        if there are masks; and ``keypoints`` if there are keypoints.

    Raises
    ------
    ValueError
        If ``pred_boxes`` do not have shape (N, 4), as for rotated boxes, a field does not have N
        elements, or the masks are invalid (see :func:`instances_to_masks`).
    TypeError
        If the dtype of the masks is not numeric, or masks of the whole image are on a GPU.

    Notes
    -----
    Unlike detectron2's function, this function accepts instances on any device (except masks of the
    whole image) and does not modify their keypoints. As in detectron2's function, 0.5 is subtracted
    from keypoint coordinates, because detectron2's refer to pixel corners and COCO's to pixel
    indices.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> from segcore.integrations import detectron2
    >>> instances = SimpleNamespace(
    ...     image_size=(4, 6),
    ...     pred_boxes=np.array([[1.0, 1.0, 4.0, 3.0]]),
    ...     scores=np.array([0.5]),
    ...     pred_classes=np.array([2]),
    ...     pred_masks=np.ones((1, 1, 28, 28)),
    ... )
    >>> [result] = detectron2.instances_to_coco_json(instances, 7)
    >>> result["bbox"], result["segmentation"]
    ([1.0, 1.0, 3.0, 2.0], {'size': [4, 6], 'counts': '5220007'})
    """
    fields = ("pred_boxes", "pred_classes", "scores")
    check_attributes(instances, "instances", f"an Instances with {', '.join(fields)}", *fields)
    boxes = as_array(to_host(unwrapped(instances.pred_boxes)), "pred_boxes")
    if boxes.size == 0:
        return []
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise ValueError(f"pred_boxes: expected the shape (N, 4), got {boxes.shape}")
    corners = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    columns: dict[str, list[Any]] = {
        "category_id": as_array(to_host(instances.pred_classes), "pred_classes").tolist(),
        "bbox": corners.tolist(),
        "score": as_array(to_host(instances.scores), "scores").tolist(),
    }
    if hasattr(instances, "pred_masks"):
        columns["segmentation"] = instances_to_masks(instances).to_coco()
    if hasattr(instances, "pred_keypoints"):
        points = np.array(as_array(to_host(instances.pred_keypoints), "pred_keypoints"))
        points[:, :, :2] -= 0.5
        columns["keypoints"] = points.reshape(len(points), -1).tolist()
    for name, values in columns.items():
        if len(values) != len(boxes):
            raise ValueError(
                f"{name}: expected {len(boxes)} values, one per box, got {len(values)}"
            )
    rows = zip(*columns.values(), strict=True)
    return [{"image_id": img_id, **dict(zip(columns, row, strict=True))} for row in rows]
