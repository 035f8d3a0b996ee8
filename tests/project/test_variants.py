"""Kernels whose tests run on one native variant alone have no leaf function."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
KERNELS = {
    path.stem.removeprefix("test_")
    for path in (ROOT / "tests" / "kernels").glob("test_*.py")
    if "pytestmark = without_leaves" in path.read_text("utf-8")
}


def sources(path: Path) -> dict[str, str]:
    """Return a source of the core and all of the core that it includes."""
    text = path.read_text("utf-8")
    found = {path.name: text}
    for name in re.findall(r'#include "(\w+\.hpp)"', text):
        if name not in ("context.hpp", "kernels.hpp"):  # which name everything, and call nothing
            found |= sources(path.parent / name)
    return found


def test_they_have_no_leaves():
    assert len(KERNELS) > 5
    for kernel in KERNELS:
        for name, text in sources(ROOT / "src" / "core" / f"{kernel}.cpp").items():
            # `reduce` is a kernel that has leaves.
            found = re.findall(r"\bsimd\b|\breduce\(context", text)
            assert not found, f"{kernel}: {name}: {found}"
