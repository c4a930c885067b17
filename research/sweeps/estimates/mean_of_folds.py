"""The mean of folds: what cross-validation reports."""

import math
from collections.abc import Mapping, Sequence

from research.registry import ESTIMATES, Estimate


def mean_of_folds(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric that all folds have; each fold weighs alike, however many rows it
    tests.

    Example:
        >>> mean_of_folds([{"test/accuracy": 0.5}, {"test/accuracy": 1.0}])
        {'test/accuracy': 0.75}
    """
    common = [name for name in runs[0] if all(name in metrics for metrics in runs)]
    # Exact sums, so that the order of the folds decides no digit.
    return {name: math.fsum(metrics[name] for metrics in runs) / len(runs) for name in common}


ESTIMATES.add(
    Estimate(
        "mean_of_folds",
        lambda: mean_of_folds,
        "the mean of each metric over the folds of a seed",
        says="mean of {runs} folds",
    )
)
