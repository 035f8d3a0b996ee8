"""Non-maximum suppression and merging: on the backend in use."""

import numpy as np

import segcore as sc

from .common import expect, loaded, scattered

RUNS = {
    "nms": lambda masks, scores: (sc.nms(masks, scores, 0.5),),
    "merge_duplicates": lambda masks, scores: sc.merge_duplicates(masks, scores, 0.5)[::2],
    "soft_nms": sc.soft_nms,
    "matrix_nms": lambda masks, scores: (sc.matrix_nms(masks, scores),),
}


class Nms:
    params = (tuple(RUNS), (100, 1000, 10_000))
    param_names = ("function", "masks")

    def setup(self, name, count):
        loaded(sc.backends.current())
        self.masks = scattered(count, seed=1)
        self.scores = np.random.default_rng(0).random(len(self.masks))
        self.run = RUNS[name]
        if count <= 1000:
            expect(self.run(self.masks, self.scores), self.answer(name), name)

    def answer(self, name):
        """Do it from the whole matrix of IoUs."""
        ious, scores = sc.iou(self.masks, self.masks), self.scores.copy()
        order = np.argsort(-scores, kind="stable")
        if name == "matrix_nms":
            better = np.triu(ious[np.ix_(order, order)], 1)
            most = np.square(better.max(axis=0))[:, None]
            scores[order] *= np.exp(-2 * (np.square(better) - most).max(axis=0))
            return (scores,)
        kept, final = [], []
        keepers = np.full(len(scores), -1)
        if name == "soft_nms":
            weights = np.where(ious >= 0.5, 1 - ious, 1)
            while scores.max() >= 0.001:
                best = int(scores.argmax())
                kept.append(best)
                final.append(scores[best])
                scores *= weights[best]
                scores[best] = -1
            return np.array(kept), np.array(final)
        for i in order:
            if keepers[i] < 0:
                keepers[(ious[i] > 0.5) & (keepers < 0)] = len(kept)
                kept.append(i)
        return (np.array(kept), keepers) if name == "merge_duplicates" else (np.array(kept),)

    def time_nms(self, *_):
        self.run(self.masks, self.scores)

    def peakmem_nms(self, *_):
        self.run(self.masks, self.scores)
