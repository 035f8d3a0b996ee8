"""Tables that fit the terminal, a pipe or a CI log by leaving out columns, never letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table

from segcore._text import counted, visible
from segcore.cli.printing import Printer

_MIN_TEXT = 14
"""Minimum width of a column with wrapped text."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    head : str
        Heading.
    rank : int
        Columns with the highest rank are left out first, those with rank 0 never.
    text : bool
        Whether the cells are text, which may wrap. Otherwise they are numbers on one line.
    """

    head: str
    rank: int = 0
    text: bool = False


def print_table(
    console: Printer,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    styles: Sequence[str] | None = None,
    more: int = 0,
) -> None:
    """Print a table, and a note on columns and rows that were left out.

    Parameters
    ----------
    console : Printer
        The console, whose width the table must fit.
    title : str
        The line above the table.
    columns : sequence of Column
        C columns.
    rows : sequence of sequence of str
        C cells per row.
    styles : sequence of str, optional
        One style of rich per row.
    more : int
        Number of rows that were left out.
    """
    rows = [[visible(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, cells)) for cells in zip(_heads(columns), *rows, strict=True)]
    kept = _fitting(columns, widths, console.width)
    table = Table(
        title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False
    )
    for i in kept:
        column = columns[i]
        justify = "left" if column.text else "right"
        least = min(widths[i], _MIN_TEXT) if column.text else widths[i]
        table.add_column(
            column.head,
            justify=justify,  # type: ignore[arg-type]
            no_wrap=not column.text,
            overflow="fold",
            min_width=least,
        )
    for row, style in zip(rows, styles or [""] * len(rows), strict=True):
        table.add_row(*(row[i] for i in kept), style=style)
    # If the columns of rank 0 are too wide, the terminal wraps lines; no letter is cut off.
    room = max(console.width, _min_width(columns, widths, kept))
    Printer(file=console.file, width=room).print(table)
    notes = [counted(more, "more row")] if more else []
    if len(kept) < len(columns):
        names = ", ".join(column.head for i, column in enumerate(columns) if i not in kept)
        notes.append(f"left out to fit {console.width} characters: {names}")
    for note in notes:
        console.print(f"  {note}", soft_wrap=True)


def _heads(columns: Sequence[Column]) -> list[str]:
    return [column.head for column in columns]


def _min_width(columns: Sequence[Column], widths: Sequence[int], kept: list[int]) -> int:
    """Return the minimum width of these columns."""
    cells = (min(widths[i], _MIN_TEXT) if columns[i].text else widths[i] for i in kept)
    return sum(cells) + 2 * len(kept)


def _fitting(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    """Return the indices of the columns that fit, chosen by rank."""
    kept = list(range(len(columns)))
    while _min_width(columns, widths, kept) > room:
        droppable = [i for i in kept if columns[i].rank]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda i: columns[i].rank))
    return kept
