"""Print to the terminal: tables, lines and notes, whose texts may come from any file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from segcore._text import visible


class Printer(Console):
    """A console that prints text as it is, with hidden characters escaped.

    Nothing in a text is interpreted: no markup (``[red]``), no emoji codes (``:smile:``), and no
    escape sequences.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Make a `Text` of a string, such as a table's cell."""
        return super().render_str(visible(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render anything; hidden characters of a `Text` are escaped here."""
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
            else:
                yield Segment(visible(segment.text, keep_lines=True), segment.style)


def print_line(text: str) -> None:
    """Print a line to the standard output, of any length."""
    print(visible(text))


def errors() -> Printer:
    """Give a console for the standard error stream."""
    return Printer(stderr=True, soft_wrap=True)


def counted(count: int, name: str) -> str:
    """Return a count and what is counted, in the singular or the plural."""
    plural = {"category": "categories"}.get(name, f"{name}s")
    return f"{count:,} {name if count == 1 else plural}"
