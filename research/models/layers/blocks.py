"""The blocks of a transformer: attention and an MLP, each a residual branch."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.sites import Branch, Site
from research.models.layers.transformer_config import TransformerConfig
from research.registry import ACTIVATIONS


class FeedForward(nn.Module):
    """The MLP of a block, [B, T, D] -> [B, T, D]; gated: activation(x W) · (x V), then the last
    kernel.

    Gated ones are Shazeer 2020, GLU variants improve transformer (arXiv:2002.05202).
    """

    config: TransformerConfig
    branches: int

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        config = self.config
        entry = ACTIVATIONS.get(self.config.activation)
        inner = config.mlp_width
        width = entry.pieces * config.mlp_width
        h = config.dense(width + (inner if config.gated else 0))(x)
        h, gate = h[..., :width], h[..., width:]
        h = entry.build()(h, fwd)
        h = h * gate if config.gated else h
        last = self.config.last_init(self.branches)
        return Dense(config.width, config.bias, kernel_init=last)(h)


class Block(nn.Module):
    """Self-attention and an MLP, [B, T, D] -> [B, T, D]: a block of an encoder, or by its mask of a
    decoder alone.

    number: which of the config's blocks it is, from 1. mask, start: as in Attention.
    """

    config: TransformerConfig
    number: int
    rotary: bool = False
    context: int | None = None

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        fwd: Forward,
        *,
        mask: jax.Array | None = None,
        start: jax.Array | None = None,
    ) -> jax.Array:
        config = self.config
        branches = 2 * self.config.layers
        attention = config.attention(
            branches, "attention", rotary=self.rotary, context=self.context
        )
        # These names are part of stored parameters: they do not change.
        mlp = FeedForward(config, branches, name="mlp")
        # Branches are numbered over the whole network, so that stochastic depth grows from branch
        # to branch and not only from block to block.
        depth = (2 * self.number - 1) / branches
        x = residual(config, depth, x, fwd, lambda h: attention(h, fwd, mask=mask, start=start))
        return residual(config, 2 * self.number / branches, x, fwd, lambda h: mlp(h, fwd))


class CrossBlock(nn.Module):
    """Self-attention, attention to a memory [B, S, D], and an MLP, [B, T, D] -> [B, T, D]: a
    decoder's block.

    mask: of the memory. It sees only what lies before; start: as in Attention.
    """

    config: TransformerConfig
    number: int
    rotary: bool = False
    context: int | None = None

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        memory: jax.Array,
        fwd: Forward,
        *,
        mask: jax.Array | None = None,
        memory_mask: jax.Array | None = None,
        start: jax.Array | None = None,
    ) -> jax.Array:
        config = self.config
        branches = 3 * self.config.layers
        itself = config.attention(branches, "attention", rotary=self.rotary, context=self.context)
        # No rotary positions: queries and keys count the places of two different sequences.
        cross = config.attention(branches, "cross_attention")
        mlp = FeedForward(config, branches, name="mlp")
        first = 3 * self.number - 2
        x = residual(
            config, first / branches, x, fwd, lambda h: itself(h, fwd, mask=mask, start=start)
        )
        x = residual(
            config,
            (first + 1) / branches,
            x,
            fwd,
            lambda h: cross(h, fwd, memory=memory, mask=memory_mask, start=start),
        )
        return residual(config, (first + 2) / branches, x, fwd, lambda h: mlp(h, fwd))


def residual(
    config: TransformerConfig,
    depth: float,
    x: jax.Array,
    fwd: Forward,
    branch: Callable[[jax.Array], jax.Array],
) -> jax.Array:
    """x + f(norm(x)), or norm(x + f(x)) in the post order. To be called from a compact module.

    Dropout acts on the output of the branch before the addition.

    Args:
        config: the transformer's options, here its order and its norm.
        depth: the position of the branch among all branches, in (0, 1].
        x: [B, T, D].
        fwd: the forward pass.
        branch: f, [B, T, D] -> [B, T, D].

    Reference: Xiong et al. 2020 (the orders); Vaswani et al. 2017, section 5.4 (dropout).
    """
    norm = config.normalization()
    h = Site("hidden")(branch(norm(x) if config.order == "pre" else x), fwd)
    x = Branch(depth)(x, h, fwd)
    return x if config.order == "pre" else norm(x)


def last_norm(config: TransformerConfig, x: jax.Array) -> jax.Array:
    """The norm after the last block, which the post order has already. To be called from a compact
    module."""
    return config.normalization()(x) if config.order == "pre" else x


def pooled(x: jax.Array, real: jax.Array | None = None) -> jax.Array:
    """The mean over the real places of x [B, T, D], [B, D]; real: bool [B, T], None for all."""
    if real is None:
        return x.mean(axis=1)
    # A sequence of padding alone has the mean 0, not 0/0.
    share = real / jnp.maximum(real.sum(axis=1, keepdims=True), 1)
    return jnp.einsum("btd,bt->bd", x, share.astype(x.dtype))
