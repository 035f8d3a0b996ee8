"""Damage the files of every format: ``cd tests && python -m fuzz.formats --mutations 20000``.

A damaged data set is read, or refused with a `DatasetError` of one line that names the file. What
is found is printed with the seed that repeats it.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

from support.formats import document

import segcore as sc

TARGETS = {
    "yolo": "out",
    "labelme": "out",
    "maps": "out",
    "binary-masks": "out",
    "voc": "out",
    "cityscapes": "out",
    "coco-panoptic": "a.json",
    "cvat": "a.xml",
    "label-studio": "a.json",
    "kaggle": "a.csv",
    "geojson": "a.geojson",
}
"""The formats, and what a data set is written to."""
WORDS = (
    *(b"-1", b"nan", b"1e999", b"99999999999999999999", b"null", b"{}", b"[]", b'""', b"true"),
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b",", b'"', b"<", b"&x;", b"]]>", b"../", b"\r\n", b"0.5"),
)

Files = list[tuple[Path, bytes]]


def write(folder: Path) -> dict[str, tuple[Path, Files]]:
    """Write a small data set in each format; return its path and its files."""
    categories = [{"id": 3, "name": "car"}, {"id": 7, "name": "road"}]
    dataset = sc.data.from_coco(document(categories=categories))
    found = {}
    for name, target in TARGETS.items():
        path = folder / name / target
        path.parent.mkdir()
        sc.data.write(dataset, path, name)
        files = sorted(p for p in path.parent.rglob("*") if p.is_file())
        found[name] = path, [(file, file.read_bytes()) for file in files]
    return found


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return data with a few changes."""
    for _ in range(rng.randint(1, 3)):
        start = rng.randint(0, len(data))
        stop = min(len(data), start + rng.choice((0, 1, 1, 2, 5, 40)))
        kind = rng.randrange(5)
        if kind == 0:  # replace
            data = data[:start] + rng.choice(WORDS) + data[stop:]
        elif kind == 1:  # delete
            data = data[:start] + data[stop:]
        elif kind == 2:  # repeat
            data = data[:stop] + data[start:]
        elif kind == 3:  # cut
            data = data[:start]
        elif data[start : start + 1]:  # flip a bit
            bit = bytes([data[start] ^ 1 << rng.randrange(8)])
            data = data[:start] + bit + data[start + 1 :]
    return data


def check(path: Path, name: str | None, ways: tuple[str, ...] = ("raise", "skip")) -> None:
    """Read a data set that may be damaged; AssertionError unless it is refused by one line."""
    for invalid in ways:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # coordinates that seem to be normalized
            try:
                dataset = sc.data.read(path, name, invalid=invalid)
            except sc.data.DatasetError as error:
                text = str(error)
            except OSError:  # a folder where a file is expected, or the reverse
                continue
            else:
                for line in dataset.skipped:
                    assert "\n" not in line, line
                for image in dataset:
                    with contextlib.suppress(ValueError):  # a mask that is missing or invalid
                        assert len(image.masks) == len(image)
                continue
            root = path if path.is_dir() else path.parent
            assert text.startswith(str(root)), text
            assert "\n" not in text, text


def damage(path: Path, files: Files, name: str, seed: int) -> None:
    """Damage one of the files of a data set, and check how it is read."""
    rng = random.Random(seed)
    file, data = rng.choice(files)
    try:
        file.write_bytes(mutated(data, rng))
        check(path, name, (rng.choice(("raise", "skip")),))
    finally:
        file.write_bytes(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"{', '.join(TARGETS)}; all")
    parser.add_argument("--mutations", type=int, default=1000, help="of each format; 1000")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; 0")
    chosen = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        written = write(Path(folder))
        for name in chosen.names or TARGETS:
            path, files = written[name]
            found: dict[str, int] = {}
            for seed in range(chosen.seed, chosen.seed + chosen.mutations):
                try:
                    damage(path, files, name, seed)
                except Exception as error:
                    place = traceback.extract_tb(error.__traceback__)[-1]
                    where = f"{place.filename}:{place.lineno}: {type(error).__name__}: {error}"
                    if where not in found:
                        found[where] = seed
                        traceback.print_exc()
            print(f"{name}: {chosen.mutations} mutations, {len(found)} failures", flush=True)
            for where, seed in found.items():
                print(f"  seed {seed}: {where}")
            failed |= bool(found)
    sys.exit(failed)


if __name__ == "__main__":
    main()
