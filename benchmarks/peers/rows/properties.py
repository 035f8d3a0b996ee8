"""Properties of masks, beside rlemasklib and scikit-image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import segcore as sc

from ...inputs import Inputs
from ..forms import Forms
from ..libraries import load
from ..row import PIPELINES, Bar, row
from ..timing import SEGCORE, Contender

PROPERTIES = ("area", "box", "centroid", "axes", "eccentricity", "extent", "perimeter", "solidity")
THEIRS = (
    *("area", "bbox", "centroid", "axis_major_length", "axis_minor_length", "eccentricity"),
    *("extent", "perimeter", "solidity"),
)


@row("centroids of 100 blobs", table=PIPELINES)
def centroids(inputs: Inputs) -> Iterator[Contender]:
    """From masks. rlemasklib returns float32, so the values are not compared."""
    forms = Forms.of_dense(inputs.blobs)

    yield Contender(SEGCORE, lambda: forms.masks.centroid, len)
    if load("rlemasklib"):
        yield Contender(
            "rlemasklib",
            lambda: [mask.centroid() for mask in forms.rlemasks],
            len,
            "RLEMask.centroid",
        )


@row("properties of cells", Bar("scikit-image", 20), table=PIPELINES, every_backend=False)
def properties(inputs: Inputs) -> Iterator[Contender]:
    """Twelve columns of a label map: areas, boxes, centroids, axes, perimeters and solidities."""
    labels = inputs.cells

    def ours() -> Any:
        return sc.measure(sc.Masks.from_label_map(labels)[1], PROPERTIES)

    yield Contender(
        SEGCORE, ours, lambda table: np.array([table["perimeter"], table["solidity"]]).round(9)
    )
    if skimage := load("skimage.measure"):
        yield Contender(
            "scikit-image",
            lambda: skimage.regionprops_table(labels, properties=THEIRS),
            lambda table: np.array([table["perimeter"], table["solidity"]]).round(9),
            "regionprops_table",
        )
