"""The findings of all images of a page, in columns that the page filters and sorts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of, spread
from segcore.diagnosis import CAUSES, KINDS, Diagnosis
from segcore.show.report.images import json_text
from segcore.show.report.objects import PageImage, shown_id

NUMBERS = ("image", "row", "class", "found", "kind", "area")
"""Columns of integers, -1 where there is none."""
MEASURES = ("iou", "score", "rank", "pixels")
"""Columns of floats, NaN where there is none. Findings are sorted by the last two."""


class Overview:
    """Collects the findings of images as columns of equal length, and the pixels of their causes.

    The pixels of all causes of a finding follow each other: those of finding i are from
    ``starts[i]`` to ``starts[i + 1]`` of ``cause`` and ``pixels``.
    """

    NAMES = ("image", "row", "id", "class", "found", "kind", "area", "iou", "score")

    def __init__(self) -> None:
        self._num_images = 0
        self._ids: list[int | str] = []
        self._numbers: list[NDArray[np.int64]] = []
        self._measures: list[NDArray[np.float64]] = []
        self._causes: list[NDArray[np.int64]] = []  # index of the cause, and pixels
        self._lengths: list[NDArray[np.int64]] = []

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
        self._numbers.append(np.array(numbers, np.int64).reshape(-1, len(NUMBERS)))
        self._measures.append(np.array(measures, np.float64).reshape(-1, len(MEASURES)))
        self._causes.append(np.array(causes, np.int64).reshape(-1, 2))
        self._lengths.append(np.array(lengths, np.int64))

    def merge(self, other: Overview) -> None:
        """Add the findings of the next images."""
        numbers, measures, causes, lengths = other._joined()
        numbers[:, 0] += self._num_images
        self._num_images += other._num_images
        self._ids += other._ids
        self._numbers.append(numbers)
        self._measures.append(measures)
        self._causes.append(causes)
        self._lengths.append(lengths)

    def _joined(self) -> tuple[Any, ...]:
        return (
            np.concatenate([np.zeros((0, len(NUMBERS)), np.int64), *self._numbers]),
            np.concatenate([np.zeros((0, len(MEASURES))), *self._measures]),
            np.concatenate([np.zeros((0, 2), np.int64), *self._causes]),
            np.concatenate([np.zeros(0, np.int64), *self._lengths]),
        )

    def json_members(self) -> Iterator[str]:
        """Yield the columns as members of a JSON object, the worst finding first."""
        numbers, measures, causes, lengths = self._joined()
        order = np.lexsort((measures[:, 3], measures[:, 2]))
        for name in self.NAMES:
            if name == "id":
                values: list[Any] = [self._ids[i] for i in order.tolist()]
            elif name in NUMBERS:
                values = numbers[order, NUMBERS.index(name)].tolist()
                if name == "found":
                    values = [None if value < 0 else value for value in values]
            else:
                column = measures[order, MEASURES.index(name)].tolist()
                values = [None if math.isnan(value) else value for value in column]
            yield _member(name, values)
        starts = offsets_of(lengths)
        chosen = spread(starts[order], offsets_of(lengths[order]))
        yield _member("starts", offsets_of(lengths[order]).tolist())
        yield _member("cause", causes[chosen, 0].tolist())
        yield _member("pixels", causes[chosen, 1].tolist())


def _member(name: str, values: list[Any]) -> str:
    return f'"{name}":{json_text(values)}'
