"""Tables with the test that --test names, and what it refuses."""

import numpy as np
import pytest
from scipy import stats

from research.analysis.arms_table import FOLD, Arm
from research.analysis.axes import with_seed_values
from research.analysis.behind_row import behind_row
from research.analysis.kept_scores import KeptScores
from research.analysis.named_test import TESTS, named_test, refuse_unfit
from research.analysis.render import render
from research.analysis.table_builder import Scope, build_table
from research.errors import UserError
from research.sweeps.column import Column
from research.sweeps.records.record import Record
from tests.analysis.test_scope import ACCURACY, KeptInTest, scored

NLL = Column("test NLL", "test/nll", "lower")


def over_rows(test, seeds=6):
    given, right = scored(seeds)
    scope = Scope(scores=KeptScores(KeptInTest(right)), test=test)
    return build_table("T", given, [ACCURACY], "none", range(seeds), scope=scope), right


def test_a_test_over_rows_stands_beside_the_interval_over_seeds():
    """Intervals over seeds are scipy's within float64 rounding. Its bootstrap is another one (BCa):
    12 % is what the two differ by at 40 rows."""
    table, right = over_rows("bootstrap")
    cell = table.row("good").cells[0]
    pairs = np.array([right[f"good{seed}"] - right[f"none{seed}"] for seed in range(6)])
    of_rows = pairs.mean(0)
    low, high = stats.bootstrap((of_rows,), np.mean, random_state=0).confidence_interval
    assert cell.difference.mean == pytest.approx(of_rows.mean())
    assert cell.difference.half_width == pytest.approx((high - low) / 2, rel=0.12)
    over_seeds = stats.t.ppf(0.975, 5) * stats.sem(pairs.mean(1))
    assert cell.over_seeds.half_width == pytest.approx(over_seeds)
    assert cell.interval.half_width == pytest.approx(
        stats.t.ppf(0.975, 5) * stats.sem([right[f"good{seed}"].mean() for seed in range(6)])
    )
    assert table.claims == ("new",)
    assert "about new test rows from the same source, for these models as they" in table.caption
    assert "p: paired bootstrap of the rows' differences to 'none'" in table.footer[0]
    assert "needs" not in " ".join(table.footer)
    assert " Δ over seeds |" in render(table, "md")
    assert "p of the paired bootstrap of the rows" in behind_row(table, "good")


def test_mcnemar_of_one_seed_has_a_verdict():
    """McNemar's exact p is that of scipy's binomial test, within float64 rounding."""
    table, right = over_rows("mcnemar", seeds=1)
    cell = table.row("good").cells[0]
    pairs = right["good0"] - right["none0"]
    discordant = [int((pairs > 0).sum()), int((pairs != 0).sum())]
    assert cell.p == pytest.approx(stats.binomtest(*discordant).pvalue)
    assert cell.verdict == ("better" if cell.p <= 0.05 else "no difference shown")
    assert cell.over_seeds is None
    assert "One seed: cells have no interval. Intervals and verdicts are about new" in table.caption
    assert "p: McNemar's exact test of the rows' differences" in table.footer[0]
    several, _ = over_rows("mcnemar_midp")
    assert "McNemar's mid-p test, twice the median over the seeds," in several.footer[0]


def fold_run(arm, seed, fold, value, split):
    config = {"seed": str(seed), "split_seed": str(seed), "fold": str(fold), "arch": arm, **split}
    rows = {"train_rows": 50, "test_rows": 50}
    metrics = {"test/accuracy": value}
    return Record(f"{arm}{seed}{fold}", "finished", config, metrics, provenance=rows)


def over_folds(test, values, split, baseline="a"):
    """A table of two arms. values: of the second, [seeds, folds]; the first has 0.5 everywhere."""
    arms = []
    for label, of_seeds in (("a", np.full_like(values, 0.5)), ("b", values)):
        runs = {
            seed: (
                [fold_run(label, seed, k, value, split) for k, value in enumerate(row)],
                len(row),
            )
            for seed, row in enumerate(of_seeds)
        }
        arms.append(with_seed_values(Arm(label, {}), runs, None))
    seeds = range(len(values))
    return build_table("T", arms, [ACCURACY], baseline, seeds, scope=Scope(test=test))


VALUES = 0.5 + np.array([[1.0, 2], [1, 1], [3, 1], [2, 2], [0, 1]]) / 100


def test_the_folds_of_several_seeds_are_values():
    """(1/10 + 50/50) s², Student's t with nine degrees of freedom."""
    table = over_folds("kfold_t", VALUES, {"split": "kfold", "split.folds": "2"})
    differences = VALUES.ravel() - 0.5
    error = differences.std(ddof=1) * np.sqrt(1 / 10 + 1)
    cell = table.row("b").cells[0]
    assert (table.pair, table.seeds) == (FOLD, tuple(range(10)))
    assert cell.p == pytest.approx(2 * stats.t.sf(differences.mean() / error, 9), abs=0.01)
    assert "over the n = 10 folds of 5 seeds" in table.caption
    assert "which are replicates" not in table.caption


@pytest.mark.parametrize(
    ("values", "split"),
    [
        (VALUES, {"split": "kfold", "split.folds": "2"}),
        (
            VALUES.reshape(1, 10),
            {"split": "repeated_kfold", "split.folds": "2", "split.times": "5"},
        ),
    ],
    ids=["five seeds", "five times"],
)
def test_five_by_two(values, split):
    """F by hand and its p by scipy, within float64 rounding."""
    # Of the differences, squares of 26 and variances of 3 hundredths squared; see test_two_fold.py.
    table = over_folds("5x2cv_f", values, split)
    cell = table.row("b").cells[0]
    assert cell.p == cell.p_adjusted == pytest.approx(stats.f.sf(26 / 6, 10, 5))
    assert cell.difference.half_width is None
    assert cell.verdict == "no difference shown"
    assert "p: 5×2 cv F tests" in table.footer[0]
    assert "5x2 cv F test" in behind_row(table, "b")


TEN = {"split": "kfold", "split.folds": "10", "fold": "0", "seed": "0", "split_seed": "0"}
BY_SEED = [{"seed": seed, "split_seed": seed, "split": "8:2"} for seed in "01"]


@pytest.mark.parametrize(
    ("name", "columns", "configs", "message"),
    [
        ("mcnemar", [NLL], [], "--test=mcnemar is of test/accuracy, and the table has test NLL;"),
        ("mcnemar", [ACCURACY], [TEN], "split=kfold has folds; --test=kfold_t compares folds"),
        ("bootstrap", [ACCURACY], BY_SEED, "each seed draws its own; give --split_seed=7"),
        ("kfold_t", [ACCURACY], BY_SEED, "split=8:2 has none; give a split that has"),
        ("5x2cv_f", [ACCURACY], [TEN], "needs 5 repeats of two folds; give --split='kfold(2)'"),
        ("5x2cv_f", [Column("a", "train/nll")], [], "is of a metric of test rows"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(name, columns, configs, message):
    with pytest.raises(UserError) as refused:
        refuse_unfit(name, columns, "a", configs, own_test_rows=False)
    assert message in str(refused.value)


def test_a_data_sets_own_test_rows_are_the_same_for_all_seeds():
    refuse_unfit("bootstrap", [ACCURACY], "a", BY_SEED, own_test_rows=True)


def test_what_else_is_refused():
    with pytest.raises(UserError, match="there is no such test"):
        named_test("ttest")
    for name in TESTS:
        with pytest.raises(UserError, match="give --baseline=ROW"):
            refuse_unfit(name, [ACCURACY], None, [], own_test_rows=False)
    given, right = scored()
    kept = KeptScores(KeptInTest({run: rows for run, rows in right.items() if run != "good3"}))
    for scope, message in (
        (Scope(scores=kept, test="bootstrap"), "no scores of each row are kept of test accuracy"),
        (Scope("rows", kept, test="bootstrap"), "about new rows; leave --claim=rows out"),
    ):
        with pytest.raises(UserError, match=message):
            build_table("T", given, [ACCURACY], "none", range(6), scope=scope)
