"""The table of a design's power: the seeds and test rows that each row needs."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from research.analysis import number_format
from research.analysis.arms_table import FOLD, ArmsTable, Column
from research.analysis.column_layout import ColumnLayout, words
from research.analysis.layout import Grid, Prose, grids, texts
from research.analysis.reach import fewest_seeds, shared_of_rows, standard_effects
from research.analysis.tabular import Tabular
from research.errors import UserError
from research.statistics.intervals import ALPHA
from research.statistics.sample_size import power, power_of_looks, rows_factor, seeds_needed
from research.words import plural


@dataclasses.dataclass(frozen=True)
class PowerRow:
    """What one row needs in one column.

    n: pairs of the pilot. difference: that is to be shown, in the metric's unit. effect: the same
    in standard deviations of the pairs; None where these do not vary. power: of the pilot's seeds.
    seeds: needed; None where no number is enough. rows: how many times as many test rows are needed
    with many seeds; 1 or less: none more. looks: (power, mean seeds) of a sequential design.
    """

    label: str
    column: Column
    n: int
    difference: float
    effect: float | None
    power: float | None
    seeds: int | None
    rows: float
    looks: tuple[float, float] | None


@dataclasses.dataclass(frozen=True)
class PowerTable(Tabular):
    """One row per arm and column. wanted: the power. looks: of the sequential design, if any."""

    title: str
    rows: tuple[PowerRow, ...]
    wanted: float
    comparisons: int
    looks: tuple[int, ...] = ()
    note: str = ""
    shown: tuple[str, ...] = ()

    def flat(self) -> list[dict[str, Any]]:
        """One flat record per arm and column, in full precision."""
        return [
            {
                "row": row.label,
                "column": row.column.label,
                "pilot": row.n,
                "difference": row.difference,
                "effect": row.effect,
                "power": row.power,
                "seeds": row.seeds,
                "rows_factor": row.rows,
                "power_of_looks": row.looks and row.looks[0],
                "mean_seeds_of_looks": row.looks and row.looks[1],
            }
            for row in self.rows
        ]

    def tree(self) -> dict[str, Any]:
        """The same, with what was asked."""
        return {"title": self.title, "power": self.wanted, "rows": self.flat()}


def power_table(
    table: ArmsTable, margin: float | None, wanted: float, looks: Sequence[int] = ()
) -> PowerTable:
    """The seeds that each row of a pilot needs.

    Args:
        table: the pilot, with a baseline and two or more seeds.
        margin: the difference to show, in the metric's unit; None: the column's margin, or else the
            difference that the pilot saw.
        wanted: the power.
        looks: the numbers of seeds of a sequential design.

    Raises:
        UserError: the table has no baseline, no row with two pairs, or folds of one seed as pairs.
    """
    if table.baseline is None:
        raise UserError(f"'{table.title}' has no baseline to compare with")
    if table.pair == FOLD:
        raise UserError(
            f"'{table.title}' has one seed, whose folds do not show how seeds vary; train two seeds"
            f" or more of each row first, as by launch.table --experiment={table.title} --seeds=5"
        )
    rows = [
        row
        for index in range(len(table.columns))
        for row in _of_column(table, index, margin, wanted, looks)
    ]
    if not rows:
        raise UserError(
            f"'{table.title}' has no pilot: train two seeds or more of each row first, as by"
            f" launch.table --experiment={table.title} --seeds=5"
        )
    return PowerTable(table.title, tuple(rows), wanted, table.m, tuple(looks))


def _of_column(
    table: ArmsTable, index: int, margin: float | None, wanted: float, looks: Sequence[int]
) -> list[PowerRow]:
    column = table.columns[index]
    new = table.claims[index] == "new"
    shared_of = shared_of_rows(table, index)
    alpha = ALPHA / max(table.tested_together, 1)
    size = column.margin if margin is None else margin
    fewest = 2 if new else fewest_seeds()
    pilot = [
        (row, difference)
        for row in table.rows
        if row.label != table.baseline
        and (difference := row.cells[index].difference) is not None
        and difference.n > 1
    ]
    if not pilot:
        return []
    effects = standard_effects(table, [row for row, _ in pilot], index, size)
    rows = []
    for (row, difference), known in zip(pilot, effects.tolist(), strict=True):
        # Pairs that do not vary have no effect, and those that do not differ need endless seeds.
        effect = None if math.isnan(known) else known
        shared = shared_of[row.label]
        n = difference.n
        needed = seeds_needed(effect, wanted, shared, alpha).item() if effect else math.inf
        now = power(effect, n, shared, alpha).item() if effect else None
        rows.append(
            PowerRow(
                row.label,
                column,
                n,
                abs(difference.mean) if size is None else size,
                effect,
                0.0 if n < fewest else now,
                max(int(needed), fewest) if math.isfinite(needed) else None,
                rows_factor(effect, shared, wanted, alpha) if effect else 0.0,
                power_of_looks(effect, looks, None if not new else shared, table.tested_together)
                if effect and looks
                else None,
            )
        )
    return rows


@texts.register
def _texts_of_power(table: PowerTable) -> Prose:
    corrected = plural(table.comparisons, "comparison")
    caption = (
        f"Power of {table.title}: the seeds that each row needs to show the difference with"
        f" {100 * table.wanted:g} % probability, corrected for {corrected} (Bonferroni)."
        f" {table.note}"
    )
    footer = [
        "Standard deviations are those of the pilot's paired differences; few seeds estimate them"
        " roughly.",
        (
            "'more rows' says how many times as many test rows are needed, however many seeds"
            " there are."
            if any(row.rows > 1 for row in table.rows)
            else ""
        ),
        (
            f"The sequential design looks at {', '.join(map(str, table.looks))} seeds; look k"
            " spends 0.05 / (k (k + 1)) of the error. A row that is decided gets no more seeds."
            if table.looks
            else ""
        ),
    ]
    return Prose(table.title, caption.rstrip(), tuple(each for each in footer if each))


@grids.register
def _grids_of_power(table: PowerTable) -> list[Grid]:
    columns = [
        ColumnLayout("arm", "l", lambda row: row.label, lambda row: row.label),
        words("column", lambda row: row.column.label),
        ColumnLayout("pilot", "r", lambda row: str(row.n), lambda row: row.n),
        ColumnLayout("difference", "r", _difference, lambda row: row.difference),
        ColumnLayout("in sd", "r", lambda row: _number(row.effect), lambda row: row.effect),
        ColumnLayout("power now", "r", lambda row: _percent(row.power), lambda row: row.power),
        ColumnLayout("seeds needed", "r", _seeds, lambda row: row.seeds),
    ]
    if table.looks:
        columns += [
            ColumnLayout(
                "power of looks",
                "r",
                lambda row: _percent(row.looks and row.looks[0]),
                lambda row: row.looks and row.looks[0],
            ),
            ColumnLayout(
                "mean seeds",
                "r",
                lambda row: _number(row.looks and row.looks[1]),
                lambda row: row.looks and row.looks[1],
            ),
        ]
    return [Grid("", columns)]


def _difference(row: PowerRow) -> str:
    factor, unit = (100, " points") if row.column.in_percent else (1, "")
    return f"{factor * row.difference:.3g}{unit}"


def _seeds(row: PowerRow) -> str:
    if row.effect is None:
        return number_format.NOTHING
    if row.seeds is None:
        return f"more rows (× {math.ceil(10 * row.rows) / 10:g})" if row.rows > 1 else "> 10,000"
    return f"{row.seeds:,}"


def _number(value: float | None) -> str:
    return number_format.NOTHING if value is None else f"{value:.2g}"


def _percent(value: float | None) -> str:
    return number_format.NOTHING if value is None else f"{100 * value:.0f} %"
