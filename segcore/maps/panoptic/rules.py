"""The rules by which instances and stuff become one panoptic map, and those of other libraries."""

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
Float = Literal["float32", "float64"]
Ids = Literal["count", "class + count * divisor", "class * divisor + count"]


@dataclass(frozen=True, kw_only=True)
class PanopticRules:
    """How :func:`segcore.compose_panoptic` decides.

    Instances are judged one after the other, then the stuff. Those of other libraries are had by
    name, ``PanopticRules.preset("detectron2")``, and one's own by changing a field.

    Parameters
    ----------
    winner : {"first", "last", "argmax"}
        Who gets a pixel that several instances cover: the first or the last in ``order``, or the
        query with the greatest score times probability there. With "first" and "last" instances are
        masks, with "argmax" they are soft masks.
    order : {"input", "score", "area"}
        In which order instances are judged, numbered and listed: as they come, from the highest
        score down, or from the largest area down, but empty ones first; equal ones as they come.
    score_threshold : float, optional
        The score that an instance must reach to be taken.
    score_above : bool
        It must be above the threshold: to reach it is not enough.
    score_dtype : {"float64", "float32"}
        In which precision scores are compared with it.
    mask_threshold : float
        From which probability on (``>=``, in float32) a query is confident of a pixel.
    weighted_confidence : bool
        Confidence is asked of the probability times the score.
    paint_won : bool
        A query gets all pixels that it wins, else those of which it is confident, too.
    max_taken : float, optional
        With the winner "first": an instance is dropped if a share of its area that is greater than
        this was taken by earlier ones.
    min_won : float, optional
        With the winner "argmax": a query is dropped if the pixels that it wins are fewer than this
        share of those of which it is confident.
    min_won_above : bool
        The share must be above that: to reach it is not enough.
    share_dtype : {"float64", "float32"}
        In which precision both shares are computed and compared. "float32 ratio": the division
        alone is in float32.
    share_epsilon : float
        What is added to the area before the division.
    keep_empty : bool
        Instances without pixels are listed, and count.
    keep_hidden : bool
        Instances of which nothing is seen are listed, and count.
    vote : bool
        The class of an instance is the one that most of its pixels have in the semantic map, among
        the classes of things; only pixels of these classes are painted.
    stuff_area : int
        Stuff is dropped where fewer pixels than this are left of it.
    stuff_ignore : tuple of int
        Labels of the semantic map that are no stuff.
    fuse_stuff : bool
        Stuff of one class becomes one segment.
    relist_fused : bool
        Each part of such a segment has an entry of its own, with its id.
    reuse_ids : bool
        After such a part, counting goes on from that segment's id, so that the next segment may
        get the id of another. (What Hugging Face's functions do.)
    ids : {"count", "class + count * divisor", "class * divisor + count"}
        What a segment's id is. In the last two, stuff counts as 0. In the last one, each class of
        things is counted by itself.
    first : int
        The first count.
    divisor : int
        By which class and count are told apart.
    void : int
        The id of pixels without a segment.
    void_if_none : int, optional
        The same, where there is no segment, because no query reached the threshold of scores.
    dtype : {"int32", "int64", "uint8", "uint16", "uint32"}
        Of the label map.

    Raises
    ------
    ValueError, TypeError
        For a value that is none of these.

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
    score_above: bool = False
    score_dtype: Float = "float64"
    mask_threshold: float = 0.5
    weighted_confidence: bool = False
    paint_won: bool = False
    max_taken: float | None = None
    min_won: float | None = None
    min_won_above: bool = False
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
    ids: Ids = "count"
    first: int = 1
    divisor: int = 1000
    void: int = 0
    void_if_none: int | None = None
    dtype: Literal["int32", "int64", "uint8", "uint16", "uint32"] = "int32"

    def __post_init__(self) -> None:
        for name, hint in _hints().items():
            object.__setattr__(self, name, _checked(getattr(self, name), hint, name))
        if self.max_taken is not None and self.winner != "first":
            raise ValueError(f'max_taken: it is for the winner "first", not "{self.winner}"')
        if self.min_won is not None and self.winner != "argmax":
            raise ValueError(f'min_won: it is for the winner "argmax", not "{self.winner}"')
        if self.vote and self.winner == "argmax":
            raise ValueError('vote: it is for masks, not for the winner "argmax"')
        for name, least in {"divisor": 1, "stuff_area": 0, "first": 0, "share_epsilon": 0}.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        for name in ("void", "void_if_none"):
            value = getattr(self, name)
            limits = np.iinfo(self.dtype)
            if value is not None and not limits.min <= value <= limits.max:
                raise ValueError(f"{name}: {value} does not fit into {self.dtype}")

    @classmethod
    def preset(cls, name: str, **changes: Any) -> PanopticRules:
        """Give the rules of another library.

        Parameters
        ----------
        name : str
            One of :data:`segcore.maps.panoptic.PRESETS`:

            - "panopticapi": ``combine_semantic_and_instance_predictions.py`` of the COCO API;
            - "detectron2": ``combine_semantic_and_instance_outputs`` of its Panoptic FPN;
            - "mmdet-heuristic": mmdetection's ``HeuristicFusionHead``, with COCO's 133 classes
              (``void`` is the number of classes);
            - "mask2former": ``panoptic_inference`` of Mask2Former, as set for COCO;
            - "mmdet-maskformer": mmdetection's ``MaskFormerFusionHead``, with COCO's 133 classes;
              where ``filter_low_score`` is set there, ``paint_won=False``;
            - "huggingface": ``compute_segments`` of DETR, MaskFormer, Mask2Former and OneFormer in
              transformers, as it is: ids may be used twice;
            - "huggingface-fixed": the same, but with an id for each segment, and an entry for each
              id;
            - "eomt": ``compute_segments`` of EoMT in transformers;
            - "huggingface-instance": ``post_process_instance_segmentation`` of transformers;
            - "panoptic-deeplab": ``merge_semantic_and_instance`` of Panoptic-DeepLab, as set for
              Cityscapes;
            - "overlap-targets": ``polygons2masks_overlap`` of Ultralytics, which training reads.
        **changes
            Fields that are to be others.

        Returns
        -------
        PanopticRules

        Raises
        ------
        ValueError
            If there is no preset of that name.
        """
        if name not in PRESETS:
            raise ValueError(f"rules: expected one of {', '.join(PRESETS)}, got {described(name)}")
        return replace(PRESETS[name], **changes) if changes else PRESETS[name]


@cache
def _hints() -> dict[str, Any]:
    """Give the type of each field."""
    return get_type_hints(PanopticRules)


def _checked(value: Any, hint: Any, name: str) -> Any:
    """Check a field's value by its type, and give it as Python's own."""
    choices = get_args(hint)
    if value is None and type(None) in choices:
        return None
    if type(None) in choices:
        [hint] = [each for each in choices if each is not type(None)]
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
            raise TypeError(f"{name}: expected integers, got {described(value)}")
        return tuple(as_integer(each, name) for each in value)
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
        score_above=True,
        score_dtype="float32",
        min_won=0.8,
        keep_hidden=False,
    )
    huggingface = replace(
        mask2former,
        score_threshold=0.5,
        weighted_confidence=True,
        paint_won=True,
        min_won_above=True,
        share_dtype="float32 ratio",
        relist_fused=True,
        reuse_ids=True,
        void_if_none=-1,
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
                paint_won=True,
                keep_hidden=True,
                ids="class + count * divisor",
                void=133,
            ),
            "huggingface": huggingface,
            "huggingface-fixed": replace(huggingface, relist_fused=False, reuse_ids=False),
            "eomt": replace(
                mask2former,
                min_won_above=True,
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
"""The rules of other libraries, by name: see :meth:`PanopticRules.preset`."""
