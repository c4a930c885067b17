"""Simulated values with known truth, many tables at a time, to measure what the statistics do."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import special

from research.statistics.floats import Floats

Law = Callable[[np.random.Generator, tuple[int, ...]], Floats]

# The strength of a feature, and the noise of the start of training, which make the simulated
# learners about as good and as variable as small networks on small tables.
STRENGTH = 0.45
START_NOISE = 0.3
FEATURES = 5


def _collapsing(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    good = random.normal(0.97, 0.005, shape)
    return np.where(random.random(shape) < 0.1, random.uniform(0.3, 0.6, shape), good)


# Values of one arm over seeds, with their expected value.
LAWS: Mapping[str, tuple[Law, float]] = {
    "normal": (lambda random, shape: random.normal(0, 1, shape), 0.0),
    "heavy": (lambda random, shape: random.standard_t(3, shape), 0.0),
    "binomial": (lambda random, shape: random.binomial(100, 0.9, shape) / 100, 0.9),
    "skewed": (lambda random, shape: random.exponential(1, shape), 1.0),
    "very skewed": (lambda random, shape: random.lognormal(0, 1, shape), float(np.exp(0.5))),
    "collapsing": (_collapsing, 0.9 * 0.97 + 0.1 * 0.45),
}


def resplit(
    random: np.random.Generator, tables: int, seeds: int, rows: int, train: int, test: int
) -> tuple[Floats, float]:
    """Two arms that are equally good on new rows, on data sets that each seed splits by itself.

    Each arm is the nearest-centroid rule on features of its own, so its accuracy on the population
    is known exactly.

    Args:
        random: numpy's generator.
        tables: number of data sets.
        seeds: splits of each.
        rows: rows of a data set.
        train: rows to train on.
        test: rows to test on.

    Returns:
        The test accuracies [tables, seeds, 2], and the expected accuracy on new rows.
    """
    y = np.where(random.random((tables, rows)) < 0.5, np.float32(1), np.float32(-1))
    noise = random.standard_normal((tables, rows, 2 * FEATURES), np.float32)
    signed = np.float32(STRENGTH) + y[..., None] * noise
    rank = random.random((tables, seeds, rows), np.float32).argsort(-1)
    trained = (rank < train).astype(np.float32) / train
    tested = (rank >= rows - test).astype(np.float32) / test
    values = []
    truths = []
    for arm in np.split(signed, 2, axis=-1):
        weights = _start(random, trained @ arm)
        right = weights @ np.swapaxes(arm, -1, -2) > 0
        values.append((right * tested).sum(-1))
        truths.append(population_accuracy(weights))
    return np.stack(values, -1).astype(np.float64), float(np.mean(truths))


def fixed_test(
    random: np.random.Generator, tables: int, seeds: int, train: int, test: int
) -> tuple[Floats, Floats]:
    """One training set and one test set per table; seeds differ only in their start.

    Args:
        random: numpy's generator.
        tables: number of data sets.
        seeds: trained models of each.
        train: rows to train on.
        test: rows to test on.

    Returns:
        Which test rows are right [tables, seeds, test], and the accuracy of the trained models on
        new rows [tables].
    """
    shape = (tables, train, FEATURES)
    centroid = STRENGTH + random.standard_normal(shape).mean(-2, keepdims=True)
    rows = STRENGTH + random.standard_normal((tables, test, FEATURES))
    weights = _start(random, np.repeat(centroid, seeds, -2))
    right = weights @ np.swapaxes(rows, -1, -2) > 0
    many = _start(random, np.repeat(centroid, 200, -2))
    return right.astype(np.float64), population_accuracy(many).mean(-1)


def population_accuracy(weights: Floats) -> Floats:
    """The accuracy on all new rows of linear rules [..., FEATURES]."""
    return special.ndtr(STRENGTH * weights.sum(-1) / np.linalg.norm(weights, axis=-1))


def _start(random: np.random.Generator, centroids: Floats) -> Floats:
    return centroids + START_NOISE * STRENGTH * random.standard_normal(centroids.shape)
