"""Nearest neighbours: the examples that are closest vote."""

import dataclasses
from typing import Annotated, Literal

from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import CLASSIFICATION, fitted
from research.options import Count
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class NearestNeighbors:
    """The share of each class among the nearest training examples, or the mean of their targets.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1]))
        >>> predict = NearestNeighbors(outputs=2, task="classification", n_neighbors=1)(
        ...     train, train, seed=0
        ... )
        >>> predict(np.array([[8.0]])).argmax(axis=1).tolist()
        [1]
    """

    outputs: int
    task: str
    n_neighbors: Annotated[Count, "the neighbours that vote"] = 5
    weights: Annotated[
        Literal["uniform", "distance"], "distance: a neighbour counts by 1 / its distance"
    ] = "uniform"
    p: Annotated[Count, "1: sums of absolute differences; 2: Euclidean distance"] = 2

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random. Fewer examples than neighbours vote together."""
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        kind = KNeighborsClassifier if self.task == CLASSIFICATION else KNeighborsRegressor
        count = min(self.n_neighbors, len(train.y))
        model = kind(n_neighbors=count, weights=self.weights, p=self.p)
        return fitted(model, train, self.outputs)


ARCHITECTURES.add(
    HostEstimator(
        "nearest_neighbors",
        NearestNeighbors,
        "the nearest training examples vote",
        "Fix & Hodges 1951",
        needs_facts=("task",),
        test_options={"n_neighbors": 3},
    )
)
