"""Results of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_integers
from segcore.diagnosis.causes import CAUSES, Cause
from segcore.diagnosis.match import EXTRA
from segcore.masks import Masks


@dataclass(frozen=True)
class Finding:
    """Result for a true object and its predictions, or for an unmatched prediction.

    Attributes
    ----------
    kind : str
        For a true object:

        - ``"matched"``: it is matched to one prediction of its class;
        - ``"split"``: several predictions of its class each cover a part of it;
        - ``"confused"``: it is matched to a prediction of another class, so all pixels of both are
          wrong;
        - ``"merged"``: it has no prediction of its own, and most of it is covered by a prediction
          that covers another object as well;
        - ``"missed"``: none of these.

        For a prediction:

        - ``"spurious"``: it is not matched to any true object;
        - ``"duplicate"``: it covers a true object that is matched to another prediction.
    truth : int or None
        Index of the true object, or of the object that a duplicate prediction duplicates; None for
        a spurious prediction.
    predicted : tuple of int
        Indices of the predictions.
    area : int
        Area in pixels of the true object, or of the spurious or duplicate prediction.
    iou : float
        IoU of the true object and the union of its predictions; 0 if there is no true object or no
        prediction.
    missed : dict of str to int
        Number of missed pixels by name of the cause: ``"class"``, ``"merged"``, ``"component"``,
        ``"thin"``, ``"hole"``, ``"part"``, ``"boundary"``, ``"other"``. They add up to all missed
        pixels of the object.
    spurious : dict of str to int
        Number of spurious (false-positive) pixels by name of the cause: ``"duplicate"``,
        ``"boundary"``, ``"bleeding"``, ``"filled"``, ``"background"``. They add up to all pixels
        predicted outside of the object.
    bleeding_into : dict of int to int
        Number of spurious pixels in each other true object that the prediction bleeds into, by
        index of the object, sorted by decreasing number. A pixel in two objects counts for both.

    Examples
    --------
    >>> import segcore as sc
    >>> truth, predicted = sc.Masks.from_boxes([[0, 0, 9, 9], [0, 0, 9, 8]], (20, 20))
    >>> finding = sc.diagnose(truth, predicted).findings[0]
    >>> finding.kind, finding.area, finding.missed["boundary"], finding.wrong_pixels
    ('matched', 81, 9, 9)
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
    def is_prediction(self) -> bool:
        """Whether the finding concerns a spurious or duplicate prediction, not a true object."""
        return self.kind in EXTRA

    @property
    def counted_iou(self) -> float:
        """`iou` if the object is matched or split, and 0 otherwise.

        The mean IoU of a report is the mean of these values over the true objects.
        """
        return self.iou if self.kind in ("matched", "split") else 0.0

    @cached_property
    def wrong_pixels(self) -> int:
        """Number of wrong pixels, missed or spurious."""
        return sum(self.missed.values()) + sum(self.spurious.values())

    @cached_property
    def rank(self) -> tuple[float, int]:
        """Sort key from worst to best: ascending `counted_iou`, then descending `wrong_pixels`."""
        return self.counted_iou, -self.wrong_pixels

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict.

        Its keys are the attributes above. ``bleeding_into`` is a list of
        ``{"truth": index, "pixels": number}``.
        """
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
        First one finding per true object that is not a crowd, in input order; then one per spurious
        or duplicate prediction, in input order.
    masks : dict of Cause to Masks
        Wrong pixels of each cause: ``len(findings)`` masks, where mask i has the pixels of finding
        i. The masks of the same finding and different causes are disjoint.
    thin_width, boundary_distance : int
        Values that were used for these arguments, in pixels.
    below_threshold : tuple of int
        Indices of the predictions that were left out because of their scores.

    Examples
    --------
    >>> import segcore as sc
    >>> parts = sc.Masks.from_boxes([[5, 5, 45, 15], [8, 15, 10, 40]], (50, 50))
    >>> result = sc.diagnose(parts.union(), parts[0])
    >>> {cause.name: pixels for cause, pixels in result.totals().items() if pixels}
    {'thin': 50}
    >>> [thin] = (masks for cause, masks in result.masks.items() if cause.name == "thin")
    >>> thin == parts[1]
    True
    """

    findings: list[Finding]
    masks: dict[Cause, Masks]
    thin_width: int
    boundary_distance: int
    below_threshold: tuple[int, ...] = ()

    def ranking(self) -> list[int]:
        """Return the indices of all findings, sorted from the worst to the best.

        Returns
        -------
        list of int
            Indices, by ascending :attr:`segcore.diagnosis.Finding.rank`.
        """
        return sorted(range(len(self.findings)), key=lambda i: self.findings[i].rank)

    def confusion(
        self, truth_classes: ArrayLike, predicted_classes: ArrayLike, num_classes: int
    ) -> NDArray[np.int64]:
        """Return the confusion matrix of the objects.

        Parameters
        ----------
        truth_classes, predicted_classes : array_like of int
            Classes of the true and the predicted masks, in [0, num_classes).
        num_classes : int
            Number of classes C.

        Returns
        -------
        numpy.ndarray
            Shape (C + 1, C + 1): element (i, j) is the number of true objects of class i that were
            predicted as class j. The last column has the true objects without a prediction of their
            own (``"missed"`` and ``"merged"``), and the last row has the predictions without an
            object (``"spurious"`` and ``"duplicate"``).

        Raises
        ------
        ValueError
            If a class is not in [0, num_classes), or there are too few classes.
        TypeError
            If classes are not integers.
        """
        true = as_integers(truth_classes, "truth_classes")
        predicted = as_integers(predicted_classes, "predicted_classes")
        matrix = np.zeros((num_classes + 1, num_classes + 1), np.int64)
        for values, name in ((true, "truth_classes"), (predicted, "predicted_classes")):
            if len(values) and not 0 <= values.min() <= values.max() < num_classes:
                raise ValueError(f"{name}: expected classes from 0 to {num_classes - 1}")
        for finding in self.findings:
            has_prediction = finding.predicted and finding.kind not in ("missed", "merged")
            row = num_classes if finding.is_prediction else true[finding.truth]
            column = predicted[finding.predicted[0]] if has_prediction else num_classes
            matrix[row, column] += 1
        return matrix

    def totals(self) -> dict[Cause, int]:
        """Return the number of wrong pixels per cause, summed over all findings.

        Returns
        -------
        dict of Cause to int
            One item per element of :data:`segcore.diagnosis.CAUSES`, also for those without pixels.
        """
        return {
            cause: sum(
                (finding.spurious if cause.spurious else finding.missed)[cause.name]
                for finding in self.findings
            )
            for cause in CAUSES
        }

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-serializable dict without the masks.

        Returns
        -------
        dict
            With the keys ``thin_width``, ``boundary_distance``, ``below_threshold`` and
            ``findings``, a list of :meth:`segcore.diagnosis.Finding.to_dict`.
        """
        return {
            "thin_width": self.thin_width,
            "boundary_distance": self.boundary_distance,
            "below_threshold": list(self.below_threshold),
            "findings": [finding.to_dict() for finding in self.findings],
        }
