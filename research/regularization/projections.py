"""Slot projection: what happens to one kernel w [..., K] after the update."""

from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp

from research.options import NonNegative, Positive
from research.regularization.constraints import averaged_sgd, not_with
from research.regularization.member import member
from research.regularization.norms import unit_norms

Project = Callable[[jax.Array, jax.Array], jax.Array]


@member(
    "projection",
    "norm",
    paper="Srebro & Shraibman 2005; Srivastava et al. 2014, section 5.1",
    neutral={"bound": jnp.inf},
    test_options={"bound": 1.0},
    constraints=(not_with("unit_norm", why="one fixes the norm that the other bounds"),),
)
def max_norm(bound: Annotated[Positive, "largest norm of a unit's incoming weights"]) -> Project:
    """Scales each unit's incoming weights down to a norm of at most the bound (a constraint, not a
    penalty).

    Example:
        >>> w = jnp.array([[3.0, 0.3], [4.0, 0.4]])  # units of norm 5 and 0.5
        >>> print(np.array(max_norm(1.0)(w, 0.1)).round(2))
        [[0.6 0.3]
         [0.8 0.4]]
    """

    def project(w: jax.Array, learning_rate: jax.Array) -> jax.Array:
        norms = unit_norms(w)
        # Units within the bound keep their bits. The inner select keeps the ratio finite for them.
        return jnp.where(norms > bound, w * (bound / jnp.where(norms > bound, norms, 1)), w)

    return project


@member(
    "projection",
    "norm",
    paper=(
        "Riemannian optimization on the sphere: Absil et al. 2008, Optimization algorithms on"
        " matrix manifolds"
    ),
    neutral=None,
)
def unit_norm() -> Project:
    """Scales each unit's incoming weights to norm 1; a unit of zeros stays zero.

    Example:
        >>> w = jnp.array([[3.0, 0.3], [4.0, 0.4]])
        >>> print(np.array(unit_norm()(w, 0.1)).round(2))
        [[0.6 0.6]
         [0.8 0.8]]
    """

    def project(w: jax.Array, learning_rate: jax.Array) -> jax.Array:
        norms = unit_norms(w)
        return w / jnp.where(norms > 0, norms, 1)

    return project


@member(
    "projection",
    "proximal",
    paper="Daubechies et al. 2004; Beck & Teboulle 2009, ISTA",
    neutral={"strength": 0.0},
    test_options={"strength": 0.5},
    constraints=(averaged_sgd,),
)
def l1_prox(strength: Annotated[NonNegative, "strength λ"]) -> Project:
    """Moves each weight towards zero by learning rate·λ and stops at zero: λ‖w‖₁ with exact zeros.

    Example:
        >>> w = jnp.array([0.5, -0.05])
        >>> print(np.array(l1_prox(1.0)(w, 0.1)).round(2))  # each by 0.1 · 1, but not beyond zero
        [0.4 0. ]
    """

    def project(w: jax.Array, learning_rate: jax.Array) -> jax.Array:
        # Soft thresholding by a clip: a weight within the threshold is subtracted from itself,
        # which is 0 exactly.
        threshold = learning_rate * strength
        return jnp.where(strength > 0, w - jnp.clip(w, -threshold, threshold), w)

    return project
