"""What ``segcore convert`` and ``segcore stats`` share: reading, and what a loss leads to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.progress import Progress

from segcore.cli.failures import BadInput
from segcore.cli.printing import error_printer
from segcore.data import Dataset, read
from segcore.data.valid import without_invalid_masks

LOSS = 3
"""The exit code of ``--strict`` if something was left out."""


class LossError(click.ClickException):
    """Something was left out, and ``--strict`` was given."""

    exit_code = LOSS


@contextmanager
def input_errors() -> Iterator[None]:
    """Turn errors about a data set and missing packages into BadInput."""
    try:
        yield
    except (ValueError, ImportError) as error:
        raise BadInput(str(error)) from error


def read_dataset(
    path: Path, format: str | None, dataset_path: Path | None, skip_invalid: bool
) -> tuple[Dataset, list[str]]:
    """Read a data set with a progress bar; return what was left out, too.

    With `skip_invalid`, annotations with invalid masks are left out as well.
    """
    console = error_printer()
    with (
        input_errors(),
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("Reading", total=None)

        def show(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        known = None if dataset_path is None else read(dataset_path)
        found = read(
            path,
            format,
            dataset=known,
            invalid="skip" if skip_invalid else "raise",
            progress=show,
        )
        messages = list(found.skipped)
        if skip_invalid:
            found, invalid_masks = without_invalid_masks(found)
            messages += invalid_masks
    return found, messages


def print_left_out(skipped: Sequence[str], notes: Sequence[str]) -> None:
    """List what was skipped as invalid, and what is not read, on the standard error stream."""
    console = error_printer()
    if skipped:
        console.print(f"skipped {len(skipped):,}:", style="yellow")
    for message in skipped:
        console.print(f"  {message}")
    for note in notes:
        console.print(f"not read: {note}", style="yellow")
