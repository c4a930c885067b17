"""Decision trees, and forests of them."""

import dataclasses
from typing import Annotated, Any

from research.baselines.cores import threads
from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import CLASSIFICATION, Predictor, fitted
from research.options import Count, Fraction, NonNegative
from research.registry import ARCHITECTURES, HostEstimator

Depth = Annotated[Count | None, "the most questions to a leaf; none: until leaves are pure"]
Leaf = Annotated[Count, "the fewest examples in a leaf"]


@dataclasses.dataclass(frozen=True)
class DecisionTree:
    """Splits the examples by one feature at a time.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]))
        >>> predict = DecisionTree(outputs=2, task="classification")(train, train, seed=0)
        >>> predict(np.array([[4.0], [5.0]])).argmax(axis=1).tolist()  # it asks: above 4.5?
        [0, 1]
    """

    outputs: int
    task: str
    max_depth: Depth = None
    min_samples_leaf: Leaf = 1
    ccp_alpha: Annotated[NonNegative, "prunes branches that gain less than this"] = 0.0

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Features that split equally well are drawn."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        kind = DecisionTreeClassifier if self.task == CLASSIFICATION else DecisionTreeRegressor
        model = kind(
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            ccp_alpha=self.ccp_alpha,
            random_state=seed,
        )
        return fitted(model, train, self.outputs)


@dataclasses.dataclass(frozen=True)
class _Forest:
    """The settings of both forests."""

    outputs: int
    task: str
    n_estimators: Annotated[Count, "trees"] = 100
    max_depth: Depth = None
    min_samples_leaf: Leaf = 1
    max_features: Annotated[
        Fraction | None,
        "the share of the features that each split may use; none: the square root of their number"
        " for classes, all for numbers",
    ] = None

    def _fitted(self, kind: Any, train: LabelledExamples, seed: int) -> Predictor:
        default = "sqrt" if self.task == CLASSIFICATION else 1.0
        model = kind(
            n_estimators=self.n_estimators,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            max_features=default if self.max_features is None else self.max_features,
            random_state=seed,
            n_jobs=threads(train.x.size),
        )
        predictor = fitted(model, train, self.outputs)
        # Threads would add the trees' shares in the order in which they end, and the order changes
        # the last bits of the sum.
        model.n_jobs = 1
        return predictor


@dataclasses.dataclass(frozen=True)
class RandomForest(_Forest):
    """The mean of trees, each of a bootstrap of the rows; each split sees some features.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]))
        >>> predict = RandomForest(outputs=2, task="classification", n_estimators=20)(
        ...     train, train, seed=0
        ... )
        >>> predict(np.array([[0.0], [9.0]])).argmax(axis=1).tolist()
        [0, 1]
    """

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Rows and features are drawn."""
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        classes = self.task == CLASSIFICATION
        kind = RandomForestClassifier if classes else RandomForestRegressor
        return self._fitted(kind, train, seed)


@dataclasses.dataclass(frozen=True)
class ExtraTrees(_Forest):
    """The mean of trees of all rows, whose thresholds are drawn.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]))
        >>> predict = ExtraTrees(outputs=2, task="classification", n_estimators=20)(
        ...     train, train, seed=0
        ... )
        >>> predict(np.array([[0.0], [9.0]])).argmax(axis=1).tolist()
        [0, 1]
    """

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Features and thresholds are drawn."""
        from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

        classes = self.task == CLASSIFICATION
        kind = ExtraTreesClassifier if classes else ExtraTreesRegressor
        return self._fitted(kind, train, seed)


ARCHITECTURES.add(
    HostEstimator(
        "decision_tree",
        DecisionTree,
        "a tree of questions about one feature each",
        "Breiman et al. 1984",
        needs_facts=("task",),
        weighs=True,
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "random_forest",
        RandomForest,
        "the mean of trees of bootstrapped rows and drawn features",
        "Breiman 2001",
        needs_facts=("task",),
        weighs=True,
        test_options={"n_estimators": 4},
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "extra_trees",
        ExtraTrees,
        "the mean of trees with drawn thresholds",
        "Geurts et al. 2006",
        needs_facts=("task",),
        weighs=True,
        test_options={"n_estimators": 4},
    )
)
