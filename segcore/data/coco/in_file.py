"""Segmentations of a large JSON file: they stay there, and are read when they are needed."""

from __future__ import annotations

import os
import weakref
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.checks import read_only
from segcore.data.columns.segmentations import NONE, POLYGON, Segmentations
from segcore.data.errors import DatasetError

try:
    from segcore._native import read_segmentations

    CAN_READ_AGAIN = hasattr(os, "pread")
except ImportError:  # not compiled
    CAN_READ_AGAIN = False

LARGE = 1 << 25
"""Size in bytes from which on a file keeps its segmentations. Smaller ones are held in memory."""


class SourceFile:
    """A file of which parts are read again. It must not have changed since it was read first.

    Another process opens it by its path, so it must be there, too. In this process the file stays
    open, so that it may be replaced or removed.

    Parameters
    ----------
    path : str
        Absolute path.
    size, time : int
        The size in bytes, and the time of the last modification in nanoseconds.
    descriptor : int, optional
        The open file, which is closed with this object.
    """

    def __init__(self, path: str, size: int, time: int, descriptor: int | None = None) -> None:
        self.path = path
        self._stamp = size, time
        self._descriptor: int | None = None
        if descriptor is not None:
            self._keep(descriptor)

    @classmethod
    def of(cls, file: BinaryIO, path: str | os.PathLike[str]) -> SourceFile | None:
        """Return the file that is about to be read; None if it cannot be read again."""
        real = os.path.realpath(path)
        status = os.fstat(file.fileno())
        try:
            is_there = os.path.samestat(os.stat(real), status) and file.tell() == 0
        except OSError:  # it was removed
            return None
        if not is_there or not CAN_READ_AGAIN or status.st_size < LARGE:
            return None
        return cls(real, status.st_size, status.st_mtime_ns, os.dup(file.fileno()))

    def __reduce__(self) -> tuple[Any, ...]:
        return SourceFile, (self.path, *self._stamp)

    def read(self, size: int, offset: int) -> bytes:
        """Return bytes of the file."""
        descriptor = self._opened()
        try:
            text = os.pread(descriptor, size, offset)
            while len(text) < size and (
                more := os.pread(descriptor, size - len(text), offset + len(text))
            ):
                text += more  # the system reads at most 2 GB at a time
            status = os.fstat(descriptor)
        except OSError as error:
            raise self._unreadable(error) from error
        if (status.st_size, status.st_mtime_ns) != self._stamp:
            raise self.changed()
        return text

    def changed(self) -> DatasetError:
        """Return the error of a file that is not what it was."""
        return DatasetError(self.path, "it has changed since it was read; read it again")

    def _opened(self) -> int:
        descriptor = self._descriptor
        if descriptor is None:
            try:
                descriptor = os.open(self.path, os.O_RDONLY)
            except OSError as error:
                raise self._unreadable(error) from error
            self._keep(descriptor)
        return descriptor

    def _keep(self, descriptor: int) -> None:
        """Use an open file, and close it with this object: each one, if two threads open some."""
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)

    def _unreadable(self, error: OSError) -> DatasetError:
        detail = f"cannot be read again: {error.strerror}; processes read the file at this path"
        return DatasetError(self.path, detail)


_READ = Segmentations.__slots__[3:]
"""The arrays that are not in memory: all but kinds, heights and widths."""


class FileSegmentations(Segmentations):
    """Column of N segmentations that stay in a JSON file.

    Their kinds and sizes are in memory. What is in the buffers of `Segmentations` is read, for all
    rows of this column at once, when it is first accessed. ``column[rows]`` selects rows without
    reading them. Pickles have the path of the file.

    Parameters
    ----------
    file : SourceFile
        The file.
    kinds, heights, widths : numpy.ndarray
        As for `Segmentations`.
    offsets, sizes : numpy.ndarray
        Where each segmentation is in the file, in bytes: int64, shape (N,). Both are 0 for missing
        ones and for ``[]``.
    """

    __slots__ = ("_file", "_offsets", "_sizes")

    def __init__(
        self,
        file: SourceFile,
        kinds: NDArray[np.uint8],
        heights: NDArray[np.int64],
        widths: NDArray[np.int64],
        offsets: NDArray[np.int64],
        sizes: NDArray[np.int64],
    ) -> None:
        self._file = file
        self.kinds, self.heights, self.widths = kinds, heights, widths
        self._offsets, self._sizes = offsets, sizes

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path of the file, and where the rows are in it."""
        located = self._file, self.kinds, self.heights, self.widths, self._offsets, self._sizes
        return FileSegmentations, located

    def __getattr__(self, name: str) -> Any:
        """Read the rows when one of the arrays that are not in memory is first accessed."""
        if name not in _READ:
            raise AttributeError(name)
        for read, array in zip(_READ, self._read(), strict=True):
            setattr(self, read, read_only(array))
        return getattr(self, name)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Segmentations:
        if self._is_loaded:
            return super().__getitem__(rows)
        return FileSegmentations(
            self._file,
            self.kinds[rows],
            self.heights[rows],
            self.widths[rows],
            self._offsets[rows],
            self._sizes[rows],
        )

    @property
    def _is_loaded(self) -> bool:
        try:
            object.__getattribute__(self, _READ[-1])  # the one that is set last
        except AttributeError:
            return False
        return True

    @property
    def is_missing(self) -> NDArray[np.bool_]:
        """Whether each segmentation is missing or has no rings (``[]``): bool, shape (N,)."""
        is_empty = (self.kinds == POLYGON) & (self._sizes == 0)
        is_missing: NDArray[np.bool_] = (self.kinds == NONE) | is_empty
        return is_missing

    def loaded(self) -> Segmentations:
        """Return the column with all its buffers in memory; this one stays as it is."""
        arrays = [getattr(self, name) for name in _READ] if self._is_loaded else self._read()
        return Segmentations.unchecked(self.kinds, self.heights, self.widths, *arrays)

    def value(self, row: int) -> Any:
        """Return the segmentation of a row as JSON-like Python objects."""
        return super().value(row) if self._is_loaded else self[np.array([row])].loaded().value(0)

    def _read(self) -> tuple[NDArray[Any], ...]:
        columns = self.kinds, self.heights, self.widths, self._offsets, self._sizes
        try:
            return read_segmentations(self._file.read, *map(np.ascontiguousarray, columns))
        except DatasetError:
            raise
        except ValueError:
            raise self._file.changed() from None
