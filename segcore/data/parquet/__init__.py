"""Data sets as Arrow tables and Parquet files."""

from typing import Any

from segcore._input.extras import require


def parquet_files() -> Any:
    """Return the module that reads and writes Parquet files, which needs the extra ``arrow``."""
    return require("segcore.data.parquet.files", "pyarrow", "arrow", "Parquet and Arrow")
