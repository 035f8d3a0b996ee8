"""GeoJSON's polygons, which shapely's geometries give as well, as rings without holes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from segcore._input.arrays import described


def as_geometry(value: Any) -> Any:
    """Return the GeoJSON mapping of a geometry, or None for other values."""
    if isinstance(value, (list, tuple)):
        return None
    if not isinstance(value, Mapping):
        value = getattr(value, "__geo_interface__", None)
    return value if isinstance(value, Mapping) and "type" in value else None


def rings_of(geometry: Mapping[str, Any]) -> list[list[Any]]:
    """Return one ring for each polygon of a geometry.

    Lines lead from the first point of a polygon's outline to its holes and back. A fill that is
    even-odd, as COCO's, leaves the holes open, and does not see the lines.

    Parameters
    ----------
    geometry : mapping
        A ``"Polygon"``, ``"MultiPolygon"``, ``"GeometryCollection"`` of these, or a ``"Feature"``
        of one of them.

    Returns
    -------
    list of list
        The points ``[x, y]`` of each ring.

    Raises
    ------
    ValueError
        For geometries of other types, and broken ones.
    """
    try:
        polygons = list(_polygons(geometry))
    except RecursionError:
        raise ValueError("expected GeoJSON, but its collections are nested too deeply") from None
    return [ring for ring in map(_bridged, polygons) if ring]


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
                "a FeatureCollection has many masks; pass a list of its features, "
                'collection["features"]'
            )
        else:
            raise ValueError(
                f"expected a Polygon or MultiPolygon of GeoJSON, got {described(kind or geometry)}"
            )
    except KeyError as error:
        raise ValueError(f"expected GeoJSON's {kind}, but it has no {error}") from None
    except TypeError:
        raise ValueError(f"expected GeoJSON's {kind}, got {described(geometry)}") from None


def _bridged(polygon: Any) -> list[Any]:
    """Return the one ring that goes round a polygon and its holes."""
    try:
        rings = [[_point(point) for point in ring] for ring in polygon]
    except TypeError:
        raise ValueError(f"expected GeoJSON's rings of points, got {described(polygon)}") from None
    for number, ring in enumerate(rings):
        if 0 < len(ring) < 3:
            raise ValueError(f"ring {number}: expected three points or more, got {len(ring)}")
    rings = [ring for ring in rings if ring]
    if not rings:
        return []
    outline, *holes = rings
    joined = list(outline)
    for hole in holes:
        joined += [outline[0], *hole, hole[0]]
    # The last way back is the ring's own way to its first point.
    return joined


def _point(point: Any) -> list[Any]:
    """Return x and y of a position, which may have a height as well."""
    x, y = list(point)[:2] if len(point) in (2, 3) else (None, None)
    if x is None:
        raise ValueError(f"expected a point [x, y], got {described(point)}")
    return [x, y]
