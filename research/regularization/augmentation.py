"""Slot data: augmentation and noise of one example's inputs, after scaling."""

from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp

from research.errors import ShapeError
from research.options import Count, Fraction, NonNegative, WholeNumber
from research.regularization.boxes import box
from research.regularization.constraints import images_only, one_target
from research.regularization.member import member
from research.regularization.noise import add_gaussian

Apply = Callable[[jax.Array, jax.Array | None, bool], jax.Array]


def in_training(change: Callable[[jax.Array, jax.Array], jax.Array]) -> Apply:
    """`change(x, key)` in training, the identity in evaluation."""

    def apply(x: jax.Array, key: jax.Array | None, train: bool) -> jax.Array:
        # A Python bool, so that the program of evaluation has no trace of the change.
        if not train:
            return x
        assert key is not None, "training needs the example's key"
        return change(x, key)

    return apply


@member(
    "data",
    "image",
    paper="LeCun et al. 1998, Gradient-based learning applied to document recognition",
    neutral={"n": 0.0},
    test_options={"n": 2.0},
    constraints=(images_only,),
    moves=True,
)
def shift(n: Annotated[WholeNumber, "largest translation, pixels"]) -> Apply:
    """Translates an image [H, W, C] by up to n pixels along each axis; zeros fill the border.

    Example:
        >>> image = jnp.arange(1.0, 5.0).reshape(2, 2, 1)
        >>> print(shift(1)(image, jax.random.key(0), True)[..., 0])
        [[0. 0.]
         [0. 1.]]
        >>> print(shift(1)(image, None, False)[..., 0])  # evaluation
        [[1. 2.]
         [3. 4.]]
    """

    def change(x: jax.Array, key: jax.Array) -> jax.Array:
        # A scaled uniform number, not randint: n may be a lane value, which is a float. Rounding
        # may take the product up to 2n + 1, hence the minimum.
        uniform = jax.random.uniform(key, (2,))
        by = jnp.minimum(jnp.floor(uniform * (2 * n + 1)), 2 * n) - n
        row, column = (
            jnp.arange(length) - by[axis].astype(int) for axis, length in enumerate(x.shape[:2])
        )
        inside = ((row >= 0) & (row < x.shape[0]))[:, None] & (
            (column >= 0) & (column < x.shape[1])
        )[None, :]
        # Pixels from outside are clipped to the border here and masked below.
        moved = jnp.take(jnp.take(x, row, axis=0, mode="clip"), column, axis=1, mode="clip")
        return jnp.where(inside[..., None], moved, 0)

    return in_training(change)


@member(
    "data",
    "image",
    paper="Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks",
    neutral=None,
    test_options={"n": 2},
    constraints=(images_only, one_target),
)
def crop(n: Annotated[Count, "rows and columns removed, pixels"]) -> Apply:
    """Cuts a window [H-n, W-n, C] out of an image: anywhere in training, the centre in
    evaluation.

    Example:
        >>> image = jnp.arange(16.0).reshape(4, 4, 1)
        >>> print(crop(2)(image, None, False)[..., 0])  # evaluation takes the centre
        [[ 5.  6.]
         [ 9. 10.]]
    """

    def apply(x: jax.Array, key: jax.Array | None, train: bool) -> jax.Array:
        height, width, channels = x.shape
        if n >= min(height, width):
            raise ShapeError(
                f"crop={n} leaves nothing of images of {height}x{width}; it must be <"
                f" {min(height, width)}"
            )
        if train:
            assert key is not None, "training needs the example's key"
            start = jax.random.randint(key, (2,), 0, n + 1)
        else:
            start = jnp.array([n // 2, n // 2])
        # The start is traced; the size is static, since it is the shape of the network's input.
        return jax.lax.dynamic_slice(x, (start[0], start[1], 0), (height - n, width - n, channels))

    return apply


@member(
    "data",
    "image",
    paper="Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks",
    neutral={"probability": 0.0},
    test_options={"probability": 0.5},
    constraints=(images_only,),
    moves=True,
)
def flip(probability: Annotated[Fraction, "probability of mirroring an image"]) -> Apply:
    """Mirrors an image [H, W, C] horizontally, with the given probability.

    Example:
        >>> image = jnp.array([[[1.0], [2.0]]])
        >>> flip(1.0)(image, jax.random.key(0), True)[..., 0].tolist()
        [[2.0, 1.0]]
    """
    return in_training(
        lambda x, key: jnp.where(jax.random.bernoulli(key, probability), x[:, ::-1], x)
    )


@member(
    "data",
    "image",
    paper=(
        "DeVries & Taylor 2017, Improved regularization of convolutional neural networks with"
        " cutout"
    ),
    neutral={"size": 0.0},
    test_options={"size": 2.0},
    constraints=(images_only,),
)
def cutout(size: Annotated[WholeNumber, "side of the square, pixels"]) -> Apply:
    """Fills a square of an image [H, W, C] with zeros; its centre is uniform, the border may cut
    it off.

    Example:
        >>> image = cutout(2)(jnp.ones([4, 4, 1]), jax.random.key(1), True)
        >>> print(image[..., 0])
        [[1. 1. 0. 0.]
         [1. 1. 1. 1.]
         [1. 1. 1. 1.]
         [1. 1. 1. 1.]]
    """

    def change(x: jax.Array, key: jax.Array) -> jax.Array:
        height, width, _ = x.shape
        return jnp.where(box(key, (height, width), (size, size))[..., None], 0, x)

    return in_training(change)


@member(
    "data",
    "any",
    paper="Bishop 1995, Training with noise is equivalent to Tikhonov regularization",
    neutral={"sd": 0.0},
    test_options={"sd": 0.3},
)
def input_noise(sd: Annotated[NonNegative, "standard deviation, in units after scaling"]) -> Apply:
    """Adds Gaussian noise to the inputs, x + sd·N(0, 1).

    Example:
        >>> x = input_noise(0.5)(jnp.zeros(10_000), jax.random.key(0), True)
        >>> round(float(x.std()), 1)
        0.5
    """
    return in_training(lambda x, key: add_gaussian(x, key, sd))
