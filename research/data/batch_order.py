"""The order of batches: which rows an epoch's updates read."""

import jax
import jax.numpy as jnp


def batch_order(train: jax.Array, key: jax.Array, count: int, uneven: bool = False) -> jax.Array:
    """The first rows of a random order.

    Args:
        train: a run's training rows, [N]; -1 at the end stands for rows that are missing.
        key: of the seed and the epoch alone, so that a resumed run needs no stored order.
        count: how many rows at most.
        uneven: whether rows may be missing; the first row stands for them, whose weight is 0.

    Returns:
        Rows, [min(count, N)].
    """
    places = jax.random.permutation(key, train.shape[0])
    if uneven:
        # Rows that are missing come last, and the order of the others stays a random one.
        places = places[jnp.argsort(train[places] < 0, stable=True)]
    rows = train[places[:count]]
    return jnp.where(rows < 0, train[0], rows) if uneven else rows
