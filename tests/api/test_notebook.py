"""What notebooks show of masks."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest

import segcore as sc
from segcore.show import notebook


def images_in(html: str) -> list[np.ndarray]:
    image = pytest.importorskip("PIL.Image")
    codes = re.findall(r"data:image/png;base64,([^\"]+)", html)
    return [np.asarray(image.open(io.BytesIO(base64.b64decode(code)))) for code in codes]


def test_small_masks_are_shown_as_they_are():
    dense = np.random.default_rng(0).random((3, 41, 67)) < 0.5
    html = sc.Masks.from_dense(dense)._repr_html_()
    assert "<b>3 masks</b> of 41 × 67 pixels" in html
    for image, mask in zip(images_in(html), dense, strict=True):
        assert np.array_equal(image, mask)
    for i, area in enumerate(dense.sum((1, 2))):
        assert f"{i}: {area:,} px" in html


@pytest.mark.parametrize("size", [(480, 640), (640, 480), (5, 1000), (1000, 1)])
def test_large_masks_are_sampled(size):
    dense = np.zeros(size, bool)
    dense[: size[0] // 2 + 1] = True
    got = notebook.thumbnail(sc.Masks.from_dense(dense).run_ends, size)
    assert max(got.shape) == notebook.THUMBNAIL_SIDE
    step = max(size) / notebook.THUMBNAIL_SIDE
    places = [
        np.minimum((np.arange(n) + 0.5) * step, side - 1).astype(int)
        for n, side in zip(got.shape, size, strict=True)
    ]
    assert np.array_equal(got, dense[np.ix_(*places)])


def test_many_masks_are_counted():
    masks = sc.Masks.from_boxes(np.tile([0, 0, 2, 2], (30, 1)), (4, 4))
    html = masks._repr_html_()
    assert len(images_in(html)) == 24
    assert "and 6 more" in html


def test_odd_batches():
    assert "<b>0 masks</b>" in sc.Masks([], [0], (3, 4))._repr_html_()
    assert "<b>1 mask</b>" in sc.Masks([], [0, 0], (0, 4))._repr_html_()
    huge = sc.Masks.from_boxes([[0, 0, 5, 2**30]], (2**30, 2**20))._repr_html_()
    assert len(images_in(huge)) == 1
