"""Collect what the outputs of a command need from many images, part by part."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from segcore.data.files.photographs import Photographs
from segcore.show.report.objects import PageImage
from segcore.show.report.pairs import ImagePairs, PairCounts


class Collected(Protocol):
    """What an output needs from images, such as :class:`segcore.show.report.page.PageImages`."""

    def add(self, index: int, image: PageImage) -> None:
        """Add the image with this index in the data set."""
        ...


Consumer: TypeAlias = tuple[Any, Callable[[Any], None]]
"""An empty `Collected`, and the function that takes those of some images after the other."""


@dataclass(frozen=True)
class Collector:
    """Reads and compares some images, and collects what outputs need from them: a job.

    Attributes
    ----------
    empty : sequence of Collected
        What is collected.
    photographs : Photographs, optional
        The photographs of the images.
    """

    empty: Sequence[Collected]
    photographs: Photographs | None = None

    def __call__(self, pairs: ImagePairs) -> tuple[PairCounts, Sequence[Collected]]:
        """Return what was counted and collected in all images."""
        collected = copy.deepcopy(self.empty)
        images, counts = pairs.read(self.photographs)
        for index, image in images:
            for found in collected:
                found.add(index, image)
        return counts, collected
