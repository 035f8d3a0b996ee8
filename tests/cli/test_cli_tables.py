"""Tables of the command line fit their place without losing a letter."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("rich")

from rich.console import Console

from segcore.cli.tables import Column, print_table

COLUMNS = [
    Column("image", text=True),
    Column("status", text=True),
    Column("area", rank=3),
    Column("IoU", rank=1),
    Column("missed", rank=2),
    Column("why", text=True),
]
ROW = [
    "rooms/[bold]a" + "x" * 40 + ".jpg",
    "duplicate",
    "12,345,678",
    "0.123",
    "1,234,567",
    "merged with dining table #12345 100%",
]


def printed(width: int, **options) -> str:
    file = io.StringIO()
    print_table(Console(file=file, width=width), "Objects", COLUMNS, [ROW], **options)
    return file.getvalue()


@pytest.mark.parametrize("width", [20, 40, 60, 70, 75, 80, 100, 200])
def test_columns_are_left_out_and_no_letters(width):
    text = printed(width)
    head = next(line for line in text.splitlines() if "image" in line).split()
    shown = [column.head for column in COLUMNS if column.head in head]
    ranks = [column.rank for column in COLUMNS if column.head not in shown]
    kept = [column.rank for column in COLUMNS if column.head in shown]
    assert not ranks or min(ranks) > max(kept)
    note = f"left out to fit {width} characters: "
    left_out = text.partition(note)[2].strip()
    assert left_out == ", ".join(column.head for column in COLUMNS if column.head not in shown)
    if width >= 60:
        assert all(len(line) <= width for line in text.splitlines() if note not in line)
    letters = "".join(text.replace("─", "").split())
    for i, cell in enumerate(ROW):
        if COLUMNS[i].head in shown:
            # Cells that wrap are spread over lines, between those of others.
            assert COLUMNS[i].text or cell in text
            for word in cell.split():
                assert word in letters or len(word) > 14, word
    assert text.count("x") >= 40
    assert "…" not in text


def test_everything_fits_where_there_is_room():
    assert "left out" not in printed(200)
    assert "1,234 more rows" in printed(80, more=1234)
