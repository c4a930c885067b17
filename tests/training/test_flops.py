"""FLOPs counted in a program, by hand."""

import jax
import jax.numpy as jnp

from research.training.devices.flops import count, flops_per_update
from tests.support.engine import BATCH, IMAGES, run


def test_an_mlp_by_hand() -> None:
    """Each layer forward, its kernel's gradient, and the gradient of all inputs but the data."""
    own = run(arch__hidden=(7, 5))
    inputs, classes = 36, own.program.width
    layers = [inputs * 7, 7 * 5, 5 * classes]
    expected = 2 * BATCH * (2 * sum(layers) + sum(layers[1:]))
    assert flops_per_update(own.program, own.config, IMAGES.arrays()) == expected


def test_scans_convolutions_and_branches() -> None:
    x, kernel = jnp.ones((1, 8, 8, 3)), jnp.ones((3, 3, 3, 4))

    def convolution(x: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(
            x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    assert count(jax.make_jaxpr(convolution)(x).jaxpr) == 2 * 8 * 8 * 4 * (3 * 3 * 3)
    matrix = jnp.ones((5, 5))

    def repeated(x: jax.Array) -> jax.Array:
        return jax.lax.scan(lambda x, _: (matrix @ x, None), x, length=6)[0]

    assert count(jax.make_jaxpr(jax.jit(repeated))(jnp.ones((5, 2))).jaxpr) == 6 * 2 * 5 * 5 * 2
    branches = jax.make_jaxpr(
        lambda x: jax.lax.cond(x[0, 0] > 0, lambda x: matrix @ x, lambda x: x, x)
    )
    assert count(branches(jnp.ones((5, 2))).jaxpr) == 2 * 5 * 5 * 2


def test_zeros_between_strides_are_not_counted() -> None:
    """The gradient of a strided convolution's input has as many products as the convolution."""
    x, kernel = jnp.ones((1, 8, 8, 3)), jnp.ones((2, 2, 3, 4))

    def convolution(x: jax.Array) -> jax.Array:
        return jax.lax.conv_general_dilated(
            x, kernel, (2, 2), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )

    forward = 2 * 4 * 4 * 4 * (2 * 2 * 3)
    both = jax.make_jaxpr(lambda x, g: jax.vjp(convolution, x)[1](g))(x, jnp.ones((1, 4, 4, 4)))
    assert count(both.jaxpr) == 2 * forward
