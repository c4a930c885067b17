"""Tables over several data sets, from records whose values are known."""

import csv
import io
import json

import numpy as np
import pytest
from scipy import stats

from research.analysis.answer_figures import of_answer
from research.analysis.arms_table import FOLD, Arm
from research.analysis.axes import with_seed_values
from research.analysis.datasets_builder import datasets_table
from research.analysis.datasets_table import DatasetsTable
from research.analysis.layout import document
from research.analysis.over_datasets import Spanned
from research.analysis.render import FORMATS, render
from research.analysis.table_builder import build_table
from research.analysis.view import View
from research.errors import UserError
from research.statistics.datasets import interquartile_mean
from research.statistics.nulls import SharedFolds
from research.sweeps.column import Column
from research.sweeps.declare.dataset_arms import label_on
from research.sweeps.experiment import Experiment
from research.sweeps.records.record import Record

FOLD_ROWS = {"train_rows": 75, "validation_rows": 0, "test_rows": 25, "own_test_rows": 0}
DATASETS = ("iris", "wine", "digits", "breast_cancer", "more", "others")
ARMS = {"none": {}, "good": {"epochs": 2}, "bad": {"epochs": 3}}
SHIFT = {"none": 0.0, "good": 0.05, "bad": -0.05}
COLUMNS = (Column("test accuracy", "test/accuracy"), Column("test NLL", "test/nll", "lower"))


def declared(**changes) -> Experiment:
    given = {"arms": ARMS, "columns": COLUMNS, "baseline": "none", "seeds": 4, **changes}
    return Experiment("over", "three arms", {"arch": "mlp"}, datasets=DATASETS, **given)


def table(
    lost: tuple[str, ...] = (),
    diverged: tuple[str, ...] = (),
    own_test_rows: tuple[str, ...] = (),
    seeds: int = 4,
    baseline: str | None = "none",
) -> DatasetsTable:
    """Rows of `lost` have no record, the first run of rows of `diverged` has no value; data sets of
    `own_test_rows` have test rows that no seed draws."""
    experiment = declared(baseline=baseline)
    noise = np.random.default_rng(0).normal(0, 0.01, (len(DATASETS), seeds))
    arms = []
    for label in ARMS:
        for place, dataset in enumerate(DATASETS):
            name = label_on(label, dataset)
            records = {}
            provenance = {"own_test_rows": 10} if dataset in own_test_rows else {}
            for seed in range(seeds):
                value = 0.7 + 0.03 * place + SHIFT[label] + noise[place, seed]
                metrics = {"test/accuracy": value, "test/nll": 1 - value}
                config = {"seed": str(seed), "split_seed": str(seed), "dataset": dataset}
                lacks = name in diverged and seed == 0
                records[seed] = Record(
                    f"{name} {seed}",
                    "diverged" if lacks else "finished",
                    config,
                    {} if lacks else metrics,
                    provenance=provenance,
                )
            arms.append(Arm(name, {} if name in lost else records))
    trained = build_table("over", arms, COLUMNS, None, range(seeds))
    return datasets_table(trained, experiment.arms, "Declared.")


def test_a_declaration_has_a_row_per_arm_and_data_set():
    experiment = declared()
    assert len(experiment.arms) == 18
    assert experiment.arms["good, wine"] == {"epochs": 2, "dataset": "wine"}
    assert experiment.baseline is None
    assert experiment.arms.baseline == "none"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": {"none": {"dataset": "iris"}}}, "'none' sets dataset; leave it out"),
        ({"baseline": "nine"}, "the baseline 'nine' is no arm; did you mean none?"),
        ({"arms": {}, "factors": {"a": {"epochs": 2}}}, "has datasets and factors"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(UserError, match=message.replace("?", r"\?")):
        declared(**changes)
    with pytest.raises(UserError, match="name two data sets or more"):
        Experiment("over", "", {}, ARMS, datasets=("iris", "iris"))


def test_ranks_and_what_stands_beside_them():
    """Friedman's statistic by scipy within float64 rounding; Nemenyi's difference to its three
    decimals."""
    built = table()
    none, good, bad = built.rows
    assert [row.together[0].rank for row in built.rows] == [2, 1, 3]
    # Six data sets, each with the ranks 2, 1, 3: Friedman's statistic is 12.
    reference = stats.friedmanchisquare(*([rank] * 6 for rank in (2, 1, 3)))
    assert built.rankings[0].statistic == pytest.approx(12)
    assert built.rankings[0].p == pytest.approx(stats.chi2.sf(12, 2))
    assert reference.statistic == pytest.approx(12)
    # Nemenyi: 2.343 sqrt(3 * 4 / (6 * 6)) = 1.353, so neither differs from the baseline.
    assert built.rankings[0].critical_difference == pytest.approx(1.353, abs=1e-3)
    assert [row.together[0].verdict for row in built.rows] == ["", *["no difference shown"] * 2]
    assert none.together[0].improvement is None
    assert good.together[0].improvement.value > 0.9
    assert good.together[0].posterior[2] > 0.9
    assert bad.together[0].posterior[0] > 0.9
    middle = good.together[0].middle
    assert middle.low < middle.value < middle.high
    assert middle.value == pytest.approx(interquartile_mean(built.values[0][1]))
    # The lower metric: the same ranks, no margin and so no region; it is no share, and has no IQM.
    assert [row.together[1].rank for row in built.rows] == [2, 1, 3]
    assert good.together[1].middle is None
    assert "No IQM of test NLL: it is no share" in " ".join(built.footer)
    assert good.together[1].posterior is None
    assert "test NLL has no margin" in " ".join(built.footer)


def test_a_row_that_lacks_a_run_is_shown_and_not_ranked():
    built = table(lost=("bad, wine",))
    bad = built.rows[2]
    assert bad.cells[0][1].interval is None
    assert bad.cells[0][0].interval is not None
    assert bad.together[0].rank is None
    assert [row.together[0].rank for row in built.rows[:2]] == [2, 1]
    assert "bad, wine (4)" in " ".join(built.footer)


def test_it_prints_in_every_format():
    built = table()
    header = document(built).panels[0].header
    assert header[:3] == ("arm", "iris", "wine")
    assert header[-5:] == (
        "average rank", "IQM", "P(better)", "worse / equivalent / better", "verdict over data sets",
    )  # fmt: skip
    texts = {form: render(built, form) for form in FORMATS}
    assert all("none" in text for text in texts.values())
    rows = list(csv.DictReader(io.StringIO(texts["csv"])))
    assert len(rows) == 3 * 2 * 6
    assert rows[0]["dataset"] == "iris"
    assert (rows[0]["bold"], rows[0]["missing"]) == ("false", "0")
    tree = json.loads(texts["json"])
    assert tree["rankings"][0]["ranks"] == [2, 1, 3]
    assert len(tree["tables"]) == 6


def test_figures_of_each():
    drawn = {name: drawing() for name, drawing in of_answer(table()).items()}
    kinds = ("ranks", "iqm", "improvement", "signed-ranks", "profiles")
    assert set(drawn) == {f"{kind}-test/accuracy" for kind in kinds} | {
        f"{kind}-test/nll" for kind in ("ranks", "improvement")
    }
    texts = {text.get_text().strip() for text in drawn["ranks-test/accuracy"].axes[0].texts}
    assert texts == {"good (1.00)", "none (2.00)", "bad (3.00)"}
    # Ranks 1 and 2, and 2 and 3, differ by less than 1.353: two bars beside three lines.
    assert len(drawn["ranks-test/accuracy"].axes[0].lines) == 5


def of_folds(lost: str = "", seeds: int = 1) -> DatasetsTable:
    """Three folds of each seed. lost: the row that has no record of fold 1."""
    arms = []
    for label in ARMS:
        for place, dataset in enumerate(DATASETS):
            name = label_on(label, dataset)
            by_seed = {}
            for seed in range(seeds):
                config = {"seed": str(seed), "dataset": dataset, "split": "kfold(3)"}
                records = [
                    Record(
                        f"{name} {seed} {fold}", "finished", {**config, "fold": str(fold)},
                        {"test/accuracy": 0.7 + 0.01 * (fold * place + seed) + SHIFT[label]},
                        provenance=FOLD_ROWS,
                    )
                    for fold in range(3)
                    if (name, fold) != (lost, 1)
                ]  # fmt: skip
                by_seed[seed] = (records, 3)
            arms.append(with_seed_values(Arm(name, {}), by_seed, None))
    columns = COLUMNS[:1]
    trained = build_table("over", arms, columns, None, range(seeds))
    return datasets_table(trained, declared(seeds=seeds, columns=columns).arms, "Declared.")


def test_folds_of_one_seed_stay_folds_on_each_data_set():
    """Means of folds by hand, within float64 rounding."""
    built = of_folds()
    assert {each.pair for each in built.tables} == {FOLD}
    assert {type(null) for each in built.tables for null in each.nulls} == {SharedFolds}
    assert "over n = 3 folds of one seed." in built.caption
    assert "corrected for the training rows that the folds share" in built.caption
    # The mean of a data set's folds is its only value, so that no fold is drawn as a run.
    good = built.rows[1].together[0]
    means = [0.75 + 0.01 * place for place in range(len(DATASETS))]
    assert built.values[0][1] == pytest.approx(np.array([means]))
    assert good.middle.value == pytest.approx(np.mean(means[1:5]))
    assert (good.middle.low, good.improvement) == (None, Spanned(1.0))
    assert "[" not in render(built, "md")
    assert "not independent runs" in " ".join(built.footer)


def test_a_fold_without_a_record_is_missing_on_its_data_set_alone():
    built = of_folds("good, wine")
    good = built.rows[1]
    assert good.cells[0][1].outcomes == ("finished", "missing", "finished")
    assert good.cells[0][0].complete
    assert [row.together[0].rank for row in built.rows] == [1, None, 2]
    assert "(2/3)" in render(built, "md")


def test_several_seeds_of_folds_are_seeds():
    built = of_folds(seeds=2)
    assert {each.pair for each in built.tables} == {"seed"}
    assert "over n = 2 seeds." in built.caption
    assert built.values[0].shape == (3, 2, 6)
    assert built.rows[1].together[0].middle.low is not None


def test_one_run_on_each_data_set_has_no_interval():
    built = table(seeds=1)
    good = built.rows[1].together[0]
    assert (good.middle.low, good.improvement.low) == (None, None)
    assert good.improvement.value == 1
    assert "bootstrap" not in " ".join(built.footer)
    assert "95 % interval" not in " ".join(built.footer)


def test_claims_that_differ_are_told_with_their_data_sets():
    built = table(own_test_rows=("iris", "more"))
    assert "On iris, more: Intervals and verdicts are about these rows of data only" in (
        built.caption
    )
    assert "On wine, digits, breast_cancer, others: Intervals and verdicts are about new rows" in (
        built.caption
    )
    assert "On iris" not in table().caption


def test_cells_count_the_runs_that_they_lack():
    built = table(lost=("bad, wine",), diverged=("good, iris",))
    _, good, bad = document(built).panels[0].rows
    assert good[1].text.endswith("(3/4)")
    assert bad[2].text == "missing (0/4)"
    rows = {
        (row["row"], row["dataset"], row["metric"]): row
        for row in csv.DictReader(io.StringIO(render(built, "csv")))
    }
    assert rows["good", "iris", "test/accuracy"]["diverged"] == "1"
    assert rows["bad", "wine", "test/accuracy"]["missing"] == "4"


def test_the_footer_speaks_of_what_there_is():
    text = " ".join(table(baseline=None).footer)
    assert "P(better)" not in text
    assert "Bold: on each data set, the best mean" in " ".join(table(seeds=8).footer)
    assert "Bold:" not in " ".join(table(seeds=1).footer)
    few = " ".join(table(lost=("bad, wine", "good, wine")).footer)
    assert "Average rank" not in few
    assert "P(better)" not in few


def test_the_footer_leaves_out_columns_that_are_not_shown():
    text = " ".join(document(View(columns=("arm", "iris", "IQM")).apply(table())).footer)
    assert "IQM: the mean of the middle half" in text
    assert not [each for each in ("Average rank:", "P(better)", "equivalent") if each in text]
