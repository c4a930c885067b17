"""The table of importances: a line per row and feature."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from research.analysis.column_layout import ColumnLayout
from research.analysis.importance.importances import Importances
from research.analysis.layout import Grid, Prose, grids, texts
from research.analysis.number_format import scale_of
from research.analysis.tabular import Tabular
from research.statistics.intervals import Interval
from research.sweeps.column import Column


@dataclasses.dataclass(frozen=True)
class ImportanceRow:
    """One feature of one row of runs. values: the mean over repeats of each seed."""

    label: str
    feature: str
    importance: Interval
    values: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class ImportanceTable(Tabular):
    """One row per feature. quantity: what the numbers are, as the header has it. column: how they
    are printed. remark: what the interval is about."""

    title: str
    rows: tuple[ImportanceRow, ...]
    quantity: str
    column: Column
    remark: str
    note: str = ""
    shown: tuple[str, ...] = ()

    def flat(self) -> list[dict[str, Any]]:
        """One flat record per row and feature, in full precision."""
        return [
            {
                "row": row.label,
                "feature": row.feature,
                "importance": row.importance.mean,
                "half_width": row.importance.half_width,
                "n": row.importance.n,
            }
            for row in self.rows
        ]

    def tree(self) -> dict[str, Any]:
        """The same, with the value of each seed."""
        rows = [
            {**flat, "seeds": list(row.values)}
            for flat, row in zip(self.flat(), self.rows, strict=True)
        ]
        return {"title": self.title, "quantity": self.quantity, "rows": rows}


def importance_table(
    title: str, of_rows: Sequence[Importances], quantity: str, column: Column, remark: str
) -> ImportanceTable:
    """The table of importances, the features of each row sorted by their mean.

    Args:
        title: the table's title.
        of_rows: the importances of each row of runs.
        quantity: what the numbers are.
        column: how they are printed: a metric, whose differences they are.
        remark: what the intervals are about, as a sentence.
    """
    rows = []
    for each in of_rows:
        intervals = each.intervals()
        means = each.values.mean(axis=2)
        for place in each.order():
            values = tuple(means[:, place].tolist())
            rows.append(ImportanceRow(each.label, each.features[place], intervals[place], values))
    return ImportanceTable(title, tuple(rows), quantity, column, remark)


@texts.register
def _texts_of_importances(table: ImportanceTable) -> Prose:
    caption = f"{table.title}. {table.remark} {table.note}".rstrip()
    return Prose(table.title, caption, ())


@grids.register
def _grids_of_importances(table: ImportanceTable) -> list[Grid]:
    labels = dict.fromkeys(row.label for row in table.rows)
    columns = [
        ColumnLayout("feature", "l", lambda row: row.feature, lambda row: row.feature, label=True),
        ColumnLayout(
            table.quantity,
            "r",
            lambda row: scale_of(table.column, row.importance).interval(row.importance),
            lambda row: row.importance.mean,
            names=("importance",),
            better="higher",
            decimal=True,
        ),
    ]
    if len(labels) > 1:
        columns.insert(
            0, ColumnLayout("arm", "l", lambda row: row.label, lambda row: row.label, label=True)
        )
    return [Grid("", columns)]
