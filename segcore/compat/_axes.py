"""COCO annotations on the axes of Matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

CROWD = (2 / 255, 166 / 255, 101 / 255)


def draw(coco: Any, annotations: list[dict[str, Any]], draw_bbox: bool) -> None:
    """Draw polygons, masks, keypoints and boxes, each annotation in a color of its own."""
    try:
        from matplotlib import pyplot
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("showAnns requires Matplotlib: pip install matplotlib") from error
    axes = pyplot.gca()
    axes.set_autoscale_on(False)
    rng = np.random.default_rng()
    for annotation in annotations:
        color = tuple(rng.random(3) * 0.6 + 0.4)
        segmentation = annotation.get("segmentation")
        if isinstance(segmentation, list):
            for ring in segmentation:
                _fill(pyplot, axes, np.reshape(ring, (-1, 2)), color)
        elif segmentation is not None:
            pixels = coco.annToMask(annotation)
            shown = CROWD if annotation.get("iscrowd") == 1 else color
            rgba = np.zeros((*pixels.shape, 4))
            rgba[..., :3], rgba[..., 3] = shown, pixels * 0.5
            axes.imshow(rgba)
        if isinstance(annotation.get("keypoints"), list):
            [category] = coco.loadCats(annotation["category_id"])
            _join(axes, np.reshape(annotation["keypoints"], (-1, 3)), category["skeleton"], color)
        if draw_bbox:
            x, y, width, height = annotation["bbox"]
            corners = [(x, y), (x, y + height), (x + width, y + height), (x + width, y)]
            _fill(pyplot, axes, np.array(corners), color)


def _fill(pyplot: Any, axes: Any, points: Any, color: tuple[float, ...]) -> None:
    axes.add_patch(pyplot.Polygon(points, facecolor=color, linewidth=0, alpha=0.4))
    axes.add_patch(pyplot.Polygon(points, facecolor="none", edgecolor=color, linewidth=2))


def _join(axes: Any, keypoints: Any, skeleton: Any, color: tuple[float, ...]) -> None:
    """Draw the visible keypoints, and the lines between them."""
    x, y, visibility = keypoints.T
    for line in np.array(skeleton) - 1:
        if (visibility[line] > 0).all():
            axes.plot(x[line], y[line], linewidth=3, color=color)
    for least, edge in ((1, "k"), (2, color)):
        at = visibility >= least
        axes.plot(x[at], y[at], "o", markersize=8, markerfacecolor=color, markeredgecolor=edge,
                  markeredgewidth=2)  # fmt: skip
