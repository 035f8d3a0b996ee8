"""``segcore convert``: a data set from any format to any other."""

from __future__ import annotations

from pathlib import Path

from segcore._text import counted
from segcore.cli.datasets import LossError, input_errors, print_left_out, read_dataset
from segcore.cli.output import publishing, write_json
from segcore.cli.printing import print_line
from segcore.data import WriteReport
from segcore.data.io import write_to


def convert(
    source: Path,
    target: Path,
    *,
    source_format: str | None,
    target_format: str | None,
    dataset_path: Path | None,
    report_path: Path | None,
    skip_invalid: bool,
    strict: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore convert``.

    Raises
    ------
    BadInput
        If the input or an output cannot be used.
    LossError
        If `strict` and something is not kept. Nothing is written then.
    """
    with publishing([*_files_of(source), dataset_path], overwrite) as outputs:
        declared = None if report_path is None else outputs.file(report_path)
        dataset, skipped = read_dataset(source, source_format, dataset_path, skip_invalid)
        with input_errors():
            report = write_to(outputs, dataset, target, target_format)
        losses = _losses(report, skipped, dataset.notes)
        if declared is not None:
            with declared.open() as file:
                left_out = {"skipped": skipped, "not_read": list(dataset.notes)}
                write_json(file, {**report.to_dict(), **left_out, "losses": losses})
        if strict and losses:
            print_left_out(skipped, dataset.notes)
            raise LossError(f"--strict: nothing was written, since {'; '.join(losses)}")
    for line in str(report).splitlines():
        print_line(line)
    print_left_out(skipped, dataset.notes)


def _files_of(source: Path) -> list[Path]:
    """Return the input: a file, or a folder and all files in it."""
    return [source, *source.rglob("*")] if source.is_dir() else [source]


def _losses(report: WriteReport, skipped: list[str], notes: tuple[str, ...]) -> list[str]:
    """Return what is lost, from reading to writing."""
    found = [f"{len(skipped):,} invalid items were skipped"] if skipped else []
    found += [f"not read: {note}" for note in notes]
    found += [f"not written: {dropped}" for dropped in report.dropped]
    changed = int(((report.gained > 0) | (report.lost > 0)).sum())
    if changed:
        found.append(f"{counted(changed, 'annotation')} changed")
    found += [f"no place for {count:,} {what}" for what, count in report.unwritten.items()]
    return found
