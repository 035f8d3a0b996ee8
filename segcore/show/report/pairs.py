"""Images of a truth, paired with predictions for images of the same names."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.fields import Id
from segcore.data.errors import DatasetError
from segcore.data.files.photographs import Photographs
from segcore.data.lvis import INCOMPLETE, NEGATIVE, listed_categories
from segcore.data.per_image.images import DatasetImage
from segcore.data.per_image.instance_set import (
    IMAGES,
    Instances,
    InstanceSet,
    category_keys,
    match_images,
    unknown_images,
)
from segcore.data.problems import Problems
from segcore.show.report.objects import (
    Class,
    KnownClasses,
    Objects,
    PageImage,
    diagnose_together,
)

PHOTOGRAPHS = 16
"""Number of images per part if they have photographs, which take much memory."""


@dataclass
class PairCounts:
    """Counts of some images.

    Attributes
    ----------
    shown : int
        Number of images that were not left out.
    unpredicted : int
        Number of images without predictions, including those that are left out.
    unpredicted_objects : int
        Number of true objects in these images.
    left_out : int
        Number of these images that are left out.
    crowds : int
        Number of true crowd regions, which are not judged.
    first_crowd : str
        Name of the first one.
    empty : numpy.ndarray
        Number of true and of predicted masks without pixels, except crowds.
    used : numpy.ndarray
        Number of true and of predicted annotations with usable masks.
    below_score : int
        Number of predictions below the score threshold.
    unjudged : int
        Number of unmatched predictions that are not judged, by the rules of LVIS.
    missing_photographs : int
        Number of images without a photograph.
    problems : Problems
        What is invalid, and what is left out of the images.
    """

    shown: int = 0
    unpredicted: int = 0
    unpredicted_objects: int = 0
    left_out: int = 0
    crowds: int = 0
    first_crowd: str = ""
    empty: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    used: NDArray[np.int64] = field(default_factory=lambda: np.zeros(2, np.int64))
    below_score: int = 0
    unjudged: int = 0
    missing_photographs: int = 0
    problems: Problems = field(default_factory=lambda: Problems(skip=True))

    def __iadd__(self, other: PairCounts) -> PairCounts:
        """Add the counts of the next images."""
        self.problems.add(other.problems)
        self.first_crowd = self.first_crowd or other.first_crowd
        for name, value in vars(other).items():
            if name not in ("problems", "first_crowd"):
                setattr(self, name, getattr(self, name) + value)
        return self


class ImagePairs:
    """Images of a truth, each with its predictions. They are read on demand.

    Parameters
    ----------
    truth : InstanceSet
        The true objects.
    prediction : InstanceSet or None
        The predicted objects. Images that it lacks have no predictions.
    problems : Problems
        Says whether photographs that cannot be used are skipped.
    options : dict, optional
        Keyword arguments of :func:`segcore.diagnose`.
    only_predicted : bool, default False
        Whether to leave out images without predictions.
    protocol : {"coco", "lvis"}
        With ``"lvis"``, unmatched predictions are judged only if the image has objects of their
        class or lists the class as absent, and does not list it as incomplete.
    with_boxes : bool, default False
        Whether masks are the pixels of the boxes in the data sets.

    Attributes
    ----------
    classes : list of Class
        The classes of both sources.
    compared : bool
        Whether there is a prediction.
    unknown : int
        Number of predicted images that the truth lacks.
    """

    def __init__(
        self,
        truth: InstanceSet,
        prediction: InstanceSet | None,
        problems: Problems,
        options: dict[str, Any] | None = None,
        only_predicted: bool = False,
        protocol: str = "coco",
        with_boxes: bool = False,
    ) -> None:
        self._is_lvis = protocol == "lvis"
        self._with_boxes = with_boxes
        self._skip = problems.skip
        self.compared = prediction is not None
        self._sources = [truth, prediction] if prediction else [truth]
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
        self._class_of_id = {c.id: int(self._class_of[0][c.index]) for c in truth.categories}
        self._predicted = np.full(len(truth.images), -1, np.int64)
        self.unknown, self._first_unknown = 0, ""
        if prediction:
            self._predicted = match_images(truth, prediction)
            self.unknown, self._first_unknown = unknown_images(prediction, self._predicted)
        if prediction and truth.images and (self._predicted < 0).all():
            raise DatasetError(
                prediction.path,
                f"it has none of the images of {truth.path}; they are matched by their file names",
            )
        self._indices: Sequence[int] = range(len(truth.images))

    def __len__(self) -> int:
        """Return the number of images of the truth."""
        return len(self._predicted)

    def parts(self, with_photographs: bool = False) -> list[ImagePairs]:
        """Return the pairs in parts of as many images as a job should take."""
        step = PHOTOGRAPHS if with_photographs else IMAGES
        return [
            self.part(range(start, min(start + step, len(self))))
            for start in range(0, len(self), step)
        ]

    def part(self, indices: Sequence[int]) -> ImagePairs:
        """Return the pairs of the images with these indices.

        In another process, it has only these images and their annotations.
        """
        part = copy.copy(self)
        part._indices = indices
        of_truth = np.array(indices, np.int64)
        found = self._predicted[of_truth]
        is_predicted = found >= 0
        part._predicted = np.where(is_predicted, np.cumsum(is_predicted) - 1, -1)
        truth = self._sources[0]
        part._sources = [truth.part(truth.images[of_truth])]
        if self.compared:
            prediction = self._sources[1]
            part._sources.append(prediction.part(prediction.images[found[is_predicted]]))
        return part

    def read(
        self, photographs: Photographs | None = None
    ) -> tuple[list[tuple[int, PageImage]], PairCounts]:
        """Read and compare all images.

        Parameters
        ----------
        photographs : Photographs, optional
            The photographs of the images.

        Returns
        -------
        images : list of tuple
            The index (in the data set) and the content of each image that is not left out.
        counts : PairCounts
            What was counted in them.

        Raises
        ------
        DatasetError
            If an annotation is invalid, the sizes of an image differ, or its predictions have no
            scores to be thresholded; or, unless it is skipped, if a photograph cannot be used.
        """
        counts = PairCounts(problems=Problems(self._skip))
        shown = []
        truth, predictions = self._sources[0], self._sources[-1]
        others = self._predicted.tolist()
        for index, image, other in zip(self._indices, truth.images, others, strict=True):
            true = truth.read(image)
            predicted = None if other < 0 else predictions.read(predictions.images[other])
            found = self._image(image, true, predicted, photographs, counts)
            if found is not None:
                shown.append((index, found))
        diagnose_together([image for _, image in shown])
        for _, pair in shown:
            if pair.diagnosis is not None:
                counts.below_score += len(pair.diagnosis.below_threshold)
                counts.unjudged += _count_unjudged(pair)
        counts.shown = len(shown)
        return shown, counts

    def check(self, counts: PairCounts, problems: Problems) -> None:
        """Report what is left out of all images.

        Raises
        ------
        DatasetError
            If all annotations of a source were skipped.
        """
        problems.add(counts.problems)
        for source, number in zip(self._sources, counts.used.tolist(), strict=False):
            is_read = source is self._sources[0] or not self.unknown
            listed = source.num_listed if is_read else 0
            problems.check_left(source.path, len(source.images), listed, number)
        if not self.compared:
            return
        problems.leave_out(
            "crowd annotation",
            "not judged (iscrowd 1)",
            counts.crowds,
            counts.first_crowd,
            "--crowd-as-object judges them",
        )
        problems.leave_out(
            "predicted image", "that the truth lacks", self.unknown, self._first_unknown
        )
        problems.leave_out(
            "unmatched prediction",
            "not judged, as not all objects of the class are annotated (LVIS)",
            counts.unjudged,
        )
        problems.leave_out(
            "prediction", "below the score", counts.below_score, option="--score", is_asked=True
        )
        problems.leave_out(
            "image",
            "without predictions",
            counts.left_out,
            option="--only-predicted",
            is_asked=True,
        )

    def _image(
        self,
        image: DatasetImage,
        true: Instances,
        predicted: Instances | None,
        photographs: Photographs | None,
        counts: PairCounts,
    ) -> PageImage | None:
        """Return an image, or None if it is left out, and count what is in it."""
        for number, instances in enumerate((true, predicted)):
            if instances is not None:
                counts.problems.add(instances.problems)
                counts.used[number] += len(instances)
        prediction, options = None, self._options
        if self.compared and not (predicted and len(predicted)):
            counts.unpredicted += 1
            counts.unpredicted_objects += len(true)
            if self._only_predicted:
                counts.left_out += 1
                return None
            options = {**self._options, "score_threshold": None}
            prediction = Objects(true.masks[:0], np.zeros(0, np.int64), [])
        elif predicted is not None:
            prediction = self._prediction(image, true, predicted)
        if true.iscrowd.any() and not counts.crowds:
            first = true.ids[true.iscrowd.argmax()]
            counts.first_crowd = f"annotation {first} of image {image.name}"
        counts.crowds += int(true.iscrowd.sum())
        counts.empty += _count_empty(true), _count_empty(predicted)
        photograph = None
        if photographs is not None:
            try:
                photograph = photographs.read(image.name, true.masks.size)
                counts.missing_photographs += photograph is None
            except DatasetError as error:
                counts.problems.report(error)
        truth = self._objects(true, 0)
        known = self._known(image) if self._is_lvis and prediction is not None else None
        return PageImage(image.name, truth, prediction, photograph, options, known)

    def _known(self, image: DatasetImage) -> KnownClasses:
        """Return the classes that LVIS lists for an image."""
        truth = self._sources[0].dataset
        ids = (listed_categories(truth, image.row, name) for name in (NEGATIVE, INCOMPLETE))
        of_id = self._class_of_id
        return KnownClasses(
            *(np.array([of_id[key] for key in keys if key in of_id], np.int64) for keys in ids)
        )

    def _prediction(self, image: DatasetImage, true: Instances, predicted: Instances) -> Objects:
        if predicted.masks.size != true.masks.size:
            sizes = f"{predicted.masks.size}, and the true ones {true.masks.size}"
            raise DatasetError(
                "", f"its predicted masks have the size {sizes}", f"image {image.name}"
            )
        objects = self._objects(predicted, 1)
        if objects.scores is None and self._options.get("score_threshold") is not None:
            raise DatasetError("", f"--score: the predictions of image {image.name} have no scores")
        return objects

    def _objects(self, instances: Instances, side: int) -> Objects:
        scores = None if np.isnan(instances.scores).any() else instances.scores
        return Objects(
            instances.masks,
            self._class_of[side][instances.category],
            instances.ids.tolist(),
            scores if len(instances) else None,
            instances.iscrowd,
            instances.boxes if self._with_boxes else None,
        )


def _count_unjudged(image: PageImage) -> int:
    """Return the number of predictions without a finding because they are not judged."""
    diagnosis, judged = image.diagnosis, image.masks.judged
    if judged is None or diagnosis is None:
        return 0
    is_counted = ~np.asarray(judged)
    is_counted[list(diagnosis.below_threshold)] = False
    for finding in diagnosis.findings:
        is_counted[list(finding.predicted)] = False
    return int(np.count_nonzero(is_counted))


def _count_empty(instances: Instances | None) -> int:
    """Return the number of masks without pixels, except crowds."""
    if instances is None:
        return 0
    return int(((instances.masks.area == 0) & ~instances.iscrowd).sum())


def _numbers_first(key: Id) -> tuple[bool, Id]:
    return isinstance(key, str), key
