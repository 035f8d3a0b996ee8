"""What is wrong with an input: the first problem ends the run, or all are collected."""

from __future__ import annotations

from pathlib import Path

import click

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

    def check_left(self, path: Path, images: int, listed: int, used: int) -> None:
        """Raise BadInput if all images, or all annotations of a file that has some, were skipped.

        Parameters
        ----------
        path : Path
            The file.
        images : int
            The number of usable images.
        listed, used : int
            The number of annotations in the file, and of those with usable masks.
        """
        if self.skipped and (not images or (listed and not used)):
            kind = "annotations" if images else "images"
            raise BadInput(
                f"{path}: all its {kind} are invalid, the first of {len(self.skipped)} messages: "
                f"{self.skipped[0]}"
            )
