"""Put segcore's functions where other code looks for those of pycocotools."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType
from typing import Any, ClassVar

from segcore.compat import pycocotools as ours

_FUNCTIONS = ("area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox")
_REPLACED = {
    "pycocotools.mask": _FUNCTIONS,
    "pycocotools._mask": (*_FUNCTIONS, "frBbox", "frPoly", "frUncompressedRLE"),
}


class Patch:
    """A patch in force: what :func:`patch_pycocotools` returns.

    As a context manager it is undone at the end of the block, whether or not the block raised.
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
        """Take this patch back; a second time does nothing.

        pycocotools is itself again when no patch is in force any more, in whatever order they
        were undone. What somebody else has replaced in the meantime stays as it is.
        """
        with Patch._lock:
            Patch._in_force.discard(self)
            if Patch._takeover is not None and not Patch._in_force:
                Patch._takeover.revert()
                Patch._takeover = None

    def __enter__(self) -> Patch:
        if self not in Patch._in_force:
            raise RuntimeError("this patch was undone; call patch_pycocotools() for another one")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.undo()


def patch_pycocotools() -> Patch:
    """Make all code that uses pycocotools' mask functions use segcore's.

    The functions of ``pycocotools.mask`` and ``pycocotools._mask`` are replaced by those of
    :mod:`segcore.compat.pycocotools`, which give the same results. It does not matter who has
    imported pycocotools already:

    - code that holds the module (``from pycocotools import mask``; pycocotools' own ``COCO`` and
      ``COCOeval``) finds segcore's functions in it;
    - modules that hold a function (``from pycocotools.mask import encode``) have it replaced, under
      whatever name, in all of ``sys.modules``;
    - where pycocotools is not installed, ``pycocotools.mask`` and ``pycocotools._mask`` can be
      imported while the patch is in force. The rest of pycocotools, such as ``pycocotools.coco``,
      cannot, and ``importlib.metadata`` does not know it.

    Out of reach are functions that were taken from pycocotools before and are kept elsewhere than
    in a module's global names: in a class, a default argument, a closure, a local variable, a
    ``functools.partial``. They keep calling pycocotools. Likewise, what is imported from
    ``pycocotools.mask`` while the patch is in force remains segcore's after it is undone.

    The patch is of this process: one that is spawned needs its own.

    Returns
    -------
    Patch
        Has a method ``undo``, and is a context manager. Ignore it for a patch that lasts. Patches
        may be nested and repeated: pycocotools is itself again when all of them are undone.
        Patching and undoing may be done from any thread, and concern all of them.

    Raises
    ------
    ImportError
        If pycocotools is installed but cannot be imported. That is its own error; other types are
        possible, such as the ValueError of an extension that was compiled for another NumPy.

    Examples
    --------
    >>> import segcore.compat
    >>> with segcore.compat.patch_pycocotools():
    ...     import pycocotools.mask
    ...     pycocotools.mask.encode is segcore.compat.pycocotools.encode
    True
    """
    return Patch()


class _Takeover:
    """What the patches that are in force have changed."""

    def __init__(self) -> None:
        self._replacements: dict[int, tuple[Any, Any]] = {}
        self._changes: list[tuple[dict[str, Any], str, Any, Any]] = []
        self._stand_ins = _StandIns()

    def extend(self) -> None:
        """Replace all functions of pycocotools that are to be found now."""
        for module, names in self._targets():
            for name in names:
                function, replacement = vars(module).get(name), getattr(ours, name)
                if function is not None and function is not replacement:
                    # Kept, so that no other object gets its id.
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
        """Put back what was replaced and still is."""
        for namespace, name, function, replacement in reversed(self._changes):
            if namespace.get(name) is replacement:
                namespace[name] = function
        self._stand_ins.remove()


def _namespaces() -> Iterator[dict[str, Any]]:
    """Give the global names of all imported modules."""
    for module in sys.modules.copy().values():
        if issubclass(type(module), ModuleType):
            # Not by vars(), which makes a lazy module load itself.
            yield object.__getattribute__(module, "__dict__")


class _StandIns(MetaPathFinder, Loader):
    """Lets pycocotools be imported where it is not installed, the mask functions alone."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "pycocotools" or fullname in _REPLACED:
            return ModuleSpec(fullname, self, is_package=fullname == "pycocotools")
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = "segcore's, in place of pycocotools."
        for name in _REPLACED.get(module.__name__, ()):
            setattr(module, name, getattr(ours, name))
        if module.__name__ == "pycocotools.mask":
            vars(module)["_mask"] = importlib.import_module("pycocotools._mask")

    def remove(self) -> None:
        """Let nobody import them any more; those who have keep them."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in ("pycocotools", *_REPLACED):
            module = sys.modules.get(name)
            if module is not None and getattr(module, "__loader__", None) is self:
                del sys.modules[name]
