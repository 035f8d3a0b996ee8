"""``segcore demo``: a room that comes with the package, and what a prediction of it loses."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from segcore._publish import OutputFolder, is_replaceable
from segcore.cli.figures import legend, resized, titled, write_image
from segcore.cli.output import MARK, publishing
from segcore.cli.printing import Printer, print_line
from segcore.cli.scene import Match, Scene, category_ids, match_objects, read_scene
from segcore.data.files.pngs import label_png
from segcore.maps.semantic import compose_semantic
from segcore.masks import Masks
from segcore.show import colorize, difference, instances, palette, side_by_side
from segcore.show.colors import ColorArray
from segcore.show.report import Class, Objects, PageImage, write_page


def run_demo(folder: Path, overwrite: bool) -> None:
    """Draw the room and its prediction into a folder, and print how well they agree."""
    scene = read_scene()
    found, matches = match_objects(scene)
    # JSON and CSV files have no mark of segcore, but the page beside them has.
    overwrite = overwrite or _is_demo(folder)
    with publishing([], None, overwrite) as outputs:
        out = outputs.folder(folder, FILES)
        for name, text in scene.documents.items():
            with out.open(name) as file:
                file.write(text.encode())
        with out.open("iou.csv") as file:
            file.write(as_csv(matches).encode())
        _draw(scene, found, out)
        with out.open("page.html") as file:
            write_page(file, "The demo's room", *_page(scene), compared=True)
    console = Printer()
    console.print(as_table(matches))
    print_summary(console, matches)
    print_line("")
    print_line(f"in {folder}:")
    for name, description in FILES.items():
        print_line(f"  {name:22}{description}")


def _is_demo(folder: Path) -> bool:
    """Return whether the folder was written by an earlier demo."""
    page = folder / "page.html"
    return page.is_file() and is_replaceable(page)


FILES = {
    "instances.png": "each object in its own color",
    "semantic.png": "each class in its own color: an indexed PNG of class indices",
    "prediction.png": "the predicted objects, in the colors of the true ones",
    "difference.png": "what the prediction lost (red) and added (blue)",
    "demo.png": "three of them side by side",
    "page.html": "everything in a browser, with the cause of each loss, as by segcore compare",
    "iou.csv": "the table above",
    "room.json": "the room, a COCO instance file: try `segcore semantic` on it",
    "room-prediction.json": "the prediction, in COCO's results format",
}


# -- the page -------------------------------------------------------------------------------------


def _page(scene: Scene) -> tuple[list[Class], list[PageImage]]:
    classes = [Class(c["name"], bool(c["isthing"])) for c in scene.classes]
    class_index = {c["id"]: i for i, c in enumerate(scene.classes)}

    def objects(masks: Masks, items: list[dict[str, Any]], ids: list[int | str]) -> Objects:
        indices = np.array([class_index[item["category_id"]] for item in items])
        return Objects(masks, indices, ids)

    truth = objects(scene.truth, scene.true, [annotation["id"] for annotation in scene.true])
    found = objects(scene.prediction, scene.predicted, list(range(len(scene.predicted))))
    return classes, [PageImage("the room", truth, found)]


# -- images ----------------------------------------------------------------------------------------


def _draw(scene: Scene, found: Masks, out: OutputFolder) -> None:
    names = [annotation["name"] for annotation in scene.true]
    true_classes = category_ids(scene.true)
    colors = _instance_colors(true_classes)
    class_colors = np.vstack([np.zeros((1, 3), np.uint8), palette(len(scene.classes))])

    true = instances(scene.truth, colors)
    labels = compose_semantic(scene.truth, true_classes, dtype=np.uint8)
    regions = Masks.from_label_map(labels)
    # Without walls and floors, whose differences mirror those of the things before them.
    things = np.isin(true_classes, [c["id"] for c in scene.classes if c["isthing"]])
    faint = instances(scene.truth, _faint(colors))
    lost = difference(scene.truth[things], found[things], faint)

    with out.open("instances.png") as file:
        write_image(file, np.concatenate([true, legend(names, colors, true.shape[1])]))
    out.write("semantic.png", label_png(*regions, class_colors, MARK))
    with out.open("prediction.png") as file:
        write_image(file, instances(found, colors))
    with out.open("difference.png") as file:
        write_image(file, lost)
    with out.open("demo.png") as file:
        panels = {
            "instances": true,
            "semantic map": colorize(labels, class_colors),
            "what the prediction lost": lost,
        }
        row = side_by_side([titled(resized(image, 640), name) for name, image in panels.items()])
        write_image(file, row, colors=256)


def _instance_colors(classes: NDArray[np.int64]) -> ColorArray:
    """Return a color per object: the first object of a class has the color of the class."""
    first = np.unique(classes, return_index=True)[1]
    is_first = np.isin(np.arange(len(classes)), first)
    others = classes.max() + np.cumsum(~is_first)
    chosen = np.where(is_first, classes, others) - 1
    colors: ColorArray = palette(int(chosen.max()) + 1)[chosen]
    return colors


def _faint(colors: ColorArray) -> ColorArray:
    """Return light grays for colors."""
    gray = 195 + colors @ np.array([0.299, 0.587, 0.114]) * 0.2
    faint: ColorArray = np.stack([gray] * 3, axis=1).astype(np.uint8)
    return faint


# -- the table ------------------------------------------------------------------------------------


def as_table(matches: list[Match]) -> Table:
    """Return the matches as a table for the terminal."""
    table = Table(title="The prediction, object by object", title_justify="left")
    table.add_column("object")
    for column in ("pixels", "score", "IoU", "missed"):
        table.add_column(column, justify="right")
    table.add_column("")
    for match in matches:
        score = "" if match.lost else f"{match.score:.2f}"
        table.add_row(
            match.name,
            f"{match.pixels:,}",
            score,
            f"{match.iou:.3f}",
            f"{match.missed:,}",
            "LOST" if match.lost else "",
            style="bold red" if match.lost else "",
        )
        for part in match.parts:
            table.add_row(
                f"  its {part.name}",
                f"{part.pixels:,}",
                "",
                "",
                f"{round(part.pixels * (1 - part.covered)):,}",
                f"{'LOST: ' if part.lost else ''}{part.covered:.0%} covered",
                style="bold red" if part.lost else "",
            )
    return table


def as_csv(matches: list[Match]) -> str:
    """Return the matches as CSV. Rows of parts have the covered share instead of an IoU."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["object", "part", "pixels", "iou", "covered", "missed", "lost"])
    for match in matches:
        rows.writerow(
            [match.name, "", match.pixels, f"{match.iou:.4f}", "", match.missed, int(match.lost)]
        )
        for part in match.parts:
            missed = round(part.pixels * (1 - part.covered))
            share = f"{part.covered:.4f}"
            rows.writerow([match.name, part.name, part.pixels, "", share, missed, int(part.lost)])
    return text.getvalue()


def print_summary(console: Printer, matches: list[Match]) -> None:
    """Print the mean IoU and the lost objects and parts."""
    lost = [match.name for match in matches if match.lost]
    parts = [
        f"the {match.name}'s {part.name} (its IoU is still {match.iou:.2f})"
        for match in matches
        for part in match.parts
        if part.lost and not match.lost
    ]
    mean = np.mean([match.iou for match in matches])
    console.print(f"mean IoU {mean:.3f}; lost: {', '.join(lost + parts)}")
