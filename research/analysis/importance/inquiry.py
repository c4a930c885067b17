"""Inquiry: what is asked of runs; Explanation: what a method answers."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from research.analysis.importance.feature_columns import FeatureColumns, correlated, features_of
from research.analysis.importance.importances import Importances
from research.analysis.importance.kept_run import KeptRun
from research.sweeps.column import Column

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclasses.dataclass(frozen=True)
class Inquiry:
    """What is asked.

    part: whose rows are predicted. metric: of permutations; None: the task's main one. repeats:
    shuffles of each feature, or rounds of sampled orders. rows: the most rows that methods look at
    which explain one row after another. correlated: features of at least this rank correlation
    stay together; None: none do.
    """

    part: str = "test"
    metric: str | None = None
    repeats: int = 30
    rows: int = 100
    correlated: float | None = None

    def features(self, run: KeptRun) -> list[FeatureColumns]:
        """The features that are asked about."""
        features = features_of(run.raw)
        if self.correlated is None:
            return features
        return correlated(features, run.inputs(run.rows("train")), self.correlated)

    def some(self, run: KeptRun, part: str, most: int | None = None) -> np.ndarray:
        """Rows of a part, at most so many, drawn by the run's seed and in their order.

        Args:
            run: the run.
            part: train, validation or test.
            most: how many; None: `rows`.
        """
        rows = run.rows(part)
        most = self.rows if most is None else most
        if len(rows) <= most:
            return rows
        return np.sort(np.random.default_rng(run.seed).choice(rows, most, replace=False))


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What a method says of the runs of one row of a table.

    importances: None of images, which are explained by figures alone. quantity: what its numbers
    are, and metric: as which they are printed. remark: how they were computed, as a sentence.
    figures: by name, functions that draw them.
    """

    importances: Importances | None
    quantity: str
    remark: str
    metric: str = ""
    figures: Sequence[tuple[str, Callable[[], "Figure"]]] = ()


Method = Callable[[str, Sequence[KeptRun], Inquiry], Explanation]


def worsening(metric: str, lower_is_better: bool) -> str:
    """What the numbers of a method are that makes a metric worse: `fall of accuracy (points)`."""
    points = " (points)" if Column("", metric).in_percent else ""
    return f"{'rise' if lower_is_better else 'fall'} of {metric}{points}"
