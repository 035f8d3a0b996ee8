"""Every public function and method, called once well and once badly, on tiny inputs."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import segcore as sc
from segcore.compat.pycocotools import mask as pycocotools
from segcore.formats import huggingface, kaggle, label_studio
from segcore.integrations import torchvision

SIZE = (12, 20)
CALLER_FAULTS = (TypeError, ValueError, IndexError)


class Pair(NamedTuple):
    """A call that gives a result, and one that raises; None where nothing can be wrong."""

    good: Callable[[], Any]
    bad: Callable[[], Any] | None = None


def every_call() -> dict[str, Pair]:
    """List them by name; the names are those of ``segcore.__all__`` where they are in it."""
    corners = [[1, 2, 9, 7], [4, 4, 15, 11], [4, 3, 15, 11]]
    masks = sc.Masks.from_boxes(corners, SIZE)
    other = sc.Masks.from_boxes([[0, 0, 5, 5]], SIZE)
    larger = sc.Masks.from_boxes([[0, 0, 5, 5]], (13, 20))
    tiles = [[0, 0, 20, 12], [10, 0, 30, 12]]
    ids, scores = np.array([3, 7, 7]), np.array([0.9, 0.8, 0.7])
    dense = masks.to_dense()
    objects = masks.to_coco()
    rles = pycocotools.encode(np.asfortranarray(dense.transpose(1, 2, 0).astype(np.uint8)))
    broken = [*objects[:2], {"size": [*SIZE], "counts": "o"}]
    heads = np.random.default_rng(0).random((3, 7, 7), np.float32)
    semantic = sc.compose_semantic(masks, ids)
    panoptic = sc.compose_panoptic(masks, ids, scores)
    polygons = masks.to_polygons()
    quiet = np.zeros((*SIZE, 3), np.uint8)
    strings, rows, brush = (
        kaggle.encode(masks),
        huggingface.encode(masks),
        label_studio.encode(masks),
    )
    torchvisions = {"masks": heads[:, None], "labels": ids, "scores": scores, "boxes": corners}
    nan = float("nan")

    def confusion() -> Any:
        matrix = sc.metrics.ConfusionMatrix(10)
        matrix.update(truth=semantic, prediction=semantic)
        return matrix.mean_iou

    def patched() -> None:
        with sc.compat.patch_pycocotools():
            pass

    def shown() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            sc.show_runtime()

    return {
        "Masks": Pair(
            lambda: sc.Masks([3, 6], [0, 2], SIZE), lambda: sc.Masks([6, 3], [0, 2], SIZE)
        ),
        "Masks.from_dense": Pair(
            lambda: sc.Masks.from_dense(dense), lambda: sc.Masks.from_dense(heads)
        ),
        "Masks.from_bits": Pair(
            lambda: sc.Masks.from_bits(np.packbits(dense, axis=-1), SIZE),
            lambda: sc.Masks.from_bits(dense, SIZE),
        ),
        "Masks.from_coco": Pair(
            lambda: sc.Masks.from_coco(objects), lambda: sc.Masks.from_coco(broken)
        ),
        "Masks.from_polygons": Pair(
            lambda: sc.Masks.from_polygons([[[1, 1, 1, 9, 9, 9]], [[2, 2, 8, 2, 5, 9]]], SIZE),
            lambda: sc.Masks.from_polygons([[[1, 1, 1, 9, 9, 9]], [[2, 2, nan, 2, 5, 9]]], SIZE),
        ),
        "Masks.from_polygons with holes": Pair(
            lambda: sc.Masks.from_polygons([[[1, 1, 1, 9, 9, 9]] * 2], SIZE, rule="non-zero"),
            lambda: sc.Masks.from_polygons([[[1, 1, 1, 9, 9, 9]] * 2], SIZE, rule="odd"),
        ),
        "Masks.from_contours": Pair(
            lambda: sc.Masks.from_contours([[[1, 1], [1, 5], [4, 5]], [[2, 2]]], SIZE),
            lambda: sc.Masks.from_contours([[[1, 1], [1, 5], [4, 5]], [2, 2]], SIZE),
        ),
        "Masks.from_boxes": Pair(
            lambda: sc.Masks.from_boxes(corners, SIZE),
            lambda: sc.Masks.from_boxes([[1, 2, nan, 4]], SIZE),
        ),
        "Masks.from_label_map": Pair(
            lambda: sc.Masks.from_label_map(semantic, ignore=7),
            lambda: sc.Masks.from_label_map(heads),
        ),
        "Masks.concatenate": Pair(
            lambda: sc.Masks.concatenate([masks, other]),
            lambda: sc.Masks.concatenate([masks, larger]),
        ),
        "Masks.area": Pair(lambda: masks.area),
        "Masks.boxes": Pair(lambda: masks.boxes),
        "Masks.parts": Pair(
            lambda: (masks[0], masks[1:], masks[[2, 0]], [*masks]), lambda: masks[9]
        ),
        "Masks.compare": Pair(lambda: (masks == other, hash(masks), repr(masks))),
        "Masks.to_dense": Pair(masks.to_dense, lambda: masks.to_dense("U3")),
        "Masks.to_coco": Pair(lambda: (masks.to_coco(), masks.to_coco(compressed=False))),
        "Masks.to_polygons": Pair(
            lambda: (masks.to_polygons(tolerance=1), masks.to_polygons(4, 1, True, True)),
            lambda: masks.to_polygons(connectivity=5),
        ),
        "Masks.sets": Pair(
            lambda: (masks & other, masks | other, masks ^ other, masks - other, ~masks),
            lambda: masks | larger,
        ),
        "Masks.union": Pair(masks.union),
        "Masks.union_by": Pair(
            lambda: masks.union_by(range(len(masks))), lambda: masks.union_by([0.5])
        ),
        "Masks.intersection": Pair(masks.intersection),
        "Masks.components": Pair(masks.components, lambda: masks.components(3)),
        "Masks.moves": Pair(
            lambda: (masks.crop((2, 1, 9, 8)), masks.pad(1, 2, 3, 4), masks.translate(-3, 2)),
            lambda: masks.crop((9, 1, 2, 8)),
        ),
        "Masks.place": Pair(
            lambda: masks.place((30, 40), range(len(masks)), -2), lambda: masks.place((3, 4), 0.5)
        ),
        "Masks.flips": Pair(
            lambda: (masks.flip_horizontal(), masks.flip_vertical(), masks.transpose()),
        ),
        "Masks.rot90": Pair(lambda: (masks.rot90(), masks.rot90(2)), lambda: masks.rot90(0.5)),
        "Masks.resize": Pair(
            lambda: (masks.resize((9, 30)), masks.resize((9, 30), "coverage", 0.2)),
            lambda: masks.resize((9, 30), "bilinear"),
        ),
        "Masks.affine": Pair(
            lambda: masks.affine([[0.8, -0.6, 3], [0.6, 0.8, 0]]),
            lambda: masks.affine([[1, 1, 0], [1, 1, 0]]),
        ),
        "Masks.perspective": Pair(
            lambda: masks.perspective([[1, 0, 0], [0, 1, 0], [0.02, 0, 1]]),
            lambda: masks.perspective(np.zeros((3, 3))),
        ),
        "Masks.decode a crop": Pair(
            lambda: masks.to_dense(box=(1, 1, 8, 8), size=(5, 5)),
            lambda: masks.to_dense(box=(1, 1, 8)),
        ),
        "Masks.html": Pair(masks._repr_html_),
        "Polygons": Pair(
            lambda: (polygons.to_coco(), polygons.to_geojson(), polygons.rings(0)),
            lambda: polygons.rings(9),
        ),
        "argmax_masks": Pair(
            lambda: sc.argmax_masks(heads, np.eye(3, dtype=np.float32), SIZE),
            lambda: sc.argmax_masks(heads, np.eye(2, dtype=np.float32), SIZE),
        ),
        "argmax_upsample": Pair(
            lambda: sc.argmax_upsample(heads, SIZE), lambda: sc.argmax_upsample(heads[0], SIZE)
        ),
        "paste_masks": Pair(
            lambda: sc.paste_masks(heads, corners, SIZE),
            lambda: sc.paste_masks(heads, [[nan] * 4] * 3, SIZE),
        ),
        "upsample_masks": Pair(
            lambda: sc.upsample_masks(heads, SIZE, 0.5),
            lambda: sc.upsample_masks(heads[0, 0], SIZE, 0.5),
        ),
        "prototype_masks": Pair(
            lambda: sc.prototype_masks(np.eye(3), heads, corners, SIZE, 0.5),
            lambda: sc.prototype_masks(np.eye(2), heads, corners, SIZE, 0.5),
        ),
        "stability_score": Pair(
            lambda: sc.stability_score(heads, 0.5, 0.1), lambda: sc.stability_score(heads, 0.5, -1)
        ),
        "compose_semantic": Pair(
            lambda: sc.compose_semantic(masks, ids, priority="smallest"),
            lambda: sc.compose_semantic(masks, ids[:2]),
        ),
        "compose_panoptic": Pair(
            lambda: sc.compose_panoptic(masks, ids, scores).labels,
            lambda: sc.compose_panoptic(masks, ids, scores[:2]),
        ),
        "Panoptic": Pair(lambda: (panoptic.segments, panoptic.dropped, panoptic.masks)),
        "PanopticRules": Pair(
            lambda: sc.PanopticRules.preset("detectron2"),
            lambda: sc.PanopticRules.preset("none"),
        ),
        "MaskError": Pair(lambda: sc.MaskError(3, "it is empty"), None),
        "MaskTypeError": Pair(lambda: sc.MaskTypeError(3, "expected a dict, got None"), None),
        "iou": Pair(lambda: sc.iou(masks, masks, min_iou=0.2), lambda: sc.iou(masks, larger)),
        "dice": Pair(lambda: sc.dice(masks, corners), lambda: sc.dice(masks, larger)),
        "containment": Pair(lambda: sc.containment(masks, other), lambda: sc.containment(masks, 1)),
        "intersection_area": Pair(
            lambda: sc.intersection_area(masks, other), lambda: sc.intersection_area(masks, larger)
        ),
        "boundary_iou": Pair(
            lambda: sc.boundary_iou(masks, masks), lambda: sc.boundary_iou(masks, larger)
        ),
        "nms": Pair(lambda: sc.nms(masks, scores, 0.5, ids), lambda: sc.nms(masks, ids[:2], 0.5)),
        "soft_nms": Pair(
            lambda: sc.soft_nms(masks, scores), lambda: sc.soft_nms(masks, scores, sigma=-1)
        ),
        "matrix_nms": Pair(
            lambda: sc.matrix_nms(masks, scores), lambda: sc.matrix_nms(masks, scores, sigma=-1)
        ),
        "merge_duplicates": Pair(
            lambda: sc.merge_duplicates(masks, scores, 0.5),
            lambda: sc.merge_duplicates(masks, scores, nan),
        ),
        "dilate": Pair(lambda: sc.dilate(masks, 2, "disc"), lambda: sc.dilate(masks, -1)),
        "erode": Pair(lambda: sc.erode(masks, 1), lambda: sc.erode(masks, 1, "star")),
        "opening": Pair(lambda: sc.opening(masks, 1), lambda: sc.opening(masks, -1)),
        "closing": Pair(lambda: sc.closing(masks, 1), lambda: sc.closing(masks, -1)),
        "boundary": Pair(lambda: sc.boundary(masks, 1), lambda: sc.boundary(masks, -1)),
        "thin_parts": Pair(lambda: sc.thin_parts(masks, 3), lambda: sc.thin_parts(masks, 2)),
        "holes": Pair(lambda: sc.holes(masks), lambda: sc.holes(masks, 3)),
        "measure": Pair(lambda: sc.measure(masks), lambda: sc.measure(masks, ["volume"])),
        "surface_distances": Pair(
            lambda: sc.surface_distances(masks, masks[::-1]),
            lambda: sc.surface_distances(masks, larger),
        ),
        "tiles": Pair(lambda: sc.tiles(SIZE, 8, 2), lambda: sc.tiles(SIZE, 8, 8)),
        "stitch": Pair(
            lambda: sc.stitch([masks] * 2, tiles, (12, 30), [scores] * 2, rule="cellpose"),
            lambda: sc.stitch([masks] * 2, tiles, (12, 30), [scores, ids[:2]]),
        ),
        "Masks.from_tiles": Pair(
            lambda: sc.Masks.from_tiles([masks, dense], tiles, (12, 30)),
            lambda: sc.Masks.from_tiles([masks, larger], tiles, (12, 30)),
        ),
        "Masks.from_label_map_tiles": Pair(
            lambda: sc.Masks.from_label_map_tiles([semantic] * 2, tiles, (12, 30)),
            lambda: sc.Masks.from_label_map_tiles([semantic, heads], tiles, (12, 30)),
        ),
        "fill_holes": Pair(lambda: sc.fill_holes(masks, 4), lambda: sc.fill_holes(masks, -1)),
        "remove_small": Pair(lambda: sc.remove_small(masks, 9), lambda: sc.remove_small(masks, -1)),
        "keep_largest": Pair(lambda: sc.keep_largest(masks), lambda: sc.keep_largest(masks, 3)),
        "overlap_table": Pair(
            lambda: sc.overlap_table(semantic, panoptic.labels).iou(),
            lambda: sc.overlap_table(semantic, heads),
        ),
        "OverlapTable": Pair(lambda: sc.overlap_table(semantic, semantic).dense()),
        "diagnose": Pair(
            lambda: sc.diagnose(masks, masks[:1]).to_dict(), lambda: sc.diagnose(masks, larger)
        ),
        "Diagnosis": Pair(lambda: sc.diagnose(masks, other).ranking()),
        "get_num_threads": Pair(sc.get_num_threads),
        "set_num_threads": Pair(
            lambda: sc.set_num_threads(sc.get_num_threads()), lambda: sc.set_num_threads(0)
        ),
        "runtime_info": Pair(sc.runtime_info),
        "show_runtime": Pair(shown),
        "backends.load": Pair(
            lambda: sc.backends.load(sc.backends.current()), lambda: sc.backends.available()[9]
        ),
        "metrics": Pair(confusion, lambda: sc.metrics.ConfusionMatrix(-1)),
        "show": Pair(
            lambda: sc.show.overlay(quiet, masks), lambda: sc.show.overlay(quiet[:2], masks)
        ),
        "show.difference": Pair(lambda: sc.show.difference(masks, other, quiet)),
        "maps.ids": Pair(
            lambda: sc.maps.ids.to_rgb(sc.maps.ids.from_rgb(quiet)),
            lambda: sc.maps.ids.to_rgb([-1]),
        ),
        "data": Pair(
            lambda: sc.data.to_coco(sc.data.from_coco({"images": [], "annotations": []})),
            lambda: sc.data.from_coco([1]),
        ),
        "formats": Pair(
            lambda: kaggle.decode(kaggle.encode(masks), SIZE), lambda: kaggle.decode(["1"], SIZE)
        ),
        "formats.kaggle": Pair(lambda: kaggle.decode(strings, SIZE)),
        "formats.huggingface": Pair(
            lambda: huggingface.encode(huggingface.decode(rows, SIZE)),
            lambda: huggingface.decode([[0, 1]], SIZE),
        ),
        "formats.label_studio": Pair(
            lambda: label_studio.encode(label_studio.decode(brush, SIZE)),
            lambda: label_studio.decode([[1, 2, 3]], SIZE),
        ),
        "compat": Pair(patched),
        "compat.encode": Pair(
            lambda: pycocotools.encode(dense.transpose(1, 2, 0)),
            lambda: pycocotools.encode(heads[0]),
        ),
        "compat.decode": Pair(lambda: pycocotools.decode(rles), lambda: pycocotools.decode(broken)),
        "compat.area": Pair(lambda: pycocotools.area(rles), lambda: pycocotools.area(broken)),
        "compat.toBbox": Pair(lambda: pycocotools.toBbox(rles), lambda: pycocotools.toBbox(broken)),
        "compat.merge": Pair(lambda: pycocotools.merge(rles), lambda: pycocotools.merge(broken)),
        "compat.iou": Pair(
            lambda: pycocotools.iou(rles, rles, [0, 1, 0]),
            lambda: pycocotools.iou(rles, broken, [0, 1, 0]),
        ),
        "compat.frPyObjects": Pair(
            lambda: pycocotools.frPyObjects([[1, 1, 1, 9, 9, 9], [2, 2, 8, 2, 5, 9]], *SIZE),
            lambda: pycocotools.frPyObjects([[1, 1, 1, nan, 9, 9], [2, 2, 8, 2, 5, 9]], *SIZE),
        ),
        "compat.frBbox": Pair(
            lambda: pycocotools.frBbox(np.array([[1.0, 2, 3, 4]]), *SIZE),
            lambda: pycocotools.frBbox(np.array([[1.0, 2, nan, 4]]), *SIZE),
        ),
        "compat.frUncompressedRLE": Pair(
            lambda: pycocotools.frPyObjects({"size": [*SIZE], "counts": [3, 4, 233]}, *SIZE),
            lambda: pycocotools.frPyObjects({"size": [*SIZE], "counts": [3, -4, 233]}, *SIZE),
        ),
        "integrations": Pair(
            lambda: torchvision.from_output({**torchvisions, "masks": dense[:, None]}),
            lambda: torchvision.from_output({}),
        ),
    }
