"""Convert GeoJSON polygons, also of shapely geometries, to rings without holes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from segcore._batch import offsets_of
from segcore._input.arrays import described
from segcore._rings.bridges import joined_order


def as_geometry(value: Any) -> Any:
    """Return the GeoJSON mapping of a geometry, or None for other values."""
    if isinstance(value, (list, tuple)):
        return None
    if not isinstance(value, Mapping):
        value = getattr(value, "__geo_interface__", None)
    return value if isinstance(value, Mapping) and "type" in value else None


def rings_of(geometry: Mapping[str, Any]) -> list[list[Any]]:
    """Return one ring per polygon of a geometry.

    Each hole is joined to its exterior ring by a bridge between their nearest points: a line to the
    hole and back, which encloses no area. Neither the even-odd rule, which COCO uses, nor the
    non-zero rule fills the hole.

    Parameters
    ----------
    geometry : mapping
        ``"Polygon"``, ``"MultiPolygon"``, ``"GeometryCollection"`` of these, or a ``"Feature"``
        with one of them.

    Returns
    -------
    list of list
        The points ``[x, y]`` of each ring.

    Raises
    ------
    ValueError
        If the geometry is none of these types or is malformed.
    """
    return [ring for ring in map(_bridged, polygons_of(geometry)) if ring]


def polygons_of(geometry: Mapping[str, Any]) -> list[Any]:
    """Return the polygons of a geometry, as `rings_of` does: their outlines and holes."""
    try:
        return list(_polygons(geometry))
    except RecursionError:
        raise ValueError("the collections of the GeoJSON geometry are nested too deeply") from None


def _polygons(geometry: Any) -> Iterator[Any]:
    kind = geometry.get("type") if isinstance(geometry, Mapping) else None
    try:
        if kind == "Feature":
            geometry = geometry["geometry"]
            if geometry is not None:
                yield from _polygons(geometry)
        elif kind == "GeometryCollection":
            for part in geometry["geometries"]:
                yield from _polygons(part)
        elif kind == "MultiPolygon":
            yield from geometry["coordinates"]
        elif kind == "Polygon":
            yield geometry["coordinates"]
        elif kind == "FeatureCollection":
            raise ValueError(
                "expected one geometry per mask, got a FeatureCollection; pass its list of "
                'features, collection["features"]'
            )
        else:
            raise ValueError(
                f"expected a GeoJSON Polygon or MultiPolygon, got {described(kind or geometry)}"
            )
    except KeyError as error:
        raise ValueError(f"expected a GeoJSON {kind}, but it has no {error}") from None
    except TypeError:
        raise ValueError(f"expected a GeoJSON {kind}, got {described(geometry)}") from None


def _bridged(polygon: Any) -> list[Any]:
    """Join the outline and the holes of a polygon to one ring."""
    try:
        rings = [[_point(point) for point in ring] for ring in polygon]
    except TypeError:
        raise ValueError(f"expected GeoJSON rings of points, got {described(polygon)}") from None
    for number, ring in enumerate(rings):
        if 0 < len(ring) < 3:
            raise ValueError(f"ring {number}: expected at least three points, got {len(ring)}")
    rings = [_open(ring) for ring in rings if ring]
    points = [point for ring in rings for point in ring]
    if len(rings) < 2:
        return points
    try:
        coordinates = np.array(points, np.float64)
    except (TypeError, ValueError, OverflowError):
        return points  # the caller raises an error for coordinates that are not numbers
    order = joined_order(coordinates, offsets_of([len(ring) for ring in rings]).tolist())
    return [points[index] for index in order.tolist()]


def _open(ring: list[Any]) -> list[Any]:
    """Return a ring without its last point, if that repeats the first one."""
    return ring[:-1] if len(ring) > 3 and ring[0] == ring[-1] else ring


def _point(point: Any) -> list[Any]:
    """Return x and y of a position, which may have an altitude as well."""
    x, y = list(point)[:2] if len(point) in (2, 3) else (None, None)
    if x is None:
        raise ValueError(f"expected a point [x, y], got {described(point)}")
    return [x, y]
