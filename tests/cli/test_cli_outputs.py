"""The files that commands write: what they may replace, and when they appear."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
Image = pytest.importorskip("PIL.Image")

from click.testing import CliRunner, Result  # noqa: E402
from support.util import slow  # noqa: E402

from segcore.cli.app import app  # noqa: E402

POSIX = pytest.mark.skipif(os.name != "posix", reason="the system is not POSIX")


def coco(*names: str) -> dict[str, Any]:
    """Make a file with images of 8 x 10 pixels, each with one square."""
    square = [[1, 1, 5, 1, 5, 5, 1, 5]]
    return {
        "images": [
            {"id": i, "file_name": name, "height": 8, "width": 10} for i, name in enumerate(names)
        ],
        "categories": [{"id": 3, "name": "car", "isthing": 1}],
        "annotations": [
            {"id": i + 1, "image_id": i, "category_id": 3, "iscrowd": 0, "segmentation": square}
            for i, _ in enumerate(names)
        ],
    }


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Give a folder with truth.json, maps, and a panoptic file."""
    (tmp_path / "truth.json").write_text(json.dumps(coco("a.png", "sub/b.jpg")))
    run("semantic", tmp_path / "truth.json", "-o", tmp_path / "maps")
    run("panoptic", tmp_path / "truth.json", "-o", tmp_path / "pan")
    return tmp_path


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert ".segcore-" not in result.stderr
    return result


def refused(result: Result, *said: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    line = result.stderr.splitlines()[-1]
    for part in said:
        assert part in line


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


COMMANDS = {
    "semantic": (["semantic", "truth.json", "-o", "new"], ["new/sub/b.png", "new/classes.json"]),
    "panoptic": (["panoptic", "truth.json", "-o", "new"], ["new/panoptic.json"]),
    "labels": (["labels", "maps", "-o", "new/coco.json"], ["new/coco.json"]),
    "labels panoptic": (
        ["labels", "pan/panoptic", "--panoptic", "pan/panoptic.json", "-o", "new/coco.json"],
        ["new/coco.json"],
    ),
    "view": (["view", "truth.json", "-o", "new/page.html"], ["new/page.html"]),
    "compare": (
        [
            *["compare", "truth.json", "maps", "--html", "new/page.html"],
            *["--json", "new/found.json", "--csv", "new/found.csv"],
        ],
        ["new/page.html", "new/found.json", "new/found.csv"],
    ),
    "evaluate semantic": (
        ["evaluate", "semantic", "maps", "maps", "--json", "new/scores.json"],
        ["new/scores.json"],
    ),
    "evaluate panoptic": (
        ["evaluate", "panoptic", *2 * ["pan/panoptic.json"], "--json", "new/scores.json"],
        ["new/scores.json"],
    ),
    "demo": (["demo", "-o", "new"], ["new/page.html"]),
}


@pytest.mark.parametrize("command", [slow(name) if name == "demo" else name for name in COMMANDS])
def test_results_are_replaced_and_other_files_only_with_overwrite(
    room: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(room)
    arguments, names = COMMANDS[command]
    for _ in range(2):
        assert run(*arguments).exit_code == 0
    for path in Path("new").rglob("*"):
        if path.is_file() and path.suffix != ".csv" and "room" not in path.name:
            assert b"segcore " in path.read_bytes()[:4096], path
    for name in names:
        kept = Path(name).read_bytes()
        Path(name).write_bytes(b"mine")
        before = contents(room)
        refused(run(*arguments), "it exists, and segcore did not write it; --overwrite replaces it")
        assert contents(room) == before
        assert run(*arguments, "--overwrite").exit_code == 0
        assert Path(name).read_bytes() == kept
        assert os.listdir(room) == [n for n in os.listdir(room) if not n.startswith(".")]


def test_photographs_are_not_replaced(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The map of an image that is a PNG has the image's own name."""
    monkeypatch.chdir(room)
    for mode in ("RGB", "L", "P"):
        Image.new(mode, (10, 8)).save("a.png")
        before = contents(room)
        for overwrite in ([], ["--overwrite"]):
            refused(
                run("semantic", "truth.json", "-o", ".", *overwrite), "a.png: the data set names"
            )
            assert contents(room) == before
    Path("panoptic").mkdir()
    Path("a.png").rename("panoptic/a.png")
    refused(run("panoptic", "truth.json", "-o", ".", "--overwrite"), "a.png: the data set names")
    assert run("semantic", "truth.json", "-o", ".").exit_code == 0
    assert run("semantic", "truth.json", "-o", ".").exit_code == 0  # the map is segcore's own


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_inputs_are_not_replaced(
    room: Path, overwrite: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(room)
    os.link("truth.json", "hard.json")
    run("view", "truth.json", "-o", "page.html")
    Path("results.json").write_text(json.dumps(coco("a.png")["annotations"]))
    (room / "photographs").mkdir()
    Image.new("RGB", (10, 8)).save("photographs/a.png")
    before = contents(room)
    for arguments in (
        ["view", "truth.json", "-o", "truth.json"],
        ["view", "truth.json", "-o", "hard.json"],
        ["view", "truth.json", "--prediction", "maps", "-o", "maps/sub/b.png"],
        ["view", "results.json", "--dataset", "truth.json", "-o", "truth.json"],
        ["view", "truth.json", "--images", "photographs", "-o", "photographs/a.png"],
        ["compare", "truth.json", "maps", "--html", "truth.json"],
        ["compare", "truth.json", "maps", "--json", "maps/classes.json"],
        ["compare", "maps/a.png", "maps/a.png", "--json", "maps/classes.json"],
        ["view", "maps/a.png", "-o", "maps/classes.json"],
        ["compare", "pan/panoptic.json", "maps", "--json", "pan/panoptic/a.png"],
        ["labels", "maps", "-o", "maps/classes.json"],
        ["labels", "pan/panoptic", "--panoptic", "pan/panoptic.json", "-o", "pan/panoptic.json"],
        ["semantic", "truth.json", "--stuff", "maps", "-o", "maps"],
        ["semantic", "truth.json", "--stuff", "./maps", "-o", "maps/../maps"],
        ["panoptic", "pan/panoptic.json", "-o", "pan"],
        ["evaluate", "semantic", "maps", "maps", "--json", "maps/a.png"],
        ["evaluate", "panoptic"] + 2 * ["pan/panoptic.json"] + ["--json", "pan/panoptic.json"],
    ):
        result = run(*arguments, *overwrite)
        assert result.exit_code == 2, arguments
        if arguments[:2] != ["panoptic", "pan/panoptic.json"]:
            refused(result, "it is an input" if overwrite else ": it ")
    assert contents(room) == before
    # A result beside the inputs is no input of the next run.
    for _ in range(2):
        assert run("labels", "maps", "-o", "maps/coco.json").exit_code == 0


@POSIX
def test_inputs_in_linked_folders_are_not_replaced(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(room)
    Path("stuff").mkdir()
    shutil.copy("maps/classes.json", "stuff")
    shutil.copy("maps/a.png", "stuff")
    Path("stuff/sub").symlink_to("../maps/sub")
    Path("stuff/loop").symlink_to(".")
    before = contents(room)
    result = run("semantic", "truth.json", "--stuff", "stuff", "-o", "maps", "--overwrite")
    refused(result, "maps/sub/b.png: it is an input")
    assert contents(room) == before


@pytest.mark.parametrize("second", ["new.html", "./new.html", "sub/../new.html"])
def test_the_same_file_for_page_and_findings(
    room: Path, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused before anything is read: the inputs do not exist."""
    monkeypatch.chdir(room)
    result = run("compare", "no.json", "no.json", "--html", "new.html", "--json", second)
    refused(result, "it is the same file as the output")
    assert not Path("new.html").exists()


def test_a_file_in_the_way_of_a_folder(room: Path) -> None:
    (room / "out").mkdir()
    (room / "out" / "sub").write_text("mine")
    result = run("semantic", room / "truth.json", "-o", room / "out")
    refused(result, "sub: it is a file, expected a folder")
    assert contents(room / "out") == {"sub": b"mine"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["semantic", "truth.json", "-o", ""], "got an empty one"),
        (["view", "truth.json", "-o", ""], "got an empty one"),
        (["view", "", "-o", "x"], "got an empty one"),
        (["view", "truth.json", "-o", "new/"], "new/: expected a file, got a folder"),
        (["view", "truth.json", "-o", "maps"], "maps: it is a folder, expected a file"),
        (["view", "truth.json", "-o", "/"], "expected a file"),
        (["view", "truth.json", "-o", "truth.json/x"], "truth.json: it is a file, expected"),
        (["compare", "truth.json", "maps", "--json", "x" * 300], "too long"),
    ],
)
def test_paths_that_are_no_output(
    room: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(room)
    before = contents(room)
    refused(run(*arguments), said)
    assert contents(room) == before


def test_home_is_left_to_the_shell(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(room)
    assert run("view", "truth.json", "-o", "~/page.html").exit_code == 0
    assert (room / "~" / "page.html").exists()


def test_hidden_files_are_no_maps(room: Path) -> None:
    """A killed run leaves its unfinished maps in a hidden folder."""
    maps = room / "maps"
    for name in (".segcore-x/new/c.png", "sub/.hidden/c.png", ".c.png", "._a.png"):
        (maps / name).parent.mkdir(parents=True, exist_ok=True)
        (maps / name).write_bytes((maps / "a.png").read_bytes())
    assert run("labels", maps, "-o", room / "coco.json").exit_code == 0
    names = [each["file_name"] for each in json.loads((room / "coco.json").read_text())["images"]]
    assert names == ["a.png", "sub/b.png"]
    assert "2 images" in run("evaluate", "semantic", maps, maps).stdout
    assert "2 images" in run("view", maps, "-o", room / "page.html").stdout


@pytest.mark.parametrize("name", [".a.png", ".hidden/a.jpg", "sub/._a.jpg"])
def test_hidden_maps_are_not_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "truth.json").write_text(json.dumps(coco("b.jpg", name)))
    for command in ("semantic", "panoptic"):
        refused(run(command, tmp_path / "truth.json", "-o", tmp_path / "out"), "would be hidden")
    assert run("view", tmp_path / "truth.json", "-o", tmp_path / "page.html").exit_code == 0


def test_images_with_the_same_map(tmp_path: Path) -> None:
    """They are no obstacle where no map is written."""
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(coco("a.jpg", "a.png", "a.tif")))
    for command in ("semantic", "panoptic"):
        result = run(command, path, "-o", tmp_path / "out")
        refused(result, "image 1: image 0 goes to the same file, a.png")
    assert "3 images" in run("view", path, "-o", tmp_path / "page.html").stdout
    result = run("compare", path, path)
    assert result.exit_code == 0
    assert "mean IoU 1.000" in result.stdout
    assert result.stderr == ""


def test_images_are_matched_by_name_and_then_without_the_ending(tmp_path: Path) -> None:
    truth, prediction = coco("a.jpg", "a.png", "b.jpg"), coco("a.png", "b.png", "a.tif", "c.png")
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    prediction["annotations"] = prediction["annotations"][:2]
    (tmp_path / "prediction.json").write_text(json.dumps(prediction))
    result = run("compare", tmp_path / "truth.json", tmp_path / "prediction.json")
    assert "2 matched, 1 missed" in result.stdout


def test_ambiguous_names_are_not_matched(tmp_path: Path) -> None:
    (tmp_path / "truth.json").write_text(json.dumps(coco("a.jpg", "a.png", "b.jpg")))
    (tmp_path / "prediction.json").write_text(json.dumps(coco("a.tif", "b.png")))
    result = run("compare", tmp_path / "truth.json", tmp_path / "prediction.json")
    assert "1 matched, 2 missed" in result.stdout


def test_images_of_the_same_name_cannot_be_compared(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(coco("a.jpg", "a.jpg")))
    assert run("view", path, "-o", tmp_path / "page.html").exit_code == 0
    refused(run("compare", path, path), "several images are called a.jpg")


# -- as a program ---------------------------------------------------------------------------------

PROGRAM = [sys.executable, "-m", "segcore.cli"]


def program(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.run(
        [*PROGRAM, *arguments], cwd=folder, text=True, check=False, timeout=300, **options
    )


@POSIX
def test_devices_and_the_standard_output(room: Path) -> None:
    result = program(room, "view", "truth.json", "-o", "/dev/null")
    assert (result.returncode, result.stderr) == (0, "")
    assert Path("/dev/null").is_char_device()
    result = program(room, "labels", "maps", "-o", "/dev/stdout")
    assert result.returncode == 0
    assert len(json.loads(result.stdout)["images"]) == 2
    assert "2 images" in result.stderr


@POSIX
@pytest.mark.parametrize(
    ("words", "unbuffered"),
    [
        (("compare", "truth.json", "maps", "--html", "p.html", "--json", "j.json"), ""),
        (("labels", "maps", "-o", "c.json"), ""),
        (("labels", "maps", "-o", "c.json"), "1"),
        (("info",), ""),
        slow(("compare", "truth.json", "maps", "--html", "p.html", "--json", "j.json"), "1"),
        slow(("info",), "1"),
    ],
)
def test_a_closed_pipe_ends_quietly_when_the_files_are_written(
    room: Path, words: tuple[str, ...], unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    reader, writer = os.pipe()
    os.close(reader)
    result = program(room, *words, stdout=writer)
    os.close(writer)
    assert (result.returncode, result.stderr) == (128 + signal.SIGPIPE, "")
    outputs = {word for word in words if word.endswith((".html", ".json"))}
    assert outputs <= contents(room).keys()


@POSIX
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_one_line(
    room: Path, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full")
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with open("/dev/full", "w") as full:
        result = program(room, "labels", "maps", "-o", "c.json", stdout=full)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert "No space left on device" in result.stderr
    assert (room / "c.json").exists()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a data set whose maps take a while."""
    folder = tmp_path_factory.mktemp("many")
    document = coco(*(f"{i}.jpg" for i in range(400)))
    for image in document["images"]:
        image.update(height=1500, width=1500)
    (folder / "truth.json").write_text(json.dumps(document))
    return folder


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", slow("SIGHUP")])
def test_signals_leave_everything_as_it_was(many: Path, name: str) -> None:
    number = getattr(signal, name)
    command = [*PROGRAM, "semantic", "truth.json", "-o", "out"]
    (many / "out").mkdir(exist_ok=True)
    before = contents(many)
    process = subprocess.Popen(
        command,
        cwd=many,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A process in the background inherits signals that are ignored.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline = time.monotonic() + 300
    while not list(many.glob(".segcore-*/new/*.png")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, out) == (128 + number, "")
    assert err == f"segcore: stopped by {name}\n"
    assert contents(many) == before
    assert sorted(os.listdir(many)) == ["out", "truth.json"]


@POSIX
def test_a_signal_that_is_ignored_stays_so(many: Path) -> None:
    code = (
        "import os, signal, subprocess, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        "import segcore.cli; segcore.cli._catch_signals();"
        "os.kill(os.getpid(), signal.SIGHUP); print('alive')"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "alive\n"
