"""Replace the mask functions of pycocotools by those of segcore."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Any, ClassVar

from segcore.compat.pycocotools import mask as ours

_FUNCTIONS = ("area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox")
_REPLACED = {
    "pycocotools.mask": _FUNCTIONS,
    "pycocotools._mask": (*_FUNCTIONS, "frBbox", "frPoly", "frUncompressedRLE"),
}


class Patch:
    """An active patch, as returned by :func:`patch_pycocotools`.

    As a context manager, it is undone at the end of the block, whether or not the block raised.
    """

    _lock: ClassVar = threading.RLock()
    _in_force: ClassVar[set[Patch]] = set()
    _takeover: ClassVar[_Takeover | None] = None

    def __init__(self) -> None:
        with Patch._lock:
            takeover = Patch._takeover or _Takeover()
            try:
                takeover.extend()
            except BaseException:
                if takeover is not Patch._takeover:
                    takeover.revert()
                raise
            Patch._takeover = takeover
            Patch._in_force.add(self)

    def undo(self) -> None:
        """Undo this patch. Has no effect if it was undone before.

        pycocotools is restored when no patch is active anymore, regardless of the order in which
        they are undone. Names that other code has replaced in the meantime are left alone.
        """
        with Patch._lock:
            Patch._in_force.discard(self)
            if Patch._takeover is not None and not Patch._in_force:
                Patch._takeover.revert()
                Patch._takeover = None

    def __enter__(self) -> Patch:
        if self not in Patch._in_force:
            raise RuntimeError("this patch was undone; call patch_pycocotools() for a new one")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.undo()


def patch_pycocotools() -> Patch:
    """Replace the mask functions of pycocotools by those of segcore in this process.

    The functions of ``pycocotools.mask`` and ``pycocotools._mask`` are replaced by those of
    :mod:`segcore.compat.pycocotools.mask`, which return the same results. This also affects code
    that has imported pycocotools before:

    - The functions are replaced in the modules of pycocotools, which code that imported the module
      uses (``from pycocotools import mask``; pycocotools' ``COCO`` and ``COCOeval``).
    - Functions that were imported into other modules (``from pycocotools.mask import encode``) are
      replaced in all of ``sys.modules``, under any name.
    - If pycocotools is not installed, ``pycocotools.mask`` and ``pycocotools._mask`` can be
      imported while the patch is active. Other modules, such as ``pycocotools.coco``, cannot, and
      ``importlib.metadata`` does not list the package.

    Functions of pycocotools that were stored elsewhere before are not replaced: in a class, a
    default argument, a closure, a local variable or a ``functools.partial``. Likewise, functions
    imported from ``pycocotools.mask`` while the patch is active remain those of segcore after it
    is undone.

    Spawned processes need their own patch.

    Returns
    -------
    Patch
        The patch, which has a method ``undo`` and is a context manager. It can be ignored if the
        patch is permanent. Patches may be nested: pycocotools is restored when all of them are
        undone. Patches affect all threads, and may be created and undone from any thread.

    Raises
    ------
    ImportError
        If pycocotools is installed but cannot be imported. Its errors are passed on and may have
        other types, such as the ValueError of an extension compiled for another version of NumPy.

    Examples
    --------
    >>> import segcore.compat
    >>> with segcore.compat.patch_pycocotools():
    ...     import pycocotools.mask
    ...     pycocotools.mask.encode is segcore.compat.pycocotools.mask.encode
    True
    """
    return Patch()


class _Takeover:
    """The changes made by all active patches."""

    def __init__(self) -> None:
        self._replacements: dict[int, tuple[Any, Any]] = {}
        self._changes: list[tuple[dict[str, Any], str, Any, Any]] = []
        self._stand_ins = _StandIns()

    def extend(self) -> None:
        """Replace all functions of pycocotools that are currently imported."""
        for module, names in self._targets():
            for name in names:
                function, replacement = vars(module).get(name), getattr(ours, name)
                if function is not None and function is not replacement:
                    # The function is kept alive, so that no other object gets the same id.
                    self._replacements[id(function)] = function, replacement
        for namespace in _namespaces():
            for name, value in namespace.copy().items():
                if id(value) in self._replacements:
                    self._replace(namespace, name, *self._replacements[id(value)])

    def _targets(self) -> list[tuple[ModuleType, Sequence[str]]]:
        try:
            importlib.import_module("pycocotools.mask")
        except ModuleNotFoundError as error:
            if error.name != "pycocotools":
                raise
            if self._stand_ins not in sys.meta_path:
                sys.meta_path.append(self._stand_ins)
            importlib.import_module("pycocotools.mask")
        return [(sys.modules[name], _REPLACED[name]) for name in _REPLACED if name in sys.modules]

    def _replace(
        self, namespace: dict[str, Any], name: str, function: Any, replacement: Any
    ) -> None:
        self._changes.append((namespace, name, function, replacement))
        namespace[name] = replacement

    def revert(self) -> None:
        """Restore the replaced functions, except where other code has replaced them again."""
        for namespace, name, function, replacement in reversed(self._changes):
            if namespace.get(name) is replacement:
                namespace[name] = function
        self._stand_ins.remove()


def _namespaces() -> Iterator[dict[str, Any]]:
    """Iterate over the namespaces of all imported modules."""
    for module in sys.modules.copy().values():
        if issubclass(type(module), ModuleType):
            # vars() would cause lazy modules to be loaded.
            yield object.__getattribute__(module, "__dict__")


class _StandIns(MetaPathFinder, Loader):
    """Importer for the mask modules of pycocotools if it is not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pycocotools" or fullname in _REPLACED:
            return ModuleSpec(fullname, self, is_package=fullname == "pycocotools")
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = "segcore's replacement for pycocotools."
        for name in _REPLACED.get(module.__name__, ()):
            setattr(module, name, getattr(ours, name))
        if module.__name__ == "pycocotools.mask":
            vars(module)["_mask"] = importlib.import_module("pycocotools._mask")

    def remove(self) -> None:
        """Make the modules unavailable for further imports."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in ("pycocotools", *_REPLACED):
            module = sys.modules.get(name)
            if module is not None and getattr(module, "__loader__", None) is self:
                del sys.modules[name]
