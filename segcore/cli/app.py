"""The commands, their arguments and options."""

from __future__ import annotations

from pathlib import Path

import click

from segcore._version import __version__
from segcore.cli.failures import BadInput, Commands
from segcore.cli.options import (
    FILE,
    IMAGES,
    LABEL,
    MAX_PIXELS,
    ONLY_PREDICTED,
    OUTPUT_FOLDER,
    OVERWRITE,
    PATH,
    PREDICTION_FOLDER,
    PREDICTION_FORMAT,
    RESUME,
    SCORE,
    SCORE_OF_FINDINGS,
    TRUTH_FOLDER,
    Common,
    FindingOptions,
    Share,
    common_options,
    finding_options,
)

NEEDS_PAGE = (
    "--images: photographs are shown in pages and crops; pass --html or --export-worst, too"
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
    help="Which annotation wins where several overlap: the last or the first in the file, the "
    'smallest, or the one with the highest "score", which every annotation must then have.  '
    "[default: score; smallest for annotations without scores, such as truth]",
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
@RESUME
@common_options()
def semantic(
    annotations: Path,
    folder: Path,
    priority: str | None,
    crowd: bool,
    stuff: Path | None,
    resume: Path | None,
    common: Common,
) -> None:
    """Convert a data set to PNG label maps, one per image.

    ANNOTATIONS is a file or folder of any format that segcore convert reads; COCO results also need
    --dataset. JSON may be compressed with gzip.

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
        stuff=stuff,
        priority=priority,
        crowd=crowd,
        resume=resume,
        common=common,
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
    type=Share(),
    help="Drop an instance if better ones cover more than this share of its pixels.  [default: by "
    "the rules]",
)
@click.option(
    "--stuff-area",
    type=int,
    help="Drop stuff with fewer pixels left than this.  [default: by the rules]",
)
@RESUME
@common_options()
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
    resume: Path | None,
    common: Common,
) -> None:
    """Convert a data set, with or without stuff maps, to COCO's panoptic format.

    ANNOTATIONS is a file or folder of any format that segcore convert reads.

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
        stuff=stuff,
        preset=preset,
        changes={name: value for name, value in changes.items() if value is not None},
        priority=priority,
        thing_names=things,
        resume=resume,
        common=common,
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
@click.option("--prediction", type=PATH, help="A prediction to compare, of any of these formats.")
@PREDICTION_FORMAT
@IMAGES
@SCORE
@ONLY_PREDICTED
@TRUTH_FOLDER
@PREDICTION_FOLDER
@common_options()
def view(
    source: Path,
    target: Path,
    prediction: Path | None,
    prediction_format: str | None,
    images: Path | None,
    score: float | None,
    only_predicted: bool,
    gt_folder: Path | None,
    pred_folder: Path | None,
    common: Common,
) -> None:
    """Show masks in a browser: one HTML file without dependencies (above 50 MB, also a folder).

    SOURCE is a file or folder of any format that segcore convert reads, such as COCO, YOLO, or PNG
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
        prediction_format=prediction_format,
        images=images,
        folders=(gt_folder, pred_folder),
        score=score,
        only_predicted=only_predicted,
        common=common,
    )


@app.command()
@click.argument("truth", type=PATH)
@click.argument("prediction", type=PATH)
@finding_options
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
@PREDICTION_FORMAT
@TRUTH_FOLDER
@PREDICTION_FOLDER
@common_options()
def compare(
    truth: Path,
    prediction: Path,
    written: FindingOptions,
    score: float | None,
    only_predicted: bool,
    iou_threshold: float,
    thin_width: int | None,
    boundary_distance: int | None,
    rows: int,
    prediction_format: str | None,
    gt_folder: Path | None,
    pred_folder: Path | None,
    common: Common,
) -> None:
    """List what a prediction lost and added per object, and why; the worst objects come first.

    TRUTH and PREDICTION are files or folders of any format that segcore convert reads; PREDICTION
    may also hold COCO results for TRUTH. Categories are matched by their ids, or by their names if
    the ids differ.

    Missed pixels are of another class, merged with another object, in a missing component (such as
    one side of a partly hidden object), in a thin part, a hole or another lost part, or at the
    boundary. False-positive (FP) pixels are in a duplicate, at the boundary, in another object
    (bleeding), in a filled hole, or in no object.
    """
    from segcore.cli.compare import write_comparison

    if thin_width is not None and thin_width % 2 == 0:
        raise BadInput(f"--thin-width: expected an odd number, got {thin_width}")
    write_comparison(
        truth,
        prediction,
        prediction_format=prediction_format,
        folders=(gt_folder, pred_folder),
        written=written,
        options={
            "score_threshold": score,
            "iou_threshold": iou_threshold,
            "thin_width": thin_width,
            "boundary_distance": boundary_distance,
        },
        only_predicted=only_predicted,
        rows=rows,
        common=common,
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
@click.argument("source", type=PATH)
@click.option("-o", "--output", "target", type=FILE, required=True, help="The COCO file to write.")
@click.option(
    "--panoptic",
    type=PATH,
    help="The COCO panoptic file whose PNGs are in SOURCE; each segment becomes an annotation.",
)
@click.option("--things-only", is_flag=True, help="Leave out stuff.")
@click.option(
    "--components",
    "connectivity",
    type=click.Choice(["4", "8"]),
    help="Make one annotation per connected component instead of one per label. With 8, pixels "
    "are also connected at corners.",
)
@common_options()
def labels(
    source: Path,
    target: Path,
    panoptic: Path | None,
    things_only: bool,
    connectivity: str | None,
    common: Common,
) -> None:
    """Convert label maps, panoptic maps or any data set to one COCO instance file.

    Label maps are indexed, gray or binary PNGs of 1 to 16 bits, or RGB PNGs with a table of colors;
    each label in an image becomes one annotation. With a classes.json of segcore semantic, the
    categories are those of its input. Masks of 0 and 255 are objects. SOURCE may also be of any
    other format that segcore convert reads. Annotations get RLEs, areas and boxes.
    """
    from segcore.cli.labels import write_instances

    if panoptic:
        given = {
            "--components": connectivity,
            "--background": common.background,
            "--ignore": common.ignore,
            "--colors": common.colors,
            "--ids": common.ids,
        }
        for option, value in given.items():
            if value not in (None, ()):
                raise BadInput(f"{option}: only for label maps, not for --panoptic")
    write_instances(
        source,
        target,
        panoptic=panoptic,
        things_only=things_only,
        connectivity=None if connectivity is None else int(connectivity),
        common=common,
    )


@app.group()
def evaluate() -> None:
    """Evaluate label maps or instances against true ones."""


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
@click.option(
    "--trimap",
    type=click.IntRange(1),
    metavar="PIXELS",
    help="Count only pixels within this distance of another true label.",
)
@click.option(
    "--size",
    type=click.Choice(["small", "medium", "large"]),
    help="Count only pixels of true regions of this size, by COCO's ranges of areas.",
)
@PREDICTION_FORMAT
@finding_options
@common_options("ignore", "background", "colors", "ids")
def evaluate_semantic(
    truth: Path,
    prediction: Path,
    num_classes: int | None,
    ignore: int | None,
    trimap: int | None,
    size: str | None,
    prediction_format: str | None,
    written: FindingOptions,
    common: Common,
) -> None:
    """Compute IoU, accuracy and Dice of each class over two data sets.

    TRUTH and PREDICTION are folders of PNG label maps with the same names, or data sets of any
    other format, which are painted as by segcore semantic. The numbers are those of mmsegmentation,
    over all pixels of all images. The background is a class like any other; --ignore 0 leaves it
    out.
    """
    from segcore.cli.evaluate import evaluate_semantic

    evaluate_semantic(
        truth, prediction, num_classes, ignore, trimap, size, prediction_format, written, common
    )


@evaluate.command("panoptic")
@click.argument("truth", type=PATH)
@click.argument("prediction", type=PATH)
@click.option(
    "--iou",
    type=click.Choice(["mask", "boundary"]),
    default="mask",
    show_default=True,
    help="What segments are compared by; boundary is the smaller of mask IoU and Boundary IoU.",
)
@TRUTH_FOLDER
@PREDICTION_FOLDER
@PREDICTION_FORMAT
@finding_options
@common_options()
def evaluate_panoptic(
    truth: Path,
    prediction: Path,
    iou: str,
    gt_folder: Path | None,
    pred_folder: Path | None,
    prediction_format: str | None,
    written: FindingOptions,
    common: Common,
) -> None:
    """Compute the panoptic quality, overall and of each category.

    TRUTH and PREDICTION are COCO panoptic files, whose PNGs are in the folder of their names, or
    data sets of any other format, which are composed as by segcore panoptic. The numbers are those
    of panopticapi. Images that the truth lacks are left out.
    """
    from segcore.cli.evaluate import evaluate_panoptic

    folders = gt_folder, pred_folder
    evaluate_panoptic(truth, prediction, iou, folders, prediction_format, written, common)


@evaluate.command("instances")
@click.argument("truth", type=PATH)
@click.argument("prediction", type=PATH)
@click.option(
    "--iou",
    type=click.Choice(["mask", "box", "boundary"]),
    default="mask",
    show_default=True,
    help="What objects are compared by; boundary is the smaller of mask IoU and Boundary IoU.",
)
@click.option(
    "--protocol",
    type=click.Choice(["coco", "lvis"]),
    default="coco",
    show_default=True,
    help="The rules; lvis is for images in which not all classes are annotated.",
)
@finding_options
@SCORE_OF_FINDINGS
@PREDICTION_FORMAT
@common_options()
def evaluate_instances(
    truth: Path,
    prediction: Path,
    iou: str,
    protocol: str,
    written: FindingOptions,
    score: float | None,
    prediction_format: str | None,
    common: Common,
) -> None:
    """Compute COCO's average precision and recall, overall and of each class.

    TRUTH is a data set of any format, and PREDICTION has detections with scores, such as COCO
    results. The numbers are those of pycocotools or, for LVIS, of the LVIS API.

    The page of --html also has precision-recall curves, the confusions of classes, the types of
    errors as in TIDE, and the findings of segcore compare. For masks by COCO's rules, it tells what
    average precision mending each cause would give. With --iou box, findings are about the boxes.
    """
    from segcore.cli.evaluate import evaluate_instances

    if score is not None and not written:
        raise BadInput("--score: only for findings; pass --html, --csv or --export-worst, too")
    evaluate_instances(truth, prediction, iou, protocol, prediction_format, written, score, common)


@app.command()
def info() -> None:
    """Print the backend, the instruction set and the versions in use."""
    import segcore

    segcore.show_runtime()


@app.command()
@click.argument("source", metavar="IN", type=PATH)
@click.argument("target", metavar="OUT", type=PATH)
@click.option(
    "--to", "target_format", help="The format of OUT. By default, it is that of its name."
)
@common_options()
def convert(source: Path, target: Path, target_format: str | None, common: Common) -> None:
    """Convert a data set from one format to another, and list what is not kept.

    Formats are coco, coco-results, coco-panoptic, sa-1b, sa-v, parquet, yolo, labelme, maps,
    binary-masks, voc, cvat, label-studio, kaggle, geojson and cityscapes. OUT is a folder for yolo,
    labelme, maps, binary-masks, voc, cityscapes and sa-1b, and otherwise a file. Image files are
    not copied.

    A name that ends with .json, .parquet, .csv, .xml or .geojson stands for coco, parquet, kaggle,
    cvat or geojson. COCO files whose name ends with .json.gz are compressed.
    """
    from segcore.cli.convert import convert as run

    run(source, target, target_format, common)


@app.command()
@click.argument("path", metavar="DATASET", type=PATH)
@common_options()
def stats(path: Path, common: Common) -> None:
    """Count the classes, sizes and overlaps of a data set, and what looks like a mistake.

    Mistakes are annotations without a mask, invalid and empty masks, RLEs of another size than
    their image, polygons outside their image, and masks of an image that are equal or nearly equal
    (IoU of 0.95 or more). With --strict, they end in exit code 3, too.
    """
    from segcore.cli.stats import stats as run

    run(path, common)
