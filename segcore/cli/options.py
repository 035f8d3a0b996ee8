"""Options and arguments that several commands have, and their types."""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from segcore._input.extras import require
from segcore.cli.failures import BadInput
from segcore.data.coco.stream import Progress
from segcore.data.per_image.reading import ReadOptions
from segcore.distributed import MAX_WORKERS


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


def _check_ids(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Return the code of ids of a class and an instance, or the number of ids per class."""
    if value is not None and not re.fullmatch(r"cityscapes|two-channels|[1-9][0-9]{0,8}", value):
        raise click.BadParameter(
            f"expected cityscapes, two-channels or a number, got {value}", context, option
        )
    return value


class FiniteNumber(click.types.FloatParamType):
    """A number, excluding NaN and infinity."""

    def convert(self, value: Any, param: Any, context: Any) -> Any:
        """Return the number."""
        number = super().convert(value, param, context)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number.", param, context)
        return number


PATH = _GivenPath()
FILE = _GivenPath(file=True)
LABEL = click.IntRange(-(2**31), 2**31 - 1)
MAX_PIXELS = 2**20
"""The greatest width or distance in pixels."""


@dataclass(frozen=True)
class Common:
    """The values of the options that all commands on data sets have: see `common_options`."""

    format: str | None = None
    dataset: Path | None = None
    background: int | None = None
    ignore: tuple[int, ...] = ()
    colors: Path | None = None
    ids: str | None = None
    boxes: bool = False
    crowd_as_object: bool = False
    skip_invalid: bool = False
    strict: bool = False
    report: Path | None = None
    overwrite: bool = False
    workers: int | None = None
    dask: str | None = None

    @contextmanager
    def engine(self) -> Iterator[dict[str, Any]]:
        """Return the arguments of `segcore.distributed.run` that say what runs a job."""
        if self.dask is None:
            yield {"workers": self.workers}
            return
        distributed = require("distributed", "distributed", "dask", "--dask")
        try:
            client = distributed.Client(self.dask)
        except Exception as error:  # of many types, AssertionError among them
            reason = str(error) or type(error).__name__
            raise BadInput(f"--dask: cannot connect to {self.dask}: {reason}") from error
        with client:
            yield {"client": client}

    def reading(self, progress: Progress | None = None, folder: Path | None = None) -> ReadOptions:
        """Return how the data set is read; `folder` has the PNGs of a panoptic file."""
        labels = {
            "background": self.background,
            "ignore": self.ignore or None,
            "colors": self.colors,
            "ids": self.ids,
        }
        given = {name: value for name, value in labels.items() if value is not None}
        return ReadOptions(self.format, folder, self.boxes, self.crowd_as_object, given, progress)


_COMMON = {
    "format": click.option(
        "--from",
        "format",
        metavar="FORMAT",
        help="The format of the data set, such as yolo or coco.  [default: recognized]",
    ),
    "dataset": click.option(
        "--dataset",
        type=PATH,
        help="The data set with the images and categories of COCO results, which are a list, or "
        "with the sizes of the images of YOLO and Kaggle.",
    ),
    "background": click.option(
        "--background", type=LABEL, help="The background of label maps.  [default: 0]"
    ),
    "ignore": click.option(
        "--ignore",
        type=LABEL,
        multiple=True,
        help="Another label to leave out of label maps; may be given more than once.  [default: "
        "255, unless classes.json lists it or the masks are binary]",
    ),
    "colors": click.option(
        "--colors",
        type=PATH,
        help="The table of the colors of RGB label maps: lines name:r,g,b.  [default: labelmap.txt "
        "or another table beside them]",
    ),
    "ids": click.option(
        "--ids",
        callback=_check_ids,
        metavar="cityscapes|two-channels|N",
        help="Labels of label maps are ids of a class and an instance: as in Cityscapes, as in the "
        "2-channel PNGs of panopticapi, or class * N + instance.  [default: classes]",
    ),
    "boxes": click.option(
        "--boxes", is_flag=True, help="Take the box of an annotation without a mask as its mask."
    ),
    "crowd_as_object": click.option(
        "--crowd-as-object", is_flag=True, help="Take crowds (iscrowd 1) as objects like others."
    ),
    "skip_invalid": click.option(
        "--skip-invalid",
        is_flag=True,
        help="Leave out invalid images and annotations, and list them at the end, instead of "
        "stopping at the first one.",
    ),
    "strict": click.option(
        "--strict",
        is_flag=True,
        help="Exit with 3, and write nothing, if anything is skipped, not read, or left out "
        "without an option that asks for it.",
    ),
    "report": click.option(
        "--json",
        "report",
        type=FILE,
        help="Write all numbers, and what is left out, to this file, as JSON.",
    ),
    "overwrite": click.option(
        "--overwrite",
        is_flag=True,
        help="Also replace existing files that segcore did not write. Input files are never "
        "replaced.",
    ),
    "workers": click.option(
        "--workers",
        type=click.IntRange(1, MAX_WORKERS),
        help="The number of processes; the result does not depend on it.  [default: one per core]",
    ),
    "dask": click.option(
        "--dask",
        metavar="ADDRESS",
        help="The address of a Dask scheduler, such as tcp://host:8786, whose workers do the work.",
    ),
}
OVERWRITE = _COMMON["overwrite"]
ENGINE = "workers", "dask"
"""The options of commands that run on several cores or a cluster."""


def common_options(*without: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that adds the common options, and passes them as ``common``.

    Parameters
    ----------
    *without : str
        Names of the attributes of `Common` that the command does not have as options.
    """

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def call(**values: Any) -> None:
            if values.get("dask") is not None:  # workers have working folders of their own
                values = {
                    name: value.absolute() if isinstance(value, Path) else value
                    for name, value in values.items()
                }
            given = {f.name: values.pop(f.name) for f in fields(Common) if f.name not in without}
            function(common=Common(**given), **values)

        decorated = call
        for name, option in reversed(_COMMON.items()):
            if name not in without:
                decorated = option(decorated)
        return decorated

    return decorate


OUTPUT_FOLDER = click.option(
    "-o", "--output", "folder", type=PATH, required=True, help="The folder for the maps."
)
RESUME = click.option(
    "--resume",
    metavar="FOLDER",
    type=PATH,
    help="Keep what is finished in this folder until the command has succeeded. If it was ended, "
    "the same command continues from there.",
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
PREDICTION_FORMAT = click.option(
    "--pred-from",
    "prediction_format",
    metavar="FORMAT",
    help="The format of the prediction.  [default: recognized]",
)
SCORE = click.option(
    "--score", type=FiniteNumber(), help="Leave out predictions with a lower score than this."
)
SCORE_OF_FINDINGS = click.option(
    "--score",
    type=FiniteNumber(),
    help="Leave out predictions with a lower score than this from the findings; they count in "
    "average precision.",
)
ONLY_PREDICTED = click.option(
    "--only-predicted",
    is_flag=True,
    help="Leave out images without predictions. Otherwise their objects count as missed.",
)


@dataclass(frozen=True)
class FindingOptions:
    """The options of outputs on findings.

    Attributes
    ----------
    page, spreadsheet : Path, optional
        The HTML page and the CSV file to write.
    worst : tuple of int and Path, optional
        Number of the worst objects, and the folder to write them to.
    images : Path, optional
        The folder with the photographs.
    """

    page: Path | None = None
    spreadsheet: Path | None = None
    worst: tuple[int, Path] | None = None
    images: Path | None = None

    def __post_init__(self) -> None:
        """Raise BadInput for photographs that nothing shows."""
        if self.images and not (self.page or self.worst):
            raise BadInput(
                "--images: photographs are shown in pages and crops; pass --html or "
                "--export-worst, too"
            )

    def __bool__(self) -> bool:
        """Return whether there is any output."""
        return bool(self.page or self.spreadsheet or self.worst)


def finding_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options of outputs on findings, and pass them as ``written``."""

    @functools.wraps(function)
    def call(**values: Any) -> None:
        given = {f.name: values.pop(f.name) for f in fields(FindingOptions)}
        function(written=FindingOptions(**given), **values)

    decorated: Callable[..., None] = call
    for option in reversed(_FINDINGS):
        decorated = option(decorated)
    return decorated


_FINDINGS = (
    click.option(
        "--html",
        "page",
        type=FILE,
        help="Write an HTML page: the worst objects of all images with filters, scores, causes, "
        "confusions of classes, and the images. Images of more than 50 MB are in a folder beside "
        "it, PAGE_files.",
    ),
    click.option(
        "--csv", "spreadsheet", type=FILE, help="Write all findings to this file, as CSV."
    ),
    click.option(
        "--export-worst",
        "worst",
        type=(click.IntRange(1, 10_000), PATH),
        metavar="N FOLDER",
        help="Write the N worst objects to a folder: a COCO file, worst.json, and cropped images.",
    ),
    IMAGES,
)
