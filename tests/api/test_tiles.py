"""Tiles of a canvas, masks that are encoded tile by tile, and instances that are joined."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import dense, seeds

import segcore as sc

SIZE = (40, 50)


def blobs(rng: np.random.Generator, count: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Draw ellipses and boxes, which may overlap, as (N, H, W) booleans."""
    y, x = np.ogrid[: size[0], : size[1]]
    centers = rng.uniform(0, 1, (count, 2, 1, 1)) * np.reshape(size, (2, 1, 1))
    radii = rng.uniform(1, 12, (count, 2, 1, 1))
    dy, dx = (np.abs(y - centers[:, 0]) / radii[:, 0], np.abs(x - centers[:, 1]) / radii[:, 1])
    is_box = rng.random((count, 1, 1)) < 0.5
    return np.where(is_box, np.maximum(dy, dx) < 1, np.hypot(dy, dx) < 1)


def cut(masks: np.ndarray, boxes: np.ndarray) -> tuple[list[sc.Masks], list[np.ndarray]]:
    """Return the parts of masks in each tile, without empty ones, and the masks they are of."""
    parts, owners = [], []
    for x0, y0, x1, y1 in boxes.tolist():
        crops = masks[:, y0:y1, x0:x1]
        owners.append(np.flatnonzero(crops.any(axis=(1, 2))))
        parts.append(sc.Masks.from_dense(crops[owners[-1]], size=(y1 - y0, x1 - x0)))
    return parts, owners


@st.composite
def grids(draw: st.DrawFn, overlap: bool = True) -> np.ndarray:
    side = st.integers(5, 30)
    tile = draw(side), draw(side)
    shared = (draw(st.integers(0, tile[0] - 1)), draw(st.integers(0, tile[1] - 1)))
    boxes = sc.tiles(SIZE, tile, shared if overlap else 0)
    if not overlap:  # the last tiles begin where the others end
        boxes[:, 0] = np.minimum(boxes[:, 0] + tile[1] - 1, SIZE[1] - 1) // tile[1] * tile[1]
        boxes[:, 1] = np.minimum(boxes[:, 1] + tile[0] - 1, SIZE[0] - 1) // tile[0] * tile[0]
    return boxes


# -- tiles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(0, 7), (7, 0), (1, 1), (7, 10), (64, 33)])
@pytest.mark.parametrize(
    ("tile", "overlap"), [(1, 0), (4, 0), (4, 3), ((3, 5), (1, 4)), (100, 9), (10**30, 10**29)]
)
def test_tiles_cover_the_image(size, tile, overlap):
    boxes = sc.tiles(size, tile, overlap)
    assert boxes.dtype == np.int64
    covered = np.zeros(size, int)
    sides = np.broadcast_to(tile, 2).tolist()
    for x0, y0, x1, y1 in boxes.tolist():
        assert 0 <= x0 < x1 <= size[1]
        assert 0 <= y0 < y1 <= size[0]
        assert [y1 - y0, x1 - x0] == [min(pair) for pair in zip(sides, size, strict=True)]
        covered[y0:y1, x0:x1] += 1
    assert covered.all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    rows = boxes[:, [1, 0]].tolist()
    assert rows == sorted(rows)
    for starts, side, shared in zip(
        boxes[:, [1, 0]].T, sides, np.broadcast_to(overlap, 2), strict=True
    ):
        assert (np.diff(np.unique(starts))[:-1] == side - shared).all()


def test_tiles_of_a_giant_canvas():
    boxes = sc.tiles((2**40, 3), 2**35)
    assert boxes.shape == (32, 4)
    assert boxes[-1].tolist() == [0, 2**40 - 2**35, 3, 2**40]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((SIZE, 0), ValueError, "tile: expected sides of at least 1 pixel, got 0"),
        ((SIZE, (3, -1)), ValueError, "tile: expected sides of at least 1 pixel, got -1"),
        ((SIZE, (3, 4, 5)), ValueError, "tile: expected one integer or two"),
        ((SIZE, 2.5), TypeError, "tile: expected an integer"),
        ((SIZE, "ab"), TypeError, "tile: expected an integer"),
        ((SIZE, None), TypeError, "tile: expected an integer"),
        ((SIZE, 4, 4), ValueError, "overlap: expected at least 0 and less than the side of a tile"),
        ((SIZE, 4, -1), ValueError, "overlap: expected at least 0"),
        ((SIZE, 4, True), TypeError, "overlap: expected an integer"),
        (((2**29, 2**29), 2), ValueError, r"tile: expected fewer than 2\*\*24 tiles"),
        (((-1, 4), 2), ValueError, "size: expected a nonnegative height"),
    ],
)
def test_refused_tiles(arguments, error, message):
    with pytest.raises(error, match=message):
        sc.tiles(*arguments)


def test_tiles_are_those_of_sahi():
    slicing = pytest.importorskip("sahi.slicing")
    for size, tile, ratio in itertools.product(
        [(100, 130), (64, 64), (65, 63), (10, 500)], [(32, 32), (64, 20)], [0, 0.2, 0.55]
    ):
        expected = slicing.get_slice_bboxes(
            *size, *tile, overlap_height_ratio=ratio, overlap_width_ratio=ratio
        )
        overlap = int(ratio * tile[0]), int(ratio * tile[1])
        assert sc.tiles(size, tile, overlap).tolist() == expected


# -- encoding tile by tile ------------------------------------------------------------------------


@given(masks=dense(max_count=3), data=st.data())
def test_from_tiles(masks, data):
    size = masks.shape[1:]
    tile = data.draw(st.integers(1, 70))
    boxes = sc.tiles(size, tile, data.draw(st.integers(0, tile - 1)))[:2000]
    covered = np.zeros(size, bool)
    for x0, y0, x1, y1 in boxes.tolist():
        covered[y0:y1, x0:x1] = True
    boxes = data.draw(st.permutations(boxes.tolist())) if len(boxes) < 50 else boxes.tolist()
    parts = (masks[:, y0:y1, x0:x1] for x0, y0, x1, y1 in boxes)
    if not boxes:
        with pytest.raises(ValueError, match="boxes: expected at least one tile"):
            sc.Masks.from_tiles(parts, boxes, size)
        return
    assert sc.Masks.from_tiles(parts, boxes, size) == sc.Masks.from_dense(
        masks & covered, size=size
    )


def test_from_tiles_of_all_kinds():
    soft = np.random.default_rng(0).random((6, 9))
    boxes = [[0, 0, 5, 6], [3, -2, 12, 4]]  # which extend beyond the canvas
    canvas = np.zeros((6, 9), bool)
    canvas[:, :5] = soft[:, :5] > 0.7
    canvas[:4, 3:] |= soft[2:, :6] > 0.7
    outside = np.vstack([np.ones((2, 9)), np.hstack([soft[2:, :6], np.ones((4, 3))])])
    found = sc.Masks.from_tiles([soft[:, :5], outside], boxes, (6, 9), threshold=0.7)
    assert found == sc.Masks.from_dense(canvas)
    parts = [sc.Masks.from_dense(soft[:, :5] > 0.7), (outside > 0.7).tolist()]
    assert sc.Masks.from_tiles(parts, boxes, (6, 9)) == found


def test_from_tiles_keeps_memory_small():
    """Unions of tiles have fewer run ends than the tiles, all of whose columns are cut."""
    size = (2**15, 2**15)
    boxes = sc.tiles(size, 2**12)
    full = sc.Masks.from_boxes([[0, 0, 2**12, 2**12]], (2**12, 2**12))
    assert sc.Masks.from_tiles(itertools.repeat(full, 64), boxes, size).run_ends.tolist() == [0]


@given(seed=seeds, boxes=grids(), background=st.sampled_from([0, None, 3]))
def test_from_label_map_tiles(seed, boxes, background):
    labels = np.random.default_rng(seed).integers(0, 5, (8, 10), np.int16).repeat(5, 0).repeat(5, 1)
    parts = (labels[y0:y1, x0:x1] for x0, y0, x1, y1 in boxes.tolist())
    ids, masks = sc.Masks.from_label_map_tiles(parts, boxes, SIZE, background)
    expected_ids, expected = sc.Masks.from_label_map(labels, background)
    assert ids.dtype == np.int16
    assert ids.tolist() == expected_ids.tolist()
    assert masks == expected


ONE = [[0, 0, 3, 2]]


@pytest.mark.parametrize(
    ("parts", "boxes", "error", "message"),
    [
        ([], ONE, ValueError, "parts: expected 1 tile, one per box, got 0"),
        ([np.ones((2, 3))] * 2, ONE, ValueError, "part 0: dense: float64 needs a threshold"),
        ([np.eye(2, 3, dtype=bool)] * 2, ONE, ValueError, "parts: expected 1 tile, .* got more"),
        (
            [np.ones((3, 2), bool)],
            ONE,
            sc.MaskError,
            r"part 0: dense: expected masks of size \(2, 3",
        ),
        (
            [sc.Masks([], [0], (3, 2))],
            ONE,
            sc.MaskError,
            r"part 0: expected masks of size \(2, 3\)",
        ),
        (
            [np.ones((2, 2, 3), bool), np.ones((1, 2, 3), bool)],
            ONE * 2,
            sc.MaskError,
            "part 1: expected 2 masks, as in the first tile, got 1",
        ),
        (["mask.png"], ONE, sc.MaskTypeError, "part 0: dense: "),
        ([], [[0, 0, 1]], ValueError, r"boxes: expected the shape \(T, 4\), got \(1, 3\)"),
        ([], [[3, 0, 1, 1]], sc.MaskError, "box 0: expected x0 y0 x1 y1"),
        ([], [[0.5, 0, 1, 1]], TypeError, "boxes: expected an integer"),
        ([], [[0, 0, 2**63, 1]], sc.MaskError, r"box 0: expected integers between"),
        (5, ONE, TypeError, "'int' object is not iterable"),
    ],
)
def test_refused_parts(parts, boxes, error, message):
    with pytest.raises(error, match=message):
        sc.Masks.from_tiles(parts, boxes, (4, 4))


def test_refused_label_maps():
    for parts, error, message in [
        ([np.ones((2, 3))], TypeError, "part 0: labels: "),
        ([np.ones((3, 2), int)], ValueError, "part 0: labels: "),
    ]:
        with pytest.raises(error, match=message):
            sc.Masks.from_label_map_tiles(parts, ONE, (4, 4))
    parts = [np.ones((2, 3), np.uint8), np.ones((2, 3), np.int64)]
    with pytest.raises(ValueError, match="part 1: expected uint8, as in the first tile, got int64"):
        sc.Masks.from_label_map_tiles(parts, ONE * 2, (4, 4))


# -- stitching ------------------------------------------------------------------------------------


def regions(boxes: list[list[int]], s: int, t: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Give the pixels (y, x) of two tiles that are compared, in the same order."""
    tiles = [{(y, x) for y in range(y0, y1) for x in range(x0, x1)} for x0, y0, x1, y1 in boxes]
    if shared := sorted(tiles[s] & tiles[t]):
        return np.array(shared), np.array(shared)
    pairs = [
        ((y, x), (y + dy, x + dx))
        for y, x in sorted(tiles[s])
        for dy, dx in [(0, 1), (1, 0), (0, -1), (-1, 0)]
        if (y + dy, x + dx) in tiles[t]
    ]
    if not pairs or any({pixel for pair in pairs for pixel in pair} <= tile for tile in tiles):
        return None
    return tuple(np.array(side) for side in zip(*pairs, strict=True))


def stitched(parts, boxes, ids, rule, threshold):
    """Give the groups of parts that a chain of matches connects, as sets of (tile, index)."""
    canvases = []
    for part, (x0, y0, x1, y1) in zip(parts, boxes.tolist(), strict=True):
        canvas = np.zeros((len(part), *SIZE), bool)
        canvas[:, y0:y1, x0:x1] = part.to_dense()
        canvases.append(canvas)
    groups = {(t, i): {(t, i)} for t, part in enumerate(parts) for i in range(len(part))}
    for s, t in itertools.combinations(range(len(boxes)), 2):
        if compared := regions(boxes.tolist(), s, t):
            in_s, in_t = compared
            for i, j in itertools.product(range(len(parts[s])), range(len(parts[t]))):
                a, b = canvases[s][i][tuple(in_s.T)], canvases[t][j][tuple(in_t.T)]
                common = (a & b).sum()
                divisor = min(a.sum(), b.sum()) if rule == "ios" else (a | b).sum()
                if common and common / divisor >= threshold and ids[s][i] == ids[t][j]:
                    union = groups[s, i] | groups[t, j]
                    groups.update(dict.fromkeys(union, union))
    return groups


@pytest.mark.parametrize("rule", ["iou", "ios"])
@given(seed=seeds, data=st.data(), threshold=st.sampled_from([0, 0.3, 0.5, 1]))
def test_union_is_that_of_the_definition(rule, seed, data, threshold):
    rng = np.random.default_rng(seed)
    boxes = data.draw(grids(overlap=data.draw(st.booleans())))
    boxes = np.unique(boxes, axis=0)[:6]
    parts, owners = cut(blobs(rng, 6), boxes)
    # Let the tiles disagree on some pixels.
    parts = [
        sc.Masks.from_dense(p.to_dense() & (rng.random(p.size) < 0.9), size=p.size) for p in parts
    ]
    ids = [owner % 2 for owner in owners]
    groups = stitched(parts, boxes, ids, rule, threshold)
    kept, masks, found = sc.stitch(
        parts, boxes, SIZE, class_ids=ids, rule=rule, threshold=threshold
    )
    names = list(groups)
    assert len(found) == len(names)
    assert {frozenset(group) for group in groups.values()} == {
        frozenset(names[i] for i in np.flatnonzero(found == k)) for k in range(len(masks))
    }
    assert found[kept].tolist() == list(range(len(masks)))
    placed = sc.Masks.concatenate(
        [p.place(SIZE, *b[:2]) for p, b in zip(parts, boxes.tolist(), strict=True)]
    )
    assert masks == placed.union_by(found)[1]


@pytest.mark.parametrize("overlap", [0, 4])
@pytest.mark.parametrize("rule", ["iou", "ios", "sahi", "cellpose"])
@pytest.mark.parametrize("merge", ["union", "greedy", "best"])
@pytest.mark.parametrize("has_scores", [True, False])
def test_order_of_tiles_does_not_matter(rule, merge, has_scores, overlap):
    if merge != "union" and not has_scores:
        return
    rng = np.random.default_rng(1)
    boxes = sc.tiles(SIZE, 10, overlap)
    parts, owners = cut(blobs(rng, 12), boxes)
    scores = [rng.integers(0, 3, len(part)) for part in parts] if has_scores else None
    ids = [owner % 3 for owner in owners]
    kept, masks, groups = sc.stitch(parts, boxes, SIZE, scores, ids, rule, merge=merge)
    tiles = np.repeat(np.arange(len(boxes)), [len(part) for part in parts])
    order = rng.permutation(len(boxes))
    moved = np.concatenate([np.flatnonzero(tiles == t) for t in order])
    again = sc.stitch(
        (parts[t] for t in order),
        boxes[order],
        SIZE,
        None if scores is None else [scores[t] for t in order],
        [ids[t] for t in order],
        rule,
        merge=merge,
    )
    assert again[1] == masks
    assert moved[again[0]].tolist() == kept.tolist()
    assert again[2].tolist() == groups[moved].tolist()


@given(seed=seeds, overlap=st.integers(0, 9), tile=st.integers(10, 30))
def test_what_tiles_agree_on_is_put_together(seed, overlap, tile):
    """Boxes, which tiles cut into one part each, come out whole."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(0, 40, (8, 2))
    whole = sc.Masks.from_boxes(np.hstack([corners, corners + rng.integers(1, 30, (8, 2))]), SIZE)
    whole = whole[whole.area > 0]
    boxes = sc.tiles(SIZE, tile, overlap)
    parts, owners = cut(whole.to_dense(), boxes)
    kept, masks, groups = sc.stitch(parts, boxes, SIZE, class_ids=owners, threshold=1)
    owner = np.concatenate(owners)
    assert masks == whole[owner[kept]]
    assert sorted(owner[kept]) == list(range(len(whole)))
    assert (owner[kept][groups] == owner).all()


@pytest.mark.parametrize("rule", ["iou", "contact"])
def test_label_maps_are_joined_along_seams(rule):
    rng = np.random.default_rng(2)
    canvas = sc.Masks.from_dense(blobs(rng, 9)).union()
    whole = canvas.components(connectivity=4)[0]
    boxes = sc.tiles(SIZE, 10)
    labels = []
    for box in boxes.tolist():
        parts = canvas.crop(box).components(connectivity=4)[0]
        ids = rng.permutation(len(parts)) + 5  # which mean nothing in other tiles
        labels.append(sc.compose_semantic(parts, ids, dtype=np.int32))
    _, masks, _ = sc.stitch(labels, boxes, SIZE, rule=rule, threshold=0)
    assert masks == whole


@pytest.mark.parametrize("rule", ["iou", "ios", "cellpose"])
def test_tiles_of_which_only_the_last_one_overlaps(rule):
    """Without an overlap, `tiles` moves the last tile of a row back, so that it fits."""
    size = (30, 40)
    whole = sc.Masks.from_boxes([[2, 2, 35, 9]], size)
    boxes = sc.tiles(size, 16)
    parts = [whole.crop(box) for box in boxes]
    parts = [part[part.area > 0] for part in parts]
    assert sc.stitch(parts, boxes, size, rule=rule)[1] == whole


def test_seam_that_a_third_tile_covers_joins_nothing():
    """The middle tile shows that the objects left and right of x = 4 are two."""
    boxes = [[0, 0, 4, 1], [2, 0, 6, 1], [4, 0, 8, 1]]
    parts = [[[1, 1, 1, 1]], [[1, 1, 0, 0], [0, 0, 1, 1]], [[1, 1, 1, 1]]]
    masks = [sc.Masks.from_dense(np.array(part, bool)[:, None]) for part in parts]
    assert sc.stitch(masks, boxes, (1, 8))[1].area.tolist() == [4, 4]
    ends = [masks[0], masks[2]]
    assert sc.stitch(ends, [boxes[0], boxes[2]], (1, 8))[1].area.tolist() == [8]


def test_greedy_and_best():
    """A chain of three: the best in the middle takes both; the best at an end takes one."""
    boxes = [[0, 0, 6, 1], [3, 0, 9, 1], [6, 0, 12, 1]]
    parts = [np.ones((1, 1, 6), bool)] * 3
    for scores, groups, kept, areas in [
        ([1, 3, 2], [0, 0, 0], [1], [12]),
        ([3, 2, 1], [0, 0, 1], [0, 2], [9, 6]),
        ([2, 2, 2], [0, 0, 1], [0, 2], [9, 6]),
    ]:
        lists = [[score] for score in scores]
        arguments = parts, boxes, (1, 12), lists
        found = sc.stitch(*arguments, merge="greedy")
        assert (found[0].tolist(), found[1].area.tolist(), found[2].tolist()) == (
            kept,
            areas,
            groups,
        )
        found = sc.stitch(*arguments, merge="best")
        assert (found[0].tolist(), found[2].tolist()) == (kept, groups)
        assert found[1].area.tolist() == [6] * len(kept)
        found = sc.stitch(*arguments)
        assert (found[0].tolist(), found[1].area.tolist()) == ([scores.index(max(scores))], [12])


def test_scores_are_read_in_step_with_the_parts():
    scores: list[list[float]] = []

    def predicted() -> Iterator[np.ndarray]:
        for x0 in (0, 4):
            scores.append([0.5 + x0])
            yield np.ones((1, 2, 6), bool)

    kept, masks, _ = sc.stitch(predicted(), [[0, 0, 6, 2], [4, 0, 10, 2]], (2, 10), scores)
    assert kept.tolist() == [1]
    assert masks.area.tolist() == [20]


def test_numbers_of_several_dtypes_are_compared_exactly():
    boxes = [[0, 0, 4, 1], [2, 0, 6, 1]]
    parts = [np.ones((1, 1, 4), bool)] * 2
    big = 2**53
    for a, b in [(np.array([big], np.int64), np.array([big + 1], np.uint64)), ([2**63], [-1])]:
        assert len(sc.stitch(parts, boxes, (1, 6), class_ids=[a, b])[1]) == 2
        assert len(sc.stitch(parts, boxes, (1, 6), class_ids=[a, a])[1]) == 1
    kept, _, _ = sc.stitch(parts, boxes, (1, 6), [np.float32([big]), np.int64([big + 1])])
    assert kept.tolist() == [1]


def test_tiles_beyond_the_canvas_and_giant_ones():
    parts = [np.ones((1, 2, 6), bool)] * 3
    boxes = [[-3, 0, 3, 2], [1, 0, 7, 2], [20, 20, 26, 22]]
    _, masks, groups = sc.stitch(parts, boxes, (2, 5))
    assert masks.area.tolist() == [0, 10]  # the last part is not on the canvas
    assert groups.tolist() == [1, 1, 0]
    full = sc.Masks([0], [0, 1], (2**40, 4))
    _, masks, _ = sc.stitch([full] * 2, [[0, 0, 4, 2**40], [2, 0, 6, 2**40]], (2**40, 6))
    assert masks.run_ends.tolist() == [0]


def test_no_tiles_and_no_parts():
    kept, masks, groups = sc.stitch([], [], (3, 4))
    assert (len(kept), len(masks), masks.size, len(groups)) == (0, 0, (3, 4), 0)
    nothing = np.zeros((0, 2, 3), bool)
    kept, masks, groups = sc.stitch([nothing], ONE, (2, 3), [[]], [[]], merge="best")
    assert (len(kept), len(masks), len(groups)) == (0, 0, 0)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"rule": "dice"},
            ValueError,
            'rule: expected "iou", "ios", "contact", "sahi" or "cellpose"',
        ),
        ({"rule": []}, ValueError, "rule: expected"),
        ({"rule": "contact"}, ValueError, 'rule: "contact" is for tiles that do not overlap'),
        ({"merge": "nms"}, ValueError, 'merge: expected "union", "greedy" or "best"'),
        ({"merge": "best"}, ValueError, 'scores: needed with merge="best"'),
        ({"threshold": 1.5}, ValueError, "threshold: expected a number from 0 to 1"),
        ({"scores": [[0.5]]}, ValueError, "scores: expected one array per tile, got 1"),
        ({"scores": [[0.5]] * 3}, ValueError, "scores: expected 2 arrays, one per tile, got more"),
        ({"scores": [[0.5], [0.5, 1]]}, ValueError, r"scores\[1\]: expected 1 value, one per mask"),
        ({"scores": [[0.5], [np.nan]]}, ValueError, r"scores\[1\]: the score of mask 0 is NaN"),
        ({"scores": 0.5}, TypeError, "'float' object is not iterable"),
        ({"class_ids": [[0.5], [1]]}, TypeError, r"class_ids\[0\]: expected integers"),
        (
            {"boxes": [[0, 0, 3, 2], [1, 0, 4, 3]]},
            sc.MaskError,
            r"part 1: dense: expected masks of",
        ),
        ({"parts": [np.ones((1, 2, 3))] * 2}, sc.MaskTypeError, "part 0: .* such as part > 0.5"),
        ({"parts": [np.ones((2, 2), int)] * 2}, sc.MaskError, "part 0: labels: "),
        ({"parts": [None] * 2}, sc.MaskTypeError, "part 0: "),
        ({"size": (4,)}, ValueError, "size: expected"),
    ],
)
def test_refused_calls(options, error, message):
    arguments = {
        "parts": [np.ones((1, 2, 3), bool)] * 2,
        "boxes": [[0, 0, 3, 2], [1, 0, 4, 2]],
        "size": (4, 6),
    }
    with pytest.raises(error, match=message):
        sc.stitch(**{**arguments, **options})


@pytest.mark.parametrize(("merge", "name"), [("greedy", "greedy_nmm"), ("best", "nms")])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_sahi(merge, name, threshold):
    combine = pytest.importorskip("sahi.postprocess.combine")
    rng = np.random.default_rng(3)
    boxes = sc.tiles(SIZE, 20, 8)
    parts, owners = cut(blobs(rng, 40), boxes)
    scores = [rng.integers(1, 9, len(part)) / 8 for part in parts]  # with ties
    ids = [owner % 2 for owner in owners]
    corners = np.concatenate(
        [part.boxes + np.tile(box[:2], 2) for part, box in zip(parts, boxes, strict=True)]
    )
    table = np.column_stack([corners, np.concatenate(scores), np.concatenate(ids)])
    expected = getattr(combine, f"batched_{name}")(table, "IOS", threshold)
    kept, _, groups = sc.stitch(parts, boxes, SIZE, scores, ids, "sahi", threshold, merge)
    assert sorted(kept) == sorted(expected)
    if merge == "greedy":
        for k, index in enumerate(kept.tolist()):
            assert set(np.flatnonzero(groups == k)) == {index, *expected[index]}


@pytest.mark.parametrize("threshold", [0.1, 0.25, 0.6])
def test_cellpose(threshold):
    stitch3d = pytest.importorskip("cellpose.utils").stitch3D
    rng = np.random.default_rng(4)
    for _ in range(20):
        maps = [
            sc.compose_semantic(
                sc.Masks.from_dense(blobs(rng, 30)), np.arange(1, 31), dtype=np.int32
            )
            for _ in range(2)
        ]
        maps = [np.unique(labels, return_inverse=True)[1].reshape(SIZE) for labels in maps]
        first, second = stitch3d(np.array(maps), threshold)
        boxes = [[0, 0, SIZE[1], SIZE[0]]] * 2
        _, _, groups = sc.stitch(maps, boxes, SIZE, rule="cellpose", threshold=threshold)
        labels = np.concatenate(
            [
                [joined[mask][0] for mask in (plain == i for i in range(1, plain.max() + 1))]
                for plain, joined in zip(maps, (first, second), strict=True)
            ]
        )
        pairs = set(zip(labels.tolist(), groups.tolist(), strict=True))
        assert len(pairs) == len(set(labels)) == len(set(groups))
