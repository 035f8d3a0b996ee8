"""``segcore stats``: counts and sizes of a data set, and what looks like a mistake."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from segcore._text import counted, visible
from segcore.cli.datasets import LossError, input_errors, print_left_out, read_dataset
from segcore.cli.output import publishing, write_json
from segcore.cli.printing import Printer, print_line
from segcore.data.stats import Distribution, Statistics, statistics

MAX_ROWS = 30


def stats(
    path: Path,
    *,
    format: str | None,
    dataset_path: Path | None,
    report_path: Path | None,
    skip_invalid: bool,
    strict: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore stats``.

    Raises
    ------
    BadInput
        If the input or an output cannot be used.
    LossError
        If `strict` and something looks like a mistake, or is not read.
    """
    with publishing([path, dataset_path], overwrite) as outputs:
        declared = None if report_path is None else outputs.file(report_path)
        dataset, skipped = read_dataset(path, format, dataset_path, skip_invalid)
        with input_errors():
            found = statistics(dataset)
        if declared is not None:
            with declared.open() as file:
                left_out = {"skipped": skipped, "not_read": list(dataset.notes)}
                write_json(file, {**found.to_dict(), **left_out})
    _print(found)
    print_left_out(skipped, dataset.notes)
    if strict and (found.findings or skipped or dataset.notes):
        count = len(found.findings) + len(skipped) + len(dataset.notes)
        raise LossError(f"--strict: {counted(count, 'finding')}, as listed above")


def _print(found: Statistics) -> None:
    Printer().print(_table(found))
    print_line(
        f"{counted(found.annotations, 'annotation')} in {counted(found.images, 'image')}, "
        f"{found.images_without_annotations:,} of them without any; {found.crowds:,} crowds"
    )
    print_line(
        f"masks: {found.small:,} small, {found.medium:,} medium, {found.large:,} large; "
        f"{found.overlapping:,} overlap others"
    )
    print_line(f"annotations per image: {_text(found.objects_per_image)}")
    print_line(f"runs per mask: {_text(found.runs_per_mask)}")
    for what, finding in found.findings.items():
        print_line(f"{what}: {finding.count:,}, the first: {visible(finding.first)}")


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
