"""Compile the fuzzers of the C++ core with Clang: the core once for all of them."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPILE = ["-std=c++17", "-Isrc", "-ffp-contract=off", "-pthread", "-g1", "-O1"]
SANITIZE = "address,undefined"


def fuzzers() -> list[Path]:
    return sorted((ROOT / "tests/cpp/fuzz").glob("fuzz_*.cpp"))


def build(folder: Path, compiler: str) -> dict[str, Path]:
    """Compile and link them in a folder; gives the program of each."""
    core = sorted(
        file for name in ("core", "json", "simd") for file in (ROOT / "src" / name).glob("*.cpp")
    )
    objects = {source: folder / f"{source.parent.name}_{source.stem}.o" for source in core}
    objects |= {source: folder / f"{source.stem}.o" for source in fuzzers()}
    folder.mkdir(parents=True, exist_ok=True)
    flags = [*COMPILE, f"-fsanitize=fuzzer-no-link,{SANITIZE}", "-fno-sanitize-recover=all"]

    def run(*command: str) -> None:
        subprocess.run([compiler, *command], cwd=ROOT, check=True)

    def compile_one(source: Path) -> None:
        run(*flags, "-c", str(source), "-o", str(objects[source]))

    def link(source: Path) -> Path:
        program = folder / source.stem
        inputs = [str(objects[each]) for each in (source, *core)]
        run(f"-fsanitize=fuzzer,{SANITIZE}", "-pthread", *inputs, "-o", str(program))
        return program

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, objects))
        programs = list(pool.map(link, fuzzers()))
    return {each.stem.removeprefix("fuzz_"): each for each in programs}
