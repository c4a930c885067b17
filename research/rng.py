"""Every random key: seed -> stream name -> step -> example. Nothing random is stored or split along
the way.

A key is a function of where it is used, so a resumed run, a lane among others, and a batch spread
over devices all draw the same numbers. Threefry only: its bits do not depend on the device.
"""

import zlib

import jax
import jax.numpy as jnp
import numpy as np


def stream(seed: jax.Array | int, name: str) -> jax.Array:
    """The key of a named stream (`init`, `order`, `dropout`, ...) of a run. seed: uint32 []."""
    # crc32, since Python salts its hash of strings per process.
    return jax.random.fold_in(jax.random.key(seed, impl="threefry2x32"), zlib.crc32(name.encode()))


def at(seed: jax.Array | int, name: str, step: jax.Array | int) -> jax.Array:
    """The key of a stream at one step (or epoch).

    Args:
        seed: the run's seed, [].
        name: the stream's name.
        step: the step, [].
    """
    return jax.random.fold_in(stream(seed, name), step)


def per_example(key: jax.Array, index: jax.Array) -> jax.Array:
    """One key an example, [B], by the example's index in the global batch; index: int32 [B]."""
    # By index instead of a split: an example's key depends neither on the batch's size nor on its
    # part of it.
    return jax.vmap(jax.random.fold_in, (None, 0))(key, index)


def of_content(x: jax.Array) -> jax.Array:
    """One key an example, [B], made of its numbers x [B, ...] alone."""
    words = jax.lax.bitcast_convert_type(x.reshape(len(x), -1).astype(jnp.float32), jnp.uint32)
    # Each position has its own multiplier, so that the order of the numbers counts. It is odd,
    # since a factor of 2 would lose a bit.
    odd = 2 * jnp.arange(words.shape[1], dtype=jnp.uint32) + 1
    mixed = (words ^ (words >> 16)) * (odd * jnp.uint32(0x9E3779B1))
    # A sum modulo 2**32 is exact in any order, whatever way XLA reduces it.
    return jax.vmap(lambda seed: stream(seed, "content"))(jnp.sum(mixed, axis=1, dtype=jnp.uint32))


def host(seed: int, name: str) -> np.random.Generator:
    """A numpy generator of the same (seed, stream), for what is drawn once on the host (splits)."""
    # Keyed by the same pair as the device's streams, so that draws on the host need no JAX.
    return np.random.Generator(np.random.Philox(key=[seed, zlib.crc32(name.encode())]))
