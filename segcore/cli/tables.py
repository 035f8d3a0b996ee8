"""Tables that fit the terminal, a pipe or a CI log: columns are left out, never letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.table import Table

from segcore._text import visible
from segcore.cli.printing import Printer

_LEAST = 14
"""A column of text wraps its cells at no fewer columns of the terminal than this."""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    head : str
        Its heading.
    rank : int
        Columns of the greatest rank are left out first; those of rank 0 never are.
    text : bool
        Whether its cells are texts, which may wrap; otherwise they are numbers on one line.
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
    """Print a table, and which of its columns and rows there is no room for.

    Parameters
    ----------
    console : Printer
        Where it goes; its width decides what fits.
    title : str
        The line above.
    columns : sequence of Column
        C columns.
    rows : sequence of sequence of str
        C cells per row.
    styles : sequence of str, optional
        A style of rich per row.
    more : int
        How many rows were left out.
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
        least = min(widths[i], _LEAST) if column.text else widths[i]
        table.add_column(
            column.head,
            justify=justify,  # type: ignore[arg-type]
            no_wrap=not column.text,
            overflow="fold",
            min_width=least,
        )
    for row, style in zip(rows, styles or [""] * len(rows), strict=True):
        table.add_row(*(row[i] for i in kept), style=style)
    # Where even the columns of rank 0 are too wide, the terminal may wrap lines: no letter is cut.
    room = max(console.width, _least(columns, widths, kept))
    Printer(file=console.file, width=room).print(table)
    notes = [f"{more:,} more rows"] if more else []
    if len(kept) < len(columns):
        names = ", ".join(column.head for i, column in enumerate(columns) if i not in kept)
        notes.append(f"left out to fit {console.width} characters: {names}")
    for note in notes:
        console.print(f"  {note}", soft_wrap=True)


def _heads(columns: Sequence[Column]) -> list[str]:
    return [column.head for column in columns]


def _least(columns: Sequence[Column], widths: Sequence[int], kept: list[int]) -> int:
    """Compute the width that these columns need at least."""
    cells = (min(widths[i], _LEAST) if columns[i].text else widths[i] for i in kept)
    return sum(cells) + 2 * len(kept)


def _fitting(columns: Sequence[Column], widths: Sequence[int], room: int) -> list[int]:
    """Choose the columns to print: as many as fit, by rank."""
    kept = list(range(len(columns)))
    while _least(columns, widths, kept) > room:
        droppable = [i for i in kept if columns[i].rank]
        if not droppable:
            break
        kept.remove(max(droppable, key=lambda i: columns[i].rank))
    return kept
