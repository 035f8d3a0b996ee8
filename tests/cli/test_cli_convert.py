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
from segcore.data.formats._account import POLYGONS
from segcore.data.io import FORMATS

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
    # One polygon has two rings, and one reaches beyond its image.
    lost = [POLYGONS, "iscrowd flags", "category ids"]
    assert done.stderr.splitlines() == [
        f"2 values that the format has no place for: {lost[0]}",
        f"1 value that the format has no place for: {lost[1]}",
        f"2 values that the format has no place for: {lost[2]}",
    ]
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["annotations"] == 5
    assert [(item["count"], item["why"].rpartition(": ")[2]) for item in report["left_out"]] == [
        (2, lost[0]),
        (1, lost[1]),
        (2, lost[2]),
    ]
    assert report["skipped"] == report["not_read"] == []


def test_strict_writes_nothing_if_something_is_lost(source, tmp_path):
    done = run("convert", source, tmp_path / "yolo", "--to", "yolo", "--strict")
    assert done.exit_code == 3
    assert (
        "--strict: nothing was written, since 2 values that the format has no place for: polygons"
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


@pytest.mark.parametrize("name", ["out.json", "out.json.gz", "out.csv", "labelme"])
@pytest.mark.parametrize(
    ("segmentation", "detail"),
    [
        ({"size": [12, 16], "counts": [5]}, "runs sum to 5, but size (12, 16) has 192 pixels"),
        ({"size": [16, 12], "counts": [192]}, "size [16, 12] differs from the image's (12, 16)"),
        ([[1, 1, 5, 1, 5, 1e300]], "ring 0: coordinate 5 is not a finite number"),
    ],
)
def test_invalid_masks_are_never_copied_in_silence(name, segmentation, detail, source, tmp_path):
    broken = document()
    broken["annotations"][0]["segmentation"] = segmentation
    source.write_text(json.dumps(broken))
    words = [source, tmp_path / name, *(["--to", name] if name in TARGETS else [])]
    done = run("convert", *words)
    assert done.exit_code == 2
    assert f"Error: {source}: annotation 1 of image 1: {detail}" in done.stderr
    assert done.stderr.endswith("; --skip-invalid leaves it out\n")
    assert not (tmp_path / name).exists()
    done = run("convert", *words, "--skip-invalid")
    assert done.exit_code == 0
    assert len(sc.data.read(tmp_path / name).annotations) == 4


def test_stuff_is_not_lost_in_silence(source, tmp_path):
    stuff = document()
    stuff["categories"][0]["isthing"] = 0
    source.write_text(json.dumps(stuff))
    done = run("convert", source, tmp_path / "a.geojson", "--strict")
    assert done.exit_code == 3
    assert "1 value that the format has no place for: categories that are not things" in done.stderr


def test_the_help_names_every_format():
    words = run("convert", "--help").stdout.replace(",", " ").split()
    for name in FORMATS:
        assert {name, f"{name}."} & set(words)


@pytest.mark.parametrize("command", ["convert", "labels"])
def test_names_that_tell_no_format(command, source, tmp_path):
    target = tmp_path / "x.txt"
    done = run(command, source, *(["-o"] if command == "labels" else []), target)
    assert done.exit_code == 2
    assert f"{target}: " in done.stderr
    assert "expected a name that ends with .json" in done.stderr
    assert not target.exists()


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
