"""The base class of detection metrics: settings, and images that are added only once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segcore._input.arrays import as_array, as_boxes, as_fraction, described
from segcore._text import counted
from segcore.masks import Masks, check_masks
from segcore.metrics.matching import FoundObjects, ImageClasses, TrueObjects


class DetectionMetric(ABC):
    """A metric of detections that accumulates images.

    The arguments of the constructor are attributes of the same names; all others are private.

    Attributes
    ----------
    iou : str
        What detections are compared by: masks, boxes or boundaries.
    protocol : str
        Rules of the evaluation: ``"coco"`` or ``"lvis"``.
    box_format : str
        Format of boxes: ``"xyxy"`` or ``"xywh"``.
    dilation_ratio : float
        Width of boundaries; see :func:`segcore.boundary_iou`.
    """

    def __init__(self, iou: str, protocol: str, box_format: str, dilation_ratio: float) -> None:
        self.iou = _choice(iou, "iou", ("mask", "box", "boundary"))
        self.protocol = _choice(protocol, "protocol", ("coco", "lvis"))
        self.box_format = _choice(box_format, "box_format", ("xyxy", "xywh"))
        self.dilation_ratio = as_fraction(dilation_ratio, "dilation_ratio")
        self._images: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self._images)

    @abstractmethod
    def add(
        self,
        image_ids: Sequence[Any],
        true: TrueObjects,
        found: FoundObjects,
        *,
        sizes: NDArray[np.int64] | None = None,
        negative: ImageClasses | None = None,
        incomplete: ImageClasses | None = None,
    ) -> None:
        """Match the detections of several images, in columns, and add the results.

        ``update`` validates the objects of an image and calls this method, and so does
        :func:`segcore.data.evaluate` for many images.

        Parameters
        ----------
        image_ids : sequence of int or str
            Ids of K images.
        true, found : TrueObjects, FoundObjects
            The true objects and the detections of all images, as ``segcore.metrics.matching``
            defines them.
        sizes : numpy.ndarray, optional
            Index of the size of each image, ascending: int64, shape (K,). By default, all
            images have the same size.
        negative, incomplete : tuple of numpy.ndarray, optional
            For LVIS: indices of images, and ids of classes in them; see ``update``.

        Raises
        ------
        ValueError
            If an image was added before, or there are crowds although LVIS has none. The
            accumulator is then unchanged.
        TypeError
            If an image id is neither an integer nor a string.
        """

    def empty(self) -> Self:
        """Return an accumulator with the same settings and without images.

        Examples
        --------
        >>> import segcore as sc
        >>> ap = sc.metrics.AveragePrecision("boundary", dilation_ratio=0.01)
        >>> ap.empty().iou, ap.empty().dilation_ratio, len(ap.empty())
        ('boundary', 0.01, 0)
        """
        return type(self)(**self._settings())

    def merge(self, other: Self) -> None:
        """Add the images of another accumulator with the same settings.

        The result is the same for any order of merging, and as if all images had been added to one
        accumulator.

        Parameters
        ----------
        other : DetectionMetric
            Accumulator of the same type, with other images.

        Raises
        ------
        ValueError
            If the settings differ, or an image is in both. The accumulator is then unchanged.
        TypeError
            If `other` has another type.
        """
        if not isinstance(other, type(self)):
            raise TypeError(f"expected {type(self).__name__}, got {described(other)}")
        settings = self._settings()
        for name, value in other._settings().items():
            if not np.array_equal(value, settings[name]):
                raise ValueError(f"{name}: expected {settings[name]}, got {value}")
        common = self._images.keys() & other._images.keys()
        if common:
            raise ValueError(
                f"expected disjoint images, but image {next(iter(common))!r} is in both (of "
                f"{counted(len(common), 'such image')}); pass image_id to update"
            )
        self._add_images(other)

    def __iadd__(self, other: Self) -> Self:
        """Add the images of `other`; see :meth:`merge`."""
        self.merge(other)
        return self

    def __add__(self, other: Self) -> Self:
        """Return an accumulator with the images of both; see :meth:`merge`."""
        if not isinstance(other, type(self)):
            return NotImplemented
        total = self.empty()
        total.merge(self)
        total.merge(other)
        return total

    @abstractmethod
    def _add_images(self, other: Self) -> None:
        """Add the images of an accumulator that can be merged."""

    def _settings(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def _check_images(self, image_ids: Sequence[Any], crowd: NDArray[np.bool_]) -> None:
        """Refuse images that were added before, and crowds by the rules of LVIS."""
        seen: set[Any] = set()
        for image_id in image_ids:
            if isinstance(image_id, bool) or not isinstance(image_id, (int, np.integer, str)):
                raise TypeError(
                    f"image_id: expected an integer or a string, got {described(image_id)}"
                )
            if image_id in self._images or image_id in seen:
                raise ValueError(f"image_id: image {image_id!r} was added before")
            seen.add(image_id)
        if self.protocol == "lvis" and crowd.any():
            raise ValueError("crowd: expected none, as LVIS has no crowds")

    def _shapes(self, shapes: Any, name: str) -> Any:
        """Return `Masks`, or boxes as x, y, width, height, as the metric compares them."""
        if self.iou != "box":
            check_masks(shapes, name)
            return shapes
        if isinstance(shapes, Masks):
            raise TypeError(f'{name}: expected boxes for iou="box", got Masks')
        return self._boxes(shapes, name)

    def _boxes(self, boxes: ArrayLike, name: str) -> NDArray[np.float64]:
        """Return boxes as x, y, width, height."""
        if self.box_format == "xyxy":
            corners = as_boxes(boxes)
            return np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        array = as_array(boxes, name)
        array = np.ascontiguousarray(array if array.size else array.reshape(-1, 4), np.float64)
        if array.ndim != 2 or array.shape[1] != 4:
            raise ValueError(f"{name}: expected boxes of shape (N, 4), got {array.shape}")
        return array


def check_both_classes(truth_classes: object, prediction_classes: object) -> None:
    """Raise ValueError if only one of truth and prediction has classes: none would match."""
    if (truth_classes is None) != (prediction_classes is None):
        raise ValueError("truth_classes, prediction_classes: expected both or neither")


def _choice(value: str, name: str, choices: tuple[str, ...]) -> str:
    """Return a value that must be one of the choices."""
    if value not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        raise ValueError(f"{name}: expected one of {listed}, got {value!r}")
    return value
