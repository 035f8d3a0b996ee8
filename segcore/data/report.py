"""What writing a data set kept, changed and left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._text import counted, visible

NO_MASK = "it has no mask"
"""The reason for which annotations without a mask are dropped."""


@dataclass(frozen=True, eq=False)
class Dropped:
    """Annotations that were not written, for one reason.

    Attributes
    ----------
    reason : str
        Why, such as ``"has no mask"``.
    rows : numpy.ndarray
        Their rows in ``dataset.annotations``: int64, shape (K,).
    first : str
        Name of the first one, such as ``"annotation 17 of image 4"``.
    """

    reason: str
    rows: NDArray[np.int64]
    first: str

    def __str__(self) -> str:
        others = f" and {len(self.rows) - 1:,} more" if len(self.rows) > 1 else ""
        return f"{visible(self.first)}{others}: {self.reason}"


@dataclass(frozen=True, eq=False)
class WriteReport:
    """What :func:`segcore.data.write` kept, changed and left out.

    Attributes
    ----------
    format : str
        Name of the format.
    path : str
        The path that was written.
    images, annotations : int
        Number of images and annotations written.
    gained, lost : numpy.ndarray
        For each annotation of the data set, the number of pixels that the written form has and the
        mask does not have, and the reverse: int64, shape (N,). Both are 0 for forms that keep every
        pixel, and for annotations that were not written.
    dropped : tuple of Dropped
        The annotations that were not written, by reason.
    unwritten : dict of str to int
        Values that the format has no place for, such as scores: a description, and how many there
        are.

    Examples
    --------
    >>> import segcore as sc
    >>> report = sc.data.write(ds, "yolo", "yolo")  # doctest: +SKIP
    >>> report.is_lossless, int(report.lost.sum())  # doctest: +SKIP
    (True, 0)
    """

    format: str
    path: str
    images: int
    annotations: int
    gained: NDArray[np.int64]
    lost: NDArray[np.int64]
    dropped: tuple[Dropped, ...]
    unwritten: dict[str, int]

    @property
    def is_lossless(self) -> bool:
        """Whether every annotation was written with all its values and exactly its pixels.

        Polygons may have become masks of the same pixels.
        """
        return not (self.dropped or self.unwritten or self.gained.any() or self.lost.any())

    def __str__(self) -> str:
        written = counted(self.annotations, "annotation")
        lines = [f"{written} in {counted(self.images, 'image')} written to {visible(self.path)}"]
        for dropped in self.dropped:
            lines.append(f"not written: {dropped}")  # noqa: PERF401
        changed = int(((self.gained > 0) | (self.lost > 0)).sum())
        if changed:
            lines.append(
                f"{counted(changed, 'annotation')} changed: {int(self.gained.sum()):,} pixels "
                f"gained, {int(self.lost.sum()):,} lost"
            )
        if self.unwritten:
            kinds = ", ".join(f"{count:,} {what}" for what, count in self.unwritten.items())
            lines.append(f"no place in this format for: {kinds}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as values that ``json.dumps`` accepts."""
        changed = np.flatnonzero((self.gained > 0) | (self.lost > 0))
        return {
            "format": self.format,
            "path": self.path,
            "images": self.images,
            "annotations": self.annotations,
            "pixels_gained": int(self.gained.sum()),
            "pixels_lost": int(self.lost.sum()),
            "changed": [
                {"row": row, "gained": int(self.gained[row]), "lost": int(self.lost[row])}
                for row in changed.tolist()
            ],
            "dropped": [
                {"reason": item.reason, "first": item.first, "rows": item.rows.tolist()}
                for item in self.dropped
            ],
            "unwritten": dict(self.unwritten),
        }
