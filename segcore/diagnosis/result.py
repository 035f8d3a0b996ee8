"""What a diagnosis says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from segcore.diagnosis.causes import CAUSES, Cause
from segcore.masks import Masks


@dataclass(frozen=True)
class Finding:
    """What became of one true object, or of one prediction that belongs to none.

    Attributes
    ----------
    kind : str
        - ``"matched"``: one prediction of its class was found;
        - ``"split"``: several, each of a part of it;
        - ``"confused"``: one of another class. All its pixels are wrong then;
        - ``"missed"``: none;
        - ``"spurious"``: a prediction that belongs to no true object.
    truth : int or None
        The object's index in the truth; None for a spurious prediction.
    predicted : tuple of int
        The indices of its predictions.
    area : int
        The pixels of the true object, or of the spurious prediction.
    iou : float
        Between the object and its predictions, united; 0 where one is missing.
    missed : dict
        Pixels by cause: ``"class"``, ``"thin"``, ``"piece"``, ``"hole"``, ``"boundary"``,
        ``"other"``. Their sum is what the object lost.
    spurious : dict
        Pixels by cause: ``"boundary"``, ``"filled"``, ``"bleeding"``, ``"background"``. Their sum
        is what was predicted beside the object.
    bleeding_into : dict
        For the true objects that it bleeds into, by their indices, the number of pixels, the most
        first. A pixel of two objects counts for both.
    """

    kind: str
    truth: int | None
    predicted: tuple[int, ...]
    area: int
    iou: float
    missed: dict[str, int]
    spurious: dict[str, int]
    bleeding_into: dict[int, int]

    @property
    def error(self) -> int:
        """All pixels that are wrong, missed or spurious."""
        return sum(self.missed.values()) + sum(self.spurious.values())

    @property
    def rank(self) -> tuple[float, int]:
        """Sort the worst first: by IoU, that of another class being nothing, then by the error."""
        return (0.0 if self.kind == "confused" else self.iou), -self.error

    def to_dict(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        into = [{"truth": key, "pixels": value} for key, value in self.bleeding_into.items()]
        return {
            "kind": self.kind,
            "truth": self.truth,
            "predicted": list(self.predicted),
            "area": self.area,
            "iou": self.iou,
            "missed": self.missed,
            "spurious": self.spurious,
            "bleeding_into": into,
        }


@dataclass(frozen=True)
class Diagnosis:
    """What :func:`segcore.diagnose` found.

    Attributes
    ----------
    findings : list of Finding
        The true objects in their order, but for crowds, then the spurious predictions.
    parts : dict of Cause to Masks
        For each cause the pixels that have it: one mask a finding. They share no pixel.
    thin_width, boundary_distance : int
        The pixels that were meant.
    """

    findings: list[Finding]
    parts: dict[Cause, Masks]
    thin_width: int
    boundary_distance: int

    def worst(self) -> list[int]:
        """Give the indices of the findings, the worst first: by their ranks."""
        return sorted(range(len(self.findings)), key=lambda i: self.findings[i].rank)

    def totals(self) -> dict[Cause, int]:
        """Add up the wrong pixels of each cause."""
        return {cause: int(self.parts[cause].area.sum()) for cause in CAUSES}

    def to_dict(self) -> dict[str, Any]:
        """Give it ready for JSON, without masks."""
        return {
            "thin_width": self.thin_width,
            "boundary_distance": self.boundary_distance,
            "findings": [finding.to_dict() for finding in self.findings],
        }
