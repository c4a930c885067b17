"""Classifiers by Bayes' rule: naive Bayes, and linear and quadratic discriminant analysis."""

import dataclasses
from typing import Annotated

import numpy as np

from research.baselines.estimator import LabelledExamples, Predict, Unfit
from research.baselines.scikit_learn import fitted
from research.options import Fraction, NonNegative
from research.registry import ARCHITECTURES, HostEstimator

Shrinkage = Annotated[
    Fraction | None, "how far a covariance is drawn to a multiple of one; none: not at all"
]


@dataclasses.dataclass(frozen=True)
class NaiveBayes:
    """Each class is a normal distribution whose features are independent.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]))
        >>> NaiveBayes(outputs=2)(train, train, seed=0)(np.array([[7.0]])).argmax(axis=1).tolist()
        [1]
    """

    outputs: int
    var_smoothing: Annotated[
        NonNegative, "the share of the largest variance that is added to all"
    ] = 1e-9

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random."""
        from sklearn.naive_bayes import GaussianNB

        return fitted(GaussianNB(var_smoothing=self.var_smoothing), train, self.outputs)


@dataclasses.dataclass(frozen=True)
class LinearDiscriminants:
    """Each class is a normal distribution; all have one covariance.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]))
        >>> predict = LinearDiscriminants(outputs=2)(train, train, seed=0)
        >>> predict(np.array([[4.0], [5.0]])).argmax(axis=1).tolist()
        [0, 1]
    """

    outputs: int
    shrinkage: Shrinkage = None

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random."""
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

        # The singular values of the inputs, which need no covariance, know no shrinkage.
        solver = "svd" if self.shrinkage is None else "lsqr"
        model = LinearDiscriminantAnalysis(solver=solver, shrinkage=self.shrinkage)
        return fitted(model, train, self.outputs)


@dataclasses.dataclass(frozen=True)
class QuadraticDiscriminants:
    """Each class is a normal distribution with a covariance of its own.

    Example:
        >>> import numpy as np
        >>> x = np.array([[0.0], [1.0], [2.0], [6.0], [8.0], [10.0]])
        >>> train = LabelledExamples(x, np.array([0, 0, 0, 1, 1, 1]))
        >>> QuadraticDiscriminants(outputs=2)(train, train, seed=0)(x).argmax(axis=1).tolist()
        [0, 0, 0, 1, 1, 1]
    """

    outputs: int
    shrinkage: Shrinkage = None

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random.

        Raises:
            Unfit: a class has no more examples than there are features, so that its covariance
                cannot be inverted.
        """
        from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

        solver = "svd" if self.shrinkage is None else "eigen"
        model = QuadraticDiscriminantAnalysis(solver=solver, shrinkage=self.shrinkage)
        try:
            return fitted(model, train, self.outputs)
        except Unfit as unfit:
            if not isinstance(unfit.__cause__, np.linalg.LinAlgError):
                raise
            cause = str(unfit).partition(".")[0]
            raise Unfit(f"{cause}; set --arch.shrinkage, as to 0.1") from None


ARCHITECTURES.add(
    HostEstimator(
        "naive_bayes",
        NaiveBayes,
        "normal distributions with independent features, by Bayes' rule",
        "Maron 1961",
        tasks=("classification",),
        weighs=True,
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "lda",
        LinearDiscriminants,
        "normal distributions with one covariance, by Bayes' rule",
        "Fisher 1936",
        tasks=("classification",),
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "qda",
        QuadraticDiscriminants,
        "normal distributions with a covariance each, by Bayes' rule",
        "Smith 1946",
        tasks=("classification",),
        # So few rows a class have a covariance of less than full rank.
        test_options={"shrinkage": 0.5},
    )
)
