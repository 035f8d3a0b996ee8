"""The findings of all images of a page, in columns that the page filters and sorts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread
from segcore.diagnosis import CAUSES, KINDS, Diagnosis
from segcore.show.report.images import json_text
from segcore.show.report.objects import PageImage, shown_id

NUMBERS = ("image", "row", "class", "found", "kind", "area")
"""Columns of integers, -1 where there is none. Images have fewer than 2**31 pixels."""
MEASURES = ("iou", "score", "rank", "pixels")
"""Columns of floats, NaN where there is none. Findings are sorted by the last two."""

IS_NULL: dict[str, Callable[[Any], bool]] = {"found": (-1).__eq__, "score": math.isnan}
"""Which values of columns are null. Scores may be negative."""
BLOCK = 2**16
"""Number of values that are written at a time."""


class Overview:
    """Collects the findings of images as columns of equal length, and the pixels of their causes.

    The pixels of all causes of a finding follow each other: those of finding i are from
    ``starts[i]`` to ``starts[i + 1]`` of ``cause`` and ``pixels``.
    """

    NAMES = ("image", "row", "id", "class", "found", "kind", "area", "iou", "score")

    def __init__(self) -> None:
        self._num_images = 0
        self._ids: list[int | str] = []
        self._numbers: list[NDArray[np.int32]] = []
        self._measures: list[NDArray[np.float64]] = []
        self._causes: list[NDArray[np.int32]] = []  # index of the cause, and pixels
        self._lengths: list[NDArray[np.int32]] = []

    def add(self, image: PageImage, diagnosis: Diagnosis) -> None:
        """Add the findings of the next image."""
        truth, prediction = image.truth, image.prediction
        assert prediction is not None
        numbers, measures, causes, lengths = [], [], [], []
        for row, i in enumerate(diagnosis.ranking()):
            finding = diagnosis.findings[i]
            found = finding.predicted[0] if finding.predicted else None
            own = prediction if finding.is_prediction or finding.truth is None else truth
            key = found if own is prediction else finding.truth
            assert key is not None
            score = np.nan
            if found is not None and prediction.scores is not None:
                score = round(float(prediction.scores[found]), 6)
            self._ids.append(shown_id(own.ids[key]))
            numbers.append(
                (
                    self._num_images,
                    row,
                    int(own.classes[key]),
                    -1 if found is None else int(prediction.classes[found]),
                    KINDS.index(finding.kind),
                    finding.area,
                )
            )
            measures.append((round(finding.iou, 6), score, *finding.rank))
            areas = ((finding.spurious if c.spurious else finding.missed)[c.name] for c in CAUSES)
            present = [(k, area) for k, area in enumerate(areas) if area]
            causes += present
            lengths.append(len(present))
        self._num_images += 1
        self._numbers.append(np.array(numbers, np.int32).reshape(-1, len(NUMBERS)))
        self._measures.append(np.array(measures, np.float64).reshape(-1, len(MEASURES)))
        self._causes.append(np.array(causes, np.int32).reshape(-1, 2))
        self._lengths.append(np.array(lengths, np.int32))

    def merge(self, other: Overview) -> None:
        """Add the findings of the next images."""
        numbers, measures, causes, lengths = other._joined()
        first = np.zeros(len(NUMBERS), np.int32)
        first[NUMBERS.index("image")] = self._num_images
        self._num_images += other._num_images
        self._ids += other._ids
        self._numbers.append(numbers + first)
        self._measures.append(measures)
        self._causes.append(causes)
        self._lengths.append(lengths)

    def _joined(self) -> tuple[Any, ...]:
        """Join the columns, which takes less memory, and return them."""
        self._numbers = [np.concatenate([np.zeros((0, len(NUMBERS)), np.int32), *self._numbers])]
        self._measures = [np.concatenate([np.zeros((0, len(MEASURES))), *self._measures])]
        self._causes = [np.concatenate([np.zeros((0, 2), np.int32), *self._causes])]
        self._lengths = [np.concatenate([np.zeros(0, np.int32), *self._lengths])]
        return self._numbers[0], self._measures[0], self._causes[0], self._lengths[0]

    def json_texts(self) -> Iterator[str]:
        """Yield the columns as parts of a JSON object, the worst finding first."""
        numbers, measures, causes, lengths = self._joined()
        order = np.lexsort((measures[:, 3], measures[:, 2]))
        before = "{"
        for name in self.NAMES:
            if name == "id":
                values: list[Any] | NDArray[Any] = [self._ids[i] for i in order.tolist()]
            elif name in NUMBERS:
                values = numbers[order, NUMBERS.index(name)]
            else:
                values = measures[order, MEASURES.index(name)]
            yield from _member(before, name, values, IS_NULL.get(name))
            before = ","
        starts, lengths = offsets_of(lengths)[order], lengths[order]
        chosen = spread(starts, offsets_of(lengths))
        yield from _member(",", "starts", offsets_of(lengths))
        yield from _member(",", "cause", causes[chosen, 0])
        yield from _member(",", "pixels", causes[chosen, 1])
        yield "}"


def _member(
    before: str,
    name: str,
    values: list[Any] | NDArray[Any],
    is_null: Callable[[Any], bool] | None = None,
) -> Iterator[str]:
    """Yield a list as a member of a JSON object, some values at a time, which takes less memory.

    Values for which ``is_null`` returns True are null.
    """
    yield f'{before}"{name}":['
    for start in range(0, len(values), BLOCK):
        block = values[start : start + BLOCK]
        listed: list[Any] = block if isinstance(block, list) else block.tolist()
        if is_null is not None:
            listed = [None if is_null(value) else value for value in listed]
        yield ("," if start else "") + json_text(listed)[1:-1]
    yield "]"
