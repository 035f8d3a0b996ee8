"""Distances in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction


def squared_distance(point, a, b) -> Fraction:
    """Measure from a point to the line from a to b, exactly."""
    (px, py), (ax, ay), (bx, by) = (map(int, each) for each in (point, a, b))
    length = (bx - ax) ** 2 + (by - ay) ** 2
    along = (px - ax) * (bx - ax) + (py - ay) * (by - ay)
    share = min(max(Fraction(along, length), 0), 1) if length else Fraction(0)
    return (px - ax - share * (bx - ax)) ** 2 + (py - ay - share * (by - ay)) ** 2
