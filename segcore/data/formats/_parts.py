"""Writing of data sets part by part, in this process, in several, or on a cluster."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from segcore.data.formats._account import Account, Noted, Rows
from segcore.data.mapping import Partition, engine_of
from segcore.distributed import run

Result = TypeVar("Result")
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
        for images, (noted, own_measures, result) in zip(parts, results, strict=True):
            account.add(noted, own_measures, images)
            yield images, result


def _call(
    job: Callable[[Account, list[str]], Result], format: str, item: tuple[Partition, list[str]]
) -> tuple[Noted, NDArray[np.bool_], Result]:
    part, names = item
    account = Account(part.load(), format, "")
    result = job(account, names)
    return account.noted, account.own_measures, result
