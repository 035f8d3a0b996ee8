"""Publishing of output files: refused before the work, then all of them or none."""

from __future__ import annotations

import errno
import inspect
import os
import pickle
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.util import slow

from segcore import _publish
from segcore._publish import FolderWriter, OutputError, OutputExistsError, publish

OURS = b'<!DOCTYPE html><meta name="generator" content="segcore 0.1.0">'
CSV_HEAD = b"image,class,truth,status,predicted,area,false_positive_background"
POSIX = pytest.mark.skipif(os.name != "posix", reason="the file system is not POSIX")
ROOT = os.name == "posix" and os.geteuid() == 0


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return everything below a folder, hidden things too; None stands for folders."""
    return {
        path.relative_to(folder).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
    }


def write_file(path: Path, content: bytes = b"new", **options: object) -> None:
    with publish(**options) as outputs:  # type: ignore[arg-type]
        target = outputs.file(path)
        with target.open() as file:
            file.write(content)


def write_folder(path: Path, *names: str, **options: object) -> None:
    with publish(**options) as outputs:  # type: ignore[arg-type]
        folder = outputs.folder(path, names)
        for name in names:
            with folder.open(name) as file:
                file.write(name.encode())


# -- what appears ---------------------------------------------------------------------------------


def test_files_appear_when_the_block_ends(tmp_path: Path) -> None:
    with publish() as outputs:
        page = outputs.file(tmp_path / "made" / "page.html")
        maps = outputs.folder(tmp_path / "maps", ["a.png", "sub/b.png"])
        for name in ("a.png", "sub/b.png", "sub/later.png"):
            with maps.open(name) as file:
                file.write(name.encode())
        with page.open() as file:
            file.write(b"page")
        assert [name for name in tree(tmp_path) if not name.startswith(".")] == []
    assert page.size == 4
    assert tree(tmp_path) == {
        "made": None,
        "made/page.html": b"page",
        "maps": None,
        "maps/a.png": b"a.png",
        "maps/sub": None,
        "maps/sub/b.png": b"sub/b.png",
        "maps/sub/later.png": b"sub/later.png",
    }


def test_files_of_earlier_runs_are_removed(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    with publish() as outputs:
        for number in range(4):
            outputs.folder(folder).write(f"images-{number}.js", OURS)
    (folder / "images-7.js").write_bytes(b"not ours")
    (folder / "images-8.js").symlink_to("images-0.js")
    before = tree(folder)

    def replaced(error: Exception | None = None) -> None:
        with publish() as outputs:
            files = outputs.folder(folder)
            files.write("images-0.js", OURS + b"new")
            files.remove_others("images-*.js")
            if error is not None:
                raise error

    with pytest.raises(KeyError):
        replaced(KeyError())
    assert tree(folder) == before
    replaced()
    assert sorted(tree(folder)) == ["images-0.js", "images-7.js", "images-8.js"]
    for name in ("images-7.js", "images-8.js"):
        (folder / name).unlink()
    with publish() as outputs:
        outputs.folder(folder).remove_others("images-*.js")
    assert tree(tmp_path) == {}


def test_removals_are_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "files", "a.png")
    for name in ("1.js", "2.js"):
        (tmp_path / "files" / name).write_bytes(OURS)
    before = tree(tmp_path)
    unlink = os.unlink

    def unlink_but_one(path: Path, **options: int) -> None:
        if Path(path) == tmp_path / "files" / "2.js":
            raise OSError(errno.EIO, "broken")
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", unlink_but_one)
    with pytest.raises(OutputError, match="broken"), publish() as outputs:
        outputs.folder(tmp_path / "files").remove_others("*.js")
    assert tree(tmp_path) == before


def test_files_of_a_folder_that_exists_are_replaced_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "maps" / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.png", "notes"):
        (tmp_path / "maps" / name).write_bytes(OURS)
    write_folder(tmp_path / "maps", "a.png", "sub/b.png", "new/c.png")
    assert tree(tmp_path / "maps") == {
        "a.png": b"a.png", "new": None, "new/c.png": b"new/c.png", "notes": OURS,
        "sub": None, "sub/b.png": b"sub/b.png",
    }  # fmt: skip
    assert tree(tmp_path).keys() == {"maps", *(f"maps/{name}" for name in tree(tmp_path / "maps"))}


def test_an_error_leaves_everything_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(OURS)
    before = tree(tmp_path)
    with pytest.raises(KeyError), publish() as outputs:  # noqa: PT012
        with outputs.file(tmp_path / "page.html").open() as file:
            file.write(b"new")
        with outputs.folder(tmp_path / "deep" / "maps").open("a.png") as file:
            file.write(b"new")
        raise KeyError
    assert tree(tmp_path) == before


def test_what_was_declared_and_not_written_stays_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(OURS)
    with publish() as outputs:
        outputs.file(tmp_path / "page.html")
        outputs.folder(tmp_path / "maps", ["a.png"])
    assert tree(tmp_path) == {"page.html": OURS}


@POSIX
def test_modes_follow_the_umask_and_those_of_replaced_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(OURS)
    (tmp_path / "old").chmod(0o640)
    before = os.umask(0o027)
    try:
        write_file(tmp_path / "old")
        write_file(tmp_path / "folder" / "new")
    finally:
        os.umask(before)
    modes = [
        stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("old", "folder", "folder/new")
    ]
    assert modes == [0o640, 0o750, 0o640]
    assert (tmp_path / "old").read_bytes() == b"new"


@pytest.mark.skipif(not ROOT, reason="only root may give files to other users")
def test_the_owner_of_a_replaced_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(OURS)
    os.chown(tmp_path / "a", 1234, 1235)
    write_file(tmp_path / "a")
    status = (tmp_path / "a").stat()
    assert (status.st_uid, status.st_gid) == (1234, 1235)


@POSIX
def test_the_stage_is_not_in_the_output_folder(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    with publish() as outputs, outputs.folder(tmp_path / "maps").open("a.png"):
        assert tree(tmp_path / "maps") == {}


@POSIX
def test_the_stage_is_in_the_folder_where_files_there_get_another_group(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps").chmod(0o2755)
    with publish() as outputs:
        with outputs.folder(tmp_path / "maps").open("a.png"):
            pass
        assert any(name.startswith(".segcore-") for name in tree(tmp_path / "maps"))
    assert list(tree(tmp_path / "maps")) == ["a.png"]


# -- what is refused, before anything is written --------------------------------------------------


def refuse_file(path: Path | str, *said: str, **options: object) -> OutputError:
    """Check that a file is refused when it is declared."""
    with pytest.raises(OutputError) as caught, publish(**options) as outputs:  # type: ignore[arg-type]  # noqa: PT012
        outputs.file(path)
        pytest.fail("it was not refused")
    for part in said:
        assert part in str(caught.value)
    return caught.value


def refuse_folder(path: Path | str, names: list[str], *said: str, **options: object) -> None:
    with pytest.raises(OutputError) as caught, publish(**options) as outputs:  # type: ignore[arg-type]  # noqa: PT012
        outputs.folder(path, names)
        pytest.fail("it was not refused")
    for part in said:
        assert part in str(caught.value)


def test_files_that_segcore_did_not_write(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("{}")
    error = refuse_file(path, "a.json: it exists, and segcore did not write it")
    assert isinstance(error, OutputExistsError)
    refuse_folder(tmp_path, ["b.json", "a.json"], "a.json: it exists")
    write_file(path, overwrite=True)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        OURS,
        b'{"info": {"software": "segcore 0.1.0"}}',
        b'{"info":{"software":"segcore 9"}}',
        b"\x89PNG tEXtSoftware\0segcore 0.1.0",
        CSV_HEAD + b"\na.png,cup",
    ],
)
def test_files_that_are_ours_or_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    write_file(path)
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize(
    "content",
    [
        *(b" ", b"segcore 0.1.0", b"x" * 5000 + OURS),
        *(CSV_HEAD, CSV_HEAD + b",Notes\n", CSV_HEAD + b"\r\n", b"a,b\n" + CSV_HEAD + b"\n"),
    ],
)
def test_files_that_only_mention_segcore(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    refuse_file(tmp_path / "a", "did not write it")


@pytest.mark.parametrize("overwrite", [False, True])
def test_inputs(tmp_path: Path, overwrite: bool) -> None:
    source = tmp_path / "in.html"
    source.write_bytes(OURS)
    os.link(source, tmp_path / "hard")
    names = ["in.html", "hard"]
    if os.name == "posix":
        (tmp_path / "soft").symlink_to(source)
        names.append("soft")
    for name in names:
        for given in (tmp_path / name, tmp_path / "x" / ".." / name):
            refuse_file(given, "it is an input", protect=[source], overwrite=overwrite)
        refuse_folder(tmp_path, [name], "is an input", protect=[source], overwrite=overwrite)
    assert source.read_bytes() == OURS


def test_inputs_that_do_not_exist_are_no_obstacle(tmp_path: Path) -> None:
    write_file(tmp_path / "a", protect=[tmp_path / "no", tmp_path / "a", "\0", "x" * 5000])
    assert (tmp_path / "a").exists()


def test_folders_in_the_place_of_files(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for path in (tmp_path / "sub", tmp_path, "/", ".", "", ".."):
        refuse_file(path, "it is a folder, expected a file", overwrite=True)
    refuse_folder(tmp_path, ["sub"], "sub: it is a folder", overwrite=True)
    for name in ("", ".", "sub/..", "..", "../x", "/x", str(tmp_path)):
        refuse_folder(tmp_path, [name], "this path leads out of the output folder")


def test_files_in_the_place_of_folders(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(OURS)
    for path in (tmp_path / "a" / "b", tmp_path / "a" / "b" / "c"):
        refuse_file(path, "a: it is a file, expected a folder", overwrite=True)
    refuse_folder(tmp_path / "a", [], "a: it is a file", overwrite=True)
    refuse_folder(tmp_path / "a" / "b", [], "a: it is a file", overwrite=True)
    refuse_folder(tmp_path, ["x", "a/b"], "a: it is a file", overwrite=True)


@POSIX
def test_pipes_sockets_and_devices_in_a_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refuse_folder(tmp_path, ["pipe"], "pipe: it is a pipe", overwrite=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        refuse_file(tmp_path / "socket", "socket: it is a socket", overwrite=True)
    if ROOT:
        try:
            os.mknod(tmp_path / "disk", 0o600 | stat.S_IFBLK, os.makedev(7, 200))
        except PermissionError:
            return
        refuse_file(tmp_path / "disk", "disk: it is a device", overwrite=True)


def test_one_file_for_several_outputs(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(OURS)
    same = [("a", "a"), ("a", "./a"), ("a", "x/../a"), ("b", "./b")]
    if os.name == "posix":
        (tmp_path / "link").symlink_to("b")
        (tmp_path / "dangling").symlink_to("a")
        same += [("b", "link"), ("a", "dangling")]
    for first, second in same:
        with publish() as outputs:
            outputs.file(f"{tmp_path}/{first}")
            with pytest.raises(OutputError, match=f"the same file as the output .*{first}"):
                outputs.file(f"{tmp_path}/{second}")
    with publish() as outputs:
        outputs.folder(tmp_path / "maps", ["a"])
        with pytest.raises(OutputError, match="the same file"):
            outputs.file(tmp_path / "maps" / "a")
        with pytest.raises(OutputError, match="other outputs need a folder of this name"):
            outputs.file(tmp_path / "maps")
        outputs.file(tmp_path / "page")
        with pytest.raises(OutputError, match=r"below the output .*page, which is a file"):
            outputs.folder(tmp_path / "page", ["a"])
        with pytest.raises(OutputError, match="below the output"):
            outputs.folder(tmp_path / "maps", ["a/b"])
        outputs.folder(tmp_path / "maps" / "sub", ["a"])
    assert not (tmp_path / "maps").exists()


def test_names_that_the_file_system_takes_for_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with publish() as outputs:
        folds = (tmp_path.parent / tmp_path.name.upper()).exists()
        if not folds:
            outputs.folder(tmp_path, ["a.png", "A.png", "\u00e9", "e\u0301"])
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.name == "LOCK" or exists(path))
    for names in (["a.png", "A.png"], ["\u00e9", "e\u0301"], ["A", "a/b"]):
        refuse_folder(tmp_path, names, "the output")
    with publish() as outputs:
        outputs.file(tmp_path / "a")
        with pytest.raises(OutputError, match="the same file"):
            outputs.file(tmp_path / "A")


def test_names_that_the_file_system_cannot_hold(tmp_path: Path) -> None:
    refuse_folder(tmp_path, ["a", "x" * 300], "too long")
    refuse_folder(tmp_path, ["a\0b"], "null")
    refuse_file(tmp_path / ("x" * 300), "too long")
    refuse_file(tmp_path / "a\0b", "null")
    assert tree(tmp_path) == {}
    name = "line\nbreak \u2028 \u00e9 ~"
    write_folder(tmp_path, name)
    assert list(tree(tmp_path)) == [name]


def test_deep_folders(tmp_path: Path) -> None:
    name = "/".join("d" * 99)
    for _ in range(2):
        write_folder(tmp_path / "out", name, overwrite=True)
    assert (tmp_path / "out" / name).read_text() == name
    refuse_folder(tmp_path, ["/".join("d" * 1200)], "folders deep")
    refuse_file(tmp_path / ("d/" * 1200) / "a", "folders deep")


@POSIX
def test_links(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "page").write_bytes(OURS)
    (tmp_path / "file").symlink_to("real/page")
    (tmp_path / "folder").symlink_to("real")
    (tmp_path / "new").symlink_to("made/below")
    (tmp_path / "loop").symlink_to("loop")
    write_file(tmp_path / "file", b"1")
    assert (tmp_path / "file").is_symlink()
    assert (tmp_path / "real" / "page").read_bytes() == b"1"
    write_folder(tmp_path / "folder", "a")
    assert (tmp_path / "folder").is_symlink()
    assert (tmp_path / "real" / "a").read_bytes() == b"a"
    write_file(tmp_path / "new", b"2")
    assert (tmp_path / "made" / "below").read_bytes() == b"2"
    refuse_file(tmp_path / "loop", "loop: Too many levels of symbolic links")
    refuse_file(tmp_path / "loop" / "a", "Too many levels")
    refuse_folder(tmp_path / "loop", [], "Too many levels")


@POSIX
def test_links_below_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "inside").mkdir(parents=True)
    (tmp_path / "photograph").write_bytes(OURS)
    (out / "file").symlink_to(tmp_path / "photograph")
    (out / "folder").symlink_to(tmp_path)
    (out / "loop").symlink_to("loop")
    (out / "other").symlink_to("inside")
    for name in ("file", "folder/photograph", "folder/new"):
        refuse_folder(out, [name], f"{name}: this path leads out", overwrite=True)
    refuse_folder(out, ["loop"], "Too many levels", overwrite=True)
    refuse_folder(out, ["inside/a", "other/a"], "the same file")
    write_folder(out, "other/a")
    assert (out / "other").is_symlink()
    assert (out / "inside" / "a").read_bytes() == b"other/a"


@POSIX
@pytest.mark.parametrize("what", ["file", "folder"])
def test_links_that_appear_during_the_work(tmp_path: Path, what: str) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_bytes(OURS)
    with pytest.raises(OutputError, match="a link has replaced it"), publish() as outputs:  # noqa: PT012
        with outputs.folder(tmp_path / "out").open("a") as file:
            file.write(b"new")
        if what == "file":
            (tmp_path / "out" / "a").symlink_to(tmp_path / "elsewhere" / "a")
        else:
            (tmp_path / "out").rename(tmp_path / "moved")
            (tmp_path / "out").symlink_to("elsewhere")
    assert (tmp_path / "elsewhere" / "a").read_bytes() == OURS


def test_files_that_appear_during_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputExistsError), publish() as outputs:  # noqa: PT012
        with outputs.folder(tmp_path / "out").open("a") as file:
            file.write(b"new")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "a").write_bytes(b"other")
    assert tree(tmp_path) == {"out": None, "out/a": b"other"}


@POSIX
def test_working_folder_that_was_removed(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    before = os.getcwd()
    os.chdir(tmp_path / "gone")
    try:
        (tmp_path / "gone").rmdir()
        refuse_file("a", "cannot write a")
        refuse_folder("a", [], "cannot write a")
    finally:
        os.chdir(before)


# -- streams --------------------------------------------------------------------------------------


@POSIX
def test_devices_are_written_to_and_not_replaced(tmp_path: Path) -> None:
    null = tmp_path / "null"
    null.symlink_to("/dev/null")
    for path in (Path("/dev/null"), null):
        write_file(path)
        assert stat.S_ISCHR(path.stat().st_mode)
    if ROOT:
        try:
            os.mknod(tmp_path / "node", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        except PermissionError:
            return
        write_file(tmp_path / "node")
        assert stat.S_ISCHR((tmp_path / "node").stat().st_mode)


@POSIX
def test_pipes_get_everything_at_the_end_or_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_file(pipe, b"new" * 100_000)
    reader.join()
    assert read == [b"new" * 100_000]
    with pytest.raises(KeyError), publish() as outputs, outputs.file(pipe).open():
        raise KeyError  # nobody reads: writing would block for ever


@POSIX
def test_streams_that_another_output_has_or_that_are_inputs(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "link").symlink_to(pipe)
    with (tmp_path / "redirected").open("wb") as file:
        stream = f"/dev/fd/{file.fileno()}"
        pairs = [(pipe, pipe), (pipe, "link"), (stream, stream)]
        for first, second in [*pairs, (stream, "redirected"), ("redirected", stream)]:
            with publish() as outputs:
                outputs.file(tmp_path / first)
                with pytest.raises(OutputError, match="the same file as the output"):
                    outputs.file(tmp_path / second)
        with pytest.raises(OutputError, match="it is an input"):
            write_file(Path(stream), protect=[tmp_path / "redirected"])
    with publish() as outputs:  # nothing is lost there that was not to be
        outputs.file("/dev/null")
        outputs.file("/dev/null")


@POSIX
@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output(tmp_path: Path, path: str) -> None:
    if not os.path.exists("/proc/self/fd/1") and "proc" in path:
        pytest.skip("there is no /proc")
    code = f"""
        print("before", flush=True)
        with publish() as outputs:
            with outputs.file("{path}").open() as file:
                file.write(b"new\\n")
        assert outputs.to_stdout
        print("after")
    """
    assert script(code).stdout == "before\nnew\nafter\n"
    with (tmp_path / "log").open("w") as log:
        script(code, stdout=log)
    assert (tmp_path / "log").read_text() == "before\nnew\nafter\n"


# -- failures of the file system ------------------------------------------------------------------

HEADER = f"""
import errno, io, os, signal, sys, types
sys.modules["segcore"] = types.ModuleType("segcore")
sys.modules["segcore"].__path__ = [{str(Path(_publish.__file__).parents[1])!r}]
from segcore import _publish
from segcore._publish import publish
"""


def script(code: str, *arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run code with ``publish`` in a process that imports nothing else of segcore."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    command = [sys.executable, "-ISc", HEADER + textwrap.dedent(code), *map(str, arguments)]
    result = subprocess.run(command, text=True, check=False, timeout=300, **options)  # type: ignore[call-overload]
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """Give a folder in memory, where there is one: hundreds of runs on a disk are slow."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


CHANGES = ("mkdir", "open", "write", "chmod", "link", "rename", "replace", "unlink", "rmdir")
CALLS = (*CHANGES, "fdopen", "fsync", "scandir", "listdir", "stat", "access", "close")
"""The functions of ``os`` that are used, and those among them that change something."""


class Faults:
    """Has the k-th of all calls of the file system fail, or do something else first."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.failing = -1
        self._lock = threading.Lock()  # files are flushed by several threads
        self.error: BaseException | None = None  # None: Ctrl-C, twice
        for name in CALLS:
            monkeypatch.setattr(os, name, self._wrap(name, getattr(os, name)))

    def _wrap(self, name: str, function):  # type: ignore[no-untyped-def]
        def call(*arguments, **options):  # type: ignore[no-untyped-def]
            self.step()
            result = None if name == "fsync" else function(*arguments, **options)  # it is slow
            return _Written(result, self) if name == "fdopen" else result

        return call

    def step(self) -> None:
        with self._lock:
            place = self.count
            self.count += 1
        if place == self.failing and self.error is not None:
            raise self.error
        if place in (self.failing, self.failing + 1) and self.error is None:
            signal.raise_signal(signal.SIGINT)


class _Written:
    """A file whose methods count, too."""

    def __init__(self, file, faults: Faults) -> None:  # type: ignore[no-untyped-def]
        self._file, self._faults = file, faults

    def __getattr__(self, name: str):  # type: ignore[no-untyped-def]
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        self._faults.step()
        return self._file.write(data)

    def flush(self) -> None:
        self._faults.step()
        self._file.flush()

    def close(self) -> None:
        if not self._file.closed:
            self._file.close()
            self._faults.step()


def make_old(folder: Path) -> dict[str, bytes | None]:
    """Make files to be replaced, and an input, and return them."""
    (folder / "maps" / "sub").mkdir(parents=True)
    for name in ("page.html", "in.json", "maps/a", "maps/sub/b", "maps/mine"):
        (folder / name).write_bytes(OURS)
    return tree(folder)


WRITTEN = ("maps/a", "maps/sub/b", "maps/sub/c", "maps/more/d", "page.html", "findings.json")
NEW = {**{name: OURS + name.encode() for name in WRITTEN}, "maps/more": None}


def publish_new(folder: Path) -> None:
    with publish(protect=[folder / "in.json"]) as outputs:
        single = [outputs.file(folder / name) for name in WRITTEN if "/" not in name]
        names = [name.removeprefix("maps/") for name in WRITTEN if "/" in name]
        maps = outputs.folder(folder / "maps", names)
        for name in names:
            if name == "a":
                with maps.open(name) as file:
                    file.write(NEW[f"maps/{name}"])
            else:
                maps.write(name, NEW[f"maps/{name}"])
        for output in single:
            with output.open() as file:
                file.write(NEW[output.path.name])


@POSIX
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), slow(MemoryError())]
)
def test_each_call_may_fail(
    in_memory: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    succeeded = failed = 0
    with monkeypatch.context() as patches:
        faults = Faults(patches)
        faults.error = error
        step = 0
        while True:
            folder = in_memory / str(step)
            faults.failing = -1
            old = make_old(folder)
            faults.count, faults.failing = 0, step
            try:
                publish_new(folder)
                succeeded += 1
                expected = [{**old, **NEW}]
            except type(error) as caught:
                if isinstance(error, OSError):
                    assert isinstance(caught, OutputError)  # noqa: PT017
                failed += 1
                # Anything but an OSError also ends the removal of the stage, after the renames.
                expected = [old] if isinstance(error, OSError) else [old, {**old, **NEW}]
            reached, faults.failing = faults.count > step, -1
            found = tree(folder)
            left = {name for name in found if name.startswith((".segcore-", "maps/.segcore-"))}
            assert {name: found[name] for name in found.keys() - left} in expected, step
            if left:  # what could not be removed, by the next run
                publish_new(folder)
                assert tree(folder).keys() - left == {**old, **NEW}.keys(), step
            if not reached:
                break
            step += 1
    assert step > 100
    assert failed > step / 2
    assert succeeded > 1


@POSIX
def test_ctrl_c_at_each_call(
    in_memory: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """A second one follows at the next call, when the first is being handled."""
    # A process in the background inherits signals that are ignored.
    ignored = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, ignored))
    finished = step = 0
    reached = True
    with monkeypatch.context() as patches:
        faults = Faults(patches)
        while reached:
            folder = in_memory / str(step)
            faults.failing = -10
            old = make_old(folder)
            faults.count, faults.failing = 0, step
            try:
                publish_new(folder)
            except KeyboardInterrupt:
                pass
            else:
                assert faults.count <= step
            reached, faults.failing = faults.count > step, -10
            assert tree(folder) in (old, {**old, **NEW}), step
            finished += tree(folder) != old
            step += 1
    assert step > 100
    assert finished > len(WRITTEN)  # those during the renames


@POSIX
def test_what_cannot_be_restored_is_kept_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_old(tmp_path)
    replace = os.replace
    calls = 0

    def failing(*arguments: Path) -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise OSError(errno.EIO, "Input/output error")
        replace(*arguments)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(OutputError, match=r"or restore .*replaced files are in .*\.segcore-"):
        publish_new(tmp_path)
    monkeypatch.undo()
    (tmp_path / "x").mkdir()
    write_file(tmp_path / "y")  # a later run must not remove it
    kept = [path for path in tmp_path.glob(".segcore-*/old/**/*") if path.is_file()]
    assert kept
    assert all(path.read_bytes() == OURS for path in kept)


@POSIX
def test_file_systems_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    old = make_old(tmp_path)
    publish_new(tmp_path)
    assert tree(tmp_path) == {**old, **NEW}


@POSIX
def test_processes_killed_at_any_step(in_memory: Path) -> None:
    """Fork a process for each step, which kills itself there."""
    given = f"OURS, CHANGES, WRITTEN, NEW = {OURS!r}, {CHANGES!r}, {WRITTEN!r}, {NEW!r}\n"
    functions = "\n".join(map(inspect.getsource, (tree, make_old, publish_new)))
    code = """
    from pathlib import Path

    def kill_at(step):
        count = 0

        def wrap(function):
            def call(*arguments, **options):
                nonlocal count
                count += 1
                if count > step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments, **options)

            return call

        for name in CHANGES:
            setattr(os, name, wrap(getattr(os, name)))

    os.fsync = lambda descriptor: None  # it is slow
    step = mixed = 0
    status = None
    while status != 0:
        folder = Path(sys.argv[1]) / str(step)
        old = make_old(folder)
        new = {**old, **NEW}
        child = os.fork()
        if child == 0:
            kill_at(step)
            publish_new(folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        found = {n: c for n, c in tree(folder).items() if ".segcore-" not in n}
        for name in old.keys() | found.keys():  # each file is whole: the old or the new one
            assert found[name] in (old.get(name, new[name]), new[name]), (step, name)
        mixed += found not in (old, new)
        publish_new(folder)
        left = [name for name in tree(folder) if ".segcore-" in name and name.endswith("lock")]
        assert not left, (step, left)
        step += 1
    print(step, mixed)
    """
    path = in_memory / "driver.py"
    future = "from __future__ import annotations\n"
    path.write_text(future + HEADER + given + functions + textwrap.dedent(code))
    command = [sys.executable, "-IS", path, in_memory]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr
    steps, mixed = map(int, result.stdout.split())
    assert steps > 50
    assert 0 < mixed <= len(WRITTEN)  # only between the renames


# -- full and read-only file systems --------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 400 KB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(folder)]
    if not ROOT or not shutil.which("mount"):
        pytest.skip("only root may mount a file system")
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("size", [100_000, 150_000, 1_000_000])
def test_full_disk(disk: Path, size: int) -> None:
    (disk / "a").write_bytes(OURS + bytes(150_000))
    before = tree(disk)
    with pytest.raises(OutputError, match=r"cannot write .*: No space left"), publish() as outputs:  # noqa: PT012
        folder = outputs.folder(disk)
        for name in ("a", "b", "c"):
            with folder.open(name) as file:
                file.write(bytes(size // 2))
                file.write(bytes(size // 2))
    assert tree(disk) == before
    write_folder(disk, "a", "b")
    assert tree(disk) == {"a": b"a", "b": b"b"}


def test_output_folder_that_is_a_file_system_of_its_own(disk: Path, tmp_path: Path) -> None:
    with publish() as outputs:
        with outputs.folder(disk).open("sub/a") as file:
            file.write(b"new")
        assert any(name.startswith(".segcore-") for name in tree(disk))
    assert tree(disk) == {"sub": None, "sub/a": b"new"}
    (tmp_path / "link").symlink_to(disk / "a")
    write_file(tmp_path / "link")
    assert (disk / "a").read_bytes() == b"new"


def test_mounted_folder_of_the_same_file_system(disk: Path) -> None:
    """Files cannot be renamed across such a mount, although the device is the same."""
    (disk / "maps").mkdir()
    (disk / "real").mkdir()
    mount = ["mount", "--bind", str(disk / "real"), str(disk / "maps")]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no folder can be mounted here")
    try:
        write_folder(disk / "maps", "a", "sub/b")
        assert list(tree(disk / "real")) == ["a", "sub", "sub/b"]
    finally:
        subprocess.run(["umount", str(disk / "maps")], check=True)
    assert list(tree(disk)) == ["maps", "real", "real/a", "real/sub", "real/sub/b"]


def test_read_only_file_system(disk: Path) -> None:
    (disk / "a").write_bytes(OURS)
    (disk / "sub").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for path in (disk / "a", disk / "b", disk / "new" / "c"):
        refuse_file(path, "disk: this folder is not writable" if path.name != "a" else "read-only")
    refuse_folder(disk, ["b"], "disk: this folder is not writable")
    refuse_folder(disk / "sub", [], "sub: this folder is not writable")
    refuse_folder(disk / "new", [], "disk: this folder is not writable")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Give a folder that other users reach, unlike those of pytest."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@POSIX
def test_without_permission(reachable: Path) -> None:
    """Run as another user, where the tests are run by root, who may write everywhere."""
    tmp_path = reachable
    for name, mode in (("closed", 0o555), ("open", 0o777), ("open/sub", 0o555), ("drop", 0o333)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    for name, mode in (("closed/a", 0o666), ("open/read-only", 0o444), ("open/b", 0o666)):
        (tmp_path / name).write_bytes(OURS)
        (tmp_path / name).chmod(mode)
    code = f"""
        if os.geteuid() == 0:
            os.setegid(65534)
            os.seteuid(65534)
        # For access() it is the real user that counts, who is root.
        real = os.access
        os.access = lambda path, mode: real(path, mode, effective_ids=True)
        os.chdir({str(tmp_path)!r})

        def refuse(declare, said):
            try:
                with publish() as outputs:
                    declare(outputs)
            except _publish.OutputError as error:
                assert said in str(error), error
            else:
                raise AssertionError(said)

        for path in ("closed/a", "closed/b", "closed/new/a"):
            refuse(lambda outputs: outputs.file(path), "closed: this folder is not writable")
        refuse(lambda outputs: outputs.file("open/read-only"), "read-only: it is read-only")
        refuse(lambda outputs: outputs.folder("open", ["a", "sub/a"]), "sub: this folder is not")
        refuse(lambda outputs: outputs.folder("closed"), "closed: this folder is not writable")
        for folder in ("open", "drop"):
            with publish() as outputs:
                for name in ("b", "new/c"):
                    with outputs.file(folder + "/" + name).open() as file:
                        file.write(b"new")
    """
    script(code)
    (tmp_path / "drop").chmod(0o700)
    files = ["open/b", "open/new/c", "drop/b", "drop/new/c"]
    assert [(tmp_path / name).read_bytes() for name in files] == [b"new"] * 4
    assert not [name for name in tree(tmp_path) if ".segcore-" in name]


# -- runs at the same time ------------------------------------------------------------------------


@POSIX
def test_stages_of_other_runs_are_removed_only_when_they_are_dead(tmp_path: Path) -> None:
    with publish() as first:
        with first.file(tmp_path / "a").open() as file:
            file.write(b"first")
        write_file(tmp_path / "b")
        write_file(tmp_path / "a", b"second", overwrite=True)
        (tmp_path / "a").write_bytes(b"")  # so that the first may replace it
    assert tree(tmp_path) == {"a": b"first", "b": b"new"}

    (tmp_path / ".segcore-dead").mkdir()
    (tmp_path / ".segcore-dead" / "lock").touch()
    (tmp_path / ".segcore-unlocked").mkdir()  # it is just being made
    (tmp_path / ".segcore-file").touch()
    write_file(tmp_path / "b", overwrite=True)
    assert tree(tmp_path).keys() == {".segcore-unlocked", ".segcore-file", "a", "b"}


def test_runs_with_the_same_target_end_with_whole_files(tmp_path: Path) -> None:
    def work(letter: bytes) -> None:
        for _ in range(20):
            with publish() as outputs:
                folder = outputs.folder(tmp_path / "out")
                for name in ("a", "b/c"):
                    with folder.open(name) as file:
                        file.write(OURS + letter * 10_000)

    errors: list[BaseException] = []

    def guarded(letter: bytes) -> None:
        try:
            work(letter)
        except OutputError as error:  # another run made the folder in the same instant
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(letter,)) for letter in (b"x", b"y", b"z")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) < len(threads)
    found = tree(tmp_path)
    assert found.keys() == {"out", "out/a", "out/b", "out/b/c"}
    assert {found[name] for name in ("out/a", "out/b/c")} <= {
        OURS + c * 10_000 for c in (b"x", b"y", b"z")
    }


# -- files written by other processes -------------------------------------------------------------


def sent(writer: FolderWriter) -> FolderWriter:
    """Return a writer as another process gets it."""
    copied: FolderWriter = pickle.loads(pickle.dumps(writer))
    return copied


def test_writers_write_into_the_stage(tmp_path: Path) -> None:
    names = ["a.png", "sub/b.png"]
    with publish() as outputs:
        folder = outputs.folder(tmp_path / "out", names)
        for name in names:
            assert sent(folder.writer()).write(name, name.encode()) is None
        assert not (tmp_path / "out").exists()
        for name in names:
            folder.take(name, None)
    assert tree(tmp_path) == {
        "out": None,
        "out/a.png": b"a.png",
        "out/sub": None,
        "out/sub/b.png": b"sub/b.png",
    }


@POSIX
def test_writers_follow_the_links_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "out" / "real").mkdir(parents=True)
    (tmp_path / "out" / "link").symlink_to("real")
    with publish() as outputs:
        folder = outputs.folder(tmp_path / "out", ["link/a"])
        folder.take("link/a", sent(folder.writer()).write("link/a", b"new"))
    assert (tmp_path / "out" / "link").is_symlink()
    assert (tmp_path / "out" / "real" / "a").read_bytes() == b"new"


@pytest.mark.parametrize("where", ["other machine", "no folder"])
def test_writers_return_what_they_cannot_write(tmp_path: Path, where: str) -> None:
    with publish() as outputs:
        folder = outputs.folder(tmp_path / "out", ["a"])
        writer = FolderWriter()
        if where == "other machine":
            writer = FolderWriter(str(tmp_path / ".segcore-x" / "new"), str(tmp_path / "out"))
        assert sent(writer).write("a", b"new") == b"new"
        folder.take("a", b"new")
    assert tree(tmp_path) == {"out": None, "out/a": b"new"}


def test_what_is_written_again_is_whole(tmp_path: Path) -> None:
    with publish() as outputs:
        folder = outputs.folder(tmp_path / "out", ["a"])
        first, second = sent(folder.writer()), sent(folder.writer())
        first.write("a", b"part")  # as by a worker that was killed while it wrote
        second.write("a", b"all of it")
        folder.take("a", None)
    assert tree(tmp_path) == {"out": None, "out/a": b"all of it"}


def test_writers_do_not_bring_a_stage_back(tmp_path: Path) -> None:
    with publish() as outputs:
        folder = outputs.folder(tmp_path / "out", ["a", "b", "sub/c"])
        writer = folder.writer()
        folder.take("a", writer.write("a", b"new"))
    for name in ("b", "sub/c"):
        with pytest.raises(OutputError, match=rf"cannot write .*out.{name}: No such file") as found:
            writer.write(name, b"late")
        assert str(pickle.loads(pickle.dumps(found.value))) == str(found.value)
    assert tree(tmp_path) == {"out": None, "out/a": b"new"}
