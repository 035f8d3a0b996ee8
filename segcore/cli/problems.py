"""What is wrong with an input: the first problem ends the run, or all are collected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from segcore.cli.dataset import Dataset
from segcore.show.visible import visible


class BadInput(click.ClickException):
    """Input that cannot be used: one line on stderr, and exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


class Problems:
    """Takes reports of items that cannot be used.

    Parameters
    ----------
    skip : bool
        Whether to collect the reports in ``skipped``; otherwise the first one raises BadInput.
    """

    def __init__(self, skip: bool) -> None:
        self.skip = skip
        self.skipped: list[str] = []

    def report(self, message: str) -> None:
        """Skip an item, or end the run: ``message`` names the item and what is wrong with it."""
        if not self.skip:
            raise BadInput(message)
        self.skipped.append(visible(message))

    def check_left(self, path: Path, dataset: Dataset, used: int) -> None:
        """Raise BadInput if all images, or all annotations of a file that has some, were skipped.

        Parameters
        ----------
        path : Path
            The file.
        dataset : Dataset
            What is left of it.
        used : int
            The number of annotations that had usable masks.
        """
        if self.skipped and (not dataset.pictures or (dataset.listed and not used)):
            kind = "annotations" if dataset.pictures else "images"
            raise BadInput(
                f"{path}: all its {kind} are invalid, the first of {len(self.skipped)} messages: "
                f"{self.skipped[0]}"
            )
