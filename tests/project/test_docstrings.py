"""The examples in the docstrings run, and print what they say."""

import doctest
import importlib
from pathlib import Path

import pytest

import segcore

OPTIONAL = {
    *("click", "numba", "PIL", "pyarrow", "rich", "torch", "torchmetrics"),
    *("segcore.formats._coco", "segcore._native"),
}


def modules():
    """Name the modules that have examples."""
    root = Path(segcore.__file__).parent
    paths = [path for path in sorted(root.rglob("*.py")) if ">>> " in path.read_text("utf-8")]
    names = [".".join(path.relative_to(root.parent).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize("name", modules())
def test_examples(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(f"{error.name} is not installed")
    assert doctest.testmod(module).failed == 0
