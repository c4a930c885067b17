"""Sampling an image at other places: what rotation and zoom do to it, and in the same way to a mask
of its classes."""

from typing import Literal

import jax
import jax.numpy as jnp

Interpolation = Literal["bilinear", "nearest"]


def rotated(
    image: jax.Array, degrees: jax.Array | float, interpolation: Interpolation = "bilinear"
) -> jax.Array:
    """An image rotated counter-clockwise about its centre; zeros fill the corners.

    Args:
        image: [H, W, ...].
        degrees: the angle, [].
        interpolation: bilinear, or nearest for masks.
    """
    # Each pixel of the result asks where it was before, so positions turn the other way.
    angle = jnp.deg2rad(degrees)
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    row, column = _from_centre(image)
    turned = sampled(image, row * cos + column * sin, column * cos - row * sin, interpolation)
    # Interpolation may round at angle 0; the image itself does not.
    return jnp.where(angle == 0, image, turned)


def zoomed(
    image: jax.Array, factor: jax.Array | float, interpolation: Interpolation = "bilinear"
) -> jax.Array:
    """An image magnified about its centre, in its frame; below 1 it is smaller, with zeros around
    it.

    Args:
        image: [H, W, ...].
        factor: the magnification, [].
        interpolation: bilinear, or nearest for masks.
    """
    row, column = _from_centre(image)
    return jnp.where(
        factor == 1, image, sampled(image, row / factor, column / factor, interpolation)
    )


def sampled(
    image: jax.Array, row: jax.Array, column: jax.Array, interpolation: Interpolation
) -> jax.Array:
    """The values of an image at any positions, [H, W, ...], in the image's dtype; zeros outside it.

    Args:
        image: [H, W, ...].
        row: the row of each position, [H, W], counted from the image's centre.
        column: its column, [H, W].
        interpolation: `bilinear`: between the four pixels around it; `nearest`: the nearest pixel,
            so that classes stay classes.
    """
    row, column = row + (image.shape[0] - 1) / 2, column + (image.shape[1] - 1) / 2
    if interpolation == "nearest":
        return _pixels(image, jnp.round(row), jnp.round(column))
    top = jnp.floor(row)
    left = jnp.floor(column)
    down = row - top
    right = column - left
    # Summed in float32 at least, and rounded to the image's dtype once.
    total = jnp.zeros((), jnp.promote_types(image.dtype, jnp.float32))
    for below in (0, 1):
        for beside in (0, 1):
            weight = (down if below else 1 - down) * (right if beside else 1 - right)
            weight = weight.reshape(*weight.shape, *[1] * (image.ndim - 2))
            total = total + weight * _pixels(image, top + below, left + beside)
    return total.astype(image.dtype)


def _from_centre(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The row and the column of each pixel, [H, 1] and [1, W], counted from the centre."""
    height, width = image.shape[:2]
    return (
        jnp.arange(height)[:, None] - (height - 1) / 2,
        jnp.arange(width)[None, :] - (width - 1) / 2,
    )


def _pixels(image: jax.Array, row: jax.Array, column: jax.Array) -> jax.Array:
    """The pixels at whole places [H, W] as floats, 0 outside the image."""
    height, width = image.shape[:2]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    # Clipped before indexing and masked after it: JAX takes negative indices from the end.
    at = (
        jnp.clip(index, 0, length - 1).astype(int)
        for index, length in ((row, height), (column, width))
    )
    pixels = image[tuple(at)]
    return jnp.where(inside.reshape(*inside.shape, *[1] * (image.ndim - 2)), pixels, 0)
