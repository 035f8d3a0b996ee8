"""What commands write of findings: a page, a CSV file, and the worst objects."""

from __future__ import annotations

from PIL import Image

from segcore._text import counted
from segcore.cli.command import Command
from segcore.cli.options import FindingOptions
from segcore.cli.output import write_json, write_png
from segcore.cli.page import Page
from segcore.cli.printing import print_line
from segcore.cli.progress import tracked
from segcore.cli.view import print_missing
from segcore.data.files.photographs import Photographs
from segcore.show.report import Evaluation
from segcore.show.report.findings import Findings
from segcore.show.report.pairs import ImagePairs
from segcore.show.report.worst import Worst

WORST = "worst.json"


class FindingOutputs:
    """The outputs of a command that compares a prediction with a truth.

    Parameters
    ----------
    command : Command
        The command.
    options : FindingOptions
        What to write.
    """

    def __init__(self, command: Command, options: FindingOptions) -> None:
        page, worst = options.page, options.worst
        self._page = Page(command, page) if page else None
        self._csv = command.outputs.file(options.spreadsheet) if options.spreadsheet else None
        self._folder = command.outputs.folder(worst[1], [WORST]) if worst else None
        self._num_worst = worst[0] if worst else 0
        self._photographs = (
            Photographs(options.images, command.problems) if options.images else None
        )
        self._lines: list[str] = []

    def write(
        self,
        title: str,
        pairs: ImagePairs,
        findings: Findings | None = None,
        evaluation: Evaluation | None = None,
    ) -> None:
        """Compare all images, and write the outputs. The findings are collected if given."""
        shown = pairs.images(self._photographs)
        if findings is None and self._csv:
            findings = Findings(pairs.classes)
        if findings is not None:
            shown = findings.collected(shown)
        worst = Worst(self._num_worst, pairs.classes)
        if self._folder:
            shown = worst.collected(shown)
        if self._page:
            self._page.write(title, pairs, shown, evaluation)
        else:
            for _ in tracked(shown, "Comparing", pairs.total):
                pass
        if self._csv and findings is not None:
            with self._csv.open() as file:
                file.write(findings.to_csv().encode())
            self._lines.append(f"{counted(len(findings), 'finding')} in {self._csv.path}")
        if self._folder:
            for name, image in worst.crops():
                with self._folder.open(name) as file:
                    write_png(file, Image.fromarray(image))
            with self._folder.open(WORST) as file:
                write_json(file, worst.to_coco())
            objects = counted(len(worst), "object")
            self._lines.append(f"the worst {objects} in {self._folder.path / WORST} and as crops")

    def print(self) -> None:
        """Print what was written."""
        for line in self._lines:
            print_line(line)
        if self._page:
            self._page.print()
        print_missing(self._photographs)
