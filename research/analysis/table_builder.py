"""Records -> table: means, paired differences, tests, verdicts."""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from research.analysis import comparing
from research.analysis.arms_table import (
    FOLD,
    SEED,
    Arm,
    ArmsTable,
    Cell,
    Column,
    Comparison,
    Outcome,
    Published,
    Row,
)
from research.analysis.captions import caption, footer
from research.analysis.effort import with_log_rank
from research.analysis.fold_values import fold_values, null_of_folds
from research.analysis.kept_scores import KeptScores
from research.analysis.named_test import named_test, null_of_test, refuse_unfit
from research.analysis.scope import null_of
from research.errors import UserError, nearest
from research.statistics.comparisons import Claim, Null
from research.statistics.families import Family
from research.sweeps.records.record import Record

DECLARED = "Strengths were declared, not tuned."


@dataclasses.dataclass(frozen=True)
class Remarks:
    """What a table says beside what its own records show.

    notes: sentences for the end of the footer. strengths: the footer's sentence on how strengths
        were chosen. published: values of papers by (arm, column) label.
    """

    notes: Sequence[str] = ()
    strengths: str = DECLARED
    published: Mapping[tuple[str, str], Published] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Scope:
    """What intervals and verdicts are about.

    claim: None: new rows where the records allow it. scores: the metric of each test row, where
        runs kept them. pair: what the records of the arms are keyed by, `seed` or FOLD; None: the
        folds of the only seed become the values where there are such. family: the tests that p is
        corrected for. test: the test by name, see TESTS; None: what the records allow.
    """

    claim: Claim | None = None
    scores: KeptScores | None = None
    pair: str | None = None
    family: Family = "column"
    test: str | None = None


NO_REMARKS = Remarks()
WIDEST = Scope()


# Sums of huge metrics become infinite, and are shown as such.
@np.errstate(over="ignore", invalid="ignore")
def build_table(
    title: str,
    arms: Sequence[Arm],
    columns: Sequence[Column],
    baseline: str | None,
    seeds: Sequence[int],
    remarks: Remarks = NO_REMARKS,
    scope: Scope = WIDEST,
) -> ArmsTable:
    """A table with a row per arm, from its records alone.

    Args:
        title: the table's title.
        arms: the rows, with their records.
        columns: the metrics.
        baseline: the label of the row that the others are compared with; None: there is none.
        seeds: the seeds that each row should have.
        remarks: notes, published values and how strengths were chosen.
        scope: what intervals and verdicts are about.

    Raises:
        UserError: a label or metric does not exist, a label occurs twice, or the records do not
            allow the claim.
    """
    seeds = tuple(map(int, seeds))
    _check(arms, columns, baseline, remarks.published)
    m = len(arms) - 1
    pair = scope.pair or SEED
    if scope.test is not None:
        _refuse_test(scope, arms, columns, baseline, seeds)
    undecided = scope.pair is None and scope.claim != "rows"
    if undecided and (folds := fold_values(arms, columns, seeds, scope.test is not None)):
        arms, seeds = folds.arms, folds.folds
        pair = FOLD
    elif scope.test is not None and named_test(scope.test).of_folds is not None:
        raise UserError(
            f"--test={scope.test} needs a value per fold in each column; leave out columns of all"
            " folds together, such as oof/accuracy, and arms with other folds"
        )
    nulls = tuple(_null(scope, arms, column, seeds, pair) for column in columns)
    by_column = _columns(columns, arms, baseline, seeds, nulls, scope.family)
    by_column = [
        _with_published(cells, column, remarks.published)
        for cells, column in zip(by_column, columns, strict=True)
    ]
    rows = tuple(
        Row(
            arm,
            tuple(cells[arm.label] for cells in by_column),
            _parameters(arm),
            _seconds(arm, seeds),
        )
        for arm in arms
    )
    table = ArmsTable(title, tuple(columns), rows, seeds, baseline, m, "", ())
    table = dataclasses.replace(table, nulls=nulls, pair=pair, family=scope.family)
    table = with_log_rank(table)
    return dataclasses.replace(
        table, caption=caption(table), footer=footer(table, remarks.strengths, remarks.notes)
    )


def _refuse_test(
    scope: Scope,
    arms: Sequence[Arm],
    columns: Sequence[Column],
    baseline: str | None,
    seeds: Sequence[int],
) -> None:
    """Raises UserError where the test that is asked for does not fit the table."""
    if scope.claim == "rows":
        raise UserError(f"--test={scope.test} is about new rows; leave --claim=rows out")
    records = [record for arm in arms for seed in seeds for record in arm.behind(seed)]
    tested_apart = any(record.provenance.get("own_test_rows") for record in records)
    refuse_unfit(scope.test or "", columns, baseline, [one.config for one in records], tested_apart)


def _null(
    scope: Scope, arms: Sequence[Arm], column: Column, seeds: Sequence[int], pair: str
) -> Null:
    """What a column's differences would look like if nothing differed."""
    if scope.test is not None:
        asked = null_of_test(scope.test, arms, column, seeds, scope.scores)
        if asked is not None:
            return asked
    if pair == FOLD:
        return null_of_folds(arms, column)
    return null_of(scope.claim, arms, column, seeds, scope.scores)


def _check(
    arms: Sequence[Arm],
    columns: Sequence[Column],
    baseline: str | None,
    published: Mapping[tuple[str, str], Published],
) -> None:
    labels = [arm.label for arm in arms]
    names = [column.label for column in columns]
    for kind, all_names in (("row", labels), ("column", names)):
        twice = (
            {label for label in all_names if all_names.count(label) > 1}
            if len(set(all_names)) < len(all_names)
            else set()
        )
        if twice:
            raise UserError(
                f"two {kind}s are called '{min(twice)}'; give each {kind} a label of its own"
            )
    if baseline is not None and baseline not in labels:
        raise UserError(f"the baseline '{baseline}' is not a row; {nearest(baseline, labels)}")
    for row_label, column_label in published:
        for kind, label, known in (("row", row_label, labels), ("column", column_label, names)):
            if label not in known:
                raise UserError(
                    f"a published value is for the {kind} '{label}'; {nearest(label, known)}"
                )
    finished = [r for arm in arms for r in arm.records.values() if r.status == "finished"]
    metrics = {name for record in finished for name in record.metrics}
    for column in columns:
        if metrics and column.metric not in metrics:
            raise UserError(
                f"no run has the metric '{column.metric}'; {nearest(column.metric, metrics)}"
            )


def _columns(
    columns: Sequence[Column],
    arms: Sequence[Arm],
    baseline: str | None,
    seeds: tuple[int, ...],
    nulls: Sequence[Null],
    family: Family,
) -> list[dict[str, Cell]]:
    """The cells of each column by row label: means, comparisons and what is bold."""
    rounding = comparing.rounding_of(arms)
    by_column = []
    for column, null in zip(columns, nulls, strict=True):
        cells = {arm.label: _cell(arm, column, seeds, null, row) for row, arm in enumerate(arms)}
        for label in comparing.best(cells, column, null, rounding):
            cells[label] = dataclasses.replace(cells[label], bold=True)
        by_column.append(cells)
    if baseline is None:
        return by_column
    return comparing.against(by_column, baseline, columns, nulls, rounding, family)


def _with_published(
    cells: Mapping[str, Cell], column: Column, published: Mapping[tuple[str, str], Published]
) -> dict[str, Cell]:
    """The cells beside the values that papers have for them."""
    return {
        label: dataclasses.replace(
            cell, published=compare(cell, published[label, column.label], column)
        )
        if (label, column.label) in published
        else cell
        for label, cell in cells.items()
    }


def _cell(arm: Arm, column: Column, seeds: tuple[int, ...], null: Null, row: int) -> Cell:
    """Outcomes and mean of one arm, without comparisons."""
    outcomes = tuple(
        (
            "unasked"
            if arm.asked is not None and seed not in arm.asked
            else outcome(arm.records.get(seed), column.metric)
        )
        for seed in seeds
    )
    values = tuple(
        float(arm.records[seed].metrics[column.metric]) if done == "finished" else None
        for seed, done in zip(seeds, outcomes, strict=True)
    )
    # Outcomes without a value are counted in the cell and do not enter the mean.
    finite = np.array([value for value in values if value is not None])
    return Cell(values, outcomes, null.interval(finite, row) if finite.size else None)


def outcome(record: Record | None, metric: str) -> Outcome:
    """What became of one run in a metric, which is undefined where it is NaN; an infinite one is a
    divergence."""
    if record is None:
        return "missing"
    if record.status != "finished":
        return record.status
    if metric not in record.metrics:
        return "missing"
    value = record.metrics[metric]
    if math.isnan(value):
        return "undefined"
    return "finished" if math.isfinite(value) else "diverged"


def compare(cell: Cell, published: Published, column: Column) -> Comparison:
    """A published value against the cell: by our interval and the paper's spread, else by ordering.

    Args:
        cell: our cell.
        published: the paper's value.
        column: the metric.
    """
    if cell.interval is None:
        return Comparison(published, None, "none")
    gap = cell.interval.mean - published.value
    half_width = cell.interval.half_width or 0.0
    if published.spread is not None and abs(gap) <= published.spread + half_width:
        return Comparison(published, gap, "overlap")
    # Seeds that all agree have an interval without width, which shows nothing but equality.
    if published.spread is None and half_width and abs(gap) <= half_width:
        return Comparison(published, gap, "within our interval")
    # An exact tie is neither better nor worse, whichever way the metric points.
    if gap == 0:
        return Comparison(published, gap, "equal")
    return Comparison(
        published, gap, "better" if (gap > 0) == (column.better == "higher") else "worse"
    )


def _parameters(arm: Arm) -> int | None:
    """The number of parameters, None if its runs differ in it or none says."""
    # A failed run has no parameters: its 0 says nothing of the arm.
    counts = {record.parameters for record in arm.records.values()} - {0}
    return counts.pop() if len(counts) == 1 else None


def _seconds(arm: Arm, seeds: Sequence[int]) -> float | None:
    times = [arm.records[s].provenance.get("seconds") for s in seeds if s in arm.records]
    known = [float(t) for t in times if t is not None]
    return math.fsum(known) / len(known) if known else None
