"""Shapley values: a prediction as a sum over features, each with its mean contribution over all
orders in which features become known.

A feature that is not known has the values of background rows (the interventional game). The values
of a row add up to its prediction less the mean prediction of the background.

Reference: Strumbelj & Kononenko, Knowledge and Information Systems 2014; Lundberg & Lee, NeurIPS
2017.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from research.data.features.named_arrays import take
from research.statistics.intervals import t_quantile

# Up to so many features all 2^F sets of known ones are predicted, so that nothing is sampled.
EXACT_UP_TO = 10

# Raw inputs [M, ...] -> predictions float64 [M, K].
Predictions = Callable[[Any], np.ndarray]


class ShapleyValues(NamedTuple):
    """values: [N, F, K], of N rows, F features and K outputs. half_width: of their 95 % intervals,
    [N, F, K]: 0 where nothing was sampled. expected: the mean prediction of the background, [K].

    predicted: of the rows, [N, K].
    """

    values: np.ndarray
    half_width: np.ndarray
    expected: np.ndarray
    predicted: np.ndarray


def shapley(
    predict: Predictions, x: Any, background: Any, masks: Any, rounds: int, seed: int
) -> ShapleyValues:
    """The Shapley values of rows: exact for few features, else sampled.

    Args:
        predict: the model.
        x: raw inputs of N rows, an array or a dict of arrays.
        background: those of B rows, whose values stand for unknown features.
        masks: which columns each feature has, as `masks_of` returns them.
        rounds: when sampled, how many orders each background row is used with, and their reverses.
        seed: of the orders.

    Example:
        >>> x, background = np.array([[3.0, 5.0]]), np.array([[1.0, 1.0], [1.0, 3.0]])
        >>> linear = lambda x: x @ np.array([[2.0], [1.0]])
        >>> shapley(linear, x, background, np.eye(2, dtype=bool), 1, 0).values[0, :, 0].tolist()
        [4.0, 3.0]
    """
    features = len(jax.tree.leaves(masks)[0])
    rows = len(jax.tree.leaves(x)[0])
    sets, orders = _all_sets(features), None
    of_rows = []
    for row in range(rows):
        one = take(x, np.array([row]))
        if features <= EXACT_UP_TO:
            worth = _worth(predict, one, background, masks, sets)
            values = np.tensordot(_weights(sets), worth, axes=1)
            of_rows.append((values, np.zeros_like(values)))
        else:
            draw = np.random.default_rng([seed, row])
            orders = _orders(draw, features, rounds * len(jax.tree.leaves(background)[0]))
            of_rows.append(_sampled(predict, one, background, masks, orders))
    values, half_width = (np.stack(part) for part in zip(*of_rows, strict=True))
    return ShapleyValues(values, half_width, predict(background).mean(axis=0), predict(x))


def _all_sets(features: int) -> np.ndarray:
    """Every set of known features, bool [2^F, F], in binary order; none where they are sampled."""
    if features > EXACT_UP_TO:
        return np.zeros((0, features), bool)
    return np.array([*itertools.product([False, True], repeat=features)])


def _weights(sets: np.ndarray) -> np.ndarray:
    """The weights [F, 2^F] by which the worth of each set enters each feature's value."""
    features = sets.shape[1]
    size = sets.sum(axis=1)
    share = [1 / (features * math.comb(features - 1, k)) for k in range(features)]
    # v(S with f) counts by the size of S without f, v(S without f) against it.
    gains = np.array([share[max(k - 1, 0)] for k in size])
    losses = np.array([share[min(k, features - 1)] for k in size])
    return np.where(sets, gains[:, None], -losses[:, None]).T


def _worth(
    predict: Predictions, one: Any, background: Any, masks: Any, sets: np.ndarray
) -> np.ndarray:
    """The mean prediction [C, K] of a row if only some of its features are known.

    Args:
        predict: the model.
        one: the row, [1, ...].
        background: B rows.
        masks: which columns each feature has.
        sets: which features are known, bool [C, F].
    """

    def mixed(value: np.ndarray, others: np.ndarray, mask: np.ndarray) -> np.ndarray:
        known = sets @ mask  # bool [C, D]
        known = known.reshape(len(sets), 1, *(1,) * (value.ndim - 2), known.shape[-1])
        joined = np.where(known, value[None], others[None])
        return joined.reshape(-1, *value.shape[1:])

    predicted = predict(jax.tree.map(mixed, one, background, masks))
    return predicted.reshape(len(sets), -1, predicted.shape[-1]).mean(axis=1)


def _orders(draw: np.random.Generator, features: int, count: int) -> np.ndarray:
    """Random orders of the features, each followed by its reverse, int [2 count, F]."""
    orders = draw.permuted(np.tile(np.arange(features), (count, 1)), axis=1)
    # What an order overstates, its reverse understates.
    return np.stack([orders, orders[:, ::-1]], axis=1).reshape(-1, features)


def _sampled(
    predict: Predictions, one: Any, background: Any, masks: Any, orders: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(values, half-widths) [F, K] of a row from sampled orders.

    Args:
        predict: the model.
        one: the row, [1, ...].
        background: B rows, used in turn, a pair of orders each.
        masks: which columns each feature has.
        orders: int [M, F], in pairs.
    """
    count, features = orders.shape
    # Of each order the sets of its first 0, 1, ... F features, bool [M, F + 1, F].
    rank = np.argsort(orders, axis=1)
    sets = np.arange(features + 1)[:, None] > rank[:, None, :]
    size = len(jax.tree.leaves(background)[0])
    rows = np.arange(count) // 2 % size

    def mixed(value: np.ndarray, others: np.ndarray, mask: np.ndarray) -> np.ndarray:
        known = sets @ mask
        known = known.reshape(*known.shape[:2], *(1,) * (value.ndim - 2), known.shape[-1])
        joined = np.where(known, value[None], others[rows][:, None])
        return joined.reshape(-1, *value.shape[1:])

    predicted = predict(jax.tree.map(mixed, one, background, masks))
    steps = np.diff(predicted.reshape(count, features + 1, -1), axis=1)
    # Back from the order's places to the features; a pair of orders is one sample.
    pairs = np.take_along_axis(steps, rank[..., None], axis=1).reshape(count // 2, 2, features, -1)
    samples = pairs.mean(axis=1)
    error = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return samples.mean(axis=0), t_quantile(len(samples) - 1) * error
