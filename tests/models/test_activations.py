"""Activations against values worked by hand."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.models.layers.activations import step
from research.models.layers.forward import Forward
from research.registry import ACTIVATIONS

EVALUATION = Forward()
E, PHI = math.e, 0.5 * (1 + math.erf(1 / math.sqrt(2)))
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# Values at -1, 0 and 1.
VALUES = {
    "identity": [-1, 0, 1],
    "step": [0, 1, 1],
    "sigmoid": [1 / (1 + E), 0.5, 1 / (1 + 1 / E)],
    "tanh": [math.tanh(-1), 0, math.tanh(1)],
    "relu": [0, 0, 1],
    "leaky_relu": [-0.01, 0, 1],
    "leaky_relu_03": [-0.3, 0, 1],
    "prelu": [-0.25, 0, 1],
    "rrelu": [-(1 / 8 + 1 / 3) / 2, 0, 1],
    "elu": [1 / E - 1, 0, 1],
    "selu": [SELU_SCALE * SELU_ALPHA * (1 / E - 1), 0, SELU_SCALE],
    "gelu": [PHI - 1, 0, PHI],
    "silu": [-1 / (1 + E), 0, 1 / (1 + 1 / E)],
    "softplus": [math.log(1 + 1 / E), math.log(2), math.log(1 + E)],
    "softmax": [1 / (1 + E + E**2), E / (1 + E + E**2), E**2 / (1 + E + E**2)],
    "maxout": [-0.5, 2],
}


def apply(name: str, x: jax.Array, fwd: Forward = EVALUATION, **rngs: Any) -> jax.Array:
    out, _ = (
        ACTIVATIONS.get(name)
        .build()
        .init_with_output({"params": jax.random.key(0), **rngs}, x, fwd)
    )
    return out


def test_every_activation_has_values() -> None:
    assert set(VALUES) == set(ACTIVATIONS.names())


@pytest.mark.parametrize("name", VALUES)
def test_values(name: str) -> None:
    """Activations at three points by their formulas, within float32 rounding."""
    x = [-1.0, -0.5, 2.0, 0.0] if name == "maxout" else [-1.0, 0.0, 1.0]
    np.testing.assert_allclose(apply(name, jnp.array([x]))[0], VALUES[name], rtol=1e-6, atol=1e-7)


def test_step_passes_its_gradient_straight_through() -> None:
    x = jnp.array([-2.0, 0.0, 3.0])
    np.testing.assert_array_equal(
        jax.grad(lambda x: (step(x) * jnp.array([1.0, 5.0, -2.0])).sum())(x), [1, 5, -2]
    )


def test_rrelu_draws_a_slope_a_unit_and_example() -> None:
    x = jnp.concatenate([-jnp.ones((500, 4)), jnp.ones((500, 4))])
    train = Forward(train=True, index=jnp.arange(1000))
    out = np.asarray(apply("rrelu", x, train, rrelu=jax.random.key(3)))
    slopes = -out[:500]
    assert ((slopes >= 1 / 8) & (slopes < 1 / 3)).all()
    width = 1 / 3 - 1 / 8
    assert abs(slopes.mean() - (1 / 8 + 1 / 3) / 2) < 5 * width / math.sqrt(12 * slopes.size)
    assert abs(slopes.var() - width**2 / 12) < 0.1 * width**2 / 12
    assert len(np.unique(slopes)) > 0.99 * slopes.size
    np.testing.assert_array_equal(out[500:], 1)


def test_prelu_learns_a_slope_a_channel() -> None:
    module = ACTIVATIONS.get("prelu").build()
    variables = {"params": {"slope": jnp.array([0.5, 2.0])}}
    x = jnp.array([[-1.0, -3.0], [4.0, 5.0]])
    np.testing.assert_array_equal(module.apply(variables, x, EVALUATION), [[-0.5, -6], [4, 5]])
    slope = jax.grad(lambda v: module.apply(v, x, EVALUATION).sum())(variables)["params"]["slope"]
    np.testing.assert_array_equal(slope, [-1, -3])
