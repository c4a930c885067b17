"""Steps: whatever an example is, as a sequence of vectors, and which of its steps are real."""

from typing import Annotated, Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import initializer
from research.models.layers.sites import Site
from research.options import Count

# The tasks whose inputs hold what is to be foretold, one step later.
FORETELLING = ("language_model", "sequence_to_sequence", "forecast")
Read = Annotated[
    Literal["rows", "pixels"], "how an image becomes a sequence: row by row, or pixel by pixel"
]
Embedding = Annotated[Count | None, "width of the tokens' embedding; none: one-hot"]


def read_is_used(config: Any, spec: Any) -> str | None:
    """`read` applies only to images, `embedding` only to tokens."""
    options = dict(config.arch.options)
    if options.get("read", "rows") != "rows" and len(spec.shape) != 3:
        return f"arch.read says how an image is a sequence; {spec.name} has no images; leave it out"
    if options.get("embedding") is not None and not spec.vocabulary:
        return f"arch.embedding is of tokens; the inputs of {spec.name} are numbers; leave it out"
    return None


class Steps(nn.Module):
    """Tokens [B, T], numbers [B, T], a series [B, T, D] or an image [B, H, W, C] as vectors [B, T,
    D], and real [B, T].

    real: bool, False where a sequence is over, None where none is shorter than T. Padding is a
        vector of zeros. padded: numbers are NaN where a series is over.
    """

    vocabulary: int | None
    read: str = "rows"
    embedding: int | None = None
    padded: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> tuple[jax.Array, jax.Array | None]:
        if self.vocabulary is None:
            h, real = (
                unpadded(vectors(x, self.read)) if self.padded else (vectors(x, self.read), None)
            )
            return Site("input")(h, fwd), real
        hot = jax.nn.one_hot(x, self.vocabulary, dtype=fwd.dtype)
        if self.embedding is not None:
            hot = Dense(
                self.embedding,
                use_bias=False,
                kernel_init=initializer("lecun_normal"),
                name="embedding",
            )(hot)
        return Site("input")(hot, fwd), x >= 0


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
    """A series [B, T, D] with zeros for the steps that have a NaN, which are padding, and which are
    not, [B, T]."""
    real = ~jnp.any(jnp.isnan(x), axis=-1)
    return jnp.where(real[..., None], x, 0), real


def last(h: jax.Array, real: jax.Array | None) -> jax.Array:
    """What h [B, T, D] is at each sequence's last real step, [B, D]."""
    if real is None:
        return h[:, -1]
    place = jnp.maximum(jnp.sum(real, axis=1) - 1, 0)
    return jnp.take_along_axis(h, place[:, None, None], axis=1)[:, 0]
