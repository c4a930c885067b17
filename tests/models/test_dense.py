"""The linear map of the last axis: XLA's product and its gradients, in whatever number of axes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.layers.dense import Dense, flat_dot_general
from research.models.layers.tokens import Tokens

LAST = lambda x: (((x.ndim - 1,), (0,)), ((), ()))  # noqa: E731


def test_by_hand() -> None:
    x, kernel = jnp.asarray([[[1.0, 2], [3, 4]]]), jnp.asarray([[1.0, 0, 2], [0, 1, -1]])
    np.testing.assert_array_equal(flat_dot_general(x, kernel, LAST(x)), [[[1, 2, 0], [3, 4, 2]]])


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4), (2, 1, 3, 4)])
@pytest.mark.parametrize("lanes", [0, 3])
def test_it_is_xlas_product_and_so_are_its_gradients(shape: tuple[int, ...], lanes: int) -> None:
    """Values and gradients are those of XLA's product; 2e-6 is float32 rounding of sums of 4 to 40
    products."""
    draw = np.random.default_rng(0)
    own = (lanes,) * (lanes > 0)
    x, kernel = (jnp.asarray(draw.normal(size=(*own, *s)), jnp.float32) for s in (shape, (4, 5)))

    def gradients(product: Any) -> Any:
        one = jax.value_and_grad(
            lambda x, kernel: jnp.sum(jnp.sin(product(x, kernel, LAST(x)))), argnums=(0, 1)
        )
        return jax.jit(jax.vmap(one) if lanes else one)(x, kernel)

    got, expected = gradients(flat_dot_general), gradients(jax.lax.dot_general)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6, atol=2e-6), got, expected)


def test_the_layer_is_flaxs() -> None:
    """By name too, so that parameters keep theirs."""
    layer = Dense(5)
    assert type(layer).__name__ == "Dense"
    shapes = jax.eval_shape(layer.init, jax.random.key(0), jnp.zeros((2, 3, 4)))["params"]
    assert {name: leaf.shape for name, leaf in shapes.items()} == {"kernel": (4, 5), "bias": (5,)}


def test_tied_logits_by_hand() -> None:
    tokens = Tokens(2, 3, tied=True)
    table = {"params": {"kernel": jnp.asarray([[1.0, 0], [0, 2], [3, 1]])}}
    h = jnp.asarray([[[1.0, 1, 1], [2, 0, 1]]])
    np.testing.assert_array_equal(tokens.apply(table, h, method=Tokens.logits), [[[4, 3], [5, 1]]])
