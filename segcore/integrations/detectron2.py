"""detectron2: ``paste_masks_in_image`` and ``instances_to_coco_json``, without dense masks.

What its Mask R-CNN gives before pasting (``model.inference(inputs, do_postprocess=False)``, boxes
and soft masks of 28 x 28), and what it gives after, whole pictures of bool.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from segcore.arrays import as_array, as_size, as_threshold
from segcore.integrations._tensors import check_attributes, to_host, unwrapped
from segcore.masks import Masks
from segcore.soft import paste_masks


def paste_masks_in_image(
    masks: Any, boxes: Any, image_shape: Iterable[int], threshold: float = 0.5
) -> Masks:
    """Paste soft masks into their boxes, as ``detectron2.layers.paste_masks_in_image`` does.

    Parameters
    ----------
    masks : tensor or ROIMasks
        Floats (N, h, w) or (N, 1, h, w), from 0 to 1, on any device.
    boxes : Boxes or tensor
        (N, 4): x0 y0 x1 y1 in pixels of the picture, on any device.
    image_shape : sequence of int
        (H, W) of the picture.
    threshold : float, default 0.5
        Foreground is from the threshold on.

    Returns
    -------
    Masks
        N masks of size (H, W).

    Raises
    ------
    ValueError, TypeError
        As in :func:`segcore.paste_masks`; and for a negative threshold, which asks detectron2 for
        soft masks.

    Examples
    --------
    >>> import numpy as np
    >>> from segcore.integrations import detectron2
    >>> detectron2.paste_masks_in_image(np.ones((1, 28, 28)), [[1, 0, 4, 2]], (3, 5)).area
    array([6])
    """
    if as_threshold(threshold) < 0:
        raise ValueError(f"threshold: expected 0 or more, got {threshold}; masks are binary here")
    probs, corners = to_host(unwrapped(masks)), to_host(unwrapped(boxes))
    return paste_masks(probs, corners, image_shape, threshold, rule="detectron2")


def paste_masks_in_image_dense(
    masks: Any, boxes: Any, image_shape: Iterable[int], threshold: float = 0.5
) -> Any:
    """Paste soft masks and give the dense tensor that detectron2's own function gives.

    It can take that function's place:
    ``detectron2.layers.mask_ops.paste_masks_in_image = paste_masks_in_image_dense``.

    Parameters
    ----------
    masks, boxes, image_shape, threshold
        As in :func:`paste_masks_in_image`.

    Returns
    -------
    tensor or numpy.ndarray
        bool (N, H, W): a tensor on the device of ``masks`` if that is a tensor.

    Raises
    ------
    ValueError, TypeError
        As in :func:`paste_masks_in_image`.

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
    truth = (like[:0] > 0).dtype
    out = to_host(like).new_empty((len(pasted), *pasted.size), dtype=truth)
    return pasted.to_dense(out=out).to(like.device)


def instances_to_masks(instances: Any, threshold: float = 0.5) -> Masks:
    """Take the predicted masks of an ``Instances``, soft or binary.

    Parameters
    ----------
    instances : Instances
        With ``image_size`` and ``pred_masks``: bool, integers or floats (N, H, W) of that size
        (BitMasks too); or floats (N, 1, h, w), or (N, h, w) of another size (ROIMasks too), which
        are pasted into ``pred_boxes``.
    threshold : float, default 0.5
        Foreground is from the threshold on where soft masks are pasted, and what is greater where
        they are the size of the picture. Masks of bool and integers need none.

    Returns
    -------
    Masks
        N masks of ``image_size``.

    Raises
    ------
    ValueError
        If there are no ``pred_masks``, or they are binary and of another size.
    TypeError
        For other things than numbers, and for whole pictures on a GPU.

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
    if isinstance(tensor, (list, tuple)):  # one tensor a mask
        dense = [as_array(each, "pred_masks") for each in tensor]
        tensor = np.stack(dense) if dense else np.empty((0, *size), np.bool_)
    if len(tensor.shape) == 3 and tuple(tensor.shape[1:]) == size:
        array = as_array(tensor, "pred_masks")
        return Masks.from_dense(tensor, threshold if array.dtype.kind == "f" else None, size)
    array = as_array(to_host(tensor), "pred_masks")
    if array.dtype.kind != "f":
        raise ValueError(
            f"pred_masks: expected (N, {size[0]}, {size[1]}), the image_size of the instances, or "
            f"soft masks to paste, which are floats; got {array.dtype} {array.shape}"
        )
    return paste_masks_in_image(array, instances.pred_boxes, size, threshold)


def instances_to_coco_json(instances: Any, img_id: Any) -> list[dict[str, Any]]:
    """Make COCO's results, as ``detectron2.evaluation.coco_evaluation``'s function does.

    Parameters
    ----------
    instances : Instances
        With ``pred_boxes`` (N, 4), ``scores`` and ``pred_classes`` (N,), and, where the model has
        them, ``pred_masks``, as in :func:`instances_to_masks`, and ``pred_keypoints`` (N, K, 3).
    img_id : object
        What is put down as ``image_id``.

    Returns
    -------
    list of dict
        One for each instance, ready for JSON: ``image_id``, ``category_id``, ``bbox`` (x, y,
        width, height), ``score``, and where there are masks ``segmentation`` (an RLE dict, whose
        counts are str), and where there are keypoints ``keypoints``.

    Raises
    ------
    ValueError, TypeError
        As in :func:`instances_to_masks`; and for boxes that are not (N, 4), rotated ones too.

    Notes
    -----
    Unlike detectron2's function it takes instances on any device, except for masks that are whole
    pictures, and leaves the keypoints as they are. Those are counted from a pixel's corner; in the
    results they are indices of pixels, less by 0.5.

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
            raise ValueError(f"{name}: expected {len(boxes)}, one a box, got {len(values)}")
    rows = zip(*columns.values(), strict=True)
    return [{"image_id": img_id, **dict(zip(columns, row, strict=True))} for row in rows]
