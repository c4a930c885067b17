"""The noisy quadratic of DeepOBS: points around the origin, and the Hessian of the distance to
them."""

import functools

import numpy as np

from research.data.array_cache import open_table
from research.data.data_table import Table
from research.data.spec import Source
from research.registry import DATASETS, Entry

# Raised when other rows are generated.
VERSION = "1.0.0"
DIMENSIONS = 100
STIFF = 10
NOISE = 0.6
POINTS = 1_000
TEST = 896


@functools.cache
def hessian() -> np.ndarray:
    """Q, float64 [100, 100]: 90 eigenvalues from U(0, 1) and 10 from U(30, 60) in a random
    rotation, of seed 42."""
    draw = np.random.RandomState(42)
    eigenvalues = np.concatenate(
        [draw.uniform(0, 1, DIMENSIONS - STIFF), draw.uniform(30, 60, STIFF)]
    )
    rotation = _rotation(draw)
    return rotation.T @ (eigenvalues[:, None] * rotation)


def _rotation(draw: np.random.RandomState) -> np.ndarray:
    """A rotation drawn uniformly, [100, 100]: a Householder reflection for each dimension (Diaconis
    1987)."""
    angle = 2 * np.pi * draw.uniform()
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for size in range(2, DIMENSIONS):
        direction = draw.normal(size=size + 1)
        direction /= np.linalg.norm(direction)
        mirror = np.eye(size + 1)[0] - direction
        mirror /= np.linalg.norm(mirror)
        larger = np.eye(size + 1)
        larger[1:, 1:] = rotation
        rotation = larger - 2 * np.outer(mirror, mirror @ larger)
    return -rotation


def quadratic() -> Table:
    """1000 points from N(0, 0.6²) of seed 42, and those of seed 43 that 7 batches of 128 read, as
    its test set.

    There is nothing to predict: y is 0.
    """
    train, test = (
        np.random.RandomState(seed).normal(0, NOISE, (POINTS, DIMENSIONS)) for seed in (42, 43)
    )
    x = np.concatenate([train, test[:TEST]]).astype(np.float32)
    names = tuple(f"x{place}" for place in range(DIMENSIONS))
    return Table(x, np.zeros(len(x), np.float32), (), names, test_size=TEST, task="reconstruction")


def open_quadratic(*, data_dir: str | None, cache_dir: str) -> Source:
    """The points; see `quadratic`.

    Example:
        >>> quadratic().x.shape  # 1,000 training and 896 test points
        (1896, 100)
    """
    return open_table(f"quadratic-{VERSION}", quadratic, cache_dir=cache_dir, name="quadratic")


DATASETS.add(
    Entry(
        "quadratic",
        open_quadratic,
        "points around the origin for DeepOBS's quadratic, a problem without a network"
        " (loss=quadratic)",
        "Schneider, Balles & Hennig 2019, DeepOBS: a deep learning optimizer benchmark suite",
    )
)
