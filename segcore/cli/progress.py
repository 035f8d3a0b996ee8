"""Progress bars, and messages about skipped items."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.progress import track

from segcore._text import counted
from segcore.cli.printing import error_printer
from segcore.data.problems import Problems

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


def print_skipped(problems: Problems) -> None:
    """List the items that were skipped as invalid."""
    if not problems.skipped:
        return
    console = error_printer()
    console.print(f"skipped {len(problems.skipped):,}:", style="yellow")
    for message in problems.skipped:
        console.print(f"  {message}")


def print_note(message: str) -> None:
    """Print a note on something that the user may not expect."""
    error_printer().print(message, style="yellow")


def unknown_images(count: int) -> str:
    """Return the note about predicted images that the truth lacks."""
    return f"left out {counted(count, 'predicted image')} that the truth lacks"
