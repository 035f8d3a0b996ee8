"""Packages of the extras, which are imported when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def require(module: str, package: str, extra: str, what: str) -> Any:
    """Import a module that needs a package of an extra.

    Raises
    ------
    ModuleNotFoundError
        If the package is not installed. The message names the extra.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        message = f"{what} requires {package}; install segcore[{extra}]"
        raise ModuleNotFoundError(message, name=package) from error
