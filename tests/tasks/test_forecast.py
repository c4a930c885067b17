"""Forecasting's metrics, by hand: the MASE by the training series, and steps that are not to be
foreseen."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.data.features.number import Number
from research.data.features.time_series import TimeSeries
from research.data.source import open_source
from research.data.spec import DataSpec, windowed
from research.data.windows import Windowing
from research.errors import UserError
from research.registry import TASKS
from research.tasks import forecast
from research.training.setup.lane_inputs import make_lane_inputs
from research.training.step import objective
from tests.support.engine import InMemorySource
from tests.support.sequences import run

PROBLEM = TASKS.get("forecast").build()
SERIES = np.array([1, 3, 2, 2, 5, 4, 10, 0, 9, 9, 0, 5], np.float32)


def memory(burn_in: int = 0) -> InMemorySource:
    targets = Number((2,), even=True)
    spec = DataSpec(
        "memory", "forecast", TimeSeries((2,)), targets, 10, 0, "memory", windows=Windowing()
    )
    return InMemorySource(spec, windowed(SERIES, 2, burn_in))


def test_metrics_by_hand() -> None:
    """Means over the steps that are no padding by hand, within float32 rounding."""
    y = jnp.array([[1.0, 3.0, 2.0], [jnp.nan, 0.0, 4.0]])
    scores = jnp.array([[1.0, 2.0, 4.0], [1.0, 0.0, 2.0]])[..., None]
    found = PROBLEM.example_metrics(scores, y)
    np.testing.assert_allclose(found["mse"], [5 / 3, 4 / 2], rtol=1e-6)
    np.testing.assert_allclose(found["mae"], [3 / 3, 2 / 2], rtol=1e-6)
    np.testing.assert_array_equal(PROBLEM.encode(y, 1, 1.0, 2.0), (y[..., None] - 1) / 2)
    np.testing.assert_array_equal(
        PROBLEM.decode(PROBLEM.encode(y, 1, 1.0, 2.0), 1.0, 2.0), y[..., None]
    )
    np.testing.assert_array_equal(
        PROBLEM.real(PROBLEM.encode(y, 1, 1.0, 2.0)), [[True] * 3, [False, True, True]]
    )


def test_the_mase_is_measured_by_the_training_series() -> None:
    """Half of it, 1 3 2 2 5 4, differs from step to step by 2 1 0 3 1, of mean 7/5; what comes
    after says nothing."""
    settings = {"arch__order": 2, "split": "2:2", "batch_size": 2, "target_scaling": "none"}
    own = run(memory(), arch="ar", **settings)
    lane = make_lane_inputs(own.config, own.program, memory().data).lane
    np.testing.assert_array_equal(lane.train, [0, 1, 2, 3])
    assert lane.unit == pytest.approx(7 / 5)
    y = jnp.array([[9.0, 0.0]])
    found = objective.metrics(own.program, lane, jnp.array([[[0.0], [10.0]]]), y, y[..., None])
    assert float(found["mase"][0]) == pytest.approx((19 / 2) / (7 / 5))
    assert np.isnan(forecast.scaled({"mae": jnp.ones(1)}, jnp.float32(0))["mase"]).all()


def test_of_drawn_windows_the_unit_is_that_of_the_values_in_them() -> None:
    """Windows at 0 and 3 hold the steps 1-3 3-2 and 2-5 5-4."""
    assert forecast.naive_error(memory().data, np.array([0, 3])) == pytest.approx(
        (2 + 1 + 3 + 1) / 4
    )


def test_a_burn_in_is_out_of_loss_metrics_and_gradient() -> None:
    """The shift is the mean of the training targets by hand, within float32 rounding; losses and
    gradients are exact."""
    source = memory(burn_in=1)
    x, y = source.data.x[np.array([0, 4])], source.data.y[np.array([0, 4])]
    np.testing.assert_array_equal(x, [[1, 3], [5, 4]])
    np.testing.assert_array_equal(y, [[np.nan, 2], [np.nan, 10]])
    np.testing.assert_array_equal(jax.jit(lambda w: w[jnp.array([4])])(source.data.y), y[1:])
    own = run(
        source, arch="ar", arch__order=2, split="2:2", batch_size=2, target_scaling="standard"
    )
    lane = make_lane_inputs(own.config, own.program, source.data).lane
    assert float(lane.target_shift) == pytest.approx(
        np.mean([2, 2, 5, 4])
    )  # the training part's, each once, without the first's burn-in
    targets = PROBLEM.encode(jnp.asarray(y), 1, 0.0, 1.0)
    outputs = jnp.array([[[7.0], [5.0]], [[7.0], [8.0]]])

    def total(outputs: jax.Array) -> jax.Array:
        return objective.losses(own.program, outputs, targets).sum()

    value, gradient = jax.value_and_grad(total)(outputs)
    assert float(value) == 9 + 4
    np.testing.assert_array_equal(gradient[..., 0], [[0, 6], [0, -4]])


def test_a_series_says_what_burn_in_it_takes(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="burn_in=20 leaves no step of a window of context=20; use at most 19"
    ):
        open_source(
            "noisy_ar2", {"context": 20, "burn_in": 20}, data_dir=None, cache_dir=str(tmp_path)
        )
