"""Metrics of the library, from `--metrics` to a table's cell and an evaluation."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn import metrics as sk

from tests.support.command_lines import Result, run_all
from tests.support.records import stored_records

WINE = ["--dataset=wine", "--arch=linear", "--epochs=2"]
LR = "--grid=learning_rate=0.1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("metrics")


def run(folder: Path, *cases: list[str]) -> list[Result]:
    return run_all(list(cases), folder)


def test_from_training_to_tables_and_evaluations(folder: Path) -> None:
    """The recorded values are scikit-learn's of the predictions, out of fold and of an
    evaluation."""
    added = "--metrics=f1_macro,mcc,brier"
    folds = [*WINE, "--split=kfold(3)", added, "--records=folds"]
    trained, folded, swept = run(
        folder,
        ["train", *WINE, added, "--keep_params", "--name=mine"],
        ["train", *folds, "--out=files"],
        ["sweep", *folds, "--columns=oof/f1_macro,test/mcc"],
    )
    assert trained.code == folded.code == swept.code == 0, trained.err + folded.err + swept.err
    with (folder / "files/oof.csv").open() as file:
        table = list(csv.DictReader(file))
    target, predicted = ([row[name] for row in table] for name in ("target", "prediction"))
    assert f"f1_macro {sk.f1_score(target, predicted, average='macro'):.4f}" in folded.out
    (f1,) = re.findall(r"^oof .* f1_macro ([.\d]+)", folded.out, re.MULTILINE)
    assert f1 in swept.out
    (evaluated,) = run(folder, ["evaluate", "--run=mine", "--out=evaluation"])
    assert evaluated.code == 0, evaluated.err
    (record,) = stored_records(folder).values()
    with (folder / "evaluation/predictions.csv").open() as file:
        table = list(csv.DictReader(file))
    target, predicted = ([row[name] for row in table] for name in ("target", "prediction"))
    p = np.array([[float(row[f"p({k})"]) for k in sorted(set(target))] for row in table])
    expected = {
        "f1_macro": sk.f1_score(target, predicted, average="macro"),
        "mcc": sk.matthews_corrcoef(target, predicted),
        "brier": sk.brier_score_loss(target, p),
    }
    for name, value in expected.items():
        assert record["metrics"][f"test/{name}"] == pytest.approx(value, abs=1e-7)
        assert f"{name} {record['metrics'][f'test/{name}']!r}" in evaluated.out


def test_what_cannot_be_measured_is_said(folder: Path) -> None:
    known, unknown, two, five, absent = run(
        folder,
        ["train", *WINE, "--metrics=accuracy"],
        ["train", *WINE, "--metrics=f1_makro"],
        ["train", *WINE, "--metrics=f1"],
        ["train", *WINE, "--metrics=top_5"],
        ["sweep", *WINE, "--grid=seed=0", "--columns=test/mcc"],
    )
    assert {known.code, unknown.code, two.code, five.code, absent.code} == {2}
    assert "classification measures it in any case" in known.err
    assert "f1_macro" in unknown.err
    assert "top_5 is 1 for wine, which has 3 classes; leave it out" in five.err
    assert "it is of the second of two classes, and wine has 3" in two.err
    assert "--metrics=mcc" in absent.err


def test_gaps_and_parts_are_columns(folder: Path) -> None:
    """The gap is the difference of its columns; bias and net variance are the models' mean error
    over the rows outside of two samples or more."""
    samples = [*WINE, "--split=bootstrap(8)", "--records=samples"]
    columns = "--columns=test/accuracy,train/accuracy,train/accuracy - test/accuracy,oof/bias"
    swept, absent, unknown = run(
        folder,
        ["sweep", *samples, f"{columns},oof/net_variance", "--seeds=1", LR],
        ["sweep", *WINE, LR, "--split=kfold(3)", "--columns=oof/bias"],
        ["sweep", *WINE, LR, "--columns=train/accuracy - test/acuracy"],
    )
    assert swept.code == 0, swept.err
    assert absent.code == unknown.code == 2
    assert "--split='bootstrap(20)'" in absent.err
    assert "test/accuracy" in unknown.err
    by_row: dict[int, list[bool]] = {}
    for path in folder.glob("samples/predictions/*.npz"):
        with np.load(path) as kept:
            wrong = kept["test_scores"].argmax(axis=1) != kept["test_targets"]
            for row, is_wrong in zip(kept["test_rows"], wrong, strict=True):
                by_row.setdefault(int(row), []).append(bool(is_wrong))
    expected = np.mean([np.mean(of_row) for of_row in by_row.values() if len(of_row) > 1])
    (line,) = re.findall(r"^\| all runs \|(.*)\|$", swept.out, re.MULTILINE)
    test, train, gap, bias, variance = map(float, line.split("|"))
    assert bias + variance == pytest.approx(expected, abs=1e-4)
    assert gap == pytest.approx(train - test, abs=0.011)
