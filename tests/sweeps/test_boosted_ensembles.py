"""Ensembles whose members depend on earlier ones: AdaBoost, gradient boosting and snapshots."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import research as rs
from research.errors import UserError
from research.registry import SCHEDULES
from research.sweeps.ensembles.gradient_boosting import sum_so_far
from research.sweeps.plan.run_plan import PlannedEnsemble, needed, stages
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.training.boosting.earlier_runs import boosted_weights
from research.training.boosting.reweighting import votes
from research.training.engine.predicted_rows import PredictedRows
from tests.support.engine import BASE, planner

IRIS = {"dataset": "iris", "arch": "linear", "epochs": 2, "batch_size": 32}


def planned(ensemble: str, **settings: Any) -> PlannedEnsemble:
    (run,) = planner().fitting([{**BASE, "ensemble": ensemble, **settings}])
    assert isinstance(run, PlannedEnsemble)
    return run


def test_members_are_trained_after_those_that_they_name() -> None:
    """The members of all seeds with one number are a stage, and share a program."""
    ensembles = [planned("adaboost(3)", seed=seed) for seed in (0, 1)]
    runs = [member for ensemble in ensembles for member in ensemble.members]
    first, second = (ensemble.members for ensemble in ensembles)
    assert needed(first[2]) == {first[0].id, first[1].id}
    assert stages(runs) == [list(pair) for pair in zip(first, second, strict=True)]
    assert len({run.program for run in runs}) == 1
    # Those before it are there already.
    assert stages(runs[2:3]) == [[first[2]]]


def test_more_members_begin_with_the_same_ones() -> None:
    few, many = planned("boosting(2,rate=0.5)"), planned("boosting(3,rate=0.5)")
    assert many.members[:2] == few.members
    # A member is another run where one before it is.
    others = planned("boosting(3,rate=0.25)").members
    assert not {run.id for run in others} & {run.id for run in many.members}
    seeds = [run.config.init_seed for run in many.members]
    assert len(set(seeds)) == 3


def test_cycles_of_snapshots_are_those_of_one_schedule() -> None:
    """Three cycles of two epochs have the rates of cosine_restarts over six, and each goes on from
    the one before it."""
    by_default = planned("snapshot(3)", epochs=6).members
    assert {run.config.schedule.name for run in by_default} == {"cosine"}
    of = planned("snapshot(3)", epochs=6, schedule="cosine(end=0.1)")
    tables = []
    for before, run in zip((None, *of.members), of.members, strict=False):
        assert run.config.init_from == (before and f"{before.id}:last")
        per_epoch = run.program.sizes.steps_per_epoch
        schedule = SCHEDULES.get(run.config.schedule.name)
        options = dict(run.config.schedule.options)
        tables.append(schedule.build(steps=run.program.steps, steps_per_epoch=per_epoch, **options))
    whole = SCHEDULES.get("cosine_restarts").build(
        steps=6 * per_epoch, steps_per_epoch=per_epoch, cycles=3, end=0.1
    )
    np.testing.assert_allclose(np.concatenate(tables), whole)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"epochs": 5}, "epochs=5 does not divide into the 3 cycles of snapshot; use 6"),
        ({"epochs": 6, "schedule": "linear"}, "leave schedule=linear out"),
        ({"epochs": 6, "schedule": "constant(warmup=2)"}, "leave schedule=constant out"),
        ({"epochs": 6, "init_from": f"{'0' * 16}:last"}, "leave init_from out"),
    ],
)
def test_what_snapshots_cannot_be(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says):
        planned("snapshot(3)", **settings)


def test_a_stopped_ensemble_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    """Two of three members, then all of them, have the bits of all at once; so has each seed beside
    another."""

    def records(name: str, *ensembles: str) -> dict[str, Record]:
        folders = {"records": str(tmp_path / name), "cache_dir": str(tmp_path / "cache")}
        for ensemble in ensembles:
            rs.sweep({**IRIS, "ensemble": ensemble}, seeds=2, **folders)
        store = Store(tmp_path / name)
        return {run_id: record for run_id in store.ids() if (record := store.read(run_id))}

    stopped = records("stopped", "adaboost(2)", "boosting(2)", "adaboost(3)")
    whole = records("whole", "adaboost(3)")
    for run_id, record in whole.items():
        again = dataclasses.replace(stopped[run_id], provenance=record.provenance)
        assert again == record
    ensembles = [record for record in whole.values() if record.config["ensemble"] != "none"]
    members = [record for record in whole.values() if record.config["ensemble"] == "none"]
    assert (len(ensembles), len(members)) == (2, 6)
    # What an ensemble answers is the weighted vote of its members.
    predictions = Predictions(Store(tmp_path / "whole"))
    kept = [predictions.load(run_id) for run_id in ensembles[0].provenance["members"]]
    weights = boosted_weights(kept, classes=3, rate=1.0).members
    answers = np.stack([of_member["test"].scores.argmax(axis=1) for of_member in kept])
    together = predictions.load(ensembles[0].run_id)["test"]
    np.testing.assert_allclose(together.scores, votes(answers, weights, classes=3))
    right = np.mean(together.scores.argmax(axis=1) == together.targets)
    assert ensembles[0].metrics["test/accuracy"] == right
    # Of boosting, the last member's metrics are the ensemble's.
    boosted = [r for r in stopped.values() if r.config["ensemble"] == "boosting"]
    assert len(boosted) == 2
    for ensemble in boosted:
        last = stopped[ensemble.provenance["members"][-1]]
        assert ensemble.metrics["test/accuracy"] == last.metrics["test/accuracy"]


def test_a_member_that_diverged_ends_its_ensemble(tmp_path: Path) -> None:
    """The members after it cannot be trained; the ensemble says which it was."""
    folders = {"records": str(tmp_path / "records"), "cache_dir": str(tmp_path / "cache")}
    settings = {**IRIS, "learning_rate": 1e38, "ensemble": "boosting(3)"}
    (run,) = rs.sweep(settings, seeds=1, **folders)
    assert run.record.status == "diverged"
    assert "member 0 diverged" in run.record.error
    assert len(list(Store(tmp_path / "records").ids())) == 2


def test_new_rows_are_summed_over_members() -> None:
    """Of rows that were kept the last member has the sum; of others each has its part."""
    rows, targets = np.arange(2), np.array([1.0, 3.0])
    kept = {"train": PredictedRows(rows, np.array([[1.5], [2.5]]), targets)}
    parts = ([[0.25], [0.5]], [[1.0], [-1.0]])
    predicted = [{**kept, "new": PredictedRows(rows, np.array(part), targets)} for part in parts]
    together = sum_so_far(predicted, classes=False)
    np.testing.assert_array_equal(together["train"].scores, [[1.5], [2.5]])
    # Beside the mean of the targets, 2.
    np.testing.assert_array_equal(together["new"].scores, [[3.25], [1.5]])
