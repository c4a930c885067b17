"""Sites: the places in a network where regularizers act, and the hidden layers made of them. A site
records itself in the collection `sites`."""

from collections.abc import Callable, Iterator
from typing import Annotated

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

from research.errors import UserError, nearest
from research.models.layers.dense import Dense
from research.models.layers.forward import Forward, Member
from research.models.layers.initializers import Init, initializer
from research.models.layers.patches import convolve
from research.registry import ACTIVATIONS, REGULARIZERS, Regularizer

# A backward pass that recomputes activations stores only those of this name: the sites' outputs.
SITE = "site"
SITES = ("input", "hidden", "attention")

ActivationName = Annotated[str, ACTIVATIONS, "activation of the hidden units"]


class Site(nn.Module):
    """Applies the activation-slot regularizers of one site, of SITES, to x [B, ...]."""

    site: str

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        if self.site not in SITES:
            raise UserError(
                f"Site('{self.site}'): there is no such site; {nearest(self.site, SITES)}"
            )
        announce(self, self.site)
        if not fwd.train:
            return x
        # Penalties come before dropout, which would scale what they measure.
        for member, entry in _at(fwd, "loss", self.site):
            # Summed in float32 at least: a long bfloat16 sum stops growing.
            wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
            if (real := fwd.real_steps(wide)) is not None:
                wide = jnp.where(real, wide, 0)
            self.sow(
                "penalties",
                entry.name,
                fwd.share(jax.vmap(entry.build(**fwd.options(member)))(wide)),
            )
        for member, entry in _at(fwd, "activations", self.site):
            # One stream per regularizer: adding another leaves these draws alone.
            keys = fwd.example_keys(self.make_rng(entry.name))
            x = jax.vmap(entry.build(**fwd.options(member)))(x, keys)
        # Weights of attention, T² an example and head, are what a backward pass recomputes to save
        # memory.
        return x if self.site == "attention" else checkpoint_name(x, SITE)


class SharedDropoutMask(nn.Module):
    """The factors of dropouts that are the same at every step, [B, ...] of the given shape; None if
    there are none.

    They are drawn once, before the loop over the steps.
    """

    @nn.compact
    def __call__(self, shape: tuple[int, ...], fwd: Forward) -> jax.Array | None:
        announce(self, "recurrent")
        factors = None
        if fwd.train:
            for member, entry in _at(fwd, "activations", "recurrent"):
                keys = fwd.example_keys(self.make_rng(entry.name))
                # Dropout of ones gives the factors, so that it needs no second implementation for
                # masks.
                factors = jnp.ones(shape, fwd.dtype) if factors is None else factors
                factors = jax.vmap(entry.build(**fwd.options(member)))(factors, keys)
        return factors


class Branch(nn.Module):
    """x + branch, where dropout drops units of the branch, and stochastic depth the branch of some
    examples.

    depth: the branch's position among all branches, in (0, 1].
    """

    depth: float

    @nn.compact
    def __call__(self, x: jax.Array, branch: jax.Array, fwd: Forward) -> jax.Array:
        announce(self, "branch")
        if fwd.train:
            for member, entry in _at(fwd, "activations", "residual"):
                keys = fwd.example_keys(self.make_rng(entry.name))
                branch = jax.vmap(entry.build(**fwd.options(member)))(branch, keys)
            for member, entry in _at(fwd, "activations", "branch"):
                keys = fwd.example_keys(self.make_rng(entry.name))
                drop = entry.build(**fwd.options(member))
                branch = jax.vmap(lambda b, key, drop=drop: drop(b, key, self.depth))(branch, keys)
        return x + branch


class Normalize(nn.Module):
    """The chosen normalization of x [B, ..., C], or x."""

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        announce(self, "normalization", x.shape[1:-1])
        for member, entry in _at(fwd, "normalization"):
            x = entry.build(**fwd.options(member))(x, fwd)
        return x


class Activate(nn.Module):
    """What follows a hidden layer's linear map: [B, ..., pieces·C] -> [B, ..., C]."""

    activation: str

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Normalize()(x, fwd)
        x = ACTIVATIONS.get(self.activation).build()(x, fwd)
        return Site("hidden")(x, fwd)


class HiddenDense(nn.Module):
    """A fully connected hidden layer, [B, ..., D] -> [B, ..., features]. dense: its linear map."""

    features: int
    activation: str
    kernel_init: Init = "auto"
    dense: Callable[..., nn.Module] = Dense

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        # Maxout joins several linear pieces per unit, so the kernel is wider than the layer.
        width = self.features * ACTIVATIONS.get(self.activation).pieces
        x = self.dense(width, kernel_init=initializer(self.kernel_init, self.activation))(x)
        return Activate(self.activation)(x, fwd)


class HiddenConv(nn.Module):
    """A convolutional hidden layer with zero padding, [B, H, W, C] -> [B, H, W, features]."""

    features: int
    activation: str
    kernel: int = 3
    kernel_init: Init = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        width = self.features * ACTIVATIONS.get(self.activation).pieces
        x = nn.Conv(
            width,
            (self.kernel, self.kernel),
            kernel_init=initializer(self.kernel_init, self.activation),
            conv_general_dilated=convolve,
        )(x)
        return Activate(self.activation)(x, fwd)


def normalization_has_bias(fwd: Forward) -> bool:
    """Whether a normalization with an offset follows hidden layers, which makes their bias
    redundant."""
    return any(entry.has_bias for _, entry in _at(fwd, "normalization"))


def announce(module: nn.Module, site: str, places: tuple[int, ...] = ()) -> None:
    """Records a site in the collection `sites`, if the caller asks for it.

    Args:
        module: the layer that has the site.
        site: the site's name.
        places: the shape of an example there without its channels. The record is an array of the
            shape
            [0, *places].
    """
    # An axis of length 0 costs nothing and still carries the shape.
    module.sow("sites", site, jnp.zeros((0, *places)))


def _at(fwd: Forward, slot: str, site: str | None = None) -> Iterator[tuple[Member, Regularizer]]:
    for member in fwd.members:
        entry = REGULARIZERS.get(member[0])
        if entry.slot == slot and site in (None, entry.site):
            yield member, entry
