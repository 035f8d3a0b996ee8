"""What comes out: segments, and what did not become one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._input.arrays import check_bytes
from segcore.backends import kernels
from segcore.maps.panoptic.inputs import Candidate
from segcore.maps.panoptic.rules import PanopticRules
from segcore.masks import Masks


@dataclass(frozen=True, repr=False)
class Panoptic:
    """A picture cut into segments that share no pixel; made by :func:`compose_panoptic`.

    Attributes
    ----------
    masks : Masks
        One a segment, in the order of ``segments``.
    segments : list of dict
        JSON-ready, one a segment:

        - ``id``: its value in the label map;
        - ``category_id``: its class; ``isthing``: whether it is an instance, else it is stuff;
        - ``score``: of its first source, None for stuff and where there are no scores;
        - ``area``: its pixels; ``area_before``: those of its sources (of soft masks: those of which
          they are confident), before others took some; ``bbox``: x, y, width, height;
        - ``sources``: the indices of the masks it comes from; none for stuff of a semantic map.
    dropped : list of dict
        JSON-ready, what did not become a segment: ``source``, ``category_id``, ``isthing``,
        ``score``, ``area_before``, and the ``reason``:

        - "score": it does not reach the threshold, or its class is "no object";
        - "empty": it has no pixels;
        - "overlap": others have too much of it;
        - "hidden": others have all of it;
        - "class": no pixel of it has a class of things in the semantic map;
        - "area": there is too little left of it, as stuff.
    void : int
        The value of the label map's other pixels.
    dtype : numpy.dtype
        Of the label map.
    """

    masks: Masks
    segments: list[dict[str, Any]]
    dropped: list[dict[str, Any]]
    void: int
    dtype: np.dtype[Any]

    def __repr__(self) -> str:
        """Show how many there are, and of what size."""
        height, width = self.masks.size
        count = len(self.segments)
        plural = "" if count == 1 else "s"
        return (
            f"Panoptic({count} segment{plural} of {height} x {width}, {len(self.dropped)} dropped)"
        )

    @cached_property
    def labels(self) -> NDArray[Any]:
        """The label map (H, W), C-contiguous, of the segments' ids; painted when it is read."""
        ids = np.array([segment["id"] for segment in self.segments], self.dtype)
        check_bytes(self.masks.size, self.dtype)
        out = np.zeros(self.masks.size, self.dtype)
        if self.void:
            out.fill(self.void)
        batch = self.masks.run_ends, self.masks.offsets
        kernels.paint(*batch, np.arange(len(ids)), ids, out)
        out.flags.writeable = False
        return out


class Segments:
    """Collects segments, gives them their ids, and notes what was dropped."""

    def __init__(self, rules: PanopticRules) -> None:
        self._rules = rules
        self._segments: list[dict[str, Any]] = []
        self._dropped: list[dict[str, Any]] = []
        self._next = rules.first
        self._counts: dict[int, int] = {}  # of each class
        self._fused: dict[int, int] = {}  # the segment of each class of stuff
        limits = np.iinfo(rules.dtype)
        self._least, self._most = int(limits.min), int(limits.max)

    def drop(self, candidate: Candidate, reason: str) -> None:
        """Note what does not become a segment, and why."""
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

    def add(self, candidate: Candidate, rows: list[list[int]], row: int) -> None:
        """Make a segment of a candidate, or let it join that of its class; note its ``row``."""
        rules = self._rules
        category = candidate.category_id
        place = self._fused.get(category)
        if candidate.isthing or not rules.fuse_stuff or place is None:
            if not candidate.isthing:
                self._fused[category] = len(self._segments)
            self._append(candidate, self._new_id(candidate))
            rows.append([row])
        elif rules.relist_fused:
            number = self._segments[place]["id"]
            if rules.reuse_ids:
                self._next = number + 1
            self._append(candidate, number)
            rows.append([row])
        else:
            segment = self._segments[place]
            segment["area_before"] += candidate.area
            if candidate.source is not None:
                segment["sources"].append(candidate.source)
            rows[place].append(row)

    def _new_id(self, candidate: Candidate) -> int:
        ids, divisor = self._rules.ids, self._rules.divisor
        category = candidate.category_id
        if ids == "count":
            return self._take_next()
        if ids == "class + count * divisor":
            if not 0 <= category < divisor:
                raise ValueError(
                    f"class {category}: ids that are class + count * {divisor} would be used "
                    "twice; give the rules another divisor"
                )
            return category + (self._take_next() * divisor if candidate.isthing else 0)
        count = 0
        if candidate.isthing:
            count = self._counts.get(category, self._rules.first)
            self._counts[category] = count + 1
        if count >= divisor:
            raise ValueError(
                f"class {category}: it has {divisor} instances or more, and ids that are class * "
                f"{divisor} + count would be used twice; give the rules another divisor"
            )
        return category * divisor + count

    def _take_next(self) -> int:
        self._next += 1
        return self._next - 1

    def _append(self, candidate: Candidate, number: int) -> None:
        if not self._least <= number <= self._most:
            raise ValueError(
                f"a segment of class {candidate.category_id} has the id {number}, which does not "
                f"fit into {self._rules.dtype}; give the rules another dtype"
            )
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

    def measured(self, parts: Masks, rows: list[list[int]], void: int) -> Panoptic:
        """Unite the parts of each segment, fill in what their masks say, and give all."""
        if all(len(each) == 1 for each in rows):
            masks = parts[[row for [row] in rows]]
        else:
            masks = Masks.concatenate([parts[each].union() for each in rows])
        boxes = masks.boxes
        boxes[:, 2:] -= boxes[:, :2]
        measures = zip(self._segments, masks.area.tolist(), boxes.tolist(), strict=True)
        for segment, area, box in measures:
            segment.update(area=area, bbox=box)
        return Panoptic(masks, self._segments, self._dropped, void, np.dtype(self._rules.dtype))
