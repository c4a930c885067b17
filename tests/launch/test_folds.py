"""Folds end to end: trained, swept, tabled, tuned and planned by the launchers."""

import json
import re
import statistics
from pathlib import Path

import pytest

from tests.support.command_lines import Result, run_all
from tests.support.records import stored_records

WINE = ["--dataset=wine", "--arch=linear", "--epochs=2"]
PLUGIN = '''
import statistics

import numpy as np

from research.plugin import estimate, splitter


@splitter
def halves(rows, labels, groups, seed, share: float = 0.5):
    """Two parts, each of which tests once."""
    order = np.random.default_rng(seed).permutation(rows)
    first, second = np.split(order, [int(rows * share)])
    return [(first, [], second), (second, [], first)]


@estimate(says="median of {runs} folds")
def median_of_folds(runs):
    """The median of each metric over the folds."""
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}
'''


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Result]]:
    folder = tmp_path_factory.mktemp("folds")
    (folder / "halves.py").write_text(PLUGIN)
    held_out = "--split=kfold(3,validation=0.2)"
    cases = {
        "train": ["train", *WINE, "--split=kfold(3)", "--name=folded"],
        "again": ["train", *WINE, "--split=kfold(3)", "--name=folded"],
        "one": ["train", *WINE, "--split=kfold(3)", "--fold=1"],
        "sweep": [
            "sweep", *WINE, "--split=kfold(3)", "--grid=learning_rate=0.01|0.1", "--seeds=2",
            "--name=rates",
        ],
        "table": ["table", "--name=rates", "--no_train", "--format=json"],
        "runs": ["table", "--name=rates", "--no_train", "--rows=runs", "--format=json"],
        "site": ["runs", "--html=site"],
        "median": [
            "sweep", "--plugin=halves.py", *WINE, "--split=halves(0.4)",
            "--estimate=median_of_folds",
        ],
        "small": [
            "train", *WINE, "--split=kfold(4)", "--fold=3", "--keep_params", "--name=small",
        ],
        "measured": ["evaluate", "--run=small", "--split=test"],
        "plan": ["plan", *WINE, "--split=kfold(4)", "--seeds=2"],
        "tune": [
            "tune", *WINE, held_out, "--sample=learning_rate=0.01|0.1", "--sampler=grid",
            "--report_seeds=2", "--name=tuned",
        ],
        "early": ["train", *WINE, "--split=kfold(3)", "--regularization=early_stopping=2"],
        "unchosen": ["tune", *WINE, "--split=kfold(3)", "--sample=learning_rate=0.01|0.1"],
        "ratio": ["train", *WINE, "--fold=0"],
        "beyond": ["train", *WINE, "--split=kfold(3)", "--fold=3"],
        "windows": ["train", "--dataset=noisy_ar2", "--arch=ar", "--split=kfold(3)"],
        "unknown": ["table", "--name=rates", "--no_train", "--estimate=median"],
        "raced": [
            "tune", *WINE, held_out, "--sample=learning_rate=0.01|0.1", "--pruner=median",
        ],
    }  # fmt: skip
    return folder, dict(zip(cases, run_all(list(cases.values()), folder), strict=True))


def test_train_prints_each_fold_and_their_mean(results: tuple[Path, dict[str, Result]]) -> None:
    """The mean of three printed values of four digits is off by at most 2e-4."""
    _, by_case = results
    out = by_case["train"].out
    assert by_case["train"].code == 0, by_case["train"].err
    assert "3 folds of split=kfold(3,validation=0)" in out
    blocks = out.split("mean of 3 folds")
    shown = [float(line.split()[2]) for line in blocks[0].splitlines() if line.startswith("test  ")]
    (mean,) = [float(line.split()[2]) for line in blocks[1].splitlines() if "test  " in line]
    assert len(shown) == 3
    assert mean == pytest.approx(statistics.fmean(shown), abs=2e-4)
    assert "nothing was trained: their records were there already" in by_case["again"].out
    assert "nothing was trained" in by_case["one"].out  # a fold alone is the fold among others
    assert "fold=1" in by_case["one"].out


def test_a_table_averages_the_folds_of_each_seed(
    results: tuple[Path, dict[str, Result]],
) -> None:
    """A seed's value is the mean of its folds' metrics, within float64 rounding."""
    folder, by_case = results
    assert by_case["sweep"].code == 0, by_case["sweep"].err
    table = json.loads(by_case["table"].out)
    assert "Each seed's value is the mean of 3 folds." in table["caption"]
    assert "12 runs stand behind the table." in table["caption"]
    by_id = stored_records(folder)
    for row in table["rows"]:
        (cell,) = row["cells"]
        for ids, value in zip(row["run_ids"], cell["values"], strict=True):
            folds = [by_id[run_id] for run_id in ids]
            assert [record["config"]["fold"] for record in folds] == ["0", "1", "2"]
            mean = statistics.fmean(record["metrics"]["test/accuracy"] for record in folds)
            assert value == pytest.approx(mean)
    assert len(json.loads(by_case["runs"].out)["runs"]) == 12


def test_the_pages_link_to_the_run_of_each_fold(results: tuple[Path, dict[str, Result]]) -> None:
    folder, by_case = results
    assert by_case["site"].code == 0, by_case["site"].err
    page = (folder / "site/sweep-rates-runs.html").read_text()
    links = re.findall(r'index.html#(\w+)">(.*?)</a>', page)
    assert len(links) == 12
    assert {run_id for run_id, _ in links} <= stored_records(folder).keys()
    assert [text for _, text in links[:3]] == ["0 (fold 0)", "0 (fold 1)", "0 (fold 2)"]


def test_a_splitter_and_an_estimate_of_ones_own(
    results: tuple[Path, dict[str, Result]],
) -> None:
    _, by_case = results
    assert by_case["median"].code == 0, by_case["median"].err
    assert "Each seed's value is the median of 2 folds." in " ".join(by_case["median"].out.split())


def test_a_fold_smaller_than_the_others_is_evaluated_on_its_rows(
    results: tuple[Path, dict[str, Result]],
) -> None:
    """Of 178 rows two folds have 45 and two have 44."""
    _, by_case = results
    measured = by_case["measured"]
    assert measured.code == 0, measured.err
    assert "; 44 rows" in measured.out
    (trained,) = [line for line in by_case["small"].out.splitlines() if line.startswith("test  ")]
    (shown,) = [line for line in measured.out.splitlines() if line.startswith("test  ")]
    assert f"{float(shown.split()[2]):.4f}" == trained.split()[2]


def test_plan_and_tune(results: tuple[Path, dict[str, Result]]) -> None:
    folder, by_case = results
    assert by_case["plan"].code == 0, by_case["plan"].err
    assert "8 runs" in by_case["plan"].out
    assert by_case["tune"].code == 0, by_case["tune"].err
    assert "mean of 3 folds" in " ".join(by_case["tune"].out.split())
    tuned = [
        r for r in stored_records(folder).values() if r["config"].get("split.validation") == "0.2"
    ]
    # Two trials of one seed, and the choice on two fresh seeds, of three folds each.
    assert len(tuned) == 12


@pytest.mark.parametrize(
    ("case", "message"),
    [
        (
            "early",
            "early_stopping reads the validation rows; split=kfold(3,validation=0) leaves none;"
            " try --split='kfold(3,validation=0.1)'",
        ),
        ("unchosen", "leaves no validation rows; try --split='kfold(3,validation=0.1)'"),
        ("ratio", "fold=0: split=8:1:1 has no folds; leave fold out"),
        ("beyond", "split=kfold(3,validation=0) has the folds 0 to 2, and fold is 3"),
        ("windows", "noisy_ar2 is one long sequence: windows in different folds would overlap"),
        ("unknown", "unknown estimate 'median'"),
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
