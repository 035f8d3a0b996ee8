"""The commands, their arguments and options."""

from __future__ import annotations

from pathlib import Path

import click

from segcore._version import __version__
from segcore.cli.failures import BadInput, Commands
from segcore.cli.options import (
    DATASET,
    FILE,
    IMAGES,
    LABEL,
    MAX_PIXELS,
    ONLY_PREDICTED,
    OUTPUT_FOLDER,
    OVERWRITE,
    PATH,
    PREDICTION_FOLDER,
    REPORT,
    SCORE,
    SKIP_INVALID,
    STRICT,
    TRUTH_FOLDER,
    Share,
)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="segcore")
def app() -> None:
    """Work with segmentation masks."""


@app.command()
@click.argument("annotations", type=PATH)
@OUTPUT_FOLDER
@click.option(
    "--priority",
    type=click.Choice(["last", "first", "smallest", "score"]),
    default="last",
    show_default=True,
    help="Which annotation wins where several overlap: the last or the first in the file, the "
    'smallest, or the one with the highest "score", which every annotation must then have.',
)
@click.option(
    "--crowd/--no-crowd",
    default=True,
    show_default=True,
    help="Paint crowd annotations (iscrowd 1) below all others, or leave them out.",
)
@click.option(
    "--stuff",
    type=PATH,
    help="A folder with semantic maps to paint below: one PNG per image, named like the result. "
    "Pixels are category ids or, with a classes.json, its indices (0 and 255: none).",
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
    """Convert a data set to PNG label maps, one per image.

    ANNOTATIONS is a COCO instance file, COCO results (with --dataset), a COCO panoptic file, LVIS,
    SA-1B, SA-V or Parquet; JSON may be compressed with gzip.

    A map has the file_name of its image, with the suffix .png, subfolders included. Its pixels are
    class indices: 0 is background, and the categories have 1, 2, 3 and so on by ascending id.
    classes.json, beside the maps, lists index, category id, name and color. Up to 255 categories
    give 8-bit indexed PNGs; more give 16-bit grayscale PNGs, since a palette has 256 colors.

    Files are written to a temporary folder and moved into place when the command has succeeded.
    Other files in the output folder are kept. For invalid input, the command prints one line that
    names the item, and exits with code 2.
    """
    from segcore.cli.semantic import write_semantic_maps

    write_semantic_maps(
        annotations,
        folder,
        dataset_path=dataset_path,
        stuff=stuff,
        priority=priority,
        crowd=crowd,
        skip_invalid=skip_invalid,
        overwrite=overwrite,
    )


@app.command()
@click.argument("annotations", type=PATH)
@OUTPUT_FOLDER
@click.option(
    "--stuff",
    type=PATH,
    help="A folder with semantic maps for the pixels between the instances: one PNG per image, "
    "named after its file_name. Pixels are category ids or, with a classes.json of segcore "
    "semantic, its indices (0 and 255: none).",
)
@click.option(
    "--rules",
    "preset",
    type=click.Choice(["panopticapi", "detectron2", "mmdet-heuristic"]),
    default="panopticapi",
    show_default=True,
    help="The rules for overlaps and small segments.",
)
@click.option(
    "--priority",
    type=click.Choice(["last", "first", "smallest", "score"]),
    help="Which annotation wins where several overlap, as for segcore semantic.  [default: score; "
    "smallest for annotations without scores, such as truth]",
)
@click.option(
    "--things",
    multiple=True,
    metavar="NAMES",
    help='The categories that are things, separated by commas, if the file has no "isthing"; the '
    "others are stuff.",
)
@click.option(
    "--score",
    type=float,
    help="Drop instances with a lower score than this.  [default: by the rules]",
)
@click.option(
    "--overlap",
    type=float,
    help="Drop an instance if better ones cover more than this share of its pixels.  [default: by "
    "the rules]",
)
@click.option(
    "--stuff-area",
    type=int,
    help="Drop stuff with fewer pixels left than this.  [default: by the rules]",
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
    """Convert a data set, with or without stuff maps, to COCO's panoptic format.

    ANNOTATIONS is of any format that segcore semantic reads.

    The output is panoptic.json and a folder panoptic with one PNG per image, named after its
    file_name. The colors are segment ids: R + 256 G + 65536 B, and 0 without a segment.

    Instances with scores are processed by the rules, from the highest score down. Instances without
    scores, such as truth, are painted by --priority and dropped only if no pixel remains visible.

    Things are the categories given by --things or "isthing". Without either, they are COCO's things
    if the categories are those of COCO, or else the categories with annotations (for results, with
    annotations in --dataset). A note lists what was assumed.

    Files are written to a temporary folder and moved into place when the command has succeeded. For
    invalid input, the command prints one line that names the item, and exits with code 2.
    """
    from segcore.cli.panoptic import write_panoptic

    changes = {"score_threshold": score, "max_taken": overlap, "stuff_area": stuff_area}
    write_panoptic(
        annotations,
        folder,
        dataset_path=dataset_path,
        stuff=stuff,
        preset=preset,
        changes={name: value for name, value in changes.items() if value is not None},
        priority=priority,
        thing_names=things,
        skip_invalid=skip_invalid,
        overwrite=overwrite,
    )


@app.command()
@click.argument("source", type=PATH)
@click.option(
    "-o",
    "--output",
    "target",
    type=FILE,
    default=Path("segcore-view.html"),
    show_default=True,
    help="The HTML file to write.",
)
@click.option("--prediction", type=PATH, help="A prediction to compare, of any of these kinds.")
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
    """Show masks in a browser: one HTML file without dependencies.

    SOURCE is a data set of any format that segcore semantic reads, a PNG label map, or a folder of
    label maps. The page shows the masks as semantic, instance and panoptic maps, over photographs
    if given, and what each form holds and loses. With a prediction, it shows the differences and
    their causes.

    Images of SOURCE and of a prediction are matched by file name, without the suffix.
    """
    from segcore.cli.view import write_view

    if prediction is None and (score is not None or only_predicted):
        raise BadInput("--score, --only-predicted: pass --prediction, too")
    write_view(
        source,
        target,
        prediction=prediction,
        images=images,
        dataset_path=dataset_path,
        folders=(gt_folder, pred_folder),
        score=score,
        only_predicted=only_predicted,
        skip_invalid=skip_invalid,
        overwrite=overwrite,
    )


@app.command()
@click.argument("truth", type=PATH)
@click.argument("prediction", type=PATH)
@click.option("--html", "page", type=FILE, help="Write an HTML file, as segcore view does.")
@click.option("--json", "report", type=FILE, help="Write all findings to this file, as JSON.")
@click.option("--csv", "spreadsheet", type=FILE, help="Write all findings to this file, as CSV.")
@IMAGES
@SCORE
@ONLY_PREDICTED
@click.option(
    "--iou-threshold",
    type=Share(),
    default=0.1,
    show_default=True,
    help="Minimum IoU of a prediction with its object of the same class.",
)
@click.option(
    "--thin-width",
    type=click.IntRange(1, MAX_PIXELS),
    help="Parts narrower than this number of pixels, which must be odd, are thin.  [default: 1 % "
    "of the diagonal]",
)
@click.option(
    "--boundary",
    "boundary_distance",
    type=click.IntRange(0, MAX_PIXELS),
    help="Wrong pixels within this distance of correct ones, or of the outline, are at the "
    "boundary; a deeper loss is a lost part.  [default: 0.5 % of the diagonal]",
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
    """List what a prediction lost and added per object, and why; the worst objects come first.

    TRUTH and PREDICTION are data sets or label maps, as for segcore view. PREDICTION may also hold
    COCO results for TRUTH.

    Missed pixels are of another class, merged with another object, in a missing component (such as
    one side of a partly hidden object), in a thin part, a hole or another lost part, or at the
    boundary. False-positive (FP) pixels are in a duplicate, at the boundary, in another object
    (bleeding), in a filled hole, or in no object.
    """
    from segcore.cli.compare import write_comparison

    if images and not page:
        raise BadInput("--images: photographs are shown in the page; pass --html, too")
    if thin_width is not None and thin_width % 2 == 0:
        raise BadInput(f"--thin-width: expected an odd number, got {thin_width}")
    write_comparison(
        truth,
        prediction,
        folders=(gt_folder, pred_folder),
        images=images,
        page=page,
        report=report,
        spreadsheet=spreadsheet,
        options={
            "score_threshold": score,
            "iou_threshold": iou_threshold,
            "thin_width": thin_width,
            "boundary_distance": boundary_distance,
        },
        only_predicted=only_predicted,
        rows=rows,
        skip_invalid=skip_invalid,
        overwrite=overwrite,
    )


@app.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=PATH,
    default=Path("segcore-demo"),
    show_default=True,
    help="The folder for the images.",
)
@OVERWRITE
def demo(folder: Path, overwrite: bool) -> None:
    """Draw a furnished room, and the losses of a coarse prediction.

    The room is a COCO file that comes with segcore. The output is an image of its instances, a
    semantic map, and an image and a table of the losses of a prediction: a cushion, and legs.
    """
    from segcore.cli.demo import run_demo

    run_demo(folder, overwrite)


@app.command()
@click.argument("folder", type=PATH)
@click.option("-o", "--output", "target", type=FILE, required=True, help="The COCO file to write.")
@click.option(
    "--panoptic",
    type=PATH,
    help="The COCO panoptic file whose PNGs are in FOLDER; each segment becomes an annotation.",
)
@click.option("--things-only", is_flag=True, help="Leave out the stuff of panoptic maps.")
@click.option("--background", type=LABEL, help="The label of the background.  [default: 0]")
@click.option(
    "--ignore",
    type=LABEL,
    multiple=True,
    help="Another label to leave out; may be given more than once.  [default: 255, unless "
    "classes.json lists it]",
)
@OVERWRITE
@click.option(
    "--components",
    "connectivity",
    type=click.Choice(["4", "8"]),
    help="Make one annotation per connected component instead of one per label. With 8, pixels "
    "are also connected at corners.",
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
    """Convert a folder of PNG label maps or panoptic maps to one COCO instance file.

    Label maps are indexed or gray PNGs of 8 or 16 bits; each label in an image becomes one
    annotation. With a classes.json of segcore semantic, the categories are those of its input.
    Panoptic maps are RGB PNGs as in COCO.
    """
    from segcore.cli.labels import write_instances, write_segments

    if panoptic:
        given = {"--components": connectivity, "--background": background, "--ignore": ignore}
        for option, value in given.items():
            if value not in (None, ()):
                raise BadInput(f"{option}: it is for label maps, and does not go with --panoptic")
        write_segments(folder, target, panoptic, things_only, overwrite)
    elif things_only:
        raise BadInput("--things-only: it is for panoptic maps; pass --panoptic, too")
    else:
        write_instances(
            folder,
            target,
            background or 0,
            ignore,
            None if connectivity is None else int(connectivity),
            overwrite,
        )


@app.group()
def evaluate() -> None:
    """Evaluate label maps against true ones."""


@evaluate.command("semantic")
@click.argument("truth", type=PATH)
@click.argument("prediction", type=PATH)
@click.option(
    "--num-classes",
    type=LABEL,
    help="The number of classes, whose labels start from 0.  [default: as in the classes.json "
    "that segcore semantic writes, in the folder TRUTH]",
)
@click.option(
    "--ignore",
    type=LABEL,
    help="The true label of pixels to leave out.  [default: 255, unless it is a class]",
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
    """Compute IoU, accuracy and Dice of each class over two folders of PNG label maps.

    Maps in the two folders have the same names. The numbers are those of mmsegmentation, over all
    pixels of all images. The background is a class like any other; --ignore 0 leaves it out.
    """
    from segcore.cli.evaluate import evaluate_semantic

    evaluate_semantic(truth, prediction, num_classes, ignore, report, overwrite)


@evaluate.command("panoptic")
@click.argument("truth", type=PATH)
@click.argument("prediction", type=PATH)
@TRUTH_FOLDER
@PREDICTION_FOLDER
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
    """Compute the panoptic quality of a COCO panoptic file, overall and of each category.

    The PNGs of FILE.json are in the folder FILE. The numbers are those of panopticapi. Images that
    the truth lacks are left out.
    """
    from segcore.cli.evaluate import evaluate_panoptic

    evaluate_panoptic(truth, prediction, gt_folder, pred_folder, report, overwrite)


@app.command()
def info() -> None:
    """Print the backend, the instruction set and the versions in use."""
    import segcore

    segcore.show_runtime()


@app.command()
@click.argument("source", metavar="IN", type=PATH)
@click.argument("target", metavar="OUT", type=PATH)
@click.option("--from", "source_format", help="The format of IN. By default, it is recognized.")
@click.option(
    "--to", "target_format", help="The format of OUT. By default, it is that of its name."
)
@DATASET
@REPORT
@STRICT
@SKIP_INVALID
@OVERWRITE
def convert(
    source: Path,
    target: Path,
    source_format: str | None,
    target_format: str | None,
    dataset_path: Path | None,
    report: Path | None,
    strict: bool,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Convert a data set from one format to another, and list what is not kept.

    Formats are coco, coco-results, coco-panoptic, sa-1b, sa-v, parquet, yolo, labelme, maps, voc,
    cvat, label-studio, kaggle, geojson and cityscapes. OUT is a folder for yolo, labelme, maps,
    voc, cityscapes and sa-1b, and otherwise a file. Image files are not copied.

    A name that ends with .json, .parquet, .csv, .xml or .geojson stands for coco, parquet, kaggle,
    cvat or geojson.
    """
    from segcore.cli.convert import convert as run

    run(
        source,
        target,
        source_format=source_format,
        target_format=target_format,
        dataset_path=dataset_path,
        report_path=report,
        skip_invalid=skip_invalid,
        strict=strict,
        overwrite=overwrite,
    )


@app.command()
@click.argument("path", metavar="DATASET", type=PATH)
@click.option("--from", "source_format", help="The format. By default, it is recognized.")
@DATASET
@REPORT
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 3 if anything looks like a mistake, is invalid or not read.",
)
@SKIP_INVALID
@OVERWRITE
def stats(
    path: Path,
    source_format: str | None,
    dataset_path: Path | None,
    report: Path | None,
    strict: bool,
    skip_invalid: bool,
    overwrite: bool,
) -> None:
    """Count the classes, sizes and overlaps of a data set, and what looks like a mistake.

    Mistakes are annotations without a mask, invalid and empty masks, RLEs of another size than
    their image, polygons outside their image, and masks of an image that are equal or nearly equal
    (IoU of 0.95 or more).
    """
    from segcore.cli.stats import stats as run

    run(
        path,
        format=source_format,
        dataset_path=dataset_path,
        report_path=report,
        skip_invalid=skip_invalid,
        strict=strict,
        overwrite=overwrite,
    )
