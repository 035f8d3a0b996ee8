"""PNG label maps, as Pillow reads them."""

import io
import zlib

import numpy as np
import pytest

import segcore as sc
from segcore import _png
from segcore._png import encode_png, filter_rows
from segcore.data.files.pngs import id_png, label_png
from segcore.data.formats._images import voc_colors
from segcore.masks import unwrap

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 70_000), (17, 31)])
def test_maps_are_written_as_pillow_reads_them(dtype, shape):
    values = np.random.default_rng(1).integers(0, 2**16, 9).astype(dtype)
    labels = np.random.default_rng(2).choice(values, shape)
    file = io.BytesIO(label_png(*sc.Masks.from_label_map(labels)))
    with Image.open(file) as image:
        image.verify()
    with Image.open(file) as image:
        assert image.mode == ("L" if dtype == "u1" else "I;16")
        assert (np.asarray(image) == labels).all()


def test_a_palette():
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)[:, ::-1]
    file = io.BytesIO(label_png(*sc.Masks.from_label_map(labels), voc_colors()))
    with Image.open(file) as image:
        assert image.mode == "P"
        assert (np.asarray(image) == labels).all()
        assert (np.asarray(image.convert("RGB")) == voc_colors()[labels]).all()


@pytest.mark.parametrize("dtype", ["i4", "u4", ">i4", "i8", "u1"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 70_000), (17, 31), (40, 1)])
def test_ids_are_colors(dtype, shape):
    rng = np.random.default_rng(2)
    largest = min(np.iinfo(dtype).max, 2**24 - 1)
    few = rng.choice(rng.integers(0, largest, 9), shape)
    for values in (few, np.sort(rng.integers(0, 3, shape), axis=0)):
        ids = values.astype(dtype)
        ids.flat[0] = largest
        with Image.open(io.BytesIO(id_png(*sc.Masks.from_label_map(ids)))) as image:
            assert image.mode == "RGB"
            octets = np.asarray(image).astype(np.int64)
        assert (octets @ [1, 256, 65536] == ids).all()


@pytest.mark.parametrize("shape", [(1, 9), (9, 1), (6, 7), (40, 33)])
@pytest.mark.parametrize("octets", [(0,), (1, 0), (0, 1, 2)])
def test_filtered_regions_are_filtered_rows(shape, octets):
    rng = np.random.default_rng(4)
    for number in range(20):
        labels = rng.choice(rng.integers(0, 256 ** len(octets), 3), shape).astype(np.uint32)
        if number % 2:
            labels = np.sort(labels, axis=0)
        rows = np.stack([labels >> 8 * octet for octet in octets], axis=-1).astype(np.uint8)
        ids, masks = sc.Masks.from_label_map(labels)
        filtered = _png.filter_regions(unwrap(masks), ids, octets)
        assert (filtered == filter_rows(rows.reshape(shape[0], -1))).all()


def test_files_are_the_same_without_zlib_ng_and_as_small_as_those_of_pillow(monkeypatch):
    pytest.importorskip("zlib_ng")
    centers = np.random.default_rng(5).integers(0, 300, (12, 2, 1, 1))
    y, x = np.ogrid[:300, :300]
    labels = np.zeros((300, 300), np.uint8)
    for label, (cy, cx) in enumerate(centers, 1):
        labels[(y - cy) ** 2 + (x - cx) ** 2 < 40**2] = label
    regions = sc.Masks.from_label_map(labels)
    data = label_png(*regions), id_png(*regions)
    file = io.BytesIO()
    Image.fromarray(labels).save(file, "png")
    assert len(data[0]) < file.tell()
    monkeypatch.setattr(_png, "_zlib", lambda: zlib)
    assert (label_png(*regions), id_png(*regions)) == data


def test_touching_regions_of_one_label_are_one():
    masks = sc.Masks.from_boxes([[0, 0, 4, 2], [0, 2, 4, 5], [4, 0, 6, 5]], (5, 7))
    data = label_png(np.array([9, 9, 9], np.uint8), masks)
    assert data == label_png(np.array([9], np.uint8), masks.union())


@pytest.mark.parametrize("ids", [[2**24], [-1]])
def test_ids_that_are_refused(ids):
    with pytest.raises(ValueError, match="ids: expected 0 to 16777215"):
        id_png(np.array(ids), sc.Masks.from_boxes([[0, 0, 1, 1]], (1, 1)))


def test_text_and_a_short_palette():
    colors = np.array([[0, 0, 0], [200, 100, 0]], np.uint8)
    regions = sc.Masks.from_label_map(np.array([[0, 1, 1], [1, 1, 0]], np.uint8))
    data = label_png(*regions, colors, {"Software": "segcore 1"})
    with Image.open(io.BytesIO(data)) as image:
        assert image.text == {"Software": "segcore 1"}
        assert image.mode == "P"
        assert np.asarray(image).tolist() == [[0, 1, 1], [1, 1, 0]]
        assert np.asarray(image.convert("RGB"))[0, 1].tolist() == [200, 100, 0]


def test_bits():
    pixels = np.random.default_rng(3).random((9, 13)) < 0.5
    data = encode_png(filter_rows(np.packbits(pixels, axis=1)), 13, depth=1)
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "1"
        assert (np.asarray(image) == pixels).all()
