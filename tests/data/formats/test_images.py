"""PNG label maps, as Pillow reads them."""

import io

import numpy as np
import pytest

from segcore import _png
from segcore._png import encode_png, filter_rows
from segcore.data.files.pngs import id_png, label_png, rgb_png
from segcore.data.formats._images import voc_colors

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("dtype", ["u1", "u2", ">u2"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 70_000), (17, 31)])
def test_maps_are_written_as_pillow_reads_them(dtype, shape):
    labels = np.random.default_rng(1).integers(0, 2**16, shape).astype(dtype)
    file = io.BytesIO(label_png(labels, None))
    with Image.open(file) as image:
        image.verify()
    with Image.open(file) as image:
        assert image.mode == ("L" if dtype == "u1" else "I;16")
        assert (np.asarray(image) == labels).all()


def test_a_palette():
    labels = np.arange(256, dtype=np.uint8).reshape(16, 16)[:, ::-1]
    file = io.BytesIO(label_png(labels, voc_colors()))
    with Image.open(file) as image:
        assert image.mode == "P"
        assert (np.asarray(image) == labels).all()
        assert (np.asarray(image.convert("RGB")) == voc_colors()[labels]).all()


@pytest.fixture(params=["zlib-ng", "zlib"])
def deflate(request, monkeypatch):
    """Compress by each of the libraries in turn."""
    if request.param == "zlib":
        monkeypatch.setattr(_png, "deflate", lambda: _png._compress_runs)
    else:
        pytest.importorskip("zlib_ng")


@pytest.mark.parametrize("dtype", ["i4", "u4", ">i4", "i8", "u1"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 70_000), (17, 31), (40, 1)])
@pytest.mark.usefixtures("deflate")
def test_ids_are_colors(dtype, shape):
    rng = np.random.default_rng(2)
    largest = min(np.iinfo(dtype).max, 2**24 - 1)
    for values in (rng.integers(0, largest, shape), np.sort(rng.integers(0, 3, shape), axis=0)):
        ids = values.astype(dtype)
        ids.flat[0] = largest
        with Image.open(io.BytesIO(id_png(ids))) as image:
            assert image.mode == "RGB"
            octets = np.asarray(image).astype(np.int64)
        assert (octets @ [1, 256, 65536] == ids).all()
        octets = octets.astype(np.uint8)
        assert rgb_png(octets) == id_png(ids)


@pytest.mark.parametrize("ids", [[[2**24]], [[-1]]])
def test_ids_that_are_refused(ids):
    with pytest.raises(ValueError, match="ids: expected 0 to 16777215"):
        id_png(np.array(ids))


@pytest.mark.usefixtures("deflate")
def test_text_and_a_short_palette():
    colors = np.array([[0, 0, 0], [200, 100, 0]], np.uint8)
    data = label_png(np.array([[0, 1, 1], [1, 1, 0]], np.uint8), colors, {"Software": "segcore 1"})
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
