"""The overview of a page: the worst objects of all images, scores, causes and confusions."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.browser import browser, opened, pixels_of

import segcore as sc
from segcore.diagnosis import CAUSES, KINDS, MendedPrecision
from segcore.show.report import (
    Class,
    Evaluation,
    Objects,
    PageFolder,
    PageImage,
    write_page,
)

pytest.importorskip("PIL")

SIZE = (60, 90)
CLASSES = [Class("sofa"), Class("<b>cup</b>"), Class("lamp")]
NAMES = {index: found.name for index, found in enumerate(CLASSES)}


def boxes(*corners: tuple[int, int, int, int]) -> sc.Masks:
    return sc.Masks.from_boxes(np.array(corners, float).reshape(-1, 4), SIZE)


def an_image(name: str, shift: int, **changes: Any) -> PageImage:
    """Return a sofa that is found, one that is missed, a lamp as a cup, and a spurious cup."""
    truth = Objects(
        boxes((2, 2, 30, 20), (2, 30, 30, 50), (40, 2, 60, 30)), np.array([0, 0, 2]), [1, 2, 3]
    )
    found = boxes((2, 2 + shift, 30, 20), (40, 2, 60, 28), (70, 40, 88, 58))
    scores = np.array([0.9, 0.8, 0.3])
    prediction = Objects(found, np.array([0, 1, 1]), [0, 1, 2], scores)
    return PageImage(name, truth, prediction, **changes)


def images(count: int = 3) -> list[PageImage]:
    return [an_image(f"image {i}.jpg", i + 1) for i in range(count)]


def evaluation(shown: list[PageImage]) -> Evaluation:
    metric, errors = sc.metrics.AveragePrecision(class_ids=[0, 1, 2]), sc.metrics.DetectionErrors()
    for image in shown:
        assert image.prediction is not None
        for accumulator in (metric, errors):
            accumulator.update(
                image.truth.masks,
                image.prediction.masks,
                scores=image.prediction.scores,
                truth_classes=image.truth.classes,
                prediction_classes=image.prediction.classes,
            )
    return Evaluation.of_instances(metric.compute(), NAMES, errors, MendedPrecision())


def page_of(shown: list[PageImage], **options: Any) -> str:
    file = io.BytesIO()
    write_page(file, "A title", CLASSES, shown, compared=True, **options)
    return file.getvalue().decode()


def embedded(page: str, key: str) -> dict[str, Any]:
    [text] = re.findall(f'<script type="application/json" id="{key}">(.*?)</script>', page)
    found: dict[str, Any] = json.loads(text)
    return found


# -- what is in the page --------------------------------------------------------------------------


def test_findings_are_columns_the_worst_first() -> None:
    shown = images()
    found = embedded(page_of(shown), "findings")
    expected = []
    for index, image in enumerate(shown):
        assert image.diagnosis is not None
        for row, i in enumerate(image.diagnosis.ranking()):
            expected.append((image.diagnosis.findings[i].rank, index, row))
    expected.sort()
    assert list(zip(found["image"], found["row"], strict=True)) == [key[1:] for key in expected]
    assert found["starts"][-1] == len(found["cause"]) == len(found["pixels"])
    for k, (_, index, row) in enumerate(expected):
        diagnosis = shown[index].diagnosis
        assert diagnosis is not None
        finding = diagnosis.findings[diagnosis.ranking()[row]]
        assert KINDS[found["kind"][k]] == finding.kind
        part = slice(found["starts"][k], found["starts"][k + 1])
        for cause, pixels in zip(found["cause"][part], found["pixels"][part], strict=True):
            areas = finding.spurious if CAUSES[cause].spurious else finding.missed
            assert areas[CAUSES[cause].name] == pixels
        assert sum(found["pixels"][part]) == finding.wrong_pixels


def test_scores_are_those_of_the_library() -> None:
    shown = images()
    made = evaluation(shown)
    scores = embedded(page_of(shown, evaluation=made), "index")["evaluation"]
    assert scores == json.loads(json.dumps(made.to_dict()))
    assert [name for name, *_ in scores["classes"]] == ["sofa", "lamp"]
    assert scores["summary"][0][0] == "AP"
    assert scores["summary"][0][1] == pytest.approx(scores["mended"]["ap"])
    for name, *lines in scores["curves"]["classes"]:
        assert len(lines) == 3, name
        assert all(len(line) == 101 for line in lines)
    assert [name for name, _, _ in scores["errors"]["types"]] == list(sc.metrics.ERROR_TYPES)
    assert len(scores["mended"]["causes"]) == len(CAUSES)


def test_pages_are_deterministic() -> None:
    first, second = (page_of(images(), evaluation=evaluation(images())) for _ in range(2))
    assert first == second


def test_refuses_predictions_without_scores() -> None:
    image = an_image("a", 1)
    assert image.prediction is not None
    prediction = Objects(image.prediction.masks, image.prediction.classes, [0, 1, 2])
    made = evaluation(images())
    with pytest.raises(ValueError, match="image b: expected scores of its predictions"):
        made.add(PageImage("b", image.truth, prediction))
    with pytest.raises(ValueError, match="image b: expected a prediction"):
        made.add(PageImage("b", image.truth))


def test_images_of_large_pages_are_in_a_folder(tmp_path) -> None:
    shown = images(5)
    inline = page_of(shown)
    folder = PageFolder.at(tmp_path / "a_files", single_file=5000)
    files = embedded(page_of(shown, folder=folder), "index")["files"]
    assert files["folder"] == "a_files"
    found = []
    for number, start in enumerate(files["starts"]):
        text = (tmp_path / "a_files" / f"images-{number}.js").read_text("utf-8")
        content = json.loads(text.removeprefix("receiveImages(").removesuffix(");\n"))
        assert (content["file"], start) == (number, len(found))
        found += content["images"]
    assert found == [embedded(inline, f"image-{i}") for i in range(5)]
    small = PageFolder.at(tmp_path / "b_files")
    assert page_of(shown, folder=small) == inline
    assert not (tmp_path / "b_files").exists()


# -- what a browser makes of it -------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("page") / "a b.html"
    made.write_text(page_of(images(), evaluation=evaluation(images())), "utf-8")
    return made


def names(page: Any) -> list[str]:
    return page.locator("#cards .name").all_inner_texts()


def test_opens_on_the_worst_objects(chromium, path) -> None:
    with opened(chromium, path, "") as page:
        assert page.locator("#tabs [aria-current]").inner_text() == "Objects"
        assert page.locator("#cards li").count() == 12
        first = page.locator("#cards li").first
        assert first.locator(".bad").inner_text() in ("missed", "confused: <b>cup</b>")
        page.wait_for_function("document.querySelector('#cards canvas').width > 1")
        colors = {
            tuple(color) for color in pixels_of(page, "#cards li:first-child canvas").reshape(-1, 4)
        }
        assert (214, 28, 48, 255) in colors  # missed pixels
        first.locator("a").click()
        page.locator("#tab-images").wait_for()
        assert page.locator("#tabs [aria-current]").inner_text() == "Images"
        assert "sofa #2" in page.locator("#selected h2").inner_text()
        assert "image=0&finding=0" in page.url
        page.go_back()
        page.locator("#tab-objects").wait_for()
        assert page.locator("#cards li").count() == 12


def test_every_finding_has_an_address(chromium, path) -> None:
    with opened(chromium, path, "#tab=images&image=1&finding=2") as page:
        assert "image 1.jpg" in page.locator('#images [aria-pressed="true"]').inner_text()
        assert page.locator('#objects [aria-pressed="true"]').inner_text().startswith("predicted")
        page.keyboard.press("ArrowDown")
        assert page.url.endswith("#tab=images&image=1&finding=3")
    with opened(chromium, path, "#tab=images&image=999&finding=x") as page:
        assert "image 0.jpg" in page.locator('#images [aria-pressed="true"]').inner_text()


def test_filters_and_orders(chromium, path) -> None:
    with opened(chromium, path, "#tab=objects&kind=extra&score-to=0.5") as page:
        assert names(page) == ["predicted <b>cup</b> #2"] * 3
        assert page.locator("#found").inner_text() == "3 of 12 objects, the worst first"
        page.get_by_role("button", name="Clear").click()
        assert page.url.endswith("#tab=objects")
        page.locator("[name=search]").fill("IMAGE 2")
        assert len(names(page)) == 4
        page.locator("[name=class]").select_option("lamp")
        assert names(page) == ["lamp #3"]
        page.get_by_role("button", name="Clear").click()
        page.locator("[name=kind]").select_option("matched")
        page.locator("[name=sort]").select_option("highest score")
        page.locator("[name=iou-from]").fill("0.9")
        assert names(page) == ["sofa #1"]
        page.locator("[name=iou-from]").fill("")
        part = CAUSES.index(next(cause for cause in CAUSES if cause.name == "part"))
        page.locator("[name=sort]").select_option(f"cause-{part}")
        facts = page.locator("#cards .facts").all_inner_texts()
        assert [fact.split(",")[0] for fact in facts] == ["IoU 0.944", "IoU 0.889", "IoU 0.833"][
            ::-1
        ]
        page.locator("[name=size]").select_option("large")
        assert names(page) == []


def test_saves_the_findings_that_pass_the_filters(chromium, path) -> None:
    with opened(chromium, path, "#tab=objects&kind=confused&sort=iou") as page:
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as CSV").click()
        rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8").splitlines()))
        assert download.value.suggested_filename == "objects.csv"
    assert [row["image"] for row in rows] == ["image 0.jpg", "image 1.jpg", "image 2.jpg"]
    for row in rows:
        assert (row["class"], row["predicted_class"]) == ("lamp", "<b>cup</b>")
        assert row["id"] == "3"
        assert float(row["iou"]) == pytest.approx(26 / 28, abs=1e-6)
        assert (row["score"], row["area"], row["false_positive"]) == ("0.8", "560", "0")
        assert row["missed"] == "560"


def test_tabs_stay_as_they_were(chromium, path) -> None:
    with opened(chromium, path, "#tab=images&image=2&finding=1") as page:
        page.get_by_role("link", name="Objects", exact=True).click()
        page.locator("#tab-objects").wait_for()
        page.locator("[name=kind]").select_option("missed")
        page.get_by_role("link", name="Images").click()
        page.locator("#tab-images").wait_for()
        assert page.url.endswith("#tab=images&image=2&finding=1")
        page.get_by_role("link", name="Objects", exact=True).click()
        page.locator("#tab-objects").wait_for()
        assert page.url.endswith("#tab=objects&kind=missed")
        assert names(page) == ["sofa #2"] * 3


def test_scores_causes_and_confusions(chromium, path) -> None:
    with opened(chromium, path, "#tab=scores") as page:
        assert page.locator("#tab-scores .tiles dt").first.inner_text() == "AP"
        assert page.locator("#tab-scores svg polyline").count() == 3
        page.locator("#tab-scores select").select_option("lamp")
        assert "IoU 0.50: AP 0.0" in page.locator(".curves").inner_text()
        page.get_by_role("button", name="AP50").click()
        assert page.locator("#tab-scores tbody td a").first.inner_text() == "lamp"
        page.get_by_role("button", name="AP50").click()
        assert page.locator("#tab-scores tbody td a").first.inner_text() == "sofa"
        page.get_by_role("link", name="Causes").click()
        page.locator("#tab-causes").wait_for()
        assert page.url.endswith("#tab=causes")
        text = page.locator("#tab-causes").inner_text()
        assert "classification" in text
        assert "missing component" in text
        page.get_by_role("link", name="Confusion").click()
        page.locator("#tab-confusion").wait_for()
        page.locator('#tab-confusion td[title="lamp predicted as <b>cup</b>: 3"] a').click()
        page.locator("#tab-objects").wait_for()
        assert names(page) == ["lamp #3"] * 3
        page.get_by_role("link", name="Confusion").click()
        page.locator("#tab-confusion").wait_for()
        page.locator('#tab-confusion td[title="sofa predicted as background: 3"] a').click()
        page.locator("#tab-objects").wait_for()
        assert names(page) == ["sofa #2"] * 3


def test_fits_a_phone(chromium, path) -> None:
    with opened(chromium, path, "") as page:
        page.set_viewport_size({"width": 390, "height": 844})
        for tab in ("Objects", "Scores", "Causes", "Confusion"):
            page.get_by_role("link", name=tab, exact=True).click()
            page.locator(f"#tab-{tab.lower()}").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab


def test_images_of_a_folder_are_read_when_they_are_shown(chromium, tmp_path) -> None:
    made = tmp_path / "50% #1.html"
    folder = PageFolder.at(tmp_path / "50% #1_files", single_file=0)
    made.write_text(page_of(images(), folder=folder), "utf-8")
    with opened(chromium, made, "#tab=images&image=1&finding=1") as page:
        page.locator("#selected h2").wait_for()
        shown = pixels_of(page)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft")
        page.locator('#images [aria-pressed="true"]', has_text="image 1.jpg").wait_for()
    inline = tmp_path / "a.html"
    inline.write_text(page_of(images()), "utf-8")
    with opened(chromium, inline, "#tab=images&image=1&finding=1") as page:
        assert np.array_equal(pixels_of(page), shown)
    made.rename(tmp_path / "alone.html")
    (tmp_path / "50% #1_files").rename(tmp_path / "elsewhere")
    page = chromium.new_page()
    page.goto((tmp_path / "alone.html").as_uri())
    text = "The images are in the folder 50% #1_files beside this page, which cannot be read."
    page.locator("#summary", has_text=text).wait_for()
    page.close()


@pytest.mark.slow
def test_a_large_data_set_opens_at_once(chromium, tmp_path) -> None:
    """5,000 images and 20,000 objects."""
    made = tmp_path / "large.html"
    shown = [an_image("image.jpg", 1)] * 5000
    made.write_text(page_of(shown, folder=PageFolder.at(tmp_path / "files")), "utf-8")
    with opened(chromium, made, "") as page:
        assert page.evaluate("performance.now()") < 2000
        assert page.locator("#cards li").count() == 60
        assert page.locator("#images button").count() == 0


def test_a_thumbnail_lies_over_the_photograph(chromium, tmp_path) -> None:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(np.full((30, 45, 3), (10, 200, 30), np.uint8)).save(file, "PNG")
    made = tmp_path / "a.html"
    made.write_text(
        page_of([an_image("a.jpg", 1, photograph=file.getvalue()), an_image("b", 1)]), "utf-8"
    )
    with opened(chromium, made, "#tab=objects&search=a.jpg&kind=missed") as page:
        page.wait_for_function("document.querySelector('#cards canvas').width > 1")
        page.wait_for_timeout(100)
        corner = pixels_of(page, "#cards canvas")[0, -1]
        assert corner.tolist() == [10, 200, 30, 255]


def test_scores_may_be_negative():
    image = an_image("a.jpg", 1)
    assert image.prediction is not None
    found = Objects(
        image.prediction.masks, image.prediction.classes, [0, 1, 2], np.array([-1, -2.5, 0.0])
    )
    page = page_of([PageImage("a.jpg", image.truth, found)])
    [text] = re.findall(r'id="findings">(.*?)</script>', page)
    assert sorted(map(str, json.loads(text)["score"])) == ["-1.0", "-2.5", "0.0", "None"]
