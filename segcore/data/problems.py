"""Items that cannot be used: the first one is raised, or all are collected."""

from __future__ import annotations

from pathlib import Path

from segcore.data.errors import DatasetError


class Problems:
    """Handles items that cannot be used.

    Parameters
    ----------
    skip : bool
        Whether to skip such items and collect the messages in ``skipped``. Otherwise the first one
        is raised.
    """

    def __init__(self, skip: bool) -> None:
        self.skip = skip
        self.skipped: list[str] = []

    def report(self, error: DatasetError) -> None:
        """Report an item that cannot be used."""
        if not self.skip:
            raise error
        self.skipped.append(str(error))

    def check_left(self, path: Path, images: int, listed: int, used: int) -> None:
        """Raise DatasetError if every image, or every annotation of a file, was skipped.

        Parameters
        ----------
        path : Path
            The file.
        images : int
            Number of usable images.
        listed, used : int
            Number of annotations in the file, and of those with usable masks.
        """
        if self.skipped and (not images or (listed and not used)):
            kind = "annotations" if images else "images"
            raise DatasetError(
                path,
                f"all its {kind} are invalid, the first of {len(self.skipped)} messages: "
                f"{self.skipped[0]}",
            )
