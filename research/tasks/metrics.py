"""Metrics of a user's own, measured beside those of a task."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from research.registry import Metric
from research.tasks.problem import Problem


def measuring(problem: Problem, metrics: Sequence[Metric]) -> Problem:
    """The problem with these metrics behind its own: per example in curves, their mean over a split
    in the end."""
    if not metrics:
        return problem
    each = [metric for metric in metrics if not metric.whole]
    whole = [metric for metric in metrics if metric.whole]

    def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
        added = {
            metric.name: jnp.asarray(metric.build()(scores, y), scores.dtype) for metric in each
        }
        return problem.example_metrics(scores, y) | added

    def summary(scores: np.ndarray, y: np.ndarray) -> dict[str, float]:
        assert problem.summary is not None
        # Without x64 JAX would round float64 scores to float32 before the metric sees them.
        with jax.enable_x64(scores.dtype == np.float64):
            values = {
                m.name: np.asarray(m.build()(jnp.asarray(scores), jnp.asarray(y))) for m in each
            }
        means = {
            # Summed in float64, so that the mean does not depend on the number of rows.
            name: float(np.mean(of_examples, dtype=np.float64))
            for name, of_examples in values.items()
        }
        of_split = {metric.name: float(metric.build()(scores, y)) for metric in whole}
        return problem.summary(scores, y) | means | of_split

    return dataclasses.replace(
        problem,
        example_metrics=example_metrics,
        summary=None if problem.summary is None else summary,
        better={**problem.better, **{metric.name: metric.better for metric in metrics}},
    )
