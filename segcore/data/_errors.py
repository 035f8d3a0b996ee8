"""Errors about items of data-set files."""

from __future__ import annotations

import os
from typing import Any


class DatasetError(ValueError):
    """Raised if a file of a data set, or an item in it, is invalid.

    Attributes
    ----------
    path : str
        The file; empty if the error does not concern a file.
    item : str
        Where the item stands in the file, such as ``annotations[17]``; empty if the error concerns
        the whole file.
    offset : int or None
        Byte offset of the item, or of the place where the file is not JSON.
    detail : str
        What is wrong.
    id : int, str or None
        Id of the item, if it has one.
    """

    __module__ = "segcore.data"

    def __init__(
        self,
        path: str | os.PathLike[str],
        detail: str,
        item: str = "",
        offset: int | None = None,
        id: int | str | None = None,
    ) -> None:
        self.path = os.fspath(path)
        self.detail = detail
        self.item = item
        self.offset = offset
        self.id = id
        places = [f"id {id}"] if id is not None else []
        if offset is not None and offset >= 0:
            places.append(f"byte {offset}")
        place = ", ".join(places)
        where = f"{item} ({place})" if item and place else item or place
        super().__init__(": ".join(part for part in (self.path, where, detail) if part))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the parts rather than the message."""
        return type(self), (self.path, self.detail, self.item, self.offset, self.id)
