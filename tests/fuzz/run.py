"""Build the fuzzers and run them, two at a time: ``python tests/fuzz/run.py --seconds 30``.

Those of the C++ core want a Clang that has libFuzzer, those of Python want Atheris. What they find
lies in ``found`` in the folder, and their inputs in ``corpus``, from which the next run goes on.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from fuzz import build, seeds  # noqa: E402

PYTHON = ("surface", "backends")
OPTIONS = ["-max_len=1000", "-timeout=60", "-rss_limit_mb=2500", "-print_final_stats=1"]
ASAN_OPTIONS = {
    "allocator_may_return_null": 1,  # of which Python makes a MemoryError
    "max_allocation_size_mb": 300,
    "detect_leaks": 0,  # the interpreter's own
}


def is_sanitized() -> bool:
    """Tell whether the installed extension wants the sanitizers' library."""
    package = importlib.util.find_spec("segcore")
    if package is None or package.origin is None:
        raise SystemExit("segcore is not installed")
    extensions = Path(package.origin).parent.glob("_native*.so")
    return any(b"__asan_init" in each.read_bytes() for each in extensions)


def python_environment() -> dict[str, str]:
    env = {**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONSAFEPATH": "1"}
    env["SEGCORE_BACKEND"] = "native"
    if is_sanitized():
        atheris = importlib.util.find_spec("atheris")
        if atheris is None or atheris.origin is None:
            raise SystemExit("Atheris is not installed")
        library = Path(atheris.origin).parents[1] / "asan_with_fuzzer.so"
        options = ":".join(f"{name}={value}" for name, value in ASAN_OPTIONS.items())
        env |= {"LD_PRELOAD": str(library), "ASAN_OPTIONS": options}
    return env


def fuzz(name: str, program: list[str], folder: Path, seconds: int, env: dict[str, str]) -> bool:
    """Run one fuzzer; True if it finds nothing. Its output goes to a file, a line of it to ours."""
    corpus, first, found = (folder / kind / name for kind in ("corpus", "seeds", "found"))
    corpus.mkdir(parents=True, exist_ok=True)
    found.mkdir(parents=True, exist_ok=True)
    seeds.write(name, first)
    inputs = [corpus, first, *(each for each in [HERE / "crashers" / name] if each.is_dir())]
    limits = [f"-max_total_time={seconds}", f"-artifact_prefix={found}/", *OPTIONS]
    log = folder / f"{name}.log"
    start = time.perf_counter()
    with log.open("wb") as output:
        command = [*program, *limits, *map(str, inputs)]
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    text = log.read_text("utf-8", "replace")
    calls = re.findall(r"number_of_executed_units: (\d+)", text)
    covered = re.findall(r"cov: (\d+) ft: (\d+)", text)
    print(
        f"{name}: {calls[-1] if calls else '?'} inputs, "
        f"{' edges, '.join(covered[-1]) if covered else '?'} features, "
        f"{usage.ru_utime + usage.ru_stime:.0f} s of CPU in {time.perf_counter() - start:.0f} s"
        + (f": FAILED with status {process.returncode}" if process.returncode else ""),
        flush=True,
    )
    if process.returncode:
        print(*text.splitlines()[-60:], f"see {log} and {found}", sep="\n", flush=True)
    return process.returncode == 0


def main() -> None:
    names = [source.stem.removeprefix("fuzz_") for source in build.fuzzers()]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help=f"{', '.join([*names, *PYTHON])}; all")
    parser.add_argument("--seconds", type=int, default=30, help="for each; 30")
    parser.add_argument("--folder", type=Path, default=Path("build/fuzz"), help="build/fuzz")
    parser.add_argument("--compiler", default=os.environ.get("CXX", "clang++"), help="clang++")
    chosen = parser.parse_args()
    folder, targets = chosen.folder.resolve(), chosen.targets or [*PYTHON, *names]
    if unknown := set(targets) - {*names, *PYTHON}:
        parser.error(f"no fuzzers: {', '.join(sorted(unknown))}")
    programs = {name: [sys.executable, "-m", "fuzz.drive", name] for name in PYTHON}
    if set(targets) & set(names):
        built = build.build(folder / "build", chosen.compiler)
        programs |= {name: [str(program)] for name, program in built.items()}
    plain, python = dict(os.environ), python_environment() if set(targets) & set(PYTHON) else {}

    def one(name: str) -> bool:
        env = python if name in PYTHON else plain
        return fuzz(name, programs[name], folder, chosen.seconds, env)

    with ThreadPoolExecutor(2) as pool:
        good = list(pool.map(one, targets))
    sys.exit(not all(good))


if __name__ == "__main__":
    main()
