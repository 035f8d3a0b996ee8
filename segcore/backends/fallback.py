"""The warning of an import that goes without the native kernels."""

from __future__ import annotations

import importlib.metadata
import json
import warnings
from pathlib import Path

_FOLDER = Path(__file__).parents[1]


def warn(chosen: str) -> None:
    """Warn where the cure is to build or to install something.

    Parameters
    ----------
    chosen : str
        The backend that serves, ``"numba"`` or ``"reference"``. Numba is warned of only in a
        checkout that was never built.
    """
    if _is_unbuilt_checkout():
        message = (
            "segcore was imported from a source checkout whose extension modules were not built: "
            f"run `python -m pip install -e .` in {_FOLDER.parent}, or start Python elsewhere to "
            f"import an installed segcore. Until then the backend {chosen!r} serves, which is "
            "slower"
        )
    elif chosen == "reference":
        message = (
            "segcore runs on plain NumPy, typically 100 times slower than its native "
            "kernels: neither these nor Numba can be imported. Install Numba (`python -m pip "
            "install numba`), or a C++17 compiler and then segcore again"
        )
    else:
        return
    silence = f"SEGCORE_BACKEND={chosen} chooses this backend without a warning"
    warnings.warn(f"{message}. {silence}.", RuntimeWarning, stacklevel=5)


def _is_unbuilt_checkout() -> bool:
    """Return whether this is a source folder that no editable install has put to use."""
    return (_FOLDER / "formats" / "_coco.pyx").is_file() and not _is_editable()


def _is_editable() -> bool:
    here = _FOLDER.parent.resolve().as_uri()
    for distribution in importlib.metadata.distributions(name="segcore"):
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable") and origin.get("url") == here:
            return True
    return False
