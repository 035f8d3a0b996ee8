"""``segcore view``: masks and predictions as one HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from segcore._publish import OutputFile
from segcore.cli.failures import BadInput
from segcore.cli.output import publishing
from segcore.cli.printing import counted, print_line
from segcore.cli.progress import print_note, print_skipped, tracked
from segcore.data._fields import Id
from segcore.data._photographs import Photographs
from segcore.data._problems import Problems
from segcore.data._sources import Source, SourceImage, read_source
from segcore.show.report import Class, Objects, PageImage, write_page


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
        self.classes: list[Class] = [
            Class(category.name, category.isthing is not False) for category in categories.values()
        ]
        self._index = {key: i for i, key in enumerate(categories)}
        self._predicted = _matched(truth, prediction) if prediction else {}
        self.left_over = len(prediction.images) - len(self._predicted) if prediction else 0
        if prediction and truth.images and not self._predicted:
            raise BadInput(
                f"{prediction.path}: it has none of the images of {truth.path}; they are matched "
                "by their file names"
            )
        self._shown = list(enumerate(truth.images))
        empty = [image for i, image in self._shown if prediction and not self._predictions(i)]
        self.unpredicted = len(empty)
        self._unpredicted_objects = sum(len(image.masks) for image in empty)
        self.left_out = self.unpredicted if only_predicted else 0
        if only_predicted:
            self._shown = [(i, image) for i, image in self._shown if self._predictions(i)]
        true = [image for _, image in self._shown]
        found = [self._predicted[i] for i, _ in self._shown if i in self._predicted]
        self._crowds = sum(int(image.crowd.sum()) for image in true if image.crowd is not None)
        self._empty = [sum(_empty(image) for image in images) for images in (true, found)]

    def __len__(self) -> int:
        return len(self._shown)

    def _predictions(self, index: int) -> int:
        predicted = self._predicted.get(index)
        return len(predicted.masks) if predicted else 0

    def pictures(self, photographs: Photographs | None = None) -> Iterator[PageImage]:
        """Yield the images in their order."""
        for index, shown in self._shown:
            predicted = self._predicted.get(index)
            if predicted and predicted.masks.size != shown.masks.size:
                sizes = f"{predicted.masks.size}, and the true ones {shown.masks.size}"
                raise BadInput(f"image {shown.name}: its predicted masks have the size {sizes}")
            objects = None
            if self.prediction:
                objects = self._scored(predicted) if predicted else self._none(shown)
            photograph = photographs and photographs.read(shown.name, shown.masks.size)
            truth = self._objects(shown)
            yield PageImage(shown.name, truth, objects, photograph or None, self._options)

    def _objects(self, shown: SourceImage) -> Objects:
        classes = np.array([self._index[key] for key in shown.categories], np.int64)
        return Objects(shown.masks, classes, shown.ids, shown.scores, shown.crowd)

    def _scored(self, shown: SourceImage) -> Objects:
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
        """Print what may surprise in a comparison: what has no counterpart, or is not judged."""
        if not self.prediction:
            return
        if self.left_out:
            print_note(f"left out {counted(self.left_out, 'image')} without predictions")
        elif self._unpredicted_objects:
            print_note(
                f"{counted(self.unpredicted, 'image')} of {len(self):,} without predictions: "
                f"{counted(self._unpredicted_objects, 'object')} in them counted as missed "
                "(--only-predicted leaves these images out)"
            )
        if self._crowds:
            print_note(f"{counted(self._crowds, 'crowd annotation')} not judged (iscrowd 1)")
        for count, name in zip(self._empty, ("object", "prediction"), strict=True):
            if count:
                print_note(f"{counted(count, name)} without pixels, which nothing can match")
        if self.left_over:
            print_note(
                f"left out {self.left_over:,} of the predicted images: the truth does not have them"
            )

    def _none(self, shown: SourceImage) -> Objects:
        return Objects(shown.masks[:0], np.zeros(0, np.int64), [])


def _matched(truth: Source, prediction: Source) -> dict[int, SourceImage]:
    """Find the predicted image of each true one, by index.

    Images are matched by name, and the rest by name without the ending where only one has it.
    """
    for source in (truth, prediction):
        counts = Counter(each.name for each in source.images)
        if twice := next((name for name, count in counts.items() if count > 1), None):
            raise BadInput(
                f"{source.path}: several images are called {twice}; they are matched by name"
            )
    same_name = {each.name: each for each in prediction.images}
    found = {
        i: same_name.pop(each.name) for i, each in enumerate(truth.images) if each.name in same_name
    }
    rest = [i for i in range(len(truth.images)) if i not in found]
    true_keys = Counter(truth.images[i].map_path for i in rest)
    keys = Counter(each.map_path for each in same_name.values())
    same_key = {each.map_path: each for each in same_name.values() if keys[each.map_path] == 1}
    for i in rest:
        key = truth.images[i].map_path
        if true_keys[key] == 1 and key in same_key:
            found[i] = same_key[key]
    return found


def _empty(shown: SourceImage) -> int:
    """Count the masks without pixels, except crowds."""
    empty = shown.masks.area == 0
    return int((empty if shown.crowd is None else empty & ~shown.crowd).sum())


def _number_first(key: Id) -> tuple[bool, Id]:
    return isinstance(key, str), key


def write_view(
    source: Path,
    target: Path,
    prediction: Path | None,
    images: Path | None,
    dataset_path: Path | None,
    folders: tuple[Path | None, Path | None],
    score: float | None,
    only_predicted: bool,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore view``. Raises BadInput for unusable input."""
    problems = Problems(skip_invalid)
    with publishing([source, prediction, images, dataset_path, *folders], overwrite) as outputs:
        page = outputs.file(target)
        truth = read_source(source, problems, dataset_path, folders[0], tracked)
        predicted = prediction and read_source(
            prediction, problems, dataset_path or source, folders[1], tracked
        )
        pairs = Pairs(truth, predicted or None, None, score, only_predicted)
        photographs = write_html(page, source.name, pairs, images, problems)
    print_page(page, pairs, photographs)
    if score is not None:
        print_line(f"{counted(pairs.below_score, 'prediction')} below score {score:g} left out")
    pairs.print_notes()
    print_skipped(problems)


def write_html(
    page: OutputFile,
    title: str,
    pairs: Pairs,
    images: Path | None,
    problems: Problems,
    recorded: Callable[[Iterable[PageImage]], Iterable[PageImage]] = iter,
) -> Photographs | None:
    """Write the page; return the photographs, which know how many are missing.

    ``recorded`` is handed the images and passes them on.
    """
    photographs = Photographs(images, problems) if images else None
    pictures = tracked(recorded(pairs.pictures(photographs)), "Drawing", len(pairs))
    compared = pairs.prediction is not None
    with page.open() as file:
        try:
            write_page(file, title, pairs.classes, pictures, compared)
        except ValueError as error:
            raise BadInput(str(error)) from error
    return photographs


def print_page(page: OutputFile, pairs: Pairs, photographs: Photographs | None) -> None:
    """Print where the page is, and how many photographs are missing."""
    print_line(f"{counted(len(pairs), 'image')} in {page.path}, {page.size / 1e6:.1f} MB")
    if photographs and photographs.missing:
        print_note(
            f"{photographs.missing} of the images have no photograph in {photographs.folder}"
        )
