"""The commands and their options."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click

from segcore._version import __version__
from segcore.cli.failures import Commands


class _GivenPath(click.Path):
    """A path that is not empty, as in ``-o "$UNSET"``, which would be the current folder."""

    def __init__(self, file: bool = False) -> None:
        super().__init__(path_type=Path)
        self._file = file

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a Path; a file's must not end with a slash."""
        text = os.fspath(value)
        if not text:
            self.fail("expected a path, got an empty one", param, ctx)
        if self._file and text[-1] in {os.sep, os.altsep}:
            self.fail(f"{text}: expected a file, got a folder", param, ctx)
        return super().convert(value, param, ctx)


FOLDER = _GivenPath()
FILE = _GivenPath(file=True)

OVERWRITE = click.option(
    "--overwrite",
    is_flag=True,
    help="Also replace existing files that segcore did not write. Files that are read are never "
    "replaced.",
)


class Share(click.FloatRange):
    """A number from 0 to 1, which "nan" is not."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: Any, context: Any) -> Any:
        """Read the number."""
        number = super().convert(value, param, context)
        if math.isnan(number):
            self.fail(f"{value} is not in the range 0<=x<=1.", param, context)
        return number


LABEL = click.IntRange(-(2**31), 2**31 - 1)
PIXELS = 2**20
"""The greatest width or distance in pixels."""


DATASET = click.option(
    "--dataset",
    "dataset_path",
    type=FOLDER,
    help="Where ANNOTATIONS are COCO's results, a list: the file with their images and categories.",
)
SKIP_INVALID = click.option(
    "--skip-invalid",
    is_flag=True,
    help="Leave out images and annotations that are invalid, and list them at the end, instead of "
    "stopping at the first.",
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="segcore")
def app() -> None:
    """Work with segmentation masks."""


@app.command()
@click.argument("annotations", type=FOLDER)
@click.option("-o", "--output", "folder", type=FOLDER, required=True, help="Where the maps go.")
@click.option(
    "--priority",
    type=click.Choice(["last", "first", "smallest", "score"]),
    default="last",
    show_default=True,
    help="Which annotation a pixel belongs to when several cover it: the last or the first of the "
    'file, the smallest, or the one with the highest "score", which each must then have.',
)
@click.option(
    "--crowd/--no-crowd",
    default=True,
    show_default=True,
    help="Paint crowd annotations (iscrowd 1) underneath all others, or leave them out.",
)
@click.option(
    "--stuff",
    type=FOLDER,
    help="A folder with semantic maps to paint underneath: a PNG a picture, named as the result "
    "will be, whose pixels are category ids or, with classes.json beside it, the indices there (0 "
    "and 255: none).",
)
@DATASET
@SKIP_INVALID
@OVERWRITE
def semantic(
    annotations: Path,
    folder: Path,
    priority: str,
    crowd: bool,
    stuff: Path | None,
    dataset_path: Path | None,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Turn a COCO instance file into one PNG label map an image.

    A map is named after its image's file_name, with the ending .png, subfolders included. Its
    pixels are class indices: 0 is background, and the categories, by ascending id, are 1, 2, 3 and
    so on; classes.json, beside the maps, lists index, category id, name and colour. Up to 255
    categories make 8-bit indexed PNGs; more make 16-bit greyscale ones, because an indexed PNG has
    at most 256 colours.

    Files are written to a temporary folder first and moved into place when the command has
    succeeded. Other files in the output folder stay as they are. Invalid input gives one line that
    names the item, and exit code 2.
    """
    from segcore.cli.semantic import write_semantic_maps

    write_semantic_maps(
        annotations, folder, dataset_path, stuff, priority, crowd, skip_invalid, overwrite
    )


@app.command()
@click.argument("annotations", type=FOLDER)
@click.option("-o", "--output", "folder", type=FOLDER, required=True, help="Where the maps go.")
@click.option(
    "--stuff",
    type=FOLDER,
    help="A folder with semantic maps for the pixels between the instances: a PNG a picture, named "
    "after its file_name, whose pixels are category ids or, where segcore semantic wrote "
    "classes.json, the indices there (0 and 255: none).",
)
@click.option(
    "--rules",
    "preset",
    type=click.Choice(["panopticapi", "detectron2", "mmdet-heuristic"]),
    default="panopticapi",
    show_default=True,
    help="Whose rules decide.",
)
@click.option(
    "--priority",
    type=click.Choice(["last", "first", "smallest", "score"]),
    help="Which annotation a pixel belongs to when several cover it, as for segcore semantic. "
    "[default: score, or without scores, as in truth, smallest]",
)
@click.option(
    "--things",
    multiple=True,
    metavar="NAMES",
    help="The categories that are things, separated by commas, where the file does not say so with "
    '"isthing"; the others are stuff.',
)
@click.option(
    "--score",
    type=float,
    help="Drop instances whose score is less (default: as the rules have it).",
)
@click.option(
    "--overlap",
    type=float,
    help="Drop an instance if better ones cover more than this share of its pixels (default: as "
    "the rules have it).",
)
@click.option(
    "--stuff-area",
    type=int,
    help="Drop stuff of which fewer pixels are left (default: as the rules have it).",
)
@DATASET
@SKIP_INVALID
@OVERWRITE
def panoptic(
    annotations: Path,
    folder: Path,
    stuff: Path | None,
    preset: str,
    priority: str | None,
    things: tuple[str, ...],
    score: float | None,
    overlap: float | None,
    stuff_area: int | None,
    dataset_path: Path | None,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Turn a COCO instance file, and maps of stuff, into COCO's panoptic format.

    That is panoptic.json, and in the folder panoptic a PNG a picture, named after its file_name,
    whose colours are the ids of segments: R + 256 G + 65536 B, and 0 where there is none.

    Instances with scores are judged by the rules, from the highest score down. Those without, as in
    truth, are painted by --priority, and only the ones that nothing is seen of are dropped.

    Which categories are things is what --things or "isthing" say. Where neither does, they are
    COCO's things if the categories are COCO's, or else the categories of the annotations: of the
    truth (--dataset) for results. A note says what was assumed.

    Files are written to a temporary folder first and moved into place when the command has
    succeeded. Invalid input gives one line that names the item, and exit code 2.
    """
    from segcore.cli.panoptic import write_panoptic

    changes = {"score_threshold": score, "max_taken": overlap, "stuff_area": stuff_area}
    given = {name: value for name, value in changes.items() if value is not None}
    write_panoptic(
        *(annotations, folder, dataset_path, stuff, preset, given, priority, things),
        *(skip_invalid, overwrite),
    )


IMAGES = click.option(
    "--images", type=FOLDER, help="A folder with the photographs, to show underneath."
)
TRUTH_FOLDER = click.option(
    "--gt-folder", type=FOLDER, help="The PNGs of a panoptic truth, if not named after it."
)
PREDICTION_FOLDER = click.option(
    "--pred-folder", type=FOLDER, help="The PNGs of a panoptic prediction, if not named after it."
)


SCORE = click.option(
    "--score", type=float, help="Leave out predictions whose score is less than this."
)
ONLY_PREDICTED = click.option(
    "--only-predicted",
    is_flag=True,
    help="Leave out images without predictions, whose objects otherwise count as missed.",
)


@app.command()
@click.argument("source", type=FOLDER)
@click.option(
    "-o",
    "--output",
    "target",
    type=FILE,
    default=Path("segcore-view.html"),
    show_default=True,
    help="The HTML file to write.",
)
@click.option("--prediction", type=FOLDER, help="What to compare it with, of any of these kinds.")
@IMAGES
@SCORE
@ONLY_PREDICTED
@DATASET
@TRUTH_FOLDER
@PREDICTION_FOLDER
@SKIP_INVALID
@OVERWRITE
def view(
    source: Path,
    target: Path,
    prediction: Path | None,
    images: Path | None,
    score: float | None,
    only_predicted: bool,
    dataset_path: Path | None,
    gt_folder: Path | None,
    pred_folder: Path | None,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Show masks in a browser: one HTML file that needs nothing else.

    SOURCE is a COCO instance file, COCO's results (with --dataset), a COCO panoptic file, a PNG
    label map, or a folder of these. The page shows the same masks as semantic, instance and
    panoptic maps, over the photographs if there are any, and what each form holds and loses. With
    a prediction, it shows what differs, and why.

    Images of SOURCE and of a prediction belong together if their file names are the same but for
    the ending.
    """
    from segcore.cli.failures import BadInput
    from segcore.cli.view import write_view

    if prediction is None and (score is not None or only_predicted):
        raise BadInput("--score, --only-predicted: pass --prediction, too")

    folders = (gt_folder, pred_folder)
    write_view(
        *(source, target, prediction, images, dataset_path, folders, score, only_predicted),
        *(skip_invalid, overwrite),
    )


@app.command()
@click.argument("truth", type=FOLDER)
@click.argument("prediction", type=FOLDER)
@click.option("--html", "page", type=FILE, help="An HTML file to write, as segcore view does.")
@click.option("--json", "report", type=FILE, help="A file to write all findings to, as JSON.")
@click.option("--csv", "spreadsheet", type=FILE, help="A file to write all findings to, as CSV.")
@IMAGES
@SCORE
@ONLY_PREDICTED
@click.option(
    "--iou-threshold",
    type=Share(),
    default=0.1,
    show_default=True,
    help="The IoU from which a prediction belongs to an object of its class.",
)
@click.option(
    "--thin-width",
    type=click.IntRange(1, PIXELS),
    help="Parts narrower than this number of pixels, which must be odd, are thin.  [default: 1 % "
    "of the diagonal]",
)
@click.option(
    "--boundary",
    "boundary_distance",
    type=click.IntRange(0, PIXELS),
    help="Wrong pixels within this distance of what was found, or of the outline, are at the "
    "boundary; a loss that goes deeper is a lost part.  [default: 0.5 % of the diagonal]",
)
@click.option(
    "--rows",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    help="The number of objects to print.",
)
@TRUTH_FOLDER
@PREDICTION_FOLDER
@SKIP_INVALID
@OVERWRITE
def compare(
    truth: Path,
    prediction: Path,
    page: Path | None,
    report: Path | None,
    spreadsheet: Path | None,
    images: Path | None,
    score: float | None,
    only_predicted: bool,
    iou_threshold: float,
    thin_width: int | None,
    boundary_distance: int | None,
    rows: int,
    gt_folder: Path | None,
    pred_folder: Path | None,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """List what a prediction lost of each object, what it added, and why; the worst come first.

    TRUTH and PREDICTION are COCO instance files, COCO panoptic files, or label maps, as for segcore
    view; PREDICTION may also be COCO's results for TRUTH.

    Missed pixels are of another class, merged with another object, in a missing component (such as
    the far side of what stands in front), in a thin part, a hole or another lost part, or at the
    boundary. False-positive (FP) pixels are in a duplicate, at the boundary, in another object
    (bleeding), in a filled hole, or in no object.
    """
    from segcore.cli.compare import write_comparison
    from segcore.cli.failures import BadInput

    if images and not page:
        raise BadInput("--images: photographs are for the page; say with --html where it goes")
    if thin_width is not None and thin_width % 2 == 0:
        raise BadInput(f"--thin-width: expected an odd number, got {thin_width}")
    options = {
        "iou_threshold": iou_threshold,
        "thin_width": thin_width,
        "boundary_distance": boundary_distance,
    }
    folders = (gt_folder, pred_folder)
    write_comparison(
        truth,
        prediction,
        folders,
        images,
        page,
        report,
        spreadsheet,
        options,
        score,
        only_predicted,
        rows,
        skip_invalid,
        overwrite,
    )


@app.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=FOLDER,
    default=Path("segcore-demo"),
    show_default=True,
    help="Where the pictures go.",
)
@OVERWRITE
def demo(folder: Path, overwrite: bool) -> None:
    """Draw a furnished room, and what a coarse prediction of it loses.

    The room, a COCO file that comes with segcore, becomes a picture of its instances, a semantic
    map, and a picture and a table of what a prediction missed: a cushion, and the legs of things.
    """
    from segcore.cli.demo import run_demo

    run_demo(folder, overwrite)


@app.command()
@click.argument("folder", type=FOLDER)
@click.option("-o", "--output", "target", type=FILE, required=True, help="The COCO file to write.")
@click.option(
    "--panoptic",
    type=FOLDER,
    help="The COCO panoptic file of which FOLDER holds the PNGs; then each segment is one.",
)
@click.option("--things-only", is_flag=True, help="Leave out the stuff of panoptic maps.")
@click.option("--background", type=LABEL, help="The label that is nothing.  [default: 0]")
@click.option(
    "--ignore",
    type=LABEL,
    multiple=True,
    help="More labels that are nothing; may be given more than once.  [default: 255, unless "
    "classes.json lists it]",
)
@OVERWRITE
@click.option(
    "--components",
    "connectivity",
    type=click.Choice(["4", "8"]),
    help="One annotation for each connected part of a label, and not for each label; 8: corners "
    "connect, too.",
)
def labels(
    folder: Path,
    target: Path,
    panoptic: Path | None,
    things_only: bool,
    background: int | None,
    ignore: tuple[int, ...],
    connectivity: str | None,
    overwrite: bool,
) -> None:
    """Turn a folder of PNG label maps, or of panoptic ones, into one COCO instance file.

    Label maps are indexed or grey, of 8 or 16 bits; each label of a picture becomes one annotation.
    Where segcore semantic wrote classes.json beside them, categories are those of its input.
    Panoptic maps are RGB, as COCO has them.
    """
    from segcore.cli.failures import BadInput
    from segcore.cli.labels import write_instances, write_segments

    if panoptic:
        given = {"--components": connectivity, "--background": background, "--ignore": ignore}
        for option, value in given.items():
            if value not in (None, ()):
                raise BadInput(f"{option}: it is for label maps; panoptic ones say what is one")
        write_segments(folder, target, panoptic, things_only, overwrite)
    elif things_only:
        raise BadInput("--things-only: it is for panoptic maps; say with --panoptic which they are")
    else:
        by_parts = None if connectivity is None else int(connectivity)
        write_instances(folder, target, background or 0, ignore, by_parts, overwrite)


@app.group()
def evaluate() -> None:
    """Score label maps against true ones."""


REPORT = click.option(
    "--json", "report", type=FILE, help="A file to write all numbers to, as JSON."
)


@evaluate.command("semantic")
@click.argument("truth", type=FOLDER)
@click.argument("prediction", type=FOLDER)
@click.option(
    "--num-classes",
    type=LABEL,
    help="Classes are 0 to one less than this. By default those of classes.json, which segcore "
    "semantic writes, in the folder TRUTH.",
)
@click.option(
    "--ignore",
    type=LABEL,
    help="The true label of pixels that are left out.  [default: 255, unless it is a class]",
)
@REPORT
@OVERWRITE
def evaluate_semantic(
    truth: Path,
    prediction: Path,
    num_classes: int | None,
    ignore: int | None,
    report: Path | None,
    overwrite: bool,
) -> None:
    """Compare two folders of PNG label maps: IoU, accuracy and Dice of each class.

    The maps have the same names in both. The numbers are those of mmsegmentation, over all pixels
    of all images. The background is a class like others, if it has an index; --ignore 0 leaves it
    out.
    """
    from segcore.cli.evaluate import evaluate_semantic

    evaluate_semantic(truth, prediction, num_classes, ignore, report, overwrite)


@evaluate.command("panoptic")
@click.argument("truth", type=FOLDER)
@click.argument("prediction", type=FOLDER)
@click.option("--gt-folder", type=FOLDER, help="The PNGs of TRUTH, if not named after it.")
@click.option("--pred-folder", type=FOLDER, help="The PNGs of PREDICTION, if not named after it.")
@REPORT
@OVERWRITE
def evaluate_panoptic(
    truth: Path,
    prediction: Path,
    gt_folder: Path | None,
    pred_folder: Path | None,
    report: Path | None,
    overwrite: bool,
) -> None:
    """Compare two COCO panoptic files: panoptic quality, in all and of each category.

    The PNGs of FILE.json are in the folder FILE. The numbers are those of panopticapi. Images of
    which the truth knows nothing are left out.
    """
    from segcore.cli.evaluate import evaluate_panoptic

    evaluate_panoptic(truth, prediction, gt_folder, pred_folder, report, overwrite)


@app.command()
def info() -> None:
    """Print the backend, the instruction set, and the versions that are in use."""
    import segcore

    segcore.show_runtime()
