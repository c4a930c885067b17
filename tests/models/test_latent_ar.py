"""Latent autoregression: by hand, as the Kalman filter, with hidden layers written out, and near
the filter's error."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

import research.catalogue  # noqa: F401
from research.data.series import COEFFICIENTS, noisy_ar2
from research.registry import ARCHITECTURES, load_package
from research.sweeps.experiment import EXPERIMENTS
from research.training.engine import chunk_evaluation
from tests.support.engine import bundled, fitted
from tests.support.networks import EVALUATION, outputs, started


def built(**options: Any) -> Any:
    return ARCHITECTURES.get("latent_ar").build(outputs=1, per_step=True, **options)


def linear(r: Any, k: Any, c: Any) -> Any:
    """The parameters of h' = r h + k x, read off by c."""
    k, c = jnp.asarray(k, jnp.float32), jnp.asarray(c, jnp.float32)
    return {
        "recurrent": {"kernel": jnp.asarray(r, jnp.float32).T},
        "input": {"kernel": k.T, "bias": jnp.zeros(len(k))},
        "head": {"kernel": c.T, "bias": jnp.zeros(1)},
    }


def kalman() -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """(A, gain, C, variance of the next value) of the steady filter of noisy_ar2, by the Riccati
    equation."""
    a, c = np.array([COEFFICIENTS, (1.0, 0.0)]), np.array([[1.0, 0.0]])
    p = scipy.linalg.solve_discrete_are(a.T, c.T, np.diag([1.0, 0.0]), np.eye(1))
    variance = float((c @ p @ c.T)[0, 0] + 1)
    return a, a @ p @ c.T / variance, c, variance


def filtered(seen: np.ndarray) -> np.ndarray:
    """What the steady filter says of the value after each of seen [T], begun with nothing known."""
    a, gain, c, _ = kalman()
    state, said = np.zeros((2, 1)), []
    for x in seen:
        state = a @ state + gain * (x - (c @ state)[0, 0])
        said.append((c @ state)[0, 0])
    return np.array(said)


def test_exponential_smoothing_by_hand() -> None:
    """Of a random walk in noise the filter with gain 1/4 is h' = 3/4 h + 1/4 x."""
    params = linear([[0.75]], [[0.25]], [[1.0]])
    got = built(state=1).apply({"params": params}, jnp.array([[4.0, 8.0, -4.0]]), EVALUATION)
    np.testing.assert_array_equal(got[0, :, 0], [1.0, 2.75, 1.0625])


def test_the_linear_one_holds_the_kalman_filter() -> None:
    """With the filter's matrices it is the filter; 1e-5 is float32 rounding over 100 recursive
    steps."""
    a, gain, c, _ = kalman()
    seen = noisy_ar2(100, seed=1)
    params = linear(a - gain @ c, gain, c)
    got = built(state=2).apply({"params": params}, jnp.asarray(seen, jnp.float32)[None], EVALUATION)
    np.testing.assert_allclose(got[0, :, 0], filtered(seen), rtol=1e-5, atol=1e-5)


def test_the_filters_error_has_its_variance() -> None:
    """The filter's mean squared error is that of the Riccati equation; 2 % is three standard errors
    of 50,000 squares."""
    seen = noisy_ar2(50_000, seed=2)
    assert np.mean((filtered(seen)[:-1] - seen[1:])[50:] ** 2) == pytest.approx(
        kalman()[3], rel=0.02
    )


def test_hidden_layers_written_out() -> None:
    """Outputs are those of the recursion written out; 1e-5 is float32 rounding."""
    model = built(state=2, hidden=(3, 4))
    x = jax.random.normal(jax.random.key(1), (2, 5, 2))
    params = jax.tree.map(
        lambda leaf: np.asarray(leaf) + np.float32(0.1), started(model, x)["params"]
    )

    def dense(name: str, h: Any) -> Any:
        layer = params[name]
        return h @ layer["kernel"] + layer.get("bias", 0)

    h, expected = np.zeros((2, 2)), []
    for now in np.asarray(x).swapaxes(0, 1):
        units = np.tanh(dense("hidden_input", now) + dense("hidden_recurrent", h))
        h = (
            dense("input", now)
            + dense("recurrent", h)
            + dense("hidden_2", np.tanh(dense("hidden_1", units)))
        )
        out = h
        for place in (0, 1):
            layer = params[f"HiddenDense_{place}"]["Dense_0"]
            out = np.tanh(out @ layer["kernel"] + layer["bias"])
        expected.append(dense("head", out))
    got = outputs(model, {"params": params}, x)
    np.testing.assert_allclose(got, np.stack(expected, 1), rtol=1e-5, atol=1e-5)


def test_learns_the_filter(tmp_path: Any) -> None:
    """On the test windows, after the burn-in, its error is within 2 % of the filter's on the same
    values."""
    settings = {
        "dataset": "noisy_ar2",
        "dataset.length": 20_000,
        "dataset.burn_in": 16,
        "arch": "latent_ar",
        "arch.state": 4,
        "optimizer": "adam",
        "learning_rate": 0.03,
        "schedule": "cosine",
        "target_scaling": "standard",
        "batch_size": 32,
        "train_size": 8_000,
        "epochs": 1,
    }
    plans = bundled(str(tmp_path))
    chunk, run = fitted(plans, settings)
    found = chunk_evaluation.evaluate(run.program, chunk, chunk.state.evaluated, chunk.lanes.test)
    error = float(found["mse"].mean())
    seen = noisy_ar2(20_000, seed=0)
    wrong = np.append(0, (filtered(seen)[:-1] - seen[1:]) ** 2)  # of each value
    counted = np.asarray(chunk.lanes.test)[0][:, None] + 1 + np.arange(16, 64)
    assert error <= 1.02 * wrong[counted].mean()


def test_the_declared_bound_is_the_filters() -> None:
    """The published value has five decimals, and the note on the test series two."""
    load_package("experiments")
    experiment = EXPERIMENTS.get("forecasting")
    for published in experiment.published.values():
        assert published.value == pytest.approx(kalman()[3], abs=1e-5)
    seen = noisy_ar2(100_000, seed=0)[90_000:]
    assert f"{np.mean((filtered(seen)[:-1] - seen[1:])[50:] ** 2):.2f}" in " ".join(
        experiment.notes
    )
