"""Slot data: random erasing."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp

from research.options import Fraction, Range
from research.regularization.augmentation import Apply, in_training
from research.regularization.constraints import images_only, in_order
from research.regularization.member import member


@member(
    "data",
    "image",
    paper="Zhong et al. 2020, Random erasing data augmentation",
    neutral={"probability": 0.0},
    test_options={"probability": 1.0},
    constraints=(images_only, in_order("low", "high")),
)
def random_erasing(
    probability: Annotated[Fraction, "probability of erasing in an image"],
    low: Annotated[Fraction, "smallest share of the image's area"] = 0.02,
    high: Annotated[Fraction, "largest share of the image's area"] = 0.4,
    aspect: Annotated[
        float,
        Range(0, 1, low_open=True),
        "smallest ratio of height to width; the largest is its inverse",
    ] = 0.3,
    fill: Annotated[
        Literal["noise", "mean"], "N(0, 1) after scaling, or each channel's mean over the image"
    ] = "noise",
) -> Apply:
    """Overwrites a rectangle inside an image [H, W, C]; its share of the area and its ratio are
    uniform.

    Example:
        >>> image = jnp.arange(36.0).reshape(6, 6, 1)
        >>> apply = random_erasing(1.0, low=0.25, high=0.25, fill="mean")
        >>> erased = apply(image, jax.random.key(0), True)
        >>> int((erased != image).sum())  # about a quarter of 36 pixels
        9
    """

    def change(x: jax.Array, key: jax.Array) -> jax.Array:
        # Two keys, so that the kind of fill leaves the rectangles as they are.
        where, what = jax.random.split(key)
        erased = rectangle(where, x.shape[:2], probability, low, high, aspect)[..., None]
        if fill == "mean":
            filling = jnp.broadcast_to(x.mean(axis=(0, 1), dtype=jnp.float32), x.shape)
        else:
            filling = jax.random.normal(what, x.shape)
        return jnp.where(erased, filling.astype(x.dtype), x)

    return in_training(change)


def rectangle(
    key: jax.Array,
    shape: tuple[int, ...],
    probability: jax.Array | float,
    low: jax.Array | float,
    high: jax.Array | float,
    aspect: jax.Array | float,
) -> jax.Array:
    """The pixels to erase, bool [H, W]: a random rectangle inside the image.

    A rectangle too long for the image gets the nearest ratio that fits; the paper draws again.

    Args:
        key: the example's key.
        shape: (H, W).
        probability: of erasing anything.
        low: the smallest share of the image's area.
        high: the largest share.
        aspect: the smallest ratio of height to width; the largest is 1 / aspect.
    """
    height, width = shape
    uniform = jax.random.uniform(key, (5,))
    area = height * width * (low + (high - low) * uniform[0])
    ratio = aspect + (1 / aspect - aspect) * uniform[1]
    # With fewer rows than area / width the columns would not fit.
    rows = jnp.maximum(jnp.round(jnp.clip(jnp.sqrt(area * ratio), area / width, height)), 1)
    # From the rounded rows, so that the area stays close to the one drawn.
    columns = jnp.clip(jnp.round(area / rows), 1, width)
    inside = []
    for length, size, position in ((height, rows, uniform[2]), (width, columns, uniform[3])):
        # The product may round up to length - size + 1, hence the minimum.
        start = jnp.minimum(jnp.floor(position * (length - size + 1)), length - size)
        at = jnp.arange(length)
        inside.append((at >= start) & (at < start + size))
    return inside[0][:, None] & inside[1][None, :] & (uniform[4] < probability)
