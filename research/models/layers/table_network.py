"""What networks for tables share: a table's numbers and categories as one vector."""

import math
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from research.models.layers.forward import Forward
from research.models.layers.number_embedding import (
    Bins,
    Frequencies,
    FrequencyScale,
    Kind,
    LinearEmbedding,
    PeriodicEmbedding,
    PiecewiseLinearEmbedding,
    bins_of,
)
from research.models.layers.sites import Site
from research.models.layers.torch_linear import symmetric
from research.options import Count
from research.registry import ARCHITECTURES

# What each embedding of numbers alone reads.
_READ_BY = {
    "bins": "piecewise_linear",
    "frequencies": "periodic",
    "frequency_scale": "periodic",
}


class TableNetwork(nn.Module):
    """The base of networks that read a table's columns as one vector.

    features: the table's parts, a TableParts.
    """

    outputs: int
    features: Any
    category_width: Annotated[
        Count | None, "width of a category's vector, which is learned; none: one-hot columns"
    ] = None
    number_embedding: Annotated[Kind, "a number as a vector; none: as it is"] = "none"
    number_width: Annotated[Count, "width of a number's vector"] = 24
    bins: Bins = 48
    frequencies: Frequencies = 48
    frequency_scale: FrequencyScale = 0.01

    def columns(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        """The table {numbers: [B, N], categories: [B, C]} as vectors [B, D]."""
        parts = []
        if "numbers" in x:
            h = x["numbers"]
            if self.number_embedding != "none":
                h = embedded_numbers(self, self.number_embedding, self.number_width)(h, fwd)
            parts.append(h.reshape(len(h), -1))
        if "categories" in x:
            counts = self.features.parts["categories"].counts
            if self.category_width is None:
                parts.append(one_hot(x["categories"], counts, fwd))
            else:
                h = CategoryEmbedding(self.category_width, counts)(x["categories"])
                parts.append(h.reshape(len(h), -1))
        return Site("input")(jnp.concatenate(parts, axis=-1), fwd)

    @property
    def widths(self) -> tuple[int, ...]:
        """How many entries of `columns` each column of the table has."""
        parts = self.features.parts
        numbers = parts["numbers"].shape[0] if "numbers" in parts else 0
        counts = parts["categories"].counts if "categories" in parts else ()
        number = 1 if self.number_embedding == "none" else self.number_width
        of_category = (self.category_width or count for count in counts)
        return (*[number] * numbers, *of_category)


class CategoryEmbedding(nn.Module):
    """A learned vector of each category, int [B, C] -> [B, C, width]; zeros where there is none.

    Entity embeddings (Guo & Berkhahn 2016, arXiv:1604.06737).

    counts: how many categories each column has.
    """

    width: int
    counts: tuple[int, ...]

    @nn.compact
    def __call__(self, places: jax.Array) -> jax.Array:
        bound = symmetric(1 / math.sqrt(self.width))
        shape = (sum(self.counts), self.width)
        table = self.param("embedding", bound, shape, jnp.float32)
        first = np.cumsum([0, *self.counts[:-1]])
        # Clipped, since the place -1 would read another column's category.
        vectors = table[jnp.maximum(places, 0) + first]
        return jnp.where(places[..., None] >= 0, vectors, 0)


def embedded_numbers(network: Any, kind: str, width: int) -> Any:
    """The embedding of numbers of a network with the fields bins, frequencies and frequency_scale,
    a function of (x [B, N], fwd). To be called from a compact module.

    Args:
        network: the network.
        kind: linear, periodic or piecewise_linear.
        width: of a number's vector.
    """
    if kind == "periodic":
        return PeriodicEmbedding(width, network.frequencies, network.frequency_scale)
    if kind == "piecewise_linear":
        return PiecewiseLinearEmbedding(width)
    linear = LinearEmbedding(width)
    return lambda x, fwd: linear(x)


def one_hot(places: jax.Array, counts: tuple[int, ...], fwd: Forward) -> jax.Array:
    """The places of categories, int [B, C], as one-hot columns [B, sum(counts)].

    Args:
        places: among each column's categories; -1 where there is none.
        counts: how many categories each column has.
        fwd: the forward pass.
    """
    hot = [jax.nn.one_hot(places[:, c], n, dtype=fwd.dtype) for c, n in enumerate(counts)]
    return jnp.concatenate(hot, axis=-1)


def constants(x: dict[str, Any], **options: Any) -> Any:
    """The bins of the numbers of training rows {numbers: [n, N], ...}, or None; see `bins_of`.

    Args:
        x: the training rows as the network reads them.
        **options: the network's.
    """
    if options["number_embedding"] != "piecewise_linear" or "numbers" not in x:
        return None
    return bins_of(x["numbers"], options["bins"])


def embeds(config: Any, spec: Any) -> str | None:
    """Options of an embedding apply only to that embedding, and to columns that it embeds."""
    arch = dict(config.arch.options)
    kind = arch["number_embedding"]
    kinds: Any = ARCHITECTURES.get(config.arch.name).option("number_embedding")
    for name, needed in _READ_BY.items():
        if arch[name] != getattr(TableNetwork, name) and kind != needed:
            return f"arch.{name} applies only with arch.number_embedding={needed}"
    if kind == "none" and arch["number_width"] != TableNetwork.number_width:
        return "arch.number_width applies only with an arch.number_embedding"
    if kind != kinds.default and "numbers" not in spec.inputs.parts:
        return (
            f"arch.number_embedding={kind} embeds numbers, and {spec.name} has none; leave it out"
        )
    if arch.get("category_width") is not None and "categories" not in spec.inputs.parts:
        return f"arch.category_width embeds categories, and {spec.name} has none; leave it out"
    return None
