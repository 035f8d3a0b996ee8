"""The result of panoptic composition: segments and dropped candidates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import allocate
from segcore._text import counted
from segcore.backends import kernels
from segcore.maps.panoptic.inputs import Candidate
from segcore.maps.panoptic.rules import PanopticRules
from segcore.masks import Masks, unions, unwrap


@dataclass(frozen=True, repr=False)
class Panoptic:
    """Panoptic segmentation of an image, as returned by :func:`compose_panoptic`.

    Attributes
    ----------
    masks : Masks
        Disjoint masks of the segments, one per element of `segments`.
    segments : list of dict
        Properties of each segment, JSON-serializable:

        - ``id``: label of the segment in `labels`;
        - ``category_id``: class id; ``isthing``: True for a thing, False for stuff;
        - ``sources``: indices of the input masks, several for merged stuff; empty for stuff of a
          semantic map;
        - ``score``: score of the first input mask; None for masks and regions of `stuff`, or if no
          scores were passed;
        - ``area``: visible area in pixels; ``bbox``: x, y, width and height of the visible part, in
          pixels (unlike `Masks.boxes`, x0 y0 x1 y1);
        - ``area_before``: total area of the input masks before overlaps were resolved; for soft
          masks, the number of pixels with a probability of at least ``mask_threshold``.
    dropped : list of dict
        Input masks and stuff regions that did not become segments, JSON-serializable, with the keys
        ``source``, ``category_id``, ``isthing``, ``score``, ``area_before`` and ``reason``:

        - "score": the score is below the threshold, or the class is "no object";
        - "empty": the mask is empty;
        - "overlap": too much of the mask is covered by other instances;
        - "hidden": no pixel of the mask is visible;
        - "class": no pixel of the mask has a thing class in the semantic map;
        - "area": a stuff region with fewer visible pixels than ``stuff_area``.
    ids : numpy.ndarray
        Id of each segment: shape (K,), with the dtype `dtype`.
    labels : numpy.ndarray
        Panoptic map: the segment id of each pixel, and `void` for pixels without a segment; shape
        (H, W), with the dtype `dtype`. Computed on first access.
    void : int
        Label of the pixels without a segment.
    dtype : numpy.dtype
        Dtype of `ids` and `labels`.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 3, 1], [2, 0, 5, 1]], (1, 6))
    >>> result = sc.compose_panoptic(masks, [1, 1], [0.9, 0.8])
    >>> result
    Panoptic(2 segments of 1 x 6, 0 dropped)
    >>> result.labels
    array([[1, 1, 1, 2, 2, 0]], dtype=int32)
    >>> result.segments[1]["area_before"], result.segments[1]["area"], result.masks.area
    (3, 2, array([3, 2]))
    """

    masks: Masks
    segments: list[dict[str, Any]]
    dropped: list[dict[str, Any]]
    void: int
    dtype: np.dtype[Any]

    def __repr__(self) -> str:
        """Return the number of segments, the image size, and the number of dropped candidates."""
        height, width = self.masks.size
        segments = counted(len(self.segments), "segment")
        return f"Panoptic({segments} of {height} x {width}, {len(self.dropped):,} dropped)"

    @property
    def ids(self) -> NDArray[Any]:
        """Id of each segment: shape (K,)."""
        return np.array([segment["id"] for segment in self.segments], self.dtype)

    @cached_property
    def labels(self) -> NDArray[Any]:
        """Panoptic map: the segment id of each pixel, shape (H, W), C-contiguous, read-only.

        Computed on first access and cached.
        """
        ids = self.ids
        out = allocate(self.masks.size, self.dtype)
        if self.void:
            out.fill(self.void)
        kernels.paint(unwrap(self.masks), np.arange(len(ids)), ids, out)
        out.flags.writeable = False
        return out


class PanopticBuilder:
    """Collect segments and dropped candidates, and assign the segment ids."""

    def __init__(self, rules: PanopticRules) -> None:
        self._rules = rules
        self._segments: list[dict[str, Any]] = []
        self._rows: list[list[int]] = []  # the masks of each segment, as indices
        self._dropped: list[dict[str, Any]] = []
        self._next_count = rules.first
        self._class_counts: dict[int, int] = {}  # class id -> next count
        self._fused: dict[int, int] = {}  # stuff class id -> index of its segment
        limits = np.iinfo(rules.dtype)
        self._min_id, self._max_id = int(limits.min), int(limits.max)

    def drop(self, candidate: Candidate, reason: str) -> None:
        """Record a candidate that does not become a segment, and why."""
        self._dropped.append(
            {
                "source": candidate.source,
                "category_id": candidate.category_id,
                "isthing": candidate.isthing,
                "score": candidate.score,
                "area_before": candidate.area,
                "reason": reason,
            }
        )

    def add(self, candidate: Candidate, row: int) -> None:
        """Add a segment, or fuse the candidate with the stuff of its class.

        `row` is the index of its visible part in the masks that :meth:`build` receives.
        """
        rules = self._rules
        class_id = candidate.category_id
        fused = self._fused.get(class_id)
        if candidate.isthing or not rules.fuse_stuff or fused is None:
            if not candidate.isthing:
                self._fused[class_id] = len(self._segments)
            self._append(candidate, self._new_id(candidate), row)
        elif rules.relist_fused:
            number = self._segments[fused]["id"]
            if rules.reuse_ids:
                self._next_count = number + 1
            self._append(candidate, number, row)
        else:
            segment = self._segments[fused]
            segment["area_before"] += candidate.area
            if candidate.source is not None:
                segment["sources"].append(candidate.source)
            self._rows[fused].append(row)

    def _new_id(self, candidate: Candidate) -> int:
        ids, divisor = self._rules.ids, self._rules.divisor
        class_id = candidate.category_id
        if ids == "count":
            return self._take_count()
        if ids == "class + count * divisor":
            if not 0 <= class_id < divisor:
                raise ValueError(
                    f"class {class_id}: expected class ids from 0 to {divisor - 1}, as ids of the "
                    f"form class + count * {divisor} would not be unique; pass rules with a larger "
                    "divisor"
                )
            return class_id + (self._take_count() * divisor if candidate.isthing else 0)
        count = 0
        if candidate.isthing:
            count = self._class_counts.get(class_id, self._rules.first)
            self._class_counts[class_id] = count + 1
        if count >= divisor:
            raise ValueError(
                f"class {class_id}: with {divisor} or more instances, ids of the form class * "
                f"{divisor} + count would not be unique; pass rules with a larger divisor"
            )
        return class_id * divisor + count

    def _take_count(self) -> int:
        self._next_count += 1
        return self._next_count - 1

    def _append(self, candidate: Candidate, number: int, row: int) -> None:
        if not self._min_id <= number <= self._max_id:
            raise ValueError(
                f"a segment of class {candidate.category_id} has the id {number}, which does not "
                f"fit into {self._rules.dtype}; pass rules with another dtype"
            )
        self._rows.append([row])
        self._segments.append(
            {
                "id": number,
                "category_id": candidate.category_id,
                "isthing": candidate.isthing,
                "score": candidate.score,
                "area": 0,
                "area_before": candidate.area,
                "bbox": [0, 0, 0, 0],
                "sources": [] if candidate.source is None else [candidate.source],
            }
        )

    def build(self, visible: Masks, void: int) -> Panoptic:
        """Return the result, with the masks of fused stuff united and all segments measured."""
        masks = unions(visible, self._rows)
        boxes = masks.boxes
        boxes[:, 2:] -= boxes[:, :2]
        measures = zip(self._segments, masks.area.tolist(), boxes.tolist(), strict=True)
        for segment, area, box in measures:
            segment.update(area=area, bbox=box)
        return Panoptic(masks, self._segments, self._dropped, void, np.dtype(self._rules.dtype))
