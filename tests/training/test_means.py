"""The mean of the parameters beside a projection: what evaluation uses of it lies on the
constraint."""

from typing import Any

import jax
import numpy as np
import pytest

from research.kernels import kernel_leaves
from research.training.devices.strategy import ExecutionStrategy
from research.training.engine import loop
from research.training.engine.chunk import PackSetup
from tests.support.engine import data_of, run, start
from tests.support.engine import lane as one_lane


def norms(params: Any) -> np.ndarray:
    """The norm of each unit's incoming weights, of all kernels."""
    return np.concatenate(
        [
            np.sqrt((np.asarray(w) ** 2).reshape(-1, w.shape[-1]).sum(0))
            for w in kernel_leaves(params)
        ]
    )


def test_the_mean_is_projected_and_stays_the_mean() -> None:
    """The plain average of five steps on the sphere lies inside it; evaluation uses the point above
    it."""
    of = run(regularization="unit_norm,swa=0", learning_rate=0.3)
    with of.program.precision_context():
        chunk = start([of], 1)
        seen = []
        for _ in loop.dispatches(of.program, chunk, ExecutionStrategy(1, 1), 0):
            seen.append(kernel_leaves(one_lane(jax.device_get(chunk.state.variables.params), 0)))
        mean = one_lane(jax.device_get(chunk.state.mean.params), 0)
        used = one_lane(
            jax.device_get(chunk.functions.evaluated(chunk.state, chunk.lanes).params), 0
        )
    averages = [np.mean(steps, axis=0) for steps in zip(*seen, strict=True)]
    for got, average, projected in zip(
        kernel_leaves(mean), averages, kernel_leaves(used), strict=True
    ):
        np.testing.assert_allclose(got, average, rtol=1e-5, atol=1e-6)
        length = np.sqrt((average**2).reshape(-1, average.shape[-1]).sum(0))
        np.testing.assert_allclose(projected, average / length, rtol=1e-5, atol=1e-6)
    assert norms(mean).min() < 0.999
    np.testing.assert_allclose(norms(used), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("bound", "average"), [("unit_norm", "swa=0.5,early_stopping=3"), ("max_norm=0.5", "ema=0.9")]
)
def test_what_a_run_keeps_lies_on_the_constraint(bound: str, average: str) -> None:
    """The best parameters, which early stopping restores, and the last."""
    of = run(regularization=f"{bound},{average}", learning_rate=0.3)
    setup = PackSetup(keep=True)
    (outcome,) = loop.train(
        of.program, [of.config], data_of(of).data, ExecutionStrategy(1, 5), setup
    )
    for variables in (outcome.best_and_last.best, outcome.best_and_last.last):
        found = norms(variables.params)
        if bound == "unit_norm":
            np.testing.assert_allclose(found, 1, rtol=1e-6)
        else:
            assert found.max() <= 0.5 * (1 + 1e-6)
            assert found.max() > 0.49
