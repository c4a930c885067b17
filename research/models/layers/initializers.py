"""Initialisations by name; `auto` follows the activation (He for ReLU's kin, LeCun for SELU, Glorot
else)."""

from typing import Literal

import jax
from flax.linen import initializers as init

from research.registry import ACTIVATIONS

Init = Literal[
    "auto",
    "he_normal",
    "he_uniform",
    "glorot_normal",
    "glorot_uniform",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
    "small_normal",
    "zeros",
]

_BY_NAME: dict[str, jax.nn.initializers.Initializer] = {
    "he_normal": init.he_normal(),
    "he_uniform": init.he_uniform(),
    "glorot_normal": init.glorot_normal(),
    "glorot_uniform": init.glorot_uniform(),
    "lecun_normal": init.lecun_normal(),
    "lecun_uniform": init.lecun_uniform(),
    "orthogonal": init.orthogonal(),
    # The scale at which the temporal convolutional network's paper begins its convolutions.
    "small_normal": init.normal(0.01),
    "zeros": init.zeros_init(),
}
# ReLU's kin pass on half of the variance, hence 2/fan_in; SELU is derived for 1/fan_in.
_AUTO = {"he": "he_normal", "glorot": "glorot_uniform", "lecun": "lecun_normal"}


def initializer(name: str, activation: str = "identity") -> jax.nn.initializers.Initializer:
    """The kernel initialiser of a layer that feeds `activation`.

    He: variance 2/fan_in (He et al. 2015); LeCun: 1/fan_in (1998); Glorot: 2/(fan_in + fan_out)
        (2010).
    """
    return _BY_NAME[_AUTO[ACTIVATIONS.get(activation).init] if name == "auto" else name]
