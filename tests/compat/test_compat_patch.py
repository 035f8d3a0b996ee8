"""patch_pycocotools: whoever uses pycocotools gets segcore's functions, and loses them again."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from segcore.compat import patch_pycocotools
from segcore.compat.pycocotools import coco, cocoeval
from segcore.compat.pycocotools import mask as ours

FUNCTIONS = ("area", "decode", "encode", "frPyObjects", "iou", "merge", "toBbox")
MORE = ("frBbox", "frPoly", "frUncompressedRLE")
NAMES = ("pycocotools", "pycocotools.mask", "pycocotools._mask")


@pytest.fixture
def mask() -> ModuleType:
    """Give the real module, which no test leaves patched."""
    return pytest.importorskip("pycocotools.mask")


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Check that each test leaves everything as it found it."""

    with contextlib.suppress(ImportError):
        importlib.import_module("pycocotools.mask")

    def state() -> tuple[Any, ...]:
        modules = [sys.modules.get(name) for name in NAMES]
        functions = [getattr(each, name, None) for each in modules for name in FUNCTIONS + MORE]
        return modules, functions, sys.meta_path.copy()

    before = state()
    yield
    assert state() == before


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take pycocotools away: from what is imported, and from what can be found."""

    class NoPycocotools(MetaPathFinder):
        def __init__(self, finder: Any) -> None:
            self.finder = finder

        def find_spec(self, fullname: str, *arguments: Any) -> Any:
            if fullname.partition(".")[0] == "pycocotools":
                return None
            return self.finder.find_spec(fullname, *arguments)

    for name in [name for name in sys.modules if name.partition(".")[0] == "pycocotools"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoPycocotools(each) for each in sys.meta_path])


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Give an imported module in which a test may do what other people's code does."""
    module = ModuleType("someone_elses")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def is_patched(module: ModuleType) -> bool:
    patched = {getattr(module, name) is getattr(ours, name) for name in FUNCTIONS}
    assert len(patched) == 1, "half patched"
    return patched.pop()


# -- with pycocotools -----------------------------------------------------------------------------


def test_both_modules_are_patched_until_the_end_of_the_block(mask: ModuleType) -> None:
    compiled = importlib.import_module("pycocotools._mask")
    before = {name: getattr(compiled, name) for name in FUNCTIONS + MORE}
    with patch_pycocotools():
        assert is_patched(mask)
        assert is_patched(compiled)
        assert all(getattr(compiled, name) is getattr(ours, name) for name in MORE)
        assert not any(hasattr(mask, name) for name in MORE)
    assert not is_patched(mask)
    assert {name: getattr(compiled, name) for name in FUNCTIONS + MORE} == before


def test_classes_are_patched_until_the_end_of_the_block(module: ModuleType) -> None:
    original = importlib.import_module("pycocotools.coco").COCO
    module.Reader = original  # type: ignore[attr-defined]
    with patch_pycocotools():
        assert sys.modules["pycocotools.coco"].COCO is coco.COCO
        assert sys.modules["pycocotools.cocoeval"].COCOeval is cocoeval.COCOeval
        assert sys.modules["pycocotools.cocoeval"].Params is cocoeval.Params
        assert module.Reader is coco.COCO  # type: ignore[attr-defined]
    assert sys.modules["pycocotools.coco"].COCO is original is not coco.COCO
    assert module.Reader is original  # type: ignore[attr-defined]


def test_a_patch_lasts_until_it_is_undone(mask: ModuleType) -> None:
    patch = patch_pycocotools()
    assert is_patched(mask)
    patch.undo()
    assert not is_patched(mask)
    patch.undo()
    with pytest.raises(RuntimeError, match="was undone"), patch:
        pass


def test_a_handle_that_is_thrown_away_undoes_nothing() -> None:
    pytest.importorskip("pycocotools")
    run("""
        import gc
        import segcore.compat
        segcore.compat.patch_pycocotools()
        gc.collect()
        from pycocotools import mask
        assert mask.encode is segcore.compat.pycocotools.mask.encode
    """)


def test_an_exception_leaves_the_block_and_no_patch(mask: ModuleType) -> None:
    with pytest.raises(KeyError), patch_pycocotools():
        raise KeyError
    assert not is_patched(mask)


def test_patches_nest_and_repeat(mask: ModuleType) -> None:
    with patch_pycocotools() as outer:
        with patch_pycocotools() as inner:
            assert inner is not outer
        assert is_patched(mask)
        for _ in range(3):
            patch_pycocotools().undo()
        assert is_patched(mask)
    assert not is_patched(mask)


def test_patches_are_undone_in_any_order(mask: ModuleType) -> None:
    patches = [patch_pycocotools() for _ in range(3)]
    for patch in (patches[1], patches[0], patches[0]):
        patch.undo()
        assert is_patched(mask)
    patches[2].undo()
    assert not is_patched(mask)


def test_functions_that_modules_hold_are_replaced(mask: ModuleType, module: ModuleType) -> None:
    compiled = importlib.import_module("pycocotools._mask")
    source = """
from pycocotools.mask import encode, iou as compute_iou
from pycocotools._mask import frPoly
def use(array):
    return encode(array)
"""
    exec(source, vars(module))
    genuine = mask.encode, mask.iou, compiled.frPoly
    with patch_pycocotools():
        assert module.encode is ours.encode
        assert module.compute_iou is ours.iou
        assert module.frPoly is ours.frPoly
        # pycocotools takes no C order
        assert module.use(np.array([[0, 1], [1, 1]], np.uint8))["counts"] == b"13"
    assert (module.encode, module.compute_iou, module.frPoly) == genuine


def test_a_second_patch_finds_what_came_after_the_first(
    mask: ModuleType, module: ModuleType
) -> None:
    kept = [mask.encode]
    with patch_pycocotools():
        module.encode = kept[0]
        with patch_pycocotools():
            assert module.encode is ours.encode
        assert module.encode is ours.encode
    assert module.encode is mask.encode


def test_what_is_kept_elsewhere_than_in_modules_is_out_of_reach(
    mask: ModuleType, module: ModuleType
) -> None:
    class Holder:
        encode = staticmethod(mask.encode)

    module.Holder = Holder
    with patch_pycocotools():
        assert module.Holder.encode is not mask.encode
    assert module.Holder.encode is mask.encode


def test_what_was_imported_under_the_patch_remains(mask: ModuleType, module: ModuleType) -> None:
    with patch_pycocotools():
        exec("from pycocotools.mask import encode", vars(module))
    assert module.encode is ours.encode


def test_someone_elses_replacement_stays(mask: ModuleType) -> None:
    genuine, other = mask.area, object()
    try:
        with patch_pycocotools():
            mask.area = other  # type: ignore[attr-defined]
        assert mask.area is other
    finally:
        mask.area = genuine  # type: ignore[attr-defined]


def test_reloading_under_the_patch(mask: ModuleType) -> None:
    names = dict(vars(mask))
    try:
        with patch_pycocotools():
            importlib.reload(mask)
            rle = mask.encode(np.array([[0, 1], [1, 1]], np.uint8))  # through _mask
            assert rle["counts"] == b"13"
            with patch_pycocotools():
                assert is_patched(mask)
        assert not is_patched(mask)
        assert not any(
            getattr(mask, name) is getattr(ours, name) for name in FUNCTIONS if hasattr(mask, name)
        )
        assert mask.iou is importlib.import_module("pycocotools._mask").iou
    finally:
        vars(mask).update(names)


def test_what_is_no_module_or_not_loaded_yet_is_not_touched(
    mask: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hostile:
        def __getattribute__(self, name: str) -> Any:
            raise OSError(name)

    class Lazy(ModuleType):  # as importlib.util.LazyLoader makes them
        def __getattribute__(self, name: str) -> Any:
            raise OSError(name)

    monkeypatch.setitem(sys.modules, "hostile", Hostile())  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    monkeypatch.setitem(sys.modules, "nothing", None)  # type: ignore[arg-type]
    with patch_pycocotools():
        assert is_patched(mask)


def test_pycocotools_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error is shown: a stand-in would hide that it is broken, or blocked on purpose."""
    pytest.importorskip("pycocotools.mask")
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pycocotools.mask", None)  # type: ignore[arg-type]
        with pytest.raises(ModuleNotFoundError, match="halted"):
            patch_pycocotools()
    run("""
        import sys
        from segcore.compat import patch_pycocotools

        class Broken:
            def find_spec(self, fullname, path=None, target=None):
                if fullname == "pycocotools.mask":
                    raise ValueError("numpy.dtype size changed")

        sys.meta_path.insert(0, Broken())
        try:
            patch_pycocotools()
        except ValueError as error:
            assert "size changed" in str(error)
        else:
            raise AssertionError
        del sys.meta_path[0]
        with patch_pycocotools():
            pass
    """)


def test_another_package_of_that_name(tmp_path: Path) -> None:
    (tmp_path / "pycocotools").mkdir()
    (tmp_path / "pycocotools" / "__init__.py").touch()
    run(f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from segcore.compat import patch_pycocotools
        try:
            patch_pycocotools()
        except ModuleNotFoundError as error:
            assert error.name == "pycocotools.mask", error
        else:
            raise AssertionError
    """)


@pytest.mark.parametrize("first", ["patch", "import"])
def test_in_a_new_process_whichever_comes_first(first: str) -> None:
    pytest.importorskip("pycocotools")
    patch = "patch = segcore.compat.patch_pycocotools()"
    use = "from pycocotools import coco, cocoeval, mask"
    lines = [patch, use] if first == "patch" else [use, patch]
    run(f"""
        import segcore.compat
        {lines[0]}
        {lines[1]}
        assert coco.maskUtils is cocoeval.maskUtils is mask
        assert mask.iou is segcore.compat.pycocotools.mask.iou
        patch.undo()
        assert mask.iou is not segcore.compat.pycocotools.mask.iou
        assert mask.iou is mask._mask.iou
    """)


def test_threads_patch_and_undo(mask: ModuleType) -> None:
    array = np.asfortranarray(np.eye(3, dtype=np.uint8))
    expected = mask.encode(array)
    failures = []
    finished = threading.Event()

    def patch() -> None:
        try:
            for _ in range(20):
                with patch_pycocotools():
                    assert is_patched(mask)
        except BaseException as error:
            failures.append(error)

    def use() -> None:
        try:
            while not finished.is_set():
                assert mask.encode(array) == expected
        except BaseException as error:
            failures.append(error)

    user = threading.Thread(target=use)
    patchers = [threading.Thread(target=patch) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for each in (user, *patchers):
            each.start()
        for each in patchers:
            each.join()
    finally:
        finished.set()
        user.join()
        sys.setswitchinterval(interval)
    assert not failures
    assert not is_patched(mask)


# -- without pycocotools --------------------------------------------------------------------------


@pytest.mark.usefixtures("absent")
def test_where_pycocotools_is_not_installed() -> None:
    with patch_pycocotools():
        mask = importlib.import_module("pycocotools.mask")
        assert is_patched(mask)
        scope: dict[str, Any] = {}
        exec("from pycocotools import mask as by_name, _mask as compiled", scope)
        assert scope["by_name"] is mask
        assert scope["compiled"] is mask._mask
        assert all(getattr(mask._mask, name) is getattr(ours, name) for name in FUNCTIONS + MORE)
        exec("from pycocotools.coco import COCO", scope)
        exec("from pycocotools.cocoeval import COCOeval, Params", scope)
        assert scope["COCO"] is coco.COCO
        assert scope["COCOeval"] is cocoeval.COCOeval
        assert scope["Params"] is cocoeval.Params
        with pytest.raises(ModuleNotFoundError, match=r"No module named 'pycocotools\.more'"):
            importlib.import_module("pycocotools.more")
        assert mask.encode(np.eye(2, dtype=bool))["counts"] == b"0120"
    assert not any(name.startswith("pycocotools") for name in sys.modules)
    with pytest.raises(ModuleNotFoundError, match="No module named 'pycocotools'"):
        importlib.import_module("pycocotools")
    assert is_patched(mask)  # whoever has the stand-in keeps it


@pytest.mark.usefixtures("absent")
def test_stand_ins_nest_reload_and_come_again() -> None:
    for _ in range(2):
        with patch_pycocotools(), patch_pycocotools():
            mask = importlib.import_module("pycocotools.mask")
            mask.area = None  # type: ignore[attr-defined]
            assert importlib.reload(mask) is mask
            assert is_patched(mask)
            assert importlib.util.find_spec("pycocotools") is not None
        assert "pycocotools" not in sys.modules
        assert importlib.util.find_spec("pycocotools") is None


@pytest.mark.usefixtures("absent")
def test_a_blocked_import_stays_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    finders = list(sys.meta_path)
    with pytest.raises(ModuleNotFoundError, match="pycocotools"):
        patch_pycocotools()
    assert sys.meta_path == finders


@pytest.mark.usefixtures("absent")
def test_a_patch_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ours, "iou")
    finders = list(sys.meta_path)
    with pytest.raises(AttributeError, match="iou"):
        patch_pycocotools()
    assert sys.meta_path == finders
    assert not any(name.startswith("pycocotools") for name in sys.modules)


def run(source: str) -> None:
    # Free-threaded Python warns of pycocotools, and of nothing else, that it wants the GIL.
    said = "The global interpreter lock (GIL) has been enabled to load module 'pycocotools._mask'"
    warnings = ["-W", "error", "-W", f"ignore:{said}:RuntimeWarning"]
    subprocess.run([sys.executable, *warnings, "-c", textwrap.dedent(source)], check=True)
