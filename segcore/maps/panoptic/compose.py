"""Instances and stuff to one panoptic map, by anyone's rules."""

from __future__ import annotations

from collections.abc import Iterable

from numpy.typing import ArrayLike

from segcore._input.arrays import as_integer, as_integers, as_size
from segcore._input.scores import check_side
from segcore.maps.panoptic.inputs import Instances, Stuff, probabilities_of
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
    """Decide which instance, or which stuff, each pixel belongs to.

    Parameters
    ----------
    masks : Masks or array_like
        N instances of size (H, W), which may overlap. For rules with the winner "argmax": the
        probabilities (N, h, w) of N queries, taken as float32, as ``sigmoid`` gives them.
    class_ids : array_like, optional
        Integers (N,). None for rules with a vote, such as "panoptic-deeplab": then ``stuff`` is a
        semantic map, and says the class.
    scores : array_like, optional
        Numbers (N,). Rules that compare or order them, or have the winner "argmax", need them.
    stuff : array_like or tuple, optional
        What lies where no instance is: a semantic map, integers (H, W), each of whose labels is
        one segment, in ascending order; or a pair (Masks, class ids), taken in this order. Not for
        the winner "argmax", where queries are things or stuff.
    things : iterable of int, optional
        The classes of things. What is in ``stuff`` with such a class is left out; of queries, all
        others are stuff, which is fused. Without it, there are none in ``stuff``, and all queries
        are things.
    no_object : int, optional
        The class of queries that show nothing. They are dropped.
    size : sequence of int, optional
        (H, W) that probabilities are enlarged to, bilinearly, as in :func:`upsample_masks`. By
        default, they are of the picture's size.
    rules : str or PanopticRules
        What decides: the name of a preset (see :meth:`PanopticRules.preset`), or rules of one's
        own.

    Returns
    -------
    Panoptic
        Its ``segments`` say what became of everything, its ``masks`` share no pixel, and its
        ``labels`` are the map of ids.

    Raises
    ------
    ValueError
        If lengths or sizes do not match, something that the rules need is missing, something that
        they do not use is given, a score is NaN, an id does not fit into the rules' dtype, or the
        rules' divisor does not keep ids apart.
    TypeError
        If there are other things than integers and numbers, or masks where the rules ask for
        probabilities, or the other way round.

    Notes
    -----
    With presets, the map is that of the library, to the last bit, for masks, and for probabilities
    of the picture's size. Where they are enlarged, the score is multiplied before it is
    interpolated: pixels whose values lie within 1e-6 of each other may go to the other.
    Where a library sorts scores in an unstable way, equal ones stay in order here.

    Masks are resolved as run ends. The map of ids, (H, W), is not made before it is read, but
    queries need one for their winners.

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
    >>> [(each["id"], each["category_id"], each["area"]) for each in result.segments]
    [(1, 1, 6), (2, 1, 4), (3, 7, 2)]
    >>> [(each["source"], each["reason"]) for each in result.dropped]
    [(2, 'overlap')]
    """
    if not isinstance(rules, PanopticRules):
        rules = PanopticRules.preset(rules)
    kinds = None if things is None else as_integers(list(things), "things")
    nothing = None if no_object is None else as_integer(no_object, "no_object")
    if rules.winner == "argmax":
        if isinstance(masks, Masks):
            raise TypeError(
                "masks: these rules compare probabilities (N, h, w); for Masks, use such as "
                '"panopticapi" or "detectron2"'
            )
        if stuff is not None:
            raise ValueError("stuff: among queries it is those whose class is not in things")
        queries = probabilities_of(masks)
        common = as_size(queries.shape[1:] if size is None else size)
        check_side("size", *common)
        instances = Instances.of(len(queries), class_ids, scores, nothing, rules)
        return compose_queries(queries, instances, common, kinds, rules)
    if not isinstance(masks, Masks):
        raise TypeError(
            "masks: these rules take Masks; make them with Masks.from_dense or upsample_masks, or "
            'use rules for probabilities, such as "mask2former"'
        )
    if size is not None:
        raise ValueError("size: Masks have theirs; it is for probabilities")
    instances = Instances.of(len(masks), class_ids, scores, nothing, rules)
    return compose_masks(masks, instances, Stuff.of(stuff, masks, kinds, rules), rules)
