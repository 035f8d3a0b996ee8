"""Data sets of millions of annotations, held in columns: read, select and write them.

``sc.data.read("instances.json")`` returns a :class:`Dataset`, and ``ds[i].masks`` the masks of
image i.
"""

from segcore.data import sharing  # noqa: F401  # registers how processes share data sets

# isort: split
from segcore.data.columns.segmentations import Segmentations
from segcore.data.columns.table import Table
from segcore.data.columns.texts import Texts
from segcore.data.dataset import Dataset, Sample
from segcore.data.errors import DatasetError
from segcore.data.io import from_arrow, from_coco, read, to_coco, write
from segcore.data.jobs import evaluate
from segcore.data.mapping import map
from segcore.data.pixel_evaluation import evaluate_panoptic, evaluate_semantic
from segcore.data.report import Dropped, WriteReport
from segcore.data.stats import Statistics, statistics

__all__ = [
    "Dataset",
    "DatasetError",
    "Dropped",
    "Sample",
    "Segmentations",
    "Statistics",
    "Table",
    "Texts",
    "WriteReport",
    "evaluate",
    "evaluate_panoptic",
    "evaluate_semantic",
    "from_arrow",
    "from_coco",
    "map",
    "read",
    "statistics",
    "to_coco",
    "write",
]
