"""Estimates: one value per seed from the runs of its folds, and what has none."""

from typing import Any

import pytest

import research.catalogue  # noqa: F401
from research.analysis.axes import Grouping, sweep_table
from research.analysis.behind_row import behind_row
from research.analysis.runs_table import runs_of
from research.errors import UserError
from research.registry import ESTIMATES, SPLITTERS, Entry, Registry
from research.sweeps.column import Column
from research.sweeps.estimates.seed_value import seed_value
from research.sweeps.records.record import Record
from research.testing import conformance

ACCURACY = Column("test accuracy", "test/accuracy")


def fold(number: int, accuracy: float | None, seed: int = 0, **changes: Any) -> Record:
    """The record of a fold; accuracy None: it diverged."""
    config = {"fold": str(number), "seed": str(seed), "split": "kfold", "learning_rate": "0.1"}
    config |= changes
    run_id = f"{seed}{number}{config['learning_rate']}"
    if accuracy is None:
        return Record(run_id, "diverged", config, diverged_at=7, provenance={"seconds": 1.0})
    metrics = {"test/accuracy": accuracy, "test/nll": 1 - accuracy}
    curves = {"train/loss": [2.0 - number, 1.0, 0.5][: 3 - number % 2]}
    return Record(run_id, "finished", config, metrics, curves, provenance={"seconds": number + 1.0})


def test_the_mean_of_folds_by_hand() -> None:
    """The mean of three folds by hand, within float64 rounding."""
    value = seed_value([fold(2, 0.9), fold(0, 0.5), fold(1, 0.7)], 3)
    assert value.says == "mean of 3 folds"
    assert [run.config["fold"] for run in value.runs] == ["0", "1", "2"]
    assert value.record is not None
    assert value.record.metrics == pytest.approx({"test/accuracy": 0.7, "test/nll": 0.3})
    assert value.record.curves == {"train/loss": [1.0, 1.0]}  # as far as all folds trained
    assert value.record.provenance["seconds"] == 2.0
    assert value.record.config["fold"] == "none"


def test_the_identity_of_an_estimate_is_that_of_its_runs() -> None:
    first, again, other = (
        seed_value(runs, 2).record
        for runs in (
            [fold(0, 0.5), fold(1, 0.7)],
            [fold(1, 0.7), fold(0, 0.5)],
            [fold(0, 0.5, seed=1), fold(1, 0.7, seed=1)],
        )
    )
    ids = [record.run_id for record in (first, again, other) if record]
    assert ids[0] == ids[1] != ids[2]


def test_a_run_alone_is_its_own_record() -> None:
    record = fold(0, 0.5, fold="none")
    assert seed_value([record], 1).record is record
    assert seed_value([], 1).record is None


def test_a_fold_that_is_missing_or_diverged_is_the_seeds() -> None:
    assert seed_value([fold(0, 0.5), fold(2, 0.9)], 3).record is None
    diverged = seed_value([fold(0, 0.5), fold(1, None), fold(2, 0.9)], 3).record
    assert diverged is not None
    assert (diverged.status, diverged.metrics) == ("diverged", {})
    assert diverged.error == "fold 1 diverged"


def test_one_run_is_no_estimate_of_three() -> None:
    with pytest.raises(UserError, match="takes 1 run of a seed, and there are 3"):
        seed_value([fold(n, 0.5) for n in range(3)], 3, "single_run")
    with pytest.raises(UserError, match="unknown estimate 'mean_of_fold'; did you mean"):
        seed_value([fold(n, 0.5) for n in range(3)], 3, "mean_of_fold")


def test_a_table_averages_estimates() -> None:
    """Two seeds of three folds: 0.6 and 0.8 are the seeds' values, 0.7 their mean."""
    records = [fold(n, 0.5 + 0.1 * n + 0.2 * seed, seed) for seed in range(2) for n in range(3)]
    table = sweep_table("S", records, [ACCURACY])
    (row,) = table.rows
    assert row.cells[0].values == pytest.approx((0.6, 0.8))
    assert "Each seed's value is the mean of 3 folds. 6 runs stand behind the table." in (
        table.caption
    )
    assert [len(ids) for ids in table.tree()["rows"][0]["run_ids"]] == [3, 3]
    assert len(runs_of(table).rows) == 6
    assert all(record.run_id in behind_row(table, row.label) for record in records)


def test_a_seed_without_all_folds_counts_as_missing() -> None:
    records = [fold(n, 0.5, seed) for seed in range(2) for n in range(3)][:-1]
    asked = {record.run_id: 3 for record in records}
    (row,) = sweep_table("S", records, [ACCURACY], Grouping(asked=asked)).rows
    assert row.cells[0].values == (0.5, None)
    assert row.cells[0].outcomes == ("finished", "missing")


@pytest.mark.parametrize(
    ("kind", "entry"),
    [(kind, entry) for kind in (SPLITTERS, ESTIMATES) for entry in kind],
    ids=lambda value: value.kind if isinstance(value, Registry) else value.name,
)
def test_the_battery(kind: Registry[Any], entry: Entry) -> None:
    for check in conformance.trials(kind.kind, entry).values():
        check()
