"""Metrics measured beside those of a task."""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.registry import METRICS, TASKS, Metric
from research.tasks.problem import Problem


def measured_problem(task: str, metrics: Sequence[str]) -> Problem:
    """The problem of a task, with the metrics of these names behind its own."""
    return measuring(TASKS.get(task).build(), [METRICS.get(name) for name in metrics])


def recorded_problem(config: Mapping[str, str]) -> Problem:
    """The problem of a record's flat config."""
    names = config.get("metrics", "none")
    return measured_problem(config["task"], [] if names == "none" else names.split(","))


def measuring(problem: Problem, metrics: Sequence[Metric]) -> Problem:
    """The problem with these metrics behind its own: per example in curves, their mean over a split
    in the end."""
    if not metrics:
        return problem
    each = [metric for metric in metrics if not metric.whole]

    def example_metrics(scores: jax.Array, y: jax.Array) -> dict[str, jax.Array]:
        added = {
            metric.name: jnp.asarray(metric.build()(scores, y), scores.dtype) for metric in each
        }
        return problem.example_metrics(scores, y) | added

    def summary(scores: np.ndarray, y: np.ndarray) -> dict[str, float]:
        assert problem.summary is not None
        return problem.summary(scores, y) | {m.name: _of_split(m, scores, y) for m in metrics}

    followed = {m.name: m.build() for m in metrics if m.whole and m.generic}
    return dataclasses.replace(
        problem,
        example_metrics=example_metrics,
        summary=None if problem.summary is None else summary,
        better={**problem.better, **{metric.name: metric.better for metric in metrics}},
        whole={**problem.whole, **followed},
        followed=tuple(followed),
    )


# When the tasks' own metrics are NaN.
UNDEFINED = {
    "roc_auc": "a class has no rows, or all of them",
    "r2": "all targets are the same",
    "mase": "the training series is constant",
}


def undefined(metrics: Mapping[str, float]) -> Iterator[str]:
    """A note for each reason why some of these metrics are NaN, as `test/f1: undefined, …`."""
    reasons: dict[str, list[str]] = {}
    for name, value in metrics.items():
        if math.isnan(value):
            reasons.setdefault(_reason(name.rpartition("/")[2]), []).append(name)
    for reason, names in reasons.items():
        are = "is" if len(names) == 1 else "are"
        yield f"{' and '.join(names)} {are} undefined{': ' * bool(reason)}{reason}"


def _reason(name: str) -> str:
    if name in UNDEFINED:
        return UNDEFINED[name]
    try:
        return METRICS.get(name).undefined
    except UserError:  # another metric of the task
        return ""


def _of_split(metric: Metric, scores: np.ndarray, y: np.ndarray) -> float:
    """The metric of a split; scores: [N, C], y: [N]."""
    function = metric.build()
    if metric.generic:
        # In float64 whatever the scores are: the mean of a million float32 values loses digits.
        scores = scores.astype(np.float64)
        y = y if np.issubdtype(y.dtype, np.integer) else y.astype(np.float64)
        if metric.whole:
            return float(function(scores, y, np.ones(len(y), bool)))
        return float(np.mean(function(scores, y)))
    if metric.whole:
        return float(function(scores, y))
    # Without x64 JAX would round float64 scores to float32 before the metric sees them.
    with jax.enable_x64(scores.dtype == np.float64):
        values = np.asarray(function(jnp.asarray(scores), jnp.asarray(y)))
    # Summed in float64, so that the mean does not depend on the number of rows.
    return float(np.mean(values, dtype=np.float64))
