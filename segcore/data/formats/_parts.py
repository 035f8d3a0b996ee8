"""Writing of data sets part by part, in this process, in several, or on a cluster."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, TypeAlias, TypeVar

from segcore._publish import FolderWriter, OutputFolder
from segcore.data.formats._account import Account, Found, Rows
from segcore.data.mapping import Partition, engine_of
from segcore.distributed import run

Result = TypeVar("Result")
Unwritten: TypeAlias = tuple[str, bytes | None]
"""The path of a file below a folder, and its data unless it was written."""
ANNOTATIONS = 4096
"""Least number of annotations per part: the work of a fraction of a second."""


def written_parts(
    account: Account,
    job: Callable[[Account, list[str]], Result],
    names: list[str],
    workers: int | None = 1,
    client: Any = None,
) -> Iterator[tuple[Rows, Result]]:
    """Yield the images of each part of a data set, and the result of a job for them.

    Parameters
    ----------
    account : Account
        The account of the data set, to which what the jobs note is added.
    job : callable
        Function of the account of a part, and the names of the files of its images. It must be
        picklable.
    names : list of str
        Name of the file of each image.
    workers, client
        What does the work, as for :func:`segcore.data.map`.
    """
    dataset = account.dataset
    parts = dataset.partitions(ANNOTATIONS)
    items = ((Partition(dataset, images), [names[i] for i in images.tolist()]) for images in parts)
    function = functools.partial(_call, job, account.format)
    with closing(run(function, items, **engine_of(workers, client))) as results:
        for images, (found, result) in zip(parts, results, strict=True):
            account.add(found, images)
            yield images, result


def write_images(
    account: Account,
    folder: OutputFolder,
    job: Callable[[FolderWriter, Account, list[str]], Iterable[Unwritten]],
    names: list[str],
    workers: int | None = 1,
    client: Any = None,
) -> None:
    """Write the files of all images of a data set to a folder.

    Parameters
    ----------
    account, names, workers, client
        As for `written_parts`.
    folder : OutputFolder
        The folder.
    job : callable
        Function of a `FolderWriter`, the account of a part, and the names of its images. It yields
        the path of each file and what `FolderWriter.write` returned. It must be picklable.
    """
    function = functools.partial(_listed, job, folder.writer())
    for _, files in written_parts(account, function, names, workers, client):
        for name, data in files:
            folder.take(name, data)


def _listed(
    job: Callable[[FolderWriter, Account, list[str]], Iterable[Unwritten]],
    files: FolderWriter,
    account: Account,
    names: list[str],
) -> list[Unwritten]:
    return list(job(files, account, names))


def _call(
    job: Callable[[Account, list[str]], Result], format: str, item: tuple[Partition, list[str]]
) -> tuple[Found, Result]:
    part, names = item
    account = Account(part.load(), format, "")
    result = job(account, names)
    return account.found(), result
