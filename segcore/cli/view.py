"""``segcore view``: masks and predictions as one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from segcore._publish import OutputFile
from segcore._text import counted
from segcore.cli.failures import BadInput
from segcore.cli.output import publishing
from segcore.cli.printing import print_line
from segcore.cli.progress import print_note, print_skipped, tracked, unknown_images
from segcore.data.files.photographs import Photographs
from segcore.data.per_image.instance_set import read_dataset
from segcore.data.per_image.sources import read_source
from segcore.data.problems import Problems
from segcore.show.report import PageImage, write_page
from segcore.show.report.pairs import ImagePairs


def write_view(
    source: Path,
    target: Path,
    *,
    prediction: Path | None,
    images: Path | None,
    dataset_path: Path | None,
    folders: tuple[Path | None, Path | None],
    score: float | None,
    only_predicted: bool,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore view``. Raises BadInput or DatasetError for unusable input."""
    problems = Problems(skip_invalid)
    with publishing([source, prediction, images, dataset_path, *folders], overwrite) as outputs:
        page = outputs.file(target)
        dataset = read_dataset(dataset_path, problems) if dataset_path else None
        truth = read_source(source, problems, dataset, folders[0], progress=tracked)
        predicted = None
        if prediction:
            predicted = read_source(
                prediction, problems, dataset, folders[1], truth, progress=tracked
            )
        options = {"score_threshold": score}
        pairs = ImagePairs(truth, predicted, problems, options, only_predicted)
        photographs = write_html(page, source.name, pairs, images, problems)
    print_page(page, pairs, photographs)
    if score is not None:
        print_line(left_out_by_score(pairs, score))
    print_notes(pairs)
    print_skipped(problems)


def write_html(
    page: OutputFile,
    title: str,
    pairs: ImagePairs,
    images: Path | None,
    problems: Problems,
    collected: Callable[[Iterable[PageImage]], Iterable[PageImage]] = iter,
) -> Photographs | None:
    """Write the page, and return the photographs, which count the missing ones.

    ``collected`` is called with the images and must yield them.
    """
    photographs = Photographs(images, problems) if images else None
    shown = tracked(collected(pairs.images(photographs)), "Drawing", pairs.total)
    with page.open() as file:
        try:
            write_page(file, title, pairs.classes, shown, pairs.compared)
        except ValueError as error:
            raise BadInput(str(error)) from error
    return photographs


def print_page(page: OutputFile, pairs: ImagePairs, photographs: Photographs | None) -> None:
    """Print where the page is, and how many photographs are missing."""
    print_line(f"{counted(pairs.shown, 'image')} in {page.path}, {page.size / 1e6:.1f} MB")
    if photographs and photographs.missing:
        print_note(
            f"{counted(photographs.missing, 'image')} without a photograph in {photographs.folder}"
        )


def left_out_by_score(pairs: ImagePairs, score: float) -> str:
    """Return how many predictions were left out because of their scores."""
    return f"{counted(pairs.below_score, 'prediction')} below score {score:g} left out"


def print_notes(pairs: ImagePairs) -> None:
    """Print what a comparison left out, or counts in a way that users may not expect."""
    if not pairs.compared:
        return
    if pairs.left_out:
        print_note(f"left out {counted(pairs.left_out, 'image')} without predictions")
    elif pairs.unpredicted_objects:
        print_note(
            f"{counted(pairs.unpredicted, 'image')} of {pairs.shown:,} without predictions: "
            f"{counted(pairs.unpredicted_objects, 'object')} in them counted as missed "
            "(--only-predicted leaves these images out)"
        )
    if pairs.crowds:
        print_note(f"{counted(pairs.crowds, 'crowd annotation')} not judged (iscrowd 1)")
    for count, noun in zip(pairs.empty, ("object", "prediction"), strict=True):
        if count:
            print_note(f"{counted(count, noun)} without pixels, which nothing can match")
    if pairs.unknown:
        print_note(unknown_images(pairs.unknown))
