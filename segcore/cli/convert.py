"""``segcore convert``: a data set from any format to any other."""

from __future__ import annotations

from pathlib import Path

from segcore.cli.command import input_errors, running
from segcore.cli.failures import BadInput
from segcore.cli.options import Common
from segcore.cli.printing import print_line
from segcore.data import WriteReport
from segcore.data.io import write_to
from segcore.data.per_image.reading import read_with_truth
from segcore.data.problems import Problems
from segcore.data.report import NO_MASK
from segcore.data.valid import without_invalid_masks


def convert(source: Path, target: Path, target_format: str | None, common: Common) -> None:
    """Run ``segcore convert``.

    Raises
    ------
    BadInput
        If the input or an output cannot be used.
    LossError
        If ``--strict`` was given and something is not kept. Nothing is written then.
    """
    with running(common, source) as command:
        with command.reading() as options:
            dataset, _ = read_with_truth(
                source, command.problems, options, common.dataset, need_images=False
            )
            dataset, messages = without_invalid_masks(dataset)
            if messages and not common.skip_invalid:
                raise BadInput(f"{source}: {messages[0]}; --skip-invalid leaves it out")
            command.problems.skipped += messages
        with input_errors(), command.engine() as engine:
            report = write_to(command.outputs, dataset, target, target_format, **engine)
        _count_losses(report, command.problems)
        command.numbers = report.to_dict()
    print_line(str(report).splitlines()[0])
    command.print_left_out()


def _count_losses(report: WriteReport, problems: Problems) -> None:
    """Count what is lost by writing."""
    for dropped in report.dropped:
        option = "--boxes takes the box as the mask" if dropped.reason == NO_MASK else ""
        problems.leave_out(
            "annotation",
            f"not written: {dropped.reason}",
            len(dropped.rows),
            dropped.first,
            option,
        )
    changed = (report.gained > 0) | (report.lost > 0)
    pixels = f"{int(report.gained.sum()):,} pixels gained, {int(report.lost.sum()):,} lost"
    problems.leave_out("annotation", f"changed: {pixels}", int(changed.sum()))
    for what, count in report.unwritten.items():
        problems.leave_out("value", f"that the format has no place for: {what}", count)
