"""GeoJSON in pixels: a FeatureCollection of polygons, with holes.

The category of a feature is ``classification.name``, ``category``, ``label`` or ``class`` of its
properties. The image is that of its ``image_id``, if the collection has a member ``images`` as
written by `write`. Otherwise the collection belongs to one image, which has the name of the file;
its size is that of the image file beside it, and unknown if there is none.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from segcore._input.arrays import described
from segcore._publish import Outputs
from segcore.data.coco.stream import Progress
from segcore.data.dataset import Dataset
from segcore.data.errors import DatasetError
from segcore.data.formats._account import EMPTY, POLYGONS, Account
from segcore.data.formats._builder import (
    ROTATED,
    Builder,
    as_score,
    as_size,
    relative_name,
    track,
)
from segcore.data.formats._images import SUFFIXES, image_size
from segcore.data.formats._json import read_json
from segcore.data.formats._measures import ring_areas
from segcore.data.formats._rings import Numbers, as_points, check_ring
from segcore.data.report import WriteReport
from segcore.formats.geojson import polygons_of, rings_of

WITHOUT_AREA = ("Point", "MultiPoint", "LineString", "MultiLineString")
OBJECT = "object"
CATEGORY_KEYS = ("category", "label", "class", "category_name", "name")


# -- reading --------------------------------------------------------------------------------------


def read(
    path: str | os.PathLike[str],
    *,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> Dataset:
    """Read a FeatureCollection."""
    place = Path(path)
    document = read_json(place)
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise DatasetError(str(place), 'expected an object with a list "features"')
    builder = Builder(place, skip_invalid)
    builder.look_beside(place.parent, "images")
    images = _images(builder, place, document.get("images"))
    _categories(builder, document.get("categories"))
    features = document["features"]
    done = track(features, progress)
    for index, feature in enumerate(features):
        where = f"features[{index}]"
        try:
            _read_feature(builder, images, feature, where)
        except ValueError as error:
            builder.refuse(str(error), where)
        done(index)
    return builder.dataset()


def _images(builder: Builder, path: Path, listed: Any) -> dict[Any, int]:
    """Add the images, and return their rows by id; by None if the file is about one image."""
    if listed is None:
        file = next((p for s in SUFFIXES if (p := path.with_suffix(s)).is_file()), None)
        if file is not None:
            size, is_rotated = image_size(file)
            if is_rotated:
                builder.note(ROTATED, file.name)
            return {None: builder.add_image(file.name, size)}
        builder.note("images without a file beside, so that their size is unknown", path.stem)
        return {None: builder.add_image(path.stem, (0, 0))}
    if not isinstance(listed, list):
        raise DatasetError(builder.path, f"expected a list, got {described(listed)}", "images")
    found: dict[Any, int] = {}
    for index, item in enumerate(listed):
        try:
            if not isinstance(item, dict) or not isinstance(item.get("id"), (int, str)):
                raise ValueError('expected an object with an "id"')
            if item["id"] in found:
                raise ValueError(f"id: {item['id']!r:.40} occurs twice")
            size = as_size(item.get("height"), item.get("width"))
            row = builder.add_image(relative_name(item.get("file_name")), size, item["id"])
            found[item["id"]] = row
        except ValueError as error:
            builder.refuse(str(error), f"images[{index}]")
    return found


def _categories(builder: Builder, listed: Any) -> None:
    """Add the categories that the collection lists, as written by `write`."""
    for index, item in enumerate(listed if isinstance(listed, list) else []):
        is_category = isinstance(item, dict) and isinstance(item.get("name"), str)
        if not is_category or not isinstance(item.get("id"), (int, str)):
            builder.refuse('expected an object with "id" and "name"', f"categories[{index}]")
            continue
        builder.category(item["name"], item["id"])


def _read_feature(builder: Builder, images: dict[Any, int], feature: Any, where: str) -> None:
    """Add an annotation."""
    if not isinstance(feature, dict):
        raise ValueError(f"expected a Feature, got {described(feature)}")
    geometry, properties = feature.get("geometry"), feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise ValueError(f"properties: expected an object, got {described(properties)}")
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if geometry is None or kind in WITHOUT_AREA:
        builder.note(f"features of the type {kind}, which have no area", where)
        return
    key = None if None in images else properties.get("image_id")
    if not isinstance(key, (int, str, type(None))) or key not in images:
        raise ValueError(f"properties.image_id: expected the id of an image, got {described(key)}")
    rings = [_without_end(as_points(ring, "coordinates")) for ring in rings_of(geometry)]
    if not rings:
        builder.note("features without coordinates", where)
        return
    for ring in rings:
        check_ring(ring.ravel())
    builder.add_polygons(
        images[key],
        builder.category(_category(properties)),
        np.concatenate(rings),
        [len(ring) for ring in rings],
        [len(rings)],
        area=sum(map(_area, polygons_of(geometry))),
        iscrowd=properties.get("iscrowd") in (1, True),
        score=as_score(properties.get("score")),
    )


def _area(polygon: Any) -> float:
    """Return the area of a polygon, without its holes, whichever way round they go."""
    rings = [rings_of({"type": "Polygon", "coordinates": [ring]}) for ring in polygon]
    points = [as_points(ring, "coordinates") for [ring] in filter(None, rings)]
    areas = [float(ring_areas(ring, np.zeros(1, np.int64))[0]) for ring in points]
    return areas[0] - sum(areas[1:]) if areas else 0.0


def _without_end(ring: Numbers) -> Numbers:
    """Return a ring without its last point, if that repeats the first one."""
    is_closed = len(ring) > 3 and np.array_equal(ring[0], ring[-1])
    return ring[:-1] if is_closed else ring


def _category(properties: dict[str, Any]) -> str:
    """Return the name of the category, from where tools write it."""
    classification = properties.get("classification")
    values = [classification.get("name") if isinstance(classification, dict) else classification]
    values += [properties.get(key) for key in CATEGORY_KEYS]
    return next((str(v) for v in values if isinstance(v, (str, int, float)) and v != ""), OBJECT)


# -- writing --------------------------------------------------------------------------------------


def write(
    dataset: Dataset,
    outputs: Outputs,
    path: str | os.PathLike[str],
    progress: Progress | None = None,
) -> WriteReport:
    """Write a FeatureCollection with a MultiPolygon per annotation.

    Polygons are written as they are, other masks as their outlines and holes. The images and
    categories are members of the collection, and the names of QuPath are used where it has some.
    """
    account = Account(dataset, "geojson", path, progress)
    dataset = account.dataset
    names = account.names()
    labels = account.category_names()
    ids = dataset.images["id"].tolist()
    images = []
    for image, (name, image_id) in enumerate(zip(names, ids, strict=True)):
        height, width = account.size(image)
        images.append({"id": image_id, "file_name": name, "height": height, "width": width})
    categories = [
        {"id": category_id, "name": name}
        for category_id, name in zip(dataset.categories["id"].tolist(), labels, strict=True)
    ]
    with outputs.file(path).open() as file:
        head = {"type": "FeatureCollection", "images": images, "categories": categories}
        file.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "features": [')
        separator = b"\n"
        for image, image_id in account.tracked(ids):
            for feature in _features(account, image, image_id, labels):
                file.write(separator + json.dumps(feature, ensure_ascii=False).encode())
                separator = b",\n"
        file.write(b"\n]}\n")
    kept = ("image ids", "category ids", "categories without annotations", "iscrowd flags")
    account.unwritten_values(*kept, "scores", POLYGONS)
    return account.report()


def _features(
    account: Account, image: int, image_id: Any, labels: list[str]
) -> list[dict[str, Any]]:
    """Return the features of an image."""
    annotations = account.dataset.annotations
    rows = account.rows(image)
    polygons = {
        row: _multi_polygon(account, row) for row in rows[account.is_polygon[rows]].tolist()
    }
    others = rows[~account.is_polygon[rows]]
    masks = account.masks(image, others)
    is_empty = masks.area == 0
    account.drop(others[is_empty], EMPTY)
    outlines = masks[np.flatnonzero(~is_empty)].to_polygons().to_geojson()
    geometries = polygons | dict(zip(others[~is_empty].tolist(), outlines, strict=True))
    features = []
    for row in rows.tolist():
        if row in geometries:
            label = labels[int(annotations["category"][row])]
            properties = {
                "image_id": image_id,
                "classification": {"name": label},
                "iscrowd": int(annotations["iscrowd"][row]),
            }
            score = float(annotations["score"][row])
            if np.isfinite(score):
                properties["score"] = score
            features.append(
                {"type": "Feature", "geometry": geometries[row], "properties": properties}
            )
    return features


def _multi_polygon(account: Account, row: int) -> dict[str, Any]:
    """Return a polygon as it is; the first point of a ring is repeated at its end."""
    coordinates, points = account.rings(row)
    rings = np.split(coordinates.reshape(-1, 2), np.cumsum(points)[:-1])
    closed = [[[*ring.tolist(), ring[0].tolist()]] for ring in rings]
    return {"type": "MultiPolygon", "coordinates": closed}
