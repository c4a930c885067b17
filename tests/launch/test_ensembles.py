"""Ensembles end to end: trained, swept, tabulated and refused by the launchers."""

import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine

import research as rs
from tests.support.command_lines import run_all

WINE = ["--dataset=wine", "--arch=linear", "--epochs=2"]


def test_an_ensemble_is_trained_and_is_a_row(tmp_path: Path) -> None:
    """The evaluation of the kept members prints the NLL that training printed, to four digits."""
    saved = ["train", *WINE, "--ensemble=bagging(2)", "--keep_params", "--name=saved"]
    kept, evaluated, refused, verified, packed = run_all(
        [
            saved,
            ["evaluate", "--run=saved", "--out=out"],
            ["evaluate", "--run=saved", "--split=train"],
            ["verify", "--run=saved"],
            ["package", "--run=saved", "--out=packed"],
        ],
        tmp_path,
    )
    assert packed.code == 0, packed.err
    x = load_wine().data[:3].astype(np.float32)
    alone = rs.load(str(tmp_path / "packed")).predict(x)
    np.testing.assert_array_equal(alone, rs.load("saved", records=f"{tmp_path}/records").predict(x))
    assert verified.code == 0, verified.err
    assert verified.out.count("identical") == 5  # two members, what they kept, and the ensemble
    assert "bagging: identical: its predictions and metrics" in verified.out
    assert kept.code == evaluated.code == 0, evaluated.err
    (nll,) = re.findall(r"^test .*?\bnll ([.\d]+)", kept.out, re.MULTILINE)
    (again,) = re.findall(r"^test .*?\bnll ([.\d]+)", evaluated.out, re.MULTILINE)
    assert float(again) == pytest.approx(float(nll), abs=5.1e-5)  # four digits are printed
    assert "its 2 members; 18 rows" in evaluated.out
    assert (tmp_path / "out" / "predictions.csv").exists()
    assert refused.code == 2
    trained, swept, table, folds = run_all(
        [
            ["train", *WINE, "--ensemble=seeds(2)"],
            ["sweep", *WINE, "--grid=ensemble=none|seeds(2)", "--seeds=2", "--name=e"],
            ["table", "--name=e", "--no_train", "--format=csv"],
            ["train", *WINE, "--ensemble=seeds(2)", "--split=kfold(3)"],
        ],
        tmp_path,
    )
    assert trained.code == 0, trained.err
    assert "of 2 runs: each of" in trained.out
    assert "disagreement" in trained.out
    assert swept.code == 0, swept.err
    assert "members accuracy" in swept.out
    assert "members disagreement" in swept.out
    assert table.code == 0, table.err
    assert ",seeds,2," in table.out
    assert folds.code == 0, folds.err
    assert "out of fold: 178 rows" in folds.out


def test_what_cannot_be_an_ensemble_is_one_line(tmp_path: Path) -> None:
    cases = {
        "--ensemble=seed(5)": "unknown ensemble 'seed(5)'; did you mean seeds?",
        "--ensemble=seeds(1)": "ensemble.members=1 is out of range",
        "--columns=members/accuracy": "is of the members of an ensemble, and no run is one",
    }
    results = run_all([["sweep", *WINE, flag] for flag in cases], tmp_path)
    for result, text in zip(results, cases.values(), strict=True):
        assert result.code == 2
        assert text in result.err
        assert result.err.strip().count("\n") == 0, result.err
    tuned, sequences = run_all(
        [
            ["tune", *WINE, "--sample=learning_rate=log(1e-3,1)", "--ensemble=seeds(2)"],
            [
                "train",
                "--dataset=bernoulli_bandit",
                "--objective=policy_gradient",
                "--ensemble=seeds(2)",
            ],
        ],
        tmp_path,
    )
    assert (tuned.code, sequences.code) == (2, 2), sequences.err
    assert "is made of several runs" in tuned.err
    assert "combines the scores of one target per example" in sequences.err
