"""--resume: a command that was ended continues with the parts that it had not finished."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
pytest.importorskip("PIL")

from support.commands import good, refused, run

import segcore as sc
from segcore.data.per_image import instance_set
from segcore.data.per_image.panoptic_maps import PanopticComposer
from segcore.data.per_image.semantic_maps import SemanticPainter

JOBS = {"semantic": SemanticPainter, "panoptic": PanopticComposer}


@pytest.fixture
def truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a data set of 7 parts, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(instance_set, "IMAGES", 2)
    boxes = sc.Masks.from_boxes([[0, 0, 5, 4], [3, 2, 8, 6]], (6, 8)).to_coco()
    document = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "height": 6, "width": 8} for n in range(14)],
        "categories": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        "annotations": [
            {"id": 2 * n + k, "image_id": n, "category_id": 1 + k, "segmentation": boxes[k]}
            for n in range(14)
            for k in (0, 1)
        ],
    }
    (tmp_path / "truth.json").write_text(json.dumps(document))
    return Path("truth.json")


def contents(folder: str) -> dict[str, bytes]:
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(params=JOBS)
def ended(
    request: pytest.FixtureRequest, truth: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[str]]:
    """Give the arguments of a command that was ended after three parts."""
    name = request.param
    call = JOBS[name].__call__
    done: list[object] = []

    def stopping(self: object, source: object) -> object:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(source)
        return call(self, source)

    arguments = [name, str(truth), "-o", "out", "--resume", "work", "--workers", "1"]
    with monkeypatch.context() as patched:
        patched.setattr(JOBS[name], "__call__", stopping)
        assert run(*arguments).exit_code == 1
    assert not Path("out").exists()
    assert len(list(Path("work").glob("*.part"))) == 3
    yield arguments
    good(name, truth, "-o", "expected", "--workers", "1")
    assert not Path("out").exists() or contents("out") == contents("expected")


def test_it_continues(ended: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    job = JOBS[ended[0]]
    call, done = job.__call__, []

    def counting(self: object, source: object) -> object:
        done.append(source)
        return call(self, source)

    with monkeypatch.context() as patched:
        patched.setattr(job, "__call__", counting)
        result = good(*ended)
    assert len(done) == 4
    assert "--resume: 3 of 7 parts were finished before" in result.stderr
    assert not Path("work").exists()
    assert Path("out").exists()


def test_other_options_and_inputs_are_refused(ended: list[str], truth: Path) -> None:
    assert "it is from a run with other options" in refused(*ended, "--priority", "first")
    before = truth.read_bytes()
    truth.write_bytes(before.replace(b'"b"', b'"c"'))
    assert "it is from a run with other options" in refused(*ended)
    assert len(list(Path("work").glob("*.part"))) == 3


def test_a_broken_part_is_named(ended: list[str]) -> None:
    Path("work/00000001.part").write_bytes(b"")
    result = run(*ended)
    assert result.exit_code == 2
    assert "00000001.part: it is broken; remove it" in result.stderr.splitlines()[-1]
    Path("work/00000001.part").unlink()
    assert "--resume: 2 of 7 parts" in good(*ended).stderr


def test_without_an_end_nothing_stays(truth: Path) -> None:
    good("semantic", truth, "-o", "out", "--resume", "work", "--workers", "1")
    assert sorted(path.name for path in Path().iterdir()) == ["out", "truth.json"]


def test_other_folders_are_refused(truth: Path) -> None:
    Path("work").mkdir()
    Path("work/job.json").write_text("{}")
    for name in ("work", "truth.json"):
        refused("semantic", truth, "-o", "out", "--resume", name)
    assert Path("work/job.json").read_text() == "{}"
