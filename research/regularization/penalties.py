"""Slot loss: what is added to the training loss, of one kernel or of one example's hidden
activations."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp

from research.options import NonNegative
from research.regularization.member import member

Penalty = Callable[[jax.Array], jax.Array]

STRENGTH = "strength λ"


def _l1(x: jax.Array) -> jax.Array:
    """‖x‖₁ with the subgradient 0 at 0; JAX's own for |x| is 1 there, which would move what rests
    at zero."""
    return jnp.sum(x * jax.lax.stop_gradient(jnp.sign(x)))


def _half_square(x: jax.Array) -> jax.Array:
    # The half makes the gradient λw, so that λ compares with a weight decay's.
    return jnp.sum(jnp.square(x)) / 2


@member(
    "loss",
    "kernels",
    paper="Tibshirani 1996, Regression shrinkage and selection via the lasso",
    neutral={"strength": 0.0},
    test_options={"strength": 0.01},
)
def l1(strength: Annotated[NonNegative, STRENGTH]) -> Penalty:
    """Adds λ‖w‖₁ over the kernels to the loss; a subgradient, so weights become small but rarely
    exactly zero.

    Example:
        >>> float(l1(0.5)(jnp.array([[1.0, -2.0]])))  # 0.5 (1 + 2)
        1.5
    """
    return lambda w: strength * _l1(w)


@member(
    "loss",
    "kernels",
    paper="Hoerl & Kennard 1970, Ridge regression; Krogh & Hertz 1992",
    neutral={"strength": 0.0},
    test_options={"strength": 0.01},
)
def l2(strength: Annotated[NonNegative, STRENGTH]) -> Penalty:
    """Adds ½λ‖w‖² over the kernels to the loss.

    Example:
        >>> float(l2(0.5)(jnp.array([[1.0, -2.0]])))  # 0.5 (1² + 2²) / 2
        1.25
    """
    return lambda w: strength * _half_square(w)


@member(
    "loss",
    "kernels",
    paper="Zou & Hastie 2005, Regularization and variable selection via the elastic net",
    neutral={"l1": 0.0, "l2": 0.0},
    test_options={"l1": 0.01, "l2": 0.02},
)
def elastic_net(
    l1: Annotated[NonNegative, "strength λ₁ of λ₁‖w‖₁"],
    l2: Annotated[NonNegative, "strength λ₂ of ½λ₂‖w‖²"],
) -> Penalty:
    """Adds λ₁‖w‖₁ + ½λ₂‖w‖² over the kernels to the loss.

    Example:
        >>> float(elastic_net(l1=0.5, l2=0.5)(jnp.array([[1.0, -2.0]])))  # 1.5 + 1.25
        2.75
    """
    return lambda w: l1 * _l1(w) + l2 * _half_square(w)


@member(
    "loss",
    "hidden",
    paper="Merity et al. 2017, Revisiting activation regularization for language RNNs",
    neutral={"strength": 0.0},
    test_options={"strength": 0.01},
)
def activity_penalty(
    strength: Annotated[NonNegative, STRENGTH],
    norm: Annotated[Literal["l1", "l2"], "l1: λ‖h‖₁, sparse activations; l2: ½λ‖h‖²"] = "l2",
) -> Penalty:
    """Adds λ‖h‖₁ or ½λ‖h‖² of the hidden activations to the loss, a mean over examples.

    Example:
        >>> h = jnp.array([1.0, -2.0])
        >>> float(activity_penalty(0.5, "l1")(h)), float(activity_penalty(0.5, "l2")(h))
        (1.5, 1.25)
    """
    size = {"l1": _l1, "l2": _half_square}[norm]
    return lambda h: strength * size(h)
