"""Fold values: the folds of a table's only seed in the place of seeds, so that it has intervals."""

import dataclasses
import statistics
from collections.abc import Sequence
from typing import NamedTuple

from research.analysis.arms_table import Arm
from research.statistics.nulls import SharedFolds
from research.sweeps.column import Column, reads_predictions


class FoldValues(NamedTuple):
    """arms: with a record per fold in the place of one per seed. folds: their numbers. null: how
    the values of folds vary."""

    arms: list[Arm]
    folds: tuple[int, ...]
    null: SharedFolds


def fold_values(
    arms: Sequence[Arm], columns: Sequence[Column], seeds: Sequence[int]
) -> FoldValues | None:
    """The folds of one seed as values; None where there are several seeds, or other than folds.

    Folds of one seed are no replicates: they share most of their training rows. So where there are
    several seeds these are the values, and each is the mean of its folds.

    Args:
        arms: the rows of a table.
        columns: its columns; an out-of-fold score has one value for all folds.
        seeds: of the table.
    """
    if len(seeds) != 1 or reads_predictions(column.metric for column in columns):
        return None
    runs = [arm.runs.get(seeds[0], ()) for arm in arms]
    counts = {len(of_arm) for of_arm in runs}
    if len(counts) != 1 or counts <= {0, 1} or not all(arm.says.startswith("mean") for arm in arms):
        return None
    (count,) = counts
    shares = [
        int(record.provenance["test_rows"])
        / (int(record.provenance["test_rows"]) + int(record.provenance["train_rows"]))
        for of_arm in runs
        for record in of_arm
        if record.provenance.get("test_rows")
    ]
    if not shares:
        return None
    by_fold = [
        dataclasses.replace(arm, records=dict(enumerate(of_arm)), declared={}, runs={}, says="")
        for arm, of_arm in zip(arms, runs, strict=True)
    ]
    return FoldValues(by_fold, tuple(range(count)), SharedFolds(statistics.fmean(shares)))
