"""A random rectangle of an image, cut off at the border: what cutout erases and cutmix
exchanges."""

import jax
import jax.numpy as jnp


def box(
    key: jax.Array, shape: tuple[int, int], size: tuple[jax.Array | float, jax.Array | float]
) -> jax.Array:
    """A mask [H, W] that is True inside a box whose centre is uniform over the image.

    Args:
        key: draws the centre.
        shape: (H, W).
        size: rows and columns of the box, whole numbers as floats.
    """
    centre = jax.random.randint(key, (2,), 0, jnp.array(shape))
    # The size may be a lane value, so positions are compared and nothing is sliced.
    inside = []
    for axis, length in enumerate(shape):
        start = centre[axis] - jnp.floor(size[axis] / 2)
        index = jnp.arange(length)
        inside.append((index >= start) & (index < start + size[axis]))
    return inside[0][:, None] & inside[1][None, :]
