"""Quantile regression by hand, against scikit-learn, and end to end."""

import csv
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

import research.catalogue  # noqa: F401
from research.errors import UserError
from research.registry import LOSSES, METRICS
from research.tasks.quantile import with_prediction
from tests.support.command_lines import run_all
from tests.support.records import stored_records


def test_the_loss_is_scikit_learns() -> None:
    """The mean pinball loss is scikit-learn's, within float32 rounding."""
    generator = np.random.default_rng(0)
    t, z = generator.normal(size=(2, 50, 1)).astype(np.float32)
    loss = LOSSES.get("quantile(0.2)").build()
    expected = mean_pinball_loss(t[:, 0], z[:, 0], alpha=0.2)
    assert float(jnp.mean(loss(z, t))) == pytest.approx(expected, rel=1e-6)


def test_its_least_is_the_quantile() -> None:
    """Of the numbers 0 to 9 the quantile of 0.75 is 7: left of it the sum falls, right of it it
    rises."""
    t = jnp.arange(10.0)[:, None]
    loss = LOSSES.get("quantile(0.75)").build()

    def total(z: jax.Array) -> jax.Array:
        return jnp.sum(loss(jnp.full((10, 1), z), t))

    # The sum falls by 0.75 for each number above, and rises by 0.25 for each below.
    assert float(jax.grad(total)(6.5)) == pytest.approx(-3 * 0.75 + 7 * 0.25)
    assert float(jax.grad(total)(7.5)) == pytest.approx(-2 * 0.75 + 8 * 0.25)


def test_the_prediction_is_the_middle_of_the_levels() -> None:
    np.testing.assert_array_equal(with_prediction(jnp.array([[2.0]])), [[2.0]])
    np.testing.assert_array_equal(with_prediction(jnp.array([[1.0, 3.0]])), [[2.0, 1.0, 3.0]])
    three = with_prediction(jnp.array([[1.0, 2.5, 3.0]]))
    np.testing.assert_array_equal(three, [[2.5, 1.0, 2.5, 3.0]])


def test_coverage_by_hand() -> None:
    scores = np.array([[2.0, 1.0, 3.0], [2.0, 1.0, 3.0], [5.0, 4.0, 6.0]])
    y = np.array([3.0, 3.5, 4.5])
    np.testing.assert_array_equal(METRICS.get("coverage").build()(scores, y), [1, 0, 1])
    np.testing.assert_array_equal(METRICS.get("interval_width").build()(scores, y), [2, 2, 2])


@pytest.mark.parametrize("name", ["quantile", "quantile(1)", "quantile(0.9,0.1)", "quantile(a)"])
def test_levels_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"quantile\(0.05,0.95\)"):
        LOSSES.get(name)


def test_an_interval_end_to_end(tmp_path: Path) -> None:
    """The record's coverage is that of the predictions' file, whose interval contains the
    prediction."""
    base = ["train", "--dataset=diabetes", "--arch=linear", "--epochs=30", "--learning_rate=0.05"]
    interval = [*base, "--loss=quantile(0.05,0.95)", "--keep_params", "--name=interval"]
    trained, refused = run_all(
        [[*interval, "--metrics=coverage,pinball_0.5"], [*base, "--metrics=coverage"]], tmp_path
    )
    assert trained.code == 0, trained.err
    assert refused.code == 2
    assert "--loss='quantile(0.05,0.95)'" in refused.err
    (evaluated,) = run_all([["evaluate", "--run=interval", "--out=files"]], tmp_path)
    assert evaluated.code == 0, evaluated.err
    with (tmp_path / "files/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    target, prediction, lower, upper = (
        np.array([float(row[name]) for row in rows])
        for name in ("target", "prediction", "lower", "upper")
    )
    (record,) = stored_records(tmp_path).values()
    coverage = np.mean((lower <= target) & (target <= upper))
    assert record["metrics"]["test/coverage"] == pytest.approx(coverage)
    assert 0.7 < record["metrics"]["train/coverage"] < 1
    expected = mean_pinball_loss(target, prediction, alpha=0.5)
    assert record["metrics"]["test/pinball_0.5"] == pytest.approx(expected, rel=1e-6)
