"""What a command does not use: invalid items, what is not read, and what is left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from segcore._text import counted
from segcore.data.errors import DatasetError


@dataclass
class LeftOut:
    """Items of one kind that are left out, or have no effect, for one reason.

    Attributes
    ----------
    what : str
        The kind of item, in the singular, such as ``"crowd annotation"``.
    why : str
        The reason.
    count : int
        Number of items.
    first : str
        Name of the first one; empty if it has none.
    option : str
        The option that changes it; empty if there is none.
    is_asked : bool
        Whether an option asked for it, so that it is not a loss.
    """

    what: str
    why: str
    count: int
    first: str = ""
    option: str = ""
    is_asked: bool = False

    def __str__(self) -> str:
        first = f", the first: {self.first}" if self.first else ""
        option = f" ({self.option})" if self.option else ""
        return f"{counted(self.count, self.what)} {self.why}{first}{option}"


class Problems:
    """Collects what a command does not use.

    Parameters
    ----------
    skip : bool
        Whether to skip invalid items and collect the messages. Otherwise the first one is raised.

    Attributes
    ----------
    skipped : list of str
        A message per invalid item.
    not_read : list of str
        What files have and data sets do not, such as ignored pixels: a line per kind.
    """

    def __init__(self, skip: bool) -> None:
        self.skip = skip
        self.skipped: list[str] = []
        self.not_read: list[str] = []
        self._left_out: dict[tuple[str, str], LeftOut] = {}

    @property
    def left_out(self) -> list[LeftOut]:
        """What is left out, by kind and reason."""
        return list(self._left_out.values())

    def report(self, error: DatasetError) -> None:
        """Report an item that cannot be used."""
        if not self.skip:
            raise error
        self.skipped.append(str(error))

    def leave_out(
        self,
        what: str,
        why: str,
        count: int,
        first: str = "",
        option: str = "",
        is_asked: bool = False,
    ) -> None:
        """Count items that are left out; the name of the first one is kept."""
        if count:
            item = LeftOut(what, why, 0, first, option, is_asked)
            self._left_out.setdefault((what, why), item).count += int(count)

    def add(self, other: Problems, with_options: bool = True) -> None:
        """Add what another object has collected; the command may not have the options it names."""
        self.skipped += other.skipped
        self.not_read += other.not_read
        for item in other.left_out:
            self.leave_out(**asdict(item if with_options else replace(item, option="")))

    def losses(self) -> list[str]:
        """Return a line per kind of loss; what an option asked for is none."""
        found = [f"{counted(len(self.skipped), 'invalid item')} skipped"] if self.skipped else []
        found += [f"not read: {line}" for line in self.not_read]
        return found + [str(item) for item in self.left_out if not item.is_asked]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as values that ``json.dumps`` accepts."""
        return {
            "skipped": list(self.skipped),
            "not_read": list(self.not_read),
            "left_out": [asdict(item) for item in self.left_out],
        }

    def check_left(self, path: Path, images: int, listed: int, used: int) -> None:
        """Raise DatasetError if every image, or every annotation of a file, was skipped.

        Parameters
        ----------
        path : Path
            The file.
        images : int
            Number of usable images.
        listed, used : int
            Number of annotations in the file, and of those with usable masks.
        """
        if self.skipped and (not images or (listed and not used)):
            kind = "annotations" if images else "images"
            raise DatasetError(
                path,
                f"all its {kind} are invalid, the first of {len(self.skipped)} messages: "
                f"{self.skipped[0]}",
            )
