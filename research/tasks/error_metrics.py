"""Metrics of numbers beside those of the task: RMSE, median error, MAPE, explained variance,
pinball."""

from typing import Any

from research.errors import UserError
from research.registry import METRICS, Metric


def _error(scores: Any, y: Any) -> Any:
    return y - scores[:, 0]


def _mean(values: Any, real: Any) -> Any:
    xp = values.__array_namespace__()
    return xp.sum(xp.where(real, values, 0)) / xp.sum(real)


def rmse(scores: Any, y: Any, real: Any) -> Any:
    """The root of the mean squared error.

    Args:
        scores: predictions [N, C], the first of each row, of numpy or JAX.
        y: values [N].
        real: which rows count, bool [N].

    Example:
        >>> z = np.array([[1.0], [1.0]])
        >>> print(rmse(z, np.array([2.0, 8.0]), np.ones(2, bool)))  # √((1² + 7²) / 2)
        5.0
    """
    xp = scores.__array_namespace__()
    return xp.sqrt(_mean(_error(scores, y) ** 2, real))


def median_ae(scores: Any, y: Any, real: Any) -> Any:
    """The median absolute error; of an even number of rows the mean of the two in the middle.

    Args:
        scores: predictions [N, C], the first of each row, of numpy or JAX.
        y: values [N].
        real: which rows count, bool [N].

    Example:
        >>> z = np.array([[1.0], [1.0], [1.0]])
        >>> print(median_ae(z, np.array([2.0, 3.0, 9.0]), np.ones(3, bool)))  # of 1, 2 and 8
        2.0
    """
    xp = scores.__array_namespace__()
    # Rows that do not count are last, behind the middle of the others.
    errors = xp.sort(xp.where(real, xp.abs(_error(scores, y)), xp.inf))
    count = xp.sum(real)
    return (errors[(count - 1) // 2] + errors[count // 2]) / 2


def mape(scores: Any, y: Any) -> Any:
    """|y - z| / |y| of each example, [N]: a share, not percent. NaN where y is 0, which
    scikit-learn divides by 2e-16 instead.

    Args:
        scores: predictions [N, C], the first of each row, of numpy or JAX.
        y: values [N].

    Example:
        >>> print(mape(np.array([[1.0], [5.0]]), np.array([2.0, 4.0])))
        [0.5  0.25]
    """
    xp = scores.__array_namespace__()
    size = xp.abs(y)
    return xp.where(size > 0, xp.abs(_error(scores, y)) / xp.where(size > 0, size, 1), xp.nan)


def r2(scores: Any, y: Any, real: Any) -> Any:
    """1 - Σ e² / Σ (y - mean)²; NaN where all y are the same.

    Args:
        scores: predictions [N, C], the first of each row, of numpy or JAX.
        y: values [N].
        real: which rows count, bool [N].
    """
    return _share_explained(_mean(_error(scores, y) ** 2, real), y, real)


def explained_variance(scores: Any, y: Any, real: Any) -> Any:
    """1 - Var e / Var y; NaN where all y are the same. Unlike R² it forgives a constant error.

    Args:
        scores: predictions [N, C], the first of each row, of numpy or JAX.
        y: values [N].
        real: which rows count, bool [N].

    Example:
        >>> z, y = np.array([[1.0], [3.0]]), np.array([0.0, 2.0])  # each 1 too much
        >>> print(explained_variance(z, y, np.ones(2, bool)), r2(z, y, np.ones(2, bool)))
        1.0 0.0
    """
    error = _error(scores, y)
    return _share_explained(_mean((error - _mean(error, real)) ** 2, real), y, real)


def _share_explained(unexplained: Any, y: Any, real: Any) -> Any:
    xp = y.__array_namespace__()
    variance = _mean((y - _mean(y, real)) ** 2, real)
    return xp.where(variance > 0, 1 - unexplained / xp.where(variance > 0, variance, 1), xp.nan)


def pinball(level: float, scores: Any, y: Any) -> Any:
    """The pinball loss of each example, [N]: q e where the value is above the prediction, else (q -
    1) e (Koenker & Bassett 1978).

    Args:
        level: q, the share of values that the prediction should not be below.
        scores: predictions [N, C], the first of each row, of numpy or JAX.
        y: values [N].
    """
    xp = scores.__array_namespace__()
    error = _error(scores, y)
    return xp.where(error >= 0, level * error, (level - 1) * error)


def _whole_values(config: Any, spec: Any) -> str | None:
    """Targets are read as they are."""
    offset = getattr(spec.targets, "offset", 0.0)
    if not offset:
        return None
    return (
        f"metrics=mape is a share of the value, and the targets of {spec.name} are so close"
        f" together that they are read as differences to {offset:g}; leave it out"
    )


for _name, _function, _summary, _better, _undefined in (
    ("rmse", rmse, "root of the mean squared error", "lower", ""),
    ("median_ae", median_ae, "median absolute error", "lower", ""),
    (
        "explained_variance",
        explained_variance,
        "share of the variance explained",
        "higher",
        "all targets are the same",
    ),
):
    METRICS.add(
        Metric(
            _name,
            lambda function=_function: function,
            _summary,
            tasks=("regression",),
            better=_better,
            whole=True,
            generic=True,
            undefined=_undefined,
        )
    )
METRICS.add(
    Metric(
        "mape",
        lambda: mape,
        "mean absolute error as a share of the value",
        tasks=("regression",),
        better="lower",
        generic=True,
        undefined="a target is 0",
        constraints=(_whole_values,),
    )
)


def level_of(text: str) -> float | None:
    """A quantile's level, above 0 and below 1; None if the text is no such number."""
    try:
        level = float(text)
    except ValueError:
        return None
    return level if 0 < level < 1 else None


def _pinball(name: str) -> Metric:
    """The entry of `pinball_0.9`. Raises UserError if it does not end with a level."""
    level = level_of(name.removeprefix("pinball_"))
    if level is None:
        raise UserError(
            f"metric '{name}' names no quantile between 0 and 1; write it as pinball_0.9"
        )
    return Metric(
        name,
        lambda: lambda scores, y: pinball(level, scores, y),
        f"pinball loss of the quantile {level:g}",
        "Koenker & Bassett 1978, Regression quantiles",
        tasks=("regression",),
        better="lower",
        generic=True,
    )


METRICS.add_family("pinball_", _pinball, example=_pinball("pinball_0.9"))
