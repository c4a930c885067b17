"""Levels on digits over 10 seeds, each seed with its own split: what well-chosen settings must
reach."""

import functools
import tempfile
from typing import Any

import numpy as np
import pytest

from research.sweeps.plan.run_plan import with_seeds
from research.training.devices import strategy_choice
from research.training.engine import loop
from tests.support.engine import bundled, compiled_fully

MLP = {
    "optimizer.momentum": 0.9,
    "learning_rate": 0.05,
    "regularization": "dropout=0.2",
    "epochs": 15,
}
CNN = {
    "arch": "cnn",
    "optimizer": "adam",
    "learning_rate": 0.004,
    "regularization": "dropout=0.2",
    "epochs": 12,
}
CNN |= {"batch_size": 32}


@functools.cache
def accuracies(**settings: Any) -> list[float]:
    """The test accuracy of each seed."""
    with tempfile.TemporaryDirectory() as cache:
        planner = bundled(cache)
        runs = planner.runs(
            with_seeds({"dataset": "digits", "schedule": "cosine", **settings}, range(10))
        )
        program, configs = runs[0].program, [run.config for run in runs]
        strategy = next(iter(strategy_choice.candidates(program, configs[0], len(configs))))
        with compiled_fully():
            outcomes = loop.train(program, configs, planner.arrays(runs[0]), strategy)
    return [outcome.metrics["test/accuracy"] for outcome in outcomes]


@pytest.mark.parametrize(("settings", "level"), [(MLP, 0.97), (CNN, 0.985)], ids=["mlp", "cnn"])
def test_digits(settings: dict[str, Any], level: float) -> None:
    assert np.mean(accuracies(**settings)) >= level


def test_bfloat16_is_as_good() -> None:
    """Within half a point of float32."""
    assert (
        abs(np.mean(accuracies(**MLP, precision="bfloat16")) - np.mean(accuracies(**MLP))) <= 0.005
    )
