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
from segcore.show.report.collect import Collector, Consumer
from segcore.show.report.pairs import ImagePairs, PairCounts


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
        photographs = Photographs(images) if images else None
        with page.writing(source.name, pairs) as consumer:
            counts = collect(command, pairs, command.problems, [consumer], photographs, "Drawing")
        command.numbers = {"images": counts.shown}
    page.print()
    if photographs is not None:
        print_missing(counts.missing_photographs, photographs)
    if prediction is not None:
        print_unpredicted(counts)
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


def collect(
    command: Command,
    pairs: ImagePairs,
    problems: Problems,
    consumers: list[Consumer],
    photographs: Photographs | None,
    title: str,
) -> PairCounts:
    """Compare all images, and pass what is collected in them to the consumers, in their order.

    Parameters
    ----------
    command : Command
        The command.
    pairs : ImagePairs
        The images.
    problems : Problems
        Receives what is left out.
    consumers : list of Consumer
        What is collected.
    photographs : Photographs, optional
        The photographs of the images.
    title : str
        The title of the progress bar.

    Returns
    -------
    PairCounts
        What was counted in all images.
    """
    counts = PairCounts()
    job = Collector([empty for empty, _ in consumers], photographs)
    with command.run(job, pairs.parts(photographs is not None), title) as results:
        for _, (found, collected) in results:
            counts += found
            for (_, take), part in zip(consumers, collected, strict=True):
                take(part)
    pairs.check(counts, problems)
    return counts


def print_missing(count: int, photographs: Photographs) -> None:
    """Print how many photographs are missing."""
    if count:
        print_note(f"{counted(count, 'image')} without a photograph in {photographs.folder}")


def print_unpredicted(counts: PairCounts) -> None:
    """Print how many objects count as missed because their images have no predictions."""
    if counts.unpredicted_objects and not counts.left_out:
        print_note(
            f"{counted(counts.unpredicted, 'image')} of {counts.shown:,} without predictions: "
            f"{counted(counts.unpredicted_objects, 'object')} in them counted as missed "
            "(--only-predicted leaves these images out)"
        )
