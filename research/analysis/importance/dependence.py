"""Partial dependence: the mean prediction of rows as one feature takes other values; and the curve
of each row, its individual conditional expectation.

Reference: Friedman, Greedy Function Approximation, Annals of Statistics 2001; Goldstein et al.,
Peeking Inside the Black Box, JCGS 2015; Greenwell, Boehmke & McCarthy 2018 (arXiv 1805.04755).
"""

from typing import Any, NamedTuple

import numpy as np

from research.analysis.importance.feature_columns import FeatureColumns
from research.analysis.importance.kept_run import KeptRun

# Values of a number that are tried: quantiles of the rows.
GRID = 20


class Dependence(NamedTuple):
    """grid: the values of the feature, [G]; of a category its places. curves: predictions [G, N,
    K] of N rows."""

    feature: FeatureColumns
    grid: np.ndarray
    curves: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """The partial dependence, [G, K]."""
        return self.curves.mean(axis=1)

    @property
    def spread(self) -> float:
        """How far the feature moves the mean prediction: the standard deviation over the grid, the
        mean over the outputs."""
        return float(self.mean.std(axis=0).mean())


def dependence(run: KeptRun, feature: FeatureColumns, x: Any, among: Any) -> Dependence:
    """The predictions of rows with other values of a feature.

    Args:
        run: the run.
        feature: a number or a category.
        x: raw inputs of N rows.
        among: raw inputs of the rows whose values are tried.
    """
    ((name, places),) = feature.columns.items()
    columns = [*places]
    values = (among[name] if isinstance(among, dict) else among)[..., columns]
    tried = _values(values.reshape(-1, len(columns)))
    curves = []
    for value in tried:

        def replaced(array: np.ndarray, value: np.ndarray = value) -> np.ndarray:
            changed = np.array(array)
            changed[..., columns] = value
            return changed

        moved = {**x, name: replaced(x[name])} if isinstance(x, dict) else replaced(x)
        curves.append(run.predictions(moved))
    grid = tried[:, 0] if len(columns) == 1 else np.arange(len(tried), dtype=float)
    return Dependence(feature, grid, np.stack(curves))


def _values(values: np.ndarray) -> np.ndarray:
    """The values to be tried, [G, columns]: those that there are, or quantiles of many."""
    if values.shape[1] > 1:
        return np.eye(values.shape[1], dtype=values.dtype)
    known = values[~np.isnan(values)] if values.dtype.kind == "f" else values.ravel()
    different = np.unique(known)
    if len(different) > GRID:
        # Ends are left out: predictions beyond most rows say little.
        quantiles = np.quantile(known, np.linspace(0.05, 0.95, GRID), method="nearest")
        different = np.unique(quantiles)
    return different[:, None]
