"""Tables over several data sets, from records whose values are known."""

import csv
import io
import json

import numpy as np
import pytest
from scipy import stats

from research.analysis.answer_figures import of_answer
from research.analysis.arms_table import Arm
from research.analysis.datasets_builder import datasets_table
from research.analysis.datasets_table import DatasetsTable
from research.analysis.layout import document
from research.analysis.render import FORMATS, render
from research.analysis.table_builder import build_table
from research.errors import UserError
from research.statistics.datasets import interquartile_mean
from research.sweeps.column import Column
from research.sweeps.declare.dataset_arms import label_on
from research.sweeps.experiment import Experiment
from research.sweeps.records.record import Record

DATASETS = ("iris", "wine", "digits", "breast_cancer", "more", "others")
ARMS = {"none": {}, "good": {"epochs": 2}, "bad": {"epochs": 3}}
SHIFT = {"none": 0.0, "good": 0.05, "bad": -0.05}
COLUMNS = (Column("test accuracy", "test/accuracy"), Column("test NLL", "test/nll", "lower"))


def declared(**changes) -> Experiment:
    given = {"arms": ARMS, "columns": COLUMNS, "baseline": "none", "seeds": 4, **changes}
    return Experiment("over", "three arms", {"arch": "mlp"}, datasets=DATASETS, **given)


def table(lost: tuple[str, ...] = ()) -> DatasetsTable:
    experiment = declared()
    noise = np.random.default_rng(0).normal(0, 0.01, (len(DATASETS), 4))
    arms = []
    for label in ARMS:
        for place, dataset in enumerate(DATASETS):
            name = label_on(label, dataset)
            records = {}
            for seed in range(4):
                value = 0.7 + 0.03 * place + SHIFT[label] + noise[place, seed]
                metrics = {"test/accuracy": value, "test/nll": 1 - value}
                config = {"seed": str(seed), "dataset": dataset}
                records[seed] = Record(f"{name} {seed}", "finished", config, metrics)
            arms.append(Arm(name, {} if name in lost else records))
    trained = build_table("over", arms, COLUMNS, None, range(4))
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
    # The lower metric: the same ranks, its values with their own sign, and no margin, no region.
    assert [row.together[1].rank for row in built.rows] == [2, 1, 3]
    middle = good.together[1].middle
    assert middle.low < middle.value < middle.high
    assert middle.value == pytest.approx(interquartile_mean(built.values[1][1]))
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
    tree = json.loads(texts["json"])
    assert tree["rankings"][0]["ranks"] == [2, 1, 3]
    assert len(tree["tables"]) == 6


def test_figures_of_each():
    drawn = {name: drawing() for name, drawing in of_answer(table()).items()}
    kinds = ("ranks", "iqm", "improvement", "signed-ranks", "profiles")
    assert set(drawn) == {f"{kind}-test/accuracy" for kind in kinds} | {
        f"{kind}-test/nll" for kind in kinds if kind != "signed-ranks"
    }
    texts = {text.get_text().strip() for text in drawn["ranks-test/accuracy"].axes[0].texts}
    assert texts == {"good (1.00)", "none (2.00)", "bad (3.00)"}
    # Ranks 1 and 2, and 2 and 3, differ by less than 1.353: two bars beside three lines.
    assert len(drawn["ranks-test/accuracy"].axes[0].lines) == 5
