"""Run the commands on mutated files and options: ``python -m fuzz.cli --seconds 60 --seed 1``.

It wants nothing but segcore with its extra ``cli``. Each run draws a command, mutates its JSON
files, PNGs, photographs, options and environment, and checks that the command

- ends with the exit code 0, or with 2 and one line that starts with ``Error:`` on stderr;
- prints no traceback, and nothing that a terminal would obey;
- leaves its inputs as they were, and its outputs whole or absent.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import importlib.util
import io
import json
import os
import random
import re
import shutil
import struct
import tempfile
import time
import traceback
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from PIL import Image

from segcore import data as segcore_data
from segcore.cli.app import app

SIZE = (8, 10)

HOSTILE: list[Any] = [
    *(None, True, False, 0, -0.0, 1, -1, 2, 255, 256, 0.5, 1.0, 7.0, 480.0, 2**24, 2**31, 2**53),
    *(2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**30, 10**400, 1e308, float("nan"), float("inf")),
    *(
        "",
        " ",
        "1",
        "7",
        "01",
        "-1",
        "1e3",
        "nan",
        "a",
        "\0",
        "\n",
        "\x1b[31mred\x1b[0m",
        "\x9b31m",
    ),
    *("[/red]", "[bold]x[/bold]", "[link=http://x]y[/link]", ":smile:", "{{style}}", "{{data}}"),
    *(
        "</script><script>alert(1)</script>",
        "<!--",
        "\u2028",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\ud800",
    ),
    *("\udcff.png", "../secret.png", "/etc/passwd", "C:\\x.png", "\\\\server\\x.png", "a/../../b"),
    *("con.png", "a" * 300, "a/" * 600 + "b", "photo.JPG", "sub/photo.jpg", ".", "..", "/", "日本"),
    *([], {}, [[]], [None], [1], ["a"], {"a": 1}, [[1, 2]], [[0, 0, 5, 0, 5, 5]], [0] * 50),
    *({"size": [8, 10], "counts": [80]}, {"size": [8, 10], "counts": "!!"}, {"size": "a"}),
    *({"size": [8.0, 10.0], "counts": [0, 80]}, {"size": [2**40, 2**40], "counts": [2**62]}),
    *({"size": [8, 10], "counts": [10**30]}, {"size": [8, 10], "counts": None}, [[1e300] * 6]),
    *([[float("nan")] * 6], [[[1, 2], [3, 4], [5, 6]]], [[10**400] * 6], [["1"] * 6]),
]

OPTION_VALUES = [
    *("", "0", "1", "-1", "2", "3", "255", "0.5", "nan", "inf", "-inf", "1e400", "99999999999999"),
    *("9" * 5000, "abc", "last", "score", "smallest", "detectron2", "mmdet-heuristic", "4", "8"),
    *("\x1b[31m", "[/red]", "\u202e", "\udcff", "1_0", "٣", "0x10", "--", "-", "1.0", " 1", "21"),
]

CONTENT = [
    *(b"", b" ", b"{", b"[", b"null", b"3", b'"a"', b"[]", b"{}", b"\xff\xfe", b"\xef\xbb\xbf{}"),
    *(
        b"\x1f\x8b\x08\0",
        b"PK\x03\x04",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"II*\0",
        b"\x80\x04",
    ),
    *(b"\x93NUMPY\x01\0", b"<!DOCTYPE html>", b"<xml/>", b"a: 1\nb: 2\n", b"a,b\n1,2\n"),
    *(b"0 0.5 0.5 0.1 0.1\n", b'{"a": 1}\n{"a": 2}\n', b"[" * 100_000, b'{"a":' * 50_000, b"NaN"),
    *(b"9" * 5000, b"1e400", b"-0.0", b'{"a": 1, "a": 2}', b"\0" * 100, b'["\xff"]', b"\xd8\0" * 9),
]

# -- files ----------------------------------------------------------------------------------------


def square(x: int, y: int, size: int) -> list[list[int]]:
    return [[x, y, x + size, y, x + size, y + size, x, y + size]]


def instances() -> dict[str, Any]:
    shapes: list[Any] = [
        square(1, 1, 4),
        {"size": [8, 10], "counts": [9, 2, 69]},
        square(4, 3, 3),
        {"size": [8, 10], "counts": "92U2"},
    ]
    return {
        "images": [
            {"id": 1, "file_name": "photo.jpg", "height": 8, "width": 10},
            {"id": 2, "file_name": "sub/b.png", "height": 8, "width": 10},
        ],
        "categories": [
            {"id": 3, "name": "cat", "isthing": 1},
            {"id": 7, "name": "sky", "isthing": 0},
        ],
        "annotations": [
            {
                "id": 10 + i,
                "image_id": 1 + i % 2,
                "category_id": [3, 7][i // 3],
                "segmentation": shape,
                "iscrowd": 0,
                "score": 0.9 - i / 10,
                "bbox": [1, 1, 4, 4],
            }
            for i, shape in enumerate(shapes)
        ],
    }


def lvis() -> dict[str, Any]:
    document = instances()
    for image in document["images"]:
        image["coco_url"] = f"http://x.org/val/{image.pop('file_name')}"
        image["not_exhaustive_category_ids"] = [3]
    return document


def sa_1b(image_id: int) -> dict[str, Any]:
    image = {"image_id": image_id, "file_name": f"sa_{image_id}.jpg", "height": 8, "width": 10}
    kept = ("id", "segmentation", "bbox")
    annotations = [{key: a[key] for key in kept} for a in instances()["annotations"]]
    return {"image": image, "annotations": annotations}


def sa_v() -> dict[str, Any]:
    rle = {"size": [8, 10], "counts": "92U2"}
    return {
        "video_id": "sav_1",
        "video_height": 8.0,
        "video_width": 10.0,
        "masklet": [[rle, rle], [], [rle]],
        "masklet_id": [0, 1],
    }


def panoptic() -> dict[str, Any]:
    segments = [{"id": 1, "category_id": 3, "iscrowd": 0}, {"id": 300, "category_id": 7}]
    document = instances()
    document["annotations"] = [
        {"image_id": i, "file_name": name, "segments_info": copy.deepcopy(segments)}
        for i, name in ((1, "photo.png"), (2, "sub/b.png"))
    ]
    return document


def classes() -> dict[str, Any]:
    listed = [(0, None, "background"), (1, 3, "cat"), (2, 7, "sky")]
    keys = ("index", "category_id", "name")
    return {"classes": [dict(zip(keys, each, strict=True)) for each in listed]}


def labels_png(mode: str = "P") -> bytes:
    labels = np.zeros(SIZE, np.uint8)
    labels[1:5, 1:5], labels[5:, 5:] = 1, 2
    if mode == "RGB":
        image = Image.fromarray(np.stack([labels, labels // 2, labels * 0], axis=2))
    else:
        image = Image.fromarray(labels)
        if mode == "P":
            image.putpalette(bytes(range(256)) * 3)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def panoptic_png() -> bytes:
    ids = np.ones(SIZE, np.uint16)
    ids[4:] = 300
    file = io.BytesIO()
    Image.fromarray(np.stack([ids % 256, ids // 256, ids * 0], axis=2).astype(np.uint8)).save(
        file, "PNG"
    )
    return file.getvalue()


def photograph(rng: random.Random) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = rng.randrange(10)
    mode = rng.choice(["RGB", "L", "CMYK"])
    size = rng.choice([(10, 8), (8, 10), (10, 8), (3, 3)])
    file = io.BytesIO()
    Image.new(mode, size).save(file, "JPEG", exif=exif)
    return file.getvalue()


# -- mutations ------------------------------------------------------------------------------------


def mutate(value: Any, rng: random.Random) -> Any:
    """Replace, drop, double or reorder something at a random depth of a JSON document."""
    if rng.random() < 0.25 or not isinstance(value, dict | list) or not value:
        return copy.deepcopy(rng.choice(HOSTILE))
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = rng.choice(keys)
    match rng.randrange(8):
        case 0:
            del value[key]
        case 1 if isinstance(value, list):
            value.insert(key, copy.deepcopy(value[key]))
        case 1:
            value[str(rng.choice(HOSTILE))[:50]] = copy.deepcopy(value[key])
        case 2:
            value[key] = nested(rng.randrange(1, 900))
        case _:
            value[key] = mutate(value[key], rng)
    return value


def nested(depth: int) -> str:
    """Stand for a list in a list, and so on, until the document is written."""
    return f"<{depth} lists>"


def json_bytes(document: Any, rng: random.Random) -> bytes:
    """Write a document, sometimes mutated, sometimes in another encoding, or something else."""
    if rng.random() < 0.06:
        return rng.choice(CONTENT)
    for _ in range(rng.choice([0, 0, 1, 1, 2, 4])):
        document = mutate(document, rng) if isinstance(document, dict | list) else document
    text = re.sub(
        r'"<(\d+) lists>"',
        lambda match: "[" * int(match[1]) + "]" * int(match[1]),
        json.dumps(document),
    )
    if rng.random() < 0.05:
        text = text.replace(str(rng.randrange(12)), rng.choice(["1e400", "9" * 5000, "-0.0", "01"]))
    data = text.encode(rng.choice(["utf-8"] * 8 + ["utf-8-sig", "utf-16"]))
    if rng.random() < 0.03:
        data = damaged(data, rng)
    return data


def zipped(data: bytes, rng: random.Random) -> bytes:
    """Compress a document, and damage the file sometimes."""
    packed = gzip.compress(data, mtime=0)
    return damaged(packed, rng) if rng.random() < 0.3 else packed


def parquet(folder: Path, rng: random.Random) -> bytes | None:
    """Return a Parquet file of the instances, damaged sometimes; None without pyarrow."""
    if importlib.util.find_spec("pyarrow") is None:
        return None
    path = folder / "whole.parquet"
    segcore_data.write(segcore_data.from_coco(instances()), path)
    whole = path.read_bytes()
    path.unlink()
    return damaged(whole, rng) if rng.random() < 0.5 else whole


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Cut a file, flip bits in it, or put zeros into it."""
    changed = bytearray(data)
    match rng.randrange(3):
        case 0:
            del changed[rng.randrange(len(changed) + 1) :]
        case 1:
            for _ in range(rng.randrange(1, 6)):
                if changed:
                    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        case _:
            place = rng.randrange(len(changed) + 1)
            changed[place : place + rng.randrange(9)] = bytes(rng.randrange(9))
    return bytes(changed)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def strange_png(rng: random.Random) -> bytes:
    """Make a PNG of any depth, colour type and size, with chunks that may be wrong."""
    depth, color = rng.choice([1, 2, 4, 8, 16, 3]), rng.choice([0, 2, 3, 4, 6, 1])
    width, height = rng.choice(
        [(10, 8), (10, 8), (1, 1), (0, 8), (2**31 - 1, 2**31 - 1), (2**15, 2**16)]
    )
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(color, 1)
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, rng.choice([0, 0, 0, 1, 2]))
    row = (width * channels * depth + 7) // 8
    rows = bytes(min((row + 1) * height, 10_000))
    bomb = zlib.compress(bytes(10_000_000)) if rng.random() < 0.1 else b"x"
    extra = [
        chunk(b"tRNS", bytes(rng.randrange(7))),
        chunk(b"PLTE", bytes(rng.randrange(0, 800, 1 + 2 * rng.randrange(2)))),
        chunk(b"zTXt", b"key\0\0" + bomb),
        chunk(b"iTXt", b"key\0\1\0\0\0" + bomb),
        chunk(b"iCCP", b"key\0\0" + bomb),
        chunk(b"acTL", struct.pack(">II", rng.choice([0, 1, 2, 2**31]), 0)),
        chunk(b"eXIf", b"MM\0*" + bytes(rng.randrange(20))),
        chunk(b"gAMA", b"\0"),
    ]
    chosen = rng.sample(extra, rng.randrange(4))
    body = [chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", header), *chosen, *body])


def image_bytes(data: bytes, rng: random.Random) -> bytes:
    match rng.randrange(10):
        case 0 | 1:
            return damaged(data, rng)
        case 2:
            return strange_png(rng)
        case 3:
            return rng.choice(CONTENT)
        case _:
            return data


# -- a run ----------------------------------------------------------------------------------------

FOLDERS = ("maps", "other", "photos", "pan", "pan2")


def lay_out(folder: Path, rng: random.Random) -> None:
    """Write one of each kind of input."""
    documents = {"a": instances(), "b": instances(), "pan": panoptic(), "pan2": panoptic()}
    documents["results"] = {"list": instances()["annotations"]}
    documents |= {"lvis": lvis(), "sa-v": sa_v(), "sa/1": sa_1b(1), "sa/2": sa_1b(2)}
    (folder / "sa").mkdir()
    share = rng.choice([0.1, 0.2, 1])  # how many files are not as they should be
    for name, document in documents.items():
        content = document.get("list", document)
        good = json.dumps(content).encode()
        data = json_bytes(content, rng) if rng.random() < share else good
        (folder / f"{name}.json").write_bytes(data)
        if name == "a":
            (folder / "a.json.gz").write_bytes(zipped(data, rng))
    (folder / "a.parquet").write_bytes(parquet(folder, rng) or b"PAR1")
    for name in FOLDERS:
        (folder / name / "sub").mkdir(parents=True)
        for place in ("photo", "sub/b"):
            suffix = rng.choice([".png"] * 5 + [".PNG"])
            data = panoptic_png() if name.startswith("pan") else labels_png(rng.choice("PPL"))
            if name == "photos":
                suffix, data = rng.choice([".jpg", ".JPG", ".png"]), photograph(rng)
            if rng.random() < share:
                data = image_bytes(data, rng)
            (folder / name / f"{place}{suffix}").write_bytes(data)
    if rng.random() < 0.5:
        (folder / "maps" / "classes.json").write_bytes(json_bytes(classes(), rng))
    if rng.random() < 0.1:
        name = rng.choice([b"\xff.png", b"\x1b[31m.png", b"[red].png", b"photo.Png", b"loop.png"])
        path = Path(os.fsdecode(os.fsencode(folder / "maps") + b"/" + name))
        if name == b"loop.png":
            path.symlink_to("loop.png")
        else:
            path.write_bytes(labels_png())


def command(folder: Path, rng: random.Random) -> list[str]:
    """Draw a command with its options; `out` is where its outputs go."""
    out = folder / "out"
    names = ["a.json", "b.json", "pan.json", "maps", "maps/photo.png"]
    other = ["a.json.gz", "a.parquet", "lvis.json", "sa", "sa/1.json", "sa-v.json", "pan.json"]
    source = [str(folder / name) for name in names + other]
    photos = ["--images", str(folder / "photos")]
    frame = ["--dataset", str(folder / "b.json")]
    results = [str(folder / "results.json")]
    stuff = ["--stuff", str(folder / "other")]
    instance_file = [*results, *frame] if rng.random() < 0.4 else [str(folder / "a.json")]
    if rng.random() < 0.4:
        instance_file = [str(folder / rng.choice(other))]
    findings = rng.choice([
        [], ["--csv", str(out / "a.csv")], ["--html", str(out / "a.html"), *photos],
        ["--export-worst", "3", str(out), *photos],
    ])  # fmt: skip
    commands = [
        ["semantic", *instance_file, "-o", str(out), *rng.choice([[], stuff])],
        ["panoptic", *instance_file, "-o", str(out), *rng.choice([[], stuff])],
        ["labels", str(folder / "maps"), "-o", str(out / "a.json")],
        ["labels", str(folder / "pan"), "--panoptic", str(folder / "pan.json"),
         "-o", str(out / "a.json")],
        ["view", rng.choice(source), "-o", str(out / "page.html"), *rng.choice([[], photos])],
        ["view", *results, *frame, "-o", str(out / "page.html")],
        ["view", rng.choice(source), "--prediction", rng.choice([*source, *results]),
         "-o", str(out / "page.html"), *rng.choice([[], photos])],
        ["compare", rng.choice(source), rng.choice([*source, *results]),
         *rng.choice([[], ["--json", str(out / "a.json")]]),
         *rng.choice([[], ["--html", str(out / "a.html"), *photos]])],
        ["evaluate", "semantic", str(folder / "maps"), str(folder / "other"), "--num-classes", "3",
         *rng.choice([[], ["--json", str(out / "a.json")]]), *findings],
        ["evaluate", "panoptic", str(folder / "pan.json"), str(folder / "pan2.json"),
         *rng.choice([[], ["--json", str(out / "a.json")]]), *findings],
        ["evaluate", "instances", rng.choice(source), rng.choice([*source, *results]), *findings],
        ["evaluate", "instances", str(folder / "b.json"), *results, *findings],
        ["info"],
        [rng.choice(OPTION_VALUES)],
    ]  # fmt: skip
    chosen = rng.choice(commands)
    skippable = ("semantic", "panoptic", "view", "compare", "evaluate")
    if rng.random() < 0.5 and chosen[0] in skippable:
        chosen.append("--skip-invalid")
    if rng.random() < 0.3:
        chosen += [rng.choice(options_of(chosen)), rng.choice(OPTION_VALUES)]
    return chosen


def options_of(chosen: list[str]) -> list[str]:
    """List the options of a command that take a value, but for those that name outputs."""
    group: Any = app
    for word in chosen[:2]:
        group = getattr(group, "commands", {}).get(word, group)
    found = [option for each in group.params for option in each.opts if option.startswith("--")]
    written = {"--output", "--json", "--html", "--csv", "--export-worst"}
    written |= {"--skip-invalid", "--version"}
    return [option for option in found if option not in written] or ["--none"]


@contextmanager
def environment(rng: random.Random) -> Iterator[None]:
    """Change what the terminal and the user's settings say."""
    changes = {
        "COLUMNS": rng.choice([None, "", "0", "-1", "1", "20", "80", "99999", "abc"]),
        "LINES": rng.choice([None, "0", "abc"]),
        "TERM": rng.choice([None, "", "dumb", "unknown", "xterm-256color"]),
        "NO_COLOR": rng.choice([None, "1"]),
        "FORCE_COLOR": rng.choice([None, None, None, "1"]),
        "LANG": rng.choice([None, "C", "xx_YY"]),
        "HOME": rng.choice([None, "/nowhere"]),
    }
    before = {key: os.environ.get(key) for key in changes}
    try:
        _set(changes)
        yield
    finally:
        _set(before)


def _set(values: dict[str, str | None]) -> None:
    for key, value in values.items():
        if value is None:
            os.environ.pop(key, None)
        else:
            os.environ[key] = value


def snapshot(folder: Path) -> dict[str, Any]:
    found = {}
    for parent, folders, names in os.walk(folder):
        if Path(parent) == folder and "out" in folders:
            folders.remove("out")
        for name in names:
            path = Path(parent) / name
            found[str(path)] = os.readlink(path) if path.is_symlink() else path.read_bytes()
    return found


def check_output(folder: Path) -> None:
    """Check that every output is whole."""
    for path in folder.rglob("*"):
        assert ".segcore-" not in path.name, path
        if path.suffix == ".png":
            with Image.open(path) as image:
                image.load()
        elif path.is_file() and path.suffix == ".html":
            assert path.read_text("utf-8").endswith("</html>\n"), path
        elif path.is_file() and path.suffix == ".csv":
            assert path.read_text("utf-8").endswith("\n"), path
        elif path.is_file():
            json.loads(path.read_text("utf-8"))


STYLES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
USAGE = re.compile(r"Usage: .*\nTry '.*\n\n")
HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def check(seed: int) -> int:
    """Make a run from a seed, and return its exit code."""
    rng = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="segcore-fuzz-"))
    try:
        lay_out(folder, rng)
        before = snapshot(folder)
        words = command(folder, rng)
        with environment(rng):
            colored = "FORCE_COLOR" in os.environ
            result = CliRunner().invoke(app, words, catch_exceptions=False)
        told = f"seed {seed}: {words}\n{result.output[-2000:]}"
        assert result.exit_code in (0, 2), told
        assert "Traceback" not in result.output, told
        for stream in (result.stdout, result.stderr):
            plain = STYLES.sub("", stream) if colored else stream
            assert not HIDDEN.search(plain), f"{told}\n{HIDDEN.search(plain)}"
        if result.exit_code == 2:
            rest = USAGE.sub("", STYLES.sub("", result.stderr) if colored else result.stderr)
            line = rest.splitlines()[-1] if colored else rest  # after the progress bar
            assert line.startswith("Error: "), told
            assert line.strip("\n").count("\n") == 0, told
        assert snapshot(folder) == before, told
        if (folder / "out").exists():
            check_output(folder / "out")
        return result.exit_code
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep-going", action="store_true", help="print what fails, and go on")
    given = parser.parse_args()
    codes = {0: 0, 2: 0}
    seed, start = given.seed, time.process_time()
    while time.process_time() - start < given.seconds:
        try:
            codes[check(seed)] += 1
        except Exception as error:
            line = traceback.extract_tb(error.__traceback__)[-1].line
            print(f"seed {seed}: {type(error).__name__} in {line!r}: {error}", flush=True)
            if not given.keep_going:
                raise
        seed += 1
    print(f"seeds {given.seed} to {seed - 1}: {codes[0]} went well, {codes[2]} were refused")


if __name__ == "__main__":
    main()
