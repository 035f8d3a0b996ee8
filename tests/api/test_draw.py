"""Drawings of masks."""

from __future__ import annotations

import numpy as np
import pytest

import segcore as sc
from segcore import show

RED, BLUE, WHITE = [255, 0, 0], [0, 0, 255], [255, 255, 255]


# -- the palette ----------------------------------------------------------------------------------


def test_palette_is_distinct_and_grows_at_its_end() -> None:
    colors = show.palette(255)
    assert colors.shape == (255, 3)
    assert colors.dtype == np.uint8
    assert len(np.unique(colors, axis=0)) == 255
    for n in (0, 1, 16, 17, 100):
        np.testing.assert_array_equal(show.palette(n), colors[:n])
    np.testing.assert_array_equal(show.palette(600)[255:510], colors)


def test_palette_is_the_callers() -> None:
    show.palette(255)[:] = 0
    assert show.palette(255).any()


def test_palette_refuses_what_counts_nothing() -> None:
    with pytest.raises(ValueError, match="-1"):
        show.palette(-1)
    with pytest.raises(TypeError, match=r"n: expected an integer, got float 2\.5"):
        show.palette(2.5)  # type: ignore[arg-type]


def grey_without(cone: str, colors: np.ndarray) -> np.ndarray:
    """Give what one sees without a cone: Vienot's (1999) simulation, another than draw's own."""
    to_cones = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.03, 0.184, 1.467]]
    )
    cones = (colors / 255) ** 2.2 @ to_cones.T
    if cone == "red":
        cones[:, 0] = 2.02344 * cones[:, 1] - 2.52581 * cones[:, 2]
    else:
        cones[:, 1] = 0.494207 * cones[:, 0] + 1.24827 * cones[:, 2]
    return np.clip(cones @ np.linalg.inv(to_cones).T, 0, 1) ** (1 / 2.2) * 255


@pytest.mark.parametrize("cone", ["red", "green"])
def test_first_colours_differ_for_the_colour_blind(cone: str) -> None:
    seen = grey_without(cone, show.palette(16))
    distance = np.linalg.norm(seen[:, None] - seen, axis=2) + 1000 * np.eye(16)
    assert distance.min() > 20


# -- labels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u1", "u2", "i8"])
def test_colorize(dtype: str) -> None:
    colors = np.array([RED, BLUE], np.uint8)
    labels = np.array([[0, 1, 1], [1, 0, 0]], dtype)
    got = show.colorize(labels, colors)
    assert got.dtype == np.uint8
    assert got.tolist() == [[RED, BLUE, BLUE], [BLUE, RED, RED]]


def test_boundaries_equal_a_walk_over_pixels() -> None:
    labels = np.random.default_rng(5).integers(0, 3, (9, 7))
    got = show.boundaries(labels)
    for y in range(9):
        for x in range(7):
            below = y < 8 and labels[y, x] != labels[y + 1, x]
            right = x < 6 and labels[y, x] != labels[y, x + 1]
            assert got[y, x] == (below or right)


@pytest.mark.parametrize(
    ("thickness", "row"), [(1, "000010000"), (2, "000011000"), (3, "000111000"), (4, "000111100")]
)
def test_boundaries_thicken_on_both_sides(thickness: int, row: str) -> None:
    labels = np.array([[0, 0, 0, 0, 0, 1, 1, 1, 1]] * 3)
    for got in show.boundaries(labels, thickness):
        assert "".join(map(str, got.astype(int))) == row


def test_boundaries_of_any_thickness_end() -> None:
    labels = np.zeros((9, 7), int)
    labels[0, 0] = 1
    assert show.boundaries(labels, 2**70).all()


@pytest.mark.parametrize(
    ("labels", "thickness", "error", "message"),
    [
        (np.zeros(3, int), 1, ValueError, r"labels: expected the shape \(H, W\), got \(3,\)"),
        (np.zeros((2, 3), int), 0, ValueError, "thickness: expected at least 1 pixel, got 0"),
        (np.zeros((2, 3), int), 1.5, TypeError, "thickness: expected an integer, got float 1.5"),
    ],
)
def test_boundaries_refuse_what_has_none(
    labels: np.ndarray, thickness: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        show.boundaries(labels, thickness)


# -- masks ----------------------------------------------------------------------------------------


def test_instances_paint_later_masks_over_earlier_ones() -> None:
    masks = sc.Masks.from_boxes([[0, 0, 6, 4], [4, 0, 8, 4]], (4, 10))
    got = show.instances(masks, np.array([RED, BLUE], np.uint8), background=(9, 9, 9), outline=None)
    assert got[0].tolist() == [RED] * 4 + [BLUE] * 4 + [[9, 9, 9]] * 2
    lined = show.instances(masks, np.array([RED, BLUE], np.uint8))
    assert lined[0].tolist() == [RED] * 3 + [WHITE] * 2 + [BLUE] * 2 + [WHITE] * 3
    default = show.instances(masks, outline=None)
    np.testing.assert_array_equal(default[0, [0, 4]], show.palette(2))


def test_instances_of_nothing() -> None:
    masks = sc.Masks.from_boxes(np.zeros((0, 4)), (2, 3))
    assert show.instances(masks, background=(1, 2, 3)).tolist() == [[[1, 2, 3]] * 3] * 2


def test_many_instances_have_labels_beyond_a_byte() -> None:
    masks = sc.Masks.from_boxes([[x, 0, x + 1, 1] for x in range(300)], (1, 300))
    got = show.instances(masks, outline=None)
    np.testing.assert_array_equal(got[0], show.palette(300))


def test_difference_marks_missed_over_extra() -> None:
    truth = sc.Masks.from_boxes([[0, 0, 2, 1], [2, 0, 3, 1]], (1, 5))
    found = sc.Masks.from_boxes([[1, 0, 3, 1], [3, 0, 4, 1]], (1, 5))
    image = np.zeros((1, 5, 3), np.uint8)
    got = show.difference(truth, found, image, missed=(255, 0, 0), spurious=(0, 0, 255))
    assert got[0].tolist() == [RED, [0, 0, 0], RED, BLUE, [0, 0, 0]]
    assert not image.any()


def test_side_by_side() -> None:
    a, b = np.zeros((2, 3, 3), np.uint8), np.full((4, 1, 3), 9, np.uint8)
    got = show.side_by_side([a, b], gap=2, gray=200)
    assert got[..., 0].tolist() == [[0] * 3 + [200] * 2 + [9]] * 2 + [[200] * 5 + [9]] * 2
    assert show.side_by_side([a]).shape == (2, 3, 3)
    with pytest.raises(ValueError, match="images: expected at least one"):
        show.side_by_side([])
    with pytest.raises(
        ValueError, match=r"images\[1\]: expected the shape \(H, W, 3\), got \(2, 3\)"
    ):
        show.side_by_side([a, a[..., 0]])


def test_class_colors_are_the_palette_whatever_comes_before() -> None:
    colors = show.palette(255)
    assert np.array_equal(show.class_colors([1, 2, 255, 256]), colors[[0, 1, 254, 0]])
    for ids in (np.array([0, 7], np.uint8), np.array([-255, 262]), np.array([0, 262], np.uint64)):
        assert np.array_equal(show.class_colors(ids), colors[[254, 6]])
    assert show.class_colors([]).shape == (0, 3)
    with pytest.raises(TypeError, match="class_ids: expected"):
        show.class_colors([0.5])


def test_shades_tell_things_of_a_class_apart() -> None:
    classes = np.array([5, 3, 5, 5, 3, 5, 5, 5, 5])
    colors = show.class_colors(classes)
    got = show.shades(colors, classes)
    assert np.array_equal(got[:2], colors[:2])
    assert len(np.unique(got[classes == 5], axis=0)) == 7
    assert show.shades(colors[:0], []).shape == (0, 3)
    # What comes later changes nothing.
    assert np.array_equal(show.shades(colors[:4], classes[:4]), got[:4])


def test_semantic_image() -> None:
    masks = sc.Masks.from_boxes([[0, 0, 2, 1], [1, 0, 3, 1], [3, 0, 4, 1]], (1, 5))
    colors = show.palette(4)
    got = show.semantic_image(masks, [4, 1, 4], background=(1, 2, 3))
    assert np.array_equal(got[0], [colors[3], colors[0], colors[0], colors[3], (1, 2, 3)])
    own = show.semantic_image(masks, [4, 1, 4], colors[1:])
    assert np.array_equal(own[0], [*colors[[1, 2, 2, 3]], (0, 0, 0)])
    with pytest.raises(ValueError, match="class_ids: expected"):
        show.semantic_image(masks, [4, 1])
    with pytest.raises(ValueError, match=r"colors: expected the shape \(3, 3\)"):
        show.semantic_image(masks, [4, 1, 2], colors)


def test_overlay_tints_what_masks_cover():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    masks = sc.Masks.from_boxes([[2, 3, 12, 15], [8, 5, 25, 18]], (20, 30))
    colors = show.palette(2)
    before = image.copy()
    plain = show.overlay(image, masks, opacity=0.25, outline=False)
    assert np.array_equal(image, before)
    assert plain.dtype == np.uint8
    first, second = masks.to_dense()
    first &= ~second
    for mask, color in ((first, colors[0]), (second, colors[1])):
        expected = np.rint(0.75 * image[mask] + 0.25 * color)
        assert np.array_equal(plain[mask], expected)
    outside = ~(first | second)
    assert np.array_equal(plain[outside], image[outside])
    outlined = show.overlay(image, masks, opacity=0.25)
    changed = (outlined != plain).any(axis=2)
    assert changed.any()
    assert not changed[outside].any()
    assert (outlined[first & changed] == colors[0]).all()
    assert (outlined[second & changed] == colors[1]).all()


def test_overlay_of_grey_no_masks_and_bounds_of_opacity():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    none = sc.Masks([], [0], (3, 4))
    assert np.array_equal(show.overlay(grey, none), np.stack([grey] * 3, axis=2))
    full = sc.Masks([0], [0, 1], (3, 4))
    assert (show.overlay(grey, full, opacity=1) == show.palette(1)[0]).all()
    assert np.array_equal(show.overlay(grey, full, opacity=0, outline=False)[..., 1], grey)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"image": np.zeros((3, 5), np.uint8)},
            ValueError,
            r"image: expected the shape \(3, 4, 3\)",
        ),
        ({"image": np.zeros((3, 4, 4), np.uint8)}, ValueError, "image: expected"),
        ({"image": np.zeros((3, 4))}, TypeError, "image: expected uint8"),
        (
            {"colors": np.zeros((2, 3), np.uint8)},
            ValueError,
            r"colors: expected the shape \(1, 3\)",
        ),
        ({"colors": [[0.5, 1, 2]]}, TypeError, "colors: expected uint8"),
        ({"opacity": 1.5}, ValueError, "opacity: expected a number from 0 to 1"),
    ],
)
def test_overlay_refuses(changes, error, message):
    image, masks = np.zeros((3, 4, 3), np.uint8), sc.Masks([0], [0, 1], (3, 4))
    with pytest.raises(error, match=message):
        show.overlay(**({"image": image, "masks": masks} | changes))
