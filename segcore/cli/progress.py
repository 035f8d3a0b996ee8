"""What a command prints while it works, and of what it left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.progress import track

from segcore.cli.printing import errors
from segcore.data._problems import Problems

Item = TypeVar("Item")


def tracked(items: Iterable[Item], title: str, total: int) -> Iterable[Item]:
    """Show a progress bar on a terminal, and none elsewhere."""
    console = errors()
    return track(
        items,
        title,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def print_skipped(problems: Problems) -> None:
    """List what was left out as invalid."""
    if not problems.skipped:
        return
    console = errors()
    console.print(f"skipped {len(problems.skipped)}:", style="yellow")
    for message in problems.skipped:
        console.print(f"  {message}")


def print_note(message: str) -> None:
    """Say what the user may not expect."""
    errors().print(message, style="yellow")
