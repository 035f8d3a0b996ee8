"""Compare segcore.data with json on mutated COCO files: ``python -m fuzz.coco_json --seconds 60``.

Each mutated file is read with both. Either

- it is not JSON, and both refuse it;
- or it is written again as the same values, types and order of members included;
- or DatasetError names an item of the file.
"""

from __future__ import annotations

import argparse
import io
import json
import pickle
import random
import re
import time
from typing import Any

import numpy as np

from segcore.data import Dataset, DatasetError
from segcore.data.coco import json_python, reading, stream, writing

RLE = {"size": [4, 6], "counts": "52203"}
ROW: dict[str, Any] = {"image_id": 1, "category_id": 3, "segmentation": [[1, 1, 5, 1, 5, 3, 1, 3]]}
IMAGE = {"id": 1, "file_name": "a.jpg", "height": 4, "width": 6}
DOCUMENTS: list[Any] = [
    {
        "info": {"year": 2014, "version": "1.0"},
        "images": [IMAGE, {"license": 1, "width": 6, "height": 4, "id": 2}],
        "annotations": [
            {**ROW, "id": 1, "area": 8.0, "iscrowd": 0, "bbox": [1.0, 1, 4.0, 2.5]},
            {"segmentation": RLE, "area": 20, "iscrowd": 1, "image_id": 2, "category_id": 3},
            {**ROW, "id": 3, "segmentation": {"counts": [5, 2, 17], "size": [4, 6]}},
        ],
        "categories": [{"id": 3, "name": "sofa", "supercategory": "furniture", "isthing": 1}],
    },
    {
        "images": [
            {"coco_url": "http://images/1.jpg", "not_exhaustive_category_ids": [], **IMAGE},
            {"id": "b", "neg_category_ids": [3]},
        ],
        "annotations": [{**ROW, "id": 9, "image_id": "b"}, {**ROW, "id": "c", "score": 0.5}],
        "categories": [{"frequency": "f", "id": 3, "synset": "sofa.n.01", "synonyms": ["sofa"]}],
    },
    {"images": [IMAGE], "annotations": [{"image_id": 1, "id": 4, "segmentation": [RLE]}]},
    [
        {"image_id": 1, "category_id": 3, "segmentation": RLE, "score": 0.25},
        {"image_id": 2, "category_id": 1, "bbox": [0, 0, 1e3, 2.5], "score": 1},
    ],
]
NAMES = [
    *(name for name, _ in reading.IMAGES + reading.ANNOTATIONS + reading.CATEGORIES),
    *("", "a", "caption", "image", "images", "counts", "size", "na\u00efve", "\ud800"),
]
VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 3, 4, 6, 0.0, -0.0, 1.0, 3.0, 0.5, 1e22, 1e16, 5e-324, 1e300),
    *(
        2**31,
        2**53,
        -(2**53),
        2**53 + 1,
        2.0**53,
        2.0**53 + 2,
        2**62,
        2**62 + 1,
        2**63,
        2**64,
        10**30,
    ),
    *(
        float("nan"),
        float("inf"),
        float("-inf"),
        0.1,
        1 / 3,
        123456.789,
        1e-5,
        0.001,
        999999999.125,
    ),
    *("", "a", "3", "\u00e9", "\ud83d\ude00", "\ud800", "\x00\x1f\x7f", '"\\/', "1" * 40, "52203"),
    *(
        [],
        {},
        [[]],
        [{}],
        [1],
        [1.5, 2],
        [[1, 2, 3, 4]],
        [[1, 2, 3, 4, 5]],
        [[1, 2, 3, 4, 5, 6], []],
    ),
    *([0, 0.5, -0.0, 7], [1, 2, 3, 2**53 + 1], [1, 2, 3, 4, 5], RLE, [RLE], {**RLE, "x": 1}),
    *(
        {"size": [4.0, 6], "counts": []},
        {"counts": [1, 2**62 + 1], "size": [4, 6]},
        {"size": [4, 6]},
    ),
    {"counts": [24, -0.0], "size": [4, 6]},
    *({"counts": "", "size": [2**31, 0]}, {"counts": [], "size": [0, 0]}, {"": {"a": [{}]}}),
]
TOKENS = [
    *(b"0", b"-0", b"-0.0", b"1.0", b"01", b"1e400", b"1E+2", b"-", b".5", b"5.", b"1e", b"1e-400"),
    *(b"9007199254740993", b"-9007199254740993", b"0.1e1", b"1" * 19, b"1" * 30, b"9" * 4301),
    *(b"NaN", b"Infinity", b"-Infinity", b"-NaN", b"null", b"true", b"false", b"nul", b"True"),
    *(b'"', b"\\", b'\\"', b"\\u", b"\\u0041", b"\\ud83d\\ude00", b"\\udc00", b"\\x", b"\\/"),
    *(b"\x00", b"\x1f", b"\x7f", b"\x80", b"\xc0\x80", b"\xc3\xa9", b"\xed\xa0\x80", b"\xff"),
    *(b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\xe0\x80\x80", b"\xf0\x9f"),
    *(b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n\t\r ", b"\x0b", b"[" * 40, b'{"a":', b"{}"),
    *(
        b'"id":1,',
        b'"id":',
        b'"image_id":1,',
        b'"images":[],',
        b'"x":1,',
        b'"":0,',
        b'"\\u0069d":2,',
    ),
    b'"annotations":',
]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container and key in a document."""
    found: list[tuple[Any, Any]] = []
    keys: Any = value if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            found += places(value[key])
    return found


def mutate(rng: random.Random) -> bytes:
    """Return a mutated file."""
    document = json.loads(json.dumps(rng.choice(DOCUMENTS)))
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        all_places = places(document)
        if not all_places:
            break
        container, key = rng.choice(all_places)
        change = rng.randrange(6)
        if change == 0:
            del container[key]
        elif change == 1 and isinstance(container, dict):
            container[rng.choice(NAMES)] = json.loads(json.dumps(rng.choice(VALUES)))
        elif change == 2 and isinstance(container, list):
            container.insert(
                rng.randrange(len(container) + 1), json.loads(json.dumps(container[key]))
            )
        elif change == 3 and isinstance(container, dict):
            members = list(container.items())
            rng.shuffle(members)
            container.clear()
            container.update(members)
        else:
            container[key] = json.loads(json.dumps(rng.choice(VALUES)))
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,\n", " :\t")))
    text = json.dumps(document, ensure_ascii=rng.random() < 0.5, separators=separators)
    data = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        place = rng.randrange(len(data) + 1)
        change = rng.randrange(6)
        if change == 0:
            del data[place : place + rng.choice((1, 1, 2, 5, 40))]
        elif change == 1:
            data[place : place + rng.choice((0, 1, 2))] = rng.choice(TOKENS)
        elif change == 2:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif change == 3:  # replace a number or a word
            if words := list(re.finditer(rb"[-+.\w]+", data)):
                word = rng.choice(words)
                data[word.start() : word.end()] = rng.choice(TOKENS)
        elif change == 4:  # repeat a member, or another piece
            if members := list(re.finditer(rb'"\w+" ?: ?[-\w."]+,', data)):
                member = rng.choice(members)
                at = rng.choice((member.end(), rng.choice(members).start()))
                data[at:at] = member.group()
        else:
            source = rng.randrange(len(data) + 1)
            data[place:place] = data[source : source + rng.randrange(60)]
    return bytes(data)


def same(got: Any, expected: Any) -> bool:
    """Compare values, their types, and the order of members."""
    if type(got) is not type(expected):
        return False
    if isinstance(expected, dict):
        return list(got) == list(expected) and all(same(got[k], v) for k, v in expected.items())
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(same, got, expected))
    return repr(got) == repr(expected)


def written(dataset: Dataset, document: Any) -> Any:
    """Write a data set as the kind of file that the document is, and read that with json."""
    file = io.BytesIO()
    write = writing.write_results if isinstance(document, list) else writing.write_instances
    write(dataset, file)
    text = file.getvalue()
    found = json.loads(text)
    # Two halves of a surrogate pair become one character, as by json.dumps.
    return json.loads(json.dumps(found)) if b"\xed" in text else found


def read(data: bytes, chunk: int, skip: bool = False) -> Dataset:
    """Read a file in pieces."""
    before, stream.CHUNK = stream.CHUNK, chunk
    try:
        return reading.read_stream("", io.BytesIO(data), len(data), skip_invalid=skip)
    finally:
        stream.CHUNK = before


class Twin:
    """Replace the compiled reader and writer by their twins."""

    def __enter__(self) -> None:
        self._before = stream.JsonReader, stream.JsonTable, writing.write_json_rows
        stream.JsonReader = json_python.JsonReader  # type: ignore[assignment,misc]
        stream.JsonTable = json_python.JsonTable  # type: ignore[assignment,misc]
        writing.write_json_rows = json_python.write_json_rows  # type: ignore[assignment]

    def __exit__(self, *_: object) -> None:
        stream.JsonReader, stream.JsonTable, writing.write_json_rows = self._before


NOT_JSON = object()


def attempt(
    data: bytes, chunk: int, skip: bool = False
) -> tuple[Dataset | None, DatasetError | None]:
    """Return the data set, or the error."""
    try:
        return read(data, chunk, skip), None
    except DatasetError as error:
        return None, error


def repeats_names(data: bytes) -> bool:
    """Return whether a name occurs twice in an object."""
    found = []
    json.loads(data, object_pairs_hook=lambda pairs: found.append(len(dict(pairs)) < len(pairs)))
    return any(found)


def check_refused(data: bytes, chunk: int, error: DatasetError, document: Any) -> str:
    """Check the error about a file, and what remains if invalid items are skipped."""
    with Twin():
        _, other = attempt(data, chunk)
    assert other is not None, "the twin reads it"
    if document is NOT_JSON:
        assert error.offset is None or 0 <= error.offset <= len(data)
        return "not JSON"
    if not repeats_names(data):  # of which json, and so the twin, sees the last value alone
        found = other.item, other.detail, other.offset
        assert (error.item, error.detail, error.offset) == found, (str(error), str(other))
    has_tables = isinstance(document, list) or (
        isinstance(document, dict) and {"images", "annotations"} <= set(document)
    )
    assert error.item or not has_tables, "the error names no item"
    dataset, again = attempt(data, chunk, skip=True)
    if dataset is None:
        assert str(again) == str(error)
        return "refused"
    assert dataset.skipped
    with Twin():
        twin = read(data, chunk, skip=True)
        assert len(twin.skipped) == len(dataset.skipped)
        twin_document = written(twin, document)
    assert same(twin_document, written(dataset, document)), "the twin skips others"
    return "skipped"


def check(data: bytes, rng: random.Random) -> str:
    """Compare one file, and return what became of it."""
    chunk = rng.choice((1 << 22, 1 << 22, 64, 7))
    try:
        document = json.loads(data)
    except ValueError:
        document = None
        is_json = False
    else:
        is_json = True
    dataset, error = attempt(data, chunk)
    if error is not None:
        return check_refused(data, chunk, error, document if is_json else NOT_JSON)
    assert dataset is not None
    assert is_json, "json refuses it"
    expected = json.loads(json.dumps(document))  # as in written()
    assert same(written(dataset, document), expected), "written otherwise"
    if rng.random() < 0.25:
        with Twin():
            other_dataset = read(data, chunk)
            assert same(written(other_dataset, document), expected), "written otherwise by the twin"
        compare_columns(dataset, other_dataset)
        copy = pickle.loads(pickle.dumps(dataset))
        assert same(written(copy, document), expected), "pickled"
        order = np.array(rng.sample(range(len(dataset.annotations)), len(dataset.annotations)), int)
        back = dataset.select(order).select(np.argsort(order))
        assert same(written(back, document), expected), "selected"
        for sample in dataset:
            try:
                masks = sample.masks
            except (ValueError, TypeError):
                continue
            assert len(masks) == len(sample)
    return "same"


def compare_columns(one: Dataset, other: Dataset) -> None:
    """Compare the columns of the compiled reader with those of its twin."""
    for name in ("images", "categories", "annotations"):
        a, b = getattr(one, name), getattr(other, name)
        assert a.layout.shapes == b.layout.shapes, f"{name}: shapes"
        np.testing.assert_array_equal(a.layout.shape_ids, b.layout.shape_ids)
        np.testing.assert_array_equal(a.layout.odd_rows, b.layout.odd_rows)
        np.testing.assert_array_equal(a.layout.odd_columns, b.layout.odd_columns)
        for column in a.names:
            if column == "segmentation":
                kinds = a[column].kinds.tolist()
                assert kinds == b[column].kinds.tolist()
                for row in range(len(kinds)):
                    assert same(a[column].value(row), b[column].value(row))
            elif hasattr(a[column], "raw"):
                assert a[column] == b[column]
            else:
                np.testing.assert_array_equal(a[column], b[column], column)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--count", type=int, default=10**9, help="maximum number of files")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    end = time.monotonic() + chosen.seconds
    counts: dict[str, int] = {}
    done = 0
    while done < chosen.count and time.monotonic() < end:
        rng = random.Random(f"{chosen.seed} {done}")
        data = mutate(rng)
        try:
            outcome = check(data, rng)
        except Exception:
            print(f"seed {chosen.seed}, file {done}: {data!r}", flush=True)
            raise
        counts[outcome] = counts.get(outcome, 0) + 1
        done += 1
    print(f"{done} files: " + ", ".join(f"{n} {name}" for name, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
