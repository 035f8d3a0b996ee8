"""``segcore view``: masks and predictions as one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from segcore.cli.dataset import Id
from segcore.cli.output import output
from segcore.cli.photographs import Photographs
from segcore.cli.problems import BadInput, Problems
from segcore.cli.progress import print_note, print_skipped, tracked
from segcore.cli.sources import Shown, Source, read_source
from segcore.report import Class, Objects, Picture, write_page


class Pairs:
    """Images of a truth, with the predictions for images of the same names.

    Parameters
    ----------
    truth : Source
        The true objects.
    prediction : Source, optional
        What they are compared with. In an image that it does not have, it predicts nothing.
    options : dict, optional
        Keywords for :func:`segcore.diagnose`.
    score : float, optional
        Predictions of a lower score are left out; ``below_score`` counts them.
    only_predicted : bool
        Whether to leave out images without predictions. ``unpredicted`` counts these images, and
        ``left_out`` those that are left out.
    """

    def __init__(
        self,
        truth: Source,
        prediction: Source | None,
        options: dict[str, Any] | None = None,
        score: float | None = None,
        only_predicted: bool = False,
    ) -> None:
        self.truth = truth
        self.prediction = prediction
        self.score = score
        self.below_score = 0
        self._options = options or {}
        known = {**(prediction.categories if prediction else {}), **truth.categories}
        categories = {key: known[key] for key in sorted(known, key=_number_first)}
        self.classes: list[Class] = list(categories.values())
        self._index = {key: i for i, key in enumerate(categories)}
        self._predicted = {each.key: each for each in prediction.pictures} if prediction else {}
        names = {each.key for each in truth.pictures}
        self.left_over = len(self._predicted.keys() - names)
        if prediction and names and not names & self._predicted.keys():
            raise BadInput(
                f"{prediction.path}: it has none of the images of {truth.path}; they are matched "
                "by their file names"
            )
        self._shown = truth.pictures
        empty = [image for image in self._shown if prediction and not self._predictions(image)]
        self.unpredicted = len(empty)
        self._unpredicted_objects = sum(len(image.masks) for image in empty)
        self.left_out = self.unpredicted if only_predicted else 0
        if only_predicted:
            self._shown = [image for image in self._shown if self._predictions(image)]

    def __len__(self) -> int:
        return len(self._shown)

    def _predictions(self, shown: Shown) -> int:
        predicted = self._predicted.get(shown.key)
        return len(predicted.masks) if predicted else 0

    def pictures(self, photographs: Photographs | None = None) -> Iterator[Picture]:
        """Yield the images in their order."""
        for shown in self._shown:
            predicted = self._predicted.get(shown.key) if self.prediction else None
            if predicted and predicted.masks.size != shown.masks.size:
                sizes = f"{predicted.masks.size}, and the true ones {shown.masks.size}"
                raise BadInput(f"image {shown.name}: its predicted masks have the size {sizes}")
            objects = None
            if self.prediction:
                objects = self._scored(predicted) if predicted else self._none(shown)
            photograph = photographs and photographs.read(shown.name, shown.masks.size)
            truth = self._objects(shown)
            yield Picture(shown.name, truth, objects, photograph or None, self._options)

    def _objects(self, shown: Shown) -> Objects:
        classes = np.array([self._index[key] for key in shown.categories], np.int64)
        return Objects(shown.masks, classes, shown.ids, shown.scores, shown.crowd)

    def _scored(self, shown: Shown) -> Objects:
        """Return the predictions that reach the score, and count the others."""
        objects = self._objects(shown)
        if self.score is None or not len(objects.masks):
            return objects
        if objects.scores is None:
            raise BadInput(f"--score: the predictions of image {shown.name} have no scores")
        kept = np.flatnonzero(objects.scores >= self.score)
        self.below_score += len(objects.masks) - len(kept)
        return objects.select(kept)

    def print_notes(self) -> None:
        """Print what may surprise: images that only one side has."""
        if self.left_out:
            print_note(f"left out {_images(self.left_out)} without predictions")
        elif self._unpredicted_objects:
            print_note(
                f"{self.unpredicted:,} of {_images(len(self))} have no predictions: their "
                f"{self._unpredicted_objects:,} objects count as missed (--only-predicted leaves "
                "these images out)"
            )
        if self.left_over:
            print_note(
                f"left out {self.left_over:,} of the predicted images: the truth does not have them"
            )

    def _none(self, shown: Shown) -> Objects:
        return Objects(shown.masks[:0], np.zeros(0, np.int64), [])


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _number_first(key: Id) -> tuple[bool, Id]:
    return isinstance(key, str), key


def write_view(
    source: Path,
    target: Path,
    prediction: Path | None,
    images: Path | None,
    frame: Path | None,
    folders: tuple[Path | None, Path | None],
    score: float | None,
    only_predicted: bool,
    skip_invalid: bool,
) -> None:
    """Run ``segcore view``. Raises BadInput for unusable input."""
    problems = Problems(skip_invalid)
    truth = read_source(source, problems, frame, folders[0])
    predicted = prediction and read_source(prediction, problems, frame or source, folders[1])
    pairs = Pairs(truth, predicted or None, None, score, only_predicted)
    write_html(target, source.name, pairs, images)
    if score is not None:
        print(f"{pairs.below_score:,} predictions below score {score:g} left out")
    pairs.print_notes()
    print_skipped(problems)


def write_html(
    target: Path,
    title: str,
    pairs: Pairs,
    images: Path | None,
    recorded: Callable[[Iterable[Picture]], Iterable[Picture]] = iter,
) -> None:
    """Write the page, and print where it is and which photographs are missing.

    ``recorded`` is handed the images and passes them on.
    """
    photographs = Photographs(images) if images else None
    pictures = tracked(recorded(pairs.pictures(photographs)), "Drawing", len(pairs))
    compared = pairs.prediction is not None
    with output(target.parent) as files, files.open(target.name) as file:
        try:
            write_page(file, title, pairs.classes, pictures, compared)
        except ValueError as error:
            raise BadInput(str(error)) from error
    size = target.stat().st_size
    print(f"{_images(len(pairs))} in {target}, {size / 1e6:.1f} MB")
    if photographs and photographs.missing:
        print_note(f"{photographs.missing} of the images have no photograph in {images}")
