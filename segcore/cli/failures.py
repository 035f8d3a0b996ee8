"""Errors that end a command: one line and an exit code each."""

from __future__ import annotations

import io
import os
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click

from segcore._text import visible
from segcore.data.errors import DatasetError
from segcore.distributed import WorkerError

TRACEBACK = "SEGCORE_TRACEBACK"
"""The environment variable that, unless empty, makes errors print their traceback."""

DEFECT = 70
"""The exit code of an error in segcore itself: EX_SOFTWARE of sysexits.h."""


class BadInput(click.ClickException):
    """Input or options that a command cannot use: one line on stderr, and exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(visible(message))


class Commands(click.Group):
    """A group of commands whose errors are printed as one line.

    - Unusable input and options (DatasetError, `click.ClickException`), errors of the operating
      system, lack of memory, and input nested too deeply: ``Error: ...``, exit code 2.
    - Any other exception is a defect of segcore: ``segcore: internal error: ...``, exit code 70.
    """

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run the command line, and exit."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):  # missing if it is closed or replaced
                stream.reconfigure(errors="backslashreplace")
        # Pillow warns about oddities of images. Unusable images are errors here.
        warnings.filterwarnings("ignore", module=r"PIL\.")
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _show_warning
                code = super().main(*args, **{**options, "standalone_mode": False})
            sys.exit(code if isinstance(code, int) else 0)
        except click.Abort:
            click.echo("Aborted!", err=True)
            sys.exit(1)
        except Exception as error:
            if os.environ.get(TRACEBACK):
                traceback.print_exception(error)
            sys.exit(_report(error))


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning as one line, without the line of code that it is about."""
    click.echo(f"Warning: {visible(str(message))}", err=True)


def _report(error: Exception) -> int:
    """Print the line of an error, and return its exit code."""
    failure = error if isinstance(error, click.ClickException) else _expected(error)
    if failure is not None:
        lines = io.StringIO()
        failure.show(lines)
        click.echo(visible(lines.getvalue(), keep_lines=True), nl=False, err=True)
        return failure.exit_code
    where = traceback.extract_tb(error.__traceback__)[-1]
    click.echo(
        f"segcore: internal error: {visible(f'{type(error).__name__}: {error}')} "
        f"({Path(where.filename).name}, line {where.lineno}). Please report it, with the traceback "
        f"that {TRACEBACK}=1 prints.",
        err=True,
    )
    return DEFECT


def _expected(error: Exception) -> BadInput | None:
    """Return errors caused by the input or the machine as a BadInput; None for a defect."""
    match error:
        case DatasetError() | WorkerError():
            message = str(error)
        case ModuleNotFoundError() if "install segcore[" in str(error):
            message = str(error)
        case MemoryError():
            message = f"not enough memory{f': {error}' if str(error) else ''}"
        case RecursionError():
            message = "the input is nested too deeply"
        case OSError():
            path = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
            message = f"{path}{error.strerror or error}"
        case _:
            return None
    return BadInput(message)
