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
    """max(x, 0) + a·min(x, 0) with one learned slope a per channel, initially 0.25.

    Example:
        >>> x = jnp.array([[-4.0, 4.0]])
        >>> y, variables = PReLU().init_with_output(jax.random.key(0), x, Forward())
        >>> print(y, variables["params"]["slope"])
        [[-1.  4.]] [0.25 0.25]
    """

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        slope = self.param("slope", nn.initializers.constant(0.25), (x.shape[-1],))
        return jnp.where(x >= 0, x, slope * x)


class RReLU(nn.Module):
    """Leaky ReLU with a random slope: U(1/8, 1/3) per unit and example in training, their mean in
    evaluation.

    Example:
        >>> x = jnp.array([[-48.0, 48.0]])
        >>> print(RReLU().apply({}, x, Forward()))  # evaluation: the slope is 11/48
        [[-11.  48.]]
    """

    low: float = 1 / 8
    high: float = 1 / 3

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        if not fwd.train:
            # The mean slope has the expected output of training and needs no key.
            return jnp.where(x >= 0, x, x * (self.low + self.high) / 2)
        # Keys follow the example's index in the global batch, so the slopes do not depend on the
        # devices that the batch is spread over.
        keys = fwd.example_keys(self.make_rng("rrelu"))
        # In float32 at least: bfloat16 has only 8 bits for a uniform number.
        wide = jnp.promote_types(x.dtype, jnp.float32)
        slope = jax.vmap(
            lambda key: jax.random.uniform(key, x.shape[1:], wide, self.low, self.high)
        )(keys)
        return jnp.where(x >= 0, x, x * slope.astype(x.dtype))


class Maxout(nn.Module):
    """The larger of the two linear pieces of each unit, [..., 2C] -> [..., C].

    Example:
        >>> print(Maxout()(jnp.array([[1.0, 3.0, -2.0, -5.0]]), Forward()))
        [[ 3. -2.]]
    """

    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        # A tie sends its whole gradient to the first piece, whatever XLA rounds; see
        # research/maxima.py.
        return max_first_gradient(x.reshape(*x.shape[:-1], x.shape[-1] // 2, 2), axis=-1)


def _elementwise(
    init: str, summary: str, paper: str = ""
) -> Callable[[Callable[[jax.Array], jax.Array]], Callable[[jax.Array], jax.Array]]:
    """Registers a function of numbers as an activation under its own name."""

    def add(function: Callable[[jax.Array], jax.Array]) -> Callable[[jax.Array], jax.Array]:
        build = functools.partial(Elementwise, function)
        ACTIVATIONS.add(Activation(function.__name__, build, summary, paper, init=init))
        return function

    return add


@_elementwise("glorot", "x: hidden layers collapse into one linear map")
def identity(x: jax.Array) -> jax.Array:
    """x.

    Example:
        >>> print(np.array(identity(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [-1.  0.  2.]
    """
    return x


@_elementwise("glorot", "1 if x >= 0 else 0, gradient straight through", "Bengio et al. 2013")
def step(x: jax.Array) -> jax.Array:
    """1 if x >= 0 else 0, with the gradient of the identity (straight through).

    Example:
        >>> print(step(jnp.array([-1.0, 0.0, 2.0])))
        [0. 1. 1.]
        >>> print(jax.grad(lambda x: step(x).sum())(jnp.array([-1.0, 0.0, 2.0])))
        [1. 1. 1.]
    """
    return _step(x)


# The derivative of a step is zero almost everywhere, so nothing before it would learn. The rule is
# written by hand: tangents pass unchanged.
@jax.custom_jvp
def _step(x: jax.Array) -> jax.Array:
    return (x >= 0).astype(x.dtype)


_step.defjvp(lambda primals, tangents: (_step(*primals), tangents[0]))


@_elementwise("glorot", "1 / (1 + exp(-x)), in (0, 1)")
def sigmoid(x: jax.Array) -> jax.Array:
    """1 / (1 + exp(-x)).

    Example:
        >>> print(np.array(sigmoid(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [0.27 0.5  0.88]
    """
    return nn.sigmoid(x)


@_elementwise("glorot", "hyperbolic tangent, in (-1, 1)")
def tanh(x: jax.Array) -> jax.Array:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    Example:
        >>> print(np.array(tanh(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [-0.76  0.    0.96]
    """
    return jnp.tanh(x)


@_elementwise("he", "max(x, 0), in [0, inf)", "Nair & Hinton 2010")
def relu(x: jax.Array) -> jax.Array:
    """max(x, 0).

    Example:
        >>> print(np.array(relu(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [0. 0. 2.]
    """
    return nn.relu(x)


@_elementwise("he", "x if x >= 0 else 0.01 x", "Maas et al. 2013")
def leaky_relu(x: jax.Array) -> jax.Array:
    """x if x >= 0 else 0.01 x.

    Example:
        >>> print(np.array(leaky_relu(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [-0.01  0.    2.  ]
    """
    return nn.leaky_relu(x)


@_elementwise("he", "x if x >= 0 else 0.3 x", "Maas et al. 2013")
def leaky_relu_03(x: jax.Array) -> jax.Array:
    """x if x >= 0 else 0.3 x.

    Example:
        >>> print(np.array(leaky_relu_03(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [-0.3  0.   2. ]
    """
    return nn.leaky_relu(x, 0.3)


@_elementwise("he", "x if x >= 0 else exp(x) - 1", "Clevert et al. 2016")
def elu(x: jax.Array) -> jax.Array:
    """x if x >= 0 else exp(x) - 1.

    Example:
        >>> print(np.array(elu(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [-0.63  0.    2.  ]
    """
    return nn.elu(x)


@_elementwise("lecun", "scaled ELU that keeps mean 0 and variance 1", "Klambauer et al. 2017")
def selu(x: jax.Array) -> jax.Array:
    """1.0507 x if x >= 0 else 1.7581 (exp(x) - 1).

    Example:
        >>> print(np.array(selu(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [-1.11  0.    2.1 ]
    """
    return nn.selu(x)


@_elementwise("he", "x Φ(x)", "Hendrycks & Gimpel 2016")
def gelu(x: jax.Array) -> jax.Array:
    """x Φ(x), with the normal distribution function Φ.

    Example:
        >>> print(np.array(gelu(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [-0.16  0.    1.95]
    """
    # The exact function: flax's default is the tanh approximation.
    return nn.gelu(x, approximate=False)


@_elementwise("he", "x times sigmoid(x), also called swish", "Elfwing et al. 2018")
def silu(x: jax.Array) -> jax.Array:
    """x / (1 + exp(-x)).

    Example:
        >>> print(np.array(silu(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [-0.27  0.    1.76]
    """
    return nn.silu(x)


@_elementwise("he", "log(1 + exp(x)), a smooth ReLU", "Dugas et al. 2001")
def softplus(x: jax.Array) -> jax.Array:
    """log(1 + exp(x)).

    Example:
        >>> print(np.array(softplus(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [0.31 0.69 2.13]
    """
    return nn.softplus(x)


@_elementwise("glorot", "exp(x) over its sum along the units")
def softmax(x: jax.Array) -> jax.Array:
    """exp(x) / Σ exp(x), the sum over the last axis.

    Example:
        >>> print(np.array(softmax(jnp.array([-1.0, 0.0, 2.0]))).round(2))
        [0.04 0.11 0.84]
    """
    return nn.softmax(x)


ACTIVATIONS.add(
    Activation(
        "prelu", PReLU, "leaky ReLU with a learned slope per channel", "He et al. 2015", init="he"
    )
)
ACTIVATIONS.add(
    Activation(
        "rrelu", RReLU, "leaky ReLU with a random slope in training", "Xu et al. 2015", init="he"
    )
)
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
