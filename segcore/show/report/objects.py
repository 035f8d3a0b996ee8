"""The content of a page: images with true and predicted objects, and their classes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore._text import visible
from segcore.data.dataset import Sample
from segcore.diagnosis import Diagnosis, ImageMasks, diagnose_images
from segcore.masks import Masks


@dataclass(frozen=True)
class Class:
    """A class. ``thing`` is False for stuff, whose objects are not counted."""

    name: str
    thing: bool = True


@dataclass(frozen=True)
class Objects:
    """The true or predicted objects of an image.

    Parameters
    ----------
    masks : Masks
        N masks.
    classes : numpy.ndarray
        Index of each object's class in the page's classes: integers, shape (N,).
    ids : list
        N numbers or texts that name the objects.
    scores : numpy.ndarray, optional
        Scores, shape (N,). Objects with higher scores are drawn on top. Without scores, later
        objects are drawn on top of earlier ones.
    crowd : numpy.ndarray, optional
        Whether an object is a crowd region: bool, shape (N,). Crowds are drawn below all others.
    boxes : numpy.ndarray, optional
        Boxes x, y, width, height, shape (N, 4). The masks are then the pixels of the boxes.
    """

    masks: Masks
    classes: NDArray[np.integer]
    ids: list[int | str]
    scores: NDArray[np.floating] | None = None
    crowd: NDArray[np.bool_] | None = None
    boxes: NDArray[np.float64] | None = None

    @classmethod
    def from_sample(cls, sample: Sample) -> Objects:
        """Return the annotations of an image of a data set.

        Parameters
        ----------
        sample : segcore.data.Sample
            The image. Its scores are used if all of its annotations have one.

        Returns
        -------
        Objects
            The objects. Their classes are the rows of their categories in the data set.

        Raises
        ------
        ValueError
            If an annotation has no category.
        MaskError
            If an annotation has no valid mask.
        """
        if (sample.categories < 0).any():
            first = int(np.flatnonzero(sample.categories < 0)[0])
            raise ValueError(f"{sample.name_of(first)}: expected a category, got none")
        scores = sample.scores
        known = None if np.isnan(scores).any() else scores
        ids = sample.ids.tolist()
        return cls(sample.masks, sample.categories, ids, known, sample.iscrowd)

    def order(self) -> NDArray[np.intp]:
        """Return the indices of the objects in painting order, the topmost one last."""
        indices = np.arange(len(self.masks))
        # The last key has precedence. Among equal scores, the first object is on top.
        keys: list[NDArray[Any]] = [indices] if self.scores is None else [-indices, self.scores]
        if self.crowd is not None:
            keys.append(~self.crowd)
        return np.lexsort(keys)

    def painted(self) -> Objects:
        """Return the objects in painting order."""
        order = self.order()
        return Objects(
            self.masks[order],
            self.classes[order],
            [self.ids[i] for i in order],
            None if self.scores is None else self.scores[order],
            None if self.crowd is None else self.crowd[order],
            None if self.boxes is None else self.boxes[order],
        )


@dataclass(frozen=True)
class KnownClasses:
    """Classes that are known to be absent from an image, or incomplete in it, as in LVIS.

    Parameters
    ----------
    negative : numpy.ndarray
        Indices of classes that are known to be absent.
    incomplete : numpy.ndarray
        Indices of classes of which not all objects are annotated.
    """

    negative: NDArray[np.integer]
    incomplete: NDArray[np.integer]

    def judged(self, truth: Objects, prediction: Objects) -> NDArray[np.bool_]:
        """Return which predictions are wrong if they match no object: bool, shape (M,)."""
        present = np.concatenate([truth.classes[truth.masks.area > 0], self.negative])
        is_known = np.isin(prediction.classes, present)
        judged: NDArray[np.bool_] = is_known & ~np.isin(prediction.classes, self.incomplete)
        return judged


@dataclass(frozen=True)
class PageImage:
    """An image of a page.

    Parameters
    ----------
    name : str
        Name of the image, such as its file name.
    truth : Objects
        The true objects.
    prediction : Objects, optional
        The predicted objects.
    photograph : bytes, optional
        A JPEG, PNG or WebP file. It is shown below the masks, scaled to their size.
    options : dict
        Keyword arguments of :func:`segcore.diagnose`. Predictions below ``score_threshold`` are not
        shown.
    known : KnownClasses, optional
        Known classes, for images in which not all classes are annotated (LVIS): they decide which
        unmatched predictions are judged. By default, all are.
    """

    name: str
    truth: Objects
    prediction: Objects | None = None
    photograph: bytes | None = None
    options: dict[str, Any] = field(default_factory=dict)
    known: KnownClasses | None = None

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """The diagnosis of the prediction; None without a prediction."""
        if self.prediction is None:
            return None
        [diagnosis] = diagnose_images([self.masks], **self.options)
        return diagnosis

    @property
    def masks(self) -> ImageMasks:
        """The masks to diagnose; requires a prediction."""
        truth, prediction = self.truth, self.prediction
        assert prediction is not None
        return ImageMasks(
            truth.masks,
            prediction.masks,
            truth.classes,
            prediction.classes,
            truth.crowd,
            prediction.scores,
            None if self.known is None else self.known.judged(truth, prediction),
        )


def diagnose_together(images: Iterable[PageImage]) -> None:
    """Compute the diagnoses of several images together, which is faster than one by one."""
    parts: dict[str, list[PageImage]] = {}
    for image in images:
        if image.prediction is not None:
            parts.setdefault(repr(image.options), []).append(image)
    for part in parts.values():
        found = diagnose_images([image.masks for image in part], **part[0].options)
        for image, diagnosis in zip(part, found, strict=True):
            image.__dict__["diagnosis"] = diagnosis  # the cached property


def shown_id(key: int | str) -> int | str:
    """Return an id as the page shows it: text where JavaScript cannot hold the integer."""
    if isinstance(key, str):
        return visible(key)
    return key if abs(key) < 2**53 else str(key)
