"""How it is measured: first the answers are compared, then all contenders take turns.

Each round gives every contender one sample, so that whatever else the machine does meets them
all; the best sample of all rounds counts. A sample is one call, or as many as fill two
milliseconds. What a call returns is freed outside the sample where that is a single call.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

SEGCORE = "segcore"
EXPECTED = "expected"
"""The library of a contender that is the known answer: compared with, and not timed."""
SAMPLE = 0.002
"""Seconds that a sample should take at least."""
BUDGET = 1.5
"""Seconds after which a contender gets no more rounds, once it has had three."""


@dataclass(frozen=True)
class Contender:
    """One way to do an operation.

    Parameters
    ----------
    library : str
        Whose it is. A library may have several: its fastest counts.
    run : callable
        Does the operation; what it returns is the result.
    answer : callable, optional
        Turns the result into a form that all contenders share, outside the timing. Without it
        the contender (a limit) has no answer to compare.
    how : str, optional
        What it calls, where that is not obvious.
    """

    library: str
    run: Callable[[], Any]
    answer: Callable[[Any], Any] | None = None
    how: str = ""


def disagreements(contenders: Sequence[Contender]) -> dict[int, str]:
    """Compare all answers with the first one.

    Returns
    -------
    dict
        What is wrong, by the contender's place; empty if all agree. A contender that raises is
        wrong.
    """
    wrong: dict[int, str] = {}
    expected: Any = None
    known = False
    for place, contender in enumerate(contenders):
        if contender.answer is None:
            continue
        try:
            answer = contender.answer(contender.run())
        except Exception as error:  # it is the contender's, and is shown
            wrong[place] = f"{type(error).__name__}: {error}"
            continue
        if not known:
            expected, known = answer, True
        elif not same(answer, expected):
            wrong[place] = "another answer"
    return wrong


def same(answer: Any, expected: Any) -> bool:
    """Compare two answers: floats to a relative 1e-12, all else exactly; dtypes may differ."""
    if isinstance(expected, np.ndarray):
        if not isinstance(answer, np.ndarray) or answer.shape != expected.shape:
            return False
        if "f" in (answer.dtype.kind, expected.dtype.kind):
            return bool(np.allclose(answer, expected, rtol=1e-12, atol=0, equal_nan=True))
        return bool(np.array_equal(answer, expected))
    if isinstance(expected, (list, tuple)):
        return len(answer) == len(expected) and all(map(same, answer, expected))
    return bool(answer == expected)


def measure(contenders: Sequence[Contender], rounds: int) -> list[float]:
    """Time the contenders in turns: seconds of the best call of each."""
    numbers = [_calls(contender.run) for contender in contenders]
    best = [float("inf")] * len(contenders)
    spent = [0.0] * len(contenders)
    collecting = gc.isenabled()
    gc.disable()
    try:
        for turn in range(rounds):
            for turned in range(len(contenders)):
                place = (turned + turn) % len(contenders)
                if turn >= 3 and spent[place] > BUDGET:
                    continue
                seconds = _sample(contenders[place].run, numbers[place])
                spent[place] += seconds * numbers[place]
                best[place] = min(best[place], seconds)
    finally:
        if collecting:
            gc.enable()
    return best


def _calls(run: Callable[[], Any]) -> int:
    """Find out how many calls fill a sample; this also warms up."""
    calls = 1
    while (seconds := _sample(run, calls) * calls) < SAMPLE:
        calls = max(2 * calls, min(round(SAMPLE / max(seconds, 1e-9) * calls), 100 * calls))
    return calls


def _sample(run: Callable[[], Any], calls: int) -> float:
    turns = range(calls - 1)
    start = perf_counter()
    for _ in turns:
        run()
    result = run()
    end = perf_counter()
    del result
    return (end - start) / calls
