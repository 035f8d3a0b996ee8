"""A row of the table: an operation, its contenders, and what segcore must reach."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ..inputs import Inputs
from .timing import Contender

BEST_PEER = "best peer"
ONE_THREAD = "one thread"

PEERS = "peers"
THREADS = "threads"
PIPELINES = "pipelines"

Contenders: TypeAlias = Callable[[Inputs], Iterator[Contender]]


class Skip(Exception):
    """Why a row cannot be measured here."""


@dataclass(frozen=True)
class Bar:
    """What must hold: ``against`` takes at least ``ratio`` times as long as segcore.

    ``against`` is a library, :data:`BEST_PEER`, a limit, or :data:`ONE_THREAD`.
    """

    against: str
    ratio: float


@dataclass(frozen=True)
class Row:
    """An operation."""

    key: str
    title: str
    note: str
    bars: tuple[Bar, ...]
    table: str
    every_backend: bool
    contenders: Contenders


ROWS: list[Row] = []
"""All rows, in the order of the table."""


def row(
    title: str, *bars: Bar, table: str = PEERS, every_backend: bool = True
) -> Callable[[Contenders], Contenders]:
    """Make a row of a function that yields contenders; its docstring says what is included.

    ``every_backend`` says whether the other backends have a bar, where the native one has some.
    """

    def register(contenders: Contenders) -> Contenders:
        key = contenders.__name__
        note = " ".join((inspect.getdoc(contenders) or "").split())
        ROWS.append(Row(key, title, note, bars, table, every_backend, contenders))
        return contenders

    return register
