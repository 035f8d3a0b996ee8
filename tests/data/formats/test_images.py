"""PNG label maps, as Pillow reads them."""

import io

import numpy as np
import pytest

from segcore.data.files.pngs import label_png
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
