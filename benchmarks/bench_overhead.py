"""What is paid beside the work: importing, and calls on masks of next to no pixels."""

import numpy as np

import segcore as sc
from segcore.compat.pycocotools import mask as compat

from .common import BACKENDS, INPUTS, WrongAnswerError


class Import:
    params = (BACKENDS,)
    param_names = ("backend",)

    def timeraw_segcore(self, backend):
        return "import segcore", f"import os; os.environ['SEGCORE_BACKEND'] = {backend!r}"

    def timeraw_numpy(self, _):
        return "import numpy"


class Calls:
    """The public API, on the backend that this process uses."""

    params = (("one_pixel", "tiny"),)
    param_names = ("input",)

    def setup(self, name):
        self.dense = getattr(INPUTS, name)
        self.masks = sc.Masks.from_dense(self.dense)
        self.rle = self.masks.to_coco()
        self.out = np.empty((1, *self.dense.shape), bool)
        if not np.array_equal(self.masks.to_dense()[0], self.dense):
            raise WrongAnswerError("the round trip is wrong")
        if sc.Masks.from_coco(self.rle) != self.masks:
            raise WrongAnswerError("the round trip by COCO's string is wrong")

    def time_from_dense(self, *_):
        sc.Masks.from_dense(self.dense)

    def time_to_dense(self, *_):
        self.masks.to_dense()

    def time_to_dense_into(self, *_):
        self.masks.to_dense(out=self.out)

    def time_from_coco(self, *_):
        sc.Masks.from_coco(self.rle)

    def time_to_coco(self, *_):
        self.masks.to_coco()

    def time_area(self, *_):
        return self.masks.area

    def time_iou(self, *_):
        sc.iou(self.masks, self.masks)

    def time_union(self, *_):
        self.masks.union()

    def time_index(self, *_):
        return self.masks[0]


class DropIn:
    """The functions of pycocotools.mask, on the backend that this process uses."""

    params = (("one_pixel", "tiny"),)
    param_names = ("input",)

    def setup(self, name):
        self.dense = np.asfortranarray(getattr(INPUTS, name).view(np.uint8))
        self.rle = compat.encode(self.dense)
        self.box = [compat.toBbox(self.rle).tolist()]
        if not np.array_equal(compat.decode(self.rle), self.dense):
            raise WrongAnswerError("the round trip is wrong")

    def time_encode(self, *_):
        compat.encode(self.dense)

    def time_decode(self, *_):
        compat.decode(self.rle)

    def time_area(self, *_):
        compat.area(self.rle)

    def time_to_bbox(self, *_):
        compat.toBbox(self.rle)

    def time_merge(self, *_):
        compat.merge([self.rle, self.rle])

    def time_iou(self, *_):
        compat.iou([self.rle], [self.rle], [0])

    def time_iou_of_boxes(self, *_):
        compat.iou(self.box, self.box, [0])
