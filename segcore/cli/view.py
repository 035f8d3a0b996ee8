"""``segcore view``: masks and predictions as one HTML file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from segcore._text import counted
from segcore.cli.command import Command, running
from segcore.cli.options import Common
from segcore.cli.page import Page
from segcore.cli.progress import print_note
from segcore.data.files.photographs import Photographs
from segcore.data.per_image.instance_set import instance_sets, read_two
from segcore.data.per_image.reading import read_dataset
from segcore.data.problems import Problems
from segcore.show.report.pairs import ImagePairs


def write_view(
    source: Path,
    target: Path,
    *,
    prediction: Path | None,
    prediction_format: str | None,
    images: Path | None,
    folders: tuple[Path | None, Path | None],
    score: float | None,
    only_predicted: bool,
    common: Common,
) -> None:
    """Run ``segcore view``. Raises BadInput or DatasetError for unusable input."""
    with running(common, source, prediction, *folders, photographs=images) as command:
        page = Page(command, target)
        pairs = read_pairs(
            command,
            (source, prediction),
            prediction_format,
            folders,
            common.dataset,
            {"score_threshold": score},
            only_predicted,
        )
        photographs = Photographs(images, command.problems) if images else None
        page.write(source.name, pairs, pairs.images(photographs))
        command.numbers = {"images": pairs.shown}
    page.print()
    print_missing(photographs)
    print_unpredicted(pairs)
    command.print_left_out()


def read_pairs(
    command: Command,
    paths: tuple[Path, Path | None],
    prediction_format: str | None,
    folders: tuple[Path | None, Path | None],
    known_path: Path | None,
    options: dict[str, Any],
    only_predicted: bool,
    problems: Problems | None = None,
) -> ImagePairs:
    """Read a truth and, if given, a prediction; by default, with the problems of the command."""
    problems = command.problems if problems is None else problems
    with command.reading() as reading:
        known = None if known_path is None else read_dataset(known_path, problems)
        both = (
            replace(reading, folder=folders[0]),
            replace(reading, folder=folders[1], format=prediction_format),
        )
        found = read_two(paths, problems, both, known)
    truth, prediction = instance_sets(paths, found, problems, known)
    compared = None if paths[1] is None else prediction
    return ImagePairs(truth, compared, problems, options, only_predicted)


def print_missing(photographs: Photographs | None) -> None:
    """Print how many photographs are missing."""
    if photographs and photographs.missing:
        missing = counted(photographs.missing, "image")
        print_note(f"{missing} without a photograph in {photographs.folder}")


def print_unpredicted(pairs: ImagePairs) -> None:
    """Print how many objects count as missed because their images have no predictions."""
    if pairs.compared and pairs.unpredicted_objects and not pairs.left_out:
        print_note(
            f"{counted(pairs.unpredicted, 'image')} of {pairs.shown:,} without predictions: "
            f"{counted(pairs.unpredicted_objects, 'object')} in them counted as missed "
            "(--only-predicted leaves these images out)"
        )
