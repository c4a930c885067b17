"""Checksum: a digest of every bit of a tree, computed on the device."""

import jax
import jax.numpy as jnp

from research.training.step.state import Tree


def checksum(tree: Tree) -> jax.Array:
    """A digest of every bit of a float tree, uint32 [2]: sums of the words times odd functions of
    their number."""
    # Sums of integers do not depend on the order of addition, so every device gets the same digest.
    # Two of 32 bits, because 64-bit integers are off in JAX by default.
    digest = jnp.zeros((2,), jnp.uint32)
    for number, leaf in enumerate(jax.tree.leaves(tree)):
        words = jax.lax.bitcast_convert_type(leaf, jnp.uint32).reshape(-1)
        # The leaf's index times the golden ratio: equal words of two leaves then count differently.
        index = jnp.arange(words.size, dtype=jnp.uint32) + jnp.uint32(number * 0x9E3779B9 % 2**32)
        mixed = jnp.stack([_mix(words ^ (index * jnp.uint32(m))) for m in (0x85EBCA6B, 0xC2B2AE35)])
        digest = digest + mixed.sum(axis=1, dtype=jnp.uint32)
    return digest


def _mix(words: jax.Array) -> jax.Array:
    """MurmurHash3's finaliser: every bit of a word moves every bit of the result."""
    words = (words ^ (words >> 16)) * jnp.uint32(0x85EBCA6B)
    words = (words ^ (words >> 13)) * jnp.uint32(0xC2B2AE35)
    return words ^ (words >> 16)
