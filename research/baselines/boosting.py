"""Boosted trees of scikit-learn: AdaBoost of stumps, gradient boosting, and by histograms."""

import dataclasses
from collections.abc import Iterator
from typing import Annotated

import numpy as np

from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import CLASSIFICATION, flat
from research.baselines.stages import Patience, StagedPredictor, fitted_in_stages
from research.config import RunConfig
from research.data.features.table_columns import TableColumns
from research.data.spec import DataSpec
from research.options import Count, NonNegative, Positive, Share
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class MedianPredictor(StagedPredictor):
    """AdaBoost.R2 as a function [M, ...] -> values [M, 1]: the weighted median of its trees.

    The library's own stages predict by the first tree T times, by the second T - 1 times, ...
    """

    def stages(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """The weighted median [M, 1] of the trees so far, after each of them."""
        inputs = flat(x)
        values = np.stack([tree.predict(inputs) for tree in self.model.estimators_], axis=1)
        ascending = np.argsort(values, axis=1)
        ordered = np.take_along_axis(values, ascending, axis=1)
        weights = self.model.estimator_weights_[ascending]
        for count in range(1, values.shape[1] + 1):
            # Trees to come weigh nothing.
            shares = np.cumsum(np.where(ascending < count, weights, 0), axis=1)
            median = (shares >= shares[:, -1:] / 2).argmax(axis=1)
            yield ordered[np.arange(len(ordered)), median].reshape(-1, 1)


@dataclasses.dataclass(frozen=True)
class AdaBoost:
    """Trees that each weigh the mistakes of those before: SAMME, or AdaBoost.R2 for numbers.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]))
        >>> predict = AdaBoost(outputs=2, task="classification")(train, train, seed=0)
        >>> predict(np.array([[0.0], [9.0]])).argmax(axis=1).tolist()
        [0, 1]
    """

    outputs: int
    task: str
    n_estimators: Annotated[Count, "the most trees"] = 50
    learning_rate: Annotated[Positive, "what each tree's vote is multiplied with"] = 1.0
    max_depth: Annotated[Count, "questions to a leaf; 1: stumps"] = 1
    early_stopping_rounds: Patience = None

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Features that split equally well are drawn; so are rows for numbers."""
        from sklearn import ensemble, tree

        if self.task == CLASSIFICATION:
            kind, base = ensemble.AdaBoostClassifier, tree.DecisionTreeClassifier
            predictor = StagedPredictor
        else:
            kind, base = ensemble.AdaBoostRegressor, tree.DecisionTreeRegressor
            predictor = MedianPredictor
        model = kind(
            base(max_depth=self.max_depth),
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            random_state=seed,
        )
        return fitted_in_stages(
            predictor(model, self.outputs), train, validation, self.early_stopping_rounds
        )


@dataclasses.dataclass(frozen=True)
class GradientBoosting:
    """Trees that are each fitted to the gradient of the loss of those before.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0]]), np.array([0.0, 2.0]))
        >>> predict = GradientBoosting(outputs=1, task="regression", n_estimators=1)(
        ...     train, train, seed=0
        ... )
        >>> predict(train.x).round(2).tolist()  # the mean, and a tenth of what is left
        [[0.9], [1.1]]
    """

    outputs: int
    task: str
    n_estimators: Annotated[Count, "trees, a class each"] = 100
    learning_rate: Annotated[Positive, "what each tree is multiplied with"] = 0.1
    max_depth: Annotated[Count, "the most questions to a leaf"] = 3
    min_samples_leaf: Annotated[Count, "the fewest examples in a leaf"] = 1
    subsample: Annotated[Share, "the share of the rows that each tree sees"] = 1.0
    early_stopping_rounds: Patience = None

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Features that split equally well, and rows, are drawn."""
        from sklearn import ensemble

        classes, numbers = ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor
        kind = classes if self.task == CLASSIFICATION else numbers
        model = kind(
            n_estimators=self.n_estimators,
            learning_rate=self.learning_rate,
            max_depth=self.max_depth,
            min_samples_leaf=self.min_samples_leaf,
            subsample=self.subsample,
            random_state=seed,
        )
        return fitted_in_stages(
            StagedPredictor(model, self.outputs), train, validation, self.early_stopping_rounds
        )


# Its bins are bytes, and one of them is for missing values.
MOST_CATEGORIES = 255


def _few_categories(config: RunConfig, spec: DataSpec) -> str | None:
    """No column has more than 255 categories."""
    if not isinstance(spec.inputs, TableColumns):
        return None
    for column in spec.inputs.coded_columns:
        count = spec.inputs.categories[column]
        if count > MOST_CATEGORIES:
            name = spec.inputs.column(int(spec.inputs.starts[column]))
            return (
                f"arch=histogram_boosting takes at most {MOST_CATEGORIES} categories per column,"
                f" and {name} has {count}; use lightgbm"
            )
    return None


@dataclasses.dataclass(frozen=True)
class HistogramBoosting:
    """Gradient boosting whose trees split between at most 255 values of a feature.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0]]), np.array([0.0, 2.0]))
        >>> predict = HistogramBoosting(
        ...     outputs=1, task="regression", max_iter=1, min_samples_leaf=1
        ... )(train, train, seed=0)
        >>> predict(train.x).round(2).tolist()  # the mean, and a tenth of what is left
        [[0.9], [1.1]]
    """

    outputs: int
    task: str
    max_iter: Annotated[Count, "trees, a class each"] = 100
    learning_rate: Annotated[Positive, "what each tree is multiplied with"] = 0.1
    max_leaf_nodes: Annotated[Count, "the most leaves of a tree"] = 31
    min_samples_leaf: Annotated[Count, "the fewest examples in a leaf"] = 20
    l2_regularization: Annotated[NonNegative, "an L2 penalty of the leaves' values"] = 0.0
    early_stopping_rounds: Patience = None

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random below 200,000 rows; above, those that bins are from."""
        from sklearn import ensemble

        classes = ensemble.HistGradientBoostingClassifier
        numbers = ensemble.HistGradientBoostingRegressor
        kind = classes if self.task == CLASSIFICATION else numbers
        model = kind(
            max_iter=self.max_iter,
            learning_rate=self.learning_rate,
            max_leaf_nodes=self.max_leaf_nodes,
            min_samples_leaf=self.min_samples_leaf,
            l2_regularization=self.l2_regularization,
            # It would set rows aside for itself; ours are the validation rows of the split.
            early_stopping=False,
            categorical_features=list(train.categories) or None,
            random_state=seed,
        )
        return fitted_in_stages(
            StagedPredictor(model, self.outputs), train, validation, self.early_stopping_rounds
        )


ARCHITECTURES.add(
    HostEstimator(
        "adaboost_trees",
        AdaBoost,
        "trees that weigh the mistakes of those before",
        "Freund & Schapire 1997; Hastie et al. 2009",
        needs_facts=("task",),
        weighs=True,
        test_options={"n_estimators": 4},
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "gradient_boosting",
        GradientBoosting,
        "trees that follow the gradient of the loss",
        "Friedman 2001",
        needs_facts=("task",),
        weighs=True,
        test_options={"n_estimators": 4},
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "histogram_boosting",
        HistogramBoosting,
        "gradient boosting of trees on binned features",
        "Ke et al. 2017",
        needs_facts=("task",),
        weighs=True,
        categories=True,
        version=2,
        constraints=(_few_categories,),
        test_options={"max_iter": 4, "min_samples_leaf": 2},
    )
)
