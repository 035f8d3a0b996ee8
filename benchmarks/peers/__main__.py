"""``python -m benchmarks.peers``: measure segcore beside its peers, and print the table."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from segcore import backends

from . import table
from .rows import ROWS

ONE_THREAD = dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


def main() -> int:
    """Measure; 1 if an answer is wrong or a bar does not hold."""
    options = parsed()
    results = [measured(backend, options) for backend in options.backends]
    print(table.report(results))
    if options.notes:
        print(table.notes(results[0]))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    if options.markdown:
        table.write(options.markdown, table.report(results))
    failures = table.failures(results)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def parsed() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.peers", description=__doc__)
    parser.add_argument(
        "--backends",
        nargs="+",
        metavar="NAME",
        default=default_backends(),
        help="one table each, in a process each (default: %(default)s)",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="ROW",
        default=[],
        choices=[row.key for row in ROWS],
        help="rows: " + ", ".join(row.key for row in ROWS),
    )
    parser.add_argument("--quick", action="store_true", help="small inputs: the times mean nothing")
    parser.add_argument("--rounds", type=int, default=7, help="the best of these (default: 7)")
    parser.add_argument("--notes", action="store_true", help="say what each row includes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument(
        "--markdown",
        type=Path,
        metavar="FILE",
        help=f"write the tables, between {table.BEGIN!r} and {table.END!r} where the file exists",
    )
    return parser.parse_args()


def default_backends() -> list[str]:
    """Give the best native backend and numba, as far as they are here."""
    names = backends.available()
    return [*names[:1], *(["numba"] if "numba" in names[1:] else [])]


def measured(backend: str, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one backend in a process of its own, which alone can choose it."""
    wanted = {"only": options.only, "quick": options.quick, "rounds": options.rounds}
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks.peers.measure", json.dumps(wanted)],
        env={**os.environ, **ONE_THREAD, "SEGCORE_BACKEND": backend},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    result: dict[str, Any] = json.loads(process.stdout)
    return result


if __name__ == "__main__":
    sys.exit(main())
