"""Quantile regression: the pinball loss of one or several quantiles, and what intervals cover.

`quantile(0.9)` has one output, which is the prediction. `quantile(0.05,0.95)` has an output a
level; its scores are the prediction, which is the middle of them, and the levels behind it, so that
metrics of numbers read the prediction and those of intervals the outer levels.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from research.errors import UserError
from research.registry import LOSSES, METRICS, Loss, Metric
from research.tasks.error_metrics import level_of


def quantile(levels: Sequence[float], outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """The mean over the levels of max(q e, (q - 1) e), e = t - z (Koenker & Bassett 1978).

    Args:
        levels: q of each output, [K].
        outputs: [..., K].
        targets: [..., 1].

    Example:
        >>> print(quantile([0.9], jnp.array([[1.0], [4.0]]), jnp.array([[3.0], [3.0]])))
        [1.8 0.1]
    """
    # A level is a constant of the program, and its dtype must not raise that of the outputs.
    q = jnp.asarray(levels, outputs.dtype)
    error = targets - outputs
    return jnp.mean(jnp.where(error >= 0, q, q - 1) * error, axis=-1)


def with_prediction(outputs: jax.Array) -> jax.Array:
    """Outputs [..., K] with the prediction before them, [..., 1 + K]; of one level, as they are.

    The prediction is the middle level, or the mean of the two in the middle.
    """
    count = outputs.shape[-1]
    if count == 1:
        return outputs
    middle = outputs[..., (count - 1) // 2 : count // 2 + 1]
    return jnp.concatenate([jnp.mean(middle, axis=-1, keepdims=True), outputs], axis=-1)


def _levels(name: str) -> tuple[float, ...]:
    """The levels of `quantile(0.05,0.95)`. Raises UserError unless they ascend between 0 and 1."""
    inside = name.removeprefix("quantile").strip()
    texts = inside[1:-1].split(",") if inside[:1] + inside[-1:] == "()" else []
    levels = [level_of(text) for text in texts]
    known = [level for level in levels if level is not None]
    if not known or known != levels or known != sorted(set(known)):
        raise UserError(
            f"loss={name} needs levels above 0 and below 1 that ascend; write quantile(0.9), or"
            " quantile(0.05,0.95) for an interval"
        )
    return tuple(known)


def _loss(name: str) -> Loss:
    """The entry of `quantile(0.9)`. Raises UserError for levels that are none."""
    levels = _levels(name)
    return Loss(
        name,
        lambda: lambda outputs, targets: quantile(levels, outputs, targets),
        "pinball loss of one quantile or several",
        "Koenker & Bassett 1978, Regression quantiles",
        tasks=("regression",),
        outputs=lambda width: len(levels),
        scores=lambda outputs, width: with_prediction(outputs),
    )


def covered(scores: Any, y: Any) -> Any:
    """Whether the value lies between the lowest and the highest level, both included, [N].

    Args:
        scores: the prediction and the levels, [N, 1 + K], of numpy or JAX.
        y: values [N].

    Example:
        >>> print(covered(np.array([[2.0, 1.0, 3.0], [2.0, 1.0, 3.0]]), np.array([3.0, 4.0])))
        [1. 0.]
    """
    return ((scores[:, 1] <= y) & (y <= scores[:, -1])).astype(scores.dtype)


def interval_width(scores: Any, y: Any) -> Any:
    """The highest level less the lowest, [N]; below 0 where they cross.

    Args:
        scores: the prediction and the levels, [N, 1 + K], of numpy or JAX.
        y: not used.

    Example:
        >>> print(interval_width(np.array([[2.0, 1.0, 5.0]]), np.array([3.0])))
        [4.]
    """
    return scores[:, -1] - scores[:, 1]


def _has_interval(config: Any, spec: Any) -> str | None:
    """The loss has two quantiles or more."""
    if config.loss.startswith("quantile") and len(_levels(config.loss)) > 1:
        return None
    return (
        "the metrics coverage and interval_width are of an interval between two quantiles, as those"
        f" of --loss='quantile(0.05,0.95)'; the loss is {config.loss}"
    )


LOSSES.add_family("quantile", _loss, example=_loss("quantile(0.9)"))
for _name, _metric, _summary, _better in (
    ("coverage", covered, "share of values between the outer quantiles", "higher"),
    ("interval_width", interval_width, "distance of the outer quantiles", "lower"),
):
    METRICS.add(
        Metric(
            _name,
            lambda metric=_metric: metric,
            _summary,
            tasks=("regression",),
            better=_better,
            generic=True,
            constraints=(_has_interval,),
        )
    )
