"""Every mask of real data sets against pycocotools, bit for bit, on the backend in use."""

import collections

import numpy as np
import pytest
from support.real_data import FILES, read
from support.util import Pycocotools

import segcore as sc

COUNTS = {"coco": 839, "results": 734, "lvis": 977, "taco": 4784}
DENSE_PIXELS = 300_000_000
"""So many pixels of a data set are compared as dense arrays, small images first: all but TACO's."""


class Image:
    """The annotations of one image, with what pycocotools makes of them."""

    def __init__(self, annotations, size, mask):
        self.annotations = annotations
        self.size = size
        self.rles = [self._rle(each["segmentation"], mask) for each in annotations]

    def _rle(self, segmentation, mask):
        if isinstance(segmentation, list):
            return mask.merge(mask.frPyObjects(segmentation, *self.size))
        if isinstance(segmentation["counts"], list):
            return mask.frPyObjects(segmentation, *self.size)
        return {**segmentation, "counts": segmentation["counts"].encode()}


@pytest.fixture(scope="module", params=FILES)
def images(request):
    """Give the images of a data set, small ones first."""
    mask = Pycocotools()
    document = read(request.param)
    annotations = document if isinstance(document, list) else document["annotations"]
    sizes = {
        image["id"]: (image["height"], image["width"])
        for image in ({"images": []} if isinstance(document, list) else document)["images"]
    }
    groups = collections.defaultdict(list)
    for annotation in annotations:
        groups[annotation["image_id"]].append(annotation)
    images = []
    for image, group in groups.items():
        size = sizes.get(image) or tuple(group[0]["segmentation"]["size"])
        images.append(Image(group, size, mask))
    assert sum(len(image.rles) for image in images) == COUNTS[request.param]
    return sorted(images, key=lambda image: image.size[0] * image.size[1])


def test_annotations_make_pycocotools_strings(images):
    for image in images:
        masks = sc.Masks.from_coco(image.annotations, image.size)
        assert [rle["counts"].encode() for rle in masks.to_coco()] == [
            rle["counts"] for rle in image.rles
        ]


def test_strings_and_runs_there_and_back(images):
    for image in images:
        masks = sc.Masks.from_coco(image.rles)
        assert masks.size == tuple(image.size)
        for compressed in (True, False):
            assert sc.Masks.from_coco(masks.to_coco(compressed=compressed), image.size) == masks


def test_areas_and_boxes(images):
    mask = Pycocotools()
    for image in images:
        masks = sc.Masks.from_coco(image.rles)
        assert masks.area.tolist() == [int(mask.area(rle)) for rle in image.rles]
        x, y, w, h = mask.toBbox(image.rles).T
        np.testing.assert_array_equal(masks.boxes, np.stack([x, y, x + w, y + h], axis=1))


@pytest.mark.slow
def test_dense_arrays(images):
    mask = Pycocotools()
    pixels = 0
    for image in images:
        pixels += len(image.rles) * image.size[0] * image.size[1]
        if pixels > DENSE_PIXELS:
            break
        masks = sc.Masks.from_coco(image.rles)
        expected = mask.decode(image.rles).transpose(2, 0, 1)
        np.testing.assert_array_equal(masks.to_dense(np.uint8), expected)
        assert sc.Masks.from_dense(expected) == masks  # columns are contiguous
        assert sc.Masks.from_dense(np.ascontiguousarray(expected)) == masks
    assert pixels


def test_a_large_image(images):
    image = images[-1]
    masks = sc.Masks.from_coco(image.rles)[:1]
    expected = Pycocotools().decode(image.rles[:1]).transpose(2, 0, 1)
    np.testing.assert_array_equal(masks.to_dense(np.uint8), expected)
    assert sc.Masks.from_dense(np.ascontiguousarray(expected)) == masks


def test_overlaps_and_unions(images):
    mask = Pycocotools()
    for image in images:
        masks = sc.Masks.from_coco(image.rles)
        crowd = [bool(each.get("iscrowd", 0)) for each in image.annotations]
        expected = mask.iou(image.rles, image.rles, np.array(crowd, np.uint8))
        some = masks.area != 0  # where both are empty, pycocotools divides by zero
        np.testing.assert_array_equal(
            sc.iou(masks, masks, crowd)[np.ix_(some, some)], expected[np.ix_(some, some)]
        )
        for intersect, got in ((False, masks.union()), (True, masks.intersection())):
            merged = mask.merge(image.rles, intersect)
            assert got.to_coco()[0]["counts"].encode() == merged["counts"]
