"""Read JSON files of COCO and its relatives."""

from __future__ import annotations

import json
import os
from typing import Any, BinaryIO

from segcore.data.coco.document import Document
from segcore.data.coco.in_file import SourceFile
from segcore.data.coco.instances import Reader
from segcore.data.coco.panoptic import panoptic_dataset
from segcore.data.coco.sa_v import video_dataset
from segcore.data.coco.stream import NotLocatedError, Progress, Stream, no_rows, open_binary
from segcore.data.columns.layouts import ANNOTATIONS, CATEGORIES, ENTRIES, IMAGE, IMAGES, Fields
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.files.kinds import READABLE, look_of

WITHOUT_ANNOTATIONS = {"info", "licenses", "images", "categories"}
"""The members of files of images alone, such as those of COCO's test sets."""
TABLES: dict[str, Fields] = {"images": IMAGES, "categories": CATEGORIES, "annotations": ANNOTATIONS}


def read_coco(
    path: str | os.PathLike[str],
    dataset: Dataset | None = None,
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a COCO instances or LVIS file, or a list of results, to which `dataset` belongs.

    The segmentations of a large file stay there, unless it is compressed or cannot be read again.
    """
    file, size = open_binary(path)
    with file:
        source = None if size is None else SourceFile.of(file, path)
        arguments = os.fspath(path), file, size, dataset, skip_invalid, progress
        try:
            try:
                return read_stream(*arguments, source)
            except NotLocatedError:
                file.seek(0)
                return read_stream(*arguments)
        except DatasetError as error:
            # Not of gzip files and pipes, whose size is unknown.
            if size is not None and (kind := look_of(_start_of(file))):
                detail = f"not JSON: it looks like {kind}; {READABLE}"
                raise DatasetError(path, detail, offset=error.offset) from error
            raise


def _start_of(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(4096)


def read_stream(
    name: str,
    file: BinaryIO,
    size: int | None,
    dataset: Dataset | None = None,
    skip_invalid: bool = False,
    progress: Progress | None = None,
    source: SourceFile | None = None,
) -> Dataset:
    """Read an open file; `name` is for error messages. In `source`, segmentations may stay."""
    return read_source(Stream(name, file, progress, size, source), dataset, skip_invalid)


def read_source(
    source: Stream | Document, dataset: Dataset | None = None, skip_invalid: bool = False
) -> Dataset:
    """Read a stream or a document in memory."""
    raw, members = read_tables(source)
    reader = Reader(source.path, raw, skip_invalid)
    reader.skipped += source.repeated
    if members is None:
        return reader.results(dataset)
    if "annotations" in raw and "segments_info" in raw["annotations"]["columns"]:
        return panoptic_dataset(reader, members)
    if "masklet" in dict(members):
        return video_dataset(source.path, members)
    if "image" in raw and "annotations" in raw:
        return reader.single_image(members)
    if {"images", "categories"} <= set(raw) and set(dict(members)) <= WITHOUT_ANNOTATIONS:
        raw["annotations"] = no_rows(ANNOTATIONS)
    return reader.instances(members)


def read_tables(
    source: Stream | Document,
) -> tuple[dict[str, Any], list[tuple[str, bytes | None]] | None]:
    """Return the raw tables, and the members of the outermost object (None for a list)."""
    if source.enter() == "[":
        raw = {"annotations": source.rows(ANNOTATIONS, "")}
        source.end()
        return raw, None
    raw = {}
    members: dict[str, bytes | None] = {}
    for name in source.names():
        fields = TABLES.get(name)
        if name == "annotations" and source.is_panoptic():
            fields = ENTRIES
        if name in members:
            source.repeated.append(
                f"{source.path}: {json.dumps(name)} occurs twice; the last counts"
            )
        if fields is not None:
            raw[name] = source.rows(fields, name)
            members[name] = None
        elif name == "image":
            raw[name] = source.row(IMAGE, name)
            members[name] = None
        else:
            members[name] = source.value()
    source.end()
    return raw, list(members.items())
