"""Slot targets: how training changes a batch's targets, alone or together with its inputs."""

from collections.abc import Callable
from typing import Annotated, Protocol

import jax
import jax.numpy as jnp

from research.options import Fraction, NonNegative
from research.regularization.boxes import box
from research.regularization.constraints import images_only, of_classes
from research.regularization.member import member

Pair = tuple[jax.Array, jax.Array]


class Mix(Protocol):
    """Mixes a batch with partners of its own."""

    def __call__(
        self, x: jax.Array, y: jax.Array, key: jax.Array, real: jax.Array | None = None
    ) -> Pair:
        """The mixed inputs and targets, in the shapes of x and y.

        Args:
            x: inputs [B, ...].
            y: targets [B, ..., K], distributions over classes.
            key: draws partners and weights.
            real: bool [B], False where a row is padding; None: no row is.
        """


@member(
    "targets",
    "any",
    paper="Szegedy et al. 2016, Rethinking the Inception architecture for computer vision",
    neutral={"epsilon": 0.0},
    test_options={"epsilon": 0.2},
    constraints=(of_classes,),
)
def label_smoothing(
    epsilon: Annotated[Fraction, "weight of the uniform distribution"],
) -> Callable[[jax.Array, jax.Array, jax.Array], Pair]:
    """Mixes the targets with the uniform distribution over the K classes, (1 - ε)·y + ε/K.

    A place that is not counted, whose target is zero, stays so.

    Example:
        >>> x, y = jnp.zeros([1, 3]), jnp.array([[1.0, 0.0]])
        >>> _, smooth = label_smoothing(0.2)(x, y, jax.random.key(0))
        >>> print(np.array(smooth).round(2))
        [[0.9 0.1]]
    """

    def apply(x: jax.Array, y: jax.Array, key: jax.Array) -> Pair:
        # The target's sum is 1, or 0 at a place that is not counted, which must stay 0.
        smooth = (1 - epsilon) * y + epsilon / y.shape[-1] * jnp.sum(y, axis=-1, keepdims=True)
        return x, jnp.where(epsilon > 0, smooth, y).astype(y.dtype)

    return apply


@member(
    "targets",
    "any",
    paper="Zhang et al. 2018, mixup: beyond empirical risk minimization",
    neutral={"alpha": 0.0},
    test_options={"alpha": 0.4},
    mixes_examples=True,
)
def mixup(
    alpha: Annotated[
        NonNegative, "α of Beta(α, α), the distribution of the mixing weight; 0: no mixing"
    ],
) -> Mix:
    """Mixes each example and its target with a random partner's, λ·a + (1 - λ)·b, one λ ~
    Beta(α, α) per batch.

    Example:
        >>> x, y = jnp.array([[0.0], [1.0]]), jnp.array([[1.0, 0.0], [0.0, 1.0]])
        >>> mixed_x, mixed_y = mixup(1.0)(x, y, jax.random.key(1))
        >>> bool(jnp.allclose(mixed_x[:, 0], mixed_y[:, 1]))  # one weight for both
        True
    """

    def apply(x: jax.Array, y: jax.Array, key: jax.Array, real: jax.Array | None = None) -> Pair:
        weight = _weight(key, alpha)
        partner = _partners(key, x.shape[0], real)

        def mix(a: jax.Array) -> jax.Array:
            mixed = weight * a + (1 - weight) * a[partner]
            return jnp.where(alpha > 0, mixed, a).astype(a.dtype)

        return mix(x), mix(y)

    return apply


@member(
    "targets",
    "image",
    paper=(
        "Yun et al. 2019, CutMix: regularization strategy to train strong classifiers with"
        " localizable features"
    ),
    neutral={"alpha": 0.0},
    test_options={"alpha": 1.0},
    constraints=(images_only, of_classes),
    mixes_examples=True,
)
def cutmix(
    alpha: Annotated[
        NonNegative, "α of Beta(α, α), the distribution of the area that is kept; 0: no mixing"
    ],
) -> Mix:
    """Pastes a box from a random partner, at one place per batch; mixes the targets by the
    pasted area.

    Targets at each pixel are pasted as the pixels are.

    Example:
        >>> x = jnp.zeros([2, 4, 4, 1]).at[1].set(1.0)
        >>> y = jnp.array([[1.0, 0.0], [0.0, 1.0]])
        >>> mixed_x, mixed_y = cutmix(1.0)(x, y, jax.random.key(0))
        >>> bool(jnp.allclose(mixed_x.mean((1, 2, 3)), mixed_y[:, 1]))  # by area
        True
    """

    def apply(x: jax.Array, y: jax.Array, key: jax.Array, real: jax.Array | None = None) -> Pair:
        weight = _weight(key, alpha)
        partner = _partners(key, x.shape[0], real)
        height, width = x.shape[1:3]
        side = jnp.sqrt(1 - weight)
        # Box sides are whole pixels; the targets use the area that was in fact pasted.
        size = jnp.floor(side * height), jnp.floor(side * width)
        pasted = box(jax.random.fold_in(key, 2), (height, width), size) & (alpha > 0)
        share = jnp.mean(pasted, dtype=y.dtype)
        mixed = jnp.where(pasted[..., None], x[partner], x)
        if y.ndim == x.ndim:
            return mixed, jnp.where(pasted[..., None], y[partner], y)
        return mixed, jnp.where(share > 0, (1 - share) * y + share * y[partner], y)

    return apply


def _weight(key: jax.Array, alpha: jax.Array | float) -> jax.Array:
    """λ ~ Beta(α, α), []; any number where α is 0, which Beta does not take."""
    # Streams 0, 1 and 2 of the step's key: the weight, the partners, the box.
    safe = jnp.where(alpha > 0, alpha, 1.0)
    return jax.random.beta(jax.random.fold_in(key, 0), safe, safe)


def _partners(key: jax.Array, examples: int, real: jax.Array | None = None) -> jax.Array:
    """A random permutation of the batch, [B]; a row whose partner would be padding is its own."""
    partner = jax.random.permutation(jax.random.fold_in(key, 1), examples)
    # A permutation of all rows, so that it does not depend on where padding lies.
    return partner if real is None else jnp.where(real[partner], partner, jnp.arange(examples))
