"""Rotation, zoom, colour and random erasing against hand-worked images."""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.config import Component, regularizers
from research.registry import REGULARIZERS
from research.regularization.colour import colour
from research.regularization.erasing import random_erasing, rectangle
from research.regularization.geometry import rotation, scale, turn, zoom
from research.regularization.sampling import rotated, zoomed
from tests.regularization import cases
from tests.regularization.test_constraints import IMAGES

SQUARE = jnp.arange(1, 51, dtype=jnp.float32).reshape(5, 5, 2)
EVEN = jnp.arange(1, 17, dtype=jnp.int32).reshape(4, 4)
RAMP = jnp.broadcast_to(jnp.arange(5.0), (5, 5))
OUTSIDE = 0


def keys(count: int) -> jax.Array:
    return jax.random.split(cases.KEY, count)


# Counter-clockwise by so many degrees, and magnified by a factor: one program each.
TURNED = jax.jit(lambda degrees: (rotated(SQUARE, degrees), rotated(EVEN, degrees, "nearest")))
ZOOMED = jax.jit(lambda factor: (zoomed(RAMP, factor), zoomed(EVEN, factor, "nearest")))


def test_right_angles_are_numpys() -> None:
    """Turns by right angles are numpy's rot90; 1e-5: float32 cosines of them are not exactly 0
    and 1."""
    for turns in (0, 1, 2, 3, -1):
        image, mask = TURNED(jnp.float32(90 * turns))
        np.testing.assert_allclose(image, np.rot90(SQUARE, turns), rtol=1e-5)
        np.testing.assert_array_equal(mask, np.rot90(EVEN, turns))
        assert mask.dtype == EVEN.dtype


def test_half_a_right_angle_by_hand() -> None:
    """The middle of the upper edge shows what lay 2/√2 up and right of the centre, the corners what
    lay 2√2 from it."""
    image, mask = TURNED(jnp.float32(45))
    at, grid = (
        np.sqrt(2) - 1,
        np.asarray(SQUARE[..., 0]),
    )  # beyond the pixel that lies 1 up and 1 to the right
    near = (
        grid[1, 3] * (1 - at) ** 2 + (grid[0, 3] + grid[1, 4]) * at * (1 - at) + grid[0, 4] * at**2
    )
    np.testing.assert_allclose(image[0, 2, 0], near, rtol=1e-5)
    out = 2 * np.sqrt(2) - 2  # beyond the edge, where zeros are
    corners = (1 - out) * grid[[0, 2, 2, 4], [2, 4, 0, 2]]
    np.testing.assert_allclose(image[[0, 0, -1, -1], [0, -1, 0, -1], 0], corners, rtol=1e-5)
    assert image[2, 2, 0] == grid[2, 2]
    assert (mask[[0, 0, -1, -1], [0, -1, 0, -1]] == OUTSIDE).all()


def test_zoom_by_hand() -> None:
    """Interpolated values by hand; 1e-6 is eight roundings of float32. Masks take the nearest,
    exactly."""
    framed = np.pad(EVEN[1:3, 1:3], 1, constant_values=OUTSIDE)
    for factor, row, mask in (
        (1.0, [0, 1, 2, 3, 4], EVEN),
        (2.0, [1, 1.5, 2, 2.5, 3], np.repeat(np.repeat(EVEN[1:3, 1:3], 2, 0), 2, 1)),
        (0.5, [0, 0, 2, 4, 0], None),
        (0.6, None, framed),
    ):
        got_row, got_mask = ZOOMED(jnp.float32(factor))
        if row is not None:
            np.testing.assert_allclose(got_row[2], row, rtol=1e-6)
        if mask is not None:
            np.testing.assert_array_equal(got_mask, mask)


def test_a_mask_moves_with_its_image() -> None:
    """By one key both are turned and magnified alike: a mask of a disc off the centre stays on the
    disc."""
    row, column = np.indices((21, 21)) - 10
    disc = jnp.asarray((row - 4) ** 2 + (column + 2) ** 2 <= 9, jnp.float32)

    def moved(key: jax.Array) -> Any:
        image, mask = disc[..., None], disc.astype(jnp.int32)
        return (
            (turn(image, key, 180.0), turn(mask, key, 180.0, "nearest")),
            (zoom(image, key, 0.7, 1.4), zoom(mask, key, 0.7, 1.4, "nearest")),
        )

    for image, mask in jax.jit(jax.vmap(moved))(keys(5)):
        assert ((image[..., 0] > 0.75) <= (mask == 1)).all()
        assert ((image[..., 0] < 0.25) <= (mask == 0)).all()
        assert len(np.unique(mask, axis=0)) > 1


def test_angles_and_factors_are_uniform() -> None:
    """Read off a ramp along the columns, whose value beside the centre is cos(angle), and off one
    that is magnified."""
    ramp = RAMP[..., None] - 2
    draw = jax.jit(jax.vmap(lambda key: rotation(60.0)(ramp, key, True)[2, 3, 0]))
    angles = np.degrees(np.arccos(np.clip(draw(keys(2000)), -1, 1)))
    assert angles.max() <= 60.01
    np.testing.assert_allclose(
        np.histogram(angles, 3, (0, 60.01))[0] / 2000, 1 / 3, atol=0.055
    )  # 5 deviations
    factors = 1 / jax.jit(jax.vmap(lambda key: scale(0.8, 1.4)(ramp, key, True)[2, 3, 0]))(
        keys(2000)
    )
    assert factors.min() >= 0.799
    np.testing.assert_allclose(
        np.histogram(factors, 3, (0.799, 1.401))[0] / 2000, 1 / 3, atol=0.055
    )


def test_colour_by_hand() -> None:
    """One pixel of grey 1 and one of grey 3, so that the image's mean is 2; each channel is 1 off
    its pixel's grey."""
    x = jnp.array([[[0.0, 1, 2], [2, 3, 4]]])
    u = jax.random.uniform(cases.KEY, (3,), minval=-1, maxval=1)
    np.testing.assert_allclose(
        colour(brightness=0.5)(x, cases.KEY, True), x + 0.5 * u[0], rtol=1e-6
    )
    np.testing.assert_allclose(
        colour(contrast=0.5)(x, cases.KEY, True), 2 + (1 + 0.5 * u[1]) * (x - 2), rtol=1e-6
    )
    grey = jnp.array([[[1.0], [3.0]]])
    faded = colour(saturation=0.5)(x, cases.KEY, True)
    np.testing.assert_allclose(faded, grey + (1 + 0.5 * u[2]) * (x - grey), rtol=1e-6)
    all_three = colour(0.5, 0.5, 0.5)(x, cases.KEY, True)
    mean = 2 + 0.5 * u[0]
    stretched = mean + (1 + 0.5 * u[1]) * (x - 2)
    middle = stretched.mean(-1, keepdims=True)
    np.testing.assert_allclose(
        all_three, middle + (1 + 0.5 * u[2]) * (stretched - middle), rtol=1e-5
    )
    np.testing.assert_array_equal(colour(saturation=0.5)(x[..., :1], cases.KEY, True), x[..., :1])


def test_erased_rectangles_lie_within_their_ranges() -> None:
    """Sides are whole, so an area may be off by half a row and half a column."""
    height, width, low, high, aspect = 24, 32, 0.1, 0.4, 0.5
    draw = jax.jit(jax.vmap(lambda key: rectangle(key, (height, width), 0.7, low, high, aspect)))
    masks = np.asarray(draw(keys(500)))
    happens = masks.any((1, 2))
    assert abs(happens.mean() - 0.7) < 5 * np.sqrt(0.7 * 0.3 / 500)
    masks = masks[happens]
    rows, columns = masks.any(2).sum(1), masks.any(1).sum(1)
    assert (masks.sum((1, 2)) == rows * columns).all()  # a whole rectangle
    slack = (rows + columns) / 2 + 0.25
    assert (rows * columns >= low * height * width - slack).all()
    assert (rows * columns <= high * height * width + slack).all()
    assert ((rows + 0.5) / (columns - 0.5) >= aspect).all()
    assert ((rows - 0.5) / (columns + 0.5) <= 1 / aspect).all()
    share = rows * columns / (height * width)
    assert abs(share.mean() - (low + high) / 2) < 0.02  # 5 standard errors of the mean of a uniform
    assert masks[:, 0].any()
    assert masks[:, -1].any()
    assert masks[:, :, 0].any()
    assert masks[:, :, -1].any()


def test_what_is_erased_is_the_mean_or_noise() -> None:
    """Mean: 1e-5, a float32 sum over 256 pixels. Noise: five standard errors of mean and
    deviation."""
    x = cases.array(16, 16, 3)
    mask = rectangle(jax.random.split(cases.KEY)[0], (16, 16), 1.0, 0.3, 0.3, 0.5)
    erased = random_erasing(1.0, 0.3, 0.3, 0.5, "mean")(x, cases.KEY, True)
    np.testing.assert_allclose(
        erased[mask], np.broadcast_to(x.mean((0, 1)), x.shape)[mask], rtol=1e-5
    )
    noise = random_erasing(1.0, 0.3, 0.3, 0.5, "noise")(x, cases.KEY, True)
    assert abs(noise[mask].mean()) < 5 / np.sqrt(mask.sum() * 3)
    assert abs(noise[mask].std() - 1) < 5 / np.sqrt(2 * mask.sum() * 3)
    for got in (erased, noise):
        np.testing.assert_array_equal(got[~mask], x[~mask])


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("scale(1.2,0.8)", "scale draws between low=1.2 and high=0.8, the wrong way round"),
        (
            "random_erasing(0.5,0.4,0.1)",
            "random_erasing draws between low=0.4 and high=0.1, the wrong way round",
        ),
        ("colour(0.1,0.1,0.2)", "colour changes saturation, and the images of digits are grey"),
    ],
)
def test_what_cannot_be_is_said(written: str, message: str) -> None:
    config = SimpleNamespace(dataset=Component("digits"), regularization=regularizers(written))
    (part,) = config.regularization
    (problem,) = filter(
        None, (constraint(config, IMAGES) for constraint in REGULARIZERS.get(part.name).constraints)
    )
    assert problem.startswith(message)
