"""Why pixels are wrong: each missed pixel and each spurious one has one cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from segcore.masks import Masks
from segcore.ops.morphology import dilate, erode
from segcore.ops.regions import fill_holes, thin_parts, united


class Cause(NamedTuple):
    """A cause: its name, what it is called in tables, and its colour in pictures, RGB."""

    name: str
    spurious: bool
    title: str
    color: tuple[int, int, int]


# A pixel has the first of these that is true of it. The colours are those of Okabe and Ito (2008),
# which the colour-blind can tell apart.
CAUSES = (
    Cause("class", False, "other class", (204, 121, 167)),
    Cause("thin", False, "thin part", (213, 94, 0)),
    Cause("piece", False, "lost piece", (230, 159, 0)),
    Cause("hole", False, "hole", (240, 228, 66)),
    Cause("boundary", False, "boundary", (110, 116, 124)),
    Cause("other", False, "other", (0, 0, 0)),
    Cause("boundary", True, "boundary", (214, 222, 235)),
    Cause("filled", True, "filled hole", (0, 158, 115)),
    Cause("bleeding", True, "bleeding", (0, 114, 178)),
    Cause("background", True, "no object", (86, 180, 233)),
)


def causes_of(
    truth: Masks,
    predicted: Masks,
    confused: NDArray[np.bool_],
    objects: Masks,
    thin_width: int,
    boundary_distance: int,
) -> dict[Cause, Masks]:
    """Divide what was missed of each object, and what was predicted beside it, by cause.

    Parameters
    ----------
    truth, predicted : Masks
        N masks each, element by element of one object; empty where there is none.
    confused : numpy.ndarray
        bool (N,): whether the prediction is of another class, so that all of it is wrong.
    objects : Masks
        One mask: all true objects, united.
    thin_width, boundary_distance : int
        In pixels, as for :func:`segcore.diagnose`.

    Returns
    -------
    dict of Cause to Masks
        N masks each, which share no pixel.
    """
    nothing = truth - truth
    chosen = np.arange(len(truth)) + np.where(confused, len(truth), 0)
    of_other_class = Masks.concatenate([nothing, truth & predicted])[chosen]

    # Each is worked out only where there are pixels left that it may be the cause of.
    missed: dict[str, Callable[[NDArray[np.intp]], Masks]] = {
        "thin": lambda at: thin_parts(truth[at], thin_width),
        "piece": lambda at: _lost_components(truth[at], predicted[at]),
        "hole": lambda at: fill_holes(predicted[at]) - predicted[at],
        "boundary": lambda at: (
            truth[at] - erode(truth[at], boundary_distance, "disc", outside=True)
        ),
    }
    spurious: dict[str, Callable[[NDArray[np.intp]], Masks]] = {
        "boundary": lambda at: dilate(truth[at], boundary_distance, "disc"),
        "filled": lambda at: fill_holes(truth[at]) - truth[at],
        "bleeding": lambda at: objects,
    }
    of_missed = _divided(truth - predicted, missed)
    of_missed["class"] = of_other_class
    of_missed["other"] = of_missed.pop("rest")
    of_spurious = _divided(predicted - truth, spurious)
    of_spurious["background"] = of_spurious.pop("rest")
    return {cause: (of_spurious if cause.spurious else of_missed)[cause.name] for cause in CAUSES}


def _divided(
    errors: Masks, causes: dict[str, Callable[[NDArray[np.intp]], Masks]]
) -> dict[str, Masks]:
    """Give each pixel of the errors to the first cause that it has; the others are the rest."""
    parts = {}
    for name, area_of in causes.items():
        at = np.flatnonzero(errors.area)
        part = errors[at] & area_of(at)
        parts[name] = united(part, at, len(errors))
        errors = errors - parts[name]
    return {**parts, "rest": errors}


def _lost_components(truth: Masks, predicted: Masks) -> Masks:
    """Keep the components of true masks of which less than half was found."""
    parts, parents = truth.components()
    lost = np.flatnonzero(2 * (parts & predicted[parents]).area < parts.area)
    return united(parts[lost], parents[lost], len(truth))
