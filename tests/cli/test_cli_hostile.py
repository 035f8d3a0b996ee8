"""What strangers' files do to the command line: nothing but a result, or one line and exit code 2.

`tests/fuzz/cli.py` draws such files; here are those that once failed, and a short run of it.
"""

from __future__ import annotations

import base64
import gc
import io
import json
import os
import re
import struct
import subprocess
import sys
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("rich")
Image = pytest.importorskip("PIL.Image")

from fuzz import cli as fuzz  # noqa: E402
from support.commands import good, refused, run  # noqa: E402
from support.json_reader import IS_COMPILED  # noqa: E402
from support.util import slow  # noqa: E402

from segcore._text import visible  # noqa: E402
from segcore.cli import failures  # noqa: E402
from segcore.data.files import names as file_names  # noqa: E402
from segcore.show.report import page as report_page  # noqa: E402

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="POSIX has these files")
compiled = pytest.mark.skipif(not IS_COMPILED, reason="json does not notice names that occur twice")
SHAPE = [[1, 1, 5, 1, 5, 5, 1, 5]]


def coco(**changes: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 8, "width": 10}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [{"id": 5, "image_id": 1, "category_id": 3, "segmentation": SHAPE}],
    } | changes


def write(path: Path, document: object) -> Path:
    if isinstance(document, bytes):
        path.write_bytes(document)
    else:
        path.write_text(json.dumps(document))
    return path


def page(path: Path, key: str) -> Any:
    text = path.read_text("utf-8")
    [found] = re.findall(f'<script type="application/json" id="{key}">(.*?)</script>', text)
    return json.loads(found)


@pytest.mark.parametrize("address", ["0", "", "nowhere://1", "tcp://localhost"])
def test_an_address_without_a_cluster(tmp_path, address):
    pytest.importorskip("distributed")
    path = write(tmp_path / "a.json", coco())
    line = refused("stats", path, "--dask", address)
    # A client that could not connect stops its loop when it is collected. If that happened in the
    # thread that starts the loop of another client, both would wait for each other.
    gc.collect()
    assert f"--dask: cannot connect to {address}: " in line


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, "PNG" if path.suffix.lower() == ".png" else None)
    return path


MAP = np.zeros((8, 10), np.uint8)
MAP[1:5, 1:5] = 3
IDS = np.zeros((8, 10, 3), np.uint8)
IDS[1:5, 1:5, 0] = 9


# -- the fuzzer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 20, *map(slow, range(40, 120, 20))])
def test_fuzzer(first: int) -> None:
    codes = {fuzz.check(seed) for seed in range(first, first + 20)}
    assert codes == {0, 2}


# -- names of files -------------------------------------------------------------------------------

BAD_NAMES = [
    *("../secret.png", "a/../../secret.png", "..\\secret.png", "/secret.png", "\\secret.png"),
    *("C:\\secret.png", "c:secret.png", "\\\\server\\secret.png", "//server/secret.png"),
    *("", ".", "..", "a/", "a/.", "a\0.png", "a\n.png", "a\x7f.png", "\ud800.png", "\udcff.png"),
    *("con.png", "sub/NUL", "aux.tar.gz", "COM1.png", "lpt9", ".. /secret.png", "... /a.png"),
    *("a" * 256, "a/" * 600 + "b", None, 3, ["a.png"], {}, True),
]
GOOD_NAMES = [
    *("a.png", "a/b.png", "a\\b.png", "./a.png", "a/./b.png", "..a.png", "a..b", "...png.png"),
    *("日本.png", "a b.png", "console.png", "com10.png", "nullable", "2020-01-01T10:00.png"),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_are_refused(name: object) -> None:
    with pytest.raises(ValueError, match=r"expected|leaves|control|valid|too long"):
        file_names.relative_path(name)


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_names_that_are_read(name: str, tmp_path: Path) -> None:
    path = tmp_path / file_names.relative_path(name)
    assert path.resolve().is_relative_to(tmp_path.resolve())
    plain = file_names.relative_name(name)
    expected = PurePosixPath(plain).with_suffix(".png")
    assert file_names.with_suffix(plain, ".png") == str(expected)


@pytest.mark.parametrize("name", ["../secret.png", "ABSOLUTE"])
@pytest.mark.parametrize("command", ["labels", "view", "compare", "evaluate"])
def test_panoptic_names_cannot_leave_the_folder(tmp_path: Path, name: str, command: str) -> None:
    """They were read: the secret's pixels ended in the output."""
    secret = save(tmp_path / "secret.png", IDS)
    save(tmp_path / "pan" / "a.png", IDS)
    name = str(secret) if name == "ABSOLUTE" else name
    segments = [{"id": 9, "category_id": 3, "iscrowd": 0}]
    category = {"id": 3, "name": "cat", "isthing": 1}
    entry = {"image_id": 1, "file_name": name, "segments_info": segments}
    path = write(tmp_path / "pan.json", coco(annotations=[entry], categories=[category]))
    line = {
        "labels": lambda: refused(
            *("labels", tmp_path / "pan", "--panoptic", path, "-o", tmp_path / "out.json")
        ),
        "view": lambda: refused("view", path, "-o", tmp_path / "out.html"),
        "compare": lambda: refused("compare", path, path),
        "evaluate": lambda: refused("evaluate", "panoptic", path, path),
    }[command]()
    assert "annotations[0] (byte " in line
    assert "leaves its folder" in line or "is absolute" in line


@POSIX
def test_links_are_followed_for_reading(tmp_path: Path) -> None:
    """A data set cannot make a link; people link their photographs."""
    path = write(tmp_path / "in.json", coco())
    photograph = save(tmp_path / "elsewhere" / "x.jpg", np.zeros((8, 10, 3), np.uint8))
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").symlink_to(photograph)
    target = tmp_path / "out.html"
    good("view", path, "--images", tmp_path / "photos", "-o", target)
    assert page(target, "image-0")["photograph"].startswith("data:image/jpeg")


@POSIX
def test_loops_of_links(tmp_path: Path) -> None:
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    path = write(tmp_path / "in.json", coco())
    assert "symbolic links" in refused("view", loop, "-o", tmp_path / "a.html")
    assert "symbolic links" in refused("labels", tmp_path, "-o", tmp_path / "a.json")
    assert "symbolic links" in refused("semantic", path, "-o", loop / "out")
    assert "No such file" in refused("view", tmp_path / "no" / "a.json", "-o", tmp_path / "a.html")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems want names of valid Unicode")
def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    save(folder / "a.png", MAP).rename(Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")))
    for words in (["labels", folder], ["view", folder]):
        line = refused(*words, "-o", tmp_path / "out.json")
        assert "\\udcff.png: its name" in line
        assert "is not a valid name for a file; rename it" in line


@POSIX
@pytest.mark.parametrize("name", ["aux.png", "\x1b[31m.png", "a\nb.png"])
def test_label_maps_that_no_data_set_can_name(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / "maps" / name, MAP)
    assert "rename it" in refused("labels", tmp_path / "maps", "-o", tmp_path / "out.json")
    assert 'its "file_name" "' in refused("view", path, "-o", tmp_path / "a.html")


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems ignore case")
def test_the_case_of_suffixes(tmp_path: Path) -> None:
    save(tmp_path / "maps" / "a.PNG", MAP)
    save(tmp_path / "other" / "a.png", MAP)
    assert (
        "1 image, 1 annotation"
        in good("labels", tmp_path / "maps", "-o", tmp_path / "x.json").stdout
    )
    words = ["evaluate", "semantic", tmp_path / "maps", tmp_path / "other", "--num-classes", 4]
    assert "1 image, 4 classes" in good(*words).stdout
    save(tmp_path / "maps" / "a.png", MAP)
    assert "a.PNG and a.png differ in case alone" in refused(*words)

    path = write(tmp_path / "in.json", coco())
    photographs = tmp_path / "photos"
    save(photographs / "a.JPG", np.zeros((8, 10, 3), np.uint8))
    view = ["view", path, "--images", photographs, "-o", tmp_path / "a.html"]
    assert "no photograph" not in good(*view).stderr
    save(photographs / "a.Jpg", np.zeros((8, 10, 3), np.uint8))
    assert "a.JPG and a.Jpg differ in case alone" in refused(*view)
    save(photographs / "a.jpg", np.zeros((8, 10, 3), np.uint8))  # the very name
    good(*view)


def test_hidden_files_are_not_maps(tmp_path: Path) -> None:
    """A run that was killed leaves a hidden folder."""
    save(tmp_path / "maps" / "a.png", MAP)
    save(tmp_path / "maps" / ".segcore-x" / "b.png", MAP)
    save(tmp_path / "maps" / "._c.png", MAP)
    assert "1 image," in good("labels", tmp_path / "maps", "-o", tmp_path / "x.json").stdout


# -- text -----------------------------------------------------------------------------------------

HOSTILE_NAMES = {
    "\x1b[31mred\x1b[0m": "\\u001b[31mred\\u001b[0m",
    "\x1b]8;;http://x\x1b\\link": "\\u001b]8;;http://x\\u001b\\link",
    "\x9b31m\x07\x7f": "\\u009b31m\\u0007\\u007f",
    "[red]x[/blue][/red]": "[red]x[/blue][/red]",
    "[link=http://x]y[/link]": "[link=http://x]y[/link]",
    ":smile:": ":smile:",
    "a\u202eb\u2066\u200b\ufeff\u2028": "a\\u202eb\\u2066\\u200b\\ufeff\\u2028",
    "\ud800": "\\ud800",
    "a\r\nb": "a\\r\\nb",
    "\U000e0041": "\\udb40\\udc41",
    "日本 é": "日本 é",
}


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_of_categories_are_text(tmp_path: Path, name: str) -> None:
    shown = HOSTILE_NAMES[name]
    assert visible(name) == shown
    path = write(tmp_path / "in.json", coco(categories=[{"id": 3, "name": name}]))
    output = good("semantic", path, "-o", tmp_path / "maps").stdout
    assert shown in output
    output = good("compare", path, path, "--json", tmp_path / "f.json").stdout
    assert visible(output, keep_lines=True) == output
    assert shown in good("labels", tmp_path / "maps", "-o", tmp_path / "labels.json").stdout
    document = json.loads((tmp_path / "labels.json").read_text("utf-8"))
    assert document["categories"][0]["name"] == name
    findings = json.loads((tmp_path / "f.json").read_text("utf-8"))
    assert findings["images"][0]["findings"][0]["class"] == name
    good("view", path, "-o", tmp_path / "a.html")
    assert page(tmp_path / "a.html", "index")["classes"][0]["name"] == shown


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_errors_and_notes_are_text(tmp_path: Path, name: str) -> None:
    good_one = coco()["annotations"][0]
    annotations = [good_one, good_one | {"id": 6, "category_id": name}]
    path = write(tmp_path / "in.json", coco(annotations=annotations))
    refused("semantic", path, "-o", tmp_path / "out")
    skipped = good("semantic", path, "-o", tmp_path / "out", "--skip-invalid").stderr
    for text in (refused("semantic", path, "-o", tmp_path / "new"), skipped):
        assert "expected the id of a category" in text
        assert visible(text, keep_lines=True) == text


def test_messages_are_no_markup(tmp_path: Path) -> None:
    """A category id of "[/red]" ended in a traceback."""
    good_one = coco()["annotations"][0]
    annotations = [good_one, good_one | {"id": 6, "category_id": "[/red]"}]
    path = write(tmp_path / "in.json", coco(annotations=annotations))
    assert "[/red]" in good("semantic", path, "-o", tmp_path / "o", "--skip-invalid").stderr


@pytest.mark.parametrize(
    "title", ["{{style}}", "{{data}}", "{{title}}{{script}}", "</title><b>", '"']
)
def test_titles_of_pages_are_text(title: str) -> None:
    file = io.BytesIO()
    report_page.write_page(file, title, [], [], compared=False)
    text = file.getvalue().decode()
    [found] = re.findall("<title>(.*)</title>", text)
    escaped = title.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert found == escaped
    assert text.count("<style>") == 1
    assert text.count('JSON.parse($("index")') == 1


@pytest.mark.parametrize(
    "name", ["</script><script>alert(1)</script>", "<!--<script>", "\u2028", "{{data}}"]
)
def test_names_cannot_end_a_script(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "in.json", coco(categories=[{"id": 3, "name": name}]))
    good("view", path, "-o", tmp_path / "a.html")
    assert page(tmp_path / "a.html", "index")["classes"][0]["name"] == visible(name)
    text = (tmp_path / "a.html").read_text("utf-8")
    assert text.count("</script>") == text.count("<script") == 3
    assert "<!--" not in text.replace("<!DOCTYPE", "")


# -- JSON -----------------------------------------------------------------------------------------

NOT_JSON = {
    b"": "an empty file",
    b" \n": "an empty file",
    b"PK\x03\x04abc": "a ZIP archive",
    b"\x93NUMPY\x01\0": "a NumPy array",
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff\xe0": "a JPEG image",
    b"II*\0abc": "a TIFF image",
    b"<!DOCTYPE html><p>": "an HTML page",
    b"<annotation>": "XML",
    b"---\na: 1\n": "YAML",
    b"names: [a, b]\n": "YAML",
    b"ImageId,EncodedPixels\na.jpg,1 3\n": "CSV",
    b"0 0.5 0.5 0.1 0.1 0.2 0.2\n1 0.1 0.2 0.3 0.4\n": "YOLO's text format",
    b'{"a": 1}\n{"a": 2}\n': "JSON lines",
    b"\x80\x04\x95": "a Python pickle",
    b"version https://git-lfs.github.com/spec/v1\n": "a Git LFS pointer",
}


@pytest.mark.parametrize("data", NOT_JSON)
def test_what_is_not_json_is_named(tmp_path: Path, data: bytes) -> None:
    line = refused("view", write(tmp_path / "in.json", data), "-o", tmp_path / "a.html")
    assert f"not JSON: it looks like {NOT_JSON[data]}" in line
    assert "segcore reads COCO instances" in line


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"_via_img_metadata": {}}, "VIA's project"),
        (coco(annotations=[{"segments_info": []}]), "annotations[0]"),
        pytest.param(
            b'{"images": [], "images": [], "annotations": []}',
            '"images" occurs twice',
            marks=compiled,
        ),
        pytest.param(
            b'{"images": [{"id": 1, "height": 1, "id": 2}], "annotations": [], "categories": []}',
            "images[0]: a name occurs twice in one object",
            marks=compiled,
        ),
        (b'{"a": ' + b"9" * 5000 + b"}", "at most 4300 digits"),
        (b'{"a":' * 100_000, "nested values"),
        (b"\xff{}", "not JSON"),
        (b"\x1f\x8b\x08\0abc", "the gzip file is damaged"),
    ],
)
def test_documents_that_are_refused(tmp_path: Path, document: object, said: str) -> None:
    path = write(tmp_path / "in.json", document)
    assert said in refused("semantic", path, "-o", tmp_path / "out")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_encodings_of_json(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "in.json", json.dumps(coco()).encode(encoding))
    good("semantic", path, "-o", tmp_path / "out")


def test_folders_and_devices_are_not_json(tmp_path: Path) -> None:
    write(tmp_path / "a.json", coco())
    write(tmp_path / "b.json", coco())
    line = refused("semantic", tmp_path, "-o", tmp_path / "out")
    assert "its files do not fit together: two images have the id" in line
    if Path("/dev/zero").exists():
        assert "a device" in refused("semantic", "/dev/zero", "-o", tmp_path / "out")


# -- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "reference"),
    [(1, 1.0), (1.0, 1), (1, "1"), ("1", 1), ("1", 1.0), (2**53 + 1, str(2**53 + 1)), (-1, "-1")],
)
def test_ids_that_are_equal(tmp_path: Path, image: object, reference: object) -> None:
    images = [coco()["images"][0] | {"id": image, "height": 8.0, "width": 10.0}]
    annotation = coco()["annotations"][0] | {
        "image_id": reference,
        "category_id": 3.0,
        "iscrowd": 0.0,
    }
    path = write(tmp_path / "in.json", coco(images=images, annotations=[annotation]))
    good("semantic", path, "-o", tmp_path / "out")
    assert np.asarray(Image.open(tmp_path / "out" / "a.png")).sum() == 16


@pytest.mark.parametrize(
    ("image", "reference"),
    [(1, "01"), (1, " 1"), (1, "1.0"), (1, 1.5), (1, True), (2**53, 2.0**53), (1, None), (1, "x")],
)
def test_ids_that_differ(tmp_path: Path, image: object, reference: object) -> None:
    images = [coco()["images"][0] | {"id": image}]
    annotation = coco()["annotations"][0] | {"image_id": reference}
    path = write(tmp_path / "in.json", coco(images=images, annotations=[annotation]))
    line = refused("semantic", path, "-o", tmp_path / "out")
    assert "annotations[0] (id 5, byte " in line
    assert ": image_id: expected" in line


def test_ids_that_are_a_number_and_a_text(tmp_path: Path) -> None:
    """A reference means the id of its own type, if there is one."""
    names = {1: "number.jpg", "1": "text.jpg"}
    images = [coco()["images"][0] | {"id": key, "file_name": name} for key, name in names.items()]
    annotation = coco()["annotations"][0] | {"image_id": "1"}
    path = write(tmp_path / "in.json", coco(images=images, annotations=[annotation]))
    good("semantic", path, "-o", tmp_path / "out")
    areas = [
        np.asarray(Image.open(tmp_path / "out" / f"{name}.png")).sum()
        for name in ("number", "text")
    ]
    assert areas == [0, 16]


def test_ids_beyond_floats_stay_exact(tmp_path: Path) -> None:
    """2**53 + 1 is no number of JavaScript."""
    annotation = coco()["annotations"][0] | {"id": 2**53 + 1}
    path = write(tmp_path / "in.json", coco(annotations=[annotation]))
    good("view", path, "-o", tmp_path / "a.html")
    [shown] = page(tmp_path / "a.html", "image-0")["Truth"]["objects"]
    assert shown["id"] == "9007199254740993"


@pytest.mark.parametrize("value", [480.5, "480", True, 1e400, -0.0, 2.0**53, None, [], 10**400])
def test_sizes_that_are_no_integers(tmp_path: Path, value: object) -> None:
    path = write(tmp_path / "in.json", coco(images=[coco()["images"][0] | {"height": value}]))
    line = refused("semantic", path, "-o", tmp_path / "out")
    assert 'its "height" is' in line or "pixels" in line


@pytest.mark.parametrize("key", [10**30, -(10**30), 2**64])
@pytest.mark.parametrize("command", ["semantic", "panoptic", "view"])
def test_huge_ids_of_categories(tmp_path: Path, command: str, key: int) -> None:
    annotation = coco()["annotations"][0] | {"category_id": key, "score": 10**400}
    categories = [{"id": key, "name": "x"}]
    path = write(tmp_path / "in.json", coco(annotations=[annotation], categories=categories))
    result = run(command, path, "-o", tmp_path / "out")
    assert result.exit_code in (0, 2), result.output
    assert "internal" not in result.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "2", "1e400", "x", ""])
def test_shares_are_between_0_and_1(tmp_path: Path, value: str) -> None:
    path = write(tmp_path / "in.json", coco())
    result = run("compare", path, path, "--iou-threshold", value)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: Invalid value for '--iou-threshold'")


# -- images ---------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = zlib.compress(bytes(100))
    tail = chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + tail


BOMB = zlib.compress(bytes(50_000_000), 9)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (png(2**15 + 1, 2**15), "pixels"),
        (png(2**31 - 1, 2**31 - 1), "pixels"),
        (png(0, 8), "a.png"),
        (png(8, 8, chunk(b"zTXt", b"k\0\0" + BOMB)), "Decompressed"),
        (png(8, 8, chunk(b"iTXt", b"k\0\1\0\0\0" + BOMB)), "Decompressed"),
        (png(10, 8)[:45], "cannot read it"),
        (png(10, 8)[:20], "cannot read it"),
        (b"", "not a PNG: it looks like an empty file"),
        (b"\xff\xd8\xff\xe0", "not a PNG: it looks like a JPEG image"),
    ],
)
def test_pngs_that_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    (tmp_path / "maps").mkdir()
    write(tmp_path / "maps" / "a.png", data)
    tracemalloc.start()
    line = refused("labels", tmp_path / "maps", "-o", tmp_path / "out.json")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "maps/a.png" in line
    assert said in line
    assert peak < 30_000_000


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).normal(128, 90, (8, 10)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noise).convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


def test_photographs_that_cannot_be_read(tmp_path: Path) -> None:
    images = [
        {"id": i, "file_name": f"{name}.jpg", "height": 8, "width": 10}
        for i, name in enumerate(("good", "cut", "small", "none"), 1)
    ]
    path = write(tmp_path / "in.json", coco(images=images))
    folder = tmp_path / "photos"
    folder.mkdir()
    write(folder / "good.jpg", jpeg())
    write(folder / "cut.jpg", jpeg()[:-30])
    save(folder / "small.jpg", np.zeros((3, 3, 3), np.uint8))
    words = ["view", path, "--images", folder, "-o", tmp_path / "a.html"]
    assert "cut.jpg: cannot read it" in refused(*words)
    for length in (4, 50, 160, 200, 300, 500):  # also within the headers
        write(folder / "cut.jpg", jpeg()[:length])
        said = refused(*words)
        assert "cut.jpg: " in said
        assert "labels" not in said
    write(folder / "cut.jpg", jpeg()[:-30])
    assert not (tmp_path / "a.html").exists()
    told = good(*words, "--skip-invalid").stderr
    assert "skipped 2:" in told
    assert "cut.jpg: cannot read it" in told
    assert "small.jpg: its height 3 and width 3 are not those of the masks" in told
    assert "1 image without a photograph" in told
    listed = page(tmp_path / "a.html", "index")["images"]
    assert [each["photograph"] for each in listed] == [True, False, False, False]


BROKEN_EXIF = [
    b"Exif\0\0" + tail
    for tail in (
        *(b"", b"MM", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", b"garbage!" * 9),
        b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\x63\0\0\0\0\0\0",  # it is to be turned by 99
        b"MM\0*\0\0\0\x08\0\1\x01\x12\0\2\0\0\0\4abc\0\0\0\0\0",  # and by "abc"
    )
]


# A turned photograph whose other tags are not of their type: Pillow cannot turn those.
BROKEN_EXIF += [
    b"Exif\0\0MM\0*\0\0\0\x08\0\2\x01"
    + tag
    + b"\0\2\0\0\0\6\0\0\0&\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0hello\0"
    for tag in (b"=", b"\x1f", b"U")
]


@pytest.mark.parametrize("exif", BROKEN_EXIF)
def test_broken_exif_does_not_matter(tmp_path: Path, exif: bytes) -> None:
    path = write(tmp_path / "in.json", coco())
    data = jpeg()
    segment = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    write(tmp_path / "a.jpg", data[:2] + segment + data[2:])
    good("view", path, "--images", tmp_path, "-o", tmp_path / "a.html")
    assert page(tmp_path / "a.html", "image-0")["photograph"] is not None


def test_photographs_of_all_kinds(tmp_path: Path) -> None:
    deep = np.full((8, 10), 300 * 100, np.uint16)
    frames = [Image.new("RGB", (10, 8), color) for color in ("red", "blue")]
    animation = io.BytesIO()
    frames[0].save(animation, "PNG", save_all=True, append_images=frames[1:])
    deep_png, palette = io.BytesIO(), io.BytesIO()
    Image.fromarray(deep).save(deep_png, "PNG")
    Image.new("P", (10, 8), 3).save(palette, "PNG", transparency=3)
    kinds = {
        "cmyk.jpg": (jpeg("CMYK"), "jpeg"),
        "grey.jpg": (jpeg("L"), "jpeg"),
        "deep.png": (deep_png.getvalue(), "jpeg"),
        "palette.png": (palette.getvalue(), "png"),
        "animation.png": (animation.getvalue(), "jpeg"),
    }
    images = [
        {"id": i, "file_name": name, "height": 8, "width": 10} for i, name in enumerate(kinds, 1)
    ]
    path = write(tmp_path / "in.json", coco(images=images, annotations=[]))
    for name, (data, _) in kinds.items():
        write(tmp_path / name, data)
    words = ["view", path, "--images", tmp_path, "-o", tmp_path / "a.html"]
    good(*words)
    for i, (name, (_, kind)) in enumerate(kinds.items()):
        url = page(tmp_path / "a.html", f"image-{i}")["photograph"]
        assert url.startswith(f"data:image/{kind};"), name
        with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as shown:
            assert shown.size == (10, 8)
            if name == "deep.png":  # the upper 8 of 16 bits
                assert abs(np.asarray(shown.convert("L")).astype(int) - (300 * 100 >> 8)).max() < 4


# -- the program ----------------------------------------------------------------------------------


def program(*arguments: object, prefix: str = "", **variables: str) -> tuple[int, str, str]:
    pytest.importorskip("_segcore_command")
    code = f"{prefix}\nimport _segcore_command; _segcore_command.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        check=False,
        timeout=300,
        env={**os.environ, **variables},
    )
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SEGCORE_BACKEND": "bogus"}, "segcore's backend 'bogus' is not available"),
        ({"SEGCORE_BACKEND": "\x1b[31m"}, "segcore's backend '"),
        ({"SEGCORE_NUM_THREADS": "abc"}, "SEGCORE_NUM_THREADS: expected an integer"),
    ],
)
def test_segcore_that_cannot_be_imported(variables: dict[str, str], said: str) -> None:
    code, output, told = program("info", **variables)
    assert (code, output) == (2, "")
    [line] = told.splitlines()
    assert line.startswith("segcore: ")
    assert said in line
    assert "\x1b" not in line


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_outputs_that_are_not_utf_8(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "in.json", coco(categories=[{"id": 3, "name": "日本"}]))
    words = ["semantic", path, "-o", tmp_path / "out"]
    code, output, told = program(*words, PYTHONIOENCODING=encoding)
    assert (code, told) == (0, "")
    assert "\\u65e5\\u672c" in output


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is Linux's")
def test_too_little_memory(tmp_path: Path) -> None:
    """A map of 2**29 pixels does not fit into what is left."""
    images = [coco()["images"][0] | {"height": 2**14, "width": 2**15}]
    path = write(tmp_path / "in.json", coco(images=images))
    prefix = (
        "import resource, segcore.cli.app, segcore.cli.semantic, PIL.Image, PIL.PngImagePlugin\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 2**28, size + 2**28))"
    )
    code, output, told = program("semantic", path, "-o", tmp_path / "out", prefix=prefix)
    assert (code, output) == (2, "")
    [line] = told.splitlines()
    assert line.startswith("Error: not enough memory")
    assert not (tmp_path / "out").exists()


def test_defects_are_not_disguised(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError("x\x1b")

    monkeypatch.setattr("segcore.show_runtime", broken)
    monkeypatch.delenv(failures.TRACEBACK, raising=False)
    result = run("info")
    assert result.exit_code == 70
    [line] = result.stderr.splitlines()
    assert line.startswith("segcore: internal error: KeyError: 'x")
    assert "SEGCORE_TRACEBACK=1" in line
    monkeypatch.setenv(failures.TRACEBACK, "1")
    assert "Traceback (most recent call last)" in run("info").stderr


def test_warnings_are_one_line(tmp_path: Path) -> None:
    ring = [0.1, 0.1, 0.5, 0.1, 0.5, 0.5]
    document = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 80, "width": 120}],
        "categories": [{"id": 1, "name": "cup"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": [ring]}],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document))
    command = [sys.executable, "-m", "segcore.cli", "stats", str(path)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stderr.splitlines()
    assert [line for line in lines if "Warning" in line] == [lines[0]]
    warning = f"Warning: {path}: annotation 1 of image 1: all coordinates are between 0 and 1, but"
    assert lines[0].startswith(warning)
