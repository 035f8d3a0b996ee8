"""Options and arguments that several commands have, and their types."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click


class _GivenPath(click.Path):
    """A path that is not empty, as in ``-o "$UNSET"``, which would be the current folder."""

    def __init__(self, file: bool = False) -> None:
        super().__init__(path_type=Path)
        self._file = file

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a Path. The path of a file must not end with a slash."""
        text = os.fspath(value)
        if not text:
            self.fail("expected a path, got an empty one", param, ctx)
        if self._file and text[-1] in {os.sep, os.altsep}:
            self.fail(f"{text}: expected a file, got a folder", param, ctx)
        return super().convert(value, param, ctx)


class Share(click.FloatRange):
    """A number from 0 to 1, excluding NaN."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: Any, context: Any) -> Any:
        """Return the number."""
        number = super().convert(value, param, context)
        if math.isnan(number):
            self.fail(f"{value} is not in the range 0<=x<=1.", param, context)
        return number


PATH = _GivenPath()
FILE = _GivenPath(file=True)
LABEL = click.IntRange(-(2**31), 2**31 - 1)
MAX_PIXELS = 2**20
"""The greatest width or distance in pixels."""

OVERWRITE = click.option(
    "--overwrite",
    is_flag=True,
    help="Also replace existing files that segcore did not write. Input files are never replaced.",
)
DATASET = click.option(
    "--dataset",
    "dataset_path",
    type=PATH,
    help="The data set with the images and categories of COCO results, which are a list.",
)
SKIP_INVALID = click.option(
    "--skip-invalid",
    is_flag=True,
    help="Leave out invalid images and annotations, and list them at the end, instead of stopping "
    "at the first one.",
)
OUTPUT_FOLDER = click.option(
    "-o", "--output", "folder", type=PATH, required=True, help="The folder for the maps."
)
IMAGES = click.option(
    "--images", type=PATH, help="A folder with the photographs, which are shown below the masks."
)
TRUTH_FOLDER = click.option(
    "--gt-folder", type=PATH, help="The PNGs of a panoptic truth, if not named after it."
)
PREDICTION_FOLDER = click.option(
    "--pred-folder", type=PATH, help="The PNGs of a panoptic prediction, if not named after it."
)
SCORE = click.option(
    "--score", type=float, help="Leave out predictions with a lower score than this."
)
ONLY_PREDICTED = click.option(
    "--only-predicted",
    is_flag=True,
    help="Leave out images without predictions. Otherwise their objects count as missed.",
)
REPORT = click.option(
    "--json", "report", type=FILE, help="Write all numbers to this file, as JSON."
)
STRICT = click.option(
    "--strict",
    is_flag=True,
    help="Exit with 3 if anything is left out, changed or not kept. Nothing is written then.",
)
