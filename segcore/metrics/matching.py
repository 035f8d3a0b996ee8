"""Matching of the detections of several images to the true objects, class by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._gather import taken_from
from segcore.backends import kernels
from segcore.backends.threshold_bits import packed
from segcore.masks import Masks, unwrap, wrap
from segcore.metrics.detections import Detections, Truths
from segcore.metrics.keys import common_groups, descending, numbered, ranks, sorted_rows
from segcore.ops.groups import Groups, boundary_iou_of_groups, box_iou_of_groups, iou_of_groups

Indices: TypeAlias = NDArray[np.int64]
ImageClasses: TypeAlias = tuple[Indices, Indices]
"""Indices of images, and the ids of classes in them."""

MAX_OBJECTS = 2048
"""Number of detections matched at a time, unless an image has more.

Their masks, pairs and matches stay in the processor's cache.
"""


class Comparison(Protocol):
    """What detections and objects are compared by: attributes of `AveragePrecision`."""

    iou: str
    dilation_ratio: float


class Settings(Comparison, Protocol):
    """What is compared, and by which rules: the attributes of `AveragePrecision`."""

    protocol: str
    thresholds: NDArray[np.float64]
    areas: dict[str, tuple[float, float]]
    max_detections: tuple[int, ...]
    class_ids: Indices | None


@dataclass
class Objects:
    """Objects of several images: columns of equal length.

    Attributes
    ----------
    image : numpy.ndarray
        Index of the image of each object: int64.
    classes : numpy.ndarray
        Class ids: int64.
    areas : numpy.ndarray
        Float64, in square pixels; NaN for the area of the mask or box itself.
    shapes : callable
        Returns the `Masks`, or the boxes x y width height of shape (N, 4), of some objects of
        images of the same size, given their indices.
    """

    image: Indices
    classes: Indices
    areas: NDArray[np.float64]
    shapes: Callable[[Indices], Any]


@dataclass
class TrueObjects(Objects):
    """True objects, and the two columns ``crowd`` and ``counts_as_match`` of bools.

    A crowd is not to be found, and any number of detections may match it. Where ``counts_as_match``
    is False, detections that match the object count as wrong.
    """

    crowd: NDArray[np.bool_]
    counts_as_match: NDArray[np.bool_]


@dataclass
class FoundObjects(Objects):
    """Detections, with a column ``scores`` of float64."""

    scores: NDArray[np.float64]


def joined_objects(parts: Sequence[Any], shapes: Sequence[Any], kind: type[Any]) -> Any:
    """Join the objects of one or more images; images of the same size are adjacent.

    `shapes` has the `Masks` or the boxes of each image.
    """
    if len(parts) == 1:
        return parts[0]
    lengths = [len(part.image) for part in parts]
    offsets = offsets_of(lengths)
    image = np.repeat(np.arange(len(parts)), lengths)

    def of_rows(rows: Indices) -> Any:
        """Return the shapes of rows that are sorted by image."""
        first, last = image[rows[0]], image[rows[-1]]
        chosen, indices = shapes[first : last + 1], rows - offsets[first]
        if not isinstance(shapes[0], Masks):
            return np.concatenate(chosen)[indices]
        return wrap(taken_from([unwrap(part) for part in chosen], image[rows] - first, indices))

    columns = [field.name for field in fields(kind) if field.name not in ("image", "shapes")]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in columns}
    return kind(image=image, shapes=of_rows, **joined)


def listed_classes(of_images: Sequence[Indices]) -> ImageClasses:
    """Return a list of class ids per image as columns: the index of the image, and the class id."""
    image = np.repeat(np.arange(len(of_images)), [len(ids) for ids in of_images])
    return image, np.concatenate([np.empty(0, np.int64), *of_images])


def class_keys(*columns: ImageClasses) -> tuple[Indices, list[Indices]]:
    """Return the distinct classes of columns and, for each column, a key per image and class."""
    classes, numbers = numbered(np.concatenate([labels for _, labels in columns]))
    ends = np.cumsum([len(labels) for _, labels in columns])[:-1]
    of_columns = zip(columns, np.split(numbers, ends), strict=True)
    return classes, [image * len(classes) + number for (image, _), number in of_columns]


def matched(
    settings: Settings,
    true: TrueObjects,
    found: FoundObjects,
    sizes: Indices,
    negative: ImageClasses,
    incomplete: ImageClasses,
) -> tuple[Truths, Detections]:
    """Match the detections of several images.

    Parameters
    ----------
    settings : Settings
        What to compare, and by which rules.
    true, found : TrueObjects, FoundObjects
        The true objects and the detections, in any order.
    sizes : numpy.ndarray
        Index of the size of each image, equal for images of the same size, ascending: int64.
    negative, incomplete : tuple of numpy.ndarray
        For LVIS: the classes that are known to be absent from images, and those whose objects are
        not all annotated.

    Returns
    -------
    truths, detections
        The state of average precision, without objects that are not evaluated.
    """
    columns = (true.image, true.classes), (found.image, found.classes), negative, incomplete
    classes, (true_keys, found_keys, negative_keys, incomplete_keys) = class_keys(*columns)
    evaluated = np.ones(len(classes), np.bool_)
    if settings.class_ids is not None:
        evaluated = np.isin(classes, settings.class_ids)
    is_lvis = settings.protocol == "lvis"
    true_areas, found_areas = true.areas.copy(), found.areas.copy()
    _fill_areas(true_areas, true, sizes)
    true_rows = sorted_rows(true_keys, np.arange(len(true_keys)))
    if is_lvis:
        _fill_areas(found_areas, found, sizes)
        true_rows = true_rows[true_areas[true_rows] > 0]
    true_rows = true_rows[evaluated[true_keys[true_rows] % len(classes)]]
    found_rows = sorted_rows(found_keys, descending(found.scores))
    if is_lvis:
        present = np.concatenate([true_keys[true_rows], negative_keys])
        is_candidate = _are_best(found, settings.max_detections[-1]) & (found_areas > 0)
        is_candidate &= np.isin(found_keys, present)
        found_rows = found_rows[is_candidate[found_rows]]
    found_rows = found_rows[evaluated[found_keys[found_rows] % len(classes)]]
    rank = ranks(found_keys[found_rows])
    found_rows, rank = (column[rank < settings.max_detections[-1]] for column in (found_rows, rank))
    true_keys, found_keys = true_keys[true_rows], found_keys[found_rows]

    # Most classes of an image have either no true objects or no detections.
    groups, a, b = common_groups(found_keys, true_keys)
    rows = found_rows[a], true_rows[b]
    crowd = true.crowd[true_rows]
    ratios = np.empty(0)
    if len(a):
        least = min(float(settings.thresholds.min()), 1 - 1e-10)
        ratios = ratios_of_groups(
            settings, found, true, *rows, groups, crowd[b], sizes, least, found_areas
        )
    _fill_areas(found_areas, found, sizes)

    low, high = np.array(list(settings.areas.values())).T[..., None]
    areas = true_areas[true_rows]
    counted = ~(crowd | (areas < low) | (areas > high))
    areas = found_areas[found_rows]
    out_of_range = (areas < low) | (areas > high)
    if is_lvis:
        out_of_range |= np.isin(found_keys, incomplete_keys)

    bits = packed(np.ones((1, len(settings.thresholds), 1), np.bool_))[0, 0]
    ignored = np.where(out_of_range, bits, bits.dtype.type(0))
    is_match = np.zeros_like(ignored)
    if len(a):
        is_match[:, a], ignored[:, a] = _match(
            settings,
            ratios,
            groups,
            counted[:, b],
            crowd[b],
            true.counts_as_match[true_rows[b]],
            out_of_range[:, a],
        )
    image, label = true.image[true_rows], true.classes[true_rows]
    truths = Truths(image, label, counted)
    image, label = found.image[found_rows], found.classes[found_rows]
    return truths, Detections(image, label, rank, found.scores[found_rows], is_match, ignored)


def _are_best(found: FoundObjects, limit: int) -> NDArray[np.bool_]:
    """Return which detections are among those with the best scores of their image."""
    rows = sorted_rows(found.image, descending(found.scores))
    are_best = np.empty(len(rows), np.bool_)
    are_best[rows] = ranks(found.image[rows]) < limit
    return are_best


def _fill_areas(areas: NDArray[np.float64], objects: Objects, sizes: Indices) -> None:
    """Fill in the areas that are NaN, for images of the same size at a time."""
    missing = np.flatnonzero(np.isnan(areas))
    missing = sorted_rows(objects.image, missing)
    size = sizes[objects.image[missing]]
    for rows in np.split(missing, np.flatnonzero(size[1:] != size[:-1]) + 1):
        for start in range(0, len(rows), MAX_OBJECTS):
            part = rows[start : start + MAX_OBJECTS]
            _fill(areas, part, objects.shapes(part))


def _fill(areas: NDArray[np.float64], rows: Indices, shapes: Any) -> None:
    """Fill in the areas of rows that are NaN: those of their masks or boxes."""
    missing = np.isnan(areas[rows])
    if missing.any():
        areas[rows] = np.where(missing, area_of(shapes), areas[rows])


def area_of(shapes: Any) -> NDArray[np.float64]:
    """Return the areas of masks, or of boxes x y width height."""
    areas = shapes.area if isinstance(shapes, Masks) else shapes[:, 2] * shapes[:, 3]
    return np.asarray(areas, np.float64)


def ratios_of_groups(
    settings: Comparison,
    found: FoundObjects,
    true: TrueObjects,
    found_rows: Indices,
    true_rows: Indices,
    groups: Groups,
    crowd: NDArray[np.bool_],
    sizes: Indices,
    least: float,
    found_areas: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the IoUs of each group, computed for images of the same size at a time.

    IoUs of masks and boundaries that are less than `least` are 0. Areas of detections that are NaN
    are filled in here, while their masks are in memory.
    """
    part_of_group = sizes[true.image[true_rows[groups.b[:-1]]]]
    parts = []
    for start, end in groups.chunks(MAX_OBJECTS, part_of_group):
        in_a = slice(groups.a[start], groups.a[end])
        in_b = slice(groups.b[start], groups.b[end])
        a, b = found.shapes(found_rows[in_a]), true.shapes(true_rows[in_b])
        if found_areas is not None:
            _fill(found_areas, found_rows[in_a], a)
        chunk = groups.part(start, end)
        if settings.iou == "box":
            parts.append(box_iou_of_groups(a, b, chunk, crowd[in_b]))
        elif settings.iou == "mask":
            parts.append(iou_of_groups(a, b, chunk, crowd[in_b], least))
        else:
            ratio = settings.dilation_ratio
            parts.append(boundary_iou_of_groups(a, b, chunk, crowd[in_b], least, ratio))
    return np.concatenate(parts)


def _match(
    settings: Settings,
    ratios: NDArray[np.float64],
    groups: Groups,
    counted: NDArray[np.bool_],
    crowd: NDArray[np.bool_],
    counts_as_match: NDArray[np.bool_],
    out_of_range: NDArray[np.bool_],
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the bits of matched and of ignored detections."""
    pairs = offsets_of(np.diff(groups.a) * np.diff(groups.b))
    parts = []
    for start, end in groups.chunks(MAX_OBJECTS):
        in_a, in_b, in_pairs = (
            slice(offsets[start], offsets[end]) for offsets in (groups.a, groups.b, pairs)
        )
        chunk, to_find = groups.part(start, end), counted[:, in_b]
        matches = kernels.match(
            ratios[in_pairs],
            chunk.a,
            chunk.b,
            np.ascontiguousarray(~to_find).view(np.uint8),
            crowd[in_b].view(np.uint8),
            np.ones(chunk.a[-1], np.uint8),
            settings.thresholds,
        )
        is_match = matches >= 0
        if not counts_as_match[in_b].all():
            is_match &= counts_as_match[in_b][matches]
        # The last item is for detections without a match, whose index is -1.
        is_ignored = np.array(
            [np.append(~flags, False)[found] for flags, found in zip(to_find, matches, strict=True)]
        )
        is_ignored |= ~is_match & out_of_range[:, None, in_a]
        parts.append((packed(is_match), packed(is_ignored)))
    matched, ignored = zip(*parts, strict=True)
    return np.concatenate(matched, axis=1), np.concatenate(ignored, axis=1)
