"""Compose instances and stuff into a panoptic map."""

from __future__ import annotations

from collections.abc import Iterable

from numpy.typing import ArrayLike

from segcore._input.arrays import as_integer, as_integers, as_size
from segcore._input.scores import check_side
from segcore.maps.panoptic.inputs import Instances, Stuff, as_probabilities
from segcore.maps.panoptic.of_masks import compose_masks
from segcore.maps.panoptic.of_queries import compose_queries
from segcore.maps.panoptic.result import Panoptic
from segcore.maps.panoptic.rules import PanopticRules
from segcore.masks import Masks


def compose_panoptic(
    masks: Masks | ArrayLike,
    class_ids: ArrayLike | None,
    scores: ArrayLike | None = None,
    *,
    stuff: ArrayLike | tuple[Masks, ArrayLike] | None = None,
    things: Iterable[int] | None = None,
    no_object: int | None = None,
    size: Iterable[int] | None = None,
    rules: str | PanopticRules = "panopticapi",
) -> Panoptic:
    """Compose instances and stuff into a panoptic segmentation.

    Parameters
    ----------
    masks : Masks or array_like
        N instances of size (H, W), which may overlap. For rules with ``winner="argmax"``: an array
        of the mask probabilities of N queries (after the sigmoid), shape (N, h, w), converted to
        float32.
    class_ids : array_like or None
        Class id of each mask: integers, shape (N,). None for rules with ``vote=True``, such as
        "panoptic-deeplab", which take the classes from the semantic map in `stuff`.
    scores : array_like, optional
        Score of each mask, shape (N,). Required if the rules have a `score_threshold`,
        ``order="score"`` or ``winner="argmax"``, as those of most presets.
    stuff : array_like or tuple, optional
        Stuff, which fills the pixels without an instance. Either a semantic map (integers, shape
        (H, W)), where the pixels of each label, including 0, are one stuff region; regions are
        processed in ascending order of the labels. Or a tuple (`Masks`, class ids) of stuff masks,
        those of highest priority first. Not allowed with ``winner="argmax"``.
    things : iterable of int, optional
        Ids of the thing classes. Regions of `stuff` with a thing class are ignored. With
        ``winner="argmax"``, queries of all other classes are stuff. By default, no region of
        `stuff` is ignored, and all queries are things.
    no_object : int, optional
        Class id of "no object". Instances of this class are dropped.
    size : sequence of int, optional
        Image size (H, W) to which the probabilities are resized bilinearly, as in
        :func:`upsample_masks`. Defaults to (h, w). Only allowed with probabilities.
    rules : str or PanopticRules, default "panopticapi"
        Compositing rules, or the name of a preset (see :meth:`PanopticRules.preset`).

    Returns
    -------
    Panoptic
        Disjoint masks of the K segments (`masks`), a list of dicts with their properties
        (`segments`), the instances and stuff that were dropped (`dropped`), and the panoptic map of
        segment ids (`labels`).

    Raises
    ------
    ValueError
        If `class_ids` or `scores` does not have shape (N,), or the image sizes differ; if an
        argument that the rules require is missing, or one that they do not use is given; if a score
        is NaN; or if a segment id does not fit the dtype of the rules or is not unique with their
        divisor.
    TypeError
        If a dtype is not numeric (or not an integer dtype, for class ids), `masks` is an array but
        the rules require a `Masks`, or `masks` is a `Masks` but the rules require probabilities.

    Notes
    -----
    With a preset, the map equals that of the library bit for bit, for masks and for probabilities
    at the size of the image. If probabilities are resized, they are multiplied by the score before
    interpolation instead of after it, so pixels at which two queries differ by less than 1e-6 may
    be assigned differently. Equal scores keep their input order, even where the sort of a library
    is unstable.

    Overlaps are resolved without decoding the masks. The (H, W) panoptic map is computed only when
    `labels` is accessed. With ``winner="argmax"``, one more (H, W) map is allocated temporarily.

    Examples
    --------
    >>> import segcore as sc
    >>> masks = sc.Masks.from_boxes([[0, 0, 3, 2], [2, 0, 5, 2], [0, 0, 3, 1]], (2, 6))
    >>> result = sc.compose_panoptic(
    ...     masks, [1, 1, 2], [0.9, 0.8, 0.7], stuff=[[7] * 6] * 2,
    ...     rules=sc.PanopticRules.preset("detectron2", stuff_area=2),
    ... )
    >>> result.labels
    array([[1, 1, 1, 2, 2, 3],
           [1, 1, 1, 2, 2, 3]], dtype=int32)
    >>> [(segment["id"], segment["category_id"], segment["area"]) for segment in result.segments]
    [(1, 1, 6), (2, 1, 4), (3, 7, 2)]
    >>> [(candidate["source"], candidate["reason"]) for candidate in result.dropped]
    [(2, 'overlap')]
    """
    if not isinstance(rules, PanopticRules):
        rules = PanopticRules.preset(rules)
    thing_classes = None if things is None else as_integers(list(things), "things")
    no_object_id = None if no_object is None else as_integer(no_object, "no_object")
    if rules.winner == "argmax":
        if isinstance(masks, Masks):
            raise TypeError(
                "masks: expected probabilities (N, h, w) for these rules, got Masks; use rules for "
                'Masks, such as "panopticapi" or "detectron2"'
            )
        if stuff is not None:
            raise ValueError(
                "stuff: not used by these rules, where queries of classes not in things are stuff"
            )
        probabilities = as_probabilities(masks)
        image_size = as_size(probabilities.shape[1:] if size is None else size)
        check_side("size", *image_size)
        instances = Instances.of(len(probabilities), class_ids, scores, no_object_id, rules)
        return compose_queries(probabilities, instances, image_size, thing_classes, rules)
    if not isinstance(masks, Masks):
        raise TypeError(
            "masks: expected Masks for these rules; create them with Masks.from_dense or "
            'upsample_masks, or use rules for probabilities, such as "mask2former"'
        )
    if size is not None:
        raise ValueError("size: only used with probabilities; Masks have their own size")
    instances = Instances.of(len(masks), class_ids, scores, no_object_id, rules)
    return compose_masks(masks, instances, Stuff.of(stuff, masks, thing_classes, rules), rules)
