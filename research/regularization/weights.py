"""Slot parameters: what the forward pass uses in place of a kernel."""

from collections.abc import Callable
from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from research.kernels import Tree
from research.options import NonNegative, Probability
from research.regularization.constraints import not_with
from research.regularization.dropout import drop
from research.regularization.member import member
from research.regularization.noise import add_gaussian
from research.regularization.norms import unit_norms

Apply = Callable[[jax.Array, jax.Array], jax.Array]


class Reparametrization(NamedTuple):
    """A kernel w [..., K] as other parameters: `split(w) -> parts` at initialisation, `join(parts)
    -> w` after."""

    split: Callable[[jax.Array], Tree]
    join: Callable[[Tree], jax.Array]


@member(
    "parameters",
    "kernels",
    paper="Murray & Edwards 1994; Graves 2011, Practical variational inference for neural networks",
    neutral={"sd": 0.0},
    test_options={"sd": 0.1},
)
def weight_noise(
    sd: Annotated[NonNegative, "standard deviation, in units of the weights"],
) -> Apply:
    """Adds Gaussian noise to the kernels in the forward pass, w + sd·N(0, 1), drawn once per step.

    Example:
        >>> w = weight_noise(0.1)(jnp.ones([100, 100]), jax.random.key(0))
        >>> round(float(w.mean()), 1), round(float(w.std()), 1)
        (1.0, 0.1)
    """
    return lambda w, key: add_gaussian(w, key, sd)


@member(
    "parameters",
    "kernels",
    paper="Wan et al. 2013, Regularization of neural networks using DropConnect",
    neutral={"rate": 0.0},
    test_options={"rate": 0.3},
)
def dropconnect(rate: Annotated[Probability, "probability of dropping a weight"]) -> Apply:
    """Drops single weights and divides the others by 1 - rate; one mask per step.

    The paper draws a mask an example and samples activations in evaluation; here evaluation uses
    the mean weights.

    Example:
        >>> w = dropconnect(0.5)(jnp.ones([100, 10]), jax.random.key(0))
        >>> sorted(set(w.flatten().tolist()))
        [0.0, 2.0]
    """
    return lambda w, key: drop(w, key, rate, w.shape)


@member(
    "parameters",
    "reparametrization",
    paper=(
        "Salimans & Kingma 2016, Weight normalization: a simple reparameterization to accelerate"
        " training"
    ),
    neutral=None,
    constraints=(
        not_with(
            "max_norm",
            "unit_norm",
            "l1_prox",
            why="weight_norm trains a direction and a scale, not the kernel",
        ),
    ),
)
def weight_norm() -> Reparametrization:
    """Trains each unit's incoming weights as w = g·v/‖v‖, a scale g [K] and a direction v [...,
    K].

    Example:
        >>> split, join = weight_norm()
        >>> parts = split(jnp.array([[3.0], [4.0]]))
        >>> print(parts["scale"])
        [5.]
        >>> print(join({**parts, "scale": jnp.array([10.0])}))  # twice as long
        [[6.]
         [8.]]
    """

    def split(w: jax.Array) -> Tree:
        norm = unit_norms(w)
        # A unit that starts at zero has no direction: any will do, for its scale is zero.
        direction = jnp.where(norm > 0, w, 1)
        return {"direction": direction, "scale": norm.reshape(-1)}

    def join(parts: Tree) -> jax.Array:
        direction = parts["direction"]
        scale = parts["scale"]
        return direction * (scale / unit_norms(direction))

    return Reparametrization(split, join)
