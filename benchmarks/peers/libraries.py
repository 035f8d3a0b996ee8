"""The peers that are installed. One that is not simply takes no part."""

from __future__ import annotations

import importlib
from functools import cache
from importlib import metadata
from types import ModuleType

DROP_INS = {
    "pycocotools": "pycocotools.mask",
    "faster-coco-eval": "faster_coco_eval.core.mask",
    "hotcoco": "hotcoco.mask",
    "ultrafast-pycocotools": "ultrafast_pycocotools.mask",
}
"""Those with the functions of ``pycocotools.mask``: the name on PyPI, and the module."""

PEERS = (
    *(*DROP_INS, "rlemasklib", "fastlabelrle"),
    *(
        "opencv-python-headless",
        "torch",
        "detectron2",
        "panopticapi",
        "scikit-image",
        "json",
        "orjson",
    ),
    "numpy",
)


@cache
def load(module: str) -> ModuleType | None:
    """Import a peer's module, or give None where it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name == module.partition(".")[0]:
            return None
        raise


def drop_ins() -> dict[str, ModuleType]:
    """Give the installed stand-ins for ``pycocotools.mask``, pycocotools first."""
    modules = {name: load(module) for name, module in DROP_INS.items()}
    return {name: module for name, module in modules.items() if module}


def versions() -> dict[str, str]:
    """Say which versions of the peers are installed."""
    found = {}
    for name in PEERS[:-1]:  # NumPy is not one of them
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
