"""Results of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from segcore.diagnosis.causes import CAUSES, Cause
from segcore.diagnosis.match import EXTRA
from segcore.masks import Masks


@dataclass(frozen=True)
class Finding:
    """A true object and its predictions, or a prediction without an object of its own.

    Attributes
    ----------
    kind : str
        Of a true object:

        - ``"matched"``: one prediction of its class belongs to it;
        - ``"split"``: several predictions of its class belong to it, each to a part of it;
        - ``"confused"``: a prediction of another class belongs to it, and all its pixels are wrong;
        - ``"merged"``: it has no prediction of its own, but lies in one that covers another object
          as well (two in one);
        - ``"missed"``: none of these.

        Of a prediction:

        - ``"spurious"``: it belongs to no true object;
        - ``"duplicate"``: its object has a better prediction.
    truth : int or None
        Index of the true object; for a duplicate, of the object predicted twice. None for a
        spurious prediction.
    predicted : tuple of int
        Indices of the predictions.
    area : int
        Number of pixels of the true object, or of the spurious or duplicate prediction.
    iou : float
        IoU of the object and the union of its predictions; 0 if one of them is missing.
    missed : dict
        Missed pixels by cause: ``"class"``, ``"merged"``, ``"component"``, ``"thin"``, ``"hole"``,
        ``"part"``, ``"boundary"``, ``"other"``. They add up to all missed pixels of the object.
    spurious : dict
        Spurious (false-positive) pixels by cause: ``"duplicate"``, ``"boundary"``,
        ``"bleeding"``, ``"filled"``, ``"background"``. They add up to all pixels predicted outside
        of the object.
    bleeding_into : dict
        Number of pixels that bleed into each other true object, by its index, in decreasing order.
        A pixel in two objects counts for both.
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
        """Whether this is about a spurious or duplicate prediction instead of a true object."""
        return self.kind in EXTRA

    @property
    def score(self) -> float:
        """The IoU that counts in the mean: 0 unless the object is matched or split."""
        return self.iou if self.kind in ("matched", "split") else 0.0

    @property
    def error(self) -> int:
        """Number of wrong pixels, missed or spurious."""
        return sum(self.missed.values()) + sum(self.spurious.values())

    @property
    def rank(self) -> tuple[float, int]:
        """Sort key from the worst on: ascending `score`, then descending `error`."""
        return self.score, -self.error

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict."""
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
        One per true object except crowds, in order; then one per spurious or duplicate prediction,
        in order.
    parts : dict of Cause to Masks
        The pixels of each cause: one mask per finding. The masks of one finding are disjoint.
    thin_width, boundary_distance : int
        The distances used, in pixels.
    below_threshold : tuple of int
        Indices of the predictions that were left out because of their scores.
    """

    findings: list[Finding]
    parts: dict[Cause, Masks]
    thin_width: int
    boundary_distance: int
    below_threshold: tuple[int, ...] = ()

    def worst(self) -> list[int]:
        """Return the indices of the findings, sorted by rank: the worst first."""
        return sorted(range(len(self.findings)), key=lambda i: self.findings[i].rank)

    def totals(self) -> dict[Cause, int]:
        """Return the number of wrong pixels per cause."""
        return {cause: int(self.parts[cause].area.sum()) for cause in CAUSES}

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready dict, without the masks."""
        return {
            "thin_width": self.thin_width,
            "boundary_distance": self.boundary_distance,
            "below_threshold": list(self.below_threshold),
            "findings": [finding.to_dict() for finding in self.findings],
        }
