"""Host estimators: a fit in the place of a program of updates, shown by the constant predictor."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from research.errors import Stopped, UserError
from research.plugin import estimator
from research.registry import ARCHITECTURES
from research.sweeps.execute import local_executor
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.execution_options import DEFAULT
from research.sweeps.execute.observer import Observer
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.sweeps.records.verification import run_of, trial, verify
from research.testing import conformance
from research.testing.estimator_battery import ESTIMATOR_CHECKS
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.setup.lane_inputs import make_lane_inputs
from tests.support.engine import IMAGES, TABLE, data_of, planner
from tests.support.observing import Observing

ARCHS = ("constant", "mlp")
SETTINGS: dict[str, Any] = {"arch": "constant", "split": "4:1:1", "split_seed": 0}


def planned(**settings: Any) -> PlannedRun:
    return planner(settings.pop("regression", False)).runs([{**SETTINGS, **settings}])[0]


def outcome(of: PlannedRun) -> Any:
    (result,) = loop.train(of.program, [of.config], data_of(of).data, ExecutionStrategy(1, 1))
    return result


def rows(of: PlannedRun, split: str) -> np.ndarray:
    return np.asarray(
        getattr(make_lane_inputs(of.config, of.program, data_of(of).data).lane, split)
    )


def test_classes_are_predicted_by_their_frequencies() -> None:
    """As scikit-learn's DummyClassifier does on the same rows."""
    of, y = planned(), IMAGES.data.y
    reference = DummyClassifier(strategy="prior")
    train, test = rows(of, "train"), rows(of, "test")
    reference.fit(np.zeros((len(train), 1)), y[train])
    result = outcome(of)
    expected = reference.score(np.zeros((len(test), 1)), y[test])
    assert result.metrics["test/accuracy"] == pytest.approx(expected)
    shares = reference.predict_proba(np.zeros((len(test), 1)))
    nll = -np.log(shares[np.arange(len(test)), y[test]]).mean()
    assert result.metrics["test/nll"] == pytest.approx(nll, rel=1e-6)


def test_numbers_are_predicted_by_their_mean() -> None:
    """In the units of the data, as scikit-learn's DummyRegressor does."""
    of, y = planned(regression=True), TABLE.data.y
    train, test = rows(of, "train"), rows(of, "test")
    reference = DummyRegressor().fit(np.zeros((len(train), 1)), y[train])
    error = reference.predict(np.zeros((len(test), 1))) - y[test]
    assert outcome(of).metrics["test/mse"] == pytest.approx(np.mean(error**2), rel=1e-6)


def test_a_setting_that_does_not_apply_is_refused_alone_and_noted_in_a_mixed_sweep() -> None:
    with pytest.raises(UserError, match="--learning_rate does not apply to arch=constant"):
        planned(learning_rate=0.3)
    with pytest.raises(UserError, match=r"--optimizer.momentum does not apply"):
        planned(**{"optimizer.momentum": 0.9})
    plans = planner()
    training = {"learning_rate": 0.3, "batch_size": 8}
    mixed = [{**SETTINGS, **training, "arch": arch} for arch in ("constant", "mlp")]
    fitted, trained = plans.runs(mixed)
    assert fitted.id == planned().id  # what does not apply is no part of its identity
    assert fitted.id != trained.id
    (note,) = [note for note in plans.notes([fitted, trained]) if "host" in note]
    assert note.endswith("what does not apply to it: batch_size, learning_rate.")


def test_a_row_of_an_experiment_may_have_the_settings_of_the_networks_beside_it() -> None:
    plans = planner()
    base = {**SETTINGS, "batch_size": 8, "optimizer": "sgd", "optimizer.momentum": 0.8}
    rows = {arch: [{**base, "arch": arch, "seed": seed} for seed in (0, 1)] for arch in ARCHS}
    runs = plans.plan_rows(rows)
    assert [run.id for run in runs["constant"]] == [planned().id, planned(seed=1).id]
    every = [run for of_row in runs.values() for run in of_row]
    (note,) = [note for note in plans.notes(every) if "host" in note]
    assert "batch_size" in note
    assert "optimizer.momentum" in note
    # Still refused: what no network sets, and what is no setting of the row's parts.
    for more, line in {
        "epochs": "--epochs does not apply",
        "arch.hidden": "no option 'hidden'",
    }.items():
        constant = [{**request, more: 3} for request in rows["constant"]]
        with pytest.raises(UserError, match=line):
            plans.plan_rows({**rows, "constant": constant})
    with pytest.raises(UserError, match="--batch_size does not apply to arch=constant"):
        plans.plan_rows({"constant": rows["constant"]})


def without_provenance(records: Any) -> str:
    return repr({i: dataclasses.replace(r, provenance={}) for i, r in sorted(records.items())})


def test_records_are_the_same_after_a_stop(tmp_path: Path) -> None:
    """Some runs are recorded before the stop, the others by the process after it; and one that has
    its record is not fitted again."""
    plans = planner()
    runs = plans.runs([{**SETTINGS, "seed": seed, "label_noise": 0.3} for seed in range(4)])
    whole = ensure_records(runs, Store(tmp_path / "whole"), plans, Observer())
    store, written = Store(tmp_path / "stopped"), []

    def stopping() -> str:
        return "a test" if len(written) >= 2 else ""

    observer = Observing(record=lambda record: written.append(record.run_id), stopping=stopping)
    with pytest.raises(Stopped):
        local_executor.execute(runs, ExecutionContext(store, plans.arrays, observer, abreast=1))
    assert 2 <= len(written) < 4
    ensure_records(runs, store, plans, Observing(record=lambda r: written.append(r.run_id)))
    assert len(written) == len(set(written)) == 4
    records, _ = store.find(one.id for one in runs)
    assert without_provenance(records) == without_provenance(whole)


def recorded(tmp_path: Path) -> tuple[PlannedRun, Record]:
    plans = planner()
    (of,) = plans.runs([SETTINGS])
    # It keeps its estimator, and is not fitted again for it.
    keeping = dataclasses.replace(DEFAULT, keep_params=True)
    (record,) = ensure_records([of], Store(tmp_path), plans, Observer(), execution=keeping).values()
    again: list[str] = []
    observer = Observing(record=lambda record: again.append(record.run_id))
    ensure_records([of], Store(tmp_path), plans, observer, execution=keeping)
    assert not again
    return of, record


def test_its_record_is_verified_and_has_only_what_applies(tmp_path: Path) -> None:
    of, record = recorded(tmp_path)
    assert record.status == "finished"
    assert "learning_rate" not in record.config
    assert record.config["loss"] == "cross_entropy"
    again = run_of(record, planner())
    assert again.id == of.id
    assert verify(trial(record, again), data_of(of).data).verdict == "identical"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """The registry forgets what a test adds."""
    monkeypatch.setattr(ARCHITECTURES, "_entries", dict(ARCHITECTURES._entries))


@pytest.mark.usefixtures("registry")
def test_a_plugin_adds_one_and_the_battery_tries_it() -> None:
    @estimator(tasks=("classification",))
    def nearest_mean(train, validation, seed, outputs, power: float = 2.0):
        """The class whose mean is nearest."""
        x = train.x.reshape(len(train.x), -1)
        means = np.stack([x[train.y == label].mean(axis=0) for label in range(outputs)])

        def predict(x):
            apart = x.reshape(len(x), 1, -1) - means
            return -(np.abs(apart) ** power).sum(axis=-1)

        return predict

    entry = ARCHITECTURES.get("nearest_mean")
    checks = conformance.trials(ARCHITECTURES.kind, entry)
    assert list(checks) == list(ESTIMATOR_CHECKS)
    for check in checks.values():
        check()
    strong = planned(arch="nearest_mean", **{"arch.power": 1.0})
    assert strong.config.arch["power"] == 1.0
    with pytest.raises(UserError, match="arch=nearest_mean is for classification"):
        planned(arch="nearest_mean", regression=True)


@pytest.mark.usefixtures("registry")
def test_label_noise_redraws_training_labels_only() -> None:
    seen = {}

    @estimator
    def watching(train, validation, seed, outputs):
        """Keeps the labels that it is given."""
        seen.update(train=train.y, validation=validation.y)
        return lambda x: np.zeros((len(x), outputs))

    of = planned(arch="watching", label_noise=1.0)
    outcome(of)
    y = data_of(of).data.y
    assert (seen["train"] != y[rows(of, "train")]).any()
    np.testing.assert_array_equal(seen["validation"], y[rows(of, "validation")])


@pytest.mark.usefixtures("registry")
def test_the_battery_can_fail() -> None:
    @estimator
    def drifting(train, validation, seed, outputs):
        """Each prediction is relative to the others."""
        return lambda x: np.zeros((len(x), outputs)) + np.sum(x)

    checks = conformance.trials(ARCHITECTURES.kind, ARCHITECTURES.get("drifting"))
    with pytest.raises(AssertionError, match="depends on the others"):
        checks["examples are independent in prediction"]()


@pytest.mark.usefixtures("registry")
def test_scores_of_another_shape_fail_the_run(tmp_path: Path) -> None:
    @estimator
    def flat(train, validation, seed, outputs):
        """Scores without a class axis."""
        return lambda x: np.zeros(len(x))

    plans = planner()
    (of,) = plans.runs([{**SETTINGS, "arch": "flat"}])
    (record,) = ensure_records([of], Store(tmp_path), plans, Observer()).values()
    assert record.status == "failed"
    assert "arch=flat predicts" in record.cause
