"""Members inside one network: layers whose kernel all members share, and what each member has for
itself.

The layers see each example once for each member, [B·M, ...] (`Forward.of_members`).
"""

import functools
from collections.abc import Callable
from typing import Annotated, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.dense import product

Adapters = Annotated[
    Literal["tabm", "batch_ensemble"],
    "how members differ; batch_ensemble: random signs in every layer; tabm: random signs before the"
    " first layer, ones elsewhere, and a head of each member",
]


class MemberDense(nn.Module):
    """s_m ∘ (W'(r_m ∘ x)) + b_m with one kernel W for all members, [B·M, D] -> [B·M, features].

    A member's weights are W ∘ (r_m s_m'): they differ from W by a matrix of rank one. The adapters
    r [M, D] and s [M, features] are no kernels, so they are neither decayed nor bounded.

    Reference: Wen, Tran & Ba, BatchEnsemble, ICLR 2020.

    Args:
        features: width of the layer.
        members: M.
        r_init: initialisation of r.
        s_init: initialisation of s.
        kernel_init: initialisation of W.
        bias_init: initialisation of the biases [M, features].
    """

    features: int
    members: int
    r_init: nn.initializers.Initializer
    s_init: nn.initializers.Initializer
    kernel_init: nn.initializers.Initializer
    bias_init: nn.initializers.Initializer = nn.initializers.zeros

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        inputs = x.shape[-1]
        kernel = self.param("kernel", self.kernel_init, (inputs, self.features))
        bias = self.param("bias", self.bias_init, (self.members, self.features))
        r = self.param("r", self.r_init, (self.members, inputs))
        s = self.param("s", self.s_init, (self.members, self.features))
        scaled = x.reshape(-1, self.members, inputs) * r
        return (product(scaled, kernel) * s + bias).reshape(-1, self.features)


class MemberHeads(nn.Module):
    """A linear map of each member, [B·M, D] -> [B·M, features].

    The kernel is [D, M·features], so that a unit's incoming weights are its first axis, as those of
    every kernel.
    """

    features: int
    members: int
    kernel_init: nn.initializers.Initializer
    bias_init: nn.initializers.Initializer = nn.initializers.zeros

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        inputs = x.shape[-1]
        width = self.members * self.features
        kernel = self.param("kernel", self._drawn, (inputs, width))
        bias = self.param("bias", self.bias_init, (self.members, self.features))
        kernels = kernel.reshape(inputs, self.members, self.features)
        h = x.reshape(-1, self.members, inputs)
        return (jnp.einsum("bmd,dmk->bmk", h, kernels) + bias).reshape(-1, self.features)

    def _drawn(self, key: jax.Array, shape: tuple[int, int]) -> jax.Array:
        """Each member's kernel as the initialisation of a layer of its size draws it."""
        keys = jax.random.split(key, self.members)
        one = functools.partial(self.kernel_init, shape=(shape[0], self.features))
        return jax.vmap(one, out_axes=1)(keys).reshape(shape)


def random_signs(
    key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype = jnp.float32
) -> jax.Array:
    """-1 or 1 at equal odds, an initialisation.

    Args:
        key: of the draw.
        shape: of the signs.
        dtype: of the signs.
    """
    return jax.random.rademacher(key, shape, dtype)


def member_dense(members: int, adapters: str, first: bool = False) -> Callable[..., nn.Module]:
    """The hidden layer of M members, `layer(features, kernel_init=...)`.

    Args:
        members: M.
        adapters: a value of `Adapters`.
        first: whether it is the first layer, which alone has random signs in TabM (Gorishniy,
            Kotelnikov & Babenko, ICLR 2025).
    """
    ones = nn.initializers.ones
    r_init = random_signs if first or adapters == "batch_ensemble" else ones
    s_init = random_signs if adapters == "batch_ensemble" else ones
    return functools.partial(MemberDense, members=members, r_init=r_init, s_init=s_init)


def member_head(members: int, adapters: str) -> Callable[..., nn.Module]:
    """The last layer of M members, `layer(features, kernel_init=...)`; adapters: as of
    `member_dense`."""
    if adapters == "batch_ensemble":
        return member_dense(members, adapters)
    return functools.partial(MemberHeads, members=members)
