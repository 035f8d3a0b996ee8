"""What threads do at the same time, on batches that they share."""

from __future__ import annotations

import numpy as np

import segcore as sc

SIZE = (60, 90)


def scene():
    """Make a small batch of blobs, and one on which the native kernels use several threads."""
    rng = np.random.default_rng(0)
    y, x = np.ogrid[: SIZE[0], : SIZE[1]]
    centres = rng.integers(0, SIZE, (12, 2))
    dense = [(y - cy) ** 2 + (x - cx) ** 2 < 150 for cy, cx in centres.tolist()]
    small = sc.Masks.from_dense(np.array(dense))
    large = sc.Masks.from_dense(rng.random((16, 120, 200)) < 0.5)
    return small, large


def calls(small, large):
    """List what the threads do, each a function without arguments."""
    rng = np.random.default_rng(1)
    ids = rng.integers(1, 5, len(small))
    scores = rng.random(len(small))
    heads = rng.random((12, 14, 14), np.float32)
    corners = [[x, x, x + 30, x + 20] for x in range(12)]
    dense = small.to_dense()
    objects = small.to_coco()
    polygons = small.to_polygons()
    labels = sc.compose_semantic(small, ids)
    return [
        lambda: sc.Masks.from_dense(dense),
        lambda: sc.Masks.from_coco(objects),
        lambda: sc.Masks.from_polygons(polygons),
        lambda: sc.Masks.from_boxes(corners, SIZE),
        lambda: sc.Masks.from_label_map(labels)[1],
        lambda: sc.paste_masks(heads, corners, SIZE),
        lambda: sc.upsample_masks(heads, SIZE, threshold=0.5),
        lambda: sc.argmax_upsample(heads, SIZE),
        small.to_dense,
        small.to_coco,
        lambda: small.to_polygons().vertices,
        lambda: (small.area, small.boxes),
        lambda: (small | small[3]) - small[1],
        small.union,
        lambda: small.components()[0],
        lambda: sc.iou(small, small),
        lambda: sc.nms(small, scores, 0.3),
        lambda: sc.compose_semantic(small, ids),
        lambda: sc.compose_panoptic(small, ids, scores).labels,
        lambda: sc.overlap_table(labels, labels).areas,
        lambda: sc.dilate(small, 3),
        lambda: small.resize((99, 101)),
        lambda: small.resize((99, 101), "coverage"),
        lambda: small.rot90().translate(3, -2),
        lambda: small.affine([[0.8, -0.6, 9], [0.6, 0.8, -9]]),
        lambda: large ^ large[2],
        large.to_coco,
        lambda: sc.Masks.from_dense(large.to_dense()),
        lambda: sc.iou(large, large),
    ]
