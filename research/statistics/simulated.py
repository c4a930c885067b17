"""Simulated values with known truth, many tables at a time, to measure what the statistics do."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
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
    signed = _two_arms(random, tables, rows)
    rank = random.random((tables, seeds, rows), np.float32).argsort(-1)
    return _accuracies(random, signed, rank < train, rank >= rows - test)


def in_folds(random: np.random.Generator, tables: int, folds: int, rows: int) -> Floats:
    """The test accuracies [tables, folds, 2] of two arms that are equally good on new rows, of one
    seed that splits each data set into folds.

    Args:
        random: numpy's generator.
        tables: number of data sets.
        folds: each tests once.
        rows: rows of a data set.
    """
    signed = _two_arms(random, tables, rows)
    rank = random.random((tables, 1, rows), np.float32).argsort(-1)
    tested = rank % folds == np.arange(folds)[:, None]
    return _accuracies(random, signed, ~tested, tested)[0]


def equal_scores(
    random: np.random.Generator, tables: int, seeds: int, rows: int, arms: int
) -> Floats:
    """Which rows of a fixed test set equally good arms have right [tables, seeds, rows, arms].

    Rows differ in how hard they are, for all arms and for each, and so do the starts of an arm.

    Args:
        random: numpy's generator.
        tables: number of test sets.
        seeds: trained models of each arm.
        rows: test rows.
        arms: number of arms.
    """
    margin = 1.5 + random.standard_normal((tables, 1, rows, 1))
    margin = margin + 0.5 * random.standard_normal((tables, 1, rows, arms))
    margin = margin + START_NOISE * random.standard_normal((tables, seeds, 1, arms))
    return (random.logistic(size=(tables, seeds, rows, arms)) < margin).astype(np.float64)


def _two_arms(random: np.random.Generator, tables: int, rows: int) -> NDArray[np.float32]:
    """The features of both arms [tables, rows, 2 FEATURES], times the sign of the class."""
    y = np.where(random.random((tables, rows)) < 0.5, np.float32(1), np.float32(-1))
    noise = random.standard_normal((tables, rows, 2 * FEATURES), np.float32)
    return np.float32(STRENGTH) + y[..., None] * noise


def _accuracies(
    random: np.random.Generator,
    signed: NDArray[np.float32],
    trains: NDArray[np.bool_],
    tests: NDArray[np.bool_],
) -> tuple[Floats, float]:
    """The test accuracies [tables, splits, 2] and the expected accuracy on new rows, of splits
    [tables, splits, rows]."""
    trained, tested = (
        part.astype(np.float32) / part.sum(-1, keepdims=True, dtype=np.float32)
        for part in (trains, tests)
    )
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
