"""What a table is made of: columns, arms, cells, rows. `table_builder.py` builds one from records,
`render.py` prints it."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from research.analysis.tabular import Tabular
from research.errors import UserError, nearest
from research.statistics.comparisons import Claim, Null
from research.statistics.families import Family
from research.statistics.intervals import Interval
from research.sweeps.column import Column, Published
from research.sweeps.records.record import Record

Outcome = Literal["finished", "diverged", "undefined", "failed", "missing", "unasked"]
# What leaves a row without a p: it may depend on the arm which runs are so.
FAILURES: tuple[Outcome, ...] = ("diverged", "undefined", "failed")
BETTER = "better"
WORSE = "worse"
UNDECIDED = "no difference shown"
# What pairs the values of rows: seeds, or the folds of the only seed.
SEED = "seed"
FOLD = "fold"


@dataclasses.dataclass(frozen=True)
class Arm:
    """The records of one row, by seed. settings: in a sweep, the row's value on every axis.

    runs: the records that a seed's estimate was made from; none for a seed whose record is a run's.
        says: what an estimate is, as `mean of 3 folds`; "" of a single run. wanted: how many runs a
        seed with an estimate was asked for.
    declared: in an experiment, the resolved config of every run by seed, those without a record
        included. asked: the seeds that its runs were asked on, where rows differ in them; None: the
        table's.
    """

    label: str
    records: Mapping[int, Record]
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    declared: Mapping[int, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    asked: frozenset[int] | None = None
    runs: Mapping[int, tuple[Record, ...]] = dataclasses.field(default_factory=dict)
    wanted: Mapping[int, int] = dataclasses.field(default_factory=dict)
    says: str = ""

    def behind(self, seed: int) -> tuple[Record, ...]:
        """The records of the runs that a seed had."""
        alone = (self.records[seed],) if seed in self.records else ()
        return self.runs.get(seed, alone)

    def missing(self, seeds: Sequence[int]) -> int:
        """How many runs without a record these seeds have, those that were asked for."""
        asked = [seed for seed in seeds if self.asked is None or seed in self.asked]
        return sum(max(self.wanted.get(seed, 1) - len(self.behind(seed)), 0) for seed in asked)

    def run_ids(self, seed: int) -> str | list[str] | None:
        """The id of a seed's run, or those of the runs behind its estimate."""
        ids = [record.run_id for record in self.behind(seed)]
        if seed in self.runs:
            return ids
        return ids[0] if ids else None

    def configs(self) -> list[Mapping[str, str]]:
        """The config of every run that is known of, by seed."""
        known = {seed: record.config for seed, record in self.records.items()} | dict(self.declared)
        return [known[seed] for seed in sorted(known)]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A published value against ours: gap = ours - published.

    verdict: `overlap` where the paper gives a spread and the intervals meet, `within our interval`
        where the paper gives none and our interval holds its value, else by ordering `better`,
        `worse` or `equal`; `none` where we have no mean.
    """

    published: Published
    gap: float | None
    verdict: Literal["overlap", "within our interval", "better", "worse", "equal", "none"]


@dataclasses.dataclass(frozen=True)
class Reached:
    """How many of a row's seeds reached a column's target.

    seeds: those with a value. log_rank_p: of the test against the baseline, by Holm's correction
        over the rows; None of the baseline, and where the table or the row has nothing to compare.
    """

    count: int
    seeds: int
    log_rank_p: float | None = None


@dataclasses.dataclass(frozen=True)
class Cell:
    """One arm in one column; `values` and `outcomes` follow the table's seeds (None where there is
    no value).

    interval: of the mean over the finished runs. difference: to the baseline, on the seeds that
        both finished.
    over_seeds: the difference with its 95 % interval over seeds, where the test is over rows.
    verdict: what the test says, in words. reached: in a column with a target only.
    """

    values: tuple[float | None, ...]
    outcomes: tuple[Outcome, ...]
    interval: Interval | None
    difference: Interval | None = None
    p: float | None = None
    p_adjusted: float | None = None
    verdict: str = ""
    bold: bool = False
    published: Comparison | None = None
    reached: Reached | None = None
    over_seeds: Interval | None = None

    def count(self, outcome: Outcome) -> int:
        """How many seeds had this outcome."""
        return self.outcomes.count(outcome)

    @property
    def asked(self) -> int:
        """How many seeds the row was asked on."""
        return len(self.outcomes) - self.count("unasked")

    @property
    def complete(self) -> bool:
        """Whether every seed has a value."""
        return self.count("finished") == len(self.outcomes)


@dataclasses.dataclass(frozen=True)
class Row:
    """An arm with its cells, in the order of the table's columns. seconds: the mean of a run."""

    arm: Arm
    cells: tuple[Cell, ...]
    parameters: int | None
    seconds: float | None

    @property
    def label(self) -> str:
        """The arm's label."""
        return self.arm.label


@dataclasses.dataclass(frozen=True)
class ArmsTable(Tabular):
    """A finished table; nothing in it is rounded. m: the comparisons of a column. family: the tests
    that p is corrected for.

    shown: the columns that a reader sees, by name; (): all of them. summary: what the table is
        about, for the caption in a paper. nulls: per column, what differences would look like if
        nothing differed, of all rows. label_header: over the rows' labels.
        pair: what pairs the values of different rows. elsewhere: whether
        the values were measured elsewhere, so that of their rows of data nothing is known.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    baseline: str | None
    m: int
    caption: str
    footer: tuple[str, ...]
    shown: tuple[str, ...] = ()
    summary: str = ""
    nulls: tuple[Null, ...] = ()
    label_header: str = "arm"
    pair: str = SEED
    elsewhere: bool = False
    family: Family = "column"

    @property
    def tested_together(self) -> int:
        """How many comparisons p is corrected for."""
        tested = sum(not null.untested for null in self.nulls)
        return self.m * (tested if self.family == "table" else 1)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Per column, whether its verdicts are about the same rows with other seeds, or about new
        rows."""
        return tuple(null.claim for null in self.nulls)

    def row(self, label: str) -> Row:
        """The row of that label. Raises UserError with the nearest labels."""
        for row in self.rows:
            if row.label == label:
                return row
        raise UserError(f"no row '{label}'; {nearest(label, [row.label for row in self.rows])}")

    def flat(self) -> list[dict[str, Any]]:
        """One flat record per row and column, in full precision."""
        return [
            {"row": row.label, **row.arm.settings, **_flat_cell(column, cell), **_row_totals(row)}
            for row in self.rows
            for column, cell in zip(self.columns, row.cells, strict=True)
        ]

    def tree(self) -> dict[str, Any]:
        """The table as nested data, in full precision; per-seed values and run ids included."""
        return {
            # Format 1 did not name its format and had p_holm for p_adjusted.
            "format": 2,
            "title": self.title,
            "caption": self.caption,
            "footer": list(self.footer),
            "baseline": self.baseline,
            "seeds": list(self.seeds),
            "m": self.m,
            "family": self.family,
            "claims": list(self.claims),
            "columns": [dataclasses.asdict(column) for column in self.columns],
            "rows": [
                {
                    "label": row.label,
                    "settings": dict(row.arm.settings),
                    **_row_totals(row),
                    "run_ids": [row.arm.run_ids(seed) for seed in self.seeds],
                    "cells": [dataclasses.asdict(cell) for cell in row.cells],
                }
                for row in self.rows
            ],
        }

    def records(self) -> Iterator[Record]:
        """Every run's record behind the table, row by row, in the order of the seeds."""
        for row in self.rows:
            for seed in self.seeds:
                yield from row.arm.behind(seed)


def _row_totals(row: Row) -> dict[str, Any]:
    return {"parameters": row.parameters, "seconds": row.seconds}


def _flat_cell(column: Column, cell: Cell) -> dict[str, Any]:
    interval, difference, published = cell.interval, cell.difference, cell.published
    reached = cell.reached
    return {
        "column": column.label,
        "metric": column.metric,
        "n": cell.count("finished"),
        "diverged": cell.count("diverged"),
        "undefined": cell.count("undefined"),
        "failed": cell.count("failed"),
        "missing": cell.count("missing"),
        "mean": interval and interval.mean,
        "half_width": interval and interval.half_width,
        "pairs": difference and difference.n,
        "difference": difference and difference.mean,
        "difference_half_width": difference and difference.half_width,
        "p": cell.p,
        "p_adjusted": cell.p_adjusted,
        "verdict": cell.verdict,
        "bold": cell.bold,
        "reached": reached and reached.count,
        "log_rank_p": reached and reached.log_rank_p,
        "published": published and published.published.value,
        "published_spread": published and published.published.spread,
        "published_n": published and published.published.n,
        "published_gap": published and published.gap,
        "published_verdict": published and published.verdict,
    }
