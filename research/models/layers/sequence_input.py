"""The input of networks over sequences: any example as a sequence of vectors, and its real
steps."""

from typing import Annotated, Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import initializer
from research.models.layers.sites import Site
from research.options import Count

# Tasks whose targets are the inputs of the next step.
NEXT_STEP_TASKS = ("language_model", "sequence_to_sequence", "forecast")
ScanOrder = Annotated[
    Literal["rows", "pixels"], "how an image becomes a sequence: row by row, or pixel by pixel"
]
Embedding = Annotated[Count | None, "width of the tokens' embedding; none: one-hot"]


def read_is_used(config: Any, spec: Any) -> str | None:
    """`read` applies only to images, `embedding` only to tokens."""
    options = dict(config.arch.options)
    if options.get("read", "rows") != "rows" and "image" not in spec.inputs.kinds:
        return f"arch.read applies only to images, and {spec.name} has none; leave it out"
    if options.get("embedding") is not None and spec.inputs.tokens is None:
        return f"arch.embedding applies only to tokens, and {spec.name} has numbers; leave it out"
    return None


class SequenceInput(nn.Module):
    """Tokens [B, T], numbers [B, T], a series [B, T, D] or an image [B, H, W, C] as vectors [B, T,
    D], with the real steps, bool [B, T], or None where all are real.

    Padding becomes a vector of zeros.

    vocabulary: the number of tokens; None: the inputs are numbers.
    read: how an image becomes a sequence, by `rows` or `pixels`.
    embedding: the width of the tokens' vectors; None: one-hot.
    padded: series may be shorter than T, with NaN after their end.
    """

    vocabulary: int | None
    read: str = "rows"
    embedding: int | None = None
    padded: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> tuple[jax.Array, jax.Array | None]:
        if self.vocabulary is None:
            h = vectors(x, self.read)
            real = None
            if self.padded:
                h, real = unpadded(h)
            return Site("input")(h, fwd), real
        # Padding is -1, which one_hot turns into zeros.
        hot = jax.nn.one_hot(x, self.vocabulary, dtype=fwd.dtype)
        if self.embedding is not None:
            # A product with one-hot vectors, so that padding stays zero and the vectors are a
            # kernel, which is regularized as kernels are.
            hot = Dense(
                self.embedding,
                use_bias=False,
                kernel_init=initializer("lecun_normal"),
                name="embedding",
            )(hot)
        return Site("input")(hot, fwd), x >= 0


def sequence_input(network: Any) -> SequenceInput:
    """The input layer of a network with the fields vocabulary, read, embedding and padded.

    To be called from the network's compact method.
    """
    # The scope's name is part of stored parameters and of random streams: it does not change.
    return SequenceInput(
        network.vocabulary, network.read, network.embedding, network.padded, name="Steps_0"
    )


def vectors(x: jax.Array, read: str) -> jax.Array:
    """Numbers [B, T], a series [B, T, D] or an image [B, H, W, C], by its rows or pixels, as [B, T,
    D]."""
    if x.ndim == 2:
        return x[..., None]
    if x.ndim == 4:
        batch, height, width, channels = x.shape
        return (
            x.reshape(batch, height, -1)
            if read == "rows"
            else x.reshape(batch, height * width, channels)
        )
    return x


def unpadded(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A series [B, T, D] with zeros for padding, which is NaN, and the real steps, bool [B, T]."""
    real = ~jnp.any(jnp.isnan(x), axis=-1)
    # Before any layer: a weight of 0 times NaN is NaN.
    return jnp.where(real[..., None], x, 0), real


def last(h: jax.Array, real: jax.Array | None) -> jax.Array:
    """h [B, T, D] at the last real step of each sequence, [B, D]."""
    if real is None:
        return h[:, -1]
    # A sequence of padding alone has no last step; its first one stands in.
    index = jnp.maximum(jnp.sum(real, axis=1) - 1, 0)
    return jnp.take_along_axis(h, index[:, None, None], axis=1)[:, 0]
