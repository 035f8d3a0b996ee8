"""What was measured, as Markdown: it reads well in a terminal too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .libraries import PEERS
from .limits import FILL, LIMITS, READ
from .row import BEST_PEER, ONE_THREAD, PIPELINES, THREADS
from .row import PEERS as BESIDE_PEERS
from .timing import SEGCORE

COLUMNS = (READ, FILL, SEGCORE, ONE_THREAD, *PEERS)
KINDS = {
    BESIDE_PEERS: "one thread",
    THREADS: "two threads against one",
    PIPELINES: "one thread, beside what models' pipelines call",
}
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def report(results: Sequence[dict[str, Any]]) -> str:
    """Write all tables, one a backend and kind."""
    parts = [_machine(results[0]["machine"])]
    for result in results:
        for kind in dict.fromkeys(row["table"] for row in result["rows"]):
            rows = [row for row in result["rows"] if row["table"] == kind and row["ways"]]
            if rows:
                parts.append(f"**{result['backend']}, {KINDS[kind]}** (milliseconds)")
                parts.append(_table(rows))
        skipped = [row for row in result["rows"] if row["skipped"] or row["wrong"]]
        parts += _remarks(skipped)
    return "\n\n".join(parts) + "\n"


def notes(result: dict[str, Any]) -> str:
    """Say what each row includes, and by which call each library was fastest."""
    lines = []
    for row in result["rows"]:
        fastest = [
            f"{way['library']} `{way['how']}`"
            for way in _fastest(row).values()
            if way["how"] and way["library"] not in LIMITS
        ]
        calls = f" ({'; '.join(fastest)})" if fastest else ""
        lines.append(f"- {row['title']}: {row['note']}{calls}")
    return "\n".join(lines) + "\n"


def failures(results: Iterable[dict[str, Any]]) -> list[str]:
    """List wrong answers, and bars that do not hold."""
    found = []
    for result in results:
        for row in result["rows"]:
            where = f"{result['backend']}: {row['title']}"
            found += [
                f"{where}: {each['library']} {each['how']}: {each['what']}" for each in row["wrong"]
            ]
            found += [
                f"{where}: {bar['ratio']:.2f} of {bar['against']}, "
                f"expected at least {bar['at_least']:g}"
                for bar in row["bars"]
                if bar["holds"] is False
            ]
    return found


def write(path: Path, text: str) -> None:
    """Put the tables into a Markdown file: between its two marks, or as a new file."""
    if path.exists():
        page = path.read_text("utf-8")
        if page.count(BEGIN) != 1 or page.count(END) != 1:
            raise ValueError(f"{path}: expected the marks {BEGIN} and {END}, once each")
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        text = f"{before}{BEGIN}\n\n{text}\n{END}{after}"
    path.write_text(text, "utf-8")


def _machine(machine: dict[str, Any]) -> str:
    peers = ", ".join(f"{name} {version}" for name, version in machine["peers"].items())
    return (
        f"segcore {machine['segcore']} ({machine['compiler']}) on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['system']}; Python {machine['python']}, "
        f"NumPy {machine['numpy']}, Numba {machine['numba']}; {peers}."
    )


def _fastest(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give each library's fastest way."""
    ways: dict[str, dict[str, Any]] = {}
    for way in row["ways"]:
        kept = ways.get(way["library"])
        if kept is None or way["seconds"] < kept["seconds"]:
            ways[way["library"]] = way
    return ways


def _table(rows: Sequence[dict[str, Any]]) -> str:
    times = [{k: way["seconds"] for k, way in _fastest(row).items()} for row in rows]
    wrong = [{each["library"] for each in row["wrong"]} for row in rows]
    present = set().union(*times, *wrong)
    columns = [name for name in COLUMNS if name in present]
    cells = [["operation", *columns, "bar", "reached"]]
    for row, seconds, without in zip(rows, times, wrong, strict=True):
        peers = [seconds[name] for name in (*PEERS, ONE_THREAD) if name in seconds]
        line = [row["title"]]
        for name in columns:
            if name in seconds:
                text = _milliseconds(seconds[name])
                best = name in PEERS and seconds[name] == min(peers)
                line.append(f"**{text}**" if best else text)
            else:
                line.append("WRONG" if name in without else "")
        line.append(", ".join(f"{bar['at_least']:g} x {bar['against']}" for bar in row["bars"]))
        line.append(", ".join(map(_reached, row["bars"] or _best_peer(peers, seconds))))
        cells.append(line)
    return _aligned(cells)


def _best_peer(peers: Sequence[float], seconds: dict[str, float]) -> list[dict[str, Any]]:
    """Compare with the best peer where no bar does."""
    if not peers or SEGCORE not in seconds:
        return []
    ratio = min(peers) / seconds[SEGCORE]
    return [{"against": BEST_PEER, "ratio": ratio, "holds": None}]


def _reached(bar: dict[str, Any]) -> str:
    if bar["ratio"] is None:
        return "not run"
    verdict = {True: " yes", False: " NO", None: ""}[bar["holds"]]
    return f"{_number(bar['ratio'])}{verdict}"


def _remarks(rows: Iterable[dict[str, Any]]) -> list[str]:
    lines = []
    for row in rows:
        if row["skipped"]:
            lines.append(f"- {row['title']}: skipped: {row['skipped']}")
        lines += [
            f"- {row['title']}: {each['library']} {each['how']}: {each['what']}"
            for each in row["wrong"]
        ]
    return ["\n".join(lines)] if lines else []


def _milliseconds(seconds: float) -> str:
    return _number(seconds * 1e3)


def _number(value: float) -> str:
    """Write two digits at least, and three where the value is 1 or more."""
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def _aligned(cells: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]

    def row(line: Sequence[str]) -> str:
        first, *rest = line
        padded = [first.ljust(widths[0])]
        padded += [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * widths[0], *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return "\n".join([row(cells[0]), row(rule), *map(row, cells[1:])])
