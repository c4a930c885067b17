"""Forecasting's metrics, by hand."""

import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.registry import TASKS


def test_metrics_by_hand() -> None:
    problem = TASKS.get("forecast").build()
    y = jnp.array([[1.0, 3.0, 2.0], [0.0, 0.0, 4.0]])
    scores = jnp.array([[1.0, 2.0, 4.0], [1.0, 0.0, 2.0]])[..., None]
    found = problem.example_metrics(scores, y)
    np.testing.assert_allclose(found["mse"], [5 / 3, 5 / 3], rtol=1e-6)
    np.testing.assert_allclose(found["mae"], [1.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(found["naive_mae"], [1.5, 2.0], rtol=1e-6)
    assert problem.finish({"mse": 2.0, "mae": 1.0, "naive_mae": 1.75})["mase"] == pytest.approx(1 / 1.75)
    np.testing.assert_array_equal(problem.encode(y, 1, 1.0, 2.0), (y[..., None] - 1) / 2)
    np.testing.assert_array_equal(problem.decode(problem.encode(y, 1, 1.0, 2.0), 1.0, 2.0), y[..., None])
