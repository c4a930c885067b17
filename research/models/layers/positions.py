"""Positions: they tell a network that is blind to order where in the sequence an element is."""

import math
from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError

PositionName = Literal["learned", "sinusoidal", "rotary"]


class Positions(nn.Module):
    """Adds to x [B, T, D] a vector a place, learned for `context` places or sinusoidal; rotary ones
    add nothing.

    Rotary positions turn queries and keys (`rotated`). start: int32 [], the place of x[:, 0].
    """

    kind: PositionName
    context: int

    @nn.compact
    def __call__(self, x: jax.Array, start: jax.Array | None = None) -> jax.Array:
        length, width = x.shape[1:]
        if length > self.context:
            raise ShapeError(
                f"a sequence of {length} positions is longer than the context of {self.context}; "
                f"use arch.context={length} or shorter sequences"
            )
        if self.kind == "rotary":
            return x
        if self.kind == "sinusoidal":
            table = sinusoidal(self.context, width).astype(x.dtype)
        else:
            table = self.param(
                "embedding", nn.initializers.normal(0.02), (self.context, width), jnp.float32
            )
        # A slice of the whole table, since `start` is traced where tokens come one at a time.
        return x + jax.lax.dynamic_slice_in_dim(table, 0 if start is None else start, length)


def sinusoidal(length: int, width: int) -> jax.Array:
    """[T, D]: sin(t / 10000^(2i/D)) at 2i and the cosine at 2i + 1. Vaswani et al. 2017, section
    3.5."""
    rates = jnp.exp(-math.log(10_000) * jnp.arange(0, width, 2) / width)
    angles = jnp.arange(length)[:, None] * rates
    return jnp.stack([jnp.sin(angles), jnp.cos(angles)], axis=-1).reshape(length, -1)[:, :width]


def rotated(x: jax.Array, places: jax.Array) -> jax.Array:
    """x [B, T, H, d], its halves turned against each other by t / 10000^(2i/d) at place t; places:
    int [T].

    So the product of a query and a key depends on how far they are apart, and not on where. Su et
    al. 2021, RoFormer (arXiv:2104.09864), with the halves paired as in GPT-NeoX. An odd last unit
    is left as it is.
    """
    half = x.shape[-1] // 2
    # Angles grow with the place; in bfloat16 late neighbours would have the same one.
    wide = jnp.promote_types(x.dtype, jnp.float32)
    rates = jnp.exp(-math.log(10_000) * jnp.arange(half, dtype=wide) / max(half, 1))
    angles = (places[:, None] * rates)[None, :, None]  # [1, T, 1, half]
    a, b, rest = jnp.split(x.astype(wide), (half, 2 * half), axis=-1)
    sin, cos = jnp.sin(angles), jnp.cos(angles)
    return jnp.concatenate([a * cos - b * sin, a * sin + b * cos, rest], axis=-1).astype(x.dtype)
