"""Slot average: a running mean of the parameters, which evaluation uses in their place.

Beside `max_norm` or `unit_norm`, what evaluation uses is the mean after that projection.

The running statistics of batch norm belong to the parameters that they were gathered with, not to
the mean of the parameters. `statistics=recomputed` gathers them for the mean, by a pass over the
training rows at the end of each epoch; `averaged` evaluates the mean of the running statistics.
"""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp

from research.kernels import Tree
from research.options import Fraction, Probability
from research.regularization.member import member

Number = jax.Array | float | int
Statistics = Annotated[
    Literal["recomputed", "averaged"],
    "of batch norm: those of the averaged parameters over the training rows, or the average of the"
    " running ones",
]
Average = Callable[[Tree, Tree, Number, Number], Tree]


def _towards(mean: Tree, params: Tree, share: jax.Array) -> Tree:
    """mean + share·(params - mean), leaf by leaf; params themselves where share is 1."""
    # A share of 1 takes the parameters themselves: m + (p - m) may differ from p by rounding. The
    # cast keeps a float64 share from widening float32 parameters.
    return jax.tree.map(
        lambda m, p: jnp.where(share >= 1, p, m + share.astype(p.dtype) * (p - m)), mean, params
    )


@member(
    "average",
    "parameters",
    paper="Polyak & Juditsky 1992; Kingma & Ba 2015 for the bias correction",
    neutral={"decay": 0.0},
    test_options={"decay": 0.9},
)
def ema(
    decay: Annotated[Probability, "share of the average kept each step"],
    statistics: Statistics = "averaged",
) -> Average:
    """Evaluates an exponential moving average of the parameters, bias-corrected as in Adam.

    The weight of the parameters t updates ago is proportional to decay^t; the initial ones have
    none.

    Example:
        >>> average, mean = ema(0.5), jnp.zeros([])
        >>> for step, weight in enumerate([1.0, 2.0, 4.0]):
        ...     mean = average(mean, jnp.array(weight), step, 3)
        >>> float(mean)  # (1·1 + 2·2 + 4·4) / (1 + 2 + 4)
        3.0
    """

    def average(mean: Tree, params: Tree, step: Number, total_steps: Number) -> Tree:
        # The corrected mean obeys m ← m + (1 - d)/(1 - d^t)·(p - m), so no second, biased mean is
        # kept. expm1 keeps the digits that 1 - d^t loses when d is close to 1.
        updates = jnp.asarray(step, float) + 1
        share = (1 - decay) / -jnp.expm1(updates * jnp.log(decay))
        # The share of the first step is 1 exactly, since the mean before it is anything.
        return _towards(mean, params, jnp.where(updates <= 1, 1, share))

    return average


@member(
    "average",
    "parameters",
    paper="Izmailov et al. 2018, Averaging weights leads to wider optima and better generalization",
    neutral={"start": 1.0},
    test_options={"start": 0.5},
)
def swa(
    start: Annotated[Fraction, "fraction of the training after which the average begins"] = 0.75,
    statistics: Statistics = "recomputed",
) -> Average:
    """Evaluates the plain average of the parameters over all steps from `start` on.

    The paper averages once an epoch; the schedule is the user's choice. As in the paper, the
    statistics of batch norm are recomputed for the average.

    Example:
        >>> average, mean = swa(start=0.5), jnp.zeros([])
        >>> means = []
        >>> for step, weight in enumerate([8.0, 6.0, 1.0, 3.0]):
        ...     mean = average(mean, jnp.array(weight), step, 4)
        ...     means.append(float(mean))
        >>> means  # averages begin with the third of four steps
        [8.0, 6.0, 1.0, 2.0]
    """

    def average(mean: Tree, params: Tree, step: Number, total_steps: Number) -> Tree:
        # Half rounds up, as durations do.
        first = jnp.floor(start * jnp.asarray(total_steps, float) + 0.5)
        # The number of parameters in the mean, the current ones included.
        averaged = jnp.asarray(step, float) - first + 1
        return _towards(mean, params, 1 / jnp.maximum(averaged, 1))

    return average
