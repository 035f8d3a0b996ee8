"""The result of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from segcore.diagnosis.causes import CAUSES, Cause
from segcore.diagnosis.match import EXTRA
from segcore.masks import Masks


@dataclass(frozen=True)
class Finding:
    """One true object and its predictions, or one prediction that no object is left for.

    Attributes
    ----------
    kind : str
        Of a true object:

        - ``"matched"``: one prediction of its class belongs to it;
        - ``"split"``: several do, each of which has a part of it;
        - ``"confused"``: a prediction of another class does. All its pixels are wrong then;
        - ``"merged"``: it has no prediction of its own, but lies in one that covers another object,
          too (two in one);
        - ``"missed"``: none of these.

        Of a prediction:

        - ``"spurious"``: it belongs to no true object;
        - ``"duplicate"``: its object has a better prediction.
    truth : int or None
        The index of the true object; of a duplicate, that of the object predicted twice. None for
        a spurious prediction.
    predicted : tuple of int
        The indices of the predictions.
    area : int
        The pixels of the true object, or of the spurious or duplicate prediction.
    iou : float
        Between the object and its predictions, united; 0 where one is missing.
    missed : dict
        Missed pixels by cause: ``"class"``, ``"merged"``, ``"component"``, ``"thin"``, ``"hole"``,
        ``"part"``, ``"boundary"``, ``"other"``. Their sum is what the object lost.
    spurious : dict
        Spurious (false-positive) pixels by cause: ``"duplicate"``, ``"boundary"``,
        ``"bleeding"``, ``"filled"``, ``"background"``. Their sum is what was predicted outside of
        the object.
    bleeding_into : dict
        The pixels that bleed into each other true object, by its index, the most first. A pixel of
        two objects counts for both.
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
    def extra(self) -> bool:
        """Whether it is about a prediction, spurious or duplicate, not about a true object."""
        return self.kind in EXTRA

    @property
    def score(self) -> float:
        """The IoU that counts in means: 0 unless the object is matched or split."""
        return self.iou if self.kind in ("matched", "split") else 0.0

    @property
    def error(self) -> int:
        """All wrong pixels, missed or spurious."""
        return sum(self.missed.values()) + sum(self.spurious.values())

    @property
    def rank(self) -> tuple[float, int]:
        """A sort key that puts the worst first: by the IoU that counts, then by wrong pixels."""
        return self.score, -self.error

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that is ready for JSON."""
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
    """The result of :func:`segcore.diagnose`.

    Attributes
    ----------
    findings : list of Finding
        The true objects in their order, without crowds; then the spurious and duplicate
        predictions in theirs.
    parts : dict of Cause to Masks
        For each cause, the pixels that have it: one mask per finding. Those of a finding share no
        pixel.
    thin_width, boundary_distance : int
        The widths that were used, in pixels.
    below_threshold : int
        How many predictions were left out because of their scores.
    """

    findings: list[Finding]
    parts: dict[Cause, Masks]
    thin_width: int
    boundary_distance: int
    below_threshold: int = 0

    def worst(self) -> list[int]:
        """Return the indices of the findings, the worst first: by their ranks."""
        return sorted(range(len(self.findings)), key=lambda i: self.findings[i].rank)

    def totals(self) -> dict[Cause, int]:
        """Count the wrong pixels of each cause."""
        return {cause: int(self.parts[cause].area.sum()) for cause in CAUSES}

    def to_dict(self) -> dict[str, Any]:
        """Return a dict that is ready for JSON, without masks."""
        return {
            "thin_width": self.thin_width,
            "boundary_distance": self.boundary_distance,
            "below_threshold": self.below_threshold,
            "findings": [finding.to_dict() for finding in self.findings],
        }
