"""Pickles of data sets, and data sets that processes share."""

from __future__ import annotations

import multiprocessing
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.reduction import ForkingPickler

import pytest
from support.coco_files import area_and_writeable, assert_same_json

import segcore as sc


def dataset_of(count):
    ring = [1, 1, 5, 1, 5, 3, 1, 3]
    return sc.data.from_coco(
        {
            "images": [{"id": i, "height": 4, "width": 6, "odd": i} for i in range(count)],
            "categories": [{"id": 1, "name": "sofa"}],
            "annotations": [
                {"id": i, "image_id": i, "category_id": 1, "segmentation": [ring]}
                for i in range(count)
            ],
        }
    )


def test_pickles_hold_everything():
    dataset = dataset_of(3)
    copy = pickle.loads(pickle.dumps(dataset))
    assert_same_json(sc.data.to_coco(copy), sc.data.to_coco(dataset))
    assert copy[1].masks == dataset[1].masks


def test_processes_share_the_columns():
    dataset = dataset_of(5000)
    assert len(ForkingPickler.dumps(dataset)) < 10_000 < len(pickle.dumps(dataset)) / 10
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert list(pool.map(area_and_writeable, [dataset] * 2, [0, 4999])) == [(8, False)] * 2


def test_the_shared_file_goes_with_the_data_set():
    dataset = dataset_of(5000)
    sent = bytes(ForkingPickler.dumps(dataset))
    copy = pickle.loads(sent)
    assert_same_json(sc.data.to_coco(copy), sc.data.to_coco(dataset))
    _, arguments = ForkingPickler._extra_reducers[sc.data.Dataset](dataset)
    path = arguments[1]
    assert os.path.exists(path)
    del dataset
    assert not os.path.exists(path)
    assert copy[4999].masks.area.tolist() == [8]
    with pytest.raises(RuntimeError, match="released it"):
        pickle.loads(sent)


def test_small_data_sets_are_sent_whole():
    sent = bytes(ForkingPickler.dumps(dataset_of(2)))
    assert pickle.loads(sent)[1].masks.area.tolist() == [8]
