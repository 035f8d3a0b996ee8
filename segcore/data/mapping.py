"""Functions of the parts of a data set, computed by several processes or a cluster."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset, check_dataset
from segcore.distributed import run

Result = TypeVar("Result")
ANNOTATIONS = 4096
"""Least number of annotations per partition: the work of a fraction of a second."""


class Partition:
    """Some images of a data set. A pickled partition contains only these.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    images : numpy.ndarray
        Indices of the images: int64.
    """

    def __init__(self, dataset: Dataset, images: NDArray[np.int64]) -> None:
        self._dataset = dataset
        self._images = images

    def load(self) -> Dataset:
        """Return the data set of the images."""
        return self._dataset[self._images]

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the path of a file that is read lazily, or else the images and annotations."""
        if self._dataset.is_lazy:
            return Partition, (self._dataset, self._images)
        # As bytes, since multiprocessing has another way to send data sets.
        return _unpickled, (pickle.dumps(self.load(), 5),)


def _unpickled(data: bytes) -> Partition:
    dataset: Dataset = pickle.loads(data)
    return Partition(dataset, np.arange(len(dataset)))


def map(
    dataset: Dataset,
    function: Callable[[Dataset], Result],
    *,
    annotations: int = ANNOTATIONS,
    workers: int | None = None,
    client: Any = None,
    progress: Progress | None = None,
) -> Iterator[Result]:
    """Call a function with each part of a data set, on several cores or a cluster.

    A part has some images and all of their annotations. A process receives only its own parts:
    their columns or, for Parquet, the path of the file, from which it reads its row groups. The
    segmentations of large JSON files are also read from the file by the processes that need them.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    function : callable
        Function of a `Dataset`. It must be picklable, such as a function of a module, and so must
        its results.
    annotations : int, default 4096
        Minimum number of annotations per part; see :meth:`Dataset.partitions`. A part should take
        about a second.
    workers : int, optional
        Number of processes. They are started with the method ``spawn``, so a script must call this
        under ``if __name__ == "__main__":``. With 1, the function runs in this process. By default,
        one per core.
    client : dask.distributed.Client or concurrent.futures.Executor, optional
        Runs the function instead of local processes.
    progress : callable, optional
        Called with the number of images done and their total.

    Yields
    ------
    object
        The result of each part, in the order of the parts: by ascending image id.

    Raises
    ------
    ValueError
        If `annotations` is less than 1, `workers` is out of range, or both `workers` and `client`
        are given.
    TypeError
        If `dataset` is not a `Dataset`, `function` cannot be pickled for other processes, or
        `client` is neither a client nor an executor.
    segcore.distributed.WorkerError
        If a process ended before its task was done, such as for lack of memory.

    Examples
    --------
    >>> import segcore as sc
    >>> ds = sc.data.from_coco({
    ...     "images": [{"id": i, "height": 9, "width": 9} for i in range(5)],
    ...     "annotations": [{"image_id": i, "segmentation": [[1, 1, 4, 1, 4, 4]]} for i in range(5)]
    ... })
    >>> def area(part):
    ...     return sum(int(sample.masks.area.sum()) for sample in part)
    >>> list(sc.data.map(ds, area, annotations=2, workers=1))
    [6, 6, 3]
    """
    check_dataset(dataset)
    parts = dataset.partitions(annotations)
    items = (Partition(dataset, images) for images in parts)
    results = run(functools.partial(_call, function), items, workers=workers, client=client)
    return counted_results(results, [len(images) for images in parts], progress)


def engine_of(workers: int | None, client: Any) -> dict[str, Any]:
    """Return the arguments of `run`: the client if there is one, otherwise the workers."""
    return {"workers": workers} if client is None else {"client": client}


def _call(function: Callable[[Dataset], Result], part: Partition) -> Result:
    return function(part.load())


def counted_results(
    results: Generator[Result, None, None], sizes: list[int], progress: Progress | None
) -> Iterator[Result]:
    """Yield results, and report the number of images done."""
    done, total = 0, sum(sizes)
    with closing(results):
        for result, size in zip(results, sizes, strict=True):
            done += size
            if progress is not None:
                progress(done, total)
            yield result
