"""One run of a command: what it reads, writes and leaves out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.progress import Progress

from segcore._publish import FolderWriter, OutputFolder, Outputs
from segcore._text import counted, visible
from segcore.cli.checkpoint import Checkpoint
from segcore.cli.failures import BadInput
from segcore.cli.options import Common
from segcore.cli.output import JsonList, publishing, write_json
from segcore.cli.printing import error_printer
from segcore.cli.progress import print_note, tracked
from segcore.data.per_image.reading import ReadOptions
from segcore.data.problems import Problems
from segcore.distributed import run

Item = TypeVar("Item")
Result = TypeVar("Result")

LOSS = 3
"""The exit code of ``--strict`` if something was left out."""
MAX_LISTED = 3
"""Number of losses that the message of ``--strict`` repeats."""


class LossError(click.ClickException):
    """Something was left out, and ``--strict`` was given."""

    exit_code = LOSS


class Command:
    """One run of a command.

    Attributes
    ----------
    outputs : Outputs
        The files to write.
    problems : Problems
        What is left out.
    numbers : dict
        What ``--json`` writes beside that.
    lists : dict of str to JsonList
        Lists that ``--json`` writes at the end.
    findings : list of str
        What looks like a mistake, which ``--strict`` does not accept either.
    checkpoint : Checkpoint, optional
        The parts that are finished. It is removed when the command has succeeded.
    """

    def __init__(self, common: Common, outputs: Outputs) -> None:
        self.outputs = outputs
        self.problems = Problems(common.skip_invalid)
        self.numbers: dict[str, Any] = {}
        self.lists: dict[str, JsonList] = {}
        self.findings: list[str] = []
        self.checkpoint: Checkpoint | None = None
        self._common = common

    @contextmanager
    def reading(self, folder: Path | None = None) -> Iterator[ReadOptions]:
        """Return how data sets are read: by the options of the command, with a progress bar.

        ValueError and ImportError in the block become BadInput.
        """
        console = error_printer()
        with (
            input_errors(),
            Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
        ):
            task = bar.add_task("Reading", total=None)

            def show(done: int, total: int | None) -> None:
                bar.update(task, completed=done, total=total)

            yield self._common.reading(show, folder)

    def engine(self) -> AbstractContextManager[dict[str, Any]]:
        """Return the arguments that say what runs a job."""
        return self._common.engine()

    def writer(self, folder: OutputFolder) -> FolderWriter:
        """Return what jobs pass the files of a folder to. A checkpoint keeps their data."""
        return folder.writer() if self.checkpoint is None else FolderWriter()

    @contextmanager
    def run(
        self, job: Callable[[Item], Result], items: list[Item], title: str
    ) -> Iterator[Iterator[tuple[Item, Result]]]:
        """Return each item with the result of a job, and show a progress bar."""
        checkpoint = self.checkpoint
        waiting = items
        if checkpoint is not None:
            waiting = [item for part, item in enumerate(items) if not checkpoint.has(part)]
        if len(waiting) < len(items):
            done = len(items) - len(waiting)
            print_note(f"--resume: {done:,} of {counted(len(items), 'part')} were finished before")
        with self.engine() as engine, closing(run(job, waiting, **engine)) as found:
            results = found if checkpoint is None else checkpoint.complete(found, len(items))
            yield zip(items, tracked(results, title, len(items)), strict=True)

    def print_left_out(self) -> None:
        """List on the standard error stream what was skipped, not read, or left out."""
        console = error_printer()
        problems = self.problems
        if problems.skipped:
            console.print(f"skipped {len(problems.skipped):,}:", style="yellow")
        for message in problems.skipped:
            console.print(f"  {message}")
        for line in problems.not_read:
            console.print(f"not read: {line}", style="yellow")
        for item in problems.left_out:
            console.print(str(item), style="yellow")


@contextmanager
def input_errors() -> Iterator[None]:
    """Turn errors about a data set and missing packages into BadInput."""
    try:
        yield
    except (ValueError, ImportError) as error:
        raise BadInput(str(error)) from error


@contextmanager
def running(
    common: Common, *inputs: Path | None, photographs: Path | None = None
) -> Iterator[Command]:
    """Run a command: its outputs, and the report of ``--json``, appear when the block ends.

    Parameters
    ----------
    common : Common
        The options.
    *inputs : Path
        Files and folders that are read, which no output replaces.
    photographs : Path, optional
        A folder with photographs, which no output replaces either.

    Raises
    ------
    BadInput
        If an output cannot be written.
    LossError
        If ``--strict`` was given and something is lost. Nothing is written then.
    """
    every_input = [*inputs, common.dataset, common.colors]
    with publishing(every_input, photographs, common.overwrite) as outputs:
        report = None if common.report is None else outputs.file(common.report)
        command = Command(common, outputs)
        yield command
        if report is not None:
            with report.open() as file:
                numbers = {**command.numbers, **command.problems.to_dict()}
                write_json(file, numbers, command.lists)
        losses = command.findings + command.problems.losses()
        if common.strict and losses:
            command.print_left_out()
            rest = len(losses) - MAX_LISTED
            more = [f"{rest:,} more"] if rest > 0 else []
            listed = "; ".join(map(visible, losses[:MAX_LISTED] + more))
            raise LossError(f"--strict: nothing was written, since {listed}")
    if command.checkpoint is not None:
        command.checkpoint.remove()
