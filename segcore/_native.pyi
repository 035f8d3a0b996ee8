"""The compiled extension: the C++ kernels, bound with pybind11."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._batch import Batch, Offsets

version: str
"""The version of segcore that it was compiled from."""
compiler: str
"""The compiler, with its version."""
assertions: bool
"""Whether it was compiled with assertions: never in a release."""

class Kernels:
    """The kernels, as segcore.backends.protocol defines them, on one instruction set."""

    def __init__(self, variant: str) -> None: ...
    @property
    def name(self) -> str: ...
    def encode(self, dense: NDArray[Any], threshold: float | None) -> Batch: ...
    def encode_bits(self, rows: NDArray[np.uint8], width: int, little: bool) -> Batch: ...
    def encode_changes(self, columns: NDArray[np.uint8], height: int, width: int) -> Batch: ...
    def decode(self, batch: Batch, out: NDArray[Any], zeroed: bool) -> None: ...
    def string_decode(
        self, data: NDArray[np.uint8], data_offsets: Offsets, height: int, width: int
    ) -> Batch: ...
    def string_encode(self, batch: Batch) -> tuple[NDArray[np.uint8], Offsets]: ...
    def counts_decode(
        self, counts: NDArray[np.int64], counts_offsets: Offsets, height: int, width: int
    ) -> Batch: ...
    def counts_encode(self, batch: Batch) -> tuple[NDArray[np.int64], Offsets]: ...
    def area(self, batch: Batch) -> NDArray[np.int64]: ...
    def boxes(self, batch: Batch) -> NDArray[np.int64]: ...
    def moments(self, batch: Batch, second: bool) -> NDArray[np.float64]: ...
    def combine(self, a: Batch, b: Batch, table: int) -> Batch: ...
    def reduce(self, batch: Batch, table: int, groups: Offsets | None = None) -> Batch: ...
    def resolve(
        self, batch: Batch, limits: NDArray[np.int64]
    ) -> tuple[Batch, NDArray[np.int64]]: ...
    def components(self, batch: Batch, connectivity: int) -> tuple[Batch, NDArray[np.int64]]: ...
    def dilate(self, batch: Batch, reach: NDArray[np.int64], outside: bool = False) -> Batch: ...
    def place(
        self, batch: Batch, x: NDArray[np.int64], y: NDArray[np.int64], height: int, width: int
    ) -> Batch: ...
    def reverse(self, batch: Batch, rows: bool, columns: bool) -> Batch: ...
    def transpose(self, batch: Batch, rows: bool = False, columns: bool = False) -> Batch: ...
    def resize(self, batch: Batch, height: int, width: int, centers: bool) -> Batch: ...
    def cover(self, batch: Batch, height: int, width: int, limit: int) -> Batch: ...
    def warp(
        self, batch: Batch, matrices: NDArray[np.float64], height: int, width: int
    ) -> Batch: ...
    def outline(
        self, batch: Batch, connectivity: int
    ) -> tuple[NDArray[np.int64], Offsets, NDArray[np.int64], Offsets]: ...
    def overlap(
        self, a: Batch, b: Batch, above: float = 0.0, divisors: NDArray[np.uint8] | None = None
    ) -> NDArray[np.int64]: ...
    def overlap_ratios(
        self,
        a: Batch,
        b: Batch,
        above: float = 0.0,
        divisors: NDArray[np.uint8] | None = None,
        groups: tuple[Offsets, Offsets] | None = None,
    ) -> NDArray[np.float64]: ...
    def rasterize_polygons(
        self,
        coordinates: NDArray[np.float64],
        ring_offsets: Offsets,
        mask_offsets: Offsets,
        height: int,
        width: int,
        filling: int = 0,
    ) -> Batch: ...
    def rasterize_boxes(self, boxes: NDArray[np.float64], height: int, width: int) -> Batch: ...
    def resample(
        self,
        scores: NDArray[np.float32],
        inner: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
        x_positions: NDArray[np.float32],
        y_positions: NDArray[np.float32],
        windows: NDArray[np.int64],
        height: int,
        width: int,
        threshold: float,
    ) -> Batch: ...
    def argmax_resample(
        self,
        scores: NDArray[np.float32],
        x_positions: NDArray[np.float32],
        y_positions: NDArray[np.float32],
        out: NDArray[np.unsignedinteger],
    ) -> None: ...
    def paint(
        self, batch: Batch, order: NDArray[np.int64], values: NDArray[Any], out: NDArray[Any]
    ) -> None: ...
    def label_runs(
        self, labels: NDArray[Any], background: int | None
    ) -> tuple[NDArray[Any], Batch]: ...
    def match(
        self,
        ratios: NDArray[np.float64],
        groups_a: NDArray[np.int64],
        groups_b: NDArray[np.int64],
        ignored: NDArray[np.uint8],
        crowd: NDArray[np.uint8],
        claims: NDArray[np.uint8],
        thresholds: NDArray[np.float64],
    ) -> NDArray[np.int64]: ...
    def precision_recall(
        self,
        matched: NDArray[Any],
        ignored: NDArray[Any],
        scores: NDArray[np.float64],
        ranks: NDArray[np.int64],
        classes: NDArray[np.int64],
        num_true: NDArray[np.int64],
        limits: NDArray[np.int64],
        num_thresholds: int,
        recalls: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]: ...
    def overlap_table(
        self, labels_a: NDArray[Any], labels_b: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]: ...
    def shortcuts(self) -> dict[str, Callable[..., Any]]:
        """Give the functions of pycocotools.mask for ordinary objects; see bind_shortcuts.cpp."""

def variants() -> tuple[str, ...]:
    """Name the instruction sets that this processor has, best first."""

def slice_batch(batch: Batch, start: int, stop: int, /) -> Batch:
    """Return the masks from `start` up to `stop` of a sealed batch, sealed."""

def seal_batch(batch: Batch, /) -> Batch:
    """Return the batch with its arrays sealed."""

def seal(array: NDArray[Any], /) -> NDArray[Any]:
    """Return a read-only view, through which nothing can make the memory writable again."""

def argsort(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices of integers in ascending order; equal ones stay in their order."""

def gather(
    values: NDArray[Any], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[Any]:
    """Return parts of an array, one after the other."""

def gather_from(
    values: Sequence[NDArray[Any]],
    array: NDArray[np.int64],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
) -> NDArray[Any]:
    """Return parts of several arrays of one dtype, one after the other."""

def set_num_threads(count: int) -> None:
    """Set how many threads a kernel may use, from 1."""

def get_num_threads() -> int:
    """Say how many threads a kernel may use."""

class JsonTable:
    """A JSON array of objects as columns: see src/json/table.hpp."""

    def __init__(self, fields: list[tuple[str, Any]], text_size: int = 0) -> None: ...
    def __len__(self) -> int: ...
    def read_one(self, text: bytes, offset: int) -> None: ...
    def columns(self) -> dict[str, Any]: ...

class JsonReader:
    """A JSON text that arrives in pieces. Methods return None if they need more of it."""

    def __init__(self) -> None: ...
    def feed(self, data: bytes) -> None: ...
    def fill(self, readinto: Callable[[Any], int | None], count: int) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def error_offset(self) -> int: ...
    def ahead(self, count: int) -> bytes | None: ...
    def enter(self) -> str | None: ...
    def name(self) -> bytes | bool | None: ...
    def value(self) -> bytes | None: ...
    def rows(self, table: JsonTable, threads: int = 1) -> bool | bytes | None: ...
    def end(self) -> bool | None: ...

def read_segmentations(
    read: Callable[[int, int], bytes],
    kinds: NDArray[np.uint8],
    heights: NDArray[np.int64],
    widths: NDArray[np.int64],
    offsets: NDArray[np.int64],
    sizes: NDArray[np.int64],
) -> tuple[NDArray[Any], ...]:
    """Return starts, lengths and buffers of segmentations at places of a file."""

def write_json_rows(
    fields: list[tuple[str, str, Any]],
    shapes: list[bytes],
    shape_ids: NDArray[np.uint32],
    extra: tuple[NDArray[Any], ...],
    odd_rows: NDArray[np.int64],
    odd_columns: NDArray[np.int64],
    odd: tuple[NDArray[Any], ...],
    /,
) -> bytes:
    """Return the rows of a table as JSON objects, separated by commas."""

def read_number_lines(
    texts: list[bytes],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]] | None:
    """Return the numbers of some texts, how many each line has, and how many lines each text."""

def write_ring_lines(
    classes: NDArray[np.int64],
    coordinates: NDArray[np.float64],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    height: int,
    width: int,
    decimals: int,
    kept: int,
) -> tuple[bytes, NDArray[np.int64], NDArray[np.bool_]]:
    """Return a line per ring, where each ends, and whether it is read exactly."""

def join_rings(
    coordinates: NDArray[np.float64],
    ring_offsets: NDArray[np.int64],
    first_rings: NDArray[np.int64],
    ring_counts: NDArray[np.int64],
    compared: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return one ring per object, how many values each has, and whether its rings were apart."""
