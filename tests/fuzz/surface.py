"""A fuzzer: the public functions with anything.

It is given bytes, of which it makes a call: mostly of arguments that fit, some of which do not.
Each call must give a result, or a ValueError or TypeError; masks must be valid; and what came in
must be as it was.
"""

from __future__ import annotations

import contextlib
import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from fuzz.inputs import Input, batch, large_size, placed, small_size
from support.hostile_calls import JUNK, NUMBERS
from support.util import assert_valid

import segcore as sc
from segcore import formats, maps, metrics
from segcore.backends import reference
from segcore.compat.pycocotools import mask as pycocotools
from segcore.maps.panoptic import rules
from segcore.masks import unwrap, wrap

DTYPES = [np.dtype(code) for code in ("?", *"bBhHiIqQefd", ">i4", ">f4", "O", "c8", "U1", "M8[s]")]
TRUE_NUMBERS = [0, 1, 2, 3, 5, 0.5, 0.25, -1, 1e-3, 100]
WORDS: dict[str, list[Any]] = {
    "rule": [
        "detectron2",
        "torchvision",
        "iou",
        "ios",
        "sahi",
        "cellpose",
        *("coco", "even-odd", "non-zero", "holes"),
    ],
    "properties": ["area", "moments", "perimeter", "solidity", "inscribed_box", "axes"],
    "merge": ["union", "greedy", "best"],
    "metric": ["iou", "smaller"],
    "decay": ["linear", "gaussian"],
    "shape": ["square", "disc", "diamond"],
    "bitorder": ["big", "little"],
    "priority": ["last", "first", "smallest", "score"],
    "connectivity": [4, 8],
    "compressed": [False, True],
    "valid": [False, True],
    "shared": [False, True],
    "outside": [False, True],
    "dtype": [None, "u1", np.int16, int, bool, "f4", ">i4", "u8"],
    "rules": list(rules.PRESETS),
}
"""What may be chosen for an argument of a name."""


class Call:
    """The arguments of one call, about masks of one size."""

    def __init__(self, given: Input) -> None:
        self.given = given
        self.size = small_size(given)
        if given.between(0, 7) == 0:
            height, width = large_size(given)
            self.size = height, min(width, 300)  # many results have runs in each column
        self.is_large = self.size[0] * self.size[1] > 10_000
        self.count = given.between(0, 5)
        self.is_good = given.flag()  # else an argument in some is something else

    def argument(self, function: str, name: str) -> Any:
        """Make the argument of that name: now and then something else."""
        own = MAKERS.get(f"{function}.{name}", MAKERS.get(name, Call.number))
        if name != "batch" and self.is_other():
            return self.anything()
        return self.given.pick(WORDS[name]) if name in WORDS else own(self)

    def is_other(self) -> bool:
        return not self.is_good and self.given.between(0, 9) == 0

    def anything(self) -> Any:
        given = self.given
        kind = given.between(0, 5)
        if kind == 0:
            return given.pick(NUMBERS)
        if kind == 1:
            return given.pick(JUNK)
        if kind == 2:
            return self.array(tuple(given.between(0, 3) for _ in range(given.between(0, 4))))
        if kind == 3:
            return given.pick(WORDS[given.pick(list(WORDS))])
        if kind == 4:
            return [given.pick([*NUMBERS, *JUNK]) for _ in range(given.between(0, 5))]
        return self.small_masks()

    # -- numbers and arrays -----------------------------------------------------------------------

    def number(self) -> Any:
        return self.given.pick(NUMBERS if self.is_other() else TRUE_NUMBERS)

    def whole(self) -> Any:
        return self.number() if self.is_other() else self.given.pick([0, 1, 2, 3, 5, 1000])

    def fraction(self) -> Any:
        return self.number() if self.is_other() else self.given.pick([0, 0.1, 0.5, 1])

    def array(self, shape: tuple[int, ...], dtype: Any = None) -> Any:
        """Make an array of any layout, or nested lists."""
        if dtype is None:
            dtype = self.given.pick(DTYPES[:9] if self.is_good else DTYPES)
        dtype = np.dtype(dtype)
        if dtype.kind in "biuf":
            kind = np.dtype("u1") if dtype.kind == "b" else dtype
            made = placed(self.given, shape, kind)
            made = made.astype(bool) if dtype.kind == "b" else made
        else:
            made = np.zeros(shape, dtype)
        return made.tolist() if self.given.between(0, 9) == 0 else made

    def integers(self) -> Any:
        return self.array((self.count,), self.given.pick("bBhiqQ"))

    def few_integers(self) -> Any:
        return [self.given.between(0, 3) for _ in range(self.count)]

    def scores(self) -> Any:
        return self.array((self.count,), self.given.pick("efdB"))

    def flags(self) -> Any:
        return self.array((self.count,), "?")

    def sides(self) -> Any:
        """Make a size that images can have without taking long."""
        return small_size(self.given) if self.is_large else self.size

    def same_size(self) -> Any:
        return self.given.pick([tuple, list, np.array])(self.size)

    def boxes(self) -> Any:
        numbers = self.given.values(4 * self.count, np.int16) / self.given.pick([1, 64, 10])
        made = numbers.reshape(-1, 4)
        made[:, 2:] += made[:, :2] if self.given.flag() else 0
        return made if self.given.flag() else made.tolist()

    def soft(self, *first: int) -> Any:
        rows, columns = self.given.between(1, 5), self.given.between(1, 5)
        return self.array((*first, rows, columns), self.given.pick("fffdeB"))

    def dense(self) -> Any:
        return self.array((self.count, *self.sides()))

    def run_ends(self) -> Any:
        if self.is_good:
            return batch(self.given, self.size, 1)[0]
        return self.array((self.given.between(0, 5),), self.given.pick("BIQq"))

    def offsets(self) -> Any:
        return [0, *(self.given.between(0, 5) for _ in range(self.given.between(0, 3)))]

    def labels(self) -> Any:
        return self.array(self.sides(), self.given.pick("bBhHiIqQ"))

    # -- masks and objects ------------------------------------------------------------------------

    def masks(self) -> sc.Masks:
        return wrap(batch(self.given, self.size, self.count))

    def shrink(self) -> None:
        """Choose a size that may become dense, or be cut at each column."""
        if self.is_large:
            self.size, self.is_large = small_size(self.given), False

    def small_masks(self) -> sc.Masks:
        self.shrink()
        return self.masks()

    def masks_or_boxes(self) -> Any:
        return self.boxes() if self.given.between(0, 5) == 0 else self.masks()

    def batches(self) -> Any:
        return [self.masks() for _ in range(self.given.between(0, 3))]

    def text(self) -> bytes:
        """Make a counts string: of any bytes, or a good one, perhaps spoilt."""
        if self.given.flag():
            return self.given.raw(self.given.byte())
        data = bytearray(self.string())
        for _ in range(self.given.between(0, 2) if data and self.given.flag() else 0):
            data[self.given.between(0, len(data) - 1)] = self.given.byte()
        return bytes(data)

    def string(self) -> bytes:
        data, _ = reference.string_encode(batch(self.given, self.size, 1))
        return data.tobytes()

    def rle(self) -> Any:
        given = self.given
        kind = given.between(0, 9)
        counts: Any = self.text()
        if kind == 0:
            counts = [given.pick([given.byte(), *NUMBERS]) for _ in range(given.between(0, 4))]
        elif kind == 1:
            counts = reference.counts_encode(batch(given, self.size, 1))[0].tolist()
        elif kind == 2:
            counts = counts.decode("latin-1")
        elif kind == 3 and self.is_other():
            counts = self.anything()
        made = {"size": list(self.size), "counts": counts}
        if self.is_other():
            made["size"] = self.anything()
        if self.is_other():
            made.pop(given.pick(["size", "counts"]))
        return made

    def ring(self) -> Any:
        given = self.given
        numbers = (given.values(given.between(0, 12), np.int16) / given.pick([64, 100])).tolist()
        if numbers and self.is_other():
            numbers[given.between(0, len(numbers) - 1)] = given.pick([*NUMBERS, *JUNK])
        return np.array(numbers, object) if given.between(0, 9) == 0 else numbers

    def polygon(self) -> Any:
        self.shrink()
        return [self.ring() for _ in range(self.given.between(0, 3))]

    def rles(self) -> Any:
        return self.several(self.rle) if self.given.flag() else self.rle()

    def small_rles(self) -> Any:
        self.shrink()
        return self.rles()

    def object(self) -> Any:
        kind = self.given.between(0, 7)
        if kind == 0:
            return self.polygon()
        if kind == 1:
            return {"segmentation": self.rle(), "height": self.size[0], "width": self.size[1]}
        return self.anything() if kind == 2 and self.is_other() else self.rle()

    def several(self, make: Callable[[], Any]) -> Any:
        made = [make() for _ in range(self.count)]
        kind = self.given.between(0, 19)
        if kind == 0:
            return tuple(made)
        if kind == 1:
            return iter(made)
        return made

    def contour(self) -> Any:
        self.shrink()
        return self.array((self.given.between(1, 5), *self.given.pick([(2,), (1, 2)])), "b")

    def tiles(self) -> Any:
        """Make boxes of the size of the masks, which overlap, touch or are apart."""
        made = []
        for _ in range(self.count):
            y, x = (
                self.given.pick([0, side, -side, self.given.between(0, side % 99)])
                for side in self.size
            )
            made.append([x, y, x + self.size[1], y + self.size[0]])
        return made

    def pairs(self) -> Any:
        numbers = [self.given.byte() % 40 for _ in range(self.given.between(0, 8))]
        return [self.given.pick(NUMBERS), *numbers] if self.is_other() else numbers

    def kaggle(self) -> Any:
        return self.given.pick(JUNK) if self.is_other() else " ".join(map(str, self.pairs()))

    def segments(self) -> Any:
        keys = ("id", "category_id", "area", "iscrowd", "isthing")
        return self.several(lambda: {key: self.given.between(0, 1) for key in keys})


MAKERS: dict[str, Callable[[Call], Any]] = {
    "batch": Call.masks,  # whose methods are called
    "masks": Call.masks,
    "a": Call.masks_or_boxes,
    "b": Call.masks_or_boxes,
    "truth": Call.masks,
    "predicted": Call.masks,
    "other": Call.masks,
    "batches": Call.batches,
    "run_ends": Call.run_ends,
    "offsets": Call.offsets,
    "size": Call.same_size,
    "dense": Call.dense,
    "packed": lambda call: call.array(
        (call.count, call.size[0] % 100, (call.size[1] % 100 + 7) // 8), "B"
    ),
    "objects": lambda call: call.several(call.object),
    "polygons": lambda call: call.several(call.polygon),
    "boxes": Call.boxes,
    "labels": Call.labels,
    "labels_a": Call.labels,
    "labels_b": Call.labels,
    "background": Call.number,
    "ignore": Call.number,
    "class_ids": Call.few_integers,
    "truth_classes": Call.few_integers,
    "predicted_classes": Call.few_integers,
    "scores": Call.scores,
    "crowd": Call.flags,
    "base": Call.labels,
    "things": Call.few_integers,
    "probs": lambda call: call.soft(call.count),
    "coefficients": lambda call: call.array((call.count, 2), "f"),
    "prototypes": lambda call: call.soft(2),
    "mask_logits": lambda call: call.soft(call.count),
    "class_probs": lambda call: call.array((call.count, 3), "f"),
    "soft_masks": lambda call: call.soft(call.count),
    "argmax_upsample.scores": lambda call: call.soft(call.count),
    "compose_panoptic.masks": Call.small_masks,
    # There are as many labels, or pixels, as the image has.
    "argmax_upsample.size": Call.sides,
    "argmax_masks.size": Call.sides,
    "compose_semantic.masks": Call.small_masks,
    "to_dense.batch": Call.small_masks,
    # Row by row there are as many runs as rows, or columns.
    "huggingface.encode.masks": Call.small_masks,
    "label_studio.encode.masks": Call.small_masks,
    "huggingface.decode.size": Call.sides,
    "crop": lambda call: [call.given.between(0, 4) for _ in range(call.given.pick([2, 4]))],
    "intermediate": lambda call: [call.given.between(0, 9) for _ in range(2)],
    "strings": lambda call: call.several(call.kaggle),
    "index": lambda call: call.given.pick([0, -1, slice(0, 2), [0], call.flags(), call.integers()]),
    "ids": Call.labels,
    "classes": Call.labels,
    "properties": lambda call: [call.given.pick(WORDS["properties"])],
    "measure.masks": Call.small_masks,
    "surface_distances.a": Call.small_masks,
    "surface_distances.b": Call.small_masks,
    "contours": lambda call: call.several(call.contour),
    "hierarchy": lambda call: call.array((1, call.count, 4), "b"),
    "parts": lambda call: call.several(call.masks),
    "from_label_map_tiles.parts": lambda call: call.several(call.labels),
    "tile": lambda call: [side // call.given.between(1, 3) for side in call.size],
    "overlap": lambda call: call.given.between(0, 3),
    **{f"{name}.boxes": Call.tiles for name in ("stitch", "from_tiles", "from_label_map_tiles")},
    "stitch.scores": lambda call: call.several(call.scores),
    "stitch.class_ids": lambda call: call.several(call.few_integers),
    "instances": Call.labels,
    "rgb": lambda call: call.array((*call.sides(), 3), "B"),
    "pixels": lambda call: call.array((*call.sides(), 2), "B"),
    "bimask": lambda call: call.array((*call.sides(), call.count), "B"),
    "rleObjs": Call.rles,
    "pycocotools.decode.rleObjs": Call.small_rles,
    "dt": lambda call: call.several(call.given.pick([call.rle, call.boxes])),
    "gt": lambda call: call.several(call.given.pick([call.rle, call.boxes])),
    "pyiscrowd": Call.few_integers,
    "pyobj": lambda call: call.given.pick([call.rle, call.polygon, call.boxes])(),
    "bb": Call.boxes,
    "poly": Call.polygon,
    "ucRles": lambda call: call.several(call.rle),
    "h": lambda call: call.size[0],
    "w": lambda call: call.size[1],
    **dict.fromkeys(("distance", "width", "max_area", "min_area", "divisor"), Call.whole),
    "num_classes": lambda call: call.given.pick([5, 200]),
    "iou_threshold": Call.fraction,
    "min_iou": Call.fraction,
    "segments": Call.segments,
    "prediction": Call.labels,
    "truth_segments": Call.segments,
    "prediction_segments": Call.segments,
    "categories": Call.segments,
}
"""What makes the argument of a name, or of a name of one function; others are numbers."""


def panoptic_quality(categories: Any, labels: Any, segments: Any) -> Any:
    quality = metrics.PanopticQuality(categories)
    quality.update(labels, segments, labels, segments)
    return quality


def confusion(labels_a: Any, labels_b: Any, num_classes: Any) -> Any:
    matrix = metrics.ConfusionMatrix(num_classes)
    matrix.update(labels_a, labels_b)
    return matrix


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(sc, name) for name in sc.__all__ if inspect.isfunction(getattr(sc, name))},
    **{
        name: getattr(sc.Masks, name)
        for name in (
            *("from_dense", "from_bits", "from_coco", "from_polygons", "from_contours"),
            "from_boxes",
        )
    },
    "from_label_map": sc.Masks.from_label_map,
    "from_tiles": sc.Masks.from_tiles,
    "from_label_map_tiles": sc.Masks.from_label_map_tiles,
    "concatenate": sc.Masks.concatenate,
    "index": lambda batch, index: batch[index],
    "and": lambda batch, other: batch & other,
    "union": lambda batch: batch.union(),
    "to_dense": lambda batch, dtype: batch.to_dense(dtype),
    "to_coco": lambda batch, compressed: batch.to_coco(compressed),
    "to_polygons": lambda batch, connectivity, tolerance, valid, shared: batch.to_polygons(
        connectivity, tolerance, valid, shared
    ),
    "components": lambda batch, connectivity: batch.components(connectivity),
    "kaggle.decode": formats.kaggle.decode,
    "kaggle.encode": formats.kaggle.encode,
    "huggingface.decode": formats.huggingface.decode,
    "huggingface.encode": formats.huggingface.encode,
    "label_studio.decode": formats.label_studio.decode,
    "label_studio.encode": formats.label_studio.encode,
    "maps.ids.decode": maps.ids.decode,
    "maps.ids.encode": maps.ids.encode,
    "from_rgb": maps.ids.from_rgb,
    "to_rgb": maps.ids.to_rgb,
    "from_cityscapes": maps.ids.from_cityscapes,
    "to_cityscapes": maps.ids.to_cityscapes,
    "from_two_channels": maps.ids.from_two_channels,
    "to_two_channels": maps.ids.to_two_channels,
    "panoptic_quality": panoptic_quality,
    "confusion": confusion,
    **{
        f"pycocotools.{name}": getattr(pycocotools, name)
        for name in (
            *("encode", "decode", "merge", "iou", "area", "toBbox"),
            *("frPyObjects", "frBbox", "frPoly", "frUncompressedRLE"),
        )
    },
    "Masks": lambda run_ends, offsets, size: sc.Masks(run_ends, offsets, size),  # noqa: PLW0108
}
for _name in ("set_num_threads", "show_runtime", "runtime_info", "get_num_threads"):
    FUNCTIONS.pop(_name, None)

NAMES = list(FUNCTIONS)
PARAMETERS = {
    name: list(inspect.signature(function).parameters.values())
    for name, function in FUNCTIONS.items()
}


def as_it_is(value: Any) -> Any:
    """Give what tells whether an argument has changed."""
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    if isinstance(value, sc.Masks):
        return value.size, value.run_ends.tobytes(), value.offsets.tobytes()
    if isinstance(value, (list, tuple)):
        return type(value), [as_it_is(each) for each in value]
    if isinstance(value, dict):
        return [(key, as_it_is(each)) for key, each in value.items()]
    return repr(value) if isinstance(value, (int, float, str, bytes)) else id(value)


def check_result(result: Any) -> None:
    """Check the masks that came out."""
    if isinstance(result, sc.Masks):
        assert_valid(unwrap(result), len(result), *result.size)
    elif isinstance(result, tuple):
        for each in result:
            check_result(each)


def call_of(data: bytes) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """Make a call of bytes: the function's name and its arguments."""
    given = Input(data)
    name = given.pick(NAMES)
    call = Call(given)
    positional, named = [], {}
    for parameter in PARAMETERS[name]:
        if parameter.default is parameter.empty:
            positional.append(call.argument(name, parameter.name))
        elif parameter.name == "size" or given.between(0, 2) == 0:
            named[parameter.name] = call.argument(name, parameter.name)
    return name, tuple(positional), named


def check(data: bytes) -> None:
    """Make one call."""
    name, positional, named = call_of(data)
    before = as_it_is([positional, named])
    allowed = (ValueError, TypeError, *([IndexError] if name == "index" else []))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", RuntimeWarning)
        with contextlib.suppress(*allowed, MemoryError):
            check_result(FUNCTIONS[name](*positional, **named))
    assert as_it_is([positional, named]) == before, name
