"""The finished parts of an interrupted command, from which it continues."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from segcore._publish import is_replaceable
from segcore._version import __version__
from segcore.cli.failures import BadInput
from segcore.data.files.walk import files_below

JOB = "job.json"
NOT_COMPARED = {"overwrite", "report", "resume", "strict", "workers", "dask"}
"""Options that do not change the parts."""


class Checkpoint:
    """A folder with the result of each finished part, one file per part.

    Parameters
    ----------
    folder : Path
        The folder. It is created if it does not exist. Only a folder of a run with equal options,
        inputs and version of segcore is used.
    output : Path
        The output, which may be another one.

    Raises
    ------
    BadInput
        If the folder belongs to another run, or has other files.
    """

    def __init__(self, folder: Path, output: Path) -> None:
        self._folder = folder
        self._done: set[str] = set()
        job = _job(output)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._done = set(os.listdir(folder))
            if not self._done:
                (folder / JOB).write_text(job, "utf-8")
            elif JOB not in self._done or not is_replaceable(folder / JOB):
                raise BadInput(f"{folder}: expected an empty folder, or one that --resume created")
            elif (folder / JOB).read_text("utf-8") != job:
                raise BadInput(
                    f"{folder}: it is from a run with other options, inputs or version of segcore; "
                    "choose another folder, or remove it"
                )
        except OSError as error:
            raise BadInput(f"{folder}: {error.strerror or error}") from error

    def has(self, part: int) -> bool:
        """Return whether a part is finished."""
        return _name(part) in self._done

    def complete(self, results: Iterator[Any], parts: int) -> Iterator[Any]:
        """Yield the results of all parts: those that are finished, and `results` of the others."""
        for part in range(parts):
            path = self._folder / _name(part)
            if self.has(part):
                try:
                    yield pickle.loads(path.read_bytes())
                except (OSError, EOFError, pickle.UnpicklingError) as error:
                    raise BadInput(f"{path}: it is broken; remove it") from error
            else:
                result = next(results)
                new = path.with_suffix(".new")
                new.write_bytes(pickle.dumps(result, 5))
                os.replace(new, path)
                yield result

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _name(part: int) -> str:
    return f"{part:08}.part"


def _job(output: Path) -> str:
    """Describe the command that runs: its options, and the files that it reads, as JSON."""
    context = click.get_current_context()
    options: dict[str, Any] = {"command": context.info_name}
    for name, value in sorted(context.params.items()):
        if name not in NOT_COMPARED and value != output:
            options[name] = _state(value) if isinstance(value, Path) else repr(value)
    info = {"software": f"segcore {__version__}"}
    return json.dumps({"info": info, "options": options}, indent=1)


def _state(path: Path) -> str:
    """Return a text that changes with a file, or with the files of a folder."""
    digest = hashlib.sha256(os.fsencode(path.absolute()))
    for file in files_below(path) if path.is_dir() else [path]:
        if file.exists():
            status = file.stat()
            digest.update(
                f"{file}\0{status.st_size}\0{status.st_mtime_ns}\0".encode(errors="replace")
            )
    return digest.hexdigest()
