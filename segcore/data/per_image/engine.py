"""Settings of jobs over images, and the display of their progress."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

Engine = Mapping[str, Any]
ONE_PROCESS: Engine = {"workers": 1}


class Progress(Protocol):
    """Passes items on and may show progress, such as by a bar with a title."""

    def __call__(self, items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
        """Return an iterable of the same items."""
        ...


def no_progress(items: Iterable[Any], title: str, total: int) -> Iterable[Any]:
    """Return the items without showing progress."""
    return items
