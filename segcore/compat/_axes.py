"""COCO annotations on the axes of Matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

CROWD = (2 / 255, 166 / 255, 101 / 255)


def draw(coco: Any, annotations: list[dict[str, Any]], draw_bbox: bool) -> None:
    """Draw polygons, masks, keypoints and boxes, each annotation in a color of its own.

    Colors come from NumPy's global generator, as in pycocotools, so that `numpy.random.seed`
    decides about them.
    """
    try:
        from matplotlib import pyplot
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Polygon
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("showAnns requires Matplotlib: pip install matplotlib") from error
    axes = pyplot.gca()
    axes.set_autoscale_on(False)
    rings: list[Any] = []
    colors: list[Any] = []
    for annotation in annotations:
        color = _random_color() * 0.6 + 0.4
        segmentation = annotation.get("segmentation")
        if isinstance(segmentation, list):
            rings += [np.reshape(ring, (-1, 2)) for ring in segmentation]
        elif segmentation is not None:
            pixels = coco.annToMask(annotation)
            rgba = np.empty((*pixels.shape, 4))
            rgba[..., :3] = CROWD if annotation.get("iscrowd") == 1 else _random_color()
            rgba[..., 3] = pixels * 0.5
            axes.imshow(rgba)
        if isinstance(annotation.get("keypoints"), list):
            [category] = coco.loadCats(annotation["category_id"])
            _join(axes, np.reshape(annotation["keypoints"], (-1, 3)), category["skeleton"], color)
        if draw_bbox:
            x, y, width, height = annotation["bbox"]
            rings.append(
                np.array([(x, y), (x, y + height), (x + width, y + height), (x + width, y)])
            )
        colors += [color] * (len(rings) - len(colors))
    patches = [Polygon(ring) for ring in rings]
    axes.add_collection(PatchCollection(patches, facecolor=colors, linewidths=0, alpha=0.4))
    axes.add_collection(PatchCollection(patches, facecolor="none", edgecolors=colors, linewidths=2))


def _random_color() -> Any:
    return np.random.random(3)  # noqa: NPY002


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
