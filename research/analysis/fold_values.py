"""Fold values: the folds of a table's only seed in the place of seeds, so that it has intervals."""

import dataclasses
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from research.analysis.arms_table import Arm
from research.statistics.comparisons import Null
from research.statistics.nulls import SharedFolds, Untested
from research.sweeps.column import Column, is_of_all_folds
from research.sweeps.estimates.seed_value import fold_of


class FoldValues(NamedTuple):
    """arms: with a record per fold in the place of one per seed. folds: their numbers."""

    arms: list[Arm]
    folds: tuple[int, ...]


def fold_values(
    arms: Sequence[Arm],
    columns: Sequence[Column],
    seeds: Sequence[int],
    every_seed: bool = False,
) -> FoldValues | None:
    """The folds of one seed as values; None where there are several seeds, or other than folds.

    Folds of one seed are no replicates: they share most of their training rows. So where there are
    several seeds these are the values, and each is the mean of its folds. A fold without a record
    is missing in its arm alone.

    Args:
        arms: the rows of a table.
        columns: its columns; an out-of-fold score has one value for all folds.
        seeds: of the table.
        every_seed: whether the folds of several seeds are values too, as a test of folds asks; they
            are numbered on from seed to seed.
    """
    several = len(seeds) != 1 and not every_seed
    if several or any(is_of_all_folds(column.metric) for column in columns):
        return None
    counts = {arm.wanted.get(seed, 1) for arm in arms for seed in seeds}
    if len(counts) != 1 or counts == {1} or not all(arm.says.startswith("mean") for arm in arms):
        return None
    (count,) = counts
    numbers = {fold_of(record) for arm in arms for seed in seeds for record in arm.behind(seed)}
    of_seed = _numbered(numbers, count)
    folds = [(seed, fold) for seed in seeds for fold in of_seed]
    keys = of_seed if len(seeds) == 1 else tuple(range(len(folds)))
    by_fold = [_by_fold(arm, dict(zip(folds, keys, strict=True))) for arm in arms]
    alone = all(
        len(arm.records) == sum(len(given.behind(seed)) for seed in seeds)
        for arm, given in zip(by_fold, arms, strict=True)
    )
    known = _test_shares(by_fold) and alone and len(of_seed) == count
    return FoldValues(by_fold, keys) if known else None


def null_of_folds(arms: Iterable[Arm], column: Column) -> Null:
    """How the values of folds vary: on test rows, by the share of the rows that test. Of other
    metrics, and where no record says the share, the folds of one seed do not show it.

    Args:
        arms: with a record per fold.
        column: the metric.
    """
    shares = _test_shares(arms) if column.metric.startswith("test/") else []
    return SharedFolds(statistics.fmean(shares)) if shares else Untested("folds of one seed")


def _test_shares(arms: Iterable[Arm]) -> list[float]:
    """Of each run whose record says it, the share of its rows that test."""
    return [
        int(record.provenance["test_rows"])
        / (int(record.provenance["test_rows"]) + int(record.provenance["train_rows"]))
        for arm in arms
        for record in arm.records.values()
        if record.provenance.get("test_rows")
    ]


def _numbered(numbers: set[int], count: int) -> tuple[int, ...]:
    """The folds that some arm has a record of; those that no arm has get the lowest other numbers,
    up to `count` folds."""
    others = [fold for fold in range(count) if fold not in numbers]
    return tuple(sorted([*numbers, *others[: max(count - len(numbers), 0)]]))


def _by_fold(arm: Arm, keys: Mapping[tuple[int, int], int]) -> Arm:
    """The arm with the records of its runs by the number of each seed and fold."""
    seeds = dict.fromkeys(seed for seed, _ in keys)
    return dataclasses.replace(
        arm,
        records={
            keys[seed, fold_of(record)]: record for seed in seeds for record in arm.behind(seed)
        },
        declared={
            key: {**arm.declared[seed], "fold": str(fold)}
            for (seed, fold), key in keys.items()
            if seed in arm.declared
        },
        asked=None,
        runs={},
        wanted={},
        says="",
    )
