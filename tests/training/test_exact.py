"""Runs whose answer is known: closed forms and scikit-learn."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

from tests.support.engine import bundled, csv, fitted

FULL = {"arch": "linear", "batch_size": "full", "split": "4:1", "split_seed": 0}
# The references fit the targets themselves.
RAW = {"target_scaling": "none"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("cache"))


def trained(
    cache: str, settings: dict[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, Any]:
    """(kernel, bias, the training rows' inputs as the network sees them, their targets, the
    chunk)."""
    planner = bundled(cache)
    chunk, run = fitted(planner, {**FULL, **settings})
    arrays = planner.arrays(run)
    rows = np.asarray(chunk.lanes.train[0])
    x = (arrays.x[rows] - np.asarray(chunk.lanes.shift[0])) / np.asarray(chunk.lanes.scale[0])
    dense = chunk.state.variables.params["Dense_0"]
    return np.asarray(dense["kernel"][0]), np.asarray(dense["bias"][0]), x, arrays.y[rows], chunk


def test_linear_regression_recovers_its_weights(cache: str, tmp_path: Path) -> None:
    """Without noise the least squares are the weights; 2e-6 is float32 rounding."""
    w = np.array([1.0, -1.0, 1.0, -1.0])
    x = np.random.default_rng(0).normal(size=(100, 4))
    name = csv(tmp_path / "rows.csv", x, x @ w)
    settings = {"dataset": name, "dataset.target": "y", **RAW, "scaling": "none"}
    kernel, bias, *_ = trained(cache, {**settings, "learning_rate": 0.1, "epochs": 300})
    np.testing.assert_allclose(kernel[:, 0], w, atol=2e-6)
    np.testing.assert_allclose(bias, 0, atol=2e-6)


@pytest.mark.parametrize("strength", [0.0, 0.3], ids=["least squares", "ridge"])
def test_ridge_is_scikit_learns(cache: str, strength: float) -> None:
    """MSE + λ/2 |w|² is scikit-learn's |y - Xw|² + α|w|² at α = λn/2."""
    settings = {
        "dataset": "diabetes",
        **RAW,
        "regularization": f"l2={strength}",
        "optimizer.momentum": 0.85,
        "epochs": 400,
    }
    kernel, bias, x, y, _ = trained(cache, {**settings, "learning_rate": 0.4})
    ridge = Ridge(alpha=strength * len(y) / 2, tol=1e-12).fit(x.astype(np.float64), y)
    assert np.linalg.norm(kernel[:, 0] - ridge.coef_) < 1e-3 * np.linalg.norm(ridge.coef_)
    np.testing.assert_allclose(bias, ridge.intercept_, rtol=1e-3)


def test_logistic_regression_is_scikit_learns(cache: str) -> None:
    """The mean log loss + λ/2 |w|² is scikit-learn's at C = 1/(λn)."""
    settings = {
        "dataset": "breast_cancer",
        "loss": "binary_cross_entropy",
        "regularization": "l2=0.01",
    }
    settings |= {"optimizer.momentum": 0.9, "learning_rate": 0.5, "epochs": 500}
    kernel, bias, x, y, _ = trained(cache, settings)
    fit = LogisticRegression(C=1 / (0.01 * len(y)), tol=1e-10, max_iter=10_000).fit(
        x.astype(np.float64), y
    )
    assert kernel.shape == (30, 1)
    assert np.linalg.norm(kernel[:, 0] - fit.coef_[0]) < 1e-3 * np.linalg.norm(fit.coef_)
    np.testing.assert_allclose(bias, fit.intercept_, rtol=1e-3)


@pytest.mark.parametrize("l2", [0.0, 0.4], ids=["lasso", "elastic net"])
def test_proximal_l1_has_scikit_learns_zeros(cache: str, l2: float) -> None:
    """MSE + λ|w| + μ/2 |w|² is twice scikit-learn's at α·ratio = λ/2, α(1 - ratio) = μ/2."""
    strength = 20.0
    settings = {"dataset": "diabetes", **RAW, "learning_rate": 0.2, "epochs": 1500}
    kernel, *_, x, y, _ = trained(
        cache, {**settings, "regularization": f"l1_prox={strength},l2={l2}"}
    )
    if l2:
        alpha = (strength + l2) / 2
        fit = ElasticNet(alpha=alpha, l1_ratio=strength / 2 / alpha, tol=1e-10, max_iter=10**6)
    else:
        fit = Lasso(alpha=strength / 2, tol=1e-10, max_iter=10**6)
    fit.fit(x.astype(np.float64), y)
    assert 0 < np.count_nonzero(fit.coef_) < len(fit.coef_)
    np.testing.assert_array_equal(kernel[:, 0] == 0, fit.coef_ == 0)
    np.testing.assert_allclose(kernel[:, 0], fit.coef_, rtol=1e-3, atol=1e-2)


def test_a_perceptron_separates_what_is_separable(cache: str, tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    x = generator.normal(size=(400, 3))
    margin = x @ [1.0, -2.0, 0.5] + 0.3
    x, y = x[abs(margin) > 0.3], (margin > 0)[abs(margin) > 0.3].astype(int)
    name = csv(tmp_path / "two.csv", x, y)
    settings = {
        "dataset": name,
        "dataset.target": "y",
        "arch": "perceptron",
        "batch_size": 1,
        "learning_rate": 1.0,
    }
    kernel, bias, x, y, chunk = trained(cache, {**settings, "epochs": 20})
    np.testing.assert_array_equal((x @ kernel + bias).argmax(1), y)
    assert float(chunk.state.diverged_at[0]) == -1


def test_a_deep_linear_network_is_one_linear_map(cache: str) -> None:
    """Outputs are those of the product of the kernels; 1e-5 is float32 rounding through three
    layers."""
    settings = {
        "dataset": "wine",
        "arch.hidden": "7,5",
        "arch.activation": "identity",
        "epochs": 5,
        "arch": "mlp",
    }
    planner = bundled(cache)
    chunk, run = fitted(planner, {**settings, "split_seed": 0})
    params = jax.tree.map(
        lambda leaf: np.asarray(leaf[0], np.float64), chunk.state.variables.params
    )
    layers = [
        params["HiddenDense_0"]["Dense_0"],
        params["HiddenDense_1"]["Dense_0"],
        params["Dense_0"],
    ]
    kernel, bias = np.eye(13), np.zeros(13)
    for layer in layers:
        kernel, bias = kernel @ layer["kernel"], bias @ layer["kernel"] + layer["bias"]
    from research.training.step.network import predict

    one = jax.tree.map(lambda leaf: leaf[0], chunk.lanes)
    variables = jax.tree.map(lambda leaf: leaf[0], chunk.state.variables)
    x = np.asarray(planner.arrays(run).x)
    seen = (x - np.asarray(one.shift)) / np.asarray(one.scale)
    np.testing.assert_allclose(
        predict(run.program, variables, one, x), seen @ kernel + bias, rtol=1e-5, atol=1e-5
    )
