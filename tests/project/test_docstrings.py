"""The examples in the docstrings run, and print what they say."""

import doctest
import importlib
import pkgutil

import pytest

import segcore

OPTIONAL = {
    *("click", "numba", "PIL", "pyarrow", "rich", "torch", "torchmetrics"),
    *("segcore.formats._coco", "segcore._native"),
}


def modules():
    found = pkgutil.walk_packages(segcore.__path__, "segcore.", onerror=lambda name: None)
    names = ["segcore", *(module.name for module in found)]
    return [name for name in names if not name.endswith("__main__")]  # that one is a program


@pytest.mark.parametrize("name", modules())
def test_examples(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(f"{error.name} is not installed")
    assert doctest.testmod(module).failed == 0
