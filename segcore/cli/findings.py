"""What commands write of findings: a page, a CSV file, and the worst objects."""

from __future__ import annotations

from contextlib import ExitStack

from segcore._text import counted
from segcore.cli.command import Command
from segcore.cli.options import FindingOptions
from segcore.cli.output import MARK, write_json
from segcore.cli.page import Page
from segcore.cli.printing import print_line
from segcore.cli.view import collect, print_missing
from segcore.data.files.photographs import Photographs
from segcore.data.problems import Problems
from segcore.show.report import Evaluation
from segcore.show.report.collect import Consumer
from segcore.show.report.findings import Findings
from segcore.show.report.pairs import ImagePairs, PairCounts
from segcore.show.report.worst import Worst, WorstObject, WorstObjects, worst_document

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
        self._command = command
        self._page = Page(command, page) if page else None
        self._csv = command.outputs.file(options.spreadsheet) if options.spreadsheet else None
        self._folder = command.outputs.folder(worst[1], [WORST]) if worst else None
        self._num_worst = worst[0] if worst else 0
        self._photographs = Photographs(options.images) if options.images else None
        self._missing = 0
        self._lines: list[str] = []

    def write(
        self,
        title: str,
        pairs: ImagePairs,
        problems: Problems,
        consumers: list[Consumer] | None = None,
        evaluation: Evaluation | None = None,
    ) -> PairCounts:
        """Compare all images, and write the outputs.

        Parameters
        ----------
        title : str
            The title of the page.
        pairs : ImagePairs
            The images.
        problems : Problems
            Receives what is left out.
        consumers : list of Consumer, optional
            What else is collected.
        evaluation : Evaluation, optional
            The scores that the page shows.

        Returns
        -------
        PairCounts
            What was counted in all images.
        """
        consumers = consumers or []
        findings = Findings(pairs.classes, 0, with_csv=True)
        worst = Worst(self._num_worst)
        if self._csv:
            consumers.append((findings.empty(), findings.merge))
        if self._folder:
            consumers.append((Worst(self._num_worst), worst.merge))
        if evaluation is not None and evaluation.mended is not None:
            consumers.append((evaluation.mended.empty(), evaluation.mended.merge))
        with ExitStack() as stack:
            if self._page:
                shown = self._page.writing(title, pairs, evaluation)
                consumers.append(stack.enter_context(shown))
            action = "Drawing" if self._page else "Comparing"
            counts = collect(self._command, pairs, problems, consumers, self._photographs, action)
        self._missing = counts.missing_photographs
        if self._csv:
            with self._csv.open() as file:
                file.writelines(findings.csv_lines())
            self._lines.append(f"{counted(len(findings), 'finding')} in {self._csv.path}")
        if self._folder:
            self._write_worst(worst, pairs)
        return counts

    def _write_worst(self, worst: Worst, pairs: ImagePairs) -> None:
        """Write the worst findings and their cropped images."""
        assert self._folder is not None
        written: list[WorstObject] = []
        job = WorstObjects(self._photographs, MARK)
        with self._command.run(job, worst.parts(pairs), "Cropping") as results:
            for _, found in results:
                for item in found:
                    self._folder.write(item.name, item.png)
                    written.append(item._replace(png=b""))
        with self._folder.open(WORST) as file:
            write_json(file, worst_document(written, pairs.classes))
        objects = counted(len(worst), "object")
        self._lines.append(f"the worst {objects} in {self._folder.path / WORST} and as crops")

    def print(self) -> None:
        """Print what was written."""
        for line in self._lines:
            print_line(line)
        if self._page:
            self._page.print()
        if self._photographs is not None:
            print_missing(self._missing, self._photographs)
