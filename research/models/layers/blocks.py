"""The blocks of a transformer: attention and an MLP, each a residual branch."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.design import Design
from research.models.layers.forward import Forward
from research.models.layers.sites import Branch, Site
from research.registry import ACTIVATIONS


class FeedForward(nn.Module):
    """The MLP of a block, [B, T, D] -> [B, T, D]; gated: activation(x W) · (x V), then the last
    kernel.

    Gated ones are Shazeer 2020, GLU variants improve transformer (arXiv:2002.05202).
    """

    design: Design
    branches: int

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        design, entry = self.design, ACTIVATIONS.get(self.design.activation)
        inner, width = design.mlp_width, entry.pieces * design.mlp_width
        h = design.dense(width + (inner if design.gated else 0))(x)
        h, gate = h[..., :width], h[..., width:]
        h = entry.build()(h, fwd)
        h = h * gate if design.gated else h
        last = self.design.last_init(self.branches)
        return Dense(design.width, design.bias, kernel_init=last)(h)


class Block(nn.Module):
    """Self-attention and an MLP, [B, T, D] -> [B, T, D]: a block of an encoder, or by its mask of a
    decoder alone.

    number: which of the design's blocks it is, from 1. mask, start: as in Attention.
    """

    design: Design
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
        design, branches = self.design, 2 * self.design.layers
        attention = design.attention(
            branches, "attention", rotary=self.rotary, context=self.context
        )
        mlp = FeedForward(design, branches, name="mlp")
        depth = (2 * self.number - 1) / branches
        x = residual(design, depth, x, fwd, lambda h: attention(h, fwd, mask=mask, start=start))
        return residual(design, 2 * self.number / branches, x, fwd, lambda h: mlp(h, fwd))


class CrossBlock(nn.Module):
    """Self-attention, attention to a memory [B, S, D], and an MLP, [B, T, D] -> [B, T, D]: a
    decoder's block.

    mask: of the memory. It sees only what lies before; start: as in Attention.
    """

    design: Design
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
        design, branches = self.design, 3 * self.design.layers
        own = design.attention(branches, "attention", rotary=self.rotary, context=self.context)
        cross = design.attention(branches, "cross_attention")
        mlp = FeedForward(design, branches, name="mlp")
        first = 3 * self.number - 2
        x = residual(
            design, first / branches, x, fwd, lambda h: own(h, fwd, mask=mask, start=start)
        )
        x = residual(
            design,
            (first + 1) / branches,
            x,
            fwd,
            lambda h: cross(h, fwd, memory=memory, mask=memory_mask, start=start),
        )
        return residual(design, (first + 2) / branches, x, fwd, lambda h: mlp(h, fwd))


def residual(
    design: Design,
    depth: float,
    x: jax.Array,
    fwd: Forward,
    branch: Callable[[jax.Array], jax.Array],
) -> jax.Array:
    """x + f(norm(x)), or norm(x + f(x)) in the post order (Xiong et al. 2020 compare them). depth:
    as in Branch.

    What a branch gives is dropped out before it is added (Vaswani et al. 2017, section 5.4). To be
    called from a compact module.
    """
    norm = design.normalization()
    h = Site("hidden")(branch(norm(x) if design.order == "pre" else x), fwd)
    x = Branch(depth)(x, h, fwd)
    return x if design.order == "pre" else norm(x)


def last_norm(design: Design, x: jax.Array) -> jax.Array:
    """The norm after the last block, which the post order has already. To be called from a compact
    module."""
    return design.normalization()(x) if design.order == "pre" else x


def pooled(x: jax.Array, real: jax.Array | None = None) -> jax.Array:
    """The mean over the real places of x [B, T, D], [B, D]; real: bool [B, T], None for all."""
    if real is None:
        return x.mean(axis=1)
    share = real / jnp.maximum(real.sum(axis=1, keepdims=True), 1)
    return jnp.einsum("btd,bt->bd", x, share.astype(x.dtype))
