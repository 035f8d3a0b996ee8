"""Tiles of a canvas: instances joined, and masks encoded: on the backend in use."""

import itertools

import numpy as np

import segcore as sc

from .common import expect, loaded, scattered

RULES = ("iou", "ios", "sahi", "cellpose")


class Stitch:
    """Instances of a canvas that tiles with an overlap cut, beside the whole instances."""

    params = (RULES, (1000, 10_000))
    param_names = ("rule", "masks")

    def setup(self, rule, count):
        loaded(sc.backends.current())
        whole = scattered(count, seed=1)
        self.boxes, self.size = sc.tiles(whole.size, 256, 64), whole.size
        x0, y0, x1, y1 = whole.boxes.T
        self.parts, self.ids = [], []
        for box in self.boxes:
            near = (x0 < box[2]) & (x1 > box[0]) & (y0 < box[3]) & (y1 > box[1])
            parts, ids = whole[near].crop(box), np.flatnonzero(near)
            self.parts.append(parts[parts.area > 0])
            self.ids.append(ids[parts.area > 0])
        self.rule = rule
        if rule == "iou":
            # Parts of one instance are those with its id.
            kept, masks, _ = sc.stitch(self.parts, self.boxes, self.size, class_ids=self.ids)
            owners = np.concatenate(self.ids)[kept]
            expect(masks.run_ends, whole[owners].run_ends, "stitch")

    def time_stitch(self, *_):
        sc.stitch(self.parts, self.boxes, self.size, rule=self.rule)

    def peakmem_stitch(self, *_):
        sc.stitch(self.parts, self.boxes, self.size, rule=self.rule)


class FromTiles:
    """A canvas encoded tile by tile."""

    params = ((4, 16),)
    param_names = ("tiles per side",)

    def setup(self, count):
        loaded(sc.backends.current())
        y, x = np.ogrid[:256, :256]
        self.tile = np.hypot(x - 128, y - 128) < 140
        self.size = (256 * count, 256 * count)
        self.boxes = sc.tiles(self.size, 256)
        dense = np.tile(self.tile, (count, count))
        expect(self.run().run_ends, sc.Masks.from_dense(dense).run_ends, "from_tiles")

    def run(self):
        parts = itertools.repeat(self.tile, len(self.boxes))
        return sc.Masks.from_tiles(parts, self.boxes, self.size)

    def time_from_tiles(self, *_):
        self.run()
