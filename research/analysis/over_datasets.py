"""What several data sets say together of each arm of a table: average ranks, interquartile mean,
probability of improvement, Bayesian signed ranks."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from research.analysis.arms_table import BETTER, FOLD, UNDECIDED, WORSE, ArmsTable, Column
from research.statistics import datasets as over_datasets
from research.statistics.comparisons import Floats
from research.statistics.datasets import Ranking

# Metrics that mean the same on every data set: shares, and what is divided by the variance of the
# data set's targets. Others have another scale on each.
COMPARABLE = ("accuracy", "exact_match", "roc_auc", "miou", "calibration_error", "r2")
# Accuracies that differ by less than a point are equivalent, unless a margin is declared.
REGION = 0.01


@dataclasses.dataclass(frozen=True)
class Spanned:
    """A value with the ends of its 95 % interval; None where a data set has only one run."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclasses.dataclass(frozen=True)
class Together:
    """What all data sets say of one arm in one metric; None where a run has no value.

    rank: the average, 1 is best. middle: the interquartile mean over runs; None of a metric that
    has another scale on each data set. improvement: how often a run is better than one of the
    baseline. posterior: that a typical data set is worse, equivalent or better than the baseline.
    verdict: by Nemenyi's critical difference of ranks.
    """

    rank: float | None = None
    middle: Spanned | None = None
    improvement: Spanned | None = None
    posterior: tuple[float, float, float] | None = None
    verdict: str = ""


def values_of(tables: Sequence[ArmsTable], index: int) -> Floats:
    """[arms, seeds, datasets]: the values of a column; NaN where a run has none.

    Folds of one seed are no runs apart, so their mean is the only value [arms, 1, datasets].

    Args:
        tables: of each data set.
        index: the column's position.
    """
    by_dataset = [[row.cells[index].values for row in table.rows] for table in tables]
    values = np.moveaxis(np.array(by_dataset, np.float64), 0, -1)
    return values.mean(1, keepdims=True) if tables[0].pair == FOLD else values


def is_comparable(column: Column) -> bool:
    """Whether values of different data sets can be averaged: a share, or a metric like one."""
    return column.in_percent or column.metric.endswith(COMPARABLE)


def _complete(values: Floats) -> list[int]:
    """The arms with a value in every run."""
    return np.flatnonzero(np.isfinite(values).all((1, 2))).tolist()


def _sign(column: Column) -> int:
    return 1 if column.better == "higher" else -1


def ranking(values: Floats, column: Column) -> Ranking | None:
    """The average ranks of the arms with a value in every run; None of fewer than two.

    Args:
        values: [arms, seeds, datasets].
        column: the metric.
    """
    chosen = _complete(values)
    if len(chosen) < 2:
        return None
    return over_datasets.ranking(_sign(column) * values[chosen].mean(1).T)


def together(
    values: Floats,
    column: Column,
    ranking: Ranking | None,
    labels: Sequence[str],
    baseline: str | None,
) -> list[Together]:
    """What all data sets say of each arm; nothing of an arm that lacks a value.

    Args:
        values: [arms, seeds, datasets].
        column: the metric.
        ranking: of the arms with all their values.
        labels: of the arms.
        baseline: the arm that the others are compared with.
    """
    chosen = _complete(values)
    if ranking is None:
        return [Together() for _ in labels]
    ranks = dict(zip(chosen, ranking.ranks.tolist(), strict=True))
    base = None if baseline is None else labels.index(baseline)
    base = base if base in ranks else None
    return [
        _of_arm(values, column, ranking, ranks, arm, base) if arm in ranks else Together()
        for arm in range(len(labels))
    ]


def _of_arm(
    values: Floats,
    column: Column,
    ranking: Ranking,
    ranks: Mapping[int, float],
    arm: int,
    base: int | None,
) -> Together:
    sign = _sign(column)
    ours = sign * values[arm]
    middle = _middle(ours, sign) if is_comparable(column) else None
    if base is None or arm == base:
        return Together(ranks[arm], middle)
    theirs = sign * values[base]
    improvement = Spanned(
        over_datasets.probability_of_improvement(ours, theirs),
        *(over_datasets.improvement_interval(ours, theirs) if len(ours) > 1 else ()),
    )
    region = region_of(column)
    posterior = (
        None
        if region is None
        else over_datasets.bayesian_signed_rank(ours.mean(0) - theirs.mean(0), region)
    )
    gain = ranks[base] - ranks[arm]
    verdict = UNDECIDED
    if abs(gain) > ranking.critical_difference:
        verdict = BETTER if gain > 0 else WORSE
    return Together(ranks[arm], middle, improvement, posterior, verdict)


def _middle(ours: Floats, sign: int) -> Spanned:
    """The interquartile mean of values [seeds, datasets], where higher is better, times the sign. A
    bootstrap of one run per data set draws the same run each time, and so gives no interval."""
    mean = sign * float(over_datasets.interquartile_mean(ours))
    if len(ours) < 2:
        return Spanned(mean)
    low, high = sorted(sign * end for end in over_datasets.interquartile_interval(ours))
    return Spanned(mean, low, high)


def region_of(column: Column) -> float | None:
    """The differences within which data sets count as equivalent; None where none is known."""
    return column.margin or (REGION if column.in_percent else None)
