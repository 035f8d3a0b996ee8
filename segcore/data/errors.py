"""Errors about items of data-set files."""

from __future__ import annotations

import os
from typing import Any


class DatasetError(ValueError):
    """Exception for an invalid file of a data set, or an invalid item in it.

    It is a subclass of :class:`ValueError`.

    Attributes
    ----------
    path : str
        Path of the file; empty if the error does not concern a file.
    item : str
        Location of the item in the file, such as ``annotations[17].image_id``; empty if the error
        concerns the whole file.
    offset : int or None
        Byte offset of the item, or of the JSON syntax error; None if unknown.
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
