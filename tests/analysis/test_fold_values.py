"""Folds of one seed as values: the corrected variance and test by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from research.analysis.arms_table import FOLD, Arm, ArmsTable
from research.analysis.axes import sweep_table, with_seed_values
from research.analysis.behind_row import behind_row
from research.analysis.effects_builder import effects_table
from research.analysis.power_table import power_table
from research.analysis.render import render
from research.analysis.table_builder import Scope, build_table
from research.errors import UserError
from research.statistics.comparisons import Claim
from research.sweeps.column import Column
from research.sweeps.declare import designs
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
    """Bouckaert & Frank's t by hand; 0.0045 is three standard errors of a p of 0.011 from 5,000
    draws."""
    cell = table().rows[1].cells[0]
    differences = np.subtract(SECOND, FIRST)
    t = differences.mean() / (differences.std(ddof=1) * math.sqrt(1 / 4 + 25 / 75))
    assert cell.p == pytest.approx(2 * stats.t.sf(t, 3), abs=0.0045)
    caption = table().caption
    assert "over the n = 4 folds of one seed" in caption
    assert "corrected for the training rows that the folds share (Nadeau & Bengio)" in caption
    assert "paired by fold" in caption
    assert "corrected repeated k-fold t-tests" in " ".join(table().footer)


def test_several_seeds_are_the_values_instead() -> None:
    """The mean of four folds a seed by hand, within float64 rounding."""
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


def lacking(lost: dict[str, int], rates: tuple[str, ...] = ("0.1", "0.2")) -> ArmsTable:
    """The same rows as arms of an experiment, each without the record of one fold."""
    arms = []
    for rate, values in zip(rates, (FIRST, SECOND), strict=True):
        records = [fold(k, rate, value) for k, value in enumerate(values) if k != lost.get(rate)]
        arm = Arm(rate, {}, declared={0: {"seed": "0", "fold": "0"}})
        arms.append(with_seed_values(arm, {0: (records, 4)}, None))
    return build_table("S", arms, [Column("accuracy", "test/accuracy")], rates[0], [0])


def test_arms_that_lack_different_folds_are_paired_by_the_folds_that_both_have() -> None:
    """The mean difference of the two common folds by hand, within float64 rounding."""
    shown = lacking({"0.1": 0, "0.2": 2})
    assert (shown.pair, shown.seeds) == (FOLD, (0, 1, 2, 3))
    first, second = (row.cells[0] for row in shown.rows)
    assert first.values == (None, 0.75, 0.8, 0.7)
    assert second.values == (0.6, 0.9, None, 0.8)
    assert second.difference is not None
    assert second.difference.n == 2
    assert second.difference.mean == pytest.approx(0.125)
    assert [row.cells[0].count("missing") for row in shown.rows] == [1, 1]
    assert [row.arm.missing(shown.seeds) for row in shown.rows] == [1, 1]
    assert all(row.arm.declared for row in shown.rows)


def test_every_fold_without_a_record_is_a_missing_run() -> None:
    records = [fold(0, "0.1", 0.5, 1)]
    arm = with_seed_values(Arm("a", {}), {0: ([], 4), 1: (records, 4)}, None)
    assert arm.missing([0, 1]) == 7


def test_a_fold_that_no_arm_has_is_missing_in_all() -> None:
    shown = lacking({"0.1": 3, "0.2": 3})
    assert [row.cells[0].outcomes[3] for row in shown.rows] == ["missing", "missing"]
    assert "n = 4 folds" in shown.caption


def test_the_folds_of_one_seed_are_no_pilot() -> None:
    with pytest.raises(UserError, match="one seed, whose folds do not show how seeds vary; train"):
        power_table(table(), None, 0.8)


def test_what_is_behind_a_row_is_told_by_fold() -> None:
    text = behind_row(table(), "learning_rate=0.2")
    assert "p of the corrected repeated k-fold t-test, about new data, from 4 pairs" in text
    assert "  fold  run id" in text


def test_effects_over_folds_count_folds_and_runs() -> None:
    design = designs.design("leave_one_out", 1, 1)
    effects = effects_table(lacking({}, ("none", "a")), design, ["a"])
    assert "interval over 4 folds of one seed." in effects.caption
    assert "p: each fold gives one value of each effect." in " ".join(effects.footer)
    assert "2 combinations of 1 factors, 8 runs (" in effects.footer[0]


def test_effects_over_seeds_of_folds_count_every_run() -> None:
    arms = []
    for label, values in (("none", FIRST), ("a", SECOND)):
        of_seeds = {
            seed: ([fold(k, label, value, seed) for k, value in enumerate(values)], 4)
            for seed in range(3)
        }
        arms.append(with_seed_values(Arm(label, {}), of_seeds, None))
    built = build_table("S", arms, [Column("accuracy", "test/accuracy")], "none", range(3))
    effects = effects_table(built, designs.design("leave_one_out", 1, 3), ["a"])
    assert "2 combinations of 1 factors, 24 runs (" in effects.footer[0]
    assert "over 3 seeds." in effects.caption


def test_only_test_columns_of_folds_are_tested() -> None:
    """How a training loss or seconds would vary, the folds of one seed do not say."""
    arms = []
    for label, values in (("none", FIRST), ("a", SECOND)):
        records = [fold(k, label, value) for k, value in enumerate(values)]
        for record in records:
            record.metrics["train/loss"] = 1 - record.metrics["test/accuracy"]
        arms.append(with_seed_values(Arm(label, {}), {0: (records, 4)}, None))
    columns = [Column("accuracy", "test/accuracy"), Column("loss", "train/loss", "lower")]
    built = build_table("S", arms, columns, "none", [0])
    accuracy, loss = built.row("a").cells
    assert accuracy.p is not None
    assert (loss.p, loss.p_adjusted, loss.verdict) == (None, None, "no test: folds of one seed")
    assert loss.interval is not None
    assert loss.interval.half_width is None
    assert loss.interval.mean == pytest.approx(1 - np.mean(SECOND))
    assert loss.difference is not None
    assert loss.difference.half_width is None
    assert not loss.bold
    assert "Intervals and verdicts of loss are left out: the folds of one seed" in built.caption
    text = render(built, "md")
    assert text.count("verdict on new data") == 1
    assert "Cannot conclude" not in text
    assert "these rows" not in text
    effects = effects_table(built, designs.design("leave_one_out", 1, 1), ["a"])
    assert {row.cells[1].verdict for row in effects.rows} == {"no test: folds of one seed"}
    assert "are about new rows from the same source (accuracy)." in effects.footer[1]
