"""The HTML page: its style and scripts, and its images with masks as COCO run lengths."""

from __future__ import annotations

import base64
import html
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from importlib.resources import files
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from segcore._text import counted, visible
from segcore._version import __version__
from segcore.diagnosis import CAUSES, KINDS, Diagnosis
from segcore.show.colors import ColorArray, palette, shades
from segcore.show.report.evaluation import Evaluation
from segcore.show.report.forms import forms_of, losses_of
from segcore.show.report.images import ImageWriter, PageFolder, json_text, write_element
from segcore.show.report.objects import (
    Class,
    Objects,
    PageImage,
    diagnose_together,
    shown_id,
)
from segcore.show.report.overview import Overview

SCRIPTS = (
    "runs.js",
    "views.js",
    "state.js",
    "details.js",
    "stage.js",
    "viewer.js",
    "charts.js",
    "tables.js",
    "overview.js",
    "route.js",
)
TOGETHER = 16
"""Number of images that `write_page` holds and diagnoses together."""


def write_page(
    file: BinaryIO,
    title: str,
    classes: list[Class],
    images: Iterable[PageImage],
    compared: bool,
    *,
    evaluation: Evaluation | None = None,
    folder: PageFolder | None = None,
) -> None:
    """Write an HTML file that needs no network and, up to a size, no other files.

    Parameters
    ----------
    file : file
        Binary file, open for writing. Only a few images are in memory at a time.
    title : str
        Title of the page.
    classes : list of Class
        The classes that the objects' class indices refer to.
    images : iterable of PageImage
        The images. Either all of them have predictions, or none.
    compared : bool
        Whether the images have predictions.
    evaluation : Evaluation, optional
        The scores to show. The images are added to it.
    folder : PageFolder, optional
        A folder beside the file, for the images if they take more than ``folder.single_file``
        bytes. The page then reads images when they are shown. By default, they are in the file.

    Raises
    ------
    ValueError
        If `compared` is True and an image has no prediction, or it is False and an image has one.

    Examples
    --------
    >>> import io, numpy as np, segcore as sc
    >>> from segcore.show.report import Class, Objects, PageImage, write_page
    >>> masks = sc.Masks.from_boxes([[0, 0, 8, 4], [4, 2, 9, 9]], (10, 10))
    >>> image = PageImage("two boxes", Objects(masks, np.array([0, 0]), [1, 2]))
    >>> page = io.BytesIO()
    >>> write_page(page, "Boxes", [Class("box")], [image], compared=False)
    >>> page.getvalue()[:15]
    b'<!DOCTYPE html>'
    """
    writer = PageWriter(file, title, classes, compared, evaluation=evaluation, folder=folder)
    numbered = enumerate(images)
    while part := list(itertools.islice(numbered, TOGETHER)):
        found = PageImages(classes, compared)
        diagnose_together([image for _, image in part])
        for index, image in part:
            found.add(index, image)
            if evaluation is not None:
                evaluation.add(image)
        writer.merge(found)
    writer.finish()


class PageImages:
    """The content of a page for some images, as JSON.

    Parameters
    ----------
    classes : list of Class
        The classes that the objects' class indices refer to.
    compared : bool
        Whether the images have predictions.

    Attributes
    ----------
    texts, listed : list of str
        The content of each image, and its entry in the list of images.
    overview : Overview
        The findings of all images.
    num_objects : int
        Number of objects.
    """

    def __init__(self, classes: list[Class], compared: bool) -> None:
        self._classes = classes
        self._compared = compared
        self._colors = palette(len(classes))
        self.texts: list[str] = []
        self.listed: list[str] = []
        self.overview = Overview()
        self.num_objects = 0

    def add(self, index: int, image: PageImage) -> None:
        """Add an image.

        Raises
        ------
        ValueError
            If the image has no prediction, or should have none.
        """
        if (image.prediction is not None) != self._compared:
            expected = "a" if self._compared else "no"
            raise ValueError(f"image {index}: expected {expected} prediction")
        diagnosis = image.diagnosis
        self.texts.append(json_text(_described(image, diagnosis, self._classes, self._colors)))
        self.listed.append(json_text(_listed(image, diagnosis)))
        if diagnosis is not None:
            self.overview.add(image, diagnosis)
        self.num_objects += _num_objects(image, diagnosis)


class PageWriter:
    """Writes a page whose images come part by part; see `write_page` for the parameters."""

    def __init__(
        self,
        file: BinaryIO,
        title: str,
        classes: list[Class],
        compared: bool,
        *,
        evaluation: Evaluation | None = None,
        folder: PageFolder | None = None,
    ) -> None:
        self._file = file
        self._classes = classes
        self._compared = compared
        self._evaluation = evaluation
        head, self._rest = _resource("page.html").split("{{data}}")
        self._values = {
            "version": __version__,
            "title": html.escape(visible(title)),
            "style": _resource("style.css"),
            "script": "\n".join(_resource(name) for name in SCRIPTS),
        }
        file.write(_filled(head, self._values).encode())
        self._listed: list[str] = []
        self._images = ImageWriter(file, folder)
        self._overview = Overview()
        self._num_objects = 0

    @property
    def num_images(self) -> int:
        """Number of images so far."""
        return len(self._listed)

    def merge(self, part: PageImages) -> None:
        """Write the next images."""
        for text in part.texts:
            self._images.add(text)
        self._listed += part.listed
        self._overview.merge(part.overview)
        self._num_objects += part.num_objects

    def finish(self) -> None:
        """Write the rest of the page."""
        summary = f"{counted(self.num_images, 'image')}, {counted(self._num_objects, 'object')}"
        colors = palette(len(self._classes))
        document = {
            "compared": self._compared,
            "summary": summary + (": truth against prediction" if self._compared else ""),
            "classes": [
                {"name": visible(c.name), "color": _hex(color), "thing": c.thing}
                for c, color in zip(self._classes, colors, strict=True)
            ],
            "causes": [
                {
                    "title": cause.title,
                    "color": _hex(cause.color),
                    "spurious": cause.spurious,
                    "common": cause.common,
                }
                for cause in CAUSES
            ],
            "kinds": KINDS,
            "evaluation": None if self._evaluation is None else self._evaluation.to_dict(),
            "files": self._images.finish(),
        }
        listed = ",".join(self._listed)
        texts = [json_text(document)[:-1], f',"images":[{listed}]}}']
        write_element(self._file, "index", texts)
        if self._compared:
            write_element(self._file, "findings", self._overview.json_texts())
        self._file.write(_filled(self._rest, self._values).encode())


def _resource(name: str) -> str:
    return (files("segcore.show.report") / name).read_text(encoding="utf-8")


def _filled(template: str, values: dict[str, str]) -> str:
    """Fill a template in one pass, so that braces in a value are not replaced."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def _num_objects(image: PageImage, diagnosis: Diagnosis | None) -> int:
    """Return the number of true objects; in a comparison, without the crowds."""
    if diagnosis is None:
        return len(image.truth.masks)
    return sum(not finding.is_prediction for finding in diagnosis.findings)


def _listed(image: PageImage, diagnosis: Diagnosis | None) -> dict[str, Any]:
    """Describe an image for the list of images."""
    height, width = image.truth.masks.size
    note = counted(_num_objects(image, diagnosis), "object")
    if diagnosis is not None:
        kinds = Counter(finding.kind for finding in diagnosis.findings)
        del kinds["matched"]
        wrong = (f"{count:,} {kind}" for kind, count in kinds.items())
        note = ", ".join([note, *wrong]) + ("" if kinds else ", all matched")
    return {
        "name": visible(image.name),
        "height": height,
        "width": width,
        "note": note,
        "photograph": image.photograph is not None,
    }


def _described(
    image: PageImage, diagnosis: Diagnosis | None, classes: list[Class], colors: ColorArray
) -> dict[str, Any]:
    """Describe an image with its objects and findings."""
    height, width = image.truth.masks.size
    truth = image.truth
    true_colors = palette(len(truth.masks))
    order = truth.order()
    value: dict[str, Any] = {"height": height, "width": width, "photograph": None}
    if image.photograph is not None:
        value["photograph"] = _data_url(image.photograph)
    value["Truth"] = _objects(truth, order, true_colors, classes, colors)
    if diagnosis is not None and image.prediction is not None:
        prediction = image.prediction
        predicted_order = prediction.order()
        predicted_order = predicted_order[~np.isin(predicted_order, diagnosis.below_threshold)]
        predicted_colors = _predicted_colors(diagnosis, true_colors, len(prediction.masks))
        value["Prediction"] = _objects(
            prediction, predicted_order, predicted_colors, classes, colors
        )
        value["rows"] = _rows(diagnosis, order, predicted_order)
    painted = truth.painted()
    value["forms"] = forms_of(painted.masks, painted.classes)
    value["lost"] = losses_of(painted.masks, painted.classes, [c.name for c in classes])
    return value


def _objects(
    objects: Objects,
    order: NDArray[np.intp],
    own_colors: ColorArray,
    classes: list[Class],
    colors: ColorArray,
) -> dict[str, list[dict[str, Any]]]:
    """Describe the objects in painting order."""
    class_colors = colors[objects.classes]
    shaded = shades(class_colors, objects.classes)
    stuff = np.array([not c.thing for c in classes], np.bool_)[objects.classes]
    shaded[stuff] = class_colors[stuff]
    areas, boxes = objects.masks.area.tolist(), objects.masks.boxes.tolist()
    counts = objects.masks.to_coco()
    described = []
    for i in order.tolist():
        value: dict[str, Any] = {
            "id": shown_id(objects.ids[i]),
            "class": int(objects.classes[i]),
            "area": areas[i],
            "box": boxes[i],
            "counts": counts[i]["counts"],
            "color": _hex(own_colors[i]),
            "shade": _hex(shaded[i]),
        }
        if objects.scores is not None:
            value["score"] = float(objects.scores[i])
        if objects.crowd is not None and objects.crowd[i]:
            value["crowd"] = True
        described.append(value)
    return {"objects": described}


def _predicted_colors(diagnosis: Diagnosis, true_colors: ColorArray, count: int) -> ColorArray:
    """Return the colors of predictions: that of their true object, or one of their own."""
    colors = palette(len(true_colors) + count)[len(true_colors) :]
    for finding in diagnosis.findings:
        if finding.kind in ("matched", "split", "confused"):
            colors[list(finding.predicted)] = true_colors[finding.truth]
    return colors


def _rows(
    diagnosis: Diagnosis, order: NDArray[np.intp], predicted_order: NDArray[np.intp]
) -> list[dict[str, Any]]:
    """Describe the findings, the worst first; objects by their index in painting order."""
    true_index = {i: k for k, i in enumerate(order.tolist())}
    predicted_index = {j: k for k, j in enumerate(predicted_order.tolist())}
    counts = {cause: masks.to_coco() for cause, masks in diagnosis.masks.items()}
    rows = []
    for i in diagnosis.ranking():
        finding = diagnosis.findings[i]
        parts = []
        for k, cause in enumerate(CAUSES):
            area = (finding.spurious if cause.spurious else finding.missed)[cause.name]
            if area:
                code = counts[cause][i]["counts"]
                part = {"cause": k, "spurious": cause.spurious, "area": area, "counts": code}
                parts.append(part)
        into = list(finding.bleeding_into.items())[:5]
        true = None if finding.truth is None else true_index[finding.truth]
        rows.append(
            {
                "kind": finding.kind,
                "true": None if finding.is_prediction else true,
                "original": true if finding.kind == "duplicate" else None,
                "predicted": [predicted_index[j] for j in finding.predicted],
                "area": finding.area,
                "iou": finding.iou,
                "parts": parts,
                "into": [[true_index[j], area] for j, area in into],
            }
        )
    return rows


def _data_url(photograph: bytes) -> str:
    kinds = {b"\xff\xd8": "jpeg", b"\x89P": "png", b"RI": "webp"}
    kind = kinds.get(photograph[:2])
    if kind is None:
        raise ValueError("photograph: expected a JPEG, PNG or WebP file")
    return f"data:image/{kind};base64,{base64.b64encode(photograph).decode()}"


def _hex(color: Iterable[int]) -> str:
    return "#" + bytes(color).hex()
