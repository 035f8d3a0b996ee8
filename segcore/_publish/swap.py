"""Rename all files of the stages into place, or undo this."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from segcore._publish.errors import OutputError
from segcore._publish.files import reason_of, sync
from segcore._publish.stage import Move, Stage


def swap(stages: list[Stage]) -> None:
    """Rename all staged files into place. If this fails, undo all renames."""
    done: list[Move] = []
    target = None
    try:
        moves = [move for stage in stages for move in stage.moves()]
        for _, target, kept in moves:
            if kept is not None:
                _keep(target, kept)
        for move in moves:
            source, target, _ = move
            if source is not None:
                os.replace(source, target)
            else:
                os.unlink(target)
            done.append(move)
        for folder in {move.target.parent for move in moves}:
            target = folder
            if os.access(folder, os.R_OK):
                sync(folder)
        for folder in {path.parent for stage in stages for path in stage.removed}:
            with suppress(OSError):  # the folder has other files
                os.rmdir(folder)
    except BaseException as error:
        _undo(done, stages, error)
        if isinstance(error, OSError):
            place = stages[0].base if target is None else target
            raise OutputError(f"cannot write {place}: {reason_of(error)}") from error
        raise


def _keep(target: Path, kept: Path) -> None:
    """Give a file a second name in the stage, so that the target is never absent."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(target, kept)
    except OSError:  # a file system without hard links, or a file of another user
        shutil.copy2(target, kept)


def _undo(done: list[Move], stages: list[Stage], error: BaseException) -> None:
    failed = []
    for source, target, backup in reversed(done):
        try:
            if backup is not None:
                os.replace(backup, target)
            elif source is not None:
                os.replace(target, source)
        except OSError:
            failed.append(target)
    if failed:
        for stage in stages:
            stage.keep()
        kept = ", ".join(str(stage.path) for stage in stages)
        raise OutputError(
            f"cannot write all outputs ({error}) or restore {failed[0]}; the replaced files are in "
            f"{kept}"
        ) from error
