"""What the README, the guide and the reference say is so: their code runs, their names exist."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import re
import shlex
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import pytest
from support.paths import ROOT

import segcore
from segcore.backends.protocol import Kernels
from segcore.compat.pycocotools import mask as drop_in

README = ROOT / "README.md"
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]

# What examples need and segcore does not: without one, those that need it are skipped.
OPTIONAL = {"click", "detectron2", "numba", "PIL", "pyarrow", "rich", "supervision", "torch"}
OPTIONAL |= {"torchvision"}


class Block(NamedTuple):
    language: str
    code: str
    line: int
    section: int


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(
            found[1],
            found[2],
            line=text.count("\n", 0, found.start()) + 1,
            section=text.count("\n## ", 0, found.start()),
        )
        for found in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]


def run(page: Path) -> dict[str, Any]:
    """Run a page's examples, one after the other; give their names, or skip the test at the end."""
    names: dict[str, Any] = {"__name__": page.stem}
    missing = []
    skipped = set()  # sections: what follows in one builds on the example that did not run
    for block in blocks(page):
        if block.section in skipped:
            continue
        try:
            if block.language == "python":
                exec(compile("\n" * block.line + block.code, str(page), "exec"), names)
            elif block.language == "pycon":
                check_session(block, page, names)
            elif block.language == "console":
                check_commands(block)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in OPTIONAL:
                raise
            missing.append(f"line {block.line}: {error.name} is not installed")
            skipped.add(block.section)
    if missing:
        pytest.skip("; ".join(missing))
    return names


def check_session(block: Block, page: Path, names: dict[str, Any]) -> None:
    """Run what follows prompts, which must print what stands below it."""
    session = doctest.DocTestParser().get_doctest(
        block.code, names, page.name, str(page), block.line
    )
    try:
        doctest.DebugRunner().run(session, clear_globs=False)
    except doctest.UnexpectedException as error:
        raise error.exc_info[1] from None
    except doctest.DocTestFailure as failure:
        line = block.line + (failure.example.lineno or 0) + 1
        pytest.fail(f"{page}:{line} printed\n{failure.got}and not\n{failure.example.want}")
    names.update(session.globs)


def check_commands(block: Block) -> None:
    """Run the commands behind ``$``."""
    from click.testing import CliRunner

    from segcore.cli.app import app

    for line in block.code.splitlines():
        program, *arguments = shlex.split(line.removeprefix("$ "))
        assert program == "segcore", line
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0, f"{line}\n{result.output}"


@pytest.mark.filterwarnings("ignore")  # what other libraries deprecate is not ours
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(page)


def test_the_readme_runs_and_says_what_comes_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run(README)
    assert repr(names["masks"]) == "Masks(2 masks of 480 x 640, 1,100 run ends)"
    np.testing.assert_array_equal(names["ids"], [7, 9])
    np.testing.assert_array_equal(names["masks"].boxes, [[50, 100, 400, 300], [300, 200, 500, 350]])
    # The smaller mask lies on top.
    assert names["semantic"].dtype == np.uint8
    assert names["semantic"][250, 350] == 9
    assert names["classes"].area.tolist() == [70_000 - 10_000, 30_000]
    assert names["groups"].tolist() == names["kept"].tolist() == [0, 1]
    assert [s["isthing"] for s in names["panoptic"].segments[:3]] == [True, True, False]
    assert names["confusion"].mean_iou == 1
    assert names["diagnosis"].findings[1].kind == "missed"
    assert names["mask_util"] is drop_in
    assert names["mask"].encode is not drop_in.encode  # the patch was undone


def test_the_changelog_and_the_citation_name_this_version():
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    [newest, date] = re.findall(r"^## (\S+) - (\S+)$", changelog, re.MULTILINE)[0]
    assert newest == segcore.__version__
    citation = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    assert f"version: {newest}" in citation
    assert f"date-released: {date}" in citation


# -- commands -------------------------------------------------------------------------------------


def commands(page: Path) -> list[list[str]]:
    """Give the commands that a page mentions: as code, indented or behind a prompt."""
    text = page.read_text("utf-8")
    mentioned = re.findall(r"`(segcore [^`]*)`|^(?:    |\$ )(segcore .*)$", text, re.MULTILINE)
    return [shlex.split(code or line)[1:] for code, line in mentioned]


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.stem)
def test_commands_and_their_options_exist(page):
    click = pytest.importorskip("click")
    from segcore.cli.app import app

    for words in commands(page):
        command: Any = app
        for word in words:
            if isinstance(command, click.Group) and not word.startswith("-"):
                if word == "COMMAND":  # any of them
                    break
                assert word in command.commands, words
                command = command.commands[word]
            elif word.startswith("-"):
                options = {name for each in command.params for name in each.opts}
                assert word in {*options, "--help"}, words


# -- the reference --------------------------------------------------------------------------------

REFERENCE = sorted((ROOT / "docs" / "reference").glob("*.rst"))
PUBLIC_MODULES = [
    *("segcore", "segcore.backends", "segcore.formats", "segcore.compat", "segcore.diagnosis"),
    *("segcore.show", "segcore.integrations", "segcore.metrics", "segcore.maps.panoptic"),
    *("segcore.data", "segcore.maps.ids", "segcore.show.report", "segcore.compat.pycocotools"),
    *("segcore.distributed",),
]
TORCHMETRICS = "segcore.integrations.torchmetrics"  # which cannot be imported without its package
if importlib.util.find_spec("torchmetrics"):
    PUBLIC_MODULES.append(TORCHMETRICS)


def documented() -> list[str]:
    """Give the full names of what the reference describes."""
    names = []
    for page in REFERENCE:
        module = ""
        directives = r"^\.\. (currentmodule|auto\w+):: (\S+)"
        for kind, name in re.findall(directives, page.read_text("utf-8"), re.MULTILINE):
            if kind in ("currentmodule", "automodule"):
                module = name
            names.append(name if name.startswith("segcore") else f"{module}.{name}")
    return names


def resolve(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    if module and hasattr(importlib.import_module(module), attribute):
        return getattr(importlib.import_module(module), attribute)
    return importlib.import_module(name)


def public_names(module: ModuleType) -> list[str]:
    """Give the names in ``__all__`` or, without one, of what the module defines."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    ]


def public_objects() -> dict[int, str]:
    """Give everything public, with one of its names: what has two names counts once."""
    found = {}
    waiting = list(PUBLIC_MODULES)
    while waiting:
        module = importlib.import_module(waiting.pop())
        for name in public_names(module):
            value = getattr(module, name)
            if not inspect.ismodule(value):
                found[id(value)] = f"{module.__name__}.{name}"
            elif value.__name__ == f"{module.__name__}.{name}":
                waiting.extend({value.__name__} - {*PUBLIC_MODULES, *waiting})
    return found


def test_the_reference_describes_every_public_name_once():
    names = [
        name
        for name in documented()
        if not name.startswith(TORCHMETRICS) or TORCHMETRICS in PUBLIC_MODULES
    ]
    described = [(name, resolve(name)) for name in names]
    described = [(name, value) for name, value in described if not inspect.ismodule(value)]
    times = Counter(id(value) for _, value in described)
    public = public_objects()
    assert sorted(public[key] for key in public.keys() - times.keys()) == []
    assert [name for name, value in described if times[id(value)] > 1] == []
    assert [name for name, value in described if id(value) not in public] == []


def test_architecture_lists_every_kernel():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    [table] = re.findall(r"^\| kernel \|.*?\n\n", text, re.DOTALL | re.MULTILINE)
    listed = [name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row)]
    kernels = {name for name in vars(Kernels) if not name.startswith("_")} - {"name"}
    assert sorted(listed) == sorted(kernels)
