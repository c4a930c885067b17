"""Number embeddings: a vector for each number of a table, in front of a network.

Gorishniy, Rubachev & Babenko 2022, On embeddings for numerical features in tabular deep learning
(arXiv:2203.05556). The piecewise-linear one is that of TabM (Gorishniy, Kotelnikov & Babenko, ICLR
2025): it begins as a linear one.
"""

import math
from typing import Annotated, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from research.models.layers.forward import Forward
from research.models.layers.torch_linear import symmetric
from research.options import Count, Positive

Kind = Literal["none", "linear", "periodic", "piecewise_linear"]
Bins = Annotated[Count, "bins of a number; only for piecewise_linear"]
Frequencies = Annotated[Count, "frequencies of a number; only for periodic"]
FrequencyScale = Annotated[
    Positive, "standard deviation of the frequencies at the start; only for periodic"
]


class LinearEmbedding(nn.Module):
    """w x + b with a vector w and b of each number, [B, N] -> [B, N, width].

    Neither is a kernel: decay would pull all numbers to one vector.
    """

    width: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        init, shape = symmetric(1 / math.sqrt(self.width)), (x.shape[-1], self.width)
        weight = self.param("weight", init, shape, jnp.float32)
        bias = self.param("bias", init, shape, jnp.float32)
        return x[..., None] * weight + bias


class PeriodicEmbedding(nn.Module):
    """relu(W [cos 2πfx, sin 2πfx] + b) with frequencies f [N, frequencies] that are trained, and a
    linear map of each number, [B, N] -> [B, N, width].

    scale: the standard deviation of f at the start, which is cut off at three times as much.
    """

    width: int
    frequencies: int
    scale: float

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        numbers, waves = x.shape[-1], 2 * self.frequencies
        sd = fwd.numbers.get("frequency_scale", self.scale)

        def drawn(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
            return sd * jax.random.truncated_normal(key, -3, 3, shape, jnp.float32)

        f = self.param("frequency", drawn, (numbers, self.frequencies))
        bound = symmetric(1 / math.sqrt(waves))
        kernel = self.param("kernel", bound, (numbers, waves, self.width), jnp.float32)
        bias = self.param("bias", bound, (numbers, self.width), jnp.float32)
        angle = 2 * math.pi * f * x[..., None]
        h = jnp.concatenate([jnp.cos(angle), jnp.sin(angle)], axis=-1)
        return nn.relu(jnp.einsum("bnk,nkd->bnd", h, kernel) + bias)


class PiecewiseLinearEmbedding(nn.Module):
    """A linear embedding plus W e(x), with how far x is through each bin as e, [B, N] -> [B, N,
    width].

    e is 1 for bins below x, 0 for bins above it, and the share of the bin that x is in; the first
    and the last bin go on beyond their edges. W begins as zeros.

    `fwd.constants` are the bins; see `bins_of`.
    """

    width: int

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        linear = LinearEmbedding(self.width)(x)
        e = share_of_bins(x, fwd.constants["low"], fwd.constants["steepness"])
        shape = (*e.shape[1:], self.width)
        kernel = self.param("kernel", nn.initializers.zeros, shape, jnp.float32)
        return linear + jnp.einsum("bnk,nkd->bnd", e.astype(linear.dtype), kernel)


def share_of_bins(x: jax.Array, low: jax.Array, steepness: jax.Array) -> jax.Array:
    """How far each number is through each of its bins, [B, N] -> [B, N, K].

    Args:
        x: numbers, [B, N].
        low, steepness: as `bins_of` returns them, [N, K].
    """
    # By the distance from the edge: x/width - edge/width would cancel in narrow bins.
    e = (x[..., None] - low) * steepness
    place = jnp.arange(low.shape[-1])
    # The last bin has the last place, whatever its number; a number with one bin has no first one.
    few = (steepness != 0).sum(axis=-1, keepdims=True) == 1
    lowest = jnp.where((place == 0) | (few & (place == low.shape[-1] - 1)), -jnp.inf, 0.0)
    highest = jnp.where(place == low.shape[-1] - 1, jnp.inf, 1.0)
    return jnp.clip(e, lowest, highest)


def bins_of(x: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """The bins between quantiles of training rows: the lower `low` [N, K] of each, and 1/width
    `steepness` [N, K].

    Bins without width are left out. The last bin of a number is at the last place, the others are
    at the first ones, and the places between have a steepness of 0.

    Args:
        x: training rows, [n, N].
        count: bins of a number, K.

    Example:
        >>> bins = bins_of(np.array([[0.0], [1.0], [1.0], [3.0], [9.0]]), count=4)
        >>> bins["low"].tolist(), bins["steepness"].round(2).tolist()
        ([[0.0, 1.0, 0.0, 3.0]], [[1.0, 0.5, 0.0, 0.17]])
    """
    x = np.asarray(x)
    shape = (x.shape[1], count)
    low, steepness = np.zeros(shape), np.zeros(shape)
    edges_of_all = np.quantile(x.astype(np.float64), np.linspace(0, 1, count + 1), axis=0)
    # Rounded as the network sees them: a last bin that is narrower than that would magnify what
    # lies beyond it.
    for column, values in enumerate(edges_of_all.astype(x.dtype).T):
        edges = np.unique(values).astype(np.float64)
        bins = len(edges) - 1
        if bins:
            places = [*range(bins - 1), count - 1]
            low[column, places] = edges[:-1]
            steepness[column, places] = 1 / np.diff(edges)
    return {"low": low, "steepness": steepness}
