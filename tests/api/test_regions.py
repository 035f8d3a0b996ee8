"""Regions of masks: holes, small parts, the largest part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.regions import flooded, holes_of
from support.strategies import dense
from support.util import every_mask, patterns

import segcore as sc


def check(masks: np.ndarray, connectivity: int, area: int) -> None:
    batch = sc.Masks.from_dense(masks)
    size = masks.shape[1:]
    enclosed = [holes_of(mask, connectivity) for mask in masks]
    found, parents = sc.holes(batch, connectivity)
    assert parents.tolist() == [i for i, each in enumerate(enclosed) for _ in each]
    expected = np.array([part for each in enclosed for part in each], bool).reshape(-1, *size)
    assert found == sc.Masks.from_dense(expected)

    def filled(mask, parts, most):
        return np.logical_or.reduce([mask, *(p for p in parts if p.sum() <= most)])

    for most in (None, area):
        limit = masks[0].size if most is None else most
        pairs = zip(masks, enclosed, strict=True)
        expected = np.array([filled(mask, parts, limit) for mask, parts in pairs])
        assert sc.fill_holes(batch, most, connectivity) == sc.Masks.from_dense(expected)

    background = [flooded(~mask, 12 - connectivity) for mask in masks]
    expected = [filled(m, parts, area) for m, parts in zip(masks, background, strict=True)]
    found = sc.fill_holes(batch, area, connectivity, include_border=True)
    assert found == sc.Masks.from_dense(np.array(expected))

    parts = [flooded(mask, connectivity) for mask in masks]
    nothing = np.zeros(size, bool)
    kept = [[part for part in each if part.sum() >= area] for each in parts]
    expected = np.array([np.logical_or.reduce([nothing, *each]) for each in kept])
    assert sc.remove_small(batch, area, connectivity) == sc.Masks.from_dense(expected)
    kept = [big or sorted(each, key=np.sum)[-1:] for big, each in zip(kept, parts, strict=True)]
    areas = [sum(part.sum() for part in each) for each in kept]
    assert sc.remove_small(batch, area, connectivity, keep_largest=True).area.tolist() == areas
    best = [max(each, key=np.sum, default=nothing) for each in parts]
    assert sc.keep_largest(batch, connectivity) == sc.Masks.from_dense(np.array(best))


@pytest.mark.parametrize("connectivity", [4, 8])
def test_every_tiny_mask(connectivity):
    check(every_mask(3, 3), connectivity, 2)
    check(np.pad(every_mask(2, 3), ((0, 0), (1, 1), (1, 1)), constant_values=True), connectivity, 1)


@pytest.mark.parametrize("connectivity", [4, 8])
@pytest.mark.parametrize("size", [(17, 33), (33, 17), (1, 8), (8, 1), (2, 2)])
def test_patterns(connectivity, size):
    check(patterns(*size), connectivity, 3)


@given(
    masks=dense(max_count=4),
    connectivity=st.sampled_from([4, 8]),
    area=st.integers(0, 9),
)
def test_any_masks(masks, connectivity, area):
    if masks.size:
        check(masks, connectivity, area)


def test_no_masks_and_no_pixels():
    for masks in (sc.Masks([], [0], (3, 4)), sc.Masks([], [0, 0], (0, 4))):
        for result in (sc.fill_holes(masks), sc.remove_small(masks, 1), sc.keep_largest(masks)):
            assert result == masks
        assert len(sc.holes(masks)[0]) == 0


def test_large_images():
    masks = sc.Masks.from_boxes([[0, 0, 9, 2**30], [2, 5, 3, 2**29]], (2**30, 10))
    ring = masks[0] - masks[1]
    assert sc.fill_holes(ring) == masks[0]
    assert sc.holes(ring)[0] == masks[1]
    assert sc.keep_largest(masks[1] ^ sc.Masks.from_boxes([[5, 0, 6, 3]], masks.size)) == masks[1]


def test_more_pixels_than_numbers():
    """Twenty masks of nearly 2**59 pixels: what is united by mask and place, in several steps."""
    size = (2**40, 2**18)
    corners = [[0, 0, 3, 9], [5, 0, 8, 9], [9, 3, 12, 2**30]]
    masks = sc.Masks.from_boxes(corners, size)
    both = masks[:2].union()
    batch = sc.Masks.concatenate([both, *[masks.union()] * 40])
    assert sc.remove_small(batch, 100)[1:] == sc.Masks.concatenate([masks[2]] * 40)
    assert sc.remove_small(batch, 1) == batch


def sam_removes_small_regions(mask, area_thresh, mode):
    """Do what segment_anything.utils.amg.remove_small_regions does, pixel by pixel."""
    regions = flooded(~mask if mode == "holes" else mask, 8)
    small = [region for region in regions if region.sum() < area_thresh]
    if mode == "holes":
        return np.logical_or.reduce([mask, *small])
    large = [region for region in regions if region.sum() >= area_thresh]
    if not large:
        large = [max(regions, key=np.sum, default=mask)]
    return np.logical_or.reduce(large)


@pytest.mark.parametrize("area", [1, 2, 4, 100])
def test_is_segment_anything(area):
    masks = np.concatenate([every_mask(3, 3), every_mask(2, 5)[:, :, :3].repeat(2, 1)[:, :3]])
    batch = sc.Masks.from_dense(masks)
    expected = [sam_removes_small_regions(mask, area, "holes") for mask in masks]
    found = sc.fill_holes(batch, area - 1, connectivity=4, include_border=True)
    np.testing.assert_array_equal(found.to_dense(), expected)
    expected = [sam_removes_small_regions(mask, area, "islands") for mask in masks]
    found = sc.remove_small(batch, area, keep_largest=True)
    np.testing.assert_array_equal(found.to_dense(), expected)


def test_is_scipy():
    ndimage = pytest.importorskip("scipy.ndimage")
    masks = np.random.default_rng(0).random((5, 60, 70)) < 0.6
    for connectivity, structure in ((8, None), (4, np.ones((3, 3)))):
        expected = [ndimage.binary_fill_holes(mask, structure) for mask in masks]
        result = sc.fill_holes(sc.Masks.from_dense(masks), connectivity=connectivity)
        assert np.array_equal(result.to_dense(), expected)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: sc.holes(m, 6), ValueError, "connectivity: expected 4 or 8"),
        (lambda m: sc.keep_largest(m, 6), ValueError, "connectivity: expected 4 or 8"),
        (lambda m: sc.fill_holes(m, -1), ValueError, "max_area: expected at least 0 pixels"),
        (lambda m: sc.fill_holes(m, 0.5), TypeError, "max_area: expected an integer"),
        (
            lambda m: sc.fill_holes(m, include_border=True),
            ValueError,
            "max_area: expected a number",
        ),
        (
            lambda m: sc.fill_holes(m, 1, include_border="no"),
            TypeError,
            "include_border: expected a bool, got",
        ),
        (lambda m: sc.remove_small(m, 1, keep_largest=1), TypeError, "keep_largest: expected a b"),
        (lambda m: sc.remove_small(m, -1), ValueError, "min_area: expected at least 0 pixels"),
        (lambda m: sc.remove_small(m, None), TypeError, "min_area: expected an integer"),
    ],
)
def test_refuses(call, error, message):
    with pytest.raises(error, match=message):
        call(sc.Masks.from_dense([[1]]))
