"""Folds of one seed as values: the corrected variance and test by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from research.analysis.arms_table import ArmsTable
from research.analysis.axes import sweep_table
from research.analysis.table_builder import Scope
from research.statistics.comparisons import Claim
from research.sweeps.column import Column
from research.sweeps.records.record import Record

# Two rows of a table, by fold.
FIRST, SECOND = (0.5, 0.75, 0.8, 0.7), (0.6, 0.9, 0.95, 0.8)
# Of 100 rows 25 test, in each of four folds.
PROVENANCE = {"train_rows": 75, "validation_rows": 0, "test_rows": 25, "own_test_rows": 0}


def fold(number: int, rate: str, accuracy: float, seed: int = 0) -> Record:
    config = {"fold": str(number), "seed": str(seed), "split_seed": str(seed), "split": "kfold"}
    config["learning_rate"] = rate
    metrics = {"test/accuracy": accuracy, "oof/accuracy": 0.7}
    return Record(f"{rate}{number}{seed}", "finished", config, metrics, provenance=PROVENANCE)


def table(seeds: int = 1, metric: str = "test/accuracy", claim: Claim | None = None) -> ArmsTable:
    records = [
        fold(number, rate, value + seed / 100, seed)
        for rate, values in (("0.1", FIRST), ("0.2", SECOND))
        for number, value in enumerate(values)
        for seed in range(seeds)
    ]
    columns = [Column("accuracy", metric)]
    return sweep_table("S", records, columns, baseline="learning_rate=0.1", scope=Scope(claim))


def test_the_interval_has_the_corrected_variance() -> None:
    """(1/4 + 25/75) s^2, Student's t with three degrees of freedom."""
    cell = table().rows[0].cells[0]
    assert cell.interval is not None
    error = np.std(FIRST, ddof=1) * math.sqrt(1 / 4 + 25 / 75)
    assert cell.interval.mean == pytest.approx(np.mean(FIRST))
    assert cell.interval.half_width == pytest.approx(stats.t.ppf(0.975, 3) * error)


def test_the_test_is_the_corrected_repeated_k_fold_t_test() -> None:
    cell = table().rows[1].cells[0]
    differences = np.subtract(SECOND, FIRST)
    t = differences.mean() / (differences.std(ddof=1) * math.sqrt(1 / 4 + 25 / 75))
    assert cell.p == pytest.approx(2 * stats.t.sf(t, 3), abs=0.01)
    caption = table().caption
    assert "over the n = 4 folds of one seed" in caption
    assert "corrected for the training rows that the folds share (Nadeau & Bengio)" in caption
    assert "paired by fold" in caption
    assert "corrected repeated k-fold t-tests" in " ".join(table().footer)


def test_several_seeds_are_the_values_instead() -> None:
    several = table(seeds=3)
    assert several.pair == "seed"
    assert several.rows[0].cells[0].values == pytest.approx([0.6875, 0.6975, 0.7075])
    assert "n = 3 seeds" in several.caption


def test_an_out_of_fold_score_and_a_claim_about_these_rows_have_no_interval() -> None:
    """One is a single value, and the folds of one seed say nothing of other seeds."""
    for more in ({"metric": "oof/accuracy"}, {"claim": "rows"}):
        shown = table(**more)
        assert shown.pair == "seed"
        assert "One seed: cells have no interval." in shown.caption
