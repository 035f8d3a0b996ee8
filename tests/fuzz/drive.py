"""Give a fuzzer of Python to Atheris: ``python -m fuzz.drive surface CORPUS``.

What follows the name goes to libFuzzer.
"""

from __future__ import annotations

import importlib
import sys

import atheris


def main() -> None:
    name = sys.argv.pop(1)
    with atheris.instrument_imports(include=["segcore", "fuzz"]):
        fuzzer = importlib.import_module(f"fuzz.{name}")
    atheris.Setup(sys.argv, fuzzer.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
