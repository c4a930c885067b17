"""CSV: runs.csv, a row per run, and values.csv, a row per number, in full precision."""

import csv
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
    directory.mkdir(parents=True, exist_ok=True)
    for name, columns in (("runs", wide_columns(records)), ("values", long_columns(records))):
        # newline="": the csv module writes line ends itself; Python must not translate them.
        with (directory / f"{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))
    return f"wrote {directory / 'runs.csv'} and {directory / 'values.csv'}"
