"""Slot data: brightness, contrast and saturation of an image."""

from typing import Annotated, Any

import jax
import jax.numpy as jnp

from research.options import NonNegative
from research.regularization.augmentation import Apply, in_training
from research.regularization.constraints import images_only
from research.regularization.member import member


def _coloured(name: str, config: Any, spec: Any) -> str | None:
    """`saturation` requires coloured images."""
    (options,) = (
        dict(component.options) for component in config.regularization if component.name == name
    )
    if not options.get("saturation") or spec.inputs.shape[-1] > 1:
        return None
    return (
        f"{name} changes saturation, and the images of {config.dataset.name} are grey; leave"
        " saturation out"
    )


@member(
    "data",
    "image",
    paper="Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks",
    neutral={"brightness": 0.0, "contrast": 0.0, "saturation": 0.0},
    test_options={"brightness": 0.2, "contrast": 0.3},
    constraints=(images_only, _coloured),
)
def colour(
    brightness: Annotated[NonNegative, "largest shift of all pixels, in units after scaling"] = 0.0,
    contrast: Annotated[
        NonNegative, "factor U(1 - contrast, 1 + contrast) on pixels' distances from the mean"
    ] = 0.0,
    saturation: Annotated[
        NonNegative, "likewise, channels' distances from their pixel's mean; requires colour"
    ] = 0.0,
) -> Apply:
    """Changes an image's [H, W, C] brightness, contrast and saturation, in this order, by
    uniform amounts.

    Example:
        >>> image = jnp.zeros([1, 2, 1]).at[0, 1].set(1.0)
        >>> brighter = colour(brightness=0.5)(image, jax.random.key(0), True)
        >>> print(np.array(brighter[..., 0]).round(2))  # the same shift everywhere
        [[0.45 1.45]]
    """

    def change(x: jax.Array, key: jax.Array) -> jax.Array:
        # All three are drawn whatever is in use, so that a further change leaves the other draws
        # alone.
        drawn = jax.random.uniform(key, (3,), minval=-1, maxval=1)
        # In float32 at least, since the mean runs over all pixels.
        wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
        wide = jnp.where(brightness > 0, wide + brightness * drawn[0], wide)
        wide = _stretched(wide, wide.mean(), contrast, drawn[1])
        if x.shape[-1] > 1:
            wide = _stretched(wide, wide.mean(axis=-1, keepdims=True), saturation, drawn[2])
        return wide.astype(x.dtype)

    return in_training(change)


def _stretched(x: jax.Array, centre: jax.Array, strength: Any, drawn: jax.Array) -> jax.Array:
    """x at (1 + strength·drawn) times its distance from the centre."""
    # A strength of 0 returns x bit by bit, which the sum does not.
    return jnp.where(strength > 0, centre + (1 + strength * drawn) * (x - centre), x)
