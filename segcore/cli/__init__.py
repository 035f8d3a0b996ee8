"""The command line: ``segcore semantic``, ``panoptic``, ``labels``, ``evaluate``, and more.

It needs click, rich and Pillow, the extra ``cli``; the rest of segcore does not.
"""

from __future__ import annotations

import importlib.util
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line, and exit: 0 when all went well, 2 for bad input."""
    needed = {"click": "click", "rich": "rich", "PIL": "Pillow"}
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        sys.exit(_refuse(missing))
    from segcore.cli.app import app

    app(prog_name="segcore")


def _refuse(missing: list[str]) -> int:
    print(
        f"segcore: the command line needs {', '.join(missing)}, not installed here: "
        'pip install "segcore[cli]"',
        file=sys.stderr,
    )
    return 2
