"""Replace the functions and classes of pycocotools by those of segcore."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Any, ClassVar

from segcore.compat.pycocotools import coco, cocoeval, mask

_FUNCTIONS = ("area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox")
_REPLACED: dict[str, tuple[ModuleType, Sequence[str]]] = {
    "pycocotools.mask": (mask, _FUNCTIONS),
    "pycocotools._mask": (mask, (*_FUNCTIONS, "frBbox", "frPoly", "frUncompressedRLE")),
    "pycocotools.coco": (coco, ("COCO",)),
    "pycocotools.cocoeval": (cocoeval, ("COCOeval", "Params")),
}
"""Each module of pycocotools with the names that are replaced, and the module that has them."""


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
    """Replace pycocotools by segcore in this process.

    The functions of ``pycocotools.mask`` and ``pycocotools._mask``, and the classes ``COCO``,
    ``COCOeval`` and ``Params``, are replaced by those of ``segcore.compat.pycocotools``, which
    have the same results. This also affects code that has imported pycocotools before:

    - The names are replaced in the modules of pycocotools, which code that imported a module uses
      (``from pycocotools import mask``).
    - Functions and classes that were imported into other modules (``from pycocotools.mask import
      encode``) are replaced in all of ``sys.modules``, under any name.
    - If pycocotools is not installed, its modules can be imported while the patch is active.
      ``importlib.metadata`` does not list the package.

    What was stored elsewhere before is not replaced: in a class, a default argument, a closure, a
    local variable or a ``functools.partial``. Nor are subclasses and instances that were made
    before. Likewise, names imported from pycocotools while the patch is active remain those of
    segcore after it is undone.

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
        """Replace the names of pycocotools in all imported modules."""
        for module, ours, names in self._targets():
            for name in names:
                function, replacement = vars(module).get(name), getattr(ours, name)
                if function is not None and function is not replacement:
                    # The function is kept alive, so that no other object gets the same id.
                    self._replacements[id(function)] = function, replacement
        for namespace in _namespaces():
            for name, value in namespace.copy().items():
                if id(value) in self._replacements:
                    self._replace(namespace, name, *self._replacements[id(value)])

    def _targets(self) -> list[tuple[ModuleType, ModuleType, Sequence[str]]]:
        try:
            importlib.import_module("pycocotools.mask")
        except ModuleNotFoundError as error:
            if error.name != "pycocotools":
                raise
            if self._stand_ins not in sys.meta_path:
                sys.meta_path.append(self._stand_ins)
        targets = []
        for name, (ours, names) in _REPLACED.items():
            try:
                targets.append((importlib.import_module(name), ours, names))
            except ModuleNotFoundError as error:
                if error.name != name:  # a package with this name need not have all modules
                    raise
        return targets

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
    """Importer for the modules of pycocotools if it is not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pycocotools" or fullname in _REPLACED:
            return ModuleSpec(fullname, self, is_package=fullname == "pycocotools")
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = "segcore's replacement for pycocotools."
        if module.__name__ == "pycocotools":
            return
        ours, names = _REPLACED[module.__name__]
        for name in names:
            setattr(module, name, getattr(ours, name))
        if module.__name__ == "pycocotools.mask":
            vars(module)["_mask"] = importlib.import_module("pycocotools._mask")
        else:
            vars(module)["maskUtils"] = importlib.import_module("pycocotools.mask")

    def remove(self) -> None:
        """Make the modules unavailable for further imports."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in ("pycocotools", *_REPLACED):
            module = sys.modules.get(name)
            if module is not None and getattr(module, "__loader__", None) is self:
                del sys.modules[name]
