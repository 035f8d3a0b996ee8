"""The HTML page of a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from segcore._publish import OutputFolder
from segcore._text import counted
from segcore.cli.command import Command
from segcore.cli.failures import BadInput
from segcore.cli.printing import print_line
from segcore.show.report import Evaluation, PageFolder
from segcore.show.report.collect import Consumer
from segcore.show.report.page import PageImages, PageWriter
from segcore.show.report.pairs import ImagePairs


class Page:
    """An HTML page, and the folder beside it that has the images of a large page.

    Parameters
    ----------
    command : Command
        The command, of which the page is an output.
    path : Path
        The file to write.
    """

    def __init__(self, command: Command, path: Path) -> None:
        self._file = command.outputs.file(path)
        self._folder = path.with_name(f"{path.stem}_files")
        self._outputs = command.outputs
        self._num_files = 0
        self._num_images = 0

    @contextmanager
    def writing(
        self, title: str, pairs: ImagePairs, evaluation: Evaluation | None = None
    ) -> Iterator[Consumer]:
        """Return what writes the images of the pairs; the rest is written when the block ends.

        Raises
        ------
        BadInput
            If an image cannot be shown.
        """
        files = None if self._file.is_stream else self._outputs.folder(self._folder)
        with self._file.open() as file:
            try:
                writer = PageWriter(
                    file,
                    title,
                    pairs.classes,
                    pairs.compared,
                    evaluation=evaluation,
                    folder=None if files is None else self._page_folder(files),
                )
                yield PageImages(pairs.classes, pairs.compared), writer.merge
                writer.finish()
            except ValueError as error:
                raise BadInput(str(error)) from error
        self._num_images = writer.num_images
        if files is not None:
            files.remove_others("images-*.js")  # of an earlier page

    def _page_folder(self, files: OutputFolder) -> PageFolder:
        def opened(name: str) -> AbstractContextManager[BinaryIO]:
            self._num_files += 1
            return files.open(name)

        return PageFolder(self._folder.name, opened)

    def print(self) -> None:
        """Print where the page is."""
        images = counted(self._num_images, "image")
        print_line(f"{images} in {self._file.path}, {self._file.size / 1e6:.1f} MB")
        if self._num_files:
            files = counted(self._num_files, "file")
            print_line(f"which needs {files} in the folder {self._folder}")
