"""Tested rows: the sentence of a caption on how many rows test, and who draws them."""

from collections.abc import Sequence

from research.analysis.arms_table import ArmsTable
from research.analysis.variation import WINDOW_TASKS
from research.sweeps.records.record import Record


def tested_on(table: ArmsTable) -> str:
    """`57 rows`, or `57 windows`: what every run is tested on; "" where it differs or is not
    known."""
    records = list(table.records())
    counts = {record.provenance.get("test_rows") for record in records}
    known = counts.pop() if len(counts) == 1 else None
    windows = {record.config.get("task") for record in records} <= {*WINDOW_TASKS}
    return "" if known is None else f"{int(known):,} {'windows' if windows else 'rows'}"


def tested_rows(table: ArmsTable) -> str:
    """What the runs of a table are tested on; "" where their records do not say."""
    records = [record for record in table.records() if record.provenance.get("test_rows")]
    if not records:
        return ""
    counts = sorted({int(record.provenance["test_rows"]) for record in records})
    number = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    if all(record.provenance.get("own_test_rows") for record in records):
        return f"Tested on the data set's own {number} test rows."
    if {record.config.get("task") for record in records} <= {*WINDOW_TASKS}:
        return f"Tested on {number} windows."
    each = "Each fold tests on" if _folds(records) else "Tested on"
    if _split_seeds(records) == [record.config.get("seed") for record in records]:
        return f"{each} {number} rows; each seed draws its own split."
    same = {*_split_seeds(records)}
    if len(same) == 1:
        return f"{each} {number} rows; all seeds share one split (split seed {same.pop()})."
    return f"{each} {number} rows."


def _folds(records: Sequence[Record]) -> bool:
    return all(record.config.get("fold", "none") != "none" for record in records)


def _split_seeds(records: Sequence[Record]) -> list[str | None]:
    return [record.config.get("split_seed") for record in records]
