"""Many threads that share batches: each gets what one alone gets, however many kernels use."""

from __future__ import annotations

import random
import threading

import numpy as np
import pytest

import segcore as sc
from segcore import backends

THREADS = 8
# The reference is slow, and NumPy's to worry about.
ITERATIONS = 1000 if backends.current() != "reference" else 50

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
        lambda: large ^ large[2],
        large.to_coco,
        lambda: sc.Masks.from_dense(large.to_dense()),
        lambda: sc.iou(large, large),
    ]


def same(got, expected):
    if isinstance(expected, np.ndarray):
        return got.dtype == expected.dtype and np.array_equal(got, expected)
    if isinstance(expected, tuple):
        return all(same(*pair) for pair in zip(got, expected, strict=True))
    return got == expected


@pytest.fixture
def threads_restored():
    before = sc.get_num_threads()
    yield
    sc.set_num_threads(before)


@pytest.mark.usefixtures("threads_restored")
def test_threads_share_batches():
    work = calls(*scene())
    expected = [each() for each in work]
    barrier = threading.Barrier(THREADS)
    failures = []

    def run(seed):
        chosen = random.Random(seed)
        barrier.wait()
        try:
            for _ in range(ITERATIONS):
                place = chosen.randrange(len(work))
                if not same(work[place](), expected[place]):
                    failures.append(place)
                if chosen.random() < 0.05:
                    sc.set_num_threads(chosen.randint(1, 4))
        except BaseException as error:  # a thread's errors are lost otherwise
            failures.append(error)

    workers = [threading.Thread(target=run, args=(seed,)) for seed in range(THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures


@pytest.mark.usefixtures("threads_restored")
@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_results_do_not_depend_on_the_number_of_threads(count):
    work = calls(*scene())
    sc.set_num_threads(1)
    expected = [each() for each in work]
    sc.set_num_threads(count)
    assert all(same(each(), wanted) for each, wanted in zip(work, expected, strict=True))
