"""Canvases that no memory holds, from tiles to polygons, beside shapes of which all is known."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from support.util import slow

import segcore as sc

TILE = 2048


class Ring(NamedTuple):
    """The pixels whose centers are in a disc and not in a smaller one."""

    x: float
    y: float
    radius: float
    hole: float

    def part(self, box: list[int]) -> np.ndarray | sc.Masks:
        """Draw the pixels of a tile; those of one color are not drawn."""
        x0, y0, x1, y1 = box
        size = y1 - y0, x1 - x0
        middle = np.hypot((x0 + x1) / 2 - self.x, (y0 + y1) / 2 - self.y)
        reach = np.hypot(*size) / 2
        if middle > self.radius + reach or middle < self.hole - reach:
            return sc.Masks([], [0, 0], size)
        if self.hole + reach < middle < self.radius - reach:
            return sc.Masks([0], [0, 1], size)
        dx = np.arange(x0, x1) + 0.5 - self.x
        dy = np.arange(y0, y1)[:, None] + 0.5 - self.y
        squared = dx**2 + dy**2
        return (squared < self.radius**2) & (squared >= self.hole**2)

    def rows(self, radius: float, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the first row of a disc in each column, and the number of rows."""
        half = radius**2 - (np.arange(width) + 0.5 - self.x) ** 2
        reach = np.sqrt(half.clip(0))
        first = np.floor(self.y - reach - 0.5).astype(np.int64) + 1
        last = np.ceil(self.y + reach - 0.5).astype(np.int64) - 1
        return first, np.where(half > 0, last - first + 1, 0).clip(0)

    def area(self, width: int) -> int:
        (_, disc), (_, hole) = self.rows(self.radius, width), self.rows(self.hole, width)
        return int(disc.sum() - hole.sum())


CANVASES = [
    ((65_536, 65_536), Ring(40_000.3, 30_000.4, 2_500.2, 1_000.1)),
    slow((200_000, 150_000), Ring(80_000.3, 120_000.4, 30_000.2, 10_000.1)),
]


@pytest.mark.parametrize(("size", "ring"), CANVASES)
def test_from_tiles_to_polygons(size, ring):
    height, width = size
    boxes = sc.tiles(size, TILE, 16)

    def parts() -> Iterator[np.ndarray | sc.Masks]:
        for box in boxes.tolist():
            yield ring.part(box)

    tracemalloc.start()
    mask = sc.Masks.from_tiles(parts(), boxes, size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 * TILE**2 + 1000 * len(mask.run_ends)

    area = ring.area(width)
    assert mask.area.tolist() == [area]
    first, count = ring.rows(ring.radius, width)
    columns = np.flatnonzero(count)
    box = [columns[0], first[columns].min(), columns[-1] + 1, (first + count)[columns].max()]
    assert mask.boxes.tolist() == [box]

    # Regions and set operations.
    filled = sc.fill_holes(mask)
    assert filled.area.tolist() == [count.sum()]
    assert (~mask).area.tolist() == [height * width - area]
    assert len(mask.components()[0]) == 1
    assert (~mask).components()[0].area.tolist() == [
        height * width - count.sum(),
        count.sum() - area,
    ]
    assert sc.iou(mask, filled)[0, 0] == area / count.sum()
    assert (filled - mask).union() == sc.holes(mask)[0]

    # Geometry.
    x, y = int(ring.x), int(ring.y)
    window = mask.crop((x - 20_000, y - 20_000, x + 20_000, y + 20_000))
    expected = (count - ring.rows(ring.hole, width)[1])[x - 20_000 : x + 20_000]
    if ring.radius < 20_000:
        assert window.area.tolist() == [expected.sum()]
    else:
        assert 0 < window.area[0] < expected.sum()
    moved = mask.translate(-1234, 4321)
    assert moved.boxes.tolist() == [[box[0] - 1234, box[1] + 4321, box[2] - 1234, box[3] + 4321]]
    assert moved.translate(1234, -4321) == mask
    turned = mask.transpose()
    assert turned.size == (width, height)
    assert turned.boxes[:, [1, 0, 3, 2]].tolist() == [box]
    assert turned.transpose() == mask
    assert mask.rot90().rot90(3) == mask
    assert mask.resize((height // 64, width // 64)).area[0] == pytest.approx(area / 64**2, rel=0.01)

    # Forms.
    assert sc.Masks.from_coco(mask.to_coco()) == mask
    polygons = mask.to_polygons(connectivity=4, valid=True)
    assert polygons.is_hole.tolist() == [False, True]
    assert sc.Masks.from_polygons(polygons) == mask
    assert sc.Masks.from_polygons(polygons.to_geojson(), size) == mask
    [shape] = polygons.to_geojson(transform=(0.5, 0, 1000, 0, -0.5, 2000))
    corners = np.array(shape["coordinates"][0][0])
    assert corners.min(0).tolist() == [1000 + 0.5 * box[0], 2000 - 0.5 * box[3]]
    assert corners.max(0).tolist() == [1000 + 0.5 * box[2], 2000 - 0.5 * box[1]]

    table = sc.measure(mask, ["centroid", "solidity", "perimeter"])
    assert table["centroid_x"][0] == pytest.approx(ring.x - 0.5, abs=0.01)
    assert table["centroid_y"][0] == pytest.approx(ring.y - 0.5, abs=0.01)
    assert table["solidity"][0] == pytest.approx(area / count.sum(), rel=1e-3)


def test_label_map_and_instances_of_a_giant_canvas():
    size = (200_000, 150_000)
    boxes = sc.tiles(size, 50_000)
    names, parts, instances = [], [], []
    for number, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        tile = y1 - y0, x1 - x0
        bar = sc.Masks.from_boxes([[0, 100, tile[1], 110]], tile)  # through all tiles of a row
        dot = sc.Masks.from_boxes([[200, 200, 210, 230]], tile)
        instances.append(sc.Masks.concatenate([dot, bar]))
        names.append([2 * number, 2 * number + 1])
        parts.append(instances[-1])
    kept, masks, groups = sc.stitch(instances, boxes, size)
    assert len(masks) == 4 + 12
    assert sorted(masks.area) == [300] * 12 + [1_500_000] * 4
    assert groups.reshape(4, 3, 2)[:, 0, 1].tolist() == groups.reshape(4, 3, 2)[:, 2, 1].tolist()
    assert (groups[kept] == np.arange(16)).all()
    both = sc.Masks.from_tiles(parts, boxes, size)
    assert both.area.tolist() == [12 * 300, 4 * 1_500_000]
    assert both.boxes.tolist() == [[200, 200, 100_210, 150_230], [0, 100, 150_000, 150_110]]
