"""The published rules that make a panoptic map, each as its authors' code works.

They are what the tests compare with: plain NumPy on dense arrays, loop by loop, with the floats as
wide, the tests as strict and the dtypes as they are there. ``masks`` is a boolean (N, H, W),
``class_ids`` and ``scores`` are (N,), a map is (H, W). Each returns the label map, and the segments
with what the reference records of them, under its own names and in its order.

Two things hold for all that is written in PyTorch: an array that is compared with a Python number
is compared in the array's own float (a float32 score of 0.8 is not > 0.8), and a count divided by a
count is a float32.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[Any]
Segments = list[dict[str, Any]]

OFFSET = 1000  # mmdetection: pixel = class + instance * OFFSET


def area(mask: Labels) -> int:
    return int(np.count_nonzero(mask))


def by_score(scores: Labels) -> Labels:
    """The order from the highest score to the lowest one; ties keep their order."""
    return np.argsort(-scores, kind="stable")


def own_float(array: Labels, number: float) -> Any:
    """The number as an element of the array, as PyTorch compares the two."""
    return array.dtype.type(number)


def ratio32(part: int, whole: float) -> np.float32:
    return np.float32(part) / np.float32(whole)


# -- instances that have been scored, over stuff ---------------------------------------------------


def panopticapi(
    masks: Labels,
    class_ids: Labels,
    scores: Labels,
    stuff_masks: Labels,
    stuff_class_ids: Labels,
    things: Collection[int] = (),
    *,
    overlap: float = 0.5,
    stuff_limit: float = 4096,
    score: float = 0.5,
) -> tuple[Labels, Segments]:
    """COCO's panopticapi, combine_semantic_and_instance_predictions.

    Scores are Python floats there, as JSON has them; the sort is stable; ratios are float64. Stuff
    comes record by record, those of a class in `things` are dropped, and each is measured by itself
    against the limit. The ids are colours there: of its category for stuff, so that a
    class that comes again has its old id and a second entry, random ones for things. Here they
    count from 1, as the entries first have them.
    """
    labels = np.zeros(masks.shape[1:], np.uint32)
    used = np.zeros(masks.shape[1:], bool)
    segments: Segments = []
    for index in by_score(scores):
        if float(scores[index]) < score:
            continue
        mask = masks[index]
        total, hidden = area(mask), area(mask & used)
        if total == 0 or hidden / total > overlap:
            continue
        used |= mask
        segments.append({"id": len(segments) + 1, "category_id": int(class_ids[index])})
        labels[mask & (labels == 0)] = len(segments)
    last, ids = len(segments), dict[int, int]()
    for mask, class_id in zip(stuff_masks, stuff_class_ids.tolist(), strict=True):
        left = mask & (labels == 0)
        if class_id in things or area(left) < stuff_limit:
            continue
        number = ids.setdefault(class_id, last + len(ids) + 1)
        segments.append({"id": number, "category_id": class_id})
        labels[left] = number
    return labels, segments


def detectron2(
    masks: Labels,
    class_ids: Labels,
    scores: Labels,
    semantic_map: Labels,
    *,
    overlap: float = 0.5,
    stuff_limit: float = 4096,
    score: float = 0.5,
) -> tuple[Labels, Segments]:
    """detectron2's combine_semantic_and_instance_outputs (panoptic FPN).

    Its sort is not stable: this is the stable order. Scores are compared as Python floats, ratios
    are float64. Label 0 of the semantic map stands for all things.
    """
    labels = np.zeros(semantic_map.shape, np.int32)
    segments: Segments = []
    for index in by_score(scores).tolist():
        value = float(scores[index])
        if value < score:
            break
        mask = masks[index]
        total, hidden = area(mask), area(mask & (labels > 0))
        if total == 0 or hidden / total > overlap:
            continue
        number = len(segments) + 1
        labels[mask & (labels == 0)] = number
        segments.append(
            {
                "id": number,
                "isthing": True,
                "score": value,
                "category_id": int(class_ids[index]),
                "instance_id": index,
            }
        )
    for label in np.unique(semantic_map).tolist():
        mask = (semantic_map == label) & (labels == 0)
        if label == 0 or area(mask) < stuff_limit:
            continue
        number = len(segments) + 1
        labels[mask] = number
        segments.append(
            {"id": number, "isthing": False, "category_id": label, "area": area(mask)},
        )
    return labels, segments


def mmdet_heuristic(
    masks: Labels,
    class_ids: Labels,
    scores: Labels,
    semantic_map: Labels,
    num_things: int,
    num_stuff: int,
    *,
    overlap: float = 0.5,
    stuff_limit: float = 4096,
) -> tuple[Labels, Segments]:
    """mmdetection's HeuristicFusionHead.

    `semantic_map` is the argmax of num_stuff + 1 channels, the last of which stands for all things.
    No score is tested. Its sort is not stable: this is the stable order. The ratio is float32, with
    1e-5 added to the area (which is lost in areas of 256 and more), against a float32 threshold. An
    instance without a pixel gets no number. What is counted for the limit is each class of the
    whole map, so an instance of a class from `num_things` on counts as its stuff.
    """
    layers = np.zeros(semantic_map.shape, np.int64)
    kept: list[int] = []
    for index in by_score(scores).tolist():
        mask = masks[index]
        total, hidden = area(mask), area(mask & (layers > 0))
        if total == 0:
            continue
        if ratio32(hidden, np.float32(total) + np.float32(1e-5)) > np.float32(overlap):
            continue
        kept.append(index)
        layers[mask & (layers == 0)] = len(kept)

    labels = semantic_map.astype(np.int64) + num_things
    number = 1
    for layer, index in enumerate(kept, 1):
        mask = layers == layer
        if area(mask) == 0:
            continue
        labels[mask] = int(class_ids[index]) + number * OFFSET
        number += 1

    void = num_things + num_stuff
    classes, counts = np.unique(labels % OFFSET, return_counts=True)
    for class_id, count in zip(classes.tolist(), counts.tolist(), strict=True):
        if class_id >= num_things and count < stuff_limit:
            labels[labels == class_id] = void
    return labels.astype(np.int32), mmdet_segments(labels, void)


def mmdet_segments(labels: Labels, void: int) -> Segments:
    """The segments as mmdetection reads them from the map alone, for its evaluation."""
    return [
        {"id": label, "category_id": label % OFFSET, "area": area(labels == label)}
        for label in np.unique(labels).tolist()
        if label % OFFSET != void
    ]


# -- queries: each pixel to the best one -----------------------------------------------------------


def kept_queries(class_ids: Labels, scores: Labels, no_object: int, threshold: float) -> Labels:
    """The queries that are objects, in their order."""
    return np.flatnonzero((class_ids != no_object) & (scores > own_float(scores, threshold)))


def winners(scores: Labels, probabilities: Labels) -> Labels:
    """The query with the highest product at each pixel, the first one of ties."""
    return (scores[:, None, None] * probabilities).argmax(0)


def mask2former(
    class_ids: Labels,
    scores: Labels,
    probabilities: Labels,
    things: Collection[int],
    no_object: int,
    *,
    object_threshold: float = 0.8,
    overlap: float = 0.8,
) -> tuple[Labels, Segments]:
    """Mask2Former's panoptic_inference.

    The ratio is float64, of all that the query wins to all of its mask (>= 0.5, unweighted). What
    is painted is the pixels in both. Stuff that comes again is painted with its old id.
    """
    keep = kept_queries(class_ids, scores, no_object, object_threshold)
    labels = np.zeros(probabilities.shape[1:], np.int32)
    segments: Segments = []
    if keep.size == 0:
        return labels, segments
    winner = winners(scores[keep], probabilities[keep])
    stuff: dict[int, int] = {}
    for k, query in enumerate(keep):
        won, original = winner == k, probabilities[query] >= own_float(probabilities, 0.5)
        mask = won & original
        if area(mask) == 0 or area(won) / area(original) < overlap:
            continue
        class_id = int(class_ids[query])
        if class_id in stuff:
            labels[mask] = stuff[class_id]
            continue
        number = len(segments) + 1
        if class_id not in things:
            stuff[class_id] = number
        labels[mask] = number
        segments.append({"id": number, "isthing": class_id in things, "category_id": class_id})
    return labels, segments


def mmdet_maskformer(
    class_ids: Labels,
    scores: Labels,
    probabilities: Labels,
    num_things: int,
    num_stuff: int,
    *,
    object_threshold: float = 0.8,
    overlap: float = 0.8,
    filter_low_score: bool = False,
) -> tuple[Labels, Segments]:
    """mmdetection's MaskFormerFusionHead, panoptic_postprocess.

    Void, and the class of no object, is num_things + num_stuff. Without `filter_low_score` a query
    paints all that it wins; with it, what is left may be empty, and its number is spent all the
    same. Stuff is its class alone.
    """
    void = num_things + num_stuff
    keep = kept_queries(class_ids, scores, void, object_threshold)
    labels = np.full(probabilities.shape[1:], void, np.int32)
    if keep.size == 0:
        return labels, []
    winner = winners(scores[keep], probabilities[keep])
    number = 1
    for k, query in enumerate(keep):
        won, original = winner == k, probabilities[query] >= own_float(probabilities, 0.5)
        if area(won) == 0 or area(original) == 0 or area(won) / area(original) < overlap:
            continue
        mask = won & original if filter_low_score else won
        class_id = int(class_ids[query])
        if class_id < num_things:
            labels[mask] = class_id + number * OFFSET
            number += 1
        else:
            labels[mask] = class_id
    return labels, mmdet_segments(labels, void)


def huggingface(
    class_ids: Labels,
    scores: Labels,
    probabilities: Labels,
    fused: Collection[int],
    no_object: int,
    *,
    object_threshold: float = 0.5,
    mask_threshold: float = 0.5,
    overlap: float = 0.8,
    unique_ids: bool = False,
) -> tuple[Labels, Segments]:
    """Hugging Face's post_process_panoptic_segmentation: DETR, MaskFormer, Mask2Former, OneFormer.

    The probabilities are weighted first, and it is the weighted ones that make the mask, the
    threshold being a float of their width. The ratio is float32, but compared with a Python float,
    and must be greater: 4/5 passes 0.8 (its float32 lies above), 1/2 does not pass 0.5. All that a
    query wins is painted. A class that is fused again puts the running id back to its own, so that
    the next segment may get an id that is taken (without `unique_ids`), and is listed again. Where
    no query is kept the map is -1 and float32.
    """
    keep = kept_queries(class_ids, scores, no_object, object_threshold)
    if keep.size == 0:
        return np.full(probabilities.shape[1:], -1, np.float32), []
    weighted = scores[keep][:, None, None] * probabilities[keep]
    winner = weighted.argmax(0)
    labels = np.zeros(winner.shape, np.int32)
    segments: Segments = []
    running = 0
    fused_ids: dict[int, int] = {}
    for k, query in enumerate(keep):
        won, original = winner == k, weighted[k] >= own_float(weighted, mask_threshold)
        if area(won) == 0 or area(original) == 0:
            continue
        if not float(ratio32(area(won), area(original))) > overlap:
            continue
        class_id = int(class_ids[query])
        fuse = class_id in fused
        if unique_ids and class_id in fused_ids:
            labels[won] = fused_ids[class_id]
            continue
        if class_id in fused_ids:
            running = fused_ids[class_id]
        else:
            running += 1
        if fuse:
            fused_ids[class_id] = running
        labels[won] = running
        segments.append(
            {
                "id": running,
                "label_id": class_id,
                "was_fused": fuse,
                "score": round(float(scores[query]), 6),
            }
        )
    return labels, segments


def huggingface_fixed(
    class_ids: Labels,
    scores: Labels,
    probabilities: Labels,
    fused: Collection[int],
    no_object: int,
    **settings: Any,
) -> tuple[Labels, Segments]:
    """`huggingface` with an id a segment, and an entry an id: as no release has it."""
    return huggingface(
        class_ids, scores, probabilities, fused, no_object, unique_ids=True, **settings
    )


def eomt(
    class_ids: Labels,
    scores: Labels,
    probabilities: Labels,
    fused: Collection[int],
    no_object: int,
    *,
    object_threshold: float = 0.8,
    mask_threshold: float = 0.5,
    overlap: float = 0.8,
) -> tuple[Labels, Segments]:
    """Hugging Face's EoMT (and VidEoMT), post_process_panoptic_segmentation.

    Masks are of the probabilities themselves, and what is painted is won and in the mask. The ratio
    is compared as in `huggingface`. Ids count from 0 and the background is -1, int64; float32 where
    no query is kept.
    """
    keep = kept_queries(class_ids, scores, no_object, object_threshold)
    if keep.size == 0:
        return np.full(probabilities.shape[1:], -1, np.float32), []
    winner = winners(scores[keep], probabilities[keep])
    labels = np.full(winner.shape, -1, np.int64)
    segments: Segments = []
    fused_ids: dict[int, int] = {}
    for k, query in enumerate(keep):
        won = winner == k
        original = probabilities[query] >= own_float(probabilities, mask_threshold)
        mask = won & original
        if area(mask) == 0 or not float(ratio32(area(won), area(original))) > overlap:
            continue
        class_id = int(class_ids[query])
        if class_id in fused_ids:
            labels[mask] = fused_ids[class_id]
            continue
        number = len(segments)
        if class_id in fused:
            fused_ids[class_id] = number
        labels[mask] = number
        segments.append(
            {"id": number, "label_id": class_id, "score": round(float(scores[query]), 6)}
        )
    return labels, segments


# -- instances alone -------------------------------------------------------------------------------


def huggingface_instance(
    masks: Labels, class_ids: Labels, scores: Labels, *, threshold: float = 0.5
) -> tuple[Labels, Segments]:
    """Hugging Face's post_process_instance_segmentation: MaskFormer, Mask2Former and EoMT.

    The order is the input's, and the last one is on top. A score is compared as a Python float: a
    float32 score of 0.8 passes 0.8, one of 0.7 does not pass 0.7. The map is float32. EoMT does not
    record was_fused. (DETR's and OneFormer's instances are `huggingface` with nothing to fuse.)
    """
    labels = np.full(masks.shape[1:], -1, np.float32)
    segments: Segments = []
    for mask, class_id, score in zip(masks, class_ids.tolist(), scores.tolist(), strict=True):
        if area(mask) == 0 or not score >= threshold:
            continue
        labels[mask] = len(segments)
        segments.append(
            {
                "id": len(segments),
                "label_id": class_id,
                "was_fused": False,
                "score": round(score, 6),
            }
        )
    return labels, segments


def overlap_targets(masks: Labels) -> tuple[Labels, Labels]:
    """Ultralytics' polygons2masks_overlap: the map, and the order that its values stand for.

    Value v is the mask order[v - 1]; the highest one on a pixel stays. The largest comes first,
    except that areas are unsigned there and their negatives wrap: an EMPTY mask comes before all
    others. The sort is not stable: this is the stable order. (Earlier releases added the masks up
    and clipped the sum, which wraps in a uint8 where a value and the next one exceed 255.)
    """
    dtype = np.int32 if len(masks) > 255 else np.uint8
    labels = np.zeros(masks.shape[1:], dtype)
    areas = np.array([area(mask) for mask in masks], np.uint64)
    order = np.argsort(np.negative(areas), kind="stable")
    for value, index in enumerate(order, 1):
        labels[masks[index]] = value
    return labels, order


# -- an instance map and a semantic map ------------------------------------------------------------


def panoptic_deeplab(
    instance_map: Labels,
    semantic_map: Labels,
    things: Collection[int],
    divisor: int,
    stuff_limit: float,
    void: int,
) -> tuple[Labels, Segments]:
    """Panoptic-DeepLab's merge_semantic_and_instance (its own code, and detectron2's project).

    An instance is where its id and a thing's label meet, its class the commonest label there, the
    smallest of ties. Ids ascend, from 0 for none; n counts from 1 within a class. A thing outside
    of instances, and anything else within one, is void. Stuff is every label that is not a thing,
    known or not. The segments are read from the map, in the order of their ids.
    """
    labels = np.full(semantic_map.shape, void, semantic_map.dtype)
    thing = np.isin(semantic_map, list(things))
    counts: Counter[int] = Counter()
    classes: dict[int, int] = {}
    for instance in np.unique(instance_map).tolist():
        mask = (instance_map == instance) & thing
        if instance == 0 or area(mask) == 0:
            continue
        seen, times = np.unique(semantic_map[mask], return_counts=True)
        class_id = int(seen[times.argmax()])
        counts[class_id] += 1
        label = class_id * divisor + counts[class_id]
        labels[mask] = label
        classes[label] = class_id
    for class_id in np.unique(semantic_map).tolist():
        mask = (semantic_map == class_id) & (instance_map <= 0)
        if class_id in things or area(mask) == 0 or area(mask) < stuff_limit:
            continue
        labels[mask] = class_id * divisor
        classes[class_id * divisor] = class_id
    segments = [
        {"id": label, "category_id": classes[label], "isthing": classes[label] in things}
        for label in sorted(classes)
    ]
    return labels, segments
