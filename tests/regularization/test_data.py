"""The data slot against hand-worked images."""

import collections

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.registry import REGULARIZERS
from research.regularization import augmentation
from tests.regularization import cases

IMAGE = jnp.arange(1, 21, dtype=jnp.float32).reshape(
    4, 5, 1
)  # no zeros, so that what comes in shows


def draws(apply: augmentation.Apply, count: int) -> np.ndarray:
    keys = jax.vmap(lambda i: jax.random.fold_in(cases.KEY, i))(jnp.arange(count))
    return np.asarray(jax.jit(jax.vmap(lambda key: apply(IMAGE, key, True)))(keys))


def test_shift_gives_every_translation_equally_often() -> None:
    padded = np.pad(IMAGE, ((2, 2), (2, 2), (0, 0)))
    translations = {
        padded[r : r + 4, c : c + 5].tobytes(): (2 - r, 2 - c) for r in range(5) for c in range(5)
    }
    counts = collections.Counter(
        translations[image.tobytes()] for image in draws(augmentation.shift(2.0), 2500)
    )
    assert set(counts) == set(translations.values())
    assert all(abs(n - 100) < 50 for n in counts.values())  # binomial, standard deviation 9.8


def test_crop_gives_every_window_and_the_centre_in_evaluation() -> None:
    windows = {
        np.asarray(IMAGE[r : r + 2, c : c + 3]).tobytes() for r in range(3) for c in range(3)
    }
    assert {image.tobytes() for image in draws(augmentation.crop(2), 300)} == windows
    np.testing.assert_array_equal(augmentation.crop(2)(IMAGE, None, False), IMAGE[1:3, 1:4])


def test_crop_must_leave_something() -> None:
    with pytest.raises(UserError, match=r"crop=4 leaves nothing of images of 4x5; it must be < 4"):
        augmentation.crop(4)(IMAGE, None, False)


def test_flip_mirrors_with_its_probability() -> None:
    images = draws(augmentation.flip(0.25), 2000)
    mirrored = (images == IMAGE[:, ::-1]).all((1, 2, 3))
    assert (mirrored | (images == IMAGE).all((1, 2, 3))).all()
    assert abs(mirrored.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 2000)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_cutout_fills_a_square_that_the_border_cuts_off(size: int) -> None:
    def square(row: int, column: int) -> bytes:
        image = np.array(IMAGE)
        top, left = row - size // 2, column - size // 2
        image[max(top, 0) : top + size, max(left, 0) : left + size] = 0
        return image.tobytes()

    expected = {square(row, column) for row in range(4) for column in range(5)}
    assert {image.tobytes() for image in draws(augmentation.cutout(float(size)), 600)} == expected


def test_input_noise_takes_tables() -> None:
    table = cases.array(7)
    noisy = augmentation.input_noise(0.1)(table, cases.KEY, True)
    assert noisy.shape == (7,)
    assert 0 < jnp.abs(noisy - table).max() < 0.6


@pytest.mark.parametrize(("name", "text"), [("shift", "1.5"), ("cutout", "2.5"), ("shift", "-1")])
def test_pixels_are_whole(name: str, text: str) -> None:
    entry = REGULARIZERS.get(name)
    with pytest.raises(UserError, match=r"it must be a whole number >= 0"):
        entry.options[0].parse(text, f"regularization.{name}")
