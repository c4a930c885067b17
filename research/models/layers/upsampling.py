"""Upsampling of feature maps: a transposed convolution, or a fixed bilinear resize."""

from typing import Annotated, Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from research.models.layers.initializers import Init, initializer

Upsampling = Annotated[
    Literal["transposed", "resize"],
    "how maps grow: a learned transposed convolution, or a bilinear resize",
]


class Upsample(nn.Module):
    """A map `factor` times as large, [B, h, w, C] -> [B, factor·h, factor·w, features].

    transposed: a transposed convolution of filters of `kernel` (twice the factor by default);
        resize: bilinear, after a 1×1 convolution if the features are others. bilinear: the
        transposed convolution begins as the bilinear resize of each channel (Long et al. 2015).
    """

    features: int
    factor: int = 2
    kind: Literal["transposed", "resize"] = "transposed"
    kernel: int | None = None
    bilinear: bool = False
    kernel_init: Init = "auto"

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        if self.kind == "resize":
            if x.shape[-1] != self.features:
                x = nn.Conv(self.features, (1, 1), kernel_init=initializer(self.kernel_init))(x)
            return resized(x, (self.factor * x.shape[1], self.factor * x.shape[2]))
        # Filters of twice the stride overlap by half, as a bilinear profile requires.
        side = self.kernel or 2 * self.factor
        init: Any = bilinear_kernel if self.bilinear else initializer(self.kernel_init)
        transposed = nn.ConvTranspose(
            self.features, (side, side), (self.factor, self.factor), kernel_init=init
        )
        return transposed(x)


def resized(x: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Bilinear resize, [B, h, w, C] -> [B, *shape, C]."""
    # Antialiasing is for images that shrink.
    return jax.image.resize(x, (x.shape[0], *shape, x.shape[-1]), "bilinear", antialias=False)


def filled_up(x: jax.Array, multiple: int) -> jax.Array:
    """Zeros after the rows and columns of x [B, H, W, C], up to a multiple."""
    height, width = x.shape[1:3]
    # Behind, so that every pixel keeps its position and the caller cuts the zeros off by a slice.
    return jnp.pad(x, ((0, 0), (0, -height % multiple), (0, -width % multiple), (0, 0)))


def bilinear_kernel(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
    """The kernel with which a transposed convolution of stride k/2 resizes each channel bilinearly.

    At an image's border it takes zeros to lie outside, where a resize repeats the border.

    Args:
        key: not used: the kernel is not random.
        shape: (k, k, C, C).
        dtype: of the kernel.
    """
    side = shape[0]
    channels = min(shape[2:])
    profile = 1 - np.abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    kernel = np.zeros(shape)
    kernel[:, :, range(channels), range(channels)] = np.outer(profile, profile)[..., None]
    return jnp.asarray(kernel, dtype)
