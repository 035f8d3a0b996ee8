"""Columns of strings, stored in flat arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._gather import gathered
from segcore.data.columns.checks import check_lengths, check_parts, column_array


class Texts:
    """Column of N strings, stored as UTF-8 bytes.

    It is a sequence of str: ``texts[i]`` is a string, ``len(texts)`` is N, and ``==`` compares with
    another sequence of strings. ``texts[rows]``, with a slice, integers or bools, selects strings
    without copying the bytes.

    Parameters
    ----------
    data : numpy.ndarray
        UTF-8 bytes of all strings: uint8, 1-D.
    starts, lengths : numpy.ndarray
        Start and length of each string in `data`, in bytes: int64, shape (N,).

    Raises
    ------
    TypeError
        If an array does not have the dtype above, or is not 1-D.
    ValueError
        If `starts` and `lengths` differ in length, or a string is not within `data`.

    Examples
    --------
    >>> import segcore as sc
    >>> names = sc.data.Texts.from_strings(["couch", "lamp"])
    >>> names[1], names[:1].tolist()
    ('lamp', ['couch'])
    """

    __slots__ = ("data", "lengths", "starts")

    def __init__(
        self, data: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
    ) -> None:
        self.data = column_array(data, np.uint8, "data")
        self.starts = column_array(starts, np.int64, "starts")
        self.lengths = column_array(lengths, np.int64, "lengths")
        check_lengths({"lengths": len(self.lengths)}, len(self.starts))
        check_parts(self.starts, self.lengths, len(self.data), "bytes")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle only the bytes that are used."""
        texts = self.compact() if int(self.lengths.sum()) < len(self.data) else self
        return Texts, (texts.data, texts.starts, texts.lengths)

    @classmethod
    def from_strings(cls, strings: Iterable[str | bytes]) -> Texts:
        """Create a column of strings.

        Parameters
        ----------
        strings : iterable of str or bytes
            The strings; bytes are UTF-8.

        Returns
        -------
        Texts
        """
        encoded = [
            text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
            for text in strings
        ]
        offsets = offsets_of([len(text) for text in encoded])
        return cls(np.frombuffer(b"".join(encoded), np.uint8), offsets[:-1], np.diff(offsets))

    @classmethod
    def empty(cls, count: int) -> Texts:
        """Create a column of `count` empty strings."""
        return cls(np.empty(0, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int64))

    @classmethod
    def concatenate(cls, parts: list[Texts]) -> Texts:
        """Concatenate the strings of several columns into one column."""
        shifts = offsets_of([len(part.data) for part in parts])[:-1]
        return cls(
            np.concatenate([np.empty(0, np.uint8), *(part.data for part in parts)]),
            np.concatenate(
                [
                    np.empty(0, np.int64),
                    *(part.starts + shift for part, shift in zip(parts, shifts, strict=True)),
                ]
            ),
            np.concatenate([np.empty(0, np.int64), *(part.lengths for part in parts)]),
        )

    def __len__(self) -> int:
        return len(self.starts)

    def raw(self, index: int) -> bytes:
        """Return the UTF-8 bytes of string `index`. Raises IndexError if it is out of range."""
        start = int(self.starts[index])
        return self.data[start : start + int(self.lengths[index])].tobytes()

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice | NDArray[Any] | list[int]) -> Texts: ...
    def __getitem__(self, index: int | slice | NDArray[Any] | list[int]) -> str | Texts:
        if isinstance(index, (int, np.integer)):
            return self.raw(int(index)).decode("utf-8", "surrogatepass")
        selected = Texts.__new__(Texts)  # without the checks, which held before
        selected.data = self.data
        selected.starts = self.starts[index]
        selected.lengths = self.lengths[index]
        return selected

    def __iter__(self) -> Iterator[str]:
        text = self.data.tobytes()
        ends = self.starts + self.lengths
        for start, end in zip(self.starts.tolist(), ends.tolist(), strict=True):
            yield text[start:end].decode("utf-8", "surrogatepass")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Texts, list, tuple)):
            return NotImplemented
        return list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(repr(self[index]) for index in range(min(len(self), 3)))
        return f"Texts([{shown}{', ...' if len(self) > 3 else ''}], {len(self)} in all)"

    def tolist(self) -> list[str]:
        """Return all strings as a list of str."""
        return list(self)

    def compact(self) -> Texts:
        """Return a copy that stores only the bytes of its strings, in order."""
        offsets = offsets_of(self.lengths)
        first = int(self.starts[0]) if len(self) and offsets[-1] else 0
        if offsets[-1] == 0 or np.array_equal(self.starts, first + offsets[:-1]):
            used = self.data[first : first + int(offsets[-1])]
            return Texts(used, offsets[:-1], self.lengths)
        return Texts(gathered(self.data, self.starts, self.lengths), offsets[:-1], self.lengths)
