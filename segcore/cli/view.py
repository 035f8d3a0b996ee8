"""``segcore view``: masks, and what was predicted of them, as one HTML file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from segcore._publish import OutputFile
from segcore.cli.fields import Id
from segcore.cli.output import publishing
from segcore.cli.photographs import Photographs
from segcore.cli.printing import print_line
from segcore.cli.problems import BadInput, Problems
from segcore.cli.progress import print_note, print_skipped, tracked
from segcore.cli.sources import Shown, Source, read_source
from segcore.report import Class, Objects, Picture, write_page


class Pairs:
    """Pictures of a truth, with those of a prediction that have the same names.

    Parameters
    ----------
    truth : Source
        What is looked at.
    prediction : Source, optional
        What it is compared with. A picture that it does not have is one of no objects.
    options : dict, optional
        Keywords for :func:`segcore.diagnose`.
    """

    def __init__(
        self, truth: Source, prediction: Source | None, options: dict[str, Any] | None = None
    ) -> None:
        self.truth = truth
        self.prediction = prediction
        self._options = options or {}
        known = {**(prediction.categories if prediction else {}), **truth.categories}
        categories = {key: known[key] for key in sorted(known, key=_number_first)}
        self.classes: list[Class] = list(categories.values())
        self._index = {key: i for i, key in enumerate(categories)}
        self._predicted = _matched(truth, prediction) if prediction else {}
        count = len(truth.pictures)
        self.without = count - len(self._predicted) if prediction else 0
        self.left_over = len(prediction.pictures) - len(self._predicted) if prediction else 0
        if prediction and count and self.without == count:
            raise BadInput(
                f"{prediction.path}: it has none of the pictures of {truth.path}; they are matched "
                "by their file names"
            )

    def __len__(self) -> int:
        return len(self.truth.pictures)

    def pictures(self, photographs: Photographs | None = None) -> Iterator[Picture]:
        """Give the pictures in their order."""
        for index, shown in enumerate(self.truth.pictures):
            predicted = self._predicted.get(index)
            if predicted and predicted.masks.size != shown.masks.size:
                sizes = f"{predicted.masks.size}, and the true ones {shown.masks.size}"
                raise BadInput(f"picture {shown.name}: its predicted masks have the size {sizes}")
            objects = None
            if self.prediction:
                objects = self._objects(predicted) if predicted else self._none(shown)
            photograph = photographs and photographs.read(shown.name, shown.masks.size)
            truth = self._objects(shown)
            yield Picture(shown.name, truth, objects, photograph or None, self._options)

    def _objects(self, shown: Shown) -> Objects:
        classes = np.array([self._index[key] for key in shown.categories], np.int64)
        return Objects(shown.masks, classes, shown.ids, shown.scores, shown.crowd)

    def _none(self, shown: Shown) -> Objects:
        return Objects(shown.masks[:0], np.zeros(0, np.int64), [])


def _matched(truth: Source, prediction: Source) -> dict[int, Shown]:
    """Find the predicted image of each true one, by index.

    Images are matched by name, and the rest by name without the ending where only one has it.
    """
    for source in (truth, prediction):
        counts = Counter(each.name for each in source.pictures)
        if twice := next((name for name, count in counts.items() if count > 1), None):
            raise BadInput(
                f"{source.path}: several images are called {twice}; they are matched by name"
            )
    same_name = {each.name: each for each in prediction.pictures}
    found = {
        i: same_name.pop(each.name)
        for i, each in enumerate(truth.pictures)
        if each.name in same_name
    }
    rest = [i for i in range(len(truth.pictures)) if i not in found]
    true_keys = Counter(truth.pictures[i].key for i in rest)
    keys = Counter(each.key for each in same_name.values())
    same_key = {each.key: each for each in same_name.values() if keys[each.key] == 1}
    for i in rest:
        key = truth.pictures[i].key
        if true_keys[key] == 1 and key in same_key:
            found[i] = same_key[key]
    return found


def _number_first(key: Id) -> tuple[bool, Id]:
    return isinstance(key, str), key


def write_view(
    source: Path,
    target: Path,
    prediction: Path | None,
    images: Path | None,
    frame: Path | None,
    folders: tuple[Path | None, Path | None],
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Run ``segcore view``. Raises BadInput for unusable input."""
    problems = Problems(skip_invalid)
    with publishing([source, prediction, images, frame, *folders], overwrite) as outputs:
        page = outputs.file(target)
        truth = read_source(source, problems, frame, folders[0])
        predicted = prediction and read_source(prediction, problems, frame or source, folders[1])
        pairs = Pairs(truth, predicted or None)
        photographs = write_html(page, source.name, pairs, images, problems)
    print_page(page, pairs, photographs)
    print_skipped(problems)


def write_html(
    page: OutputFile, title: str, pairs: Pairs, images: Path | None, problems: Problems
) -> Photographs | None:
    """Write the page; return the photographs, which know how many are missing."""
    photographs = Photographs(images, problems) if images else None
    pictures = tracked(pairs.pictures(photographs), "Drawing", len(pairs))
    compared = pairs.prediction is not None
    with page.open() as file:
        try:
            write_page(file, title, pairs.classes, pictures, compared)
        except ValueError as error:
            raise BadInput(str(error)) from error
    return photographs


def print_page(page: OutputFile, pairs: Pairs, photographs: Photographs | None) -> None:
    """Say where the page is, and what is not in it."""
    count = f"{len(pairs)} picture{'' if len(pairs) == 1 else 's'}"
    print_line(f"{count} in {page.path}, {page.size / 1e6:.1f} MB")
    if pairs.without:
        print_note(f"{pairs.without} of the pictures have no prediction")
    if pairs.left_over:
        print_note(f"{pairs.left_over} predicted pictures are left out: the truth has none of them")
    if photographs and photographs.missing:
        print_note(
            f"{photographs.missing} of the pictures have no photograph in {photographs.folder}"
        )
