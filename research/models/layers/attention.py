"""Multi-head attention of a sequence to itself or to another, with masks and a cache for
generation."""

import math
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError, UserError
from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.positions import rotated
from research.models.layers.sites import Site

Initializer = nn.initializers.Initializer


class Attention(nn.Module):
    """softmax(q kᵀ / √d) v in each of `heads` heads of d = D / heads units, [B, T, D] -> [B, T, D].

    Vaswani et al. 2017, Attention is all you need. Queries are made from x and keys and values from
    `memory` [B, S, D], each pair by one product; without a memory all three are made from x by one.

    mask: bool [B or 1, T or 1, S], True where a query may look at a key.
    start: int32 [], the place of x[:, 0] in a generation. Keys and values are then stored in the
        collection `cache`, `context` places long, and a query looks at all places up to its own.
        The keys and values of a memory are stored at the first call.

    The weights [B, heads, T, S] are float32 at least. A caller finds them in the collection
    `attention` if it asks for it.
    """

    heads: int
    bias: bool = True
    rotary: bool = False
    context: int | None = None
    kernel_init: Initializer = nn.initializers.normal(0.02)
    out_init: Initializer = nn.initializers.normal(0.02)

    @nn.compact
    def __call__(
        self,
        x: jax.Array,
        fwd: Forward,
        *,
        memory: jax.Array | None = None,
        mask: jax.Array | None = None,
        start: jax.Array | None = None,
    ) -> jax.Array:
        width = x.shape[-1]
        if width % self.heads:
            raise ShapeError(
                f"{self.heads} heads do not divide a width of {width};"
                f" {_fitting(width, self.heads)}"
            )
        if memory is None:
            q, k, v = self._split(self._dense(3 * width, "qkv")(x), 3)
            if self.rotary:
                # Keys are rotated before they are cached, so that each keeps the rotation of its
                # own place.
                places = jnp.arange(x.shape[1]) + (0 if start is None else start)
                q, k = rotated(q, places), rotated(k, places)
            if start is not None:
                # The cache's mask replaces the caller's: it has one column per cached place.
                k, v, mask = self._cached(k, v, start)
        else:
            (q,) = self._split(self._dense(width, "query")(x), 1)
            project = self._dense(2 * width, "key_value")
            # A memory does not change during a generation, so it is projected once.
            kv = project(memory) if start is None else self._memory_cache(lambda: project(memory))
            k, v = self._split(kv, 2)
        weights = attention_weights(q, k, mask)
        # Before the regularizers, so that a caller sees the weights themselves and not a dropout
        # mask.
        self.sow("attention", "weights", weights)
        # Back in the compute dtype, in which the product with the values is fast.
        weights = Site("attention")(weights.astype(v.dtype), fwd)
        mixed = jnp.einsum("bhts,bshd->bthd", weights, v)
        return Dense(width, self.bias, kernel_init=self.out_init, name="out")(
            mixed.reshape(x.shape)
        )

    def _dense(self, features: int, name: str) -> nn.Dense:
        return Dense(features, self.bias, kernel_init=self.kernel_init, name=name)

    def _split(self, x: jax.Array, parts: int) -> list[jax.Array]:
        """[B, T, parts·D] as `parts` arrays [B, T, heads, d]."""
        return [
            array.reshape(*array.shape[:-1], self.heads, -1)
            for array in jnp.split(x, parts, axis=-1)
        ]

    def _memory_cache(self, make: Callable[[], jax.Array]) -> jax.Array:
        """The keys and values of the memory, made at the first call of a generation."""
        cached: jax.Array = self.variable("cache", "memory", make).value
        return cached

    def _cached(
        self, k: jax.Array, v: jax.Array, start: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array]:
        """All keys and values [B, context, heads, d] with these at their places, and who sees which
        [1, T, context]."""
        assert self.context is not None, "a cache needs a context"
        shape = (k.shape[0], self.context, *k.shape[2:])
        arrays = []
        for name, new in (("key", k), ("value", v)):
            # The cache has its final size from the start, so that one compiled program serves all
            # steps.
            cache = self.variable("cache", name, jnp.zeros, shape, new.dtype)
            cache.value = jax.lax.dynamic_update_slice_in_dim(cache.value, new, start, axis=1)
            arrays.append(cache.value)
        # The comparison hides the future and the places that are not written yet.
        positions = start + jnp.arange(k.shape[1])
        return (
            arrays[0],
            arrays[1],
            jnp.arange(self.context)[None, None] <= positions[None, :, None],
        )


def attention_weights(q: jax.Array, k: jax.Array, mask: jax.Array | None) -> jax.Array:
    """softmax(q kᵀ / √d) over the keys that the mask allows, at least float32 [B, H, T, S].

    A masked key has the weight 0 exactly. Only where all keys of a query are masked do they have
    equal weights, so that nothing is 0/0.

    Args:
        q: [B, T, H, d].
        k: [B, S, H, d].
        mask: bool [B or 1, T or 1, S]; None: all keys are allowed.
    """
    wide = jnp.promote_types(q.dtype, jnp.float32)
    # The queries are scaled, not the scores: these are T·S numbers, and bfloat16 scores would be
    # large. Sums are float32 at least, since the softmax depends on small differences.
    scores = jnp.einsum(
        "bthd,bshd->bhts", q / math.sqrt(q.shape[-1]), k, preferred_element_type=wide
    ).astype(wide)
    if mask is not None:
        _check_mask(mask, (q.shape[0], q.shape[1], k.shape[1]))
        # The lowest finite number, not -inf: a row that is masked as a whole is then uniform, not
        # NaN.
        scores = jnp.where(mask[:, None], scores, jnp.finfo(wide).min)
    return jax.nn.softmax(scores, axis=-1)


def causal(length: int) -> jax.Array:
    """The mask [1, T, T] by which each place sees itself and what lies before it."""
    return jnp.tril(jnp.ones((1, length, length), bool))


def padding(real: jax.Array) -> jax.Array:
    """The mask [B, 1, S] by which no place sees padding; real: bool [B, S]."""
    return real[:, None, :]


def _check_mask(mask: jax.Array, expected: tuple[int, int, int]) -> None:
    """Raises UserError unless the mask is [B or 1, T or 1, S]."""
    b, t, s = expected
    shape = mask.shape
    if len(shape) != 3 or shape[0] not in (1, b) or shape[1] not in (1, t) or shape[2] != s:
        raise UserError(
            f"an attention mask has the shape {list(shape)}; for {b} examples of {t} queries and"
            f" {s} keys it must be [{b} or 1, {t} or 1, {s}]"
        )


def _fitting(width: int, heads: int) -> str:
    """Which numbers of heads would do, nearest first."""
    divisors = sorted(
        (n for n in range(1, width + 1) if width % n == 0), key=lambda n: abs(n - heads)
    )[:3]
    return f"{', '.join(map(str, sorted(divisors)))} would"
