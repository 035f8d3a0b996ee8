"""The command line: ``segcore semantic``, ``panoptic``, ``labels``, ``evaluate``, and more.

It needs click, rich and Pillow, the extra ``cli``.
"""

from __future__ import annotations

import importlib.util
import os
import select
import signal
import sys
from types import FrameType
from typing import TextIO

__all__ = ["main"]


class _Stopped(BaseException):
    """Raised by signals that end a command, so that it removes its temporary files."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def main() -> None:
    """Run the command line, and exit.

    Exit codes are 0 for success, 2 for unusable input, and 128 + n after signal n: 130 for Ctrl-C,
    143 for SIGTERM, and 141 if the reader of the output has gone, as with ``segcore ... | head``.
    """
    needed = {"click": "click", "rich": "rich", "PIL": "Pillow"}
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        sys.exit(_refuse(missing))
    # Lets NumPy reuse memory that Arrow frees, also in worker processes.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        sys.exit(_run())
    except _Stopped as stopped:
        sys.exit(_end(stopped.number))


def _run() -> int | str | None:
    """Run the command line, and return its exit code."""
    _catch_signals()
    from segcore.cli.app import app

    code: int | str | None = 0
    try:
        app(prog_name="segcore")
    except SystemExit as ended:
        code = ended.code
    try:
        if sys.stdout is not None:
            sys.stdout.flush()  # buffered output may fail as well
    except OSError as error:
        _drop(sys.stdout)
        if not code:
            reason = error.strerror or error
            print(f"segcore: cannot write to the standard output: {reason}", file=sys.stderr)
            code = 2
    return code


def _catch_signals() -> None:
    """Make signals raise _Stopped, except those that are ignored, as under nohup."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE"):
        number = getattr(signal, name, None)  # Windows does not have all of them
        if number is None:
            continue
        # Python itself ignores SIGPIPE.
        if name == "SIGPIPE" or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    if number != getattr(signal, "SIGPIPE", None) or _reader_has_gone():
        raise _Stopped(number)


def _reader_has_gone() -> bool:
    """Return whether the standard output is the broken pipe, and not that of a worker process."""
    poll = select.poll()
    poll.register(1, 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _end(number: int) -> int:
    """Print what stopped the command, and return its exit code."""
    if number == getattr(signal, "SIGPIPE", None):
        _drop(sys.stdout)
    else:
        print(f"segcore: stopped by {signal.Signals(number).name}", file=sys.stderr)
    return 128 + number


def _drop(stream: TextIO | None) -> None:
    """Discard buffered output, so that Python does not fail to write it at exit."""
    if stream is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _refuse(missing: list[str]) -> int:
    print(
        f"segcore: the command line needs {', '.join(missing)}, which is not installed: "
        'pip install "segcore[cli]"',
        file=sys.stderr,
    )
    return 2
