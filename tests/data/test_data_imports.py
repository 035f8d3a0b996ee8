"""What `segcore.data` needs: NumPy, Pillow for images, and nothing of the command line."""

import pkgutil
import subprocess
import sys

import pytest

import segcore.data
from segcore.data._image_file import opened


def test_data_imports_nothing_of_the_command_line():
    names = [module.name for module in pkgutil.iter_modules(segcore.data.__path__)]
    assert "_coco_file" in names
    code = f"import sys, {', '.join(f'segcore.data.{name}' for name in names)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = {"click", "rich", "PIL", "segcore.cli", "segcore.show", "segcore.diagnosis"}
    assert not unwanted.intersection(done.stdout.split())


def test_without_pillow_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with (
        pytest.raises(ImportError, match=r'needs Pillow: pip install "segcore\[cli\]"'),
        opened(tmp_path / "map.png", ("PNG",)),
    ):
        pass
