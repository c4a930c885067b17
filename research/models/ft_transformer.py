"""The feature-tokenizer transformer: each column of a table is a token."""

import math
from typing import Annotated, Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.attention import Attention
from research.models.layers.forward import Forward
from research.models.layers.number_embedding import Bins, Frequencies, FrequencyScale
from research.models.layers.sites import Branch, Site
from research.models.layers.table_network import (
    CategoryEmbedding,
    constants,
    embedded_numbers,
    embeds,
)
from research.models.layers.torch_linear import KERNEL_INIT, TorchLinear, symmetric
from research.options import Count
from research.registry import ARCHITECTURES, Architecture

# PyTorch's; flax's default is 1e-6.
_EPSILON = 1e-5


class FTTransformer(nn.Module):
    """A vector of each column and of the answer, blocks of attention and a gated MLP, and a linear
    head of the answer's vector, {numbers: [B, N], categories: [B, C]} -> [B, outputs].

    The pre order has no norm before the first attention. The last block computes the answer's
    vector alone. Dropout follows the MLP's gate, residual dropout each branch. Weights begin as
    PyTorch's, the biases of attention as zeros.

    Example:
        >>> from research.data.features.table_columns import TableColumns
        >>> from research.data.features.table_parts import TableParts
        >>> from research.models.sizes import sizes
        >>> table = TableParts((8,), table=TableColumns((8,)))
        >>> sizes(FTTransformer(1, table, hidden=255), {"numbers": [8]})
        ((1,), 893179)
    """

    outputs: int
    features: Any
    layers: Annotated[Count, "blocks"] = 3
    heads: Annotated[Count, "attention heads; they must divide the width"] = 8
    width: Annotated[Count, "units of a token"] = 192
    hidden: Annotated[Count, "hidden units of a block's MLP"] = 256
    order: Annotated[
        Literal["pre", "post"], "normalize before each branch, or after it is added"
    ] = "pre"
    number_embedding: Annotated[
        Literal["linear", "periodic", "piecewise_linear"], "a number as a token"
    ] = "linear"
    bins: Bins = 48
    frequencies: Frequencies = 48
    frequency_scale: FrequencyScale = 0.01

    @nn.compact
    def __call__(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        h = self._tokens(x, fwd)
        for layer in range(self.layers):
            h = self._block(layer, h, fwd)
        h = h[:, 0]
        h = nn.relu(self._norm()(h) if self.order == "pre" else h)
        return TorchLinear(self.outputs)(h)

    def _tokens(self, x: dict[str, jax.Array], fwd: Forward) -> jax.Array:
        """[B, 1 + N + C, width], the answer's first."""
        init = symmetric(1 / math.sqrt(self.width))
        (rows, *_) = (len(part) for part in x.values())
        answer = self.param("answer", init, (self.width,), jnp.float32)
        tokens = [jnp.broadcast_to(answer, (rows, 1, self.width))]
        if "numbers" in x:
            embedding = embedded_numbers(self, self.number_embedding, self.width)
            tokens.append(embedding(x["numbers"], fwd))
        if "categories" in x:
            counts = self.features.parts["categories"].counts
            vectors = CategoryEmbedding(self.width, counts)(x["categories"])
            bias = self.param("bias", init, (len(counts), self.width), jnp.float32)
            tokens.append(vectors + bias)
        return Site("input")(jnp.concatenate(tokens, axis=1), fwd)

    def _block(self, layer: int, x: jax.Array, fwd: Forward) -> jax.Array:
        """The block of that number from 0, [B, T, width] -> [B, T, width]; the last one -> [B, 1,
        width]."""
        pre, branches = self.order == "pre", 2 * self.layers
        attention = Attention(self.heads, kernel_init=KERNEL_INIT, out_init=KERNEL_INIT)
        h = self._norm()(x) if pre and layer else x
        if layer == self.layers - 1:
            h, x = attention(h[:, :1], fwd, memory=h), x[:, :1]
        else:
            h = attention(h, fwd)
        x = Branch((2 * layer + 1) / branches)(x, h, fwd)
        x = x if pre else self._norm()(x)
        h = self._norm()(x) if pre else x
        h, gate = jnp.split(TorchLinear(2 * self.hidden)(h), 2, axis=-1)
        h = TorchLinear(self.width)(Site("hidden")(h * nn.relu(gate), fwd))
        x = Branch((2 * layer + 2) / branches)(x, h, fwd)
        return x if pre else self._norm()(x)

    def _norm(self) -> nn.Module:
        # Two-pass variance: flax's fast one is E[x²] - E[x]², which cancels for a large mean.
        return nn.LayerNorm(_EPSILON, use_fast_variance=False)


ARCHITECTURES.add(
    Architecture(
        "ft_transformer",
        FTTransformer,
        "transformer for tables, whose columns are its tokens",
        "Gorishniy et al. 2021, Revisiting deep learning models for tabular data",
        takes=("table_parts",),
        needs_facts=("features",),
        constants=constants,
        constraints=(embeds,),
        test_options={"layers": 1, "heads": 2, "width": 4, "hidden": 3},
    )
)
