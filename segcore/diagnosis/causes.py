"""Causes of wrong pixels: exactly one per missed or spurious pixel."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from segcore.diagnosis.windows import Canvas, Windows, joint_boxes, longest_diagonal
from segcore.masks import Masks, united
from segcore.ops.morphology import dilate, erode
from segcore.ops.pairs import intersect_each
from segcore.ops.regions import fill_holes, holes, thin_parts

Rows: TypeAlias = NDArray[np.intp]


class Cause(NamedTuple):
    """A cause of wrong pixels.

    Attributes
    ----------
    name : str
        Name, such as "thin"; see :func:`segcore.diagnose`. "boundary" is the name of two causes.
    spurious : bool
        Whether the cause applies to spurious (false-positive) pixels instead of missed pixels.
    title : str
        Title in tables, such as "thin part".
    color : tuple of int
        RGB color in images, from 0 to 255.
    """

    name: str
    spurious: bool
    title: str
    color: tuple[int, int, int]

    @property
    def common(self) -> bool:
        """Whether nearly all predictions have such pixels. Reports list these causes last."""
        return self.name in ("boundary", "other")


# The first cause that applies to a pixel counts. Most colors are those of Okabe and Ito (2008),
# which are safe for the color-blind: warm for missed pixels, blue or green for spurious ones, and
# gray at the boundary.
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
    canvas: Canvas,
    images: NDArray[np.int64],
) -> dict[Cause, Masks]:
    """Divide the wrong pixels of each finding by cause.

    Parameters
    ----------
    truth, predicted : Masks
        One mask per finding each: its object, and the union of its predictions; empty without
        them. The prediction of a merged object is cropped to the object.
    kinds : numpy.ndarray
        Kinds of the findings: str, shape (N,).
    objects : Masks
        The union of all true objects: one mask.
    thin_width, boundary_distance : int
        As in :func:`segcore.diagnose`, in pixels.
    canvas : Canvas
        The images, in which all of the masks are.
    images : numpy.ndarray
        Index of the image of each finding: int64, shape (N,).

    Returns
    -------
    dict of Cause to Masks
        N masks per cause. The masks of one finding are disjoint.
    """
    boxes = joint_boxes(truth, predicted)
    # No two pixels of a finding are farther apart, so greater distances have the same effect.
    reach = longest_diagonal(boxes) + 1
    distance = min(boundary_distance, reach)
    width = min(thin_width, 2 * reach + 1)
    windows = Windows(boxes, max(width, distance) + 1, canvas, images)
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
    division.take("component", lambda rows: _missing_components(truth[rows], covered[rows]))
    lost = division.apart(lambda rows, left: _lost(left, covered[rows], distance))
    thin = _thin(lost, truth, width)
    division.take("thin", lambda rows: thin[rows])
    division.take("hole", lambda rows: _holes_inside(truth[rows], predicted[rows]))
    division.take("part", lambda rows: lost[rows])
    division.take("boundary", lambda rows: truth[rows] - erode(truth[rows], distance, "disc"))
    return {**division.parts, "other": division.left}


def _spurious(
    truth: Masks, predicted: Masks, kinds: NDArray[np.str_], distance: int
) -> dict[str, Masks]:
    """Divide the spurious pixels by the causes that depend on the finding's own object alone.

    The remaining pixels are ``"outside"``; ``"holes"`` are those of them in holes of the object.
    """
    division = _Division(predicted - truth)
    division.set("duplicate", _rows_where(truth & predicted, kinds == "duplicate"))
    division.take("boundary", lambda rows: dilate(truth[rows], distance, "disc"))
    holes_left = division.apart(lambda rows, left: left & fill_holes(truth[rows]))
    return {**division.parts, "outside": division.left, "holes": holes_left}


class _Division:
    """Division of wrong pixels by cause.

    ``parts`` are the pixels with a cause, by its name; ``left`` are those without one so far.

    Parameters
    ----------
    errors : Masks
        The wrong pixels of N findings.
    """

    def __init__(self, errors: Masks) -> None:
        self.left = errors
        self.parts: dict[str, Masks] = {}

    def set(self, name: str, part: Masks) -> None:
        """Set the pixels of a cause that are not taken from those left."""
        self.parts[name] = part

    def apart(self, area_of: Callable[[Rows, Masks], Masks]) -> Masks:
        """Compute masks for the findings with pixels left; the other masks are empty."""
        rows = np.flatnonzero(self.left.area)
        if not len(rows):
            return self.left
        return united(area_of(rows, self.left[rows]), rows, len(self.left))

    def take(self, name: str, area_of: Callable[[Rows], Masks]) -> None:
        """Assign a cause to the pixels left in an area, which is computed where needed."""
        self.parts[name] = self.apart(lambda rows, left: left & area_of(rows))
        self.left = self.left - self.parts[name]


def _rows_where(masks: Masks, flags: NDArray[np.bool_]) -> Masks:
    """Return the masks with those emptied whose flag is False."""
    if flags.all():
        return masks
    rows = np.flatnonzero(flags)
    return united(masks[rows], rows, len(masks))


def _missing_components(truth: Masks, found: Masks) -> Masks:
    """Keep components that are covered by less than half, or an only component not covered."""
    parts, parents = truth.components()
    area = intersect_each(parts, found, parents).area
    several = np.bincount(parents, minlength=len(truth))[parents] > 1
    missing = np.flatnonzero(np.where(several, 2 * area < parts.area, area == 0))
    return united(parts[missing], parents[missing], len(truth))


def _lost(missed: Masks, found: Masks, distance: int) -> Masks:
    """Keep missed pixels farther than `distance` from all found ones, and those around them."""
    far = missed - dilate(found, distance, "disc")
    return missed & dilate(far, distance, "disc")


def _thin(lost: Masks, truth: Masks, width: int) -> Masks:
    """Keep the lost parts that lie, by more than half, in thin parts of the objects."""
    rows = np.flatnonzero(lost.area)
    if not len(rows):
        return lost
    parts, parents = lost[rows].components()
    inside = intersect_each(parts, thin_parts(truth[rows], width), parents).area
    chosen = np.flatnonzero(2 * inside > parts.area)
    return united(parts[chosen], rows[parents[chosen]], len(lost))


def _holes_inside(truth: Masks, predicted: Masks) -> Masks:
    """Return the holes of predictions that lie, by more than half, in the objects."""
    parts, parents = holes(predicted)
    inside = np.flatnonzero(2 * intersect_each(parts, truth, parents).area > parts.area)
    return united(parts[inside], parents[inside], len(truth))
