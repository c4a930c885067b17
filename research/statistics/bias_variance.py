"""Bias and variance of predictions over training sets, with no noise term: targets are taken as
they are.

Rows may have other numbers of predictions, as the rows outside of bootstrap samples have. A row
with fewer than two says nothing about variance and is left out.
"""

import numpy as np

from research.statistics.floats import Floats

PARTS = ("bias", "variance", "net_variance")


def of_squares(predictions: Floats, row: np.ndarray, targets: Floats) -> dict[str, float]:
    """The mean squared error of the models as squared bias and variance; NaN without a row.

    Args:
        predictions: of all models, [M].
        row: the index of each one's row, int [M].
        targets: of the rows, [R].

    Returns:
        `bias`, the mean squared distance of the mean prediction from the target, and `variance`,
        about it; `net_variance` is the same, since squares add up.

    Example:
        >>> of_squares(np.array([1.0, 3.0]), np.array([0, 0]), np.array([5.0]))
        {'bias': 9.0, 'variance': 1.0, 'net_variance': 1.0}
    """
    counts = np.bincount(row, minlength=len(targets))
    several = counts > 1
    size = np.maximum(counts, 1)
    mean = np.bincount(row, predictions, len(targets)) / size
    spread = np.bincount(row, (predictions - mean[row]) ** 2, len(targets)) / size
    variance = _mean(spread[several])
    return {
        "bias": _mean((mean - targets)[several] ** 2),
        "variance": variance,
        "net_variance": variance,
    }


def of_classes(
    predictions: np.ndarray, row: np.ndarray, targets: np.ndarray, classes: int
) -> dict[str, float]:
    """The mean 0/1 loss of the models by Domingos (2000); NaN without a row.

    Args:
        predictions: classes of all models, int [M].
        row: the index of each one's row, int [M].
        targets: classes of the rows, int [R].
        classes: their number.

    Returns:
        `bias`, the share of rows whose main prediction (the most frequent, the first of equal ones)
        is wrong; `variance`, the share of predictions that differ from it; `net_variance`, what
        they add to the loss: differing is harmful where the main prediction is right, and helps
        where it is wrong and the other is right. The loss is bias + net_variance.

    Example:
        >>> predictions, row = np.array([0, 0, 1, 0, 0, 1]), np.array([0, 0, 0, 1, 1, 1])
        >>> parts = of_classes(predictions, row, np.array([0, 1]), 2)  # wrong in 1/3 and in 2/3
        >>> {name: round(value, 3) for name, value in parts.items()}
        {'bias': 0.5, 'variance': 0.333, 'net_variance': 0.0}
    """
    votes = np.zeros((len(targets), classes))
    np.add.at(votes, (row, predictions), 1)
    counts = votes.sum(axis=1)
    several = counts > 1
    shares = votes[several] / counts[several, None]
    main = shares.argmax(axis=1)
    index = np.arange(len(main))
    right = shares[index, targets[several]]
    is_wrong = main != targets[several]
    bias = _mean(is_wrong.astype(float))
    return {
        "bias": bias,
        "variance": _mean(1 - shares[index, main]),
        "net_variance": _mean(1 - right - is_wrong),
    }


def _mean(values: Floats) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
