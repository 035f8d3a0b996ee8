"""Why pixels are wrong: each missed pixel and each spurious one has one cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.diagnosis.windows import Windows, joint_boxes, longest_diagonal
from segcore.masks import Masks, united
from segcore.ops.morphology import dilate, erode
from segcore.ops.pairs import intersect_each
from segcore.ops.regions import fill_holes, holes, thin_parts

Rows: TypeAlias = NDArray[np.intp]


class Cause(NamedTuple):
    """A cause: its name, its title in tables, and its colour in images, RGB."""

    name: str
    spurious: bool
    title: str
    color: tuple[int, int, int]

    @property
    def shallow(self) -> bool:
        """Whether nearly every prediction has such pixels, so that other causes are named first."""
        return self.name in ("boundary", "other")


# A pixel has the first of these that is true of it. Most colours are those of Okabe and Ito (2008),
# which the colour-blind can tell apart: what was lost is warm, what was added is blue or green, and
# only what is wrong at the boundary is grey.
CAUSES = (
    Cause("class", False, "other class", (204, 121, 167)),
    Cause("merged", False, "merged", (118, 42, 131)),
    Cause("component", False, "missing component", (230, 159, 0)),
    Cause("thin", False, "thin part", (213, 94, 0)),
    Cause("hole", False, "hole", (240, 228, 66)),
    Cause("part", False, "lost part", (178, 0, 38)),
    Cause("boundary", False, "boundary", (110, 116, 124)),
    Cause("other", False, "other", (0, 0, 0)),
    Cause("duplicate", True, "duplicate", (37, 52, 148)),
    Cause("boundary", True, "boundary", (214, 222, 235)),
    Cause("bleeding", True, "bleeding", (0, 114, 178)),
    Cause("filled", True, "filled hole", (0, 158, 115)),
    Cause("background", True, "no object", (86, 180, 233)),
)


def causes_of(
    truth: Masks,
    predicted: Masks,
    kinds: NDArray[np.str_],
    objects: Masks,
    thin_width: int,
    boundary_distance: int,
) -> dict[Cause, Masks]:
    """Divide the wrong pixels of each finding by cause.

    Parameters
    ----------
    truth, predicted : Masks
        N masks each, one per finding: its object, and its predictions, united; empty where there
        is none. The prediction of a merged object is cut to the object.
    kinds : numpy.ndarray
        str (N,): the kinds of the findings.
    objects : Masks
        One mask: all true objects, united.
    thin_width, boundary_distance : int
        In pixels, as for :func:`segcore.diagnose`.

    Returns
    -------
    dict of Cause to Masks
        N masks per cause. Those of one finding share no pixel.
    """
    boxes = joint_boxes(truth, predicted)
    # No two pixels of a finding are farther apart than this, so greater distances are all alike.
    reach = longest_diagonal(boxes) + 1
    distance = min(boundary_distance, reach)
    width = min(thin_width, 2 * reach + 1)
    windows = Windows(boxes, max(width, distance) + 1, truth.size)
    true, found = windows.enter(truth), windows.enter(predicted)
    missed = _missed(true, found, kinds, width, distance)
    spurious = _spurious(true, found, kinds, distance)
    parts = {
        cause: windows.leave((spurious if cause.spurious else missed)[cause.name])
        for cause in CAUSES
        if cause.name in (spurious if cause.spurious else missed)
    }
    outside = windows.leave(spurious["outside"])
    bleeding = intersect_each(outside, objects, np.zeros(len(truth), np.int64))
    filled = windows.leave(spurious["holes"]) - bleeding
    rest = {"bleeding": bleeding, "filled": filled, "background": outside - bleeding - filled}
    return {cause: parts[cause] if cause in parts else rest[cause.name] for cause in CAUSES}


def _missed(
    truth: Masks, predicted: Masks, kinds: NDArray[np.str_], width: int, distance: int
) -> dict[str, Masks]:
    """Divide the missed pixels by cause."""
    covered = truth & predicted
    division = _Division(_rows_where(truth - predicted, kinds != "duplicate"))
    division.set("class", _rows_where(covered, kinds == "confused"))
    division.set("merged", _rows_where(covered, kinds == "merged"))
    division.take("component", lambda at: _missing_components(truth[at], covered[at]))
    lost = division.apart(lambda at, left: _lost(left, covered[at], distance))
    thin = _thin(lost, truth, width)
    division.take("thin", lambda at: thin[at])
    division.take("hole", lambda at: _holes_inside(truth[at], predicted[at]))
    division.take("part", lambda at: lost[at])
    division.take("boundary", lambda at: truth[at] - erode(truth[at], distance, "disc"))
    return {**division.parts, "other": division.left}


def _spurious(
    truth: Masks, predicted: Masks, kinds: NDArray[np.str_], distance: int
) -> dict[str, Masks]:
    """Divide the spurious pixels by cause, as far as the object itself decides.

    The others are ``"outside"``; ``"holes"`` are those of them in a hole of the object.
    """
    division = _Division(predicted - truth)
    division.set("duplicate", _rows_where(truth & predicted, kinds == "duplicate"))
    division.take("boundary", lambda at: dilate(truth[at], distance, "disc"))
    holes_left = division.apart(lambda at, left: left & fill_holes(truth[at]))
    return {**division.parts, "outside": division.left, "holes": holes_left}


class _Division:
    """Wrong pixels, divided by cause: ``parts`` have one, ``left`` have none yet.

    Parameters
    ----------
    errors : Masks
        The wrong pixels of N findings.
    """

    def __init__(self, errors: Masks) -> None:
        self.left = errors
        self.parts: dict[str, Masks] = {}

    def set(self, name: str, part: Masks) -> None:
        """Say which pixels have a cause."""
        self.parts[name] = part

    def apart(self, area_of: Callable[[Rows, Masks], Masks]) -> Masks:
        """Compute masks from the findings that have pixels left; the others' are empty."""
        at = np.flatnonzero(self.left.area)
        if not len(at):
            return self.left
        return united(area_of(at, self.left[at]), at, len(self.left))

    def take(self, name: str, area_of: Callable[[Rows], Masks]) -> None:
        """Give a cause to the pixels left in an area, computed where there are such."""
        self.parts[name] = self.apart(lambda at, left: left & area_of(at))
        self.left = self.left - self.parts[name]


def _rows_where(masks: Masks, flags: NDArray[np.bool_]) -> Masks:
    """Empty the masks whose flag is not set."""
    if flags.all():
        return masks
    at = np.flatnonzero(flags)
    return united(masks[at], at, len(masks))


def _missing_components(truth: Masks, found: Masks) -> Masks:
    """Keep components of which less than half was found, or nothing if there is only one."""
    parts, parents = truth.components()
    area = intersect_each(parts, found, parents).area
    several = np.bincount(parents, minlength=len(truth))[parents] > 1
    missing = np.flatnonzero(np.where(several, 2 * area < parts.area, area == 0))
    return united(parts[missing], parents[missing], len(truth))


def _lost(missed: Masks, found: Masks, distance: int) -> Masks:
    """Keep missed pixels that are far from all that was found, and those near such a pixel."""
    far = missed - dilate(found, distance, "disc")
    return missed & dilate(far, distance, "disc")


def _thin(lost: Masks, truth: Masks, width: int) -> Masks:
    """Keep the lost parts of which more than half lies in thin parts of the objects."""
    at = np.flatnonzero(lost.area)
    if not len(at):
        return lost
    parts, parents = lost[at].components()
    inside = intersect_each(parts, thin_parts(truth[at], width), parents).area
    chosen = np.flatnonzero(2 * inside > parts.area)
    return united(parts[chosen], at[parents[chosen]], len(lost))


def _holes_inside(truth: Masks, predicted: Masks) -> Masks:
    """Keep the holes of predictions of which more than half lies in the objects."""
    parts, parents = holes(predicted)
    inside = np.flatnonzero(2 * intersect_each(parts, truth, parents).area > parts.area)
    return united(parts[inside], parents[inside], len(truth))
