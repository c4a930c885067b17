"""Gaussian processes: a distribution over functions, conditioned on the training examples."""

import dataclasses
from typing import Annotated

from research.baselines.estimator import LabelledExamples, Predict
from research.baselines.scikit_learn import CLASSIFICATION, fitted
from research.options import NonNegative, Positive
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class GaussianProcess:
    """A Gaussian process with a squared-exponential kernel, whose length is fitted.

    Numbers have noise too, whose variance is fitted beside it. Time grows by the cube of the rows.

    Example:
        >>> import numpy as np
        >>> train = LabelledExamples(np.array([[0.0], [1.0], [2.0]]), np.array([0.0, 1.0, 4.0]))
        >>> predict = GaussianProcess(outputs=1, task="regression", noise=0)(train, train, seed=0)
        >>> predict(np.array([[1.0]])).round(3).tolist()  # without noise, as observed
        [[1.0]]
    """

    outputs: int
    task: str
    length_scale: Annotated[Positive, "the kernel's length that fitting begins with"] = 1.0
    noise: Annotated[
        NonNegative, "the variance of the noise that fitting begins with; 0: there is none"
    ] = 1.0

    def __call__(self, train: LabelledExamples, validation: LabelledExamples, seed: int) -> Predict:
        """The predictor. Nothing is random."""
        from sklearn import gaussian_process
        from sklearn.gaussian_process import kernels

        kernel = kernels.ConstantKernel() * kernels.RBF(self.length_scale)
        if self.task == CLASSIFICATION:
            model = gaussian_process.GaussianProcessClassifier(kernel, random_state=seed)
            return fitted(model, train, self.outputs)
        if self.noise:
            kernel += kernels.WhiteKernel(self.noise)
        model = gaussian_process.GaussianProcessRegressor(
            kernel, normalize_y=True, random_state=seed
        )
        return fitted(model, train, self.outputs)


ARCHITECTURES.add(
    HostEstimator(
        "gaussian_process",
        GaussianProcess,
        "a distribution over functions, given the training examples",
        "Rasmussen & Williams 2006",
        needs_facts=("task",),
    )
)
