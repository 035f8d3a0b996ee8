"""sc.data.evaluate_semantic and evaluate_panoptic: data sets compared by their maps."""

import itertools

import numpy as np
import pytest
from support import real_data

import segcore as sc

SIZE = (24, 31)


def document(seed, names=("a.jpg", "b.jpg", "c.jpg"), scores=False, categories=(3, 8)):
    rng = np.random.default_rng(seed)
    images = [
        {"id": i, "file_name": name, "height": SIZE[0], "width": SIZE[1]}
        for i, name in enumerate(names, 1)
    ]
    annotations = []
    for image, _ in itertools.product(images, range(4)):
        x, y = rng.integers(0, 18, 2).tolist()
        width, height = rng.integers(2, 13, 2).tolist()
        mask = sc.Masks.from_boxes([[x, y, x + width, y + height]], SIZE)
        annotations.append(
            {
                "id": len(annotations) + 1,
                "image_id": image["id"],
                "category_id": int(rng.choice(categories)),
                "segmentation": mask.to_coco()[0],
                **({"score": float(rng.random())} if scores else {}),
            }
        )
    listed = [{"id": i, "name": f"class {i}", "isthing": i % 2} for i in categories]
    return {"images": images, "annotations": annotations, "categories": listed}


def painted(sample, scores):
    """Return the map of an image: categories by ascending id from 1, the front one on top."""
    masks, classes = sample.masks.to_dense(), sample.categories + 1
    order = np.argsort(sample.scores if scores else -sample.masks.area, kind="stable")
    labels = np.zeros(SIZE, np.int64)
    for row in order:
        labels[masks[row]] = classes[row]
    return labels


def datasets():
    return sc.data.from_coco(document(1)), sc.data.from_coco(document(2, scores=True))


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_semantic_is_the_confusion_of_the_maps(workers):
    truth, found = datasets()
    expected = sc.metrics.ConfusionMatrix(3)
    for true, predicted in zip(truth, found, strict=True):
        labels = painted(true, scores=False), painted(predicted, scores=True)
        expected.update(*labels)
    confusion = sc.data.evaluate_semantic(truth, found, workers=workers)
    assert np.array_equal(confusion.matrix, expected.matrix)


def test_images_are_matched_by_name_and_unknown_ones_are_warned_of():
    truth, _ = datasets()
    found = sc.data.from_coco(document(1, ("a.jpg", "b.jpg", "c.jpg", "d.jpg")))
    with pytest.warns(UserWarning, match="1 predicted image that the truth lacks"):
        confusion = sc.data.evaluate_semantic(truth, found)
    assert confusion.mean_iou == 1
    with pytest.raises(sc.data.DatasetError, match="it has no image d"):
        sc.data.evaluate_semantic(found, truth)


def test_pixels_near_borders():
    truth, found = datasets()
    near = sc.data.evaluate_semantic(truth, found, trimap=2)
    assert 0 < near.matrix.sum() < sc.data.evaluate_semantic(truth, found).matrix.sum()


@pytest.mark.parametrize("iou", ["mask", "boundary"])
def test_panoptic_of_instances(iou):
    truth, found = datasets()
    same = sc.data.evaluate_panoptic(truth, truth, iou=iou)
    assert same.all.pq == 1
    assert same.per_category.keys() == {1, 2}
    some = document(1)
    some["annotations"] = some["annotations"][:7]
    other = sc.data.evaluate_panoptic(truth, sc.data.from_coco(some), iou=iou)
    assert 0 < other.all.pq < 1
    with pytest.warns(UserWarning, match="annotation"):  # whose scores are too low for the rules
        sc.data.evaluate_panoptic(truth, found, iou=iou)


def test_panoptic_files():
    truth = sc.data.read(real_data.folder() / "panoptic_sample" / "panoptic_examples.json")
    assert sc.data.evaluate_panoptic(truth, truth).all.pq == 1
    with pytest.raises(sc.data.DatasetError, match="it has no annotation for the image"):
        sc.data.evaluate_panoptic(truth, truth[:1])


def test_what_is_refused():
    truth, found = datasets()
    with pytest.raises(ValueError, match="trimap"):
        sc.data.evaluate_semantic(truth, found, trimap=-1)
    with pytest.raises(ValueError, match="iou"):
        sc.data.evaluate_panoptic(truth, found, iou="box")
