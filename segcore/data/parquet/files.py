"""Parquet files: written in parts, and read a row group at a time."""

from __future__ import annotations

import io
import threading
import uuid
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import cached_property
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from segcore._batch import offsets_of
from segcore._input.arrays import described
from segcore.data.coco.stream import Progress
from segcore.data.columns.ids import as_stored
from segcore.data.columns.table import Table, concatenate
from segcore.data.dataset import Dataset, check_unique, same_categories
from segcore.data.errors import DatasetError
from segcore.data.files.addresses import fsspec_for
from segcore.data.parquet.decode import ERRORS, Decoder, Header, in_file_order, order_of
from segcore.data.parquet.encode import EncodedPart, Encoder
from segcore.data.parquet.join import JoinedFile
from segcore.data.parquet.names import parquet_files
from segcore.distributed import run
from segcore.formats import arrow as _arrow  # noqa: F401 (registers the type of masks)

CACHED = 4
"""Number of row groups that a data set keeps in memory."""
FEW = 3
"""Number of adjoining row groups up to which each is read on its own, to be kept in memory."""
REOPENED = 2
"""Number of data sets of other processes that a process keeps open: a truth and a prediction."""
_DICTIONARY = ["image_id", "category_id", "file_name", "height", "width", "extra"]
_DICTIONARY += ["mask.size.list.element", "json.shape", "json.kind"]
_STATISTICS = ["image_id", "category_id", "id", "iscrowd", "score", "area"]


# -- writing --------------------------------------------------------------------------------------


def write_parquet(
    dataset: Dataset | Iterable[Dataset],
    file: BinaryIO,
    masks_only: bool = False,
    **engine: Any,
) -> dict[str, int]:
    """Write a data set, or parts of one, a row group at a time; return what was left out.

    `engine` has the arguments of `segcore.distributed.run` that say what encodes the row groups.
    """
    datasets = [dataset] if isinstance(dataset, Dataset) else dataset
    encoder = Encoder(masks_only)
    parts = (part for each in datasets for part in encoder.add(each))
    joined = JoinedFile(file)
    with closing(run(_row_group, parts, **engine)) as groups:
        for data, unwritten in groups:
            joined.add(data)
            encoder.unwritten += unwritten
    if not encoder.has_parts:
        raise ValueError("dataset: expected at least one part")
    joined.finish(encoder.metadata())
    return {what: count for what, count in encoder.unwritten.items() if count}


def _row_group(part: EncodedPart) -> tuple[bytes, Counter[str]]:
    """Return a part as a Parquet file of one row group, and what was left out."""
    table, unwritten = part.table()
    file = io.BytesIO()
    with _writer(file, table.schema, 19 if part.masks_only else 9) as writer:
        if len(table):
            writer.write_table(table, row_group_size=len(table))
    return file.getvalue(), unwritten


def _writer(file: BinaryIO, schema: pa.Schema, level: int) -> pq.ParquetWriter:
    encodings = {"mask.counts": "DELTA_LENGTH_BYTE_ARRAY", "json.row": "DELTA_BINARY_PACKED"}
    if pa.types.is_integer(schema.field("id").type):
        encodings["id"] = "DELTA_BINARY_PACKED"
    return pq.ParquetWriter(
        file,
        schema,
        compression="zstd",
        compression_level=level,
        use_dictionary=_DICTIONARY,
        column_encoding=encodings,
        write_statistics=_STATISTICS,
        write_page_checksum=True,
        store_schema=False,
    )


# -- reading --------------------------------------------------------------------------------------


def read_parquet(
    path: Any,
    dataset: Dataset | None = None,
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Open Parquet files, whose annotations are read lazily."""
    del skip_invalid, progress  # nothing is read yet
    files = [_File(file) for file in parquet_files(path)]
    if not files:
        raise DatasetError(str(path), "expected Parquet files, got none")
    return ParquetDataset(path, files, dataset)


def from_arrow(table: Any) -> Dataset:
    """Make a data set of an Arrow table."""
    try:
        table = pa.table(table)
    except (TypeError, ValueError):
        raise TypeError(f"table: expected an Arrow table, got {described(table)}") from None
    header = Header.parse("table", table.schema.metadata)
    decoder = Decoder("table", table.schema, header)
    count = len(table)

    def read(columns: list[str]) -> Iterator[pa.RecordBatch]:
        return iter(table.select(list({name.partition(".")[0] for name in columns})).to_batches())

    if header is None:
        batches = table.to_batches()
        decoder.use(decoder.images_of(batches), decoder.categories_of(batches))
    else:
        decoder.use(header.images, header.categories)
    annotations = decoder.table(read, count)
    if header is not None and not header.is_sorted and header.rows == count:
        annotations = in_file_order(
            annotations, lambda: order_of("table", decoder.rows(read, count))
        )
    members = header.members if header else ()
    return Dataset(
        decoder.images,
        decoder.categories,
        annotations,
        members=members,
        result_areas=header.result_areas if header else None,
    )


def to_arrow(dataset: Dataset) -> pa.Table:
    """Return a data set as an Arrow table."""
    encoder = Encoder()
    tables = [part.table()[0] for part in encoder.add(dataset)]
    return pa.concat_tables(tables).replace_schema_metadata(encoder.metadata())


class _File:
    """A Parquet file, opened when it is first read."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = threading.Lock()

    @cached_property
    def _file(self) -> pq.ParquetFile:
        source: Any = self.path
        if "://" in source:
            source = fsspec_for(source).open(source, "rb").open()
        try:
            return pq.ParquetFile(source, page_checksum_verification=True)
        except FileNotFoundError:
            raise
        except (pa.ArrowException, OSError, ValueError) as error:
            raise DatasetError(self.path, f"expected a Parquet file: {error}") from None

    @cached_property
    def counts(self) -> list[int]:
        """Number of rows of each row group."""
        metadata = self._file.metadata
        return [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]

    @cached_property
    def decoder(self) -> Decoder:
        """What converts the columns."""
        return Decoder(self.path, self._file.schema_arrow, self.header)

    @cached_property
    def header(self) -> Header | None:
        """What the metadata say; None if segcore did not write them."""
        return Header.parse(self.path, self._file.metadata.metadata)

    @property
    def is_in_order(self) -> bool:
        """Whether the rows are in the order of the file converted, or rows are missing."""
        header = self.header
        return header is None or header.is_sorted or header.rows != sum(self.counts)

    def read(self, groups: Sequence[int], columns: list[str]) -> Iterator[pa.RecordBatch]:
        """Read columns of row groups, one at a time: they are converted before the next is read."""
        for group in groups:
            try:
                with self._lock:
                    table = self._file.read_row_group(group, columns=columns, use_threads=False)
            except ERRORS as error:
                where = f"row group {group}"
                raise DatasetError(self.path, f"cannot be read: {error}", where) from None
            yield from table.to_batches()

    def bounds(self) -> list[tuple[Any, Any] | None]:
        """Return the least and the greatest image id of each row group; None if unknown."""
        metadata = self._file.metadata
        names = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
        column = names.index("image_id")
        bounds: list[tuple[Any, Any] | None] = []
        for group in range(metadata.num_row_groups):
            statistics = metadata.row_group(group).column(column).statistics
            known = statistics is not None and statistics.has_min_max
            bounds.append((statistics.min, statistics.max) if known else None)
        return bounds


class _Group(NamedTuple):
    """A row group: its file, its number in it, and its rows."""

    file: _File
    number: int
    file_start: int
    start: int
    rows: int


class ParquetDataset(Dataset):
    """A data set whose annotations are read from Parquet files lazily."""

    is_lazy = True

    def __init__(self, path: Any, files: list[_File], dataset: Dataset | None) -> None:
        self._path = path
        self._given = dataset
        self._key = uuid.uuid4().hex
        starts = offsets_of([sum(file.counts) for file in files]).tolist()
        images, categories = (
            _tables(files) if dataset is None else (dataset.images, dataset.categories)
        )
        for file in files:
            file.decoder.use(images, categories)
        self._files = files
        self._groups = [
            _Group(file, number, file_start, int(start), file.counts[number])
            for file, file_start in zip(files, starts, strict=False)
            for number, start in enumerate(offsets_of(file.counts)[:-1])
        ]
        self._cache: OrderedDict[int, tuple[Table, NDArray[np.int64]]] = OrderedDict()
        self._lock = threading.Lock()
        header = files[0].header
        headers = [file.header for file in files if any(file.counts)]
        super().__init__(
            images,
            categories,
            _annotations(files, starts),
            members=header.members if header else (),
            source=str(path),
            result_areas=headers[0].result_areas if headers and headers[0] else None,
        )
        if dataset is not None:
            self.annotations["image"], self.annotations["category"]  # checks the ids

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path: the copy opens the files itself, once per process."""
        return _reopened, (self._key, self._path, self._given)

    # -- images -----------------------------------------------------------------------------------

    def rows_of(self, image: int) -> NDArray[np.int64] | slice:
        """Return the indices of the annotations of one image, in the order of the file."""
        rows = [rows[part] for _, rows, part in self._parts(image)]
        return np.concatenate([np.empty(0, np.int64), *rows])

    def column_of(self, image: int, name: str) -> Any:
        """Return a column of `annotations` for one image."""
        parts = [table[name][part] for table, _, part in self._parts(image)]
        if len(parts) == 1:
            return parts[0]
        return concatenate(parts) if parts else self._no_annotations[name]

    def annotations_of(self, images: NDArray[np.int64]) -> tuple[Table, NDArray[np.int64]]:
        """Return the annotations of several images, grouped by image, and their indices."""
        by_image = np.argsort(images)
        sorted_images = images[by_image]
        tables, all_rows = [], [np.empty(0, np.int64)]
        for first, stop in self._stretches(images):
            table, rows = self._read(first) if stop - first == 1 else self._table_of(first, stop)
            chosen = np.flatnonzero(np.isin(table["image"], sorted_images))
            tables.append(table.take(chosen))
            all_rows.append(rows[chosen])
        joined = _joined(tables or [self._no_annotations])
        place = by_image[np.searchsorted(sorted_images, joined["image"])]
        order = np.argsort(place, kind="stable")
        return joined.take(order), np.concatenate(all_rows)[order]

    @cached_property
    def _no_annotations(self) -> Table:
        return self._files[0].decoder.table(lambda _: iter(()), 0)

    def _parts(self, image: int) -> Iterator[tuple[Table, NDArray[np.int64], slice]]:
        """Yield where the annotations of an image are: group, row of each, and part of the group.

        Rows of an image are next to each other in files of segcore. In others they need not be.
        """
        for group in self._candidates(image):
            table, rows = self._read(group)
            found = np.flatnonzero(table["image"] == image)
            if len(found) and found[-1] - found[0] == len(found) - 1:
                yield table, rows, slice(int(found[0]), int(found[-1]) + 1)
            elif len(found):
                yield table, rows, found  # type: ignore[misc]

    def _candidates(self, image: int) -> list[int]:
        """Return the row groups that may hold an image."""
        ids, bounds = self._keys, self._bounds
        key = ids[image]
        if isinstance(bounds, list):
            return [g for g, b in enumerate(bounds) if b is None or b[0] <= key <= b[1]]
        return np.flatnonzero((bounds[0] <= key) & (key <= bounds[1])).tolist()

    def _stretches(self, images: NDArray[np.int64]) -> list[tuple[int, int]]:
        """Return the row groups that may hold any of the images, as ranges of adjoining ones.

        A range of a few groups is divided: single groups are kept in memory for the next images.
        """
        bounds = self._bounds
        if isinstance(bounds, list):
            groups = {group for image in images.tolist() for group in self._candidates(image)}
            found = np.array(sorted(groups), np.int64)
        else:
            keys = np.sort(self._keys[images])
            first = np.searchsorted(keys, bounds[0])
            found = np.flatnonzero(first < np.searchsorted(keys, bounds[1], side="right"))
        file = np.array([id(self._groups[group].file) for group in found.tolist()], np.int64)
        ends = np.flatnonzero((np.diff(found) != 1) | (np.diff(file) != 0)) + 1
        stretches = []
        for part in np.split(found, ends):
            step = len(part) if len(part) > FEW else 1
            stretches += [(int(g), int(g) + step) for g in part[::step]]
        return stretches

    @cached_property
    def _keys(self) -> Any:
        """Image ids as the files have them."""
        kinds = {file.decoder.kind("image_id") for file in self._files}
        if len(kinds) > 1:
            raise DatasetError(str(self._path), "image_id: expected ids of one type in all files")
        return as_stored(self.images["id"], *kinds)

    @cached_property
    def _bounds(self) -> Any:
        bounds = [bound for file in self._files for bound in file.bounds()]
        if all(b is not None and isinstance(b[0], int) and isinstance(b[1], int) for b in bounds):
            return np.array(bounds, np.int64).reshape(-1, 2).T
        return bounds

    def _table_of(self, first: int, stop: int) -> tuple[Table, NDArray[np.int64]]:
        """Return the annotations of adjoining row groups of a file, and their rows."""
        parts = self._groups[first:stop]
        file, file_start, start = parts[0].file, parts[0].file_start, parts[0].start
        count = sum(part.rows for part in parts)

        def read(columns: list[str]) -> Iterator[pa.RecordBatch]:
            return file.read([part.number for part in parts], columns)

        table = file.decoder.table(read, count, file_start + start)
        rows = file_start + (
            np.arange(start, start + count) if file.is_in_order else file.decoder.rows(read, count)
        )
        return table, rows

    def _read(self, group: int) -> tuple[Table, NDArray[np.int64]]:
        """Return the annotations of a row group and their rows; columns are read later."""
        with self._lock:
            if group in self._cache:
                self._cache.move_to_end(group)
                return self._cache[group]
        table, rows = self._table_of(group, group + 1)
        with self._lock:
            self._cache[group] = table, rows
            while len(self._cache) > CACHED:
                self._cache.popitem(last=False)
        return table, rows


_opened: OrderedDict[str, ParquetDataset] = OrderedDict()
"""Copies of the data sets of other processes, which partitions of them share."""
_opened_lock = threading.Lock()


def _reopened(key: str, path: Any, dataset: Dataset | None) -> Dataset:
    """Return the copy of a data set that another process opened."""
    with _opened_lock:
        if key not in _opened:
            _opened[key] = cast("ParquetDataset", read_parquet(path, dataset))
        _opened.move_to_end(key)
        while len(_opened) > REOPENED:
            _opened.popitem(last=False)
        return _opened[key]


def _tables(files: list[_File]) -> tuple[Table, Table]:
    """Return the images of all files, and their categories."""
    images, categories = [], []
    for file in files:
        if file.header is not None:
            images.append(file.header.images)
            categories.append(file.header.categories)
            continue
        names = ["image_id", "category_id", "file_name", "height", "width"]
        batches = list(file.read(range(len(file.counts)), file.decoder.present(names)))
        images.append(file.decoder.images_of(batches))
        categories.append(file.decoder.categories_of(batches))
    for file, other in zip(files, categories, strict=True):
        if not same_categories(categories[0], other):
            raise DatasetError(file.path, f"its categories differ from those of {files[0].path}")
    if len(files) == 1:
        return images[0], categories[0]
    joined = Table.concatenate(images)
    try:
        check_unique(joined["id"], "image")
    except ValueError as error:
        raise DatasetError(files[0].path, f"{error} in the files") from None
    return joined, categories[0]


def _annotations(files: list[_File], starts: list[int]) -> Table:
    """Return the annotations of all files, in the order in which they were before."""
    return _joined([_annotations_of_file(*pair) for pair in zip(files, starts, strict=False)])


def _joined(tables: list[Table]) -> Table:
    """Return the rows of several tables, whose columns are read when they are needed."""
    if len(tables) == 1:
        return tables[0]
    columns = {
        name: (lambda name=name: concatenate([table[name] for table in tables]))
        for name in tables[0].names
    }
    return Table(
        columns, lambda: concatenate([table.layout for table in tables]), sum(map(len, tables))
    )


def _annotations_of_file(file: _File, start: int) -> Table:
    count = sum(file.counts)

    def read(columns: list[str]) -> Iterator[pa.RecordBatch]:
        return file.read(range(len(file.counts)), columns)

    table = file.decoder.table(read, count, start)
    if file.is_in_order:
        return table
    return in_file_order(table, lambda: order_of(file.path, file.decoder.rows(read, count)))
