"""``segcore stats``: counts and sizes of a data set, and what looks like a mistake."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from segcore._text import counted
from segcore.cli.command import running
from segcore.cli.options import Common
from segcore.cli.printing import Printer, print_line
from segcore.data.per_image.reading import read_with_truth
from segcore.data.stats import Distribution, Statistics, statistics
from segcore.data.valid import without_invalid_masks

MAX_ROWS = 30


def stats(path: Path, common: Common) -> None:
    """Run ``segcore stats``.

    Raises
    ------
    BadInput
        If the input or an output cannot be used.
    LossError
        If ``--strict`` was given and something looks like a mistake, or is not read.
    """
    with running(common, path) as command:
        with command.reading() as options:
            dataset, _ = read_with_truth(
                path, command.problems, options, common.dataset, need_images=False
            )
            if common.skip_invalid:
                dataset, messages = without_invalid_masks(dataset)
                command.problems.skipped += messages
        with command.engine() as engine:
            found = statistics(dataset, **engine)
        command.numbers = found.to_dict()
        for what, finding in found.findings.items():
            command.findings.append(f"{what}: {finding.count:,}, the first: {finding.first}")
    _print(found)
    for line in command.findings:
        print_line(line)
    command.print_left_out()


def _print(found: Statistics) -> None:
    Printer().print(_table(found))
    print_line(
        f"{counted(found.annotations, 'annotation')} ({counted(found.crowds, 'crowd')}) in "
        f"{counted(found.images, 'image')}; "
        f"{counted(found.images_without_annotations, 'image')} without annotations"
    )
    print_line(
        f"masks: {found.small:,} small, {found.medium:,} medium, {found.large:,} large; "
        f"{found.overlapping:,} overlap others"
    )
    print_line(f"annotations per image: {_text(found.objects_per_image)}")
    print_line(f"runs per mask: {_text(found.runs_per_mask)}")


def _text(values: Distribution) -> str:
    return (
        f"{values.least:,} to {values.greatest:,}, median {values.median:g}, mean {values.mean:.1f}"
    )


def _table(found: Statistics) -> Table:
    """Return a table of the classes that occur, by decreasing number of annotations."""
    table = Table(title="Classes", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("class")
    for column in ("annotations", "images", "pixels"):
        table.add_column(column, justify="right")
    occurring = sorted(
        (item for item in found.classes if item.annotations), key=lambda c: -c.annotations
    )
    for item in occurring[:MAX_ROWS]:
        numbers = (f"{n:,}" for n in (item.annotations, item.images, item.pixels))
        table.add_row(str(item.id), item.name, *numbers)
    if len(occurring) > MAX_ROWS:
        table.add_row("", f"{len(occurring) - MAX_ROWS} more", "", "", "")
    return table
