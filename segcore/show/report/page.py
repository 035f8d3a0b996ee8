"""Write the page: its style and scripts, and the masks of its images as COCO run lengths."""

from __future__ import annotations

import base64
import html
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from segcore._text import visible
from segcore._version import __version__
from segcore.diagnosis import CAUSES, Diagnosis, diagnose
from segcore.masks import Masks
from segcore.show.colors import palette, shades
from segcore.show.report.forms import forms_of, losses_of

SCRIPTS = ("runs.js", "views.js", "viewer.js")
Colors = NDArray[np.uint8]


@dataclass(frozen=True)
class Class:
    """A class: ``thing`` tells whether its objects can be counted, and False is stuff."""

    name: str
    thing: bool = True


@dataclass(frozen=True)
class Objects:
    """The objects of an image, in the truth or in a prediction.

    Parameters
    ----------
    masks : Masks
        N masks.
    classes : numpy.ndarray
        Integers (N,), from 0 on: which of the page's classes each is of.
    ids : list
        N numbers or texts to name them by.
    scores : numpy.ndarray, optional
        Numbers (N,). Objects of a higher score are drawn over those of a lower one, and without
        scores later ones over earlier ones.
    crowd : numpy.ndarray, optional
        bool (N,): regions of many objects. They are drawn under all others.
    """

    masks: Masks
    classes: NDArray[np.integer]
    ids: list[int | str]
    scores: NDArray[np.floating] | None = None
    crowd: NDArray[np.bool_] | None = None

    def order(self) -> NDArray[np.intp]:
        """Give the indices in the order of painting: what is on top comes last."""
        places = np.arange(len(self.masks))
        # The last key counts most. Of equal scores, the earlier object is on top.
        keys: list[NDArray[Any]] = [places] if self.scores is None else [-places, self.scores]
        if self.crowd is not None:
            keys.append(~self.crowd)
        return np.lexsort(keys)

    def painted(self) -> Objects:
        """Return the objects in the order of painting."""
        return self.select(self.order())

    def select(self, indices: NDArray[np.intp]) -> Objects:
        """Return some of the objects, in the order of their indices."""
        return Objects(
            self.masks[indices],
            self.classes[indices],
            [self.ids[i] for i in indices],
            None if self.scores is None else self.scores[indices],
            None if self.crowd is None else self.crowd[indices],
        )


@dataclass(frozen=True)
class PageImage:
    """An image of a page.

    Parameters
    ----------
    name : str
        Its name, such as that of its file.
    truth : Objects
        The true objects.
    prediction : Objects, optional
        The predicted objects.
    photograph : bytes, optional
        A JPEG, PNG or WebP file. It is shown below the masks, in their size.
    options : dict
        Keywords for :func:`segcore.diagnose`.
    """

    name: str
    truth: Objects
    prediction: Objects | None = None
    photograph: bytes | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def diagnosis(self) -> Diagnosis | None:
        """The comparison of truth and prediction, if there is a prediction."""
        if self.prediction is None:
            return None
        return diagnose(
            self.truth.masks,
            self.prediction.masks,
            self.truth.classes,
            self.prediction.classes,
            crowd=self.truth.crowd,
            scores=self.prediction.scores,
            **self.options,
        )


def write_page(
    file: BinaryIO, title: str, classes: list[Class], pictures: Iterable[PageImage], compared: bool
) -> None:
    """Write one HTML file that needs no other, and no network.

    Parameters
    ----------
    file : file
        Opened for writing bytes. Images are written one by one.
    title : str
        The title of the page.
    classes : list of Class
        The classes that the objects' class indices refer to.
    pictures : iterable of PageImage
        The images. Either all of them have predictions, or none.
    compared : bool
        Whether they have predictions.

    Raises
    ------
    ValueError
        If an image has a prediction and `compared` is False, or the other way round.

    Examples
    --------
    >>> import io, numpy as np, segcore as sc
    >>> from segcore.show.report import Class, Objects, PageImage, write_page
    >>> masks = sc.Masks.from_boxes([[0, 0, 8, 4], [4, 2, 9, 9]], (10, 10))
    >>> picture = PageImage("two boxes", Objects(masks, np.array([0, 0]), [1, 2]))
    >>> page = io.BytesIO()
    >>> write_page(page, "Boxes", [Class("box")], [picture], compared=False)
    >>> page.getvalue()[:15]
    b'<!DOCTYPE html>'
    """
    colors = palette(len(classes))
    head, rest = _resource("page.html").split("{{data}}")
    values = {
        "version": __version__,
        "title": html.escape(visible(title)),
        "style": _resource("style.css"),
        "script": "\n".join(_resource(name) for name in SCRIPTS),
    }
    file.write(_filled(head, values).encode())
    listed = []
    objects = 0
    for i, picture in enumerate(pictures):
        if (picture.prediction is not None) != compared:
            raise ValueError(f"image {i}: expected {'a' if compared else 'no'} prediction")
        diagnosis = picture.diagnosis
        _write_json(file, f"picture-{i}", _picture(picture, diagnosis, classes, colors))
        listed.append(_listed(picture, diagnosis))
        objects += _objects_in(picture, diagnosis)
    summary = f"{_counted(len(listed), 'image')}, {_counted(objects, 'object')}"
    index = {
        "compared": compared,
        "summary": summary + (": truth against prediction" if compared else ""),
        "classes": [
            {"name": visible(each.name), "color": _hex(color), "thing": each.thing}
            for each, color in zip(classes, colors, strict=True)
        ],
        "causes": [
            {
                "title": cause.title,
                "color": _hex(cause.color),
                "spurious": cause.spurious,
                "shallow": cause.shallow,
            }
            for cause in CAUSES
        ],
        "pictures": listed,
    }
    _write_json(file, "index", index)
    file.write(_filled(rest, values).encode())


def _resource(name: str) -> str:
    return (files("segcore.show.report") / name).read_text(encoding="utf-8")


def _filled(template: str, values: dict[str, str]) -> str:
    """Fill a template in one pass: what a value holds is never taken for a place to fill."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def _write_json(file: BinaryIO, key: str, value: object) -> None:
    # "</script>" in a text would end the element.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    element = f'<script type="application/json" id="{key}">{visible(text)}</script>\n'
    file.write(element.encode())


def _objects_in(picture: PageImage, diagnosis: Diagnosis | None) -> int:
    """Count the true objects, in a comparison those that are judged: all but the crowds."""
    if diagnosis is None:
        return len(picture.truth.masks)
    return sum(not finding.extra for finding in diagnosis.findings)


def _listed(picture: PageImage, diagnosis: Diagnosis | None) -> dict[str, Any]:
    height, width = picture.truth.masks.size
    note = _counted(_objects_in(picture, diagnosis), "object")
    if diagnosis is not None:
        kinds = Counter(each.kind for each in diagnosis.findings)
        del kinds["matched"]
        wrong = (f"{count:,} {kind}" for kind, count in kinds.items())
        note = ", ".join([note, *wrong]) + ("" if kinds else ", all matched")
    return {
        "name": visible(picture.name),
        "height": height,
        "width": width,
        "note": note,
        "photograph": picture.photograph is not None,
    }


def _picture(
    picture: PageImage, diagnosis: Diagnosis | None, classes: list[Class], colors: Colors
) -> dict[str, Any]:
    height, width = picture.truth.masks.size
    truth = picture.truth
    own = palette(len(truth.masks))  # an object's own colour
    painted = truth.painted()
    value: dict[str, Any] = {"height": height, "width": width, "photograph": None}
    if picture.photograph is not None:
        value["photograph"] = _data_url(picture.photograph)
    value["Truth"] = _objects(truth, own, classes, colors)
    if diagnosis is not None and picture.prediction is not None:
        matched = _matched_colors(diagnosis, own, len(picture.prediction.masks))
        value["Prediction"] = _objects(picture.prediction, matched, classes, colors)
        value["rows"] = _rows(diagnosis, truth, picture.prediction)
    value["forms"] = forms_of(painted.masks, painted.classes)
    names = [visible(each.name) for each in classes]
    value["lost"] = losses_of(painted.masks, painted.classes, names)
    return value


def _objects(
    objects: Objects, own: Colors, classes: list[Class], colors: Colors
) -> dict[str, list[dict[str, Any]]]:
    """Describe the objects in the order of painting."""
    order = objects.order()
    of_class = colors[objects.classes]
    shaded = shades(of_class, objects.classes)
    stuff = np.array([not each.thing for each in classes], np.bool_)[objects.classes]
    shaded[stuff] = of_class[stuff]
    areas, boxes = objects.masks.area.tolist(), objects.masks.boxes.tolist()
    counts = objects.masks.to_coco()
    described = []
    for i in order.tolist():
        value: dict[str, Any] = {
            "id": _shown_id(objects.ids[i]),
            "class": int(objects.classes[i]),
            "area": areas[i],
            "box": boxes[i],
            "counts": counts[i]["counts"],
            "color": _hex(own[i]),
            "shade": _hex(shaded[i]),
        }
        if objects.scores is not None:
            value["score"] = float(objects.scores[i])
        if objects.crowd is not None and objects.crowd[i]:
            value["crowd"] = True
        described.append(value)
    return {"objects": described}


def _shown_id(key: int | str) -> int | str:
    """Return an id as the page shows it: integers that JavaScript cannot hold become text."""
    if isinstance(key, str):
        return visible(key)
    return key if abs(key) < 2**53 else str(key)


def _matched_colors(diagnosis: Diagnosis, own: Colors, count: int) -> Colors:
    """Give predictions the colours of their true objects, and further ones to the others."""
    further = palette(len(own) + count)[len(own) :]
    for finding in diagnosis.findings:
        if finding.kind in ("matched", "split", "confused"):
            further[list(finding.predicted)] = own[finding.truth]
    return further


def _rows(diagnosis: Diagnosis, truth: Objects, prediction: Objects) -> list[dict[str, Any]]:
    """Describe the findings, the worst first; objects by their index in the order of painting."""
    true_place = np.argsort(truth.order()).tolist()
    place = np.argsort(prediction.order()).tolist()
    counts = {cause: masks.to_coco() for cause, masks in diagnosis.parts.items()}
    rows = []
    for i in diagnosis.worst():
        finding = diagnosis.findings[i]
        parts = []
        for k, cause in enumerate(CAUSES):
            area = (finding.spurious if cause.spurious else finding.missed)[cause.name]
            if area:
                code = counts[cause][i]["counts"]
                part = {"cause": k, "spurious": cause.spurious, "area": area, "counts": code}
                parts.append(part)
        into = list(finding.bleeding_into.items())[:5]
        place_of_truth = None if finding.truth is None else true_place[finding.truth]
        rows.append(
            {
                "kind": finding.kind,
                "true": None if finding.extra else place_of_truth,
                "original": place_of_truth if finding.kind == "duplicate" else None,
                "predicted": [place[j] for j in finding.predicted],
                "area": finding.area,
                "iou": finding.iou,
                "parts": parts,
                "into": [[true_place[j], area] for j, area in into],
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
    return "#" + "".join(f"{value:02x}" for value in color)


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name if count == 1 else name + 's'}"
