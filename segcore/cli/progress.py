"""What a command prints while it works, and of what it left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from segcore.cli.problems import Problems

Item = TypeVar("Item")


def tracked(items: Iterable[Item], title: str, total: int) -> Iterable[Item]:
    """Show a progress bar on a terminal, and none elsewhere."""
    errors = _errors()
    return track(
        items,
        title,
        total=total,
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


def print_skipped(problems: Problems) -> None:
    """List what was left out as invalid."""
    if not problems.skipped:
        return
    errors = _errors()
    errors.print(f"[yellow]skipped {len(problems.skipped)}:")
    for message in problems.skipped:
        errors.print(f"  {message}", markup=False)


def print_note(message: str) -> None:
    """Say what the user may not expect."""
    _errors().print(message, markup=False, style="yellow")


def _errors() -> Console:
    return Console(stderr=True, highlight=False, soft_wrap=True)
