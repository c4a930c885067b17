"""Sources of variance, end to end: sources that do nothing have none, the others have some."""

import csv
import io
from pathlib import Path

import pytest

from tests.support.command_lines import Result, run_all

EXPERIMENT = """
from research.sweeps.column import Column
from research.sweeps.experiment import EXPERIMENTS, Experiment

COLUMNS = (Column("accuracy", "test/accuracy"), Column("train NLL", "train/nll", better="lower"))
DIGITS = {"dataset": "digits", "train_size": 200, "learning_rate": 0.1, "epochs": 2}
ARMS = {
    "zeros": {"arch": "linear", "batch_size": "full"},
    "mlp": {"arch.hidden": "16", "regularization": "dropout=0.2"},
}
EXPERIMENTS.add(
    Experiment("sources", "what varies", DIGITS, ARMS, COLUMNS, baseline="zeros", seeds=3)
)
EXPERIMENTS.add(
    Experiment("folds", "", {**DIGITS, "split": "kfold(2)"}, {"a": {}}, COLUMNS[:1], seeds=3)
)
"""
FEW = ["--draws=3", "--bases=2"]
CASES = {
    "nothing": ["--experiment=sources", *FEW, "--over=init,order,noise,split,rows"],
    "mlp": ["--experiment=sources", "--row=mlp", *FEW, "--figures=figures"],
    "folds": ["--experiment=folds", *FEW, "--over=split"],
    "rows of folds": ["--experiment=folds", *FEW],
    "misspelt": ["--experiment=sources", "--over=initt"],
    "row": ["--experiment=sources", "--row=mpl"],
    "twice": ["--experiment=sources", "--over=init,init"],
}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Result]]:
    folder = tmp_path_factory.mktemp("variance")
    (folder / "experiments").mkdir()
    (folder / "experiments" / "sources.py").write_text(EXPERIMENT)
    lines = [["variance", *flags, "--format=csv"] for flags in CASES.values()]
    return folder, dict(zip(CASES, run_all(lines, folder), strict=True))


def _variances(result: Result, column: str) -> dict[str, float]:
    assert result.code == 0, result.err
    table = result.out[result.out.index("source,") :].partition("\nwrote")[0]
    rows = csv.DictReader(io.StringIO(table))
    return {row["source"]: float(row["variance"]) for row in rows if row["column"] == column}


def test_what_a_row_does_not_draw_has_no_variance(
    results: tuple[Path, dict[str, Result]],
) -> None:
    """A linear model starts at zero, reads all rows at once, and has no noise."""
    variances = _variances(results[1]["nothing"], "accuracy")
    assert list(variances) == ["init", "order", "noise", "split", "rows", "together"]
    assert [variances[name] for name in ("init", "order", "noise")] == [0, 0, 0]
    assert min(variances["split"], variances["rows"]) > 0
    # The split is then the only source with a seed that does anything. 'together' redraws it anew.
    assert variances["together"] > 0
    assert variances["together"] != variances["split"]
    # The scores of training rows are not kept.
    assert "rows" not in _variances(results[1]["nothing"], "train NLL")


def test_every_source_of_a_network_varies(results: tuple[Path, dict[str, Result]]) -> None:
    folder, by_case = results
    assert all(value > 0 for value in _variances(by_case["mlp"], "train NLL").values())
    written = {path.name for path in (folder / "figures").iterdir()}
    assert {"variance-test-accuracy.png", "variance-train-nll.pdf"} <= written


def test_a_value_may_be_a_mean_of_folds(results: tuple[Path, dict[str, Result]]) -> None:
    assert _variances(results[1]["folds"], "accuracy")["split"] > 0


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("rows of folds", "rows: every row is evaluated in some fold; leave rows out of --over"),
        ("misspelt", "--over: there is no source 'initt'; did you mean init?"),
        ("row", "--row=mpl: did you mean mlp?"),
        ("twice", "--over=init,init names a source twice"),
    ],
)
def test_what_cannot_be_redrawn_is_said(
    results: tuple[Path, dict[str, Result]], case: str, line: str
) -> None:
    result = results[1][case]
    assert result.code == 2
    assert line in result.err
    assert "Traceback" not in result.err
