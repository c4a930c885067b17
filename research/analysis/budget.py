"""What a search of another size would have found, from the values that this one found."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from research.sweeps.column import Better


def best_of(values: Sequence[float], better: Better) -> NDArray[np.float64]:
    """The expected best of k of these n values drawn without replacement, for k = 1 ... n, [n].

    Of n values in the order of their rank, worst first, the i-th is the best of k in C(i-1, k-1) of
    C(n, k) draws: `best_of([1, 2, 4], "higher")` is [7/3, 10/3, 4]. A value that is not finite is
    as bad as the worst that is. Dodge et al. 2019, Show your work: improved reporting of
    experimental results.
    """
    sign = 1.0 if better == "higher" else -1.0
    # With the sign, the best is always the largest.
    ranked = np.sort(sign * np.asarray(values, float))
    finite = np.isfinite(ranked)
    if not finite.any():
        raise ValueError("no value is finite")
    # A diverged trial used up its budget, so it stays in the count as the worst value.
    ranked = np.sort(np.where(finite, ranked, ranked[finite].min()))
    n = ranked.size
    # Binomials overflow floats from about n = 1000; their logarithms do not.
    logarithms = np.array([math.lgamma(i + 1) for i in range(n + 1)])  # log i!
    expected = np.empty(n)
    for k in range(1, n + 1):
        i = np.arange(k, n + 1)
        chances = np.exp(
            logarithms[i - 1] - logarithms[i - k] - logarithms[k - 1]
            - (logarithms[n] - logarithms[n - k] - logarithms[k])
        )  # fmt: skip
        expected[k - 1] = chances @ ranked[k - 1 :]
    return sign * expected
