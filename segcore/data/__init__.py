"""Data sets of millions of annotations, held in columns: read, select and write them.

``sc.data.read("instances.json")`` returns a :class:`Dataset`, and ``ds[i].masks`` the masks of
image i.
"""

from segcore.data import _sharing  # noqa: F401  # registers how processes share data sets

# isort: split
from segcore.data._dataset import Dataset, Sample
from segcore.data._errors import DatasetError
from segcore.data._formats import from_arrow, from_coco, read, to_coco, write
from segcore.data._report import Dropped, WriteReport
from segcore.data._segmentations import Segmentations
from segcore.data._statistics import Statistics, statistics
from segcore.data._table import Table
from segcore.data._texts import Texts

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
    "from_arrow",
    "from_coco",
    "read",
    "statistics",
    "to_coco",
    "write",
]
