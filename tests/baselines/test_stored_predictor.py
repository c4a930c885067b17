"""Fitted estimators that runs keep: stored, restored and applied to new rows."""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from research.baselines.estimator import LabelledExamples
from research.baselines.stored_predictor import restored, stored
from research.errors import UserError
from research.registry import ARCHITECTURES, HostEstimator
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.execute.execution_options import DEFAULT
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.store import Store
from research.training.apply.final_metrics import evaluate_rows, run_lane
from research.training.devices.strategy import ExecutionStrategy
from research.training.setup.warm_start import InitialWeights, check_initial_weights
from tests.support.engine import IMAGES, planner
from tests.support.observing import Observing

ESTIMATORS = [entry for entry in ARCHITECTURES if isinstance(entry, HostEstimator)]
KEEP = dataclasses.replace(DEFAULT, keep_params=True)


@pytest.mark.parametrize("entry", ESTIMATORS, ids=lambda entry: entry.name)
def test_a_predictor_is_the_same_after_it_was_stored(entry: HostEstimator) -> None:
    """Bit for bit: the same numbers in the same order. Another fit is stored as the same bytes."""
    draw = np.random.default_rng(0)
    x = draw.uniform(size=(40, 3))
    for task in entry.tasks:
        classes = task == "classification"
        y = np.arange(40) % 3 if classes else draw.normal(size=40)
        facts = {"task": task} if "task" in entry.needs_facts else {}
        fit = entry.fit(outputs=3 if classes else 1, **facts, **entry.test_options)
        examples = LabelledExamples(x, y)
        predict = fit(examples, examples, seed=1)
        content = stored(predict)
        np.testing.assert_array_equal(restored(content)(x), predict(x))
        np.testing.assert_array_equal(stored(fit(examples, examples, seed=1)), content)


def test_what_only_a_plugin_can_make_is_not_stored() -> None:
    with pytest.raises(UserError, match=r"cannot be stored \(.+\); only those of built-in"):
        stored(lambda x: x)


def test_objects_of_other_libraries_are_not_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A package may come from anyone, and must not run code of its sender."""
    import skops.io

    content = skops.io.dumps(Path("anything"))
    with pytest.raises(UserError, match=r"has objects of pathlib\.\w+; only those of collections"):
        restored(np.frombuffer(content, np.uint8))


def test_a_partial_function_must_be_of_a_trusted_one() -> None:
    import skops.io

    for call in (functools.partial(eval, "1"), functools.partial(Path.unlink)):
        content = skops.io.dumps({"f": call})
        with pytest.raises(UserError, match="the stored predictor has objects of"):
            restored(np.frombuffer(content, np.uint8))


def test_a_kept_estimator_gives_the_run_s_metrics_on_its_rows(tmp_path: Path) -> None:
    """The kept estimator's accuracy is the record's, which is a float32."""
    settings: dict[str, Any] = {"arch": "random_forest", "arch.n_estimators": 4, "split": "4:1:1"}
    store, plans = Store(tmp_path), planner()
    (run,) = plans.runs([settings])
    (record,) = ensure_records([run], store, plans, Observing(), execution=KEEP).values()
    saved = Parameters(store).load(run.id)
    lane = run_lane(run.program, run.config, IMAGES.data)
    variables, strategy = saved.variables["last"], ExecutionStrategy(1, 1)
    rows = lane.test
    scores = evaluate_rows(run.program, lane, variables, strategy, IMAGES.data.x, rows)["scores"]
    accuracy = np.mean(scores.argmax(axis=1) == IMAGES.data.y[rows])
    assert record.metrics["test/accuracy"] == pytest.approx(accuracy, rel=1e-6)
    origin = InitialWeights(f"run {run.id}", variables)
    (network,) = plans.runs(
        [{"arch": "mlp", "arch.hidden": (4,), "split": "4:1:1", "batch_size": 8}]
    )
    with pytest.raises(UserError, match="was fitted on the host; --init_from takes a network's"):
        check_initial_weights(network.config, network.program, origin)
