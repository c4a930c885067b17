"""Problem: what a task tells the engine; an entry of the task registry builds one."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np

from research.data.spec import Arrays


class Encode(Protocol):
    """Labels or values y [B, ...] as what the loss compares with, [B, ..., C]; shift, scale: the
    targets' own."""

    def __call__(self, y: jax.Array, width: int, shift: jax.Array, scale: jax.Array) -> jax.Array:
        """The targets, scaled where they are numbers."""


class Decode(Protocol):
    """The loss's scores [..., C] in the units of the data."""

    def __call__(self, scores: jax.Array, shift: jax.Array, scale: jax.Array) -> jax.Array:
        """The scores, scaled back where they are numbers."""


class Whole(Protocol):
    """A metric of a whole split: scores [N, C], y [N], real bool [N] -> []."""

    def __call__(self, scores: jax.Array, y: jax.Array, real: jax.Array) -> jax.Array:
        """The metric over the real rows."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """A kind of problem.

    encode: labels -> targets. decode: scores -> scores in the data's units. example_metrics: what
        curves follow, (scores [B, ..., C], y [B, ...]) -> {name: [B]}, on the device. summary:
        final metrics of a whole split, (scores [N, C], y [N]) -> {name: value}, on the host.
        better: `higher` or `lower` by metric; the first is the task's main one.

    mean_prediction: decoded scores [B, M, C] of M members -> those of the ensemble, [B, C].
    whole: metrics of a whole split that can also be computed on the device, by name: (scores [N,
        C], y [N], real bool [N]) -> [], over the real rows. Early stopping can watch them;
        followed: those that validation curves have in any case.

    unit: (the data, its training rows) -> what errors are measured in, on the host; in_unit:
        example_metrics and that unit -> with the metrics that are so measured. None: there is no
        unit.

    Of sequences there are too many scores to keep: summary is None, and the final metrics are the
    means of example_metrics, as `finish` completes them; so are those of each epoch's curves.
    per_target: those that are means over an example's targets, and so over a split's; the others
    are of examples, in which those without a target do not count. real: targets [B, T, C] -> [B,
    T], how much of a target there is: 1, 0 or, of mixed examples, a part; None where there always
    is one. Of images the places are [H, W] for [T].
    """

    encode: Encode
    decode: Decode
    example_metrics: Callable[[jax.Array, jax.Array], dict[str, jax.Array]]
    summary: Callable[[np.ndarray, np.ndarray], dict[str, float]] | None
    better: Mapping[str, str]
    finish: Callable[[dict[str, float]], dict[str, float]] = lambda means: means
    per_target: tuple[str, ...] = ()
    real: Callable[[jax.Array], jax.Array] | None = None
    mean_prediction: Callable[[jax.Array], jax.Array] = lambda scores: jnp.mean(scores, axis=1)
    whole: Mapping[str, Whole] = dataclasses.field(default_factory=dict)
    followed: tuple[str, ...] = ()
    unit: Callable[[Arrays, np.ndarray], float] | None = None
    in_unit: Callable[[dict[str, jax.Array], jax.Array], dict[str, jax.Array]] = (
        lambda metrics, unit: metrics
    )


def mean_over_steps(values: jax.Array, real: jax.Array | None = None) -> jax.Array:
    """The mean of each example's values [B, ...], [B]: over its real steps (bool [B, ...]), 0 where
    it has none."""
    steps = tuple(range(1, values.ndim))
    if real is None:
        return jnp.mean(values, axis=steps)
    # Selected, not multiplied: 0 times NaN of a padding step would be NaN. An example without real
    # steps counts as 0.
    return jnp.sum(jnp.where(real, values, 0), axis=steps) / jnp.maximum(
        jnp.sum(real, axis=steps), 1
    )
