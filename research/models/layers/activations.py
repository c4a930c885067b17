"""Activations, each a flax module called as `module(x, fwd)`."""

import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.maxima import max_first_gradient
from research.models.layers.forward import Forward
from research.registry import ACTIVATIONS, Activation


class Elementwise(nn.Module):
    """A function without parameters or noise."""

    function: Callable[[jax.Array], jax.Array]

    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        return self.function(x)


class PReLU(nn.Module):
    """max(x, 0) + a·min(x, 0) with one learned slope a a channel, first 0.25."""

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        slope = self.param("slope", nn.initializers.constant(0.25), (x.shape[-1],))
        return jnp.where(x >= 0, x, slope * x)


class RReLU(nn.Module):
    """Leaky ReLU whose slope is drawn anew from U(1/8, 1/3) a unit and example in training, their
    mean after it."""

    low: float = 1 / 8
    high: float = 1 / 3

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        if not fwd.train:
            return jnp.where(x >= 0, x, x * (self.low + self.high) / 2)
        keys = fwd.example_keys(self.make_rng("rrelu"))
        # Drawn in float32 at least: bfloat16 has 8 bits for what is uniform.
        wide = jnp.promote_types(x.dtype, jnp.float32)
        slope = jax.vmap(
            lambda key: jax.random.uniform(key, x.shape[1:], wide, self.low, self.high)
        )(keys)
        return jnp.where(x >= 0, x, x * slope.astype(x.dtype))


class Maxout(nn.Module):
    """The largest of each unit's two linear pieces, [..., 2C] -> [..., C]."""

    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        return max_first_gradient(x.reshape(*x.shape[:-1], x.shape[-1] // 2, 2), axis=-1)


@jax.custom_jvp
def step(x: jax.Array) -> jax.Array:
    """1 where x >= 0, else 0; its gradient is passed straight through, as if it were the
    identity."""
    return (x >= 0).astype(x.dtype)


step.defjvp(lambda primals, tangents: (step(*primals), tangents[0]))


def _elementwise(function: Callable[[jax.Array], jax.Array]) -> Callable[[], nn.Module]:
    return functools.partial(Elementwise, function)


def _identity(x: jax.Array) -> jax.Array:
    return x


def _gelu(x: jax.Array) -> jax.Array:
    return nn.gelu(x, approximate=False)


for _name, _build, _init, _summary, _paper in (
    (
        "identity",
        _elementwise(_identity),
        "glorot",
        "x: hidden layers collapse into one linear map",
        "",
    ),
    (
        "step",
        _elementwise(step),
        "glorot",
        "1 if x >= 0 else 0, gradient straight through",
        "Bengio et al. 2013",
    ),
    ("sigmoid", _elementwise(nn.sigmoid), "glorot", "1 / (1 + exp(-x)), in (0, 1)", ""),
    ("tanh", _elementwise(jnp.tanh), "glorot", "hyperbolic tangent, in (-1, 1)", ""),
    ("relu", _elementwise(nn.relu), "he", "max(x, 0), in [0, inf)", "Nair & Hinton 2010"),
    (
        "leaky_relu",
        _elementwise(nn.leaky_relu),
        "he",
        "x if x >= 0 else 0.01 x",
        "Maas et al. 2013",
    ),
    (
        "leaky_relu_03",
        _elementwise(lambda x: nn.leaky_relu(x, 0.3)),
        "he",
        "x if x >= 0 else 0.3 x",
        "Maas et al. 2013",
    ),
    ("prelu", PReLU, "he", "leaky ReLU with a learned slope a channel", "He et al. 2015"),
    ("rrelu", RReLU, "he", "leaky ReLU with a random slope in training", "Xu et al. 2015"),
    ("elu", _elementwise(nn.elu), "he", "x if x >= 0 else exp(x) - 1", "Clevert et al. 2016"),
    (
        "selu",
        _elementwise(nn.selu),
        "lecun",
        "scaled ELU that keeps mean 0 and variance 1",
        "Klambauer et al. 2017",
    ),
    ("gelu", _elementwise(_gelu), "he", "x Φ(x)", "Hendrycks & Gimpel 2016"),
    (
        "silu",
        _elementwise(nn.silu),
        "he",
        "x times sigmoid(x), also called swish",
        "Elfwing et al. 2018",
    ),
    (
        "softplus",
        _elementwise(nn.softplus),
        "he",
        "log(1 + exp(x)), a smooth ReLU",
        "Dugas et al. 2001",
    ),
    ("softmax", _elementwise(nn.softmax), "glorot", "exp(x) over its sum along the units", ""),
):
    ACTIVATIONS.add(Activation(_name, _build, _summary, _paper, init=_init))
ACTIVATIONS.add(
    Activation(
        "maxout",
        Maxout,
        "the larger of two linear pieces",
        "Goodfellow et al. 2013",
        version=2,
        init="he",
        pieces=2,
    )
)
