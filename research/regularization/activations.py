"""Slot activations: noise in one example's activations, in training only; evaluation is the
identity."""

from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp

from research.options import NonNegative, Probability
from research.regularization.member import member
from research.regularization.noise import Number, add_gaussian, drop, normal

Apply = Callable[[jax.Array, jax.Array], jax.Array]


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
    """Drops hidden units and divides the others by 1 - rate."""
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
    """Drops inputs and divides the others by 1 - rate."""
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
    """Drops attention weights, after the softmax, and divides the others by 1 - rate."""
    return lambda x, key: drop(x, key, rate, x.shape)


@member(
    "activations",
    "hidden",
    paper="Srivastava et al. 2014, section 10",
    neutral={"rate": 0.0},
    test_options={"rate": 0.3},
)
def gaussian_dropout(
    rate: Annotated[Probability, "of the dropout with the same variance"],
) -> Apply:
    """Multiplies hidden units by N(1, rate/(1 - rate)), dropout's mean and variance."""

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
    """Adds Gaussian noise to hidden units, h + sd·N(0, 1)."""
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
    """Drops units of a recurrent layer's inputs, state and outputs, the same ones at every step."""
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
    """Drops whole residual branches, at depth d in (0, 1] with probability rate·d; survivors are
    scaled up."""
    return lambda x, key, depth: drop(x, key, rate * depth, ())
