"""The findings of all images of a page, in columns that the page filters and sorts."""

from __future__ import annotations

from typing import Any

import numpy as np

from segcore.diagnosis import CAUSES, KINDS, Diagnosis
from segcore.show.report.objects import PageImage, shown_id


class Overview:
    """Collects the findings of images as columns of equal length, and the pixels of their causes.

    The pixels of all causes of a finding follow each other: those of finding i are from
    ``starts[i]`` to ``starts[i + 1]`` of ``cause`` and ``pixels``.
    """

    NAMES = ("image", "row", "id", "class", "found", "kind", "area", "iou", "score")

    def __init__(self) -> None:
        self._rows: list[tuple[Any, ...]] = []
        self._ranks: list[tuple[float, int]] = []
        self._causes: list[tuple[tuple[int, int], ...]] = []

    def add(self, index: int, image: PageImage, diagnosis: Diagnosis) -> None:
        """Add the findings of an image, the index of which is that in the page."""
        truth, prediction = image.truth, image.prediction
        assert prediction is not None
        for row, i in enumerate(diagnosis.ranking()):
            finding = diagnosis.findings[i]
            found = finding.predicted[0] if finding.predicted else None
            own = prediction if finding.is_prediction or finding.truth is None else truth
            key = found if own is prediction else finding.truth
            assert key is not None
            score = None
            if found is not None and prediction.scores is not None:
                score = round(float(prediction.scores[found]), 6)
            self._rows.append(
                (
                    index,
                    row,
                    shown_id(own.ids[key]),
                    int(own.classes[key]),
                    None if found is None else int(prediction.classes[found]),
                    KINDS.index(finding.kind),
                    finding.area,
                    round(finding.iou, 6),
                    score,
                )
            )
            self._ranks.append(finding.rank)
            areas = ((finding.spurious if c.spurious else finding.missed)[c.name] for c in CAUSES)
            self._causes.append(tuple((k, area) for k, area in enumerate(areas) if area))

    def to_dict(self) -> dict[str, Any]:
        """Return the columns, JSON-ready, the worst finding first."""
        order = sorted(range(len(self._rows)), key=self._ranks.__getitem__)
        columns = zip(*(self._rows[i] for i in order), strict=True) if order else [()] * 9
        parts = [part for i in order for part in self._causes[i]]
        lengths = [len(self._causes[i]) for i in order]
        return {
            **dict(zip(self.NAMES, columns, strict=True)),
            "starts": [0, *np.cumsum(lengths, dtype=np.int64).tolist()],
            "cause": [cause for cause, _ in parts],
            "pixels": [area for _, area in parts],
        }
