"""Additive Gaussian noise, for whatever slot: x keeps its dtype, and its bits at strength zero."""

import jax
import jax.numpy as jnp

Number = jax.Array | float


def add_gaussian(x: jax.Array, key: jax.Array, sd: Number) -> jax.Array:
    """x + sd·N(0, 1), entry by entry.

    Args:
        x: [...].
        key: draws the noise.
        sd: standard deviation, in units of x.
    """
    # At strength 0 the sum alone would turn -0.0 into 0.0.
    noisy = x + sd * normal(x, key)
    return jnp.where(sd > 0, noisy, x).astype(x.dtype)


def normal(x: jax.Array, key: jax.Array) -> jax.Array:
    """N(0, 1) of x's shape, at least float32: in bfloat16 so few values are drawn that the tails
    are missing."""
    return jax.random.normal(key, x.shape, jnp.promote_types(x.dtype, jnp.float32))
