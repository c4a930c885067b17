"""Slot activations: noise in one example's activations, in training only; evaluation is the
identity."""

from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp

from research.options import NonNegative, Probability
from research.regularization.member import member
from research.regularization.noise import Number, add_gaussian, normal

Apply = Callable[[jax.Array, jax.Array], jax.Array]
# What SELU tends to for large negative inputs, to the digits of its paper.
SELU_LIMIT = -1.0507009873554805 * 1.6732632423543772


@member(
    "activations",
    "hidden",
    paper=(
        "Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting"
    ),
    neutral={"rate": 0.0},
    test_options={"rate": 0.3},
)
def dropout(rate: Annotated[Probability, "probability of dropping a hidden unit"]) -> Apply:
    """Drops hidden units and divides the others by 1 - rate.

    Example:
        >>> x = dropout(0.5)(jnp.ones(1000), jax.random.key(0))
        >>> sorted(set(x.tolist()))
        [0.0, 2.0]
        >>> round(float(x.mean()), 1)
        1.0
    """
    return lambda x, key: drop(x, key, rate, x.shape)


@member(
    "activations",
    "input",
    paper=(
        "Srivastava et al. 2014, Dropout: a simple way to prevent neural networks from overfitting"
    ),
    neutral={"rate": 0.0},
    test_options={"rate": 0.2},
)
def input_dropout(rate: Annotated[Probability, "probability of dropping an input"]) -> Apply:
    """Drops inputs and divides the others by 1 - rate.

    Example:
        >>> x = input_dropout(0.5)(jnp.ones(1000), jax.random.key(0))
        >>> sorted(set(x.tolist()))
        [0.0, 2.0]
        >>> round(float(x.mean()), 1)
        1.0
    """
    return lambda x, key: drop(x, key, rate, x.shape)


@member(
    "activations",
    "residual",
    paper="Gorishniy et al. 2021, Revisiting deep learning models for tabular data",
    neutral={"rate": 0.0},
    test_options={"rate": 0.3},
)
def residual_dropout(
    rate: Annotated[Probability, "probability of dropping a unit of a residual branch's output"],
) -> Apply:
    """Drops units of what a residual branch adds, and divides the others by 1 - rate.

    Example:
        >>> x = residual_dropout(0.5)(jnp.ones(1000), jax.random.key(0))
        >>> sorted(set(x.tolist()))
        [0.0, 2.0]
    """
    return lambda x, key: drop(x, key, rate, x.shape)


@member(
    "activations",
    "attention",
    paper="Vaswani et al. 2017, Attention is all you need, as their code and most since have it",
    neutral={"rate": 0.0},
    test_options={"rate": 0.3},
)
def attention_dropout(
    rate: Annotated[Probability, "probability of dropping an attention weight"],
) -> Apply:
    """Drops attention weights, after the softmax, and divides the others by 1 - rate.

    Example:
        >>> weights = jnp.full([4, 4, 4], 0.25)  # [H, T, S]
        >>> x = attention_dropout(0.5)(weights, jax.random.key(0))
        >>> sorted(set(x.flatten().tolist()))
        [0.0, 0.5]
    """
    return lambda x, key: drop(x, key, rate, x.shape)


@member(
    "activations",
    "hidden",
    paper="Klambauer et al. 2017, Self-normalizing neural networks, section 3",
    neutral={"rate": 0.0},
    test_options={"rate": 0.3},
)
def alpha_dropout(rate: Annotated[Probability, "probability of dropping a hidden unit"]) -> Apply:
    """Sets hidden units to SELU's lower limit, and rescales all, so that mean 0 and variance 1
    stay.

    A dropped unit becomes a·α + b and the others a·x + b, with α = -1.7581, a = 1/√((1 - rate) (1 +
    rate·α²)) and b = -a·rate·α.

    Example:
        >>> x = alpha_dropout(0.5)(jnp.zeros(1000), jax.random.key(0))
        >>> [round(value, 2) for value in sorted(set(x.tolist()))]
        [-0.78, 0.78]
    """

    def apply(x: jax.Array, key: jax.Array) -> jax.Array:
        keep = 1 - rate
        a = 1 / jnp.sqrt(keep * (1 + rate * SELU_LIMIT**2))
        stays = jax.random.bernoulli(key, keep, x.shape)
        noisy = a * (jnp.where(stays, x, SELU_LIMIT) - rate * SELU_LIMIT)
        # A sum with 0 would turn -0.0 into 0.0, so a rate of 0 selects x itself.
        return jnp.where(rate > 0, noisy, x).astype(x.dtype)

    return apply


@member(
    "activations",
    "hidden",
    paper="Srivastava et al. 2014, section 10",
    neutral={"rate": 0.0},
    test_options={"rate": 0.3},
)
def gaussian_dropout(
    rate: Annotated[Probability, "rate of the dropout with the same variance"],
) -> Apply:
    """Multiplies hidden units by N(1, rate/(1 - rate)), which has dropout's mean and variance.

    Example:
        >>> x = gaussian_dropout(0.5)(jnp.ones(10_000), jax.random.key(0))
        >>> round(float(x.mean()), 1), round(float(x.std()), 1)  # dropout's
        (1.0, 1.0)
    """

    def apply(x: jax.Array, key: jax.Array) -> jax.Array:
        sd = jnp.sqrt(rate / (1 - rate))
        return x * (1 + sd * normal(x, key)).astype(x.dtype)

    return apply


@member(
    "activations",
    "hidden",
    paper="Gulcehre et al. 2016, Noisy activation functions",
    neutral={"sd": 0.0},
    test_options={"sd": 0.3},
)
def activation_noise(
    sd: Annotated[NonNegative, "standard deviation, in units of the activations"],
) -> Apply:
    """Adds Gaussian noise to hidden units, h + sd·N(0, 1).

    Example:
        >>> x = activation_noise(0.5)(jnp.ones(10_000), jax.random.key(0))
        >>> round(float(x.mean()), 1), round(float(x.std()), 1)
        (1.0, 0.5)
    """
    return lambda x, key: add_gaussian(x, key, sd)


@member(
    "activations",
    "recurrent",
    paper=(
        "Gal & Ghahramani 2016, A theoretically grounded application of dropout in recurrent neural"
        " networks"
    ),
    neutral={"rate": 0.0},
    test_options={"rate": 0.3},
)
def variational_dropout(rate: Annotated[Probability, "probability of dropping a unit"]) -> Apply:
    """Drops units of a recurrent layer's inputs, state and outputs, the same ones at every step.

    Example:
        >>> mask = variational_dropout(0.5)(jnp.ones([1, 6]), jax.random.key(0))
        >>> print(jnp.ones([2, 6]) * mask)  # the same units at both steps
        [[0. 0. 2. 2. 0. 2.]
         [0. 0. 2. 2. 0. 2.]]
    """
    return lambda x, key: drop(x, key, rate, x.shape)


@member(
    "activations",
    "branch",
    paper="Huang et al. 2016, Deep networks with stochastic depth",
    neutral={"rate": 0.0},
    test_options={"rate": 0.5},
)
def stochastic_depth(
    rate: Annotated[
        Probability,
        "probability of dropping the last branch; earlier ones in proportion to their depth",
    ],
) -> Callable[[jax.Array, jax.Array, Number], jax.Array]:
    """Drops whole residual branches with probability rate·depth, depth in (0, 1]; scales
    survivors up.

    Example:
        >>> drop = stochastic_depth(0.5)
        >>> keys = jax.random.split(jax.random.key(0), 1000)
        >>> def survivors(depth):
        ...     branches = jax.vmap(lambda key: drop(jnp.ones(2), key, depth))(keys)
        ...     return round(float((branches > 0).mean()), 1)
        >>> survivors(0.2), survivors(1.0)
        (0.9, 0.5)
    """
    # A mask of shape () drops the branch as a whole.
    return lambda x, key, depth: drop(x, key, rate * depth, ())


def drop(x: jax.Array, key: jax.Array, rate: Number, shape: tuple[int, ...]) -> jax.Array:
    """x with zeros at probability `rate`, and the other entries divided by 1 - rate.

    Args:
        x: any shape and dtype, which it keeps.
        key: of the mask.
        rate: the probability of dropping, in [0, 1).
        shape: of the mask, which is broadcast to x.
    """
    # Survivors are scaled up in training, so that evaluation is the identity.
    keep = 1 - rate
    return jnp.where(jax.random.bernoulli(key, keep, shape), x / keep, 0).astype(x.dtype)
