"""Tokens: from symbols to vectors, and from vectors to the next symbol's logits."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.data.features.feature import PADDING
from research.models.layers.dense import product


class Tokens(nn.Module):
    """A vector per symbol: `embed` looks it up and, if tied, `logits` multiplies by it.

    tied: the vectors are the columns of the head's kernel (Press & Wolf 2017, arXiv:1608.05859), so
        they are decayed and bounded like kernels. Untied vectors are no kernel.
    sd: the standard deviation of their initial entries.
    scale: a factor at lookup.
    """

    vocabulary: int
    width: int
    tied: bool = False
    sd: float = 0.02
    scale: float = 1.0

    def setup(self) -> None:
        name, shape = (
            ("kernel", (self.width, self.vocabulary)) if self.tied else ("embedding", self.shape)
        )
        self.table = self.param(name, nn.initializers.normal(self.sd), shape, jnp.float32)

    @property
    def shape(self) -> tuple[int, int]:
        return self.vocabulary, self.width

    def embed(self, x: jax.Array) -> jax.Array:
        """int [B, T] -> [B, T, D]; padding is looked up as if it were the first symbol."""
        table = self.table.T if self.tied else self.table
        # Clipped, since the index -1 of padding would read the last symbol.
        return self.scale * table[jnp.maximum(x, 0)]

    def logits(self, h: jax.Array) -> jax.Array:
        """[B, T, D] -> [B, T, V] by the same vectors."""
        assert self.tied
        return product(h, self.table)


def real(x: jax.Array) -> jax.Array:
    """Which of the tokens int [B, T] are no padding, bool [B, T]."""
    return x != PADDING
