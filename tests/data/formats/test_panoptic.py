"""COCO panoptic, composed from other data sets."""

import json

import numpy as np
import pytest
from support import real_data
from support.commands import run
from support.formats import document, sample, small

import segcore as sc

Image = pytest.importorskip("PIL.Image")


@pytest.mark.parametrize("name", ["coco", "lvis", "taco"])
def test_losses_are_those_of_the_file(name, tmp_path):
    dataset = sample(name, 5)
    report = sc.data.write(dataset, tmp_path / "out.json", "coco-panoptic")
    back = sc.data.read(tmp_path / "out.json")
    dropped = {row for item in report.dropped for row in item.rows.tolist()}
    assert report.annotations == len(dataset.annotations) - len(dropped) == len(back.annotations)
    for original, found in zip(dataset, back, strict=True):
        masks, written = original.masks.to_dense(), found.masks.to_dense()
        assert written.sum(axis=0).max(initial=0) <= 1
        assert (written.any(axis=0) == masks.any(axis=0)).all()
        rows = np.arange(len(dataset.annotations))[original.rows]
        for mask, row, category in zip(masks, rows.tolist(), original.category_ids, strict=True):
            parts = written[(found.category_ids == category) & (written & ~mask == 0).all((1, 2))]
            lost = mask.sum() - parts.sum(axis=(1, 2))
            assert row in dropped or report.lost[row] in lost.tolist()


def test_it_is_what_the_command_composes(tmp_path):
    path = tmp_path / "in.json"
    path.write_text(json.dumps(document()))
    result = run("panoptic", str(path), "-o", str(tmp_path / "command"))
    assert result.exit_code == 0, result.output
    sc.data.write(small(), tmp_path / "out.json", "coco-panoptic")
    for name in ("a.png", "sub/b.png"):
        maps = [
            np.asarray(Image.open(tmp_path / folder / name))
            for folder in ("command/panoptic", "out")
        ]
        assert (maps[0] == maps[1]).all()
    commanded, written = (
        json.loads(p.read_text())["annotations"]
        for p in (tmp_path / "command" / "panoptic.json", tmp_path / "out.json")
    )
    assert commanded == written


def test_stuff_is_behind_things_and_one_segment(tmp_path):
    categories = [{"id": 3, "name": "cup"}, {"id": 7, "name": "table", "isthing": 0}]
    dataset = sc.data.from_coco(document(categories=categories))
    report = sc.data.write(dataset, tmp_path / "out.json", "coco-panoptic")
    segments = json.loads((tmp_path / "out.json").read_text())["annotations"][0]["segments_info"]
    assert sorted(s["category_id"] for s in segments) == [3, 3, 7]
    assert report.unwritten["annotations merged with others of their category"] == 1
    back = sc.data.read(tmp_path / "out.json")
    things = dataset[0].masks[[1, 2]].union()
    assert back[0].masks[back[0].category_ids == 3].union() == things
    assert back[0].masks[back[0].category_ids == 7].union() == dataset[0].masks.union() - things


def test_scores_decide_and_low_ones_are_dropped(tmp_path):
    dataset = sc.data.from_coco(
        document(
            annotations=[
                {"id": i, "image_id": 1, "category_id": 3, "score": score, "segmentation": [ring]}
                for i, (score, ring) in enumerate(
                    [(0.9, [0, 0, 8, 0, 8, 8, 0, 8]), (0.8, [0, 0, 9, 0, 9, 2, 0, 2]),
                     (0.4, [0, 9, 9, 9, 9, 12, 0, 12])], 1
                )
            ]
        )
    )  # fmt: skip
    report = sc.data.write(dataset, tmp_path / "out.json", "coco-panoptic")
    reasons = {item.reason: item.rows.tolist() for item in report.dropped}
    assert reasons == {
        "more than 0.5 of it is covered by others": [1],
        "its score is below 0.5": [2],
    }


def test_every_format_can_be_written_as_panoptic(tmp_path):
    pytest.importorskip("yaml")
    names = {"yolo": "y", "labelme": "l", "maps": "m", "voc": "v", "cvat": "a.xml"}
    for name, target in names.items():
        sc.data.write(small(), tmp_path / target, name)
        dataset = sc.data.read(tmp_path / target)
        sc.data.write(dataset, tmp_path / f"{name}.json", "coco-panoptic")
        back = sc.data.read(tmp_path / f"{name}.json")
        assert back[0].masks.union() == small()[0].masks.union()


def test_text_ids_and_no_categories(tmp_path):
    text = {"images": [{"id": "a", "file_name": "a.jpg", "height": 2, "width": 2}]}
    annotations = [{"id": 1, "image_id": "a", "segmentation": [[0, 0, 2, 0, 2, 2, 0, 2]]}]
    dataset = sc.data.from_coco({**text, "annotations": annotations})
    report = sc.data.write(dataset, tmp_path / "a.json", "coco-panoptic")
    assert report.annotations == 1
    back = sc.data.read(tmp_path / "a.json")
    assert (back[0].image_id, back.categories["name"].tolist()) == ("a", ["object"])


def test_a_panoptic_file_is_still_copied(tmp_path):
    path = real_data.folder() / "panoptic_sample" / "panoptic_examples.json"
    dataset = sc.data.read(path)
    assert sc.data.write(dataset, tmp_path / "out.json", "coco-panoptic").is_lossless
