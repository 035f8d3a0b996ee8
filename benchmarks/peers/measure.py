"""All rows on the backend of this process: ``python -m benchmarks.peers.measure``.

The process that starts it chooses the backend and keeps the peers to one thread, by environment
variables; see ``__main__``. The result goes to the standard output as JSON, the progress to the
standard error.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
from collections.abc import Sequence
from typing import Any

import segcore as sc

from ..inputs import Inputs
from . import libraries
from .limits import LIMITS
from .row import BEST_PEER, Bar, Row, Skip
from .rows import ROWS
from .timing import EXPECTED, SEGCORE, Contender, disagreements, measure

BASELINE = "pycocotools"
OTHER_BACKENDS_BAR = Bar(BASELINE, 3)


def run(rows: Sequence[Row], inputs: Inputs, rounds: int) -> dict[str, Any]:
    """Measure the rows, on one thread unless a row says otherwise."""
    sc.set_num_threads(1)
    measured = []
    for place, row in enumerate(rows, 1):
        print(f"[{place}/{len(rows)}] {row.title}", file=sys.stderr, flush=True)
        if kept := measured_row(row, inputs, rounds):
            measured.append(kept)
    return {"machine": machine(), "backend": sc.backends.current(), "rows": measured}


def measured_row(row: Row, inputs: Inputs, rounds: int) -> dict[str, Any] | None:
    """Measure one row: what is kept of it, ready for JSON.

    Backends other than native are compared with pycocotools alone: None where it has no part.
    """
    kept: dict[str, Any] = {
        "key": row.key,
        "title": row.title,
        "note": row.note,
        "table": row.table,
        "ways": [],
        "bars": [],
        "wrong": [],
        "skipped": None,
    }
    try:
        contenders = list(row.contenders(inputs))
    except Skip as reason:
        return {**kept, "skipped": str(reason)}
    if not is_native():
        contenders = [each for each in contenders if each.library in (SEGCORE, BASELINE)]
        if BASELINE not in (each.library for each in contenders):
            return None
    wrong = disagreements(contenders)
    kept["wrong"] = [
        {"library": contenders[place].library, "how": contenders[place].how, "what": what}
        for place, what in wrong.items()
    ]
    right = [
        each
        for place, each in enumerate(contenders)
        if place not in wrong and each.library != EXPECTED
    ]
    seconds = measure(right, rounds)
    kept["ways"] = [
        {"library": each.library, "how": each.how, "seconds": time}
        for each, time in zip(right, seconds, strict=True)
    ]
    times = best_times(right, seconds)
    kept["bars"] = [judged(bar, times) for bar in bars(row, inputs)]
    return kept


def bars(row: Row, inputs: Inputs) -> tuple[Bar, ...]:
    """Give the bars of this backend; small inputs have none."""
    if inputs.quick or not row.bars:
        return ()
    if is_native():
        return row.bars
    return (OTHER_BACKENDS_BAR,) if row.every_backend else ()


def is_native() -> bool:
    """Tell whether the bars of the native backend hold."""
    return sc.backends.current().startswith("native")


def best_times(contenders: Sequence[Contender], seconds: Sequence[float]) -> dict[str, float]:
    """Give the time of each library's fastest way."""
    times: dict[str, float] = {}
    for contender, time in zip(contenders, seconds, strict=True):
        times[contender.library] = min(time, times.get(contender.library, math.inf))
    return times


def judged(bar: Bar, times: dict[str, float]) -> dict[str, Any]:
    """Say whether a bar holds; the ratio is None where the other did not run."""
    ratio = ratio_to(bar.against, times)
    return {
        "against": bar.against,
        "at_least": bar.ratio,
        "ratio": ratio,
        "holds": None if ratio is None else ratio >= bar.ratio,
    }


def ratio_to(against: str, times: dict[str, float]) -> float | None:
    """Divide another's time by segcore's: how many times faster segcore is."""
    if against == BEST_PEER:
        others = [times[name] for name in times if name not in (SEGCORE, *LIMITS)]
        other = min(others, default=None)
    else:
        other = times.get(against)
    if other is None or SEGCORE not in times:
        return None
    return other / times[SEGCORE]


def machine() -> dict[str, Any]:
    """Say what was measured on what."""
    runtime = sc.runtime_info()
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": runtime["numpy"],
        "numba": runtime["numba"],
        "compiler": runtime["compiler"],
        "segcore": runtime["segcore"],
        "peers": libraries.versions(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def main(options: dict[str, Any]) -> None:
    """Measure as a child process: options as JSON in, what was measured as JSON out."""
    rows = [row for row in ROWS if not options["only"] or row.key in options["only"]]
    result = run(rows, Inputs(options["quick"]), options["rounds"])
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
