"""What a table claims: about the same rows, or about new ones."""

import dataclasses
import json
import math

import numpy as np
import pytest

from research.analysis import claim_text
from research.analysis.arms_table import Arm, Column
from research.analysis.kept_scores import KeptScores
from research.analysis.render import render
from research.analysis.scope import null_of, overlap
from research.analysis.table_builder import Scope, build_table
from research.errors import UserError
from research.statistics.crossed import crossed
from research.statistics.nulls import SharedRows, SignFlips
from research.sweeps.records.predictions import Predictions
from research.training.engine.predicted_rows import PredictedRows
from tests.support.records import arm as arm_of
from tests.support.records import record

ACCURACY = Column("test accuracy", "test/accuracy")
VALUES = {
    "none": [0.90, 0.92, 0.91, 0.94, 0.93, 0.95, 0.92, 0.90],
    "good": [0.93, 0.94, 0.95, 0.96, 0.97, 0.98, 0.95, 0.92],
}


def arms(split_seed: str | None = None, **config: str) -> list[Arm]:
    return [
        Arm(
            label,
            {
                seed: record(
                    f"{label}{seed}", seed, value, split_seed=split_seed or str(seed), **config
                )
                for seed, value in enumerate(values)
            },
        )
        for label, values in VALUES.items()
    ]


def configs(given: list[Arm]) -> list:
    return [config for arm in given for config in arm.configs()]


@pytest.mark.parametrize(
    ("split", "metric", "share"),
    [
        ("8:1:1", "test/accuracy", 0.1),
        ("6:2:2", "validation/accuracy", 0.2),
        ("8:2", "test/accuracy", 0.2),
        ("8:2", "validation/accuracy", None),
        ("8:1:1", "train/accuracy", None),
    ],
)
def test_splits_share_the_part_of_all_rows_that_they_evaluate(split, metric, share):
    assert overlap(configs(arms(split=split)), metric) == share
    assert overlap(configs(arms(split=split, train_size="100")), metric) == share


def test_nothing_is_known_of_new_rows_where_the_rows_are_the_same():
    assert overlap(configs(arms(split_seed="0")), "test/accuracy") is None
    assert overlap(configs(arms(task="forecast")), "test/accuracy") is None
    assert overlap([], "test/accuracy") is None


def test_test_rows_that_no_split_draws_allow_no_claim_about_new_ones():
    def fixed(arm: Arm) -> Arm:
        records = {
            seed: dataclasses.replace(
                one, provenance={**one.provenance, "own_test_rows": 40, "test_rows": 40}
            )
            for seed, one in arm.records.items()
        }
        return dataclasses.replace(arm, records=records)

    built = build_table("T", [fixed(arm) for arm in arms()], [ACCURACY], "none", range(8))
    assert built.claims == ("rows",)
    assert built.caption.startswith("T. Tested on the data set's own 40 test rows.")


@pytest.mark.parametrize(
    ("split_seed", "sentence"),
    [
        (None, "T. Tested on 18 to 20 rows; each seed draws its own split."),
        ("7", "T. Tested on 18 to 20 rows; all seeds share one split (split seed 7)."),
    ],
)
def test_the_caption_says_first_which_rows_test_and_how_many(split_seed, sentence):
    given = [
        dataclasses.replace(
            arm,
            records={
                seed: dataclasses.replace(one, provenance={"test_rows": 18 + 2 * (seed % 2)})
                for seed, one in arm.records.items()
            },
        )
        for arm in arms(split_seed)
    ]
    assert build_table("T", given, [ACCURACY], "none", range(8)).caption.startswith(sentence)


def test_the_mean_and_its_interval_on_new_rows_by_hand():
    """Nadeau & Bengio's interval by hand; 1e-6 because the quantile is written with seven
    digits."""
    built = build_table("T", arms(), [ACCURACY], "none", range(8))
    values = VALUES["none"]
    mean = math.fsum(values) / 8
    variance = math.fsum((value - mean) ** 2 for value in values) / 7
    # t(0.975, 7) = 2.364624; the test rows are a tenth of all, so 1/8 + 1/9
    expected = 2.364624 * math.sqrt((1 / 8 + 1 / 9) * variance)
    assert built.row("none").cells[0].interval.half_width == pytest.approx(expected, rel=1e-6)
    assert built.claims == ("new",)
    assert "about new rows from the same source" in built.caption
    assert "verdict on new data" in render(built, "md")
    assert "verdict on new data" in render(built, "tex")
    assert json.loads(render(built, "json"))["claims"] == ["new"]


def test_a_claim_can_be_asked_for():
    rows = build_table("T", arms(), [ACCURACY], "none", range(8), scope=Scope("rows"))
    new = build_table("T", arms(), [ACCURACY], "none", range(8), scope=Scope("new"))
    assert "about these rows of data only" in rows.caption
    widths = [built.row("good").cells[0].difference.half_width for built in (rows, new)]
    assert widths[0] < widths[1]
    with pytest.raises(
        UserError, match="--claim=new: 'test accuracy' is measured on the same rows"
    ):
        build_table("T", arms("0"), [ACCURACY], "none", range(8), scope=Scope("new"))
    assert build_table("T", arms("0"), [ACCURACY], "none", range(8)).claims == ("rows",)


JOINT = "from their joint distribution."


@pytest.mark.parametrize(
    ("nulls", "corrected", "between"),
    [
        (
            (SharedRows(0.1),) * 2,
            f"the row of all 2 columns by the step-down maximum of |t|, {JOINT}",
            None,
        ),
        ((SharedRows(0.1), SharedRows(0.2)), "the row of each column by", "the columns"),
        ((SharedRows(0.1), SignFlips()), "the row of each column by", "the columns"),
        (
            (SharedRows(0.1), SharedRows(0.1), SignFlips()),
            "the row of the columns with this test by",
            "the different tests",
        ),
    ],
)
def test_one_family_of_columns_says_what_corrects_for_them(nulls, corrected, between):
    """Columns of one distribution are drawn together; Holm's procedure joins the others."""
    built = build_table("T", arms(), [ACCURACY], "none", range(8))
    columns = tuple(Column(f"column {place}", "test/accuracy") for place in range(len(nulls)))
    *tests, last = claim_text.tests(
        dataclasses.replace(built, family="table", columns=columns, nulls=nulls)
    )
    assert all(corrected in sentence for sentence in tests)
    if between is None:
        assert corrected in last
    else:
        assert last == f"Holm's procedure corrects for {between}."


class KeptInTest(Predictions):
    """Scores in memory: which of 40 test rows each run has right."""

    def __init__(self, right: dict[str, np.ndarray]) -> None:
        super().__init__(None)
        object.__setattr__(self, "right", right)

    def has(self, run_id: str) -> bool:
        return run_id in self.right

    def load(self, run_id: str) -> dict[str, PredictedRows]:
        right = self.right[run_id]
        scores = np.stack([right, 1 - right], -1).astype(np.float32)
        predicted = PredictedRows(np.arange(len(right)), scores, np.zeros(len(right), int))
        return {"validation": predicted, "test": predicted}


def scored(seeds: int = 6) -> tuple[list[Arm], dict[str, np.ndarray]]:
    """Two arms on one split, with the rows that each run has right."""
    random = np.random.default_rng(0)
    right = {}
    given = []
    for label, share in (("none", 0.6), ("good", 0.8)):
        records = {}
        for seed in range(seeds):
            rows = (random.random(40) < share).astype(int)
            right[f"{label}{seed}"] = rows
            config = {"split_seed": "0", "task": "classification"}
            records[seed] = record(f"{label}{seed}", seed, float(rows.mean()), **config)
        given.append(Arm(label, records))
    return given, right


def test_kept_scores_of_a_fixed_test_set_allow_a_claim_about_new_rows():
    """The mean difference within float64 rounding; 5 % is the error of a critical value from 5,000
    draws."""
    given, right = scored()
    kept = KeptScores(KeptInTest(right))
    built = build_table("T", given, [ACCURACY], "none", range(6), scope=Scope(scores=kept))
    assert built.claims == ("new",)
    assert "about new test rows from the same source, for models trained on these" in built.caption
    pairs = np.array([right[f"good{seed}"] - right[f"none{seed}"] for seed in range(6)])
    by_hand = crossed(pairs[..., None]).interval(pairs.mean(1), 0)
    difference = built.row("good").cells[0].difference
    assert difference.mean == pytest.approx(by_hand.mean)
    # One comparison: the drawn critical value is near that of Student's t.
    assert difference.half_width == pytest.approx(by_hand.half_width, rel=0.05)
    rows = build_table("T", given, [ACCURACY], "none", range(6), scope=Scope("rows", kept))
    assert rows.claims == ("rows",)


def test_verdicts_on_validation_rows_name_them():
    given, right = scored()
    for arm in given:
        for one in arm.records.values():
            one.metrics["validation/accuracy"] = one.metrics["test/accuracy"]
    column = Column("val accuracy", "validation/accuracy")
    kept = KeptScores(KeptInTest(right))
    built = build_table("T", given, [column], "none", range(6), scope=Scope(scores=kept))
    assert "about new validation rows from the same source" in built.caption
    assert "test row" not in " ".join([built.caption, *built.footer])
    assert "from the 40 validation rows" in " ".join(built.footer)
    both = build_table("T", given, [column, ACCURACY], "none", range(6), scope=Scope(scores=kept))
    assert "about new validation and test rows" in both.caption
    without = build_table("T", given, [column], "none", range(6))
    assert "test row" not in " ".join(without.footer)


def test_scores_that_do_not_fit_allow_no_claim():
    given, right = scored()
    lacking = {name: rows for name, rows in right.items() if name != "good3"}
    assert null_of(None, given, ACCURACY, range(6), KeptScores(KeptInTest(lacking))).claim == "rows"
    other = right | {"good3": 1 - right["good3"]}  # their mean is not the recorded metric
    assert null_of(None, given, ACCURACY, range(6), KeptScores(KeptInTest(other))).claim == "rows"
    auc = Column("AUC", "test/roc_auc")
    assert null_of(None, given, auc, range(6), KeptScores(KeptInTest(right))).claim == "rows"


def test_a_run_without_a_value_leaves_the_others_their_claim():
    given, right = scored()
    failed = {
        seed: dataclasses.replace(one, status="failed", metrics={}) if seed == 2 else one
        for seed, one in given[1].records.items()
    }
    given[1] = Arm("good", failed)
    built = build_table(
        "T", given, [ACCURACY], "none", range(6), scope=Scope(scores=KeptScores(KeptInTest(right)))
    )
    assert built.claims == ("new",)
    assert built.nulls[0].n.tolist() == [6, 5]
    assert built.row("none").cells[0].interval.n == 6


def test_an_arm_with_one_seed_leaves_the_others_their_claim():
    """It gets no verdict, and the other row keeps its test over all of its seeds."""
    given, right = scored()
    single = Arm("single", {0: given[1].records[0]})
    scope = Scope("new", KeptScores(KeptInTest(right)))
    alone = build_table("T", given, [ACCURACY], "none", range(6), scope=scope)
    built = build_table("T", [*given, single], [ACCURACY], "none", range(6), scope=scope)
    assert built.claims == ("new",)
    assert built.row("single").cells[0].verdict == "cannot conclude at n=1"
    good, before = (each.row("good").cells[0] for each in (built, alone))
    assert good.interval == before.interval
    assert good.difference.half_width == pytest.approx(before.difference.half_width, rel=0.05)


def test_the_header_says_how_many_rows_or_windows_test():
    def header(**config: str) -> str:
        given = [
            dataclasses.replace(
                one,
                records={
                    seed: dataclasses.replace(record, provenance={"test_rows": 1200})
                    for seed, record in one.records.items()
                },
            )
            for one in arms("7", **config)
        ]
        return render(build_table("T", given, [ACCURACY], "none", range(8)), "md")

    rows, windows = header(task="classification"), header(task="forecast")
    assert "test accuracy (%, 1,200 rows) |" in rows
    assert "(--keep_predictions)" in rows
    assert "test accuracy (%, 1,200 windows) |" in windows
    assert "(--keep_predictions)" not in windows  # it has a score per place


def test_one_seed_makes_no_claim_about_new_rows():
    given = [arm_of("none", [0.9]), arm_of("good", [0.95])]
    with pytest.raises(UserError, match="one seed does not show how others would vary"):
        build_table("T", given, [ACCURACY], "none", [0], scope=Scope("new"))
