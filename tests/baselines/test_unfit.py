"""Training rows that a method cannot be fitted to: one line, and an outcome of that run alone."""

from typing import Any

import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.baselines.estimator import LabelledExamples, Unfit
from research.registry import ARCHITECTURES, HostEstimator
from research.training.engine import host_fit
from research.training.engine.pack_observer import NOBODY
from tests.support.engine import IMAGES, planner

ESTIMATORS = [entry for entry in ARCHITECTURES if isinstance(entry, HostEstimator)]
TASKS = ("classification", "regression")
CASES = [(entry.name, task) for entry in ESTIMATORS for task in entry.tasks if task in TASKS]
SETTINGS = {"split": "4:1:1", "split_seed": 0}


def estimator(name: str, task: str, outputs: int) -> Any:
    entry = ARCHITECTURES.get(name)
    facts = {"task": task} if "task" in entry.needs_facts else {}
    return entry.fit(outputs=outputs, **facts, **entry.test_options)


def test_a_run_that_cannot_be_fitted_costs_no_other_run() -> None:
    """Classes of fewer rows than pixels have a covariance that cannot be inverted."""
    plans = planner()
    runs = plans.runs([{**SETTINGS, "arch": "qda", "seed": seed} for seed in (0, 1)])
    outcomes = host_fit.fit(runs[0].program, [run.config for run in runs], IMAGES.data, NOBODY)
    for outcome in outcomes:
        assert (outcome.metrics, outcome.diverged_at) == ({}, 0)
        assert outcome.cause.startswith("arch=qda cannot be fitted: The covariance matrix of class")
        assert outcome.cause.endswith("set --arch.shrinkage, as to 0.1")


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_few_rows_are_fitted_or_refused_in_a_line(name: str, task: str) -> None:
    """Two rows, a class each."""
    classes = task == "classification"
    x = np.array([[0.0, 1.0], [2.0, 1.0]], np.float32)
    rows = LabelledExamples(x, np.array([0, 1]) if classes else np.array([0.5, 2.0]))
    fit = estimator(name, task, 2 if classes else 1)
    if name in ("lda", "qda"):
        with pytest.raises(Unfit, match=r"^[^\n]*samples?[^\n]*$"):
            fit(rows, rows, 0)
    else:
        assert np.isfinite(fit(rows, rows, 0)(x)).all()


@pytest.mark.parametrize("name", ["lda", "catboost", "naive_bayes"])
def test_inputs_that_tell_nothing_are_left_to_the_constant_predictor(name: str) -> None:
    """These three would not make finite scores."""
    data = IMAGES.data._replace(x=np.zeros_like(IMAGES.data.x))
    runs = planner().runs([{**SETTINGS, "arch": arch} for arch in (name, "constant")])
    (fitted,), (known,) = (host_fit.fit(run.program, [run.config], data, NOBODY) for run in runs)
    assert fitted.metrics == known.metrics
