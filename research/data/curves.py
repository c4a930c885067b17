"""Curves: scalings that bend a column instead of only shifting and dividing it. What they need is
fitted by scikit-learn to the training rows; they are applied on the device, batch by batch."""

import dataclasses
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import ndtri

Statistics = Mapping[str, Any]

# Of published/rtdl: at most so many quantiles, at least so many, and rows for each of them.
_MOST = 1000
_FEWEST = 10
_ROWS_EACH = 30
# The standard deviation of the noise that is added before quantiles are fitted.
_NOISE = 1e-3
# scikit-learn clips there, so that the normal distribution has no infinite values.
_THRESHOLD = 1e-7


@dataclasses.dataclass(frozen=True)
class Curve:
    """A scaling of a column by a monotone function.

    fit: the statistics of training rows [n, C] float64 without missing values; the last argument is
        the number of rows of the data set, which decides the shapes. shapes: those of the
        statistics, by the number of columns and of rows of the data set. apply: numbers [B, C] and
        statistics to numbers [B, C], in the program's precision; those that are standardized take
        `xp=np` too, for the host's float64. standardized: whether the result is then brought to
        mean 0 and deviation 1.
    """

    fit: Callable[[np.ndarray, int], dict[str, np.ndarray]]
    shapes: Callable[[int, int], dict[str, tuple[int, ...]]]
    apply: Callable[..., Any]
    standardized: bool = True


def _most_quantiles(rows: int) -> int:
    return max(min(rows // _ROWS_EACH, _MOST), _FEWEST)


def noisy(x: np.ndarray) -> np.ndarray:
    """Training rows [n, C] with the noise that separates equal values: Gaussian, of deviation 1e-3
    / max(1e-3, deviation of the column); as Gorishniy et al. 2021 (arXiv:2106.11959) add it."""
    # A fixed seed: the statistics are a function of the rows alone.
    noise = np.random.default_rng(0).standard_normal(x.shape)
    return x + _NOISE / np.maximum(x.std(axis=0), _NOISE) * noise


def _fit_quantiles(x: np.ndarray, rows: int) -> dict[str, np.ndarray]:
    from sklearn.preprocessing import QuantileTransformer

    count = _most_quantiles(len(x))
    with warnings.catch_warnings():
        # scikit-learn says that few rows have fewer quantiles; they are counted here.
        warnings.simplefilter("ignore", UserWarning)
        fitted = QuantileTransformer(n_quantiles=count, subsample=None).fit(noisy(x))
    quantiles = fitted.quantiles_
    # Folds share a program, so those with fewer rows repeat their last quantile.
    missing = _most_quantiles(rows) - len(quantiles)
    padded = np.concatenate([quantiles, np.repeat(quantiles[-1:], missing, axis=0)])
    return {"quantiles": padded, "intervals": np.array(len(quantiles) - 1, np.float64)}


def _apply_quantiles(x: jax.Array, statistics: Statistics) -> jax.Array:
    """QuantileTransformer(output_distribution='normal').transform: the mean of interpolating from
    below and from above, which differ where quantiles are equal."""
    quantiles = statistics["quantiles"]
    intervals = statistics["intervals"]
    search = jax.vmap(jnp.searchsorted, in_axes=(1, 1), out_axes=1)
    last = len(quantiles) - 1
    first = jnp.minimum(search(quantiles, x), last)
    after = jax.vmap(lambda q, v: jnp.searchsorted(q, v, side="right"), (1, 1), 1)(quantiles, x)
    before = jnp.clip(after - 1, 0, last)
    take = lambda place: jnp.take_along_axis(quantiles, place, axis=0)  # noqa: E731
    lower = take(before)
    width = take(jnp.minimum(before + 1, last)) - lower
    part = jnp.where(width > 0, (x - lower) / jnp.where(width > 0, width, 1), 0)
    place = jnp.minimum(before, intervals).astype(x.dtype)
    equal = take(first) == x
    # Both tails are measured from their end: float32 has few digits near 1.
    up = jnp.where(equal, (jnp.minimum(first, intervals) + place) / 2, place + part) / intervals
    down = jnp.where(
        equal,
        ((intervals - jnp.minimum(first, intervals)) + (intervals - place)) / 2,
        (intervals - place) - part,
    )
    down = down / intervals
    up = jnp.where(x - _THRESHOLD < quantiles[0], 0, up)
    down = jnp.where(x + _THRESHOLD > quantiles[-1], 0, down)
    top = x + _THRESHOLD > quantiles[-1]
    normal = jnp.where((up < 0.5) & ~top, ndtri(up), -ndtri(down))
    limit = -ndtri(jnp.asarray(_THRESHOLD, x.dtype))
    return jnp.clip(normal, -limit, limit)


def _fit_power(x: np.ndarray, rows: int) -> dict[str, np.ndarray]:
    from sklearn.preprocessing import PowerTransformer

    exponents = PowerTransformer(standardize=False).fit(x).lambdas_
    # A column of negative numbers is turned around: its exponent is then 2 - e.
    signs = np.where((x < 0).all(axis=0), -1.0, 1.0)
    one_sided = (x > 0).all(axis=0) | (x < 0).all(axis=0)
    centers = np.where(one_sided, np.log1p(np.abs(np.median(x, axis=0))), 0.0)
    return {
        "exponents": np.where(signs < 0, 2 - exponents, exponents),
        "signs": signs,
        "centers": centers,
    }


def _apply_power(x: Any, statistics: Statistics, xp: Any = jnp) -> Any:
    """Yeo-Johnson: ((1 + x)^e - 1) / e, and its mirror image of exponent 2 - e below 0; but for a
    shift and a factor of the column, which standardizing takes out.

    With the median m of a column of one sign it is (((1 + x) / (1 + m))^e - 1) / e: if e is far
    from 0, the results differ in digits that float32 has only near 0.
    """
    exponent, center = statistics["exponents"], statistics["centers"]
    x = x * statistics["signs"]
    grown = xp.log1p(xp.abs(x))
    above = _power(grown - center, exponent, xp)
    below = -_power(grown, 2 - exponent, xp) * xp.exp(-exponent * center)
    below = below + _power(-center, exponent, xp)
    return statistics["signs"] * xp.where(x < 0, below, above)


def _power(logarithm: Any, exponent: Any, xp: Any) -> Any:
    """(exp(logarithm)^exponent - 1) / exponent, and its limit where the exponent is 0."""
    is_log = xp.abs(exponent) < np.finfo(np.float64).eps
    divisor = xp.where(is_log, 1, exponent)
    return xp.where(is_log, logarithm, xp.expm1(exponent * logarithm) / divisor)


def _apply_log(x: Any, statistics: Statistics, xp: Any = jnp) -> Any:
    return xp.sign(x) * xp.log1p(xp.abs(x))


CURVES: Mapping[str, Curve] = {
    "quantile": Curve(
        _fit_quantiles,
        lambda columns, rows: {"quantiles": (_most_quantiles(rows), columns), "intervals": ()},
        _apply_quantiles,
        standardized=False,
    ),
    "power": Curve(
        _fit_power,
        lambda columns, rows: dict.fromkeys(("exponents", "signs", "centers"), (columns,)),
        _apply_power,
    ),
    "log": Curve(lambda x, rows: {}, lambda columns, rows: {}, _apply_log),
}
