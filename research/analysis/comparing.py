"""The cells of a column compared with the baseline and with the best, all rows together."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from research.analysis.arms_table import BETTER, FAILURES, UNDECIDED, WORSE, Arm, Cell
from research.statistics.best import best_rows
from research.statistics.comparisons import Comparisons, Null
from research.statistics.families import ColumnDifferences, Family, compare_columns
from research.statistics.floats import Floats
from research.statistics.intervals import ALPHA, Interval, t_interval
from research.statistics.margins import judge
from research.sweeps.column import Column


def against(
    by_column: Sequence[Mapping[str, Cell]],
    baseline: str,
    columns: Sequence[Column],
    nulls: Sequence[Null],
    rounding: float,
    family: Family = "column",
) -> list[dict[str, Cell]]:
    """The cells of each column with their differences to the baseline, p and verdict.

    A row with a run in FAILURES gets no p, and still counts among the rows that are corrected for.

    Args:
        by_column: the cells of each column, by row label.
        baseline: the label of the row that the others are compared with.
        columns: the metrics.
        nulls: the null hypothesis of each column's test.
        rounding: the relative error of a value; sums that differ by less are ties.
        family: the tests that p is corrected for.
    """
    rows = list(by_column[0]) if by_column else []
    labels = [label for label in rows if label != baseline]
    if not labels:
        return [_with_baseline(cells, {}, baseline) for cells in by_column]
    tested = []
    for cells, null in zip(by_column, nulls, strict=True):
        differences, slack = differences_to(
            cells[baseline], [cells[label] for label in labels], rounding
        )
        of_rows = null.comparing(lambda: contrasts(rows, labels, baseline))
        tested.append(ColumnDifferences(of_rows, differences, slack))
    result = []
    for cells, column, one, compared in zip(
        by_column, columns, tested, compare_columns(tested, family), strict=True
    ):
        decided = {
            label: _decided(
                cells[label],
                cells[baseline],
                column,
                one.null,
                _compared_row(compared, index, one.differences),
            )
            for index, label in enumerate(labels)
        }
        result.append(_with_baseline(cells, decided, baseline))
    return result


def _with_baseline(
    cells: Mapping[str, Cell], decided: Mapping[str, Cell], baseline: str
) -> dict[str, Cell]:
    return {**decided, baseline: dataclasses.replace(cells[baseline], verdict="baseline")}


def contrasts(rows: Sequence[str], labels: Sequence[str], baseline: str | None) -> Floats:
    """[m, k]: the difference of each label to the baseline, from the rows of a table.

    Args:
        rows: the labels of all k rows.
        labels: the labels of the m rows to compare.
        baseline: the row that is subtracted; None: nothing is.
    """
    places = {label: index for index, label in enumerate(rows)}
    every = np.eye(len(rows))
    taken = every[[places[label] for label in labels]]
    return taken if baseline is None else taken - every[places[baseline]]


def differences_to(
    reference: Cell, cells: Sequence[Cell], rounding: float
) -> tuple[Floats, Floats]:
    """The differences of cells to a reference, and how much of their sums can be rounding.

    Args:
        reference: the cell that is subtracted.
        cells: m cells of n seeds each.
        rounding: the relative error of a value.

    Returns:
        Differences [n, m], NaN where a pair is missing, and the tolerance of their sums [m].
    """
    ours = np.stack([_values(cell) for cell in cells], -1)
    theirs = _values(reference)[:, None]
    return ours - theirs, _slack(np.maximum(abs(ours), abs(theirs)), rounding)


def best(cells: Mapping[str, Cell], column: Column, null: Null, rounding: float) -> frozenset[str]:
    """The rows to set in bold: the best, and those that cannot be distinguished from it.

    Only rows with a value for every seed take part.

    Args:
        cells: by row label.
        column: the metric.
        null: the null hypothesis of the test.
        rounding: as of `against`.
    """
    labels = [label for label, cell in cells.items() if cell.complete and cell.values]
    if len(labels) < 2 or null.untested:
        return frozenset()
    values = np.stack([_values(cells[label]) for label in labels], -1)
    slack = float(_slack(abs(values), rounding).max())
    null = null.comparing(lambda: contrasts(list(cells), labels, None))
    chosen = best_rows(values, null, column.better == "higher", slack)
    return frozenset(label for label, bold in zip(labels, chosen, strict=True) if bold)


def rounding_of(arms: Iterable[Arm]) -> float:
    """How far a metric may be off its value, as a share of it: half a last digit of its type."""
    precisions = {config.get("precision") for arm in arms for config in arm.configs()}
    # One run in float32 makes the comparison as coarse as float32.
    return 2.0**-53 if precisions == {"float64"} else 2.0**-24


def first_failure(cell: Cell) -> str:
    """The first outcome of FAILURES among the runs, else nothing: such a row gets no p."""
    return next((word for word in FAILURES if word in cell.outcomes), "")


def _values(cell: Cell) -> Floats:
    return np.array([math.nan if value is None else value for value in cell.values])


def _slack(sizes: Floats, rounding: float) -> Floats:
    """Sums of differences that rounding alone can part: each of 2n values is off by its rounding,
    and two sums are compared. sizes: [n, m] of the values; the result [m]."""
    return 4 * len(sizes) * rounding * np.nan_to_num(np.nanmax(sizes, 0, initial=0.0))


def _compared_row(compared: Comparisons, index: int, differences: Floats) -> Cell:
    """What the comparison of one row says, as a cell with nothing else."""
    n = int(np.isfinite(differences[:, index]).sum())
    if not n:
        return Cell((), (), None)
    half_width = float(compared.half_width[index])
    difference = Interval(
        float(compared.mean[index]), None if math.isnan(half_width) else half_width, n
    )
    p = float(compared.p[index])
    p_adjusted = float(compared.adjusted[index])
    return Cell((), (), None, difference, p=p, p_adjusted=p_adjusted)


def _decided(cell: Cell, reference: Cell, column: Column, null: Null, compared: Cell) -> Cell:
    tested = not (first_failure(cell) or first_failure(reference) or null.untested)
    cell = dataclasses.replace(
        cell,
        difference=compared.difference,
        over_seeds=None if null.over_seeds else _over_seeds(cell, reference),
        p=compared.p if tested else None,
        p_adjusted=compared.p_adjusted if tested else None,
    )
    return dataclasses.replace(cell, verdict=_verdict(cell, reference, column, null))


def _over_seeds(cell: Cell, reference: Cell) -> Interval | None:
    """The interval of the difference over seeds; None of a single seed."""
    pairs = _pairs(cell, reference)
    return t_interval([ours - theirs for ours, theirs in pairs]) if len(pairs) > 1 else None


def _pairs(cell: Cell, reference: Cell) -> list[tuple[float, float]]:
    """The values of the seeds that both cells have."""
    both = zip(cell.values, reference.values, strict=True)
    return [(ours, theirs) for ours, theirs in both if ours is not None and theirs is not None]


def _verdict(cell: Cell, reference: Cell, column: Column, null: Null) -> str:
    if word := first_failure(cell):
        return f"no test: {word}"
    if word := first_failure(reference):
        return f"no test: baseline {word}"
    if null.untested:
        return f"no test: {null.untested}"
    if cell.difference is None or cell.p_adjusted is None:
        return "no test: no common seeds"
    if np.isnan(cell.p_adjusted):
        complete = cell.complete and reference.complete
        return f"no test: {'the folds of each repeat agree' if complete else 'a value is missing'}"
    if not null.can_conclude(cell.difference.n):
        return f"cannot conclude at n={cell.difference.n}"
    if column.margin is not None and cell.difference.half_width is not None:
        mean, half_width = cell.difference.mean, cell.difference.half_width
        return judge(mean, half_width, column.margin, column.better == "higher")
    if cell.p_adjusted > ALPHA:
        return _undecided(cell, reference, null)
    return BETTER if (cell.difference.mean > 0) == (column.better == "higher") else WORSE


def _undecided(cell: Cell, reference: Cell, null: Null) -> str:
    """A flip of a pair that ties changes nothing, so that too few others can conclude nothing."""
    pairs = _pairs(cell, reference)
    ties = sum(ours == theirs for ours, theirs in pairs)
    differing = len(pairs) - ties
    if null.claim == "rows" and ties and differing and not null.can_conclude(differing):
        return f"cannot conclude: {ties} of {len(pairs)} pairs tie"
    return UNDECIDED
