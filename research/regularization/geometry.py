"""Slot data: rotation and zoom of an image; `turn` and `zoom` do the same to a mask, with the same
key."""

from typing import Annotated, Any

import jax

from research.options import NonNegative, Positive
from research.regularization.augmentation import Apply, in_training
from research.regularization.constraints import images_only, in_order
from research.regularization.member import member
from research.regularization.sampling import Interpolation, rotated, zoomed

_PAPER = (
    "Simard et al. 2003, Best practices for convolutional neural networks applied to visual"
    " document analysis"
)


def turn(
    image: jax.Array, key: jax.Array, degrees: Any, interpolation: Interpolation = "bilinear"
) -> jax.Array:
    """An image [H, W, ...] rotated about its centre by an angle from U(-degrees, degrees).

    Args:
        image: [H, W, ...].
        key: draws the angle.
        degrees: the largest angle.
        interpolation: bilinear, or nearest for masks.
    """
    return rotated(image, degrees * jax.random.uniform(key, minval=-1, maxval=1), interpolation)


def zoom(
    image: jax.Array, key: jax.Array, low: Any, high: Any, interpolation: Interpolation = "bilinear"
) -> jax.Array:
    """An image [H, W, ...] magnified about its centre by a factor from U(low, high).

    Args:
        image: [H, W, ...].
        key: draws the factor.
        low: the smallest factor.
        high: the largest factor.
        interpolation: bilinear, or nearest for masks.
    """
    return zoomed(image, low + (high - low) * jax.random.uniform(key), interpolation)


@member(
    "data",
    "image",
    paper=_PAPER,
    neutral={"degrees": 0.0},
    test_options={"degrees": 30.0},
    constraints=(images_only,),
    # The same key draws the same angle. Between two classes there is no third, hence the nearest.
    mask=lambda degrees: in_training(lambda x, key: turn(x, key, degrees, "nearest")),
)
def rotation(degrees: Annotated[NonNegative, "largest angle, either way, degrees"]) -> Apply:
    """Rotates an image [H, W, C] about its centre by a uniform angle, bilinear; zeros fill the
    corners.

    Example:
        >>> image = jnp.zeros([3, 3, 1]).at[0, 0].set(1.0)
        >>> turned = rotation(45.0)(image, jax.random.key(0), True)
        >>> print(np.array(turned[..., 0]).round(2))
        [[0.07 0.   0.  ]
         [0.49 0.   0.  ]
         [0.   0.   0.  ]]
    """
    return in_training(lambda x, key: turn(x, key, degrees))


@member(
    "data",
    "image",
    paper=_PAPER,
    neutral={"low": 1.0, "high": 1.0},
    test_options={"low": 0.7, "high": 1.3},
    constraints=(images_only, in_order("low", "high")),
    mask=lambda low, high: in_training(lambda x, key: zoom(x, key, low, high, "nearest")),
)
def scale(
    low: Annotated[Positive, "smallest factor; below 1 the image becomes smaller"],
    high: Annotated[Positive, "largest factor"],
) -> Apply:
    """Magnifies an image [H, W, C] about its centre by a factor from U(low, high), bilinear;
    zeros fill the border.

    Example:
        >>> image = jnp.ones([4, 4, 1])
        >>> print(scale(0.5, 0.5)(image, jax.random.key(0), True)[..., 0])  # half the size
        [[0. 0. 0. 0.]
         [0. 1. 1. 0.]
         [0. 1. 1. 0.]
         [0. 0. 0. 0.]]
    """
    return in_training(lambda x, key: zoom(x, key, low, high))
