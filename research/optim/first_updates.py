"""The first updates of an optimizer, as the examples show them."""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import optax


def first_updates(
    optimizer: optax.GradientTransformation,
    gradients: Sequence[Sequence[float]],
    kernel: Sequence[float] | None = None,
) -> list[list[float]]:
    """What an optimizer makes of one gradient after another, rounded to three digits.

    The kernel stays as it is, since the engine applies the updates: it adds -learning rate times
    the update.

    Args:
        optimizer: a transformation without learning rate or sign.
        gradients: of a kernel with one unit, [steps, inputs].
        kernel: [inputs]; ones by default.

    Returns:
        The updates, [steps, inputs].

    >>> first_updates(optax.trace(0.5), [[1.0], [1.0], [1.0]])
    [[1.0], [1.5], [1.75]]
    """
    weights = np.ones(len(gradients[0])) if kernel is None else kernel
    # One unit [inputs, 1] under the key `kernel`, so that decay and muon treat it as a kernel.
    params = {"kernel": jnp.array(weights, float)[:, None]}
    state = optimizer.init(params)
    updates = []
    for gradient in gradients:
        tree = {"kernel": jnp.array(gradient, float)[:, None]}
        update, state = optimizer.update(tree, state, params)
        updates.append(np.asarray(update["kernel"], np.float64)[:, 0].round(3).tolist())
    return updates
