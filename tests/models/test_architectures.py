"""Architectures and layers: shapes, parameter counts, initialisation."""

from typing import Any

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import research.catalogue  # noqa: F401
from research.models.layers.forward import Forward
from research.models.layers.initializers import initializer
from research.models.layers.pooling import max_pool
from research.models.layers.sites import HiddenConv, HiddenDense
from research.registry import ACTIVATIONS, ARCHITECTURES

EVALUATION = Forward()


def parameters(name: str, outputs: int, shape: tuple[int, ...], **options: Any) -> int:
    model = ARCHITECTURES.get(name).build(outputs=outputs, **options)
    variables = jax.eval_shape(
        lambda: model.init(jax.random.key(0), jnp.zeros((1, *shape)), EVALUATION)
    )
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))


@pytest.mark.parametrize("entry", list(ACTIVATIONS), ids=lambda entry: entry.name)
def test_hidden_layers_with_every_activation(entry: Any) -> None:
    rows = Forward(train=True, index=jnp.arange(2))
    keys = {"params": jax.random.key(0), "rrelu": jax.random.key(1)}
    dense, variables = HiddenDense(5, entry.name).init_with_output(keys, jnp.ones((2, 4)), rows)
    chex.assert_shape(dense, (2, 5))
    chex.assert_shape(variables["params"]["Dense_0"]["kernel"], (4, 5 * entry.pieces))
    conv, variables = HiddenConv(6, entry.name, 3).init_with_output(
        keys, jnp.ones((2, 4, 5, 3)), rows
    )
    chex.assert_shape(conv, (2, 4, 5, 6))
    chex.assert_shape(variables["params"]["Conv_0"]["kernel"], (3, 3, 3, 6 * entry.pieces))


def test_parameter_counts_by_hand() -> None:
    assert (
        parameters("mlp", 10, (64,), hidden=(256, 256)) == 65 * 256 + 257 * 256 + 257 * 10 == 85_002
    )
    assert parameters("mlp", 10, (28, 28, 3), hidden=(512, 512, 512)) == 1_735_178
    assert parameters("mlp", 10, (28, 28, 3), hidden=(512,)) == 1_209_866
    assert parameters("linear", 10, (8, 8, 1)) == 650
    assert parameters("mlp", 2, (3,), hidden=(4,), activation="maxout") == 4 * 8 + 5 * 2
    assert parameters("mlp", 2, (3,), hidden=(4,), activation="prelu") == 4 * 4 + 4 + 5 * 2
    # 8x8 -> 4x4 -> 2x2 of 64 channels
    conv = 10 * 32 + (9 * 32 + 1) * 64
    assert parameters("cnn", 10, (8, 8, 1)) == conv + (2 * 2 * 64 + 1) * 128 + 129 * 10


@pytest.mark.parametrize("window", [2, 3])
def test_max_pool_is_reduce_window(window: int) -> None:
    x = jax.random.randint(jax.random.key(0), (2, 7, 9, 3), 0, 4).astype(
        jnp.float32
    )  # with many ties
    sizes = (1, window, window, 1)
    expected, back = jax.vjp(
        lambda x: jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, sizes, sizes, "VALID"), x
    )
    got, own_back = jax.vjp(lambda x: max_pool(x, window), x)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(own_back(expected)[0], back(expected)[0])


@pytest.mark.parametrize("entry", list(ACTIVATIONS), ids=lambda entry: entry.name)
def test_initial_variance_follows_the_activation(entry: Any) -> None:
    """He 2/fan_in, LeCun 1/fan_in, Glorot 2/(fan_in + fan_out), within 5 standard errors of 60 000
    weights."""
    kernel = initializer("auto", entry.name)(jax.random.key(0), (200, 300), jnp.float32)
    expected = {"he": 2 / 200, "lecun": 1 / 200, "glorot": 2 / 500}[entry.init]
    assert float(jnp.var(kernel)) == pytest.approx(expected, rel=5 * (2 / 60_000) ** 0.5)
    assert abs(float(jnp.mean(kernel))) < 5 * (expected / 60_000) ** 0.5


def test_named_initialisations() -> None:
    """Orthogonal within float32 rounding; 2 % is eight standard errors of the deviation of 90,000
    values."""
    key = jax.random.key(1)
    assert not initializer("zeros")(key, (3, 2), jnp.float32).any()
    q = initializer("orthogonal")(key, (4, 4), jnp.float32)
    np.testing.assert_allclose(q @ q.T, np.eye(4), atol=1e-5)
    assert float(
        jnp.std(initializer("small_normal")(key, (300, 300), jnp.float32))
    ) == pytest.approx(0.01, rel=0.02)


def test_residual_layers_add_their_input() -> None:
    model = ARCHITECTURES.get("mlp").build(
        outputs=2, hidden=(3, 3), residual=True, kernel_init="zeros"
    )
    x = jnp.array([[1.0, -2.0, 3.0]])
    variables = model.init(jax.random.key(0), x, EVALUATION)
    head = jnp.array([[1.0, 0], [0, 1], [0, 1]])
    variables["params"]["Dense_0"]["kernel"] = head
    np.testing.assert_array_equal(model.apply(variables, x, EVALUATION), x @ head)
