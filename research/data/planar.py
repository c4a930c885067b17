"""Generated tables of points in the plane: two moons, and intertwined spirals."""

from typing import Annotated

import numpy as np

from research import rng
from research.data.data_table import Table
from research.data.generated import Seed, generated
from research.options import Count, Range
from research.registry import DATASETS

FEATURES = ("x", "y")

Size = Annotated[Count, "points to train and validate on"]
Test = Annotated[Count, "points of the test set"]
Noise = Annotated[
    int, Range(0), "standard deviation of each coordinate's noise, in percent of the radius"
]


def moons(size: Size = 1_000, test: Test = 1_000, noise: Noise = 10, seed: Seed = 0) -> Table:
    """Interleaved half circles of radius 1, as scikit-learn's make_moons.

    At an angle t ~ U(0, π): (cos t, sin t), and for the other class (1 - cos t, 1/2 - sin t).

    Args:
        size: points to train and validate on.
        test: points of the test set.
        noise: standard deviation of each coordinate's noise, in percent of the radius.
        seed: seed of all numbers.

    Example:
        >>> table = moons(size=4, test=0, noise=0, seed=0)
        >>> upper = table.x[table.y == 0]
        >>> print(np.linalg.norm(upper, axis=1))  # half a circle of radius 1
        [1. 1.]
    """
    draw, y = _classes("moons", size + test, 2, seed)
    t = draw.uniform(0, np.pi, len(y))
    upper = np.stack([np.cos(t), np.sin(t)], 1)
    return _table(np.where(y[:, None] == 0, upper, (1, 0.5) - upper), y, 2, test, noise, draw)


def spirals(
    size: Size = 1_000,
    test: Test = 1_000,
    classes: Annotated[int, Range(2), "spirals"] = 2,
    degrees: Annotated[Count, "how far a spiral winds"] = 540,
    noise: Noise = 2,
    seed: Seed = 0,
) -> Table:
    """Archimedean spirals from the origin to the circle of radius 1, one per class, rotated against
    each
    other.

    At a radius r = sqrt(u), u ~ U(0, 1), so that the density is uniform: r (cos a, sin a) with
    a = 2π (r degrees / 360 + class / classes).

    Args:
        size: points to train and validate on.
        test: points of the test set.
        classes: number of spirals.
        degrees: how far a spiral winds.
        noise: standard deviation of each coordinate's noise, in percent of the radius.
        seed: seed of all numbers.

    Example:
        >>> table = spirals(size=6, test=2, classes=2, degrees=540, noise=0, seed=0)
        >>> table.x.shape, sorted(table.y.tolist())
        ((8, 2), [0, 0, 0, 0, 1, 1, 1, 1])
    """
    draw, y = _classes("spirals", size + test, classes, seed)
    r = np.sqrt(draw.uniform(0, 1, len(y)))
    angle = 2 * np.pi * (r * degrees / 360 + y / classes)
    return _table(
        r[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1), y, classes, test, noise, draw
    )


def _classes(
    name: str, rows: int, classes: int, seed: int
) -> tuple[np.random.Generator, np.ndarray]:
    """What draws the points, and the class of each: as many of each as can be, in a random
    order."""
    draw = rng.host(seed, name)
    return draw, draw.permutation(np.arange(rows) % classes).astype(np.int32)


def _table(
    points: np.ndarray,
    y: np.ndarray,
    classes: int,
    test: int,
    noise: int,
    draw: np.random.Generator,
) -> Table:
    x = (points + noise / 100 * draw.normal(size=points.shape)).astype(np.float32)
    return Table(x, y, tuple(map(str, range(classes))), FEATURES, test_size=test)


for _load, _summary, _paper in (
    (
        moons,
        "points of the plane in 2 classes: two interleaved half circles",
        "Pedregosa et al. 2011, Scikit-learn: machine learning in Python",
    ),
    (
        spirals,
        "points of the plane on intertwined spirals, one class per spiral",
        "Lang & Witbrock 1988, Learning to tell two spirals apart",
    ),
):
    DATASETS.add(generated(_load, _summary, _paper))
