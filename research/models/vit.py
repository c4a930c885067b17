"""The vision transformer: an image as a sequence of patches."""

from typing import Annotated, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError
from research.models.layers.blocks import Block, last_norm, pooled
from research.models.layers.dense import Dense
from research.models.layers.forward import Forward
from research.models.layers.sites import Site
from research.models.layers.transformer_config import (
    SD,
    TransformerConfig,
    with_transformer_options,
)
from research.options import Count
from research.registry import ARCHITECTURES, Architecture


class ViT(nn.Module):
    """Images [B, H, W, C] -> [B, outputs]. Positions are learned, also that of the class token.

    Example:
        >>> from research.models.sizes import sizes
        >>> config = TransformerConfig(layers=2, heads=2, width=8)
        >>> sizes(ViT(outputs=10, config=config, patch=4), [32, 32, 3])  # 64 patches and a token
        ((10,), 2770)
    """

    outputs: int
    config: TransformerConfig
    patch: Annotated[Count, "side of the patches; must divide the image's height and width"] = 4
    pooling: Annotated[Literal["token", "mean"], "class token, or mean over patches"] = "token"

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        config = self.config
        h = config.dense(config.width)(patches(Site("input")(x, fwd), self.patch))
        if self.pooling == "token":
            # The parameter is float32; uncast it would widen every patch that it is joined to.
            token = self.param("token", nn.initializers.normal(SD), (config.width,), jnp.float32)
            h = jnp.concatenate(
                [jnp.broadcast_to(token.astype(h.dtype), (len(h), 1, config.width)), h], axis=1
            )
        h = h + self.param("positions", nn.initializers.normal(SD), h.shape[1:], jnp.float32)
        for number in range(1, config.layers + 1):
            h = Block(config, number)(h, fwd)
        h = last_norm(config, h)
        h = h[:, 0] if self.pooling == "token" else pooled(h)
        return Dense(self.outputs, kernel_init=nn.initializers.normal(SD))(h)


def patches(x: jax.Array, side: int) -> jax.Array:
    """Images [B, H, W, C] as their patches in rows, each flat: [B, (H / side)(W / side),
    side·side·C].

    Raises ShapeError if they do not fit.
    """
    b, height, width, channels = x.shape
    if height % side or width % side:
        fitting = [
            n for n in range(1, min(height, width) + 1) if height % n == 0 and width % n == 0
        ]
        raise ShapeError(
            f"patches of {side}x{side} do not divide an image of {height}x{width}; "
            f"arch.patch={' or '.join(map(str, fitting))} does"
        )
    rows = height // side
    columns = width // side
    # The rows of a patch must be neighbours before they are flattened.
    tiles = x.reshape(b, rows, side, columns, side, channels).swapaxes(2, 3)
    return tiles.reshape(b, rows * columns, side * side * channels)


build, options = with_transformer_options(ViT)
ARCHITECTURES.add(
    Architecture(
        "vit",
        build,
        "vision transformer: attention between the patches of an image",
        "Dosovitskiy et al. 2021",
        options=options,
        takes=("image",),
        test_options={"layers": 2, "heads": 2, "width": 8, "patch": 1},
    )
)
