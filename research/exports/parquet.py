"""Parquet: runs.parquet, a row per run, and values.parquet, a row per number."""

from collections.abc import Sequence
from pathlib import Path

from research.exports.columns import long_columns, wide_columns
from research.sweeps.records.record import Record


def export(records: Sequence[Record], directory: Path, artifacts: Path | None = None) -> str:
    """Writes both tables into the directory; artifacts lie beside them as they are.

    Args:
        records: the records.
        directory: is made if it does not exist.
        artifacts: a folder of tables and figures; None: there are none.
    """
    # Here, since pyarrow is slow to import and no other format needs it.
    import pyarrow
    from pyarrow import parquet

    directory.mkdir(parents=True, exist_ok=True)
    for name, columns in (("runs", wide_columns(records)), ("values", long_columns(records))):
        parquet.write_table(pyarrow.table(columns), directory / f"{name}.parquet")
    return f"wrote {directory / 'runs.parquet'} and {directory / 'values.parquet'}"
