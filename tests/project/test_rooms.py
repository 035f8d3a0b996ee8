"""Packages use each other from top to bottom, and keep their private names to themselves."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2] / "segcore"
MODULES = {
    ".".join(("segcore", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(
        ".__init__"
    ): path
    for path in ROOT.rglob("*.py")
}
LAYERS = (
    ("cli",),
    ("show",),
    ("data",),
    ("diagnosis", "metrics", "integrations.torchmetrics"),
    ("compat", "integrations", "formats", "maps", "models", "ops"),
    ("masks", "polygons"),
    (
        "formats.coco",
        "formats._coco",
        "formats._coco_python",
        "formats.geojson",
        "ops.geometry",
        "ops.tiles",
    ),
    ("backends",),
)
"""From top to bottom, as in docs/architecture.md."""
LEVELS = {f"segcore.{name}": index for index, names in enumerate(LAYERS) for name in names}
UPWARD = {("segcore.masks", "segcore.show.notebook")}
"""Imported when used: notebooks ask a `Masks` for its HTML."""


def level(module: str) -> int | None:
    """Return the layer of a module: that of its longest prefix in the table."""
    prefixes = [name for name in LEVELS if f"{module}.".startswith(f"{name}.")]
    return LEVELS[max(prefixes, key=len)] if prefixes else None


def imports(path: Path, at_module_level: bool = False) -> Iterator[tuple[str, str]]:
    """Yield the module and the name of every import from segcore."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body if at_module_level else ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "segcore":
            for alias in node.names:
                yield str(node.module), alias.name


def test_private_names_stay_in_their_package():
    wrong = []
    for module, path in MODULES.items():
        for source, name in imports(path):
            parts = f"{source}.{name}".split(".")
            for index, part in enumerate(parts):
                if part.startswith("_") and not part.endswith("__"):
                    owner = ".".join(parts[:index])
                    if module != owner and not module.startswith(f"{owner}."):
                        wrong.append(f"{module}: {source}.{name}")
    assert not wrong


def test_no_module_imports_itself_through_others():
    graph = {}
    for module, path in MODULES.items():
        found = {
            target if (target := f"{source}.{name}") in MODULES else source
            for source, name in imports(path, at_module_level=True)
        }
        graph[module] = found - {module}
    TopologicalSorter(graph).prepare()  # raises CycleError, which lists the modules


def test_packages_import_only_those_below_them():
    wrong = []
    for module, path in MODULES.items():
        for source, name in imports(path):
            above, below = level(module), level(f"{source}.{name}")
            is_upward = above is not None and below is not None and below < above
            if is_upward and (module, source) not in UPWARD:
                wrong.append(f"{module} imports {source}.{name}")
    assert not wrong
