"""The program ``segcore``: it stands outside of the package, whose import may fail."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line; where segcore cannot be imported, say why, and exit with 2."""
    try:
        from segcore.cli import main as run
    except (ImportError, ValueError) as error:  # ValueError: SEGCORE_NUM_THREADS is no number
        if os.environ.get("SEGCORE_TRACEBACK"):
            raise
        print("segcore:", " ".join(ascii(str(error))[1:-1].split()), file=sys.stderr)
        sys.exit(2)
    run()
