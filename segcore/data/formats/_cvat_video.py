"""Tracks of CVAT's XML for video: the frames of each task, and the shapes in them."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from typing import Any

from segcore._input.arrays import Size
from segcore.data.errors import DatasetError
from segcore.data.formats._builder import as_size

FIELDS = {
    **dict.fromkeys(("id", "size", "start_frame", "stop_frame", "frame_filter"), ("task", "job")),
    **dict.fromkeys(("width", "height"), ("original_size",)),
}
"""The elements that describe a video, and those that they are in."""
MOST_FRAMES = 10**6
"""Maximum number of frames of a file, whose number is stated and not that of its elements."""


class Videos:
    """The tasks of a file, of which each is a video, and the shapes of their frames.

    Attributes
    ----------
    shapes : dict
        The shapes that are visible, by task and frame.
    unlisted : int
        Number of frames in which a track goes on without a shape. CVAT lists every frame; other
        tools may leave out those between keyframes, where shapes would be interpolated.
    """

    def __init__(self) -> None:
        self.shapes: dict[str, dict[int, list[Any]]] = {}
        self.unlisted = 0
        self._tasks: dict[str, dict[str, str]] = {}
        self._fields: dict[str, str] = {}
        self._listed: list[tuple[int, bool]] = []

    # -- what a file states -----------------------------------------------------------------------

    def end_element(self, element: str, parent: str, text: str) -> None:
        """Note the text of an element in ``<meta>``."""
        if parent in FIELDS.get(element, ()):
            self._fields[element] = text
        elif element in ("task", "job") or (element == "meta" and not self._tasks):
            self._tasks[self._fields.get("id", "")] = self._fields
            self._fields = {}
        elif element == "meta":  # the size may stand beside the task
            for fields in self._tasks.values():
                fields.update({key: self._fields[key] for key in self._fields.keys() - fields})

    def size(self, task: str) -> Size:
        """Return the size of the frames of a task. Raises ValueError if it is not stated."""
        fields = self._task(task)
        if "height" not in fields or "width" not in fields:
            raise ValueError("expected <original_size>, the size of the frames, before the tracks")
        return as_size(fields["height"], fields["width"])

    def _task(self, task: str) -> dict[str, str]:
        only = next(iter(self._tasks.values()), {}) if len(self._tasks) < 2 else {}
        return self._tasks.get(task, only)

    # -- tracks -----------------------------------------------------------------------------------

    def start_track(self, task: str) -> None:
        """Begin a track of a task."""
        self.shapes.setdefault(task, defaultdict(list))
        self._listed = []

    def add(self, task: str, frame: int, is_outside: bool, shape: Any) -> None:
        """Add a shape of the track; one that is outside ends it, or a part of it."""
        self._listed.append((frame, is_outside))
        if not is_outside and shape is not None:
            self.shapes[task][frame].append(shape)

    def end_track(self, task: str) -> None:
        """End the track, and count the frames in which it goes on without a shape."""
        _, stop, step = self._range(task)
        listed = [*sorted(self._listed), (stop, True)]
        for (frame, is_outside), (following, _) in pairwise(listed):
            if not is_outside:
                self.unlisted += max(-(-(following - frame) // step) - 1, 0)

    # -- frames -----------------------------------------------------------------------------------

    def _range(self, task: str) -> tuple[int, int, int]:
        """Return the first frame, the one after the last, and the step between frames."""
        fields = self._task(task)
        step = re.fullmatch(r"step=([1-9][0-9]{0,8})", fields.get("frame_filter", "").strip())
        steps = int(step[1]) if step else 1
        start = _number(fields.get("start_frame")) or 0
        stop = _number(fields.get("stop_frame"))
        size = _number(fields.get("size")) or 0
        return start, start + size * steps if stop is None else stop + 1, steps

    def frames(self, path: str) -> list[tuple[str, list[int]]]:
        """Return the frames of each task with tracks: those stated, and those with shapes."""
        ranges = {task: range(*self._range(task)) for task in self.shapes}
        total = sum(map(len, ranges.values()))
        if total > MOST_FRAMES:
            raise DatasetError(path, f"expected at most {MOST_FRAMES} frames, got {total}", "meta")
        return [(task, sorted({*ranges[task], *self.shapes[task]})) for task in self.shapes]


def _number(text: str | None) -> int | None:
    """Return a number of frames; None if there is none."""
    text = (text or "").strip()
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else None
