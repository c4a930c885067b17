"""Hidden layers: a linear map, then normalization, activation, noise and dropout, in this order."""

from typing import Annotated

import flax.linen as nn
import jax

from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.patches import convolve
from research.models.layers.sites import Normalize, Site
from research.registry import ACTIVATIONS

ActivationName = Annotated[str, ACTIVATIONS, "activation of the hidden units"]


class Activate(nn.Module):
    """What follows a hidden layer's linear map: [B, ..., pieces·C] -> [B, ..., C]."""

    activation: str

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Normalize()(x, fwd)
        x = ACTIVATIONS.get(self.activation).build()(x, fwd)
        return Site("hidden")(x, fwd)


class HiddenDense(nn.Module):
    """A fully connected hidden layer, [B, ..., D] -> [B, ..., features]."""

    features: int
    activation: str
    kernel_init: Init = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        # Maxout joins several linear pieces per unit, so the kernel is wider than the layer.
        width = self.features * ACTIVATIONS.get(self.activation).pieces
        x = Dense(width, kernel_init=initializer(self.kernel_init, self.activation))(x)
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
