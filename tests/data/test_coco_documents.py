"""Documents in memory, as models and pycocotools make them: with bytes, and values of NumPy."""

import numpy as np
import pytest

import segcore as sc
from segcore.compat.pycocotools import mask as mask_util

IMAGES = [{"id": np.int64(3), "height": np.int32(9), "width": 12, "file_name": "a.jpg"}]
MASK = np.zeros((9, 12), bool)
MASK[2:7, 3:9] = True


def detections(segmentation):
    return [
        {
            "image_id": np.int64(3),
            "category_id": np.uint8(1),
            "segmentation": segmentation,
            "score": np.float32(0.5),
            "bbox": np.array([3, 2, 6, 5], np.float64),
        }
    ]


RLE = mask_util.encode(np.asfortranarray(MASK, np.uint8))


@pytest.mark.parametrize(
    "segmentation",
    [
        RLE,  # whose counts are bytes
        {**RLE, "size": np.array(RLE["size"])},
        {"size": [9, 12], "counts": np.diff(sc.Masks.from_dense(MASK).run_ends, prepend=0)},
        MASK,
        [np.array([3, 2, 9, 2, 9, 7, 3, 7], np.float32)],
    ],
)
def test_values_of_numpy_and_bytes(segmentation):
    truth = sc.data.from_coco({"images": IMAGES, "annotations": []})
    if isinstance(segmentation, dict) and isinstance(segmentation["counts"], np.ndarray):
        rest = MASK.size - segmentation["counts"].sum()
        segmentation["counts"] = np.append(segmentation["counts"], rest)
    [sample] = sc.data.from_coco(detections(segmentation), dataset=truth)
    assert sample.masks == sc.Masks.from_dense(MASK)
    assert sample.scores.tolist() == [0.5]
    assert sample.category_ids.tolist() == [1]
    assert sample.image_id == 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (b"\xff", "bytes"),
        (1j, "complex"),
        (np.complex128(1), "complex"),
        (np.array(["a"], object), "array"),
        ({1}, "set"),
    ],
)
def test_other_values_are_refused(value, shown):
    document = {"images": IMAGES, "annotations": [], "info": value}
    with pytest.raises(TypeError, match="document: expected JSON values, got ") as caught:
        sc.data.from_coco(document)
    assert shown in str(caught.value)


def test_results_keep_categories_that_the_other_data_set_lacks():
    truth = sc.data.from_coco({"images": IMAGES, "annotations": []})
    results = [*detections(RLE), {**detections(RLE)[0], "category_id": 40}]
    [sample] = (ds := sc.data.from_coco(results, dataset=truth))
    assert ds.categories["id"].tolist() == [1, 40]
    assert sample.category_ids.tolist() == [1, 40]
    assert [each["category_id"] for each in sc.data.to_coco(ds)["annotations"]] == [1, 40]


def test_no_categories_at_all():
    shape = {"segmentation": [[1, 1, 5, 1, 5, 5]], "image_id": 3}
    [sample] = sc.data.from_coco({"images": IMAGES, "annotations": [shape]})
    with pytest.raises(ValueError, match="image 3: its data set has no categories"):
        sample.category_ids  # noqa: B018
    [sample] = sc.data.from_coco({"images": IMAGES, "annotations": []})
    assert sample.category_ids.tolist() == []
