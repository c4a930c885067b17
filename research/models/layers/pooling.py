"""Pooling over windows of an image."""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.errors import ShapeError
from research.maxima import max_first_gradient
from research.models.layers.forward import Forward

Pooling = Literal["max", "average", "stochastic"]


class Pool(nn.Module):
    """Pooling by name, [B, H, W, C] -> [B, H', W', C]; stride None: windows that do not overlap."""

    kind: Pooling
    window: int = 2
    stride: int | None = None
    padding: int = 0

    @nn.compact
    def __call__(self, x: jax.Array, fwd: Forward) -> jax.Array:
        if self.kind == "max":
            return max_pool(x, self.window, self.stride, self.padding)
        if self.kind == "average":
            return average_pool(x, self.window, self.stride, self.padding)
        keys = fwd.example_keys(self.make_rng("stochastic_pool")) if fwd.train else None
        return stochastic_pool(x, keys, self.window, self.stride, self.padding)


def max_pool(
    x: jax.Array, window: int = 2, stride: int | None = None, padding: int = 0
) -> jax.Array:
    """The maximum of each window, [B, H, W, C] -> [B, H', W', C]; incomplete windows are cut off.

    The gradient is a select, where that of `reduce_window` is a slow scatter.

    Args:
        x: [B, H, W, C].
        window: the side of a window, in pixels.
        stride: pixels from window to window; None: windows do not overlap.
        padding: pixels added on each side; they are never the maximum.
    """
    fits(x, window, padding, f"pooling by {window}x{window}")
    # Windows that do not overlap are a reshape: nothing is copied per window.
    if stride in (None, window) and not padding:
        b, h, w, c = x.shape
        h, w = h // window, w // window
        tiles = x[:, : h * window, : w * window].reshape(b, h, window, w, window, c)
        return max_first_gradient(max_first_gradient(tiles, axis=4), axis=2)
    return max_first_gradient(windows(x, window, stride, padding, -jnp.inf), axis=3)


def average_pool(
    x: jax.Array, window: int = 2, stride: int | None = None, padding: int = 0
) -> jax.Array:
    """The mean of each window, [B, H, W, C] -> [B, H', W', C]; padding counts as zeros.

    Args:
        x: images [B, H, W, C].
        window: side of a window.
        stride: distance between windows; None: the window's side.
        padding: zeros around the image.
    """
    return windows(x, window, stride, padding, 0).mean(axis=3)


def stochastic_pool(
    x: jax.Array,
    keys: jax.Array | None,
    window: int = 2,
    stride: int | None = None,
    padding: int = 0,
) -> jax.Array:
    """One entry of each window, drawn with probabilities in proportion to the entries.

    Args:
        x: [B, H, W, C]; negative entries count as 0, as after a ReLU.
        keys: one key per example, [B]; None in evaluation, which takes the mean weighted by those
            probabilities.
        window: the side of a window, in pixels.
        stride: pixels from window to window; None: windows do not overlap.
        padding: pixels of zeros added on each side.

    Reference: Zeiler & Fergus 2013.
    """
    tiles = windows(jax.nn.relu(x), window, stride, padding, 0)
    total = tiles.sum(axis=3, keepdims=True)
    # As in the paper, gradients flow through the chosen entry and not through the probabilities.
    # Without positive entries all are equally likely; the inner select avoids 0/0.
    share = jax.lax.stop_gradient(
        jnp.where(total > 0, tiles / jnp.where(total > 0, total, 1), 1 / tiles.shape[3])
    )
    if keys is None:
        return (tiles * share).sum(axis=3)

    def draw(key: jax.Array, share: jax.Array) -> jax.Array:
        # Drawn in float32 at least: bfloat16 has 8 bits for what is uniform.
        wide = share.astype(jnp.promote_types(share.dtype, jnp.float32))
        bound = jax.random.uniform(key, (*share.shape[:2], 1, share.shape[3]), wide.dtype)
        # Scaled by the sum, which rounding leaves beside 1.
        below = jnp.cumsum(wide, axis=2) <= bound * wide.sum(axis=2, keepdims=True)
        # The bound may round up to the whole sum, and would then lie above every entry.
        return jnp.minimum(below.sum(axis=2, keepdims=True), share.shape[2] - 1)

    index = jax.vmap(draw)(keys, share)
    # A mask instead of a gather: the gradient of a gather is a scatter, which is slow.
    chosen = jax.lax.broadcasted_iota(index.dtype, tiles.shape, 3) == index
    return jnp.where(chosen, tiles, 0).sum(axis=3)


def global_average(x: jax.Array) -> jax.Array:
    """The mean over all places, [B, H, W, C] -> [B, C]."""
    return x.mean(axis=(1, 2))


def fits(x: jax.Array, extent: int, padding: int, what: str) -> None:
    """Raises ShapeError unless a window fits into the images.

    Args:
        x: images, [B, H, W, C].
        extent: the side of the window, in pixels.
        padding: pixels added on each side of the images.
        what: the name of the layer in the message.
    """
    height, width = x.shape[1:3]
    if min(height, width) + 2 * padding < extent:
        raise ShapeError(
            f"images are {height}x{width} at a {what}, which is too small; "
            "use larger images, or an architecture with fewer layers that shrink them"
        )


def windows(x: jax.Array, window: int, stride: int | None, padding: int, fill: float) -> jax.Array:
    """The entries of each window in rows, [B, H, W, C] -> [B, H', W', window², C].

    Args:
        x: [B, H, W, C].
        window: the side of a window, in pixels.
        stride: pixels from window to window; None: windows do not overlap.
        padding: pixels added on each side.
        fill: the value of padding.
    """
    fits(x, window, padding, f"pooling by {window}x{window}")
    step = stride or window
    if padding:
        x = jnp.pad(
            x, ((0, 0), (padding, padding), (padding, padding), (0, 0)), constant_values=fill
        )
    height, width = ((length - window) // step + 1 for length in x.shape[1:3])
    # Strided slices, not a gather: their gradient is a pad, not a scatter.
    return jnp.stack(
        [
            x[
                :,
                row : row + step * (height - 1) + 1 : step,
                column : column + step * (width - 1) + 1 : step,
            ]
            for row in range(window)
            for column in range(window)
        ],
        axis=3,
    )
