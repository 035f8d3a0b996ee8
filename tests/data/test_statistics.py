"""Statistics of data sets, compared with numbers counted by hand or with NumPy."""

import itertools
import json

import numpy as np
import pytest
from support.formats import sample

import segcore as sc
from segcore.data.stats import Distribution, Finding


def dataset(*annotations):
    return sc.data.from_coco(
        {
            "images": [
                {"id": 1, "file_name": "a.jpg", "height": 200, "width": 200},
                {"id": 2, "file_name": "b.jpg", "height": 10, "width": 20},
            ],
            "categories": [{"id": 3, "name": "cup"}, {"id": 7, "name": "cat"}],
            "annotations": [
                {"id": index, "image_id": 1, "category_id": 3, **annotation}
                for index, annotation in enumerate(annotations, 1)
            ],
        }
    )


def box(x0, y0, x1, y1, **members):
    return {"segmentation": [[x0, y0, x1, y0, x1, y1, x0, y1]], **members}


def test_counts():
    found = sc.data.statistics(
        dataset(
            box(0, 0, 31, 33),
            box(40, 40, 72, 72, category_id=7),
            box(80, 80, 176, 176, iscrowd=1),
            box(90, 90, 95, 95),
        )
    )
    assert (found.images, found.annotations, found.crowds) == (2, 4, 1)
    assert (found.small, found.medium, found.large) == (2, 1, 1)
    assert found.images_without_annotations == 1
    assert found.objects_per_image == Distribution(0, 2.0, 2.0, 4)
    assert found.runs_per_mask == Distribution(5, 31.5, 41.0, 96)
    assert found.overlapping == 2
    assert [(c.name, c.annotations, c.images, c.pixels) for c in found.classes] == [
        ("cup", 3, 1, 31 * 33 + 96**2 + 25),
        ("cat", 1, 1, 32**2),
    ]
    assert not found.findings
    json.dumps(found.to_dict())


def test_findings():
    found = sc.data.statistics(
        dataset(
            {"segmentation": [], "bbox": [1, 1, 2, 2]},
            {"bbox": [1, 1, 2, 2]},
            {"segmentation": {"size": [100, 200], "counts": [20000]}},
            {"segmentation": {"size": [200, 200], "counts": [5]}},
            {"segmentation": {"size": [200, 200], "counts": [40000]}},
            box(300, 0, 400, 10),
            box(-5, 0, 10, 10),
            box(0, 20, 50, 70),
            box(0, 20, 50, 70),
            box(0, 20, 50, 71),
        )
    ).findings
    assert found["without a mask"] == Finding(2, "annotation 1 of image 1")
    assert found["of another size"] == Finding(1, "annotation 3 of image 1")
    assert found["invalid"].count >= 2
    assert found["empty"].first == "annotation 5 of image 1"
    assert found["polygons outside"] == Finding(1, "annotation 6 of image 1")
    assert found["polygons partly outside"] == Finding(1, "annotation 7 of image 1")
    assert found["equal"] == Finding(1, "annotations 8 and 9 of image 1")
    assert found["nearly equal"] == Finding(2, "annotations 8 and 10 of image 1")


@pytest.mark.parametrize("name", ["coco", "taco", "panoptic"])
def test_real_data(name):
    images = sample(name)
    found = sc.data.statistics(images)
    areas, overlapping = [], 0
    for image in images:
        masks = image.masks.to_dense()
        areas += masks.sum(axis=(1, 2)).tolist()
        pairs = itertools.combinations(range(len(masks)), 2)
        meeting = [pair for pair in pairs if (masks[pair[0]] & masks[pair[1]]).any()]
        overlapping += len(set(itertools.chain(*meeting)))
    assert found.annotations == len(areas)
    assert found.overlapping == overlapping
    assert found.small == int((np.array(areas) < 1024).sum())
    assert sum(item.pixels for item in found.classes) == sum(areas)


def test_no_annotations():
    found = sc.data.statistics(dataset())
    assert found.objects_per_image == Distribution(0, 0.0, 0.0, 0)
    assert found.runs_per_mask == Distribution(0, 0.0, 0.0, 0)
