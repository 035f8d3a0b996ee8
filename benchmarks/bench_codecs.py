"""The run-length formats of other tools: strings, lists and bytes of a batch of masks."""

import segcore as sc
from segcore.masks import wrap

from .common import WrongAnswerError, batch


class Codecs:
    params = (tuple(sc.formats.__all__), ("blobs", "noise", "horizontal_stripes"))
    param_names = ("codec", "input")

    def setup(self, codec, name):
        self.codec = getattr(sc.formats, codec)
        self.masks = wrap(batch(name, 10))
        self.size = self.masks.size
        self.objects = self.codec.encode(self.masks)
        if self.codec.decode(self.objects, self.size) != self.masks:
            raise WrongAnswerError(f"{codec}: decode(encode(masks)) is wrong")

    def time_encode(self, *_):
        self.codec.encode(self.masks)

    def time_decode(self, *_):
        self.codec.decode(self.objects, self.size)
