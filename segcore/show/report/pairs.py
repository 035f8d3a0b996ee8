"""Images of a truth, paired with predictions for images of the same names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.fields import Id
from segcore.data.errors import DatasetError
from segcore.data.files.photographs import Photographs
from segcore.data.files.read_ahead import read_ahead
from segcore.data.per_image.instance_set import (
    DatasetImage,
    Instances,
    InstanceSet,
    category_keys,
    match_images,
)
from segcore.data.problems import Problems
from segcore.show.report.objects import Class, Objects, PageImage


class ImagePairs:
    """Images of a truth, each with its predictions. They are read when they are asked for.

    Parameters
    ----------
    truth : InstanceSet
        The true objects.
    prediction : InstanceSet or None
        The predicted objects. Images that it lacks have no predictions.
    problems : Problems
        Receives a message per invalid annotation.
    options : dict, optional
        Keyword arguments of :func:`segcore.diagnose`.
    only_predicted : bool, default False
        Whether to leave out images without predictions.

    Attributes
    ----------
    classes : list of Class
        The classes of both sources.
    total : int
        Number of images of the truth.
    unknown : int
        Number of predicted images that the truth lacks.
    shown : int
        Number of images yielded so far. The other numbers are those of these images, too.
    unpredicted : int
        Number of images without predictions, those that are left out included.
    unpredicted_objects : int
        Number of true objects in these images.
    left_out : int
        Number of these images that are left out.
    crowds : int
        Number of true crowd regions, which are not judged.
    empty : tuple of int
        Number of true and of predicted masks without pixels, except crowds.
    below_score : int
        Number of predictions below the score threshold.
    """

    def __init__(
        self,
        truth: InstanceSet,
        prediction: InstanceSet | None,
        problems: Problems,
        options: dict[str, Any] | None = None,
        only_predicted: bool = False,
    ) -> None:
        self.compared = prediction is not None
        self._sources = [truth, prediction] if prediction else [truth]
        self._problems = problems
        self._options = options or {}
        self._only_predicted = only_predicted
        keys_of = category_keys(truth, prediction)
        categories = {
            key: category
            for source, listed in reversed(list(zip(self._sources, keys_of, strict=True)))
            for key, category in zip(listed, source.categories, strict=True)
        }
        keys = sorted(categories, key=_numbers_first)
        self.classes = [
            Class(categories[key].name, categories[key].isthing is not False) for key in keys
        ]
        self._class_of = [np.array([0, *map(keys.index, listed)], np.int64) for listed in keys_of]
        self._truth = truth.images
        self._predicted = match_images(truth, prediction) if prediction else {}
        if prediction and truth.images and not self._predicted:
            raise DatasetError(
                prediction.path,
                f"it has none of the images of {truth.path}; they are matched by their file names",
            )
        self.unknown = len(prediction.images) - len(self._predicted) if prediction else 0
        known = {id(image) for image in self._predicted.values()}
        unknown = [i.name for i in prediction.images if id(i) not in known] if prediction else []
        self._first_unknown = unknown[0] if unknown else ""
        self._first_crowd = ""
        self.total = len(truth.images)
        self.shown = self.unpredicted = self.unpredicted_objects = self.left_out = 0
        self.crowds = self.below_score = 0
        self.empty = (0, 0)

    def images(self, photographs: Photographs | None = None) -> Iterator[PageImage]:
        """Yield the images in the order of the truth, with photographs if given.

        Raises
        ------
        DatasetError
            If an annotation is invalid, the sizes of an image differ, its predictions have no
            scores to be thresholded, or all annotations of a source were skipped.
        """
        used = np.zeros(2, np.int64)
        for index, instances in read_ahead(self._read, range(self.total)):
            for number, found in enumerate(instances):
                self._problems.add(found.problems)
                used[number] += len(found)
            image = self._image(self._truth[index], *instances, photographs=photographs)
            if image is not None:
                self.shown += 1
                yield image
        for source, number in zip(self._sources, used.tolist(), strict=False):
            is_read = source is self._sources[0] or not self.unknown
            listed = source.num_listed if is_read else 0
            self._problems.check_left(source.path, len(source.images), listed, number)
        if self.compared:
            self._count_left_out()

    def _count_left_out(self) -> None:
        """Count what is not compared."""
        leave_out = self._problems.leave_out
        leave_out(
            "crowd annotation",
            "not judged (iscrowd 1)",
            self.crowds,
            self._first_crowd,
            "--crowd-as-object judges them",
        )
        leave_out("predicted image", "that the truth lacks", self.unknown, self._first_unknown)
        leave_out(
            "prediction", "below the score", self.below_score, option="--score", is_asked=True
        )
        leave_out(
            "image",
            "without predictions",
            self.left_out,
            option="--only-predicted",
            is_asked=True,
        )

    def _read(self, index: int) -> list[Instances]:
        """Return the true instances of an image, and the predicted ones, if there are any."""
        found = [self._sources[0].read(self._truth[index])]
        if index in self._predicted:
            found.append(self._sources[1].read(self._predicted[index]))
        return found

    def _image(
        self,
        image: DatasetImage,
        true: Instances,
        predicted: Instances | None = None,
        *,
        photographs: Photographs | None,
    ) -> PageImage | None:
        """Return an image, or None if it is left out, and count what is in it."""
        prediction, options = None, self._options
        if self.compared and not (predicted and len(predicted)):
            self.unpredicted += 1
            self.unpredicted_objects += len(true)
            if self._only_predicted:
                self.left_out += 1
                return None
            options = {**self._options, "score_threshold": None}
            prediction = Objects(true.masks[:0], np.zeros(0, np.int64), [])
        elif predicted is not None:
            prediction = self._prediction(image, true, predicted)
        if true.iscrowd.any() and not self.crowds:
            first = true.ids[true.iscrowd.argmax()]
            self._first_crowd = f"annotation {first} of image {image.name}"
        self.crowds += int(true.iscrowd.sum())
        self.empty = self.empty[0] + _count_empty(true), self.empty[1] + _count_empty(predicted)
        photograph = photographs and photographs.read(image.name, true.masks.size)
        truth = _objects(true, self._class_of[0])
        shown = PageImage(image.name, truth, prediction, photograph or None, options)
        if shown.diagnosis is not None:
            self.below_score += len(shown.diagnosis.below_threshold)
        return shown

    def _prediction(self, image: DatasetImage, true: Instances, predicted: Instances) -> Objects:
        if predicted.masks.size != true.masks.size:
            sizes = f"{predicted.masks.size}, and the true ones {true.masks.size}"
            raise DatasetError(
                "", f"its predicted masks have the size {sizes}", f"image {image.name}"
            )
        objects = _objects(predicted, self._class_of[1])
        if objects.scores is None and self._options.get("score_threshold") is not None:
            raise DatasetError("", f"--score: the predictions of image {image.name} have no scores")
        return objects


def _objects(instances: Instances, class_of: NDArray[np.int64]) -> Objects:
    scores = None if np.isnan(instances.scores).any() else instances.scores
    return Objects(
        instances.masks,
        class_of[instances.category],
        instances.ids.tolist(),
        scores if len(instances) else None,
        instances.iscrowd,
    )


def _count_empty(instances: Instances | None) -> int:
    """Return the number of masks without pixels, except crowds."""
    if instances is None:
        return 0
    return int(((instances.masks.area == 0) & ~instances.iscrowd).sum())


def _numbers_first(key: Id) -> tuple[bool, Id]:
    return isinstance(key, str), key
