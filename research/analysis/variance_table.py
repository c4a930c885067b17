"""The table of the sources of variance: how much of a metric's variation each of them makes."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from research.analysis import number_format
from research.analysis.column_layout import ColumnLayout, words
from research.analysis.layout import Grid, Prose, grids, texts
from research.analysis.tabular import Tabular
from research.metric_names import target_of
from research.statistics.variance_parts import VariancePart
from research.sweeps.column import Column
from research.sweeps.declare.variance_draws import MEANINGS, ROWS, TOGETHER, VarianceDraws
from research.words import plural

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class VarianceRow:
    """One source in one column. part: None where fewer than two draws have a value. share: of the
    variance of all sources together; None where there is none. lost: draws without a value."""

    source: str
    column: Column
    part: VariancePart | None
    share: float | None
    lost: int


@dataclasses.dataclass(frozen=True)
class VarianceTable(Tabular):
    """One row per source and column. arm: whose runs. shared: whether a redrawn split redraws the
    evaluated rows too."""

    title: str
    arm: str
    draws: VarianceDraws
    rows: tuple[VarianceRow, ...]
    shared: bool
    note: str = ""
    shown: tuple[str, ...] = ()

    def flat(self) -> list[dict[str, Any]]:
        """One flat record per source and column, in full precision."""
        return [
            {
                "source": row.source,
                "column": row.column.label,
                "metric": row.column.metric,
                "n": row.part.n if row.part else 0,
                "variance": row.part and row.part.variance,
                "variance_low": _end(row, 0),
                "variance_high": _end(row, 1),
                "degrees_of_freedom": row.part and row.part.degrees,
                "share_of_together": row.share,
                "without_value": row.lost,
            }
            for row in self.rows
        ]

    def tree(self) -> dict[str, Any]:
        """The same, with what was redrawn."""
        asked = {"arm": self.arm, "draws": self.draws.draws, "bases": self.draws.bases}
        return {"title": self.title, **asked, "rows": self.flat()}


@texts.register
def _texts_of_variance(table: VarianceTable) -> Prose:
    draws = table.draws
    caption = (
        f"Sources of variance of '{table.arm}' in {table.title}: the standard deviation of each"
        f" metric when one source is redrawn {draws.draws} times and the others stay fixed, pooled"
        f" over {plural(draws.bases, 'seed')} at which they are fixed, with its 95 % interval"
        f" (chi-squared, of normal values). {table.note}"
    )
    percent = any(row.column.in_percent for row in table.rows)
    lost = sum(row.lost for row in table.rows)
    footer = [
        f"'{TOGETHER}' redraws {' and '.join(draws.seeded)} at once; a share is a variance divided"
        " by that of 'together'. Shares do not add up to 100 % where sources interact."
        if len(draws.seeded) > 1
        else "",
        "A redrawn split redraws the evaluated rows too, so 'split' has a part of 'rows' in it."
        if table.shared
        else "",
        "'rows' resamples the evaluated rows of trained runs with replacement (bootstrap). It"
        " has no interval: more draws do not say how other rows would vary."
        if ROWS in draws.sources
        else "",
        "A run that did not reach its target counts with the effort that every run had."
        if any(target_of(row.column.metric) for row in table.rows)
        else "",
        "Standard deviations are in percentage points." if percent else "",
        f"{plural(lost, 'draw')} had no value and {'is' if lost == 1 else 'are'} left out."
        if lost
        else "",
    ]
    return Prose(table.title, caption.rstrip(), tuple(filter(None, footer)))


@grids.register
def _grids_of_variance(table: VarianceTable) -> list[Grid]:
    return [
        Grid(
            "",
            [
                ColumnLayout("source", "l", lambda row: row.source, lambda row: row.source),
                words("redrawn", lambda row: MEANINGS.get(row.source, "all of them")),
                words("column", lambda row: row.column.label),
                ColumnLayout("n", "r", lambda row: str(_n(row)), _n),
                ColumnLayout("sd", "r", _deviation, lambda row: row.part and row.part.variance),
                ColumnLayout("95 % interval", "r", _interval, lambda row: _end(row, 0)),
                ColumnLayout("share", "r", _share, lambda row: row.share),
            ],
        )
    ]


def _n(row: VarianceRow) -> int:
    return row.part.n if row.part else 0


def deviation(column: Column, variance: float) -> float:
    """A standard deviation as it is shown: in percentage points where the column is in percent."""
    return math.sqrt(variance) * (100 if column.in_percent else 1)


def _deviation(row: VarianceRow) -> str:
    if row.part is None:
        return number_format.NOTHING
    return f"{deviation(row.column, row.part.variance):.2g}"


def _end(row: VarianceRow, end: int) -> float | None:
    return row.part.interval[end] if row.part and row.part.interval else None


def _interval(row: VarianceRow) -> str:
    if row.part is None or row.part.interval is None:
        return number_format.NOTHING
    low, high = (deviation(row.column, end) for end in row.part.interval)
    return f"{low:.2g} to {high:.2g}"


def _share(row: VarianceRow) -> str:
    return number_format.NOTHING if row.share is None else f"{100 * row.share:.0f} %"


def figure(table: VarianceTable, column: Column) -> "Figure":
    """A bar per source: its standard deviation, with the interval.

    Args:
        table: the table.
        column: which of its columns.
    """
    from research.analysis.canvas import Canvas

    rows = [row for row in table.rows if row.column == column and row.part is not None]
    parts = [row.part for row in rows if row.part is not None]
    canvas = Canvas(6.0, 1.3 + 0.4 * len(rows))
    canvas.heading(f"{table.title}, {table.arm}: what makes {column.label} vary")
    axis = canvas.add_subplot()
    sizes = [deviation(column, part.variance) for part in parts]
    # A part without an interval has a bar without whiskers.
    ends = [part.interval or (part.variance, part.variance) for part in parts]
    lows = [deviation(column, low) for low, _ in ends]
    highs = [deviation(column, high) for _, high in ends]
    errors = [
        [size - low for size, low in zip(sizes, lows, strict=True)],
        [high - size for size, high in zip(sizes, highs, strict=True)],
    ]
    colours = ["#555555" if row.source == TOGETHER else "#0072B2" for row in rows]
    axis.barh(range(len(rows)), sizes, xerr=errors, color=colours, capsize=3, height=0.6)
    axis.set_yticks(range(len(rows)), [row.source for row in rows], fontsize=9)
    axis.invert_yaxis()
    unit = " (percentage points)" if column.in_percent else ""
    axis.set_xlabel(f"standard deviation of {column.label}{unit}", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    return canvas
