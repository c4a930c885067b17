"""Variational autoencoder of convolutions."""

import math
from typing import Annotated, Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError
from research.models.autoencoder import Output, in_range, reconstructs
from research.models.layers.convolution import ConvUnit
from research.models.layers.forward import Forward
from research.models.layers.gaussian import GaussianSample
from research.models.layers.initializers import Init, initializer
from research.models.layers.sites import ActivationName, Normalize, Site
from research.models.layers.upsampling import Upsample
from research.options import Count
from research.registry import ACTIVATIONS, ARCHITECTURES, LOSSES, Architecture

# Strides of the encoder's convolutions; the decoder's transposed ones have (2, 1, 1).
STRIDES = (2, 2, 1)
# The product of the strides.
SHRUNK = 4


class VAE(nn.Module):
    """Three 4×4 convolutions to a Gaussian over the latents; dense layers and three transposed
    convolutions back.

    [B, H, W, C] -> [B, outputs + 2·latents]: the reconstruction, and the mean and log-variance of
    the latents, which the loss reads. The defaults are those of DeepOBS (Schneider et al. 2019).

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(VAE(outputs=784, latents=8), [28, 28, 1])  # 784 + 2·8 outputs
        ((800,), 10151489)
    """

    outputs: int
    latents: Annotated[Count, "latent variables"] = 8
    channels: Annotated[Count, "channels of the convolutions"] = 64
    dense: Annotated[Count, "width of the decoder's first dense layer"] = 24
    activation: ActivationName = "leaky_relu_03"
    decoder_activation: Annotated[str, ACTIVATIONS, "activation of the transposed convolutions"] = (
        "relu"
    )
    output: Output = "sigmoid"
    kernel_init: Annotated[Init, "kernel initialisation"] = "glorot_uniform"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        # The logarithm of the variance, since every number is a valid one.
        mean, log_variance = jnp.split(self._encoded(x, fwd), 2, axis=-1)
        drawn = self._decoded(
            # The scope's name keys the random draws: it does not change.
            GaussianSample(name="Draw_0")(mean, log_variance, x, fwd),
            (x.shape[1] // SHRUNK, x.shape[2] // SHRUNK),
            fwd,
        )
        return jnp.concatenate([drawn, mean, log_variance], axis=-1)

    def _encoded(self, x: jax.Array, fwd: Forward) -> jax.Array:
        x = Site("input")(x, fwd)
        for stride in STRIDES:
            unit = ConvUnit(
                self.channels,
                4,
                stride,
                padding="SAME",
                activation=self.activation,
                kernel_init=self.kernel_init,
            )
            x = unit(x, fwd)
        return self._dense(2 * self.latents)(x.reshape(x.shape[0], -1))

    def _decoded(self, z: jax.Array, shape: tuple[int, int], fwd: Forward) -> jax.Array:
        activation = ACTIVATIONS.get(self.activation)
        for width in (self.dense, math.prod(shape)):
            z = activation.build()(self._dense(width * activation.pieces)(z), fwd)
        z = z.reshape(z.shape[0], *shape, 1)
        activation = ACTIVATIONS.get(self.decoder_activation)
        for factor in (2, 1, 1):
            up = Upsample(
                self.channels * activation.pieces, factor, kernel=4, kernel_init=self.kernel_init
            )
            z = activation.build()(Normalize()(up(z), fwd), fwd)
            z = Site("hidden")(z, fwd)
        z = self._dense(self.outputs)(z.reshape(z.shape[0], -1))
        return nn.sigmoid(z) if self.output == "sigmoid" else z

    def _dense(self, width: int) -> nn.Dense:
        return nn.Dense(width, kernel_init=initializer(self.kernel_init))


def _fits(config: Any, spec: Any) -> str | None:
    """Images can be halved twice."""
    height, width, _ = spec.inputs.shape
    if height % SHRUNK or width % SHRUNK:
        raise ShapeError(
            f"arch=vae halves images twice; {height}x{width} is not a multiple of {SHRUNK}"
        )
    return None


def _has_prior(config: Any, spec: Any) -> str | None:
    """The loss reads the latents."""
    if LOSSES.get(config.loss).latents:
        return None
    return (
        f"loss={config.loss} leaves a vae's latents without their prior; use squared_kl or"
        " bernoulli_kl"
    )


ARCHITECTURES.add(
    Architecture(
        "vae",
        VAE,
        "variational autoencoder: three convolutions to Gaussian latents, and back",
        "Kingma & Welling 2014, Auto-encoding variational Bayes; Schneider et al. 2019, DeepOBS",
        constraints=(reconstructs, _fits, _has_prior, in_range),
        takes=("image",),
        loss="squared_kl",
        test_options={"latents": 2, "channels": 2, "dense": 3},
    )
)
