"""Printing to the terminal: text from any file is printed literally."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from segcore._text import visible


class Printer(Console):
    """A console that prints text literally, with hidden characters escaped.

    Markup (``[red]``), emoji codes (``:smile:``) and escape sequences are not interpreted.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string, such as a table's cell, as a `Text`."""
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render anything, with the hidden characters of a `Text` escaped."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text, keep_lines=True), segment.style)


def print_line(text: str) -> None:
    """Print a line of any length to the standard output."""
    print(visible(text))


def error_printer() -> Printer:
    """Return a console for the standard error stream."""
    return Printer(stderr=True, soft_wrap=True)
