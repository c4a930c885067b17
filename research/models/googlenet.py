"""GoogLeNet for small images: four paths of convolutions side by side."""

from typing import Annotated, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.layers.convolution import ConvUnit
from research.models.layers.forward import Forward
from research.models.layers.initializers import Init, initializer
from research.models.layers.pooling import global_average, max_pool
from research.models.layers.sites import ActivationName, Site
from research.options import Count
from research.registry import ARCHITECTURES, Architecture

# Channels of an inception block: 1×1; 3×3 (reduced, out); 5×5 (reduced, out); pool.
Paths = tuple[int, tuple[int, int], tuple[int, int], int]
# The blocks between the 2× pools.
STAGES: tuple[tuple[Paths, ...], ...] = (
    ((16, (32, 32), (16, 8), 8), (24, (32, 48), (16, 12), 12)),
    (
        (24, (32, 48), (16, 12), 12),
        (16, (32, 48), (16, 16), 16),
        (16, (32, 48), (16, 16), 16),
        (32, (32, 48), (16, 24), 24),
    ),
    ((32, (48, 64), (16, 16), 16), (32, (48, 64), (16, 16), 16)),
)


class InceptionBlock(nn.Module):
    """1×1, reduced 3×3, reduced 5×5 and pooled 1×1 convolutions side by side, [B, H, W, C] -> [B,
    H, W, their sum]."""

    paths: Paths
    activation: str
    kernel_init: Init

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        def conv(x: jax.Array, channels: int, kernel: int) -> jax.Array:
            return ConvUnit(
                channels, kernel, activation=self.activation, kernel_init=self.kernel_init
            )(x, fwd)

        one_by_one, (three_in, three), (five_in, five), pooled = self.paths
        outputs = [
            conv(x, one_by_one, 1),
            conv(conv(x, three_in, 1), three, 3),
            conv(conv(x, five_in, 1), five, 5),
            conv(max_pool(x, 3, 1, 1), pooled, 1),
        ]
        return jnp.concatenate(outputs, axis=-1)


class GoogLeNet(nn.Module):
    """A convolution, inception blocks with two pools between them, and the mean over all places, ->
    [B, outputs].

    Example:
        >>> from research.models.sizes import sizes
        >>> sizes(GoogLeNet(outputs=10), [32, 32, 3], normalization="batch_norm")
        ((10,), 259338)
    """

    outputs: int
    width: Annotated[Count, "channels, in percent of the standard width"] = 100
    stages: Annotated[Literal["1", "2", "3"], "stages between pools"] = "3"
    activation: ActivationName = "relu"
    kernel_init: Annotated[Init, "kernel initialisation"] = "auto"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        def channels(count: int) -> int:
            # A narrow network still has a channel in every path.
            return max(1, count * self.width // 100)

        x = ConvUnit(channels(64), activation=self.activation, kernel_init=self.kernel_init)(
            Site("input")(x, fwd), fwd
        )
        for stage, blocks in enumerate(STAGES[: int(self.stages)]):
            x = max_pool(x, 3, 2, 1) if stage else x
            for paths in blocks:
                x = InceptionBlock(
                    jax.tree.map(channels, paths), self.activation, self.kernel_init
                )(x, fwd)
        return nn.Dense(self.outputs, kernel_init=initializer(self.kernel_init))(global_average(x))


ARCHITECTURES.add(
    Architecture(
        "googlenet",
        GoogLeNet,
        "inception blocks of four paths, for small images",
        "Szegedy et al. 2015, Going deeper with convolutions",
        takes=("image",),
        normalization="batch_norm",
        test_options={"width": 5, "stages": "1"},
    )
)
