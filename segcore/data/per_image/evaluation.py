"""Evaluation of semantic and panoptic maps, and of instances, of data sets."""

from __future__ import annotations

import copy
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segcore.data.columns.fields import as_integer, describe
from segcore.data.columns.ids import Ids
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.evaluation import category_ids
from segcore.data.files.classes import CLASSES, read_classes
from segcore.data.files.label_maps import IGNORED, label_maps
from segcore.data.files.read_ahead import read_ahead
from segcore.data.formats.maps import OBJECT, read_labels
from segcore.data.io import FORMATS, belongs_to
from segcore.data.jobs import evaluate
from segcore.data.lvis import frequencies
from segcore.data.mapping import Partition
from segcore.data.per_image.engine import ONE_PROCESS, Engine, Progress, no_progress
from segcore.data.per_image.images import DatasetImage
from segcore.data.per_image.instance_set import (
    InstanceSet,
    category_keys,
    chunks,
    chunks_of,
    count_without_masks,
    instance_sets,
    isthing_of,
    match_images,
    read_two,
    unknown_images,
)
from segcore.data.per_image.panoptic_maps import (
    count_dropped,
    describe_segments,
    panoptic_map,
    panoptic_rules,
)
from segcore.data.per_image.reading import ReadOptions, panoptic_maps
from segcore.data.per_image.semantic_maps import count_covered, semantic_regions
from segcore.data.per_image.things import find_things
from segcore.data.problems import Problems
from segcore.data.recognize import recognized
from segcore.data.valid import missing_masks, without_invalid_masks
from segcore.distributed import run
from segcore.maps.panoptic import Panoptic, PanopticRules
from segcore.maps.semantic import compose_semantic
from segcore.metrics import AveragePrecision, ConfusionMatrix, DetectionMetric, PanopticQuality

Maps = tuple[NDArray[Any], NDArray[Any]]


def evaluate_semantic(
    paths: tuple[Path, Path],
    problems: Problems,
    options: tuple[ReadOptions, ReadOptions],
    num_classes: int | None = None,
    ignore: int | None = None,
    known: Dataset | None = None,
    progress: Progress = no_progress,
    engine: Engine = ONE_PROCESS,
    *,
    trimap: int | None = None,
    area_range: tuple[float, float] | None = None,
) -> tuple[ConfusionMatrix, dict[int, str], int]:
    """Compare the semantic maps of two data sets.

    Parameters
    ----------
    paths : tuple of Path
        The truth and the prediction: folders of PNG label maps with the same names, or data sets of
        any other format, which are painted in their order.
    problems : Problems
        Receives what is left out.
    options : tuple of ReadOptions
        How they are read.
    num_classes : int, optional
        Number of classes of label maps. Defaults to that of ``classes.json`` in the folder of the
        truth, or to 2 for binary masks.
    ignore : int, optional
        True label of pixels to leave out. Defaults to 255, unless it is a class.
    known : Dataset, optional
        The data set of results, if this is not the truth.
    progress : callable, optional
        Shows progress over parts of the images.
    engine : mapping, optional
        Arguments of :func:`segcore.distributed.run` that say what does the work.
    trimap, area_range : optional
        Which pixels to count; see :class:`segcore.metrics.ConfusionMatrix`.

    Returns
    -------
    confusion : ConfusionMatrix
        The confusion matrix of all pixels.
    names : dict of int to str
        The names of the classes, if known.
    num_images : int
        Number of images.

    Raises
    ------
    DatasetError
        If the data sets do not match, or a map cannot be used.
    """
    formats = [o.format or recognized(path) for path, o in zip(paths, options, strict=True)]
    if formats == ["maps", "maps"] and all(path.is_dir() for path in paths):
        found: _FolderPairs | _PaintedPairs = _FolderPairs(paths, num_classes, ignore)
    elif num_classes is not None:
        raise DatasetError("", "--num-classes: only for label maps; other data sets list classes")
    elif ignore is not None:
        raise DatasetError("", "--ignore: only for label maps; other data sets have no such labels")
    else:
        found = _PaintedPairs(paths, read_two(paths, problems, options, known), problems, known)
    confusion = _compared(found, problems, progress, engine, trimap, area_range)
    return confusion, found.names, found.count


def semantic_confusion(
    truth: Dataset,
    prediction: Dataset,
    problems: Problems,
    engine: Engine,
    trimap: int | None,
    area_range: tuple[float, float] | None,
) -> ConfusionMatrix:
    """Compare the semantic maps of two data sets; see :func:`segcore.data.evaluate_semantic`."""
    found = _PaintedPairs(_names_of(truth, prediction), (truth, prediction), problems, None)
    return _compared(found, problems, no_progress, engine, trimap, area_range)


def _names_of(truth: Dataset, prediction: Dataset) -> tuple[Path, Path]:
    """Return what two data sets are called in messages."""
    return Path(truth.source or "truth"), Path(prediction.source or "prediction")


def _compared(
    found: _FolderPairs | _PaintedPairs,
    problems: Problems,
    progress: Progress,
    engine: Engine,
    trimap: int | None,
    area_range: tuple[float, float] | None,
) -> ConfusionMatrix:
    """Compare all pairs of maps."""
    try:
        confusion = ConfusionMatrix(
            found.num_classes, found.ignore, trimap=trimap, area_range=area_range
        )
    except ValueError as error:
        raise DatasetError("", str(error)) from error
    parts = found.parts()
    job = functools.partial(_confusion, metric=confusion.empty())
    with closing(run(job, parts, **engine)) as results:
        for part, left_out in progress(results, "Comparing", len(parts)):
            problems.add(left_out)
            confusion += part
    return confusion


def _confusion(
    found: _FolderPairs | _PaintedPairs, metric: ConfusionMatrix
) -> tuple[ConfusionMatrix, Problems]:
    """Compare some pairs of maps: a job."""
    confusion = metric.empty()
    problems = Problems(skip=True)
    pairs: list[Any] = found.pairs
    for pair in pairs:
        maps, left_out = found.read(pair)
        problems.add(left_out)
        try:
            confusion.update(*maps)
        except ValueError as error:
            raise DatasetError("", f"{found.name(pair)}: {error}") from error
    return confusion, problems


class _FolderPairs:
    """Pairs of PNG label maps with the same names in two folders."""

    def __init__(self, paths: tuple[Path, Path], num_classes: int | None, ignore: int | None):
        self.pairs = _paired_maps(*paths)
        self.names = {index: c.name for index, c in read_classes(paths[0]).items()}
        self._is_asked = ignore is not None
        self._is_binary = False
        if not self.names and num_classes in (None, 2) and ignore is None:
            sides = ([pair[side] for pair in self.pairs] for side in (0, 1))
            self._is_binary = all(map(_is_binary, sides))
        if self._is_binary:
            self.names = {0: "background", 1: OBJECT}
        if num_classes is None and not self.names:
            raise DatasetError(paths[0] / CLASSES, "there is no such file; pass --num-classes")
        self.num_classes = max(self.names) + 1 if num_classes is None else num_classes
        if ignore is None and self.num_classes <= IGNORED:
            ignore = IGNORED
        self.ignore = ignore
        self.count = len(self.pairs)

    def parts(self) -> list[_FolderPairs]:
        """Return the pairs in parts."""
        found = []
        for pairs in chunks(self.pairs):
            part = copy.copy(self)
            part.pairs = pairs
            found.append(part)
        return found

    def read(self, pair: tuple[Path, Path]) -> tuple[Maps, Problems]:
        """Return the two maps of a pair, and the number of ignored pixels."""
        true, predicted = read_labels(pair[0]), read_labels(pair[1])
        problems = Problems(skip=False)
        if self._is_binary:
            return ((true > 0) * 1, (predicted > 0) * 1), problems
        if self.ignore is not None:
            why = f"of the true label {self.ignore}, which is ignored"
            count = int(np.count_nonzero(true == self.ignore))
            problems.leave_out("pixel", why, count, str(pair[0]), "--ignore", self._is_asked)
        return (true, predicted), problems

    def name(self, pair: tuple[Path, Path]) -> str:
        """Return the name of a pair in messages."""
        return f"{pair[1]}, truth {pair[0]}"


def _is_binary(paths: list[Path]) -> bool:
    """Return whether PNGs have one label beside 0, which is 1 or 255."""
    found: set[int] = set()
    for _, labels in read_ahead(read_labels, paths):
        found |= set(np.unique(labels).tolist()) - {0}
        if len(found) > 1 or not found <= {1, IGNORED}:
            return False
    return True


class _PaintedPairs:
    """Pairs of images of two data sets, painted as by ``segcore semantic``."""

    ignore = 2**16 - 1
    """The label of predicted pixels of categories that the truth lacks."""

    def __init__(
        self,
        paths: tuple[Path, Path],
        both: tuple[Dataset, Dataset | None],
        problems: Problems,
        known: Dataset | None,
    ) -> None:
        self._sources = instance_sets(paths, both, problems, known)
        self._sources = _paired_images(*self._sources, problems)
        self._priorities = [source.choose_priority() for source in self._sources]
        self.count = len(self._sources[0].images)
        keys = category_keys(*self._sources)
        index_of = {key: index for index, key in enumerate(keys[0], 1)}
        self.names = {0: "background"} | {c.index: c.name for c in self._sources[0].categories}
        self.num_classes = len(self.names)
        self._labels = [
            np.array([0, *(index_of.get(key, self.ignore) for key in listed)], np.uint16)
            for listed in keys
        ]

    @property
    def pairs(self) -> list[tuple[DatasetImage, DatasetImage]]:
        """The pairs of images."""
        true, predicted = self._sources
        return list(zip(true.images, predicted.images, strict=True))

    def parts(self) -> list[_PaintedPairs]:
        """Return the pairs in parts."""
        found = []
        for sources in _pair_parts(self._sources):
            part = copy.copy(self)
            part._sources = sources
            found.append(part)
        return found

    def read(self, pair: tuple[DatasetImage, DatasetImage]) -> tuple[Maps, Problems]:
        """Return the two maps of a pair, and what is left out of them."""
        problems = Problems(skip=False)
        maps = []
        sides = zip(self._sources, pair, self._labels, self._priorities, strict=True)
        for source, image, labels, priority in sides:
            instances = source.read(image)
            regions = semantic_regions(instances, priority=priority, crowd=True)
            problems.add(instances.problems)
            covered = Problems(skip=False)
            count_covered(image, instances, regions, True, covered)
            problems.add(covered, with_options=False)
            maps.append(compose_semantic(regions[1], labels[regions[0]], dtype=np.uint16))
        return (maps[0], maps[1]), problems

    def name(self, pair: tuple[DatasetImage, DatasetImage]) -> str:
        """Return the name of a pair in messages."""
        return f"image {pair[0].name}"


def _paired_images(
    truth: InstanceSet, prediction: InstanceSet, problems: Problems
) -> tuple[InstanceSet, InstanceSet]:
    """Return the true images and, in the same order, those predicted; count unknown ones."""
    matches = match_images(truth, prediction)
    missing = np.flatnonzero(matches < 0)
    if len(missing):
        name = truth.images[int(missing[0])].name
        raise DatasetError(prediction.path, f"it has no image {name}, which is in {truth.path}")
    _count_unknown_images(prediction, matches, problems)
    return truth, prediction.part(prediction.images[matches])


def _count_unknown_images(
    prediction: InstanceSet, matches: NDArray[np.int64], problems: Problems
) -> None:
    number, first = unknown_images(prediction, matches)
    problems.leave_out("predicted image", "that the truth lacks", number, first)


def _pair_parts(
    sources: tuple[InstanceSet, InstanceSet],
) -> list[tuple[InstanceSet, InstanceSet]]:
    """Return pairs of images in parts."""
    true, predicted = sources
    return list(zip(true.parts(), predicted.parts(), strict=True))


def _paired_maps(truth: Path, prediction: Path) -> list[tuple[Path, Path]]:
    """Return the pairs of maps with the same name; both folders must have the same names."""
    maps = {folder: label_maps(folder) for folder in (truth, prediction)}
    for folder, other in ((truth, prediction), (prediction, truth)):
        if unpaired := sorted(maps[folder].keys() - maps[other].keys()):
            raise DatasetError(
                folder / unpaired[0],
                f"there is no such file in {other}"
                + (f", nor for {len(unpaired) - 1} more" if len(unpaired) > 1 else ""),
            )
    if not maps[truth]:
        raise DatasetError(truth, "it contains no file named *.png")
    return [(path, maps[prediction][name]) for name, path in maps[truth].items()]


def evaluate_panoptic(
    paths: tuple[Path, Path],
    problems: Problems,
    options: tuple[ReadOptions, ReadOptions],
    known: Dataset | None = None,
    progress: Progress = no_progress,
    engine: Engine = ONE_PROCESS,
    *,
    iou: str = "mask",
) -> tuple[PanopticQuality, dict[int, str], int]:
    """Compare the panoptic maps of two data sets.

    Parameters
    ----------
    paths : tuple of Path
        The truth and the prediction, which must have all images of the truth: COCO panoptic files,
        or data sets of any other format, whose maps are composed by the default rules.
    problems : Problems
        Receives what is left out.
    options : tuple of ReadOptions
        How they are read.
    known : Dataset, optional
        The data set of results, if this is not the truth.
    progress : callable, optional
        Shows progress over parts of the images.
    engine : mapping, optional
        Arguments of :func:`segcore.distributed.run` that say what does the work.
    iou : {"mask", "boundary"}
        What segments are compared by; see :class:`segcore.metrics.PanopticQuality`.

    Returns
    -------
    quality : PanopticQuality
        The panoptic quality over all images of the truth.
    names : dict of int to str
        The names of the categories.
    num_images : int
        Number of images.

    Raises
    ------
    DatasetError
        If a file or a map cannot be used, or an image is missing.
    """
    both = read_two(paths, problems, options, known)
    return _panoptic_compared(paths, both, problems, known, progress, engine, iou)


def panoptic_quality(
    truth: Dataset, prediction: Dataset, problems: Problems, engine: Engine, iou: str
) -> PanopticQuality:
    """Compare the panoptic maps of two data sets; see :func:`segcore.data.evaluate_panoptic`."""
    both, paths = (truth, prediction), _names_of(truth, prediction)
    return _panoptic_compared(paths, both, problems, None, no_progress, engine, iou)[0]


def _panoptic_compared(
    paths: tuple[Path, Path],
    both: tuple[Dataset, Dataset | None],
    problems: Problems,
    known: Dataset | None,
    progress: Progress,
    engine: Engine,
    iou: str,
) -> tuple[PanopticQuality, dict[int, str], int]:
    """Compare all pairs of maps."""
    true, predicted = both
    if predicted is not None and true.maps is not None and predicted.maps is not None:
        quality, names, job, parts, count = _panoptic_files(paths, (true, predicted), problems, iou)
    else:
        sources = instance_sets(paths, (true, predicted), problems, known)
        quality, names, job, parts, count = _panoptic_sources(sources, problems, iou)
    with closing(run(job, parts, **engine)) as results:
        for part, left_out in progress(results, "Comparing", len(parts)):
            problems.add(left_out)
            quality += part
    return quality, names, count


PanopticJob = tuple[
    PanopticQuality,
    dict[int, str],
    Callable[[Any], tuple[PanopticQuality, Problems]],
    list[Any],
    int,
]
"""An empty accumulator, the names of the categories, a function of some of the images, the parts,
and the number of images."""


def _panoptic_files(
    paths: tuple[Path, Path], both: tuple[Dataset, Dataset], problems: Problems, iou: str
) -> PanopticJob:
    """Return how two panoptic files are compared, whose images are matched by their ids."""
    true, predicted = both
    categories = _panoptic_categories(paths[0], true)
    quality = _panoptic_quality(paths[0], categories, iou)
    true_images, predicted_images = _images_with_maps(true), _images_with_maps(predicted)
    image_ids = true.images["id"][true_images]
    rows = Ids(predicted.images["id"][predicted_images]).find(image_ids)
    if (rows < 0).any():
        missing = image_ids[rows < 0].tolist()[0]
        raise DatasetError(paths[1], f"it has no annotation for the image {missing}")
    unknown = np.setdiff1d(np.arange(len(predicted_images)), rows)
    if len(unknown):
        first = f"image {predicted.images['id'][predicted_images[unknown[0]]]}"
        problems.leave_out("predicted image", "that the truth lacks", len(unknown), first)
    rows = predicted_images[rows]
    parts = [
        (Partition(true, true_images[part]), Partition(predicted, rows[part]))
        for part in chunks_of(len(true_images))
    ]
    names = {c["id"]: c["name"] for c in categories}
    job = functools.partial(_quality_of_files, quality.empty())
    return quality, names, job, parts, len(true_images)


def _quality_of_files(
    metric: PanopticQuality, parts: tuple[Partition, Partition]
) -> tuple[PanopticQuality, Problems]:
    """Compare some images of two panoptic files: a job."""
    quality = metric.empty()
    true, predicted = (part.load() for part in parts)
    maps = panoptic_maps(true), panoptic_maps(predicted)
    for row, image_id in enumerate(true.images["id"].tolist()):
        labels = [found.labels(row) for found in maps]
        try:
            quality.update(labels[0], _segments(true, row), labels[1], _segments(predicted, row))
        except (ValueError, TypeError) as error:
            raise DatasetError("", str(error), f"image {image_id}") from error
    return quality, Problems(skip=True)


def _panoptic_quality(path: Path, categories: list[dict[str, Any]], iou: str) -> PanopticQuality:
    try:
        return PanopticQuality(categories, iou)
    except (ValueError, TypeError) as error:
        raise DatasetError(path, str(error)) from error


def _panoptic_sources(
    sources: tuple[InstanceSet, InstanceSet], problems: Problems, iou: str
) -> PanopticJob:
    """Return how data sets of any format are compared, composed as by ``segcore panoptic``."""
    truth = sources[0]
    things, _ = find_things(truth.path, truth, None, ())
    keys = category_keys(*sources)
    names = {index: c.name for index, c in enumerate(truth.categories, 1)}
    categories = [
        {"id": index, "name": c.name, "isthing": int(c.id in things)}
        for index, c in enumerate(truth.categories, 1)
    ]
    quality = _panoptic_quality(truth.path, categories, iou)
    index_of = {key: index for index, key in enumerate(keys[0], 1)}
    class_ids = [
        np.array([0, *(index_of.get(key, 0) for key in listed)], np.int64) for listed in keys
    ]
    thing_ids = {index for index, c in enumerate(truth.categories, 1) if c.id in things}
    rules = [panoptic_rules(s.path, s, "panopticapi", {}, None) for s in sources]
    sources = _paired_images(*sources, problems)
    job = _SourceComparison(quality.empty(), class_ids, thing_ids, rules)
    return quality, names, job, _pair_parts(sources), len(truth.images)


@dataclass(frozen=True)
class _SourceComparison:
    """Compares some images of two data sets: a job."""

    metric: PanopticQuality
    class_ids: list[NDArray[np.int64]]
    thing_ids: set[int]
    rules: list[tuple[PanopticRules, str | None]]

    def __call__(
        self, sources: tuple[InstanceSet, InstanceSet]
    ) -> tuple[PanopticQuality, Problems]:
        """Return the quality of all images of `sources`."""
        quality, problems = self.metric.empty(), Problems(skip=True)
        for pair in zip(*(source.images for source in sources), strict=True):
            found = [self._composed(sources, side, pair[side], problems) for side in (0, 1)]
            (true, true_segments), (predicted, segments) = found
            try:
                quality.update_masks(true.masks, true_segments, predicted.masks, segments)
            except (ValueError, TypeError) as error:
                raise DatasetError("", str(error), pair[0].label) from error
        return quality, problems

    def _composed(
        self,
        sources: tuple[InstanceSet, InstanceSet],
        side: int,
        image: DatasetImage,
        problems: Problems,
    ) -> tuple[Panoptic, list[dict[str, Any]]]:
        """Return the map of an image, and its segments."""
        source, ids, (rules, priority) = sources[side], self.class_ids[side], self.rules[side]
        instances = source.read(image)
        unknown = instances.category[ids[instances.category] == 0]
        if len(unknown):
            name = describe(source.categories[unknown[0] - 1].name)
            raise DatasetError(
                source.path, f"its category {name} is not in {sources[0].path}", image.label
            )
        result = panoptic_map(
            image,
            instances,
            ids[instances.category],
            stuff_maps=None,
            things=self.thing_ids,
            rules=rules,
            priority=priority,
        )
        problems.add(instances.problems)
        dropped = Problems(skip=False)
        count_dropped(image, result, instances, False, dropped)
        problems.add(dropped, with_options=False)
        return result, describe_segments(image, result, instances)["segments_info"]


def _panoptic_categories(path: Path, dataset: Dataset) -> list[dict[str, Any]]:
    """Return the categories as in the file; "isthing" is missing where the file lacks it."""
    table = dataset.categories
    ids = table["id"].tolist()
    if not ids:
        raise DatasetError(path, 'not a COCO panoptic file: it has no list "categories"')
    things = isthing_of(dataset)
    return [
        {"id": key, "name": name or str(key)} | ({} if thing is None else {"isthing": int(thing)})
        for key, name, thing in zip(ids, table["name"], things, strict=True)
    ]


def _images_with_maps(dataset: Dataset) -> NDArray[np.int64]:
    images: NDArray[np.int64] = panoptic_maps(dataset).entries["image"]
    return images


def _segments(dataset: Dataset, image: int) -> list[dict[str, Any]]:
    """Return the segments of an image as COCO's ``segments_info``."""
    sample = dataset[image]
    areas: list[float] = dataset.column_of(image, "area").tolist()
    if len(dataset.categories):
        categories = sample.category_ids
    else:
        categories = dataset.column_of(image, "category_id")
    columns = (sample.ids.tolist(), categories.tolist(), sample.iscrowd.tolist(), areas)
    return [
        {"id": key, "category_id": category, "iscrowd": int(crowd)}
        | ({} if math.isnan(area) else {"area": as_integer(area)})
        for key, category, crowd, area in zip(*columns, strict=True)
    ]


# -- instances ------------------------------------------------------------------------------------


def evaluate_instances(
    paths: tuple[Path, Path],
    problems: Problems,
    options: tuple[ReadOptions, ReadOptions],
    known: Dataset | None = None,
    iou: str = "mask",
    protocol: str = "coco",
    engine: Engine = ONE_PROCESS,
    others: Sequence[DetectionMetric] = (),
) -> tuple[AveragePrecision, dict[int, str], tuple[Dataset, Dataset]]:
    """Match the detections of a data set to the true objects of another one.

    Parameters
    ----------
    paths : tuple of Path
        The truth, and the results of a model.
    problems : Problems
        Receives what is left out.
    options : tuple of ReadOptions
        How they are read.
    known : Dataset, optional
        The data set of results, if this is not the truth.
    iou, protocol : str
        As for :class:`segcore.metrics.AveragePrecision`.
    engine : mapping, optional
        Arguments of :func:`segcore.data.evaluate` that say what does the work.
    others : sequence of DetectionMetric
        Further metrics, to which the images are added, too.

    Returns
    -------
    ap : AveragePrecision
        The accumulator of all images of the truth.
    names : dict of int to str
        The names of the categories.
    both : tuple of Dataset
        The truth and the results, without what was left out. If boxes were compared, the masks are
        those of the boxes. With the rules of LVIS, no annotation is a crowd.

    Raises
    ------
    DatasetError
        If a file cannot be used.
    ValueError
        If the files do not fit together, or a score or a box is missing.
    """
    truth, prediction = read_two(paths, problems, options, known)
    assert prediction is not None
    have_ids = all(
        FORMATS[o.format or recognized(path)].dataset == "results"
        for path, o in zip(paths, options, strict=True)
    )
    prediction = _with_ids_of_truth(paths, truth, prediction, problems, known, have_ids)
    if problems.skip and (iou != "box" or _needs_masks(truth) or _needs_masks(prediction)):
        truth = _valid_part(truth, paths[0], problems)
        prediction = _valid_part(prediction, paths[1], problems)
    if iou != "box":
        truth = _masked_part(truth, paths[0], problems)
        prediction = _masked_part(prediction, paths[1], problems)
    settings: dict[str, Any] = {}
    names = {0: OBJECT}
    if len(truth.categories) and len(prediction.categories):
        ids = truth.categories["id"].tolist()
        names = dict(zip(ids, truth.categories["name"], strict=True))
        _count_unknown(prediction, names, problems)
        settings["class_ids"], _ = category_ids(truth, prediction) or ([], [])
    if protocol == "lvis":
        settings["frequencies"] = frequencies(truth)
    num_crowds = int(np.count_nonzero(truth.annotations["iscrowd"]))
    if num_crowds and protocol == "coco":
        problems.leave_out(
            "crowd annotation",
            "not counted as missed; detections in crowds are ignored",
            num_crowds,
            option="--crowd-as-object counts crowds as objects",
        )
    ap = AveragePrecision(iou, protocol=protocol, box_format="xywh", **settings)
    evaluate(truth, prediction, [ap, *others], **engine)
    if protocol == "lvis":
        truth = truth.without_crowds()
    if iou == "box":
        truth, prediction = (
            dataset.with_box_masks(replace=True) for dataset in (truth, prediction)
        )
    return ap, names, (truth, prediction)


def _with_ids_of_truth(
    paths: tuple[Path, Path],
    truth: Dataset,
    prediction: Dataset,
    problems: Problems,
    known: Dataset | None,
    have_ids: bool,
) -> Dataset:
    """Return the prediction with the ids that its images and categories have in the truth.

    They are matched as by ``segcore compare``: images by name, and categories by id or name. Data
    sets without names or categories are matched by ids, as are data sets that have no image name in
    common if their ids are from files: `have_ids`.
    """
    both = truth, prediction
    have_names = all(d.images["file_name"].lengths.all() and len(d.categories) for d in both)
    if belongs_to(prediction, truth) or not have_names:
        return prediction
    sets = instance_sets(paths, both, problems, known)
    matches = match_images(*sets)
    is_matched = matches >= 0
    if not is_matched.any() and have_ids:
        return prediction
    if not is_matched.any() and len(is_matched):
        raise DatasetError(
            paths[1],
            f"it has none of the images of {paths[0]}; they are matched by their file names",
        )
    _count_unknown_images(sets[1], matches, problems)
    part = prediction[sets[1].images.rows[matches[is_matched]]]
    image_ids = truth.images["id"][sets[0].images.rows[is_matched]]
    true_keys, keys = category_keys(*sets)
    id_of = dict(zip(true_keys, (c.id for c in sets[0].categories), strict=True))
    key_of = dict(zip((c.id for c in sets[1].categories), keys, strict=True))
    known_ids = {own: id_of[key] for own, key in key_of.items() if key in id_of}
    free = (n for n in itertools.count(1) if n not in {*id_of.values(), *key_of})
    new_ids = {own: next(free) if own in id_of.values() else own for own in key_of} | known_ids
    category_ids = [new_ids[own] for own in part.categories["id"].tolist()]
    is_text = any(isinstance(key, str) for key in category_ids)
    return Dataset(
        part.images.replace(id=image_ids),
        part.categories.replace(id=np.array(category_ids, object if is_text else np.int64)),
        part.annotations,
        source=part.source,
        maps=part.maps,
        result_areas=part.result_areas,
    )


def _needs_masks(dataset: Dataset) -> bool:
    """Return whether missing boxes, or areas, must be computed from masks."""
    return dataset.result_areas == "mask" or bool(np.isnan(dataset.annotations["bbox"]).any())


def _valid_part(dataset: Dataset, path: Path, problems: Problems) -> Dataset:
    """Return a data set without invalid masks, which are reported."""
    valid, messages = without_invalid_masks(dataset)
    for message in messages:
        problems.report(DatasetError(path, message))
    return valid


def _masked_part(dataset: Dataset, path: Path, problems: Problems) -> Dataset:
    """Return a data set without the annotations that have no mask, which are counted.

    Raises DatasetError if none of its annotations has a mask.
    """
    if dataset.maps is not None:
        return dataset
    is_missing = missing_masks(dataset)
    if not is_missing.any():
        return dataset
    if is_missing.all():
        raise DatasetError(
            path,
            "none of its annotations has a mask; --iou box compares boxes, and --boxes takes boxes "
            "as masks",
        )
    columns: Any = dataset.annotations
    image_ids: Any = dataset.images["id"]

    def name(row: int) -> str:
        return f"annotation {columns['id'][row]} of image {image_ids[columns['image'][row]]}"

    count_without_masks(is_missing, columns["bbox"], name, problems)
    return dataset.select(~is_missing)


def _count_unknown(prediction: Dataset, names: dict[int, str], problems: Problems) -> None:
    """Count the detections of categories that the truth lacks."""
    found: Any = prediction.categories["id"]
    is_unknown = np.array([category not in names for category in found.tolist()], np.bool_)
    categories: Any = prediction.annotations["category"]
    rows = np.flatnonzero(is_unknown[categories])
    if len(rows):
        first = f"of category {found[categories[rows[0]]]}"
        problems.leave_out("detection", "of categories that the truth lacks", len(rows), first)
