"""Nested folds end to end: a declared table and a tuning, against a choice by hand."""

import json
import statistics
from pathlib import Path

import pytest

from tests.support.command_lines import Result, run_all
from tests.support.records import stored_records

DECLARED = '''"""Chooses inside each fold."""

from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Choose, Experiment

EXPERIMENTS.add(
    Experiment(
        name="inside",
        summary="nested",
        base={"dataset": "wine", "arch": "linear", "epochs": 2, "split": "nested(2,2)", "batch_size": 16},
        arms={"a": {}},
        columns=(Column("test accuracy", "test/accuracy"), Column("OOF", "oof/accuracy")),
        seeds=3,
        choose=Choose("learning_rate", (0.001, 0.01, 0.5)),
    )
)
'''
WINE = ["--dataset=wine", "--arch=linear", "--epochs=2", "--batch_size=16"]
NESTED = [*WINE, "--split=nested(2,2)"]
RATES = "--sample=learning_rate=0.001|0.01|0.5"
CASES = {
    "status": ["plan", "--experiment=inside"],
    "table": ["table", "--experiment=inside", "--format=json"],
    "again": ["table", "--experiment=inside", "--no_train", "--format=json"],
    "tune": [
        "tune", *NESTED, RATES, "--sampler=grid", "--report_seeds=2", "--name=tuned",
        "--format=json",
    ],
    "alone": ["train", *NESTED],
    "early": [
        "tune", *NESTED, RATES, "--sampler=grid", "--report_seeds=1",
        "--regularization=early_stopping=2",
    ],
    "raced": ["tune", *NESTED, RATES, "--pruner=median"],
}  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Result]]:
    folder = tmp_path_factory.mktemp("nested")
    (folder / "experiments").mkdir()
    (folder / "experiments/inside.py").write_text(DECLARED)
    return folder, dict(zip(CASES, run_all(list(CASES.values()), folder), strict=True))


def metrics(folder: Path) -> dict[tuple[int, int, str], dict[str, float]]:
    """The metrics of each run, by seed, fold and learning rate."""
    return {
        (
            int(record["config"]["seed"]),
            int(record["config"]["fold"]),
            record["config"]["learning_rate"],
        ): record["metrics"]
        for record in stored_records(folder).values()
    }


def by_hand(runs: dict[tuple[int, int, str], dict[str, float]], seed: int) -> tuple[float, float]:
    """(nested, flat) accuracy of a seed: folds 0 and 1 test, and 2, 3 and 4, 5 choose for them."""
    rates = ("0.001", "0.01", "0.5")
    nested = []
    for fold, inner in enumerate(((2, 3), (4, 5))):
        means = [
            statistics.fmean(runs[seed, part, rate]["validation/accuracy"] for part in inner)
            for rate in rates
        ]
        nested.append(runs[seed, fold, rates[means.index(max(means))]]["test/accuracy"])
    flat = max(
        statistics.fmean(runs[seed, fold, rate]["test/accuracy"] for fold in range(2))
        for rate in rates
    )
    return statistics.fmean(nested), flat


@pytest.mark.parametrize(("case", "seeds"), [("table", [0, 1, 2]), ("tune", [1, 2])])
def test_the_cells_are_the_choice_by_hand(
    results: tuple[Path, dict[str, Result]], case: str, seeds: list[int]
) -> None:
    """Means over folds of the metrics that the choice by hand picks, within float64 rounding."""
    folder, by_case = results
    assert by_case[case].code == 0, by_case[case].err
    table = json.loads(by_case[case].out)
    labels = [column["label"] for column in table["columns"]]
    assert labels[:2] == ["test accuracy", "flat accuracy"]
    (row,) = table["rows"]
    expected = [by_hand(metrics(folder), seed) for seed in seeds]
    shown = zip(*(cell["values"] for cell in row["cells"][:2]), strict=True)
    for values, by_seed in zip(shown, expected, strict=True):
        assert values == pytest.approx(by_seed)
    assert "flat/accuracy is" in " ".join(table["footer"])


def test_out_of_fold_scores_take_each_fold_as_it_chose(
    results: tuple[Path, dict[str, Result]],
) -> None:
    """Of folds of equal size the out-of-fold accuracy is the mean of the folds."""
    _, by_case = results
    (row,) = json.loads(by_case["table"].out)["rows"]
    tested, _, out_of_fold = row["cells"]
    assert out_of_fold["values"] == pytest.approx(tested["values"])


def test_runs_are_trained_once(results: tuple[Path, dict[str, Result]]) -> None:
    folder, by_case = results
    assert by_case["again"].out == by_case["table"].out
    # Seeds 0, 1 and 2, of six folds and three values each; the tuning has the last two again.
    assert len(metrics(folder)) == 3 * 6 * 3
    assert "54 runs" in by_case["status"].out


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            "alone",
            "split=nested(2,2) chooses settings inside each fold, and nothing is chosen here",
        ),
        ("early", "early_stopping reads the validation rows; split=nested(2,inner=2,validation=0)"),
        ("raced", "--pruner trains a trial as one lane"),
    ],
)
def test_what_cannot_be_is_one_line(
    results: tuple[Path, dict[str, Result]], case: str, message: str
) -> None:
    _, by_case = results
    assert by_case[case].code == 2
    assert message in by_case[case].err
    assert "Traceback" not in by_case[case].err
