"""segcore convert and segcore stats."""

import itertools
import json

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
pytest.importorskip("PIL")
pytest.importorskip("yaml")

from click.testing import CliRunner
from support.formats import document

import segcore as sc
from segcore.cli.app import app

TARGETS = {
    "coco": "a.json",
    "yolo": "yolo",
    "labelme": "labelme",
    "maps": "maps",
    "voc": "voc",
    "cvat": "a.xml",
    "label-studio": "b.json",
    "kaggle": "a.csv",
    "geojson": "a.geojson",
}


def run(*arguments):
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(app, words, catch_exceptions=False)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.json"
    path.write_text(json.dumps(document()))
    return path


def test_every_pair_of_formats(source, tmp_path):
    """What one format writes, all others can be made of."""
    for name, target in TARGETS.items():
        done = run("convert", source, tmp_path / name / target, "--to", name)
        assert done.exit_code == 0, done.output
    for first, second in itertools.permutations(TARGETS, 2):
        target = tmp_path / f"{first}-{second}" / TARGETS[second]
        done = run("convert", tmp_path / first / TARGETS[first], target, "--to", second)
        assert done.exit_code == 0, done.output
        assert len(sc.data.read(target)) == 2


def test_what_is_printed(source, tmp_path):
    done = run("convert", source, tmp_path / "yolo", "--to", "yolo", "--json", tmp_path / "r.json")
    assert done.stdout.splitlines() == [f"5 annotations in 2 images written to {tmp_path / 'yolo'}"]
    lost = ["iscrowd flags", "category ids"]
    assert done.stderr.splitlines() == [
        f"1 value that the format has no place for: {lost[0]}",
        f"2 values that the format has no place for: {lost[1]}",
    ]
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["annotations"] == 5
    assert [(item["count"], item["why"].rpartition(": ")[2]) for item in report["left_out"]] == [
        (1, lost[0]),
        (2, lost[1]),
    ]
    assert report["skipped"] == report["not_read"] == []


def test_strict_writes_nothing_if_something_is_lost(source, tmp_path):
    done = run("convert", source, tmp_path / "yolo", "--to", "yolo", "--strict")
    assert done.exit_code == 3
    assert (
        "--strict: nothing was written, since 1 value that the format has no place for: iscrowd"
        in done.stderr
    )
    assert not (tmp_path / "yolo").exists()
    done = run("convert", source, tmp_path / "a.geojson", "--strict")
    assert done.exit_code == 0
    assert (tmp_path / "a.geojson").exists()


def test_invalid_items(source, tmp_path):
    broken = document()
    broken["annotations"][0]["segmentation"] = {"size": [12, 16], "counts": [5]}
    broken["annotations"][1]["category_id"] = 99
    source.write_text(json.dumps(broken))
    target = tmp_path / "a.csv"
    done = run("convert", source, target)
    assert done.exit_code == 2
    assert "annotations[1]" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not target.exists()
    done = run("convert", source, target, "--skip-invalid")
    assert done.exit_code == 0
    assert "skipped 2:" in done.stderr
    assert "annotation 1 of image 1: runs sum to 5" in done.stderr
    assert len(sc.data.read(target).annotations) == 3
    assert run("convert", source, tmp_path / "b.csv", "--skip-invalid", "--strict").exit_code == 3


def test_inputs_are_not_replaced(source, tmp_path):
    before = source.read_bytes()
    done = run("convert", source, source, "--overwrite")
    assert done.exit_code == 2
    assert source.read_bytes() == before
    run("convert", source, tmp_path / "yolo", "--to", "yolo")
    done = run("convert", tmp_path / "yolo", tmp_path / "yolo", "--to", "yolo", "--overwrite")
    assert done.exit_code == 2
    assert "it is an input" in done.stderr
    done = run("convert", source, tmp_path / "yolo", "--to", "yolo")
    assert done.exit_code == 2
    assert "--overwrite replaces it" in done.stderr
    done = run("convert", source, tmp_path / "yolo", "--to", "yolo", "--overwrite")
    assert done.exit_code == 0


@pytest.mark.parametrize(
    "words",
    [["--to", "word"], ["--from", "word"], ["--from", "cvat"], ["--dataset", "missing.json"]],
)
def test_bad_options_are_one_line(words, source, tmp_path):
    done = run("convert", source, tmp_path / "out.json", *words)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out.json").exists()


def test_stats(source, tmp_path):
    done = run("stats", source, "--json", tmp_path / "s.json")
    assert done.exit_code == 0
    assert "5 annotations (1 crowd) in 2 images; 0 images without annotations" in done.stdout
    assert "polygons partly outside: 1, the first: annotation 5 of image 2" in done.stdout
    assert json.loads((tmp_path / "s.json").read_text())["annotations"] == 5
    done = run("stats", source, "--strict")
    assert done.exit_code == 3
    assert "--strict: nothing was written, since polygons partly outside: 1" in done.stderr


@pytest.mark.parametrize("name", TARGETS)
def test_stats_of_every_format(name, source, tmp_path):
    run("convert", source, tmp_path / TARGETS[name], "--to", name)
    done = run("stats", tmp_path / TARGETS[name])
    assert done.exit_code == 0
    assert "in 2 images" in done.stdout
