"""Panoptic maps: on the backend in use."""

import numpy as np

import segcore as sc

from .common import INPUTS, expect, loaded
from .panoptic import by_numpy, instances, stuff_map
from .scores import wobbly


class OfMasks:
    params = ((10, 100),)
    param_names = ("instances",)

    def setup(self, count):
        loaded(sc.backends.current())
        self.masks, self.classes, self.scores = instances(count)
        self.stuff = stuff_map()
        answer = by_numpy(self.masks.to_dense(), self.scores, self.stuff)
        expect(self.compose(), answer, "compose_panoptic")

    def compose(self):
        result = sc.compose_panoptic(
            self.masks, self.classes, self.scores, stuff=self.stuff, rules="detectron2"
        )
        return result.labels

    def time_compose(self, *_):
        self.compose()

    def peakmem_compose(self, *_):
        self.compose()


class OfQueries:
    params = (("mask2former", "huggingface-fixed"), ((200, 300), (800, 1333)))
    param_names = ("rules", "size")

    def setup(self, rules, size):
        loaded(sc.backends.current())
        rng = np.random.default_rng(0)
        self.probabilities = 1 / (1 + np.exp(-wobbly(10 if INPUTS.quick else 100, 96)))
        count = len(self.probabilities)
        self.classes = rng.integers(0, 133, count)
        self.scores = rng.uniform(0.5, 1, count).astype(np.float32)
        self.rules, self.size = rules, size
        weighted = self.probabilities * self.scores[:, None, None]
        winner = sc.argmax_upsample(weighted, size).astype(np.int64)
        result, _ = self.compose()
        for mask, segment in zip(result.masks, result.segments, strict=True):
            owners = np.unique(winner[mask.to_dense()[0]])
            expect(np.isin(owners, segment["sources"]), np.ones(len(owners), bool), "winners")

    def compose(self):
        rules = sc.PanopticRules.preset(self.rules, score_threshold=0.5, min_won=0.3)
        result = sc.compose_panoptic(
            *(self.probabilities, self.classes, self.scores),
            things=range(80),
            size=self.size,
            rules=rules,
        )
        return result, result.labels

    def time_compose(self, *_):
        self.compose()
