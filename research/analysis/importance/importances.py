"""Importances: how much each feature matters to each run, and the interval of its mean."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from research.statistics.intervals import Interval, t_interval


@dataclasses.dataclass(frozen=True)
class Importances:
    """How much features matter to the runs of one row of a table.

    label: the row. features: F names. values: [S, F, R] of S seeds, F features and R repeats.
    """

    label: str
    features: Sequence[str]
    values: np.ndarray

    @property
    def seeds(self) -> int:
        """How many runs."""
        return self.values.shape[0]

    @property
    def repeats(self) -> int:
        """How many values a run has of each feature."""
        return self.values.shape[2]

    def intervals(self) -> list[Interval]:
        """The mean of each feature with its 95 % interval.

        Of several seeds it is over their means, which also vary by their shuffles. Of one seed it
        is over its repeats, and says nothing about other seeds.

        Example:
            >>> values = np.array([[[1.0, 3.0]], [[3.0, 5.0]]])  # means 2 and 4
            >>> [(i.mean, i.n) for i in Importances("", ["a"], values).intervals()]
            [(3.0, 2)]
        """
        values = self.values.mean(axis=2) if self.seeds > 1 else self.values[0].T
        return [t_interval(of_feature) for of_feature in values.T]

    def order(self) -> list[int]:
        """The places of the features, those that matter most first."""
        return np.argsort(-self.values.mean(axis=(0, 2)), kind="stable").tolist()
