"""Support vector machines, linear and with kernels."""

import dataclasses
from typing import Annotated, Any, Literal

from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import CLASSIFICATION, fitted
from research.options import Count, NonNegative, Positive
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class LinearSupportVectors:
    """A linear map with the largest margin, one class against the rest.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [8.0], [9.0]]), np.array([0, 0, 1, 1]))
        >>> predict = LinearSupportVectors(outputs=2, task="classification")(train, train, seed=0)
        >>> predict(np.array([[1.0], [8.0]])).argmax(axis=1).tolist()
        [0, 1]
    """

    outputs: int
    task: str
    C: Annotated[Positive, "the inverse of the penalty's strength"] = 1.0
    max_iter: Annotated[Count, "the most iterations of the solver"] = 10_000

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. The solver visits the rows in a random order."""
        from sklearn.svm import LinearSVC, LinearSVR

        options: dict[str, Any] = {"C": self.C, "max_iter": self.max_iter, "random_state": seed}
        if self.task == CLASSIFICATION:
            return fitted(LinearSVC(**options), train, self.outputs)
        return fitted(of_standard_targets(LinearSVR(**options)), train, self.outputs)


@dataclasses.dataclass(frozen=True)
class SupportVectors:
    """The largest margin in the space of a kernel, one class against one.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [5.0], [9.0]]), np.array([0, 1, 0]))
        >>> predict = SupportVectors(outputs=2, task="classification", C=10)(train, train, seed=0)
        >>> predict(np.array([[0.0], [5.0], [9.0]])).argmax(axis=1).tolist()
        [0, 1, 0]
    """

    outputs: int
    task: str
    C: Annotated[Positive, "the inverse of the penalty's strength"] = 1.0
    kernel: Annotated[Literal["rbf", "poly", "sigmoid", "linear"], "the kernel"] = "rbf"
    gamma: Annotated[
        Positive | None, "the kernel's factor; none: 1 / (features * variance of the inputs)"
    ] = None
    degree: Annotated[Count, "of kernel=poly"] = 3
    epsilon: Annotated[
        NonNegative, "errors below it cost nothing, in standard deviations of the targets"
    ] = 0.1

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random."""
        from sklearn.svm import SVC, SVR

        options: dict[str, Any] = {
            "C": self.C,
            "kernel": self.kernel,
            "gamma": "scale" if self.gamma is None else self.gamma,
            "degree": self.degree,
        }
        if self.task == CLASSIFICATION:
            # With ties broken by the decision function, the largest score is what SVC predicts.
            return fitted(SVC(**options, break_ties=True), train, self.outputs)
        model = of_standard_targets(SVR(**options, epsilon=self.epsilon))
        return fitted(model, train, self.outputs)


def of_standard_targets(regression: Any) -> Any:
    """A regression of targets with mean 0 and variance 1, whose predictions are in the data's
    units. The penalty and epsilon then mean the same in all units."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    return TransformedTargetRegressor(regression, transformer=StandardScaler())


ARCHITECTURES.add(
    HostEstimator(
        "linear_svm",
        LinearSupportVectors,
        "a linear map with the largest margin",
        "Cortes & Vapnik 1995",
        needs_facts=("task",),
        weighs=True,
    )
)
ARCHITECTURES.add(
    HostEstimator(
        "svm",
        SupportVectors,
        "the largest margin in the space of a kernel",
        "Boser et al. 1992; Cortes & Vapnik 1995",
        needs_facts=("task",),
        weighs=True,
    )
)
