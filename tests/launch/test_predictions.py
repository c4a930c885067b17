"""--keep_predictions end to end: trained, read, verified, listed and deleted by the launchers."""

import csv
import json
import re
import statistics
from pathlib import Path

import numpy as np
import pytest

from research.statistics.crossed import crossed
from tests.support.command_lines import Result, run_all
from tests.support.records import stored_records

WINE = ["--dataset=wine", "--arch=linear", "--epochs=2"]
KEEP = "--keep_predictions"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("predictions")


def run(folder: Path, *cases: list[str]) -> list[Result]:
    return run_all(list(cases), folder)


def test_they_are_those_of_the_records_metrics(folder: Path) -> None:
    """A finished run that kept none is trained again for them; its record keeps its bits."""
    first, again = run(
        folder, ["train", *WINE, "--name=mine"], ["train", *WINE, "--name=mine", KEEP]
    )
    assert first.code == again.code == 0, again.err
    (path,) = folder.glob("records/predictions/*.npz")
    (record,) = stored_records(folder).values()
    with np.load(path) as stored:
        kept = dict(stored)
    for part in ("validation", "test"):
        right = kept[f"{part}_scores"].argmax(axis=1) == kept[f"{part}_targets"]
        assert right.mean() == pytest.approx(record["metrics"][f"{part}/accuracy"])
    rows = [*kept["validation_rows"], *kept["test_rows"]]
    assert len(set(rows)) == len(rows) == 36


def test_folds_keep_each_row_once(folder: Path) -> None:
    result, single, sweep = run(
        folder,
        ["train", *WINE, "--split=kfold(3)", "--records=folds", "--out=files"],
        ["train", *WINE, "--out=files"],
        ["sweep", *WINE, "--split=kfold(3)", "--columns=oof/roc_auc", "--records=swept"],
    )
    assert result.code == 0, result.err
    with (folder / "files/oof.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [int(row["row"]) for row in table] == list(range(178))
    assert {row["fold"] for row in table} == {"0", "1", "2"}
    right = statistics.fmean(row["target"] == row["prediction"] for row in table)
    assert f"oof        accuracy {right:.4f}" in result.out
    assert single.code == 2
    assert "--out writes what folds predict, and this is one run" in single.err
    assert sweep.code == 0, sweep.err
    assert "oof roc_auc: one value per seed over all rows" in " ".join(sweep.out.split())
    (auc,) = re.findall(r"^oof .* roc_auc ([.\d]+)", result.out, re.MULTILINE)
    assert auc in sweep.out
    rows = [np.load(path)["test_rows"] for path in folder.glob("folds/predictions/*.npz")]
    assert len(rows) == 3
    assert sorted(np.concatenate(rows)) == list(range(178))


def test_they_are_verified_listed_and_deleted(folder: Path) -> None:
    verified, listed = run(folder, ["verify", "--run=mine"], ["runs"])
    assert verified.code == 0, verified.err
    assert "kept predictions: identical" in verified.out
    assert "predictions" in listed.out + listed.err
    (path,) = folder.glob("records/predictions/*.npz")
    with np.load(path) as stored:
        arrays = dict(stored)
    arrays["test_scores"][3] += 1
    np.savez(path, **arrays)
    (differs,) = run(folder, ["verify", "--run=mine"])
    assert differs.code == 1
    assert "kept predictions: 1 test rows differ" in differs.out
    path.write_bytes(path.read_bytes()[:100])
    (damaged,) = run(folder, ["verify", "--run=mine"])
    assert damaged.code == 2
    assert "are damaged" in damaged.err
    assert "Traceback" not in damaged.err
    again, deleted = run(folder, ["train", *WINE, KEEP], ["runs", "--delete=mine", "--yes"])
    assert again.code == deleted.code == 0, again.err + deleted.err
    assert not [*folder.glob("records/predictions/*.npz")]


def test_a_task_with_a_score_per_place_is_refused(folder: Path) -> None:
    flags = ["--dataset=noisy_ar2", "--arch=ar", "--epochs=3", KEEP]
    race = ["--sample=learning_rate=log(1e-3,1)", "--trials=2", "--pruner=median"]
    for result in run(folder, ["train", *flags], ["tune", *flags, *race]):
        assert result.code == 2
        assert "--keep_predictions keeps the scores of each row" in result.err


def test_a_fixed_split_has_verdicts_on_new_rows_by_the_kept_scores(folder: Path) -> None:
    """Its intervals are those of seeds and rows as crossed effects, from the kept files."""
    sweep = ["sweep", *WINE, "--split_seed=7", "--grid=regularization=none|l2=0.3"]
    asked = [*sweep, "--seeds=3", "--baseline=regularization=none", "--format=json"]
    without, with_scores = run(
        folder, [*asked, "--records=fixed"], [*asked, "--records=fixed", "--name=kept", KEEP]
    )
    assert without.code == with_scores.code == 0, with_scores.err
    before, table = json.loads(without.out), json.loads(with_scores.out)
    assert (before["claims"], table["claims"]) == (["rows", "rows"], ["new", "new"])
    assert "(--keep_predictions)" in " ".join(before["footer"])
    assert "for models trained on these training rows" in table["caption"]
    assert "test rows would" in " ".join(table["footer"])
    for row in table["rows"]:
        right = []
        for run_id in row["run_ids"]:
            with np.load(folder / f"fixed/predictions/{run_id}.npz") as kept:
                right.append(kept["test_scores"].argmax(1) == kept["test_targets"])
        expected = crossed(np.array(right)[..., None]).interval(np.array(right).mean(1), 0)
        cell = row["cells"][1]
        assert cell["interval"]["mean"] == pytest.approx(expected.mean)
        assert cell["interval"]["half_width"] == pytest.approx(expected.half_width)
    export = ["export", "--records=fixed", "--name=kept", "--to=csv", "--out=exported"]
    shown, exported = run(
        folder, ["table", "--records=fixed", "--name=kept", "--format=json"], export
    )
    assert shown.code == exported.code == 0, exported.err
    written = json.loads((folder / "exported/tables/kept/table.json").read_text())
    assert (written["caption"], written["claims"]) == (
        json.loads(shown.out)["caption"],
        ["new", "new"],
    )
