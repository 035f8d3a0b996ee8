"""Plant small faults in the kernels, one at a time, and see whether the tests notice.

``python tests/project/plant_faults.py [NAME ...]`` works on a copy of the tree. First it builds
that as it is: the tests must pass. Then it plants each fault of faults.toml (or those named),
builds again, and runs the tests of the fault's kernel: one of them must fail. Prints which, and
exits with 1 if a fault survives. A fault that cannot be planted, or that compiles to the same, is
an error.
``--check`` only makes sure that every fault can be planted.

It needs what the build and the tests need, and is much faster with ccache.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
NOT_SOURCES = shutil.ignore_patterns(
    ".*", "build", "dist", "wheelhouse", "__pycache__", "*.egg-info", "*.so"
)
MOST_SECONDS = 1800
"""A test that runs longer hangs."""


class Fault(NamedTuple):
    """A fault: what it ``breaks``, how it is made, and the ``tests`` that must notice it."""

    name: str
    breaks: str
    file: str
    tests: list[str]
    old: str
    new: str

    @property
    def is_native(self) -> bool:
        """Whether it has to be compiled before the tests run."""
        return self.file.startswith("src/")

    def planted_in(self, text: str) -> str:
        """Return the text of its file with the fault in it."""
        places = text.count(self.old)
        if places != 1:
            raise ValueError(f"{self.name}: its old text is {places} times in {self.file}")
        return text.replace(self.old, self.new)


def load() -> list[Fault]:
    """Read all faults."""
    tables = tomllib.loads(ROOT.joinpath("tests", "project", "faults.toml").read_text("utf-8"))
    return [Fault(**table) for table in tables["fault"]]


class Tree:
    """A copy of the repository, to build and to test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT, root, ignore=NOT_SOURCES)
        self._environment = {
            "HYPOTHESIS_PROFILE": "brief",
            **({"CC": "ccache cc", "CXX": "ccache c++"} if shutil.which("ccache") else {}),
            **os.environ,
            "NUMBA_CACHE_DIR": str(root / ".numba"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(root),
            "PYTHONSAFEPATH": "1",
            "SEGCORE_REQUIRE_NATIVE": "1",
        }
        self._environment.pop("SEGCORE_BACKEND", None)

    @contextmanager
    def planted(self, fault: Fault) -> Iterator[None]:
        """Have the fault in the tree, for a while."""
        path = self.root / fault.file
        sound = path.read_text("utf-8")
        path.write_text(fault.planted_in(sound), "utf-8")
        try:
            yield
        finally:
            path.write_text(sound, "utf-8")

    def build(self) -> str:
        """Compile the native kernels, make sure that it is those that Python finds; their hash."""
        done = self._run("setup.py", "-q", "build_ext", "--inplace")
        if done.returncode:
            raise RuntimeError(f"it does not build:\n{done.stderr}")
        found = self._run("-c", "import segcore._native as n; print(n.__file__)")
        binary = Path(found.stdout.strip())
        if not binary.is_relative_to(self.root):
            raise RuntimeError(f"the tests would run on {binary}, which is not what was built")
        return hashlib.sha256(binary.read_bytes()).hexdigest()

    def first_failure(self, tests: Iterable[str], native: bool) -> str | None:
        """Run tests of native kernels, or else of Numba's; the first that fails, if one does."""
        for kept in (".hypothesis", ".numba"):
            shutil.rmtree(self.root / kept, ignore_errors=True)
        tests_folder = self.root / "tests"
        files = [str(path) for name in tests for path in tests_folder.rglob(f"test_{name}.py")]
        backend = "not numba and not reference" if native else "numba"
        options = ["-x", "-q", "-n0", "--slow", "--tb=no", "-p", "no:cacheprovider"]
        options += ["--hypothesis-seed=0"]
        try:
            done = self._run("-m", "pytest", *options, "-k", backend, *files)
        except subprocess.TimeoutExpired:
            return "a test that hangs"
        if done.returncode == 0:
            return None
        if done.returncode < 0:
            return f"a crash (signal {-done.returncode})"
        failed = re.search(r"^FAILED tests/(.+?)(?: - |$)", done.stdout, re.MULTILINE)
        if failed is None:
            raise RuntimeError(f"the tests did not run:\n{done.stdout}{done.stderr}")
        return failed[1]

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.root,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )


def check_places(faults: list[Fault]) -> None:
    """Make sure that every fault has a name of its own, its place in the code, and its tests."""
    if len({fault.name for fault in faults}) != len(faults):
        raise ValueError("two faults have the same name")
    for fault in faults:
        text = ROOT.joinpath(fault.file).read_text("utf-8")
        if fault.planted_in(text) == text or not fault.tests:
            raise ValueError(f"{fault.name}: it changes nothing, or names no tests")
        for name in fault.tests:
            if not any(ROOT.joinpath("tests").rglob(f"test_{name}.py")):
                raise ValueError(f"{fault.name}: there is no test_{name}.py")


def check_sound(tree: Tree, faults: list[Fault]) -> None:
    """Make sure that without a fault the tests pass."""
    for native in (True, False):
        tests = {name for fault in faults if fault.is_native == native for name in fault.tests}
        if tests and (failure := tree.first_failure(sorted(tests), native)):
            raise RuntimeError(f"{failure} fails without any fault")


def outcome(tree: Tree, fault: Fault, sound: str) -> str | None:
    """Plant a fault; the test that notices it, if one does. ``sound`` is the hash without it."""
    with tree.planted(fault):
        if fault.is_native and tree.build() == sound:
            raise RuntimeError(f"{fault.name} compiles to the same as no fault")
        return tree.first_failure(fault.tests, fault.is_native)


def main(names: list[str]) -> None:
    """Plant the faults of these names, or all; with ``--check``, none."""
    every_fault = load()
    check_places(every_fault)
    if names == ["--check"]:
        print(f"{len(every_fault)} faults can be planted")
        return
    known = {fault.name: fault for fault in every_fault}
    faults = [known[name] for name in names or known]
    start = time.monotonic()
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Tree(Path(folder).resolve() / "segcore")
        sound = tree.build()
        check_sound(tree, faults)
        print("without a fault, all tests pass", flush=True)
        for fault in faults:
            caught = outcome(tree, fault, sound)
            survivors += caught is None
            print(f"{fault.name:34} {caught or 'SURVIVED: ' + fault.breaks}", flush=True)
    minutes = (time.monotonic() - start) / 60
    print(f"{len(faults) - survivors} of {len(faults)} faults caught in {minutes:.0f} minutes")
    sys.exit(survivors > 0)


if __name__ == "__main__":
    main(sys.argv[1:])
