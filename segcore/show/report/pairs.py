"""Images of a truth, paired with predictions for images of the same names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from segcore.data._fields import Id
from segcore.data._photographs import Photographs
from segcore.data._problems import DataError
from segcore.data._sources import Source, SourceImage
from segcore.show.report.objects import Class, Objects, PageImage


class ImagePairs:
    """Images of a truth, each with its predictions.

    Parameters
    ----------
    truth : Source
        The true objects.
    prediction : Source, optional
        The predicted objects. Images that it lacks have no predictions.
    options : dict, optional
        Keyword arguments of :func:`segcore.diagnose`.
    only_predicted : bool, default False
        Whether to leave out images without predictions.

    Attributes
    ----------
    classes : list of Class
        The classes of both sources.
    unpredicted : int
        Number of images without predictions.
    unpredicted_objects : int
        Number of true objects in these images.
    left_out : int
        Number of these images that are left out.
    unknown : int
        Number of predicted images that the truth lacks.
    crowds : int
        Number of true crowd regions, which are not judged.
    empty : tuple of int
        Number of true and of predicted masks without pixels, except crowds.
    below_score : int
        Number of predictions below the score threshold in the images yielded so far.
    """

    def __init__(
        self,
        truth: Source,
        prediction: Source | None,
        options: dict[str, Any] | None = None,
        only_predicted: bool = False,
    ) -> None:
        self.compared = prediction is not None
        self._options = options or {}
        categories = {**(prediction.categories if prediction else {}), **truth.categories}
        keys = sorted(categories, key=_numbers_first)
        self.classes = [
            Class(categories[key].name, categories[key].isthing is not False) for key in keys
        ]
        self._class_index = {key: i for i, key in enumerate(keys)}
        self._predicted = _match_by_name(truth, prediction) if prediction else {}
        if prediction and truth.images and not self._predicted:
            raise DataError(
                f"{prediction.path}: it has none of the images of {truth.path}; they are matched "
                "by their file names"
            )
        self.unknown = len(prediction.images) - len(self._predicted) if prediction else 0
        self._images = list(enumerate(truth.images))
        unpredicted = [image for i, image in self._images if prediction and not self._count(i)]
        self.unpredicted = len(unpredicted)
        self.unpredicted_objects = sum(len(image.masks) for image in unpredicted)
        self.left_out = self.unpredicted if only_predicted else 0
        if only_predicted:
            self._images = [(i, image) for i, image in self._images if self._count(i)]
        true = [image for _, image in self._images]
        predicted = [self._predicted[i] for i, _ in self._images if i in self._predicted]
        self.crowds = sum(int(image.crowd.sum()) for image in true if image.crowd is not None)
        self.empty = (sum(map(_count_empty, true)), sum(map(_count_empty, predicted)))
        self.below_score = 0

    def __len__(self) -> int:
        return len(self._images)

    def _count(self, index: int) -> int:
        predicted = self._predicted.get(index)
        return len(predicted.masks) if predicted else 0

    def images(self, photographs: Photographs | None = None) -> Iterator[PageImage]:
        """Yield the images in the order of the truth, with photographs if given.

        Raises
        ------
        DataError
            If the sizes of an image differ, or its predictions have no scores to be thresholded.
        """
        for index, true in self._images:
            prediction, options = None, self._options
            if self.compared:
                predicted = self._predicted.get(index)
                prediction, options = self._prediction(true, predicted)
            photograph = photographs and photographs.read(true.name, true.masks.size)
            truth = self._objects(true)
            image = PageImage(true.name, truth, prediction, photograph or None, options)
            if image.diagnosis is not None:
                self.below_score += len(image.diagnosis.below_threshold)
            yield image

    def _prediction(
        self, true: SourceImage, predicted: SourceImage | None
    ) -> tuple[Objects, dict[str, Any]]:
        """Return the predictions for an image, and the options of its diagnosis."""
        if predicted is None or not len(predicted.masks):
            options = {**self._options, "score_threshold": None}
            return Objects(true.masks[:0], np.zeros(0, np.int64), []), options
        if predicted.masks.size != true.masks.size:
            sizes = f"{predicted.masks.size}, and the true ones {true.masks.size}"
            raise DataError(f"image {true.name}: its predicted masks have the size {sizes}")
        if predicted.scores is None and self._options.get("score_threshold") is not None:
            raise DataError(f"--score: the predictions of image {true.name} have no scores")
        return self._objects(predicted), self._options

    def _objects(self, image: SourceImage) -> Objects:
        classes = np.array([self._class_index[key] for key in image.categories], np.int64)
        return Objects(image.masks, classes, image.ids, image.scores, image.crowd)


def _match_by_name(truth: Source, prediction: Source) -> dict[int, SourceImage]:
    """Return the predicted image of true images, by the index of these.

    Images with the same name are matched first, then those whose names differ in the suffix alone,
    unless that is ambiguous.
    """
    for source in (truth, prediction):
        counts = Counter(image.name for image in source.images)
        if duplicate := next((name for name, count in counts.items() if count > 1), None):
            raise DataError(
                f"{source.path}: several images are called {duplicate}; they are matched by name"
            )
    by_name = {image.name: image for image in prediction.images}
    matches = {
        i: by_name.pop(image.name) for i, image in enumerate(truth.images) if image.name in by_name
    }
    rest = [i for i in range(len(truth.images)) if i not in matches]
    true_paths = Counter(truth.images[i].map_path for i in rest)
    paths = Counter(image.map_path for image in by_name.values())
    by_path = {image.map_path: image for image in by_name.values() if paths[image.map_path] == 1}
    for i in rest:
        path = truth.images[i].map_path
        if true_paths[path] == 1 and path in by_path:
            matches[i] = by_path[path]
    return matches


def _count_empty(image: SourceImage) -> int:
    """Return the number of masks without pixels, except crowds."""
    empty = image.masks.area == 0
    return int((empty if image.crowd is None else empty & ~image.crowd).sum())


def _numbers_first(key: Id) -> tuple[bool, Id]:
    return isinstance(key, str), key
