"""The commands and their options."""

from __future__ import annotations

from pathlib import Path

import click

from segcore._version import __version__

FOLDER = click.Path(path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="segcore")
def app() -> None:
    """Work with segmentation masks."""


@app.command()
@click.argument("annotations", type=click.Path(path_type=Path))
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
    "--skip-invalid",
    is_flag=True,
    help="Leave out images and annotations that are invalid, and list them at the end, instead of "
    "stopping at the first.",
)
def semantic(
    annotations: Path, folder: Path, priority: str, crowd: bool, skip_invalid: bool
) -> None:
    """Turn a COCO instance file into one PNG label map an image.

    A map is named after its image's file_name, with the ending .png, subfolders included. Its
    pixels are class indices: 0 is background, and the categories, by ascending id, are 1, 2, 3 and
    so on; classes.json, beside the maps, lists index, category id, name and colour. Up to 255
    categories make 8-bit indexed PNGs; more make 16-bit greyscale ones, because an indexed PNG has
    at most 256 colours.

    All files appear at the end, if nothing failed; files of other names stay as they are. Invalid
    input gives one line that names the item, and exit code 2.
    """
    from segcore.cli.semantic import write_semantic_maps

    write_semantic_maps(annotations, folder, priority, crowd, skip_invalid)


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
def demo(folder: Path) -> None:
    """Draw a furnished room, and what a coarse prediction of it loses.

    The room, a COCO file that comes with segcore, becomes a picture of its instances, a semantic
    map, and a picture and a table of what a prediction missed: a cushion, and the legs of things.
    """
    from segcore.cli.demo import run_demo

    run_demo(folder)


@app.command()
def info() -> None:
    """Print the backend, the instruction set, and the versions that are in use."""
    import segcore

    segcore.show_runtime()
