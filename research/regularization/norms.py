"""The norms of each unit's incoming weights."""

import jax
import jax.numpy as jnp


def unit_norms(w: jax.Array) -> jax.Array:
    """‖w‖₂ over all axes of a kernel [..., K] but the last, [1, ..., 1, K]; its gradient at zero is
    zero, not NaN."""
    square = jnp.sum(jnp.square(w), axis=tuple(range(w.ndim - 1)), keepdims=True)
    # Both selects are needed: the root's gradient at 0 is infinite, and 0 · inf is NaN.
    return jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
