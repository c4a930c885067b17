"""A table over several data sets: a row per arm, a column per data set, and what they say
together."""

import dataclasses
from collections.abc import Callable
from typing import Any

from research.analysis.arms_table import ArmsTable, Cell, Column
from research.analysis.column_layout import INCOMPLETE, ColumnLayout, Value, header, mean_text
from research.analysis.layout import Grid, Prose, grids, texts
from research.analysis.number_format import NOTHING, Scale
from research.analysis.over_datasets import Spanned, Together
from research.analysis.tabular import Tabular
from research.statistics.comparisons import Floats
from research.statistics.datasets import Ranking

# By column, what the sentences of the footer that explain it contain.
EXPLAINED = {
    "average rank": ("Average rank:",),
    "IQM": ("IQM:", "No IQM of"),
    "P(better)": ("P(better):",),
    "worse / equivalent / better": ("Worse / equivalent / better:", "count as equivalent"),
}


@dataclasses.dataclass(frozen=True)
class DatasetsRow:
    """An arm. cells: by column, then by data set. together: by column."""

    label: str
    cells: tuple[tuple[Cell, ...], ...]
    together: tuple[Together, ...]


@dataclasses.dataclass(frozen=True)
class DatasetsTable(Tabular):
    """A finished table over data sets; nothing in it is rounded.

    tables: of each data set. rankings: by column; None where no two arms have all their runs.
    values: by column, those of every run [arms, seeds, datasets], or the means of the only seed's
    folds [arms, 1, datasets]; NaN where there is none.
    """

    title: str
    summary: str
    columns: tuple[Column, ...]
    datasets: tuple[str, ...]
    baseline: str | None
    tables: tuple[ArmsTable, ...]
    rows: tuple[DatasetsRow, ...]
    rankings: tuple[Ranking | None, ...]
    values: tuple[Floats, ...]
    caption: str = ""
    footer: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    def flat(self) -> list[dict[str, Any]]:
        """One flat record per arm, metric and data set, in full precision."""
        return [
            {
                "row": row.label,
                "column": column.label,
                "metric": column.metric,
                "dataset": dataset,
                "n": cell.count("finished"),
                **{outcome: cell.count(outcome) for outcome in INCOMPLETE},
                "mean": cell.interval and cell.interval.mean,
                "half_width": cell.interval and cell.interval.half_width,
                "bold": cell.bold,
                **_flat(row.together[index]),
            }
            for row in self.rows
            for index, column in enumerate(self.columns)
            for dataset, cell in zip(self.datasets, row.cells[index], strict=True)
        ]

    def tree(self) -> dict[str, Any]:
        """What the data sets say together, and the table of each."""
        return {
            "title": self.title,
            "caption": self.caption,
            "footer": list(self.footer),
            "baseline": self.baseline,
            "datasets": list(self.datasets),
            "rankings": [
                None
                if ranking is None
                else {**dataclasses.asdict(ranking), "ranks": ranking.ranks.tolist()}
                for ranking in self.rankings
            ],
            "rows": [
                {
                    "label": row.label,
                    "together": [dataclasses.asdict(each) for each in row.together],
                }
                for row in self.rows
            ],
            "tables": [table.tree() for table in self.tables],
        }


def _flat(together: Together) -> dict[str, Any]:
    middle, improvement = together.middle, together.improvement
    worse, equivalent, better = together.posterior or (None, None, None)
    return {
        "average_rank": together.rank,
        "interquartile_mean": middle and middle.value,
        "interquartile_low": middle and middle.low,
        "interquartile_high": middle and middle.high,
        "improvement": improvement and improvement.value,
        "improvement_low": improvement and improvement.low,
        "improvement_high": improvement and improvement.high,
        "p_worse": worse,
        "p_equivalent": equivalent,
        "p_better": better,
        "verdict": together.verdict,
    }


@texts.register
def _texts_of_datasets(table: DatasetsTable) -> Prose:
    # Sentences on a column that is not shown would puzzle the reader.
    hidden = [
        phrase
        for name, phrases in EXPLAINED.items()
        if table.shown and name not in table.shown
        for phrase in phrases
    ]
    footer = tuple(
        sentence for sentence in table.footer if not any(phrase in sentence for phrase in hidden)
    )
    return Prose(table.title, table.caption, footer, table.summary)


@grids.register
def _grids_of_datasets(table: DatasetsTable) -> list[Grid]:
    return [
        Grid(
            header(column) if len(table.columns) > 1 else "",
            [
                _arm(table),
                *(
                    _mean(column, index, place, dataset)
                    for place, dataset in enumerate(table.datasets)
                ),
                *_together(table, column, index),
            ],
        )
        for index, column in enumerate(table.columns)
    ]


def _arm(table: DatasetsTable) -> ColumnLayout:
    return ColumnLayout(
        "arm",
        "l",
        lambda row: row.label + (" (baseline)" if row.label == table.baseline else ""),
        lambda row: row.label,
        label=True,
    )


def _mean(column: Column, index: int, place: int, dataset: str) -> ColumnLayout:
    """The means on one data set."""

    def text(row: DatasetsRow) -> str:
        return mean_text(row.cells[index][place], column)

    def value(row: DatasetsRow) -> Value:
        interval = row.cells[index][place].interval
        return None if interval is None else interval.mean

    return ColumnLayout(
        dataset,
        "r",
        text,
        value,
        bold=lambda row: row.cells[index][place].bold,
        names=(f"{column.label} on {dataset}",),
        better=column.better,
        percent=column.in_percent,
        decimal=True,
    )


def _together(table: DatasetsTable, column: Column, index: int) -> list[ColumnLayout]:
    factor = 100.0 if column.in_percent else 1.0
    scale = Scale(factor, 2 if column.in_percent else 3)

    def measured(
        name: str, text: Callable[[Together], str], value: Callable[[Together], Value]
    ) -> ColumnLayout:
        return ColumnLayout(
            name, "r", lambda row: text(row.together[index]), lambda row: value(row.together[index])
        )

    def posterior(together: Together) -> str:
        return " / ".join(f"{share:.2f}" for share in together.posterior or ()) or NOTHING

    return [
        measured(
            "average rank",
            lambda t: NOTHING if t.rank is None else f"{t.rank:.2f}",
            lambda t: t.rank,
        ),
        measured(
            "IQM",
            lambda t: _interval(t.middle, scale),
            lambda t: None if t.middle is None else t.middle.value,
        ),
        measured(
            "P(better)",
            lambda t: _interval(t.improvement, Scale(1.0, 2)),
            lambda t: None if t.improvement is None else t.improvement.value,
        ),
        measured(
            "worse / equivalent / better", posterior, lambda t: t.posterior and t.posterior[2]
        ),
        ColumnLayout(
            "verdict over data sets",
            "l",
            lambda row: row.together[index].verdict,
            lambda row: row.together[index].verdict or None,
            names=("verdict",),
        ),
    ]


def _interval(estimate: Spanned | None, scale: Scale) -> str:
    """`0.71 [0.60, 0.80]`, or `0.71` where there is no interval."""
    if estimate is None:
        return NOTHING
    value = scale.number(estimate.value)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{scale.number(estimate.low)}, {scale.number(estimate.high)}]"
