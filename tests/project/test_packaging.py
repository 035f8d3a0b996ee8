"""What was installed: the binaries, the files beside them, and what it asks for."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys

import pytest
from support.paths import ROOT

import segcore


def native():
    return pytest.importorskip("segcore._native", reason="the native extension is not built")


def installed_files():
    files = importlib.metadata.files("segcore") or ()
    names = [file.as_posix() for file in files if file.parts[0] == "segcore"]
    if "segcore/__init__.py" not in names:
        pytest.skip("an editable install has its files in the checkout")
    return names


def test_one_version_everywhere():
    assert importlib.metadata.version("segcore") == segcore.__version__
    assert native().version == segcore.__version__


def test_the_extension_is_built_for_release():
    assert native().assertions is False


def test_both_extensions_are_there_or_neither():
    native()
    assert importlib.import_module("segcore.formats._coco")


def test_a_wheel_for_every_platform_has_no_binaries():
    wheel = importlib.metadata.distribution("segcore").read_text("WHEEL") or ""
    if "Tag: py3-none-any" not in wheel.splitlines():
        pytest.skip("this wheel is for one platform")
    assert not [name for name in installed_files() if name.endswith((".so", ".pyd"))]


@pytest.mark.parametrize("name", ["py.typed", "_native.pyi"])
def test_the_types_are_installed(name):
    assert f"segcore/{name}" in installed_files()


def test_the_scene_of_the_demo_is_installed():
    assert any("/scenes/" in name and name.endswith(".json") for name in installed_files())


def test_what_the_page_is_made_of_is_installed():
    endings = {name.rsplit(".", 1)[1] for name in installed_files() if "/report/" in name}
    assert {"html", "css", "js"} <= endings


def test_nothing_needless_is_installed():
    assert not [name for name in installed_files() if name.endswith((".c", ".cpp", ".hpp", ".pyx"))]


def test_the_program_is_installed():
    [program] = importlib.metadata.distribution("segcore").entry_points.select(name="segcore")
    assert callable(program.load())


def test_requirements():
    """NumPy, and Numba too where nothing was compiled."""
    requirements = importlib.metadata.requires("segcore") or []
    numpy, *others = [each for each in requirements if "extra ==" not in each]
    assert numpy == "numpy>=2.0"
    if importlib.util.find_spec("segcore._native"):
        assert not others
    else:
        assert [each.partition(";")[0] for each in others] == ["numba>=0.61"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "numba"),
    [
        ({}, False),
        ({"CXX": "/bin/false"}, True),
        ({"CXX": "/bin/false", "SEGCORE_REQUIRE_NATIVE": "1"}, False),
        ({"SEGCORE_PURE": "1"}, True),
    ],
)
def test_numba_is_required_where_nothing_can_be_compiled(variables, numba, tmp_path):
    for name in ("pybind11", "Cython", "setuptools"):
        pytest.importorskip(name)
    if not ROOT.joinpath("setup.py").is_file():
        pytest.skip("the sources are not beside the tests")
    if not variables and not shutil.which(os.environ.get("CXX", "c++").split()[-1]):
        pytest.skip("there is no compiler")
    command = [sys.executable, "setup.py", "-q", "egg_info", "--egg-base", str(tmp_path)]
    environment = {**os.environ, "SEGCORE_REQUIRE_NATIVE": "0", **variables}
    subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    [metadata] = tmp_path.glob("*/PKG-INFO")
    lines = metadata.read_text("utf-8").splitlines()
    required = [
        line for line in lines if line.startswith("Requires-Dist: ") and "extra" not in line
    ]
    assert len(required) == 1 + numba
    assert all("numba>=0.61; platform" in line for line in required[1:])


def test_importing_segcore_imports_nothing_optional(monkeypatch):
    if segcore.backends.current() == "numba":
        monkeypatch.setenv("SEGCORE_BACKEND", "reference")
    code = "import segcore, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    optional = {"click", "fsspec", "numba", "PIL", "pyarrow", "pycocotools", "rich", "torch"}
    assert not optional.intersection(done.stdout.split())


def test_importing_segcore_is_quick():
    # Times depend on the machine, so this is about what only some programs use.
    code = "import segcore, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    later = {"compat", "data", "diagnosis", "integrations", "metrics", "show"}
    assert not {f"segcore.{name}" for name in later}.intersection(done.stdout.split())


def test_what_is_imported_later_is_there():
    assert set(segcore.__all__) <= set(dir(segcore))
    for name in segcore.__all__:
        assert getattr(segcore, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'segment'"):
        segcore.segment  # noqa: B018
