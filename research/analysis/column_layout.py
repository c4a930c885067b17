"""The columns of a grid: each has a header, a text per row, and the value behind it."""

import dataclasses
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from research.analysis import number_format
from research.analysis.arms_table import ArmsTable, Cell, Column, Outcome, Row
from research.analysis.number_format import NOTHING, Scale, scale_of
from research.analysis.tested_rows import tested_on
from research.metric_names import target_of
from research.statistics.comparisons import Claim
from research.sweeps.column import Better

INCOMPLETE: tuple[Outcome, ...] = ("diverged", "undefined", "failed", "missing")

Value = float | str | None
# What the verdicts of a claim are called.
VERDICTS: Mapping[Claim, str] = {
    "rows": "verdict on these rows only",
    "new": "verdict on new data",
}


@dataclasses.dataclass(frozen=True)
class ColumnLayout:
    """One column of a grid. text, value, bold: functions of a row (a Row, or a run's Record).

    align: `l` or `r`. value: what rows are sorted and chosen by. names: what the place is called
        beside its header.
    better: of a metric, which values come first. percent: whether the text is 100 times the value.
        decimal: whether the texts are numbers that stand with their decimal points in line.
        label: whether it is part of what tells the rows apart.
    """

    header: str
    align: str
    text: Callable[[Any], str]
    value: Callable[[Any], Value]
    bold: Callable[[Any], bool] = lambda row: False
    names: tuple[str, ...] = ()
    better: Better | None = None
    percent: bool = False
    decimal: bool = False
    label: bool = False

    def called(self) -> tuple[str, ...]:
        """Every name of the place, its header first."""
        return (self.header, *self.names)


def settings(
    keys: Sequence[str], rows: Sequence[Any], value: Callable[[str, Any], str]
) -> list[ColumnLayout]:
    """A column per setting.

    Args:
        keys: the settings.
        rows: the rows of the table.
        value: the text that a row has for a key, "" where it has none.
    """
    return [_setting(key, rows, functools.partial(value, key)) for key in keys]


def _setting(key: str, rows: Sequence[Any], text: Callable[[Any], str]) -> ColumnLayout:
    def value(row: Any) -> Value:
        # Numbers sort by size, so a setting is a number wherever its text is one.
        number = number_format.as_number(text(row))
        return (text(row) or None) if number is None else number

    texts = [text(row) for row in rows]
    return ColumnLayout(key, alignment(texts), lambda row: text(row) or NOTHING, value)


def measured(
    column: Column, value: Callable[[Any], float | None], names: Sequence[str] = ()
) -> ColumnLayout:
    """A column of a metric of single runs.

    Args:
        column: the metric.
        value: the number of a row, None where it has none.
        names: what the column is called besides its label and metric.
    """

    def text(row: Any) -> str:
        number = value(row)
        if number is None:
            return NOTHING
        if not math.isfinite(number):
            # `nan` and `inf` have no decimals to align.
            return f"{number:g}".replace("-", "−")
        return Scale(100.0, 2).number(number) if column.in_percent else f"{number:.4g}"

    return ColumnLayout(
        header(column),
        "r",
        text,
        value,
        names=tuple(dict.fromkeys((column.label, column.metric, *names))),
        better=column.better,
        percent=column.in_percent,
    )


def header(column: Column, rows: str = "") -> str:
    """`test accuracy (%, 57 rows)`: the label, its unit, and how many rows it is measured on."""
    notes = ["%"] if column.in_percent else []
    notes += [rows] if rows else []
    return column.label + (f" ({', '.join(notes)})" if notes else "")


def words(header: str, text: Callable[[Any], str], names: Sequence[str] = ()) -> ColumnLayout:
    """A column of words, by which rows are also sorted.

    Args:
        header: the column's header.
        text: the words of a row, "" where it has none.
        names: what the column is called besides its header.
    """
    return ColumnLayout(header, "l", lambda row: text(row) or NOTHING, text, names=tuple(names))


def alignment(values: Sequence[str]) -> str:
    """Numbers stand right, words left."""
    return (
        "r" if all(number_format.as_number(value) is not None for value in values if value) else "l"
    )


def names_of(table: ArmsTable) -> list[ColumnLayout]:
    """The label of a row, or in a sweep one place per axis."""
    axes = list(table.rows[0].arm.settings) if table.rows else []
    if axes:
        layouts = settings(axes, table.rows, lambda key, row: row.arm.settings[key])
        return [dataclasses.replace(layout, label=True) for layout in layouts]

    def label(row: Row) -> str:
        return row.label + (" (baseline)" if row.label == table.baseline else "")

    return [
        ColumnLayout(
            table.label_header, "l", label, lambda row: row.label, names=("arm",), label=True
        )
    ]


def counts(index: int) -> list[ColumnLayout]:
    """How many runs of a row finished, and how many did not, in the column at that index."""

    def finished(row: Row) -> str:
        cell = row.cells[index]
        n = cell.count("finished")
        total = cell.asked
        return str(n) if n == total else f"{n}/{total}"

    counted = [
        ColumnLayout("n", "r", finished, lambda row: float(row.cells[index].count("finished")))
    ]
    return counted + [_count(index, outcome) for outcome in INCOMPLETE]


def _count(index: int, outcome: Outcome) -> ColumnLayout:
    def count(row: Row) -> int:
        return row.cells[index].count(outcome)

    return ColumnLayout(
        outcome, "r", lambda row: str(count(row) or NOTHING), lambda row: float(count(row))
    )


def mean(table: ArmsTable, column: Column, index: int) -> ColumnLayout:
    """The mean of a row in a column, with its half-width.

    Args:
        table: the table.
        column: the metric.
        index: its position among the table's columns.
    """

    def value(row: Row) -> Value:
        interval = row.cells[index].interval
        return None if interval is None else interval.mean

    rows = tested_on(table) if column.metric.startswith("test/") else ""
    return ColumnLayout(
        header(column, rows),
        "r",
        lambda row: mean_text(row.cells[index], column),
        value,
        bold=lambda row: row.cells[index].bold,
        names=tuple(dict.fromkeys((column.label, column.metric))),
        better=column.better,
        percent=column.in_percent,
        decimal=True,
    )


def mean_text(cell: Cell, column: Column) -> str:
    """`97.25 ± 0.31`, `96.90 ± 0.40 (9/10)` or `diverged (0/10)`."""
    n = cell.count("finished")
    total = cell.asked
    if cell.interval is None:
        return f"{' and '.join(o for o in INCOMPLETE if o in cell.outcomes)} (0/{total})"
    return scale_of(column, cell.interval).interval(cell.interval) + (
        "" if n == total else f" ({n}/{total})"
    )


def test(table: ArmsTable, column: Column, index: int) -> list[ColumnLayout]:
    """The columns of a metric's test: difference to the baseline, corrected p and verdict.

    Args:
        table: the table.
        column: the metric.
        index: its position among the table's columns.
    """

    def difference(row: Row) -> str:
        interval = row.cells[index].difference
        return (
            NOTHING if interval is None else scale_of(column, interval).interval(interval, sign="+")
        )

    def value(row: Row) -> Value:
        interval = row.cells[index].difference
        return None if interval is None else interval.mean

    heading = "verdict" if table.nulls[index].untested else VERDICTS[table.claims[index]]

    def verdict(row: Row) -> str:
        return "" if row.label == table.baseline else row.cells[index].verdict

    return [
        ColumnLayout(
            f"Δ to {table.baseline}",
            "r",
            difference,
            value,
            names=("difference",),
            better=column.better,
            percent=column.in_percent,
            decimal=True,
        ),
        *_over_seeds(table, column, index),
        adjusted_p(index),
        ColumnLayout(
            # Of values from elsewhere only the pairs are known.
            f"verdict on other {table.pair}s" if table.elsewhere else heading,
            "l",
            verdict,
            lambda row: verdict(row) or None,
            names=("verdict",),
        ),
    ]


def _over_seeds(table: ArmsTable, column: Column, index: int) -> list[ColumnLayout]:
    """The difference with its interval over seeds, where the test is over rows."""
    if table.nulls[index].over_seeds:
        return []

    def text(row: Row) -> str:
        interval = row.cells[index].over_seeds
        return (
            NOTHING if interval is None else scale_of(column, interval).interval(interval, sign="+")
        )

    return [
        ColumnLayout(
            "Δ over seeds",
            "r",
            text,
            lambda row: (interval := row.cells[index].over_seeds) and interval.mean,
            percent=column.in_percent,
            decimal=True,
        )
    ]


def target(column: Column, index: int) -> list[ColumnLayout]:
    """Of what runs took to reach a target: how many reached it, and the log-rank test.

    Args:
        column: the metric; nothing is shown of one without a target.
        index: its position among the table's columns.
    """
    if target_of(column.metric) is None:
        return []

    def count(row: Row) -> str:
        reached = row.cells[index].reached
        return NOTHING if reached is None else f"{reached.count}/{reached.seeds}"

    def p(row: Row) -> float | None:
        reached = row.cells[index].reached
        return None if reached is None else reached.log_rank_p

    return [
        ColumnLayout(
            "reached",
            "r",
            count,
            lambda row: (reached := row.cells[index].reached) and reached.count,
        ),
        ColumnLayout("log-rank p", "r", lambda row: number_format.p_value(p(row)), p),
    ]


def adjusted_p(index: int) -> ColumnLayout:
    """The corrected p of the cell at that index."""
    return ColumnLayout(
        "p",
        "r",
        lambda row: number_format.p_value(row.cells[index].p_adjusted),
        lambda row: row.cells[index].p_adjusted,
    )


def published(column: Column, index: int) -> list[ColumnLayout]:
    """The value that a paper printed, and ours compared with it."""

    def printed(row: Row) -> str:
        return _published(row.cells[index], column)

    def compared(row: Row) -> str:
        return _comparison(row.cells[index], column)

    return [
        ColumnLayout(
            "published",
            "r",
            printed,
            lambda row: (c := row.cells[index].published) and c.published.value,
        ),
        ColumnLayout(
            "ours to published",
            "l",
            compared,
            lambda row: (c := row.cells[index].published) and c.verdict,
        ),
    ]


def _published(cell: Cell, column: Column) -> str:
    if cell.published is None:
        return NOTHING
    scale = scale_of(column, cell.interval)
    paper = cell.published.published
    text = scale.printed(paper.value) + (
        "" if paper.spread is None else f" ± {scale.printed(paper.spread)}"
    )
    return text if paper.n is None else f"{text} (n={paper.n})"


def _comparison(cell: Cell, column: Column) -> str:
    """`intervals overlap (+0.10)`, `better (+0.31)`, `worse (−0.40), intervals apart`."""
    comparison = cell.published
    if comparison is None:
        return ""
    if comparison.gap is None:
        return "nothing to compare"
    words = "intervals overlap" if comparison.verdict == "overlap" else comparison.verdict
    apart = (
        ", intervals apart"
        if comparison.published.spread is not None and comparison.verdict != "overlap"
        else ""
    )
    return f"{words} ({scale_of(column, cell.interval).number(comparison.gap, '+')}){apart}"


def totals() -> list[ColumnLayout]:
    """What is of a row as a whole: its parameters, and the seconds of a run."""
    return [
        ColumnLayout(
            "parameters",
            "r",
            lambda row: number_format.count(row.parameters),
            lambda row: row.parameters,
        ),
        ColumnLayout(
            "s/run",
            "r",
            lambda row: number_format.seconds(row.seconds),
            lambda row: row.seconds,
            names=("seconds",),
        ),
    ]
