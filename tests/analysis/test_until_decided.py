"""Seeds until decided: which rows get more seeds, when they stop, and what the table says."""

import dataclasses

import pytest

from research.analysis.arms_table import Arm
from research.analysis.table_builder import build_table
from research.analysis.table_report import TableReport
from research.analysis.until_decided import SeedBudget, until_decided
from research.errors import UserError
from research.sweeps.column import Column
from research.sweeps.experiment import Choose, Experiment
from research.sweeps.records.record import Record

COLUMNS = (Column("MSE", "test/mse", "lower"), Column("MAE", "test/mae", "lower"))
ARMS = {"base": {}, "worse": {}, "same": {}}


def experiment(**more) -> Experiment:
    return Experiment("e", "", {}, ARMS, COLUMNS, **({"baseline": "base"} | more))


def value(label: str, seed: int) -> float:
    """`worse` is higher by 1; `same` and `rising` move around `base` evenly."""
    same = 0.1 if seed % 2 else -0.1
    shift = {"base": 0.0, "worse": 1.0, "same": same, "rising": 0.02 * (seed - 3.5)}[label]
    return 5 + 0.01 * (seed % 3) + shift


def trainer(asked: list[dict[str, int]]):
    def train(declared: Experiment) -> TableReport:
        seeds = {label: declared.seeds_of(label) for label in declared.arms}
        asked.append({label: len(each) for label, each in seeds.items()})
        arms = [
            Arm(
                label,
                {
                    seed: Record(
                        f"{label}{seed}", "finished", {},
                        {"test/mse": value(label, seed), "test/mae": value(label, seed)},
                        parameters=20 if label == "base" else 10,
                    )
                    for seed in each
                },
                asked=frozenset(each) if len(each) < declared.seeds else None,
            )
            for label, each in seeds.items()
        ]  # fmt: skip
        return TableReport(build_table("e", arms, declared.columns, "base", range(declared.seeds)))

    return train


def test_only_undecided_rows_get_more_seeds() -> None:
    asked: list[dict[str, int]] = []
    table = until_decided(experiment(), SeedBudget(runs=45), trainer(asked)).table
    assert asked == [
        {"base": 8, "worse": 8, "same": 8},
        {"base": 12, "worse": 8, "same": 12},
        {"base": 18, "worse": 8, "same": 18},
    ]
    verdicts = {row.label: [cell.verdict for cell in row.cells] for row in table.rows}
    assert verdicts["worse"] == ["worse (look 1, n = 8)", ""]
    assert verdicts["same"] == ["undecided after 3 looks", ""]
    # Of 2^7 flips, those that align `worse` and those that align `same` are as extreme.
    assert table.row("worse").cells[0].p_adjusted == 2 * 2.0**-7
    assert "MAE was not tested." in table.footer
    assert not any(sentence.startswith(("p: ", "Bold")) for sentence in table.footer)
    assert "by two-sided sign flips paired by seed" in table.footer[0]


def test_a_margin_decides_which_rows_are_equivalent() -> None:
    asked: list[dict[str, int]] = []
    within = (Column("MSE", "test/mse", "lower", margin=0.5),)
    declared = Experiment("e", "", {}, ARMS, within, "base")
    table = until_decided(declared, SeedBudget(runs=1000), trainer(asked)).table
    verdicts = {row.label: row.cells[0].verdict for row in table.rows}
    assert verdicts["worse"] == "worse (look 1, n = 8)"
    assert verdicts["same"].startswith("equivalent (look ")


@pytest.mark.parametrize(("margin", "decided"), [(0.5, True), (0.053, False)])
def test_only_a_row_that_was_decided_is_called_as_good_and_cheaper(margin, decided) -> None:
    """With a small margin, eight seeds show that `rising` is equivalent if their number was fixed
    before, and not within what the first look may spend."""
    within = (Column("MSE", "test/mse", "lower", margin=margin),)
    declared = Experiment("e", "", {}, {"base": {}, "rising": {}}, within, "base")
    sentence = "As good within the margin, and cheaper: rising (10 of 20 parameters)."
    train = trainer([])
    assert sentence in train(dataclasses.replace(declared, seeds=8)).table.footer
    table = until_decided(declared, SeedBudget(runs=16), train).table
    assert table.row("rising").cells[0].verdict.startswith("equivalent (look") == decided
    assert table.footer.count(sentence) == decided


def test_a_budget_of_runs_counts_folds() -> None:
    asked: list[dict[str, int]] = []
    until_decided(experiment(), SeedBudget(runs=3 * 8 * 5), trainer(asked), folds=5)
    assert asked == [{"base": 8, "worse": 8, "same": 8}]


def test_it_ends_when_all_rows_are_decided() -> None:
    asked: list[dict[str, int]] = []
    clear = Experiment("e", "", {}, {"base": {}, "worse": {}}, COLUMNS, "base")
    until_decided(clear, SeedBudget(runs=1000), trainer(asked))
    assert asked == [{"base": 8, "worse": 8}]


@pytest.mark.parametrize(
    ("declared", "budget", "words"),
    [
        (experiment(baseline=None), SeedBudget(runs=100), "has no baseline"),
        (experiment(), SeedBudget(runs=20), "the first look takes 24 runs"),
        (
            experiment(choose=Choose("learning_rate", (0.1,), 1, "validation/mse", "lower")),
            SeedBudget(runs=100),
            "chooses a setting",
        ),
    ],
)
def test_what_cannot_be_decided_is_refused(declared, budget, words) -> None:
    with pytest.raises(UserError, match=words):
        until_decided(declared, budget, trainer([]))


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("200runs", SeedBudget(runs=200)),
        ("30min", SeedBudget(seconds=1800)),
        ("2h", SeedBudget(seconds=7200)),
    ],
)
def test_budgets_are_read(text, budget) -> None:
    assert SeedBudget.parse(text) == budget


@pytest.mark.parametrize("text", ["200", "runs", "0runs", "0min", "3epochs", "3 weeks"])
def test_what_is_no_budget_is_refused(text) -> None:
    with pytest.raises(UserError, match="write 200runs, 30min or 2h"):
        SeedBudget.parse(text)
