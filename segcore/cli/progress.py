"""Progress bars and notes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.progress import track

from segcore.cli.printing import error_printer

Item = TypeVar("Item")


def tracked(items: Iterable[Item], title: str, total: int) -> Iterable[Item]:
    """Yield the items, with a progress bar if the standard error stream is a terminal."""
    console = error_printer()
    return track(
        items,
        title,
        total=total,
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def print_note(message: str) -> None:
    """Print a note on something that the user may not expect."""
    error_printer().print(message, style="yellow")
