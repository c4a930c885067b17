"""Linear models that are solved to the optimum: logistic, ridge, lasso and elastic net."""

import dataclasses
from typing import Annotated

from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import CLASSIFICATION, fitted
from research.options import Count, Fraction, NonNegative, Positive
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class Logistic:
    """Multinomial logistic regression.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]))
        >>> predict = Logistic(outputs=2)(train, train, seed=0)
        >>> predict(np.array([[4.0], [5.0]])).argmax(axis=1).tolist()
        [0, 1]
    """

    outputs: int
    C: Annotated[Positive, "the inverse of the penalty's strength"] = 1.0
    l1_ratio: Annotated[Fraction, "the share of the L1 norm in the penalty; the rest is L2"] = 0.0
    max_iter: Annotated[Count, "the most iterations of the solver"] = 1000

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Only the solver of an L1 norm draws rows at random."""
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(
            C=self.C,
            l1_ratio=self.l1_ratio,
            max_iter=self.max_iter,
            # The other solver, quasi-Newton, takes smooth penalties only.
            solver="saga" if self.l1_ratio else "lbfgs",
            random_state=seed,
        )
        return fitted(model, train, self.outputs)


@dataclasses.dataclass(frozen=True)
class Ridge:
    """Least squares with an L2 penalty; of classes, on targets of -1 and 1.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[-1.0], [1.0]]), np.array([-1.0, 1.0]))
        >>> predict = Ridge(outputs=1, task="regression", alpha=2.0)(train, train, seed=0)
        >>> predict(np.array([[1.0]])).round(2).tolist()  # 2 / (2 + alpha)
        [[0.5]]
    """

    outputs: int
    task: str
    alpha: Annotated[NonNegative, "the penalty's strength, beside a sum of squares"] = 1.0

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random."""
        from sklearn import linear_model

        regression = linear_model.Ridge
        kind = linear_model.RidgeClassifier if self.task == CLASSIFICATION else regression
        return fitted(kind(alpha=self.alpha), train, self.outputs)


@dataclasses.dataclass(frozen=True)
class ElasticNet:
    """Least squares with a penalty of both norms.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[-1.0], [1.0]]), np.array([-1.0, 1.0]))
        >>> predict = ElasticNet(outputs=1, alpha=0.25, l1_ratio=1.0)(train, train, seed=0)
        >>> predict(np.array([[1.0]])).round(2).tolist()  # shrunk by alpha
        [[0.75]]
    """

    outputs: int
    alpha: Annotated[Positive, "the penalty's strength, beside half a mean of squares"] = 1.0
    l1_ratio: Annotated[Fraction, "the share of the L1 norm in the penalty; the rest is L2"] = 0.5
    max_iter: Annotated[Count, "the most iterations of the solver"] = 10_000

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random."""
        from sklearn import linear_model

        model = linear_model.ElasticNet(
            alpha=self.alpha, l1_ratio=self.l1_ratio, max_iter=self.max_iter
        )
        return fitted(model, train, self.outputs)


@dataclasses.dataclass(frozen=True)
class Lasso:
    """Least squares with an L1 penalty.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[-1.0], [1.0]]), np.array([-1.0, 1.0]))
        >>> predict = Lasso(outputs=1, alpha=0.25)(train, train, seed=0)
        >>> predict(np.array([[1.0]])).round(2).tolist()  # shrunk by alpha
        [[0.75]]
    """

    outputs: int
    alpha: Annotated[Positive, "the penalty's strength, beside half a mean of squares"] = 1.0
    max_iter: Annotated[Count, "the most iterations of the solver"] = 10_000

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random."""
        from sklearn import linear_model

        model = linear_model.Lasso(alpha=self.alpha, max_iter=self.max_iter)
        return fitted(model, train, self.outputs)


ARCHITECTURES.add(
    HostEstimator(
        "logistic",
        Logistic,
        "logistic regression, solved to the optimum",
        "Cox 1958",
        tasks=("classification",),
        weighs=True,
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "ridge",
        Ridge,
        "least squares with an L2 penalty, solved",
        "Hoerl & Kennard 1970",
        needs_facts=("task",),
        weighs=True,
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "lasso",
        Lasso,
        "least squares with an L1 penalty, solved",
        "Tibshirani 1996",
        tasks=("regression",),
        weighs=True,
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "elastic_net",
        ElasticNet,
        "least squares with a penalty of both norms, solved",
        "Zou & Hastie 2005",
        tasks=("regression",),
        weighs=True,
    )
)
