"""Rules of panoptic composition, with presets for other libraries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, get_args, get_type_hints

import numpy as np

from segcore._input.arrays import as_integer, as_number, described

Winner = Literal["first", "last", "argmax"]
Order = Literal["input", "score", "area"]
Precision = Literal["float32", "float64"]
IdScheme = Literal["count", "class + count * divisor", "class * divisor + count"]


@dataclass(frozen=True, kw_only=True)
class PanopticRules:
    """Rules by which :func:`segcore.compose_panoptic` assigns pixels to instances and stuff.

    Instances are processed one by one, followed by stuff. With ``winner="first"`` or ``"last"``,
    instances are binary masks. With ``winner="argmax"``, they are soft masks, called *queries*, as
    in MaskFormer. The *confident* pixels of a query are those whose probability is at least
    `mask_threshold`.

    Use :meth:`preset` for the rules of other libraries, such as
    ``PanopticRules.preset("detectron2")``.

    Parameters
    ----------
    winner : {"first", "last", "argmax"}, default "first"
        Which instance gets a pixel that several instances cover: the first or last in `order`, or
        the query with the greatest product of score and probability.
    order : {"input", "score", "area"}, default "score"
        Order in which instances are processed, numbered and listed: input order, descending score,
        or empty masks first and then descending area. Ties keep the input order.
    score_threshold : float, optional
        Minimum score: instances with a lower score are dropped.
    score_strict : bool, default False
        Whether to drop instances with a score equal to `score_threshold` as well.
    score_dtype : {"float64", "float32"}, default "float64"
        Precision in which scores are compared with `score_threshold`.
    mask_threshold : float, default 0.5
        Minimum probability of the confident pixels of a query, compared in float32.
    weighted_confidence : bool, default False
        Whether to compare the product of probability and score with `mask_threshold`, instead of
        the probability.
    assign_all_won : bool, default False
        Whether to assign to a query all pixels that it wins, instead of only its confident ones.
    max_taken : float, optional
        Drop an instance if earlier instances cover more than this fraction of its area. Only with
        ``winner="first"``.
    min_won : float, optional
        Drop a query if the number of pixels that it wins, divided by the number of its confident
        pixels, is less than this value. Only with ``winner="argmax"``.
    min_won_strict : bool, default False
        Whether to drop queries with a fraction equal to `min_won` as well.
    share_dtype : {"float64", "float32", "float32 ratio"}, default "float64"
        Precision in which the fractions of `max_taken` and `min_won` are computed and compared.
        "float32 ratio" computes them in float32 and compares them in float64.
    share_epsilon : float, default 0
        Value added to the denominator of these fractions.
    keep_empty : bool, default False
        Whether to keep instances with an empty mask, as segments of area 0. Not used with
        ``winner="argmax"``.
    keep_hidden : bool, default True
        Whether to keep instances without visible pixels, as segments of area 0. Queries that win no
        pixel are always dropped.
    vote : bool, default False
        Whether to take the class of an instance from the semantic map: the most frequent thing
        class among its pixels. Only pixels of thing classes are then assigned to instances.
    stuff_area : int, default 0
        Minimum number of visible pixels of stuff: regions with fewer pixels are dropped.
    stuff_ignore : tuple of int, default ()
        Classes of `stuff` to ignore.
    fuse_stuff : bool, default True
        Whether to merge all stuff of a class into one segment.
    relist_fused : bool, default False
        Whether `Panoptic.segments` has one entry per part of a merged segment, all with the same
        id, instead of one entry per segment.
    reuse_ids : bool, default False
        Whether the segment after such a repeated part is numbered from the id of the part instead
        of from the highest id. An id may then be assigned twice, as by Hugging Face's functions.
    ids : {"count", "class + count * divisor", "class * divisor + count"}, default "count"
        How segment ids are formed:

        - "count": from `first` upward;
        - "class + count * divisor": `count` is 0 for stuff, and counts all things;
        - "class * divisor + count": `count` is 0 for stuff, and counts the things of each class.
    first : int, default 1
        Value at which counting starts.
    divisor : int, default 1000
        The divisor in `ids`.
    void : int, default 0
        Label of the pixels without a segment.
    void_if_no_query : int, optional
        Label of all pixels if every query is below the score threshold. If None, it is `void`.
    dtype : {"int32", "int64", "uint8", "uint16", "uint32"}, default "int32"
        Dtype of the panoptic map.

    Raises
    ------
    ValueError
        If a value is out of range or not among the choices, or fields contradict each other.
    TypeError
        If a value has the wrong type.

    Examples
    --------
    >>> import segcore as sc
    >>> rules = sc.PanopticRules.preset("detectron2", max_taken=0.3, void=255)
    >>> rules.max_taken, rules.score_threshold
    (0.3, 0.5)
    """

    winner: Winner = "first"
    order: Order = "score"
    score_threshold: float | None = None
    score_strict: bool = False
    score_dtype: Precision = "float64"
    mask_threshold: float = 0.5
    weighted_confidence: bool = False
    assign_all_won: bool = False
    max_taken: float | None = None
    min_won: float | None = None
    min_won_strict: bool = False
    share_dtype: Literal["float64", "float32", "float32 ratio"] = "float64"
    share_epsilon: float = 0.0
    keep_empty: bool = False
    keep_hidden: bool = True
    vote: bool = False
    stuff_area: int = 0
    stuff_ignore: tuple[int, ...] = ()
    fuse_stuff: bool = True
    relist_fused: bool = False
    reuse_ids: bool = False
    ids: IdScheme = "count"
    first: int = 1
    divisor: int = 1000
    void: int = 0
    void_if_no_query: int | None = None
    dtype: Literal["int32", "int64", "uint8", "uint16", "uint32"] = "int32"

    def __post_init__(self) -> None:
        for name, hint in _hints().items():
            object.__setattr__(self, name, _checked(getattr(self, name), hint, name))
        if self.max_taken is not None and not 0 <= self.max_taken <= 1:
            raise ValueError(f"max_taken: expected a share from 0 to 1, got {self.max_taken}")
        if self.max_taken is not None and self.winner != "first":
            raise ValueError(f'max_taken: only used with winner="first", not "{self.winner}"')
        if self.min_won is not None and self.winner != "argmax":
            raise ValueError(f'min_won: only used with winner="argmax", not "{self.winner}"')
        if self.vote and self.winner == "argmax":
            raise ValueError('vote: not available with winner="argmax"')
        minima = {"divisor": 1, "stuff_area": 0, "first": 0, "share_epsilon": 0}
        for name, minimum in minima.items():
            if getattr(self, name) < minimum:
                raise ValueError(f"{name}: expected at least {minimum}, got {getattr(self, name)}")
        for name in ("void", "void_if_no_query"):
            value = getattr(self, name)
            limits = np.iinfo(self.dtype)
            if value is not None and not limits.min <= value <= limits.max:
                raise ValueError(f"{name}: {value} does not fit into {self.dtype}")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> PanopticRules:
        """Return the rules of another library, optionally with changed fields.

        Parameters
        ----------
        name : str
            One of :data:`segcore.maps.panoptic.PRESETS`:

            - "panopticapi": ``combine_semantic_and_instance_predictions.py`` of panopticapi;
            - "detectron2": ``combine_semantic_and_instance_outputs`` of its Panoptic FPN;
            - "mmdet-heuristic": ``HeuristicFusionHead`` of mmdetection for COCO's 133 classes; for
              n classes, pass ``void=n, stuff_ignore=(n,)``;
            - "mask2former": ``panoptic_inference`` of Mask2Former, as configured for COCO;
            - "mmdet-maskformer": ``MaskFormerFusionHead`` of mmdetection for COCO's 133 classes;
              for n classes, pass ``void=n``. ``filter_low_score=True`` there is
              ``assign_all_won=False`` here;
            - "huggingface": ``compute_segments`` of DETR, MaskFormer, Mask2Former and OneFormer in
              transformers, where an id may be assigned twice;
            - "huggingface-fixed": as "huggingface", but with unique ids and one entry per segment;
            - "eomt": ``compute_segments`` of EoMT in transformers;
            - "huggingface-instance": ``post_process_instance_segmentation`` of transformers;
            - "panoptic-deeplab": ``merge_semantic_and_instance`` of Panoptic-DeepLab, as configured
              for Cityscapes;
            - "overlap-targets": ``polygons2masks_overlap`` of Ultralytics, used for training.
        **changes
            Fields of :class:`PanopticRules` to replace.

        Returns
        -------
        PanopticRules
            Rules of the preset with `changes` applied.

        Raises
        ------
        ValueError
            If there is no preset of this name, or a changed field is invalid.
        TypeError
            If a changed field does not exist or has the wrong type.
        """
        if name not in PRESETS:
            raise ValueError(f"rules: expected one of {', '.join(PRESETS)}, got {described(name)}")
        return replace(PRESETS[name], **changes) if changes else PRESETS[name]


@cache
def _hints() -> dict[str, Any]:
    """Return the type hint of each field, keyed by its name."""
    return get_type_hints(PanopticRules)


def _checked(value: Any, hint: Any, name: str) -> Any:
    """Validate the value of a field against its type hint and return it as a built-in type."""
    choices = get_args(hint)
    if value is None and type(None) in choices:
        return None
    if type(None) in choices:
        [hint] = [choice for choice in choices if choice is not type(None)]
    if hint is bool:
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name}: expected a bool, got {described(value)}")
        return bool(value)
    if hint is int:
        return as_integer(value, name)
    if hint is float:
        return as_number(value, name)
    if hint == tuple[int, ...]:
        if not isinstance(value, (tuple, list, set, frozenset, range)):
            raise TypeError(f"{name}: expected a tuple of integers, got {described(value)}")
        return tuple(as_integer(element, name) for element in value)
    if value not in choices:
        raise ValueError(f"{name}: expected one of {choices}, got {described(value)}")
    return value


def _presets() -> Mapping[str, PanopticRules]:
    detectron2 = PanopticRules(
        score_threshold=0.5, max_taken=0.5, stuff_area=4096, stuff_ignore=(0,)
    )
    mask2former = PanopticRules(
        winner="argmax",
        order="input",
        score_threshold=0.8,
        score_strict=True,
        score_dtype="float32",
        min_won=0.8,
        keep_hidden=False,
    )
    huggingface = replace(
        mask2former,
        score_threshold=0.5,
        weighted_confidence=True,
        assign_all_won=True,
        min_won_strict=True,
        share_dtype="float32 ratio",
        relist_fused=True,
        reuse_ids=True,
        void_if_no_query=-1,
    )
    return MappingProxyType(
        {
            "panopticapi": replace(detectron2, stuff_ignore=(), relist_fused=True),
            "detectron2": detectron2,
            "mmdet-heuristic": PanopticRules(
                max_taken=0.5,
                share_dtype="float32",
                share_epsilon=1e-5,
                keep_hidden=False,
                stuff_area=4096,
                stuff_ignore=(133,),
                ids="class + count * divisor",
                void=133,
            ),
            "mask2former": mask2former,
            "mmdet-maskformer": replace(
                mask2former,
                assign_all_won=True,
                keep_hidden=True,
                ids="class + count * divisor",
                void=133,
            ),
            "huggingface": huggingface,
            "huggingface-fixed": replace(huggingface, relist_fused=False, reuse_ids=False),
            "eomt": replace(
                mask2former,
                min_won_strict=True,
                share_dtype="float32 ratio",
                first=0,
                void=-1,
                dtype="int64",
            ),
            "huggingface-instance": PanopticRules(
                winner="last", order="input", score_threshold=0.5, first=0, void=-1
            ),
            "panoptic-deeplab": PanopticRules(
                order="input",
                keep_hidden=False,
                vote=True,
                stuff_area=2048,
                ids="class * divisor + count",
                void=255_000,
                dtype="int64",
            ),
            "overlap-targets": PanopticRules(winner="last", order="area", keep_empty=True),
        }
    )


PRESETS: Mapping[str, PanopticRules] = _presets()
"""Rules of other libraries, keyed by name; see :meth:`PanopticRules.preset`."""
