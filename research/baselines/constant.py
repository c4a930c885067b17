"""The constant predictor: what is reached without looking at the inputs."""

import dataclasses

import numpy as np

from research.baselines.estimator import LabelledExamples, Predict
from research.registry import ARCHITECTURES, HostEstimator


@dataclasses.dataclass(frozen=True)
class Constant:
    """Predicts the same scores [K] for all inputs: [M, ...] -> [M, K]."""

    scores: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The scores, M times."""
        return np.tile(self.scores, (len(x), 1))


def constant(
    train: LabelledExamples,
    validation: LabelledExamples,
    seed: int,
    outputs: int,
    task: str,
) -> Predict:
    """The frequencies of the training classes, or the mean of the training targets.

    Args:
        train: the training examples.
        validation: ignored.
        seed: ignored, since nothing is random.
        outputs: K: classes, or 1.
        task: classification or regression.

    Example:
        >>> labels = LabelledExamples(np.zeros((4, 1)), np.array([0, 1, 1, 1]))
        >>> predict = constant(labels, labels, 0, outputs=2, task="classification")
        >>> np.exp(predict(np.zeros((1, 1)))).round(2).tolist()
        [[0.25, 0.75]]
    """
    if task == "classification":
        counts = np.bincount(train.y, train.weight, minlength=outputs)
        shares = counts / counts.sum()
        # A class without training rows would have minus infinity, and its loss would be infinite.
        scores = np.log(np.maximum(shares, np.finfo(np.float32).tiny))
    else:
        scores = np.average(train.y.astype(np.float64), weights=train.weight, keepdims=True)
    return Constant(scores)


ARCHITECTURES.add(
    HostEstimator(
        "constant",
        constant,
        "the majority class (class frequencies as scores), or the mean of the targets",
        "the baseline of chance",
        takes=("numbers", "tokens", "padded series"),
        needs_facts=("task",),
        weighs=True,
    )
)
