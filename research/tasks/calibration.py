"""Calibration: a map of a trained classifier's scores, fitted to validation rows after training.

A fitted map is a dict of lists that a record holds as JSON, with its `method`; the same function
applies it in training, evaluation and prediction. Calibrated scores are log-probabilities.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from research.tasks.classification import log_softmax

# The evaluated scores as they were, beside the calibrated ones.
UNCALIBRATED = "uncalibrated"
# Bounds of the logarithm of 1 / T, as scikit-learn has them: rows that are all right would else
# send T to 0.
MOST_LOG = 10.0
# Halvings of that interval: more than the bits of a float64.
HALVINGS = 60
# Isotonic regression says 0 where no row was right, and no class may have an infinite loss.
# The smallest probability is that of scikit-learn's log loss.
LEAST = np.finfo(np.float64).eps

Fitted = Mapping[str, Any]


def fit_temperature(scores: np.ndarray, y: np.ndarray) -> Fitted:
    """The temperature T of softmax(z / T) with the least NLL (Guo et al. 2017).

    Args:
        scores: logits float64 [V, C].
        y: classes [V].

    Example:
        >>> logits = np.log([[0.9, 0.1]] * 4)  # sure of 0.9, right three times of four
        >>> fitted = fit_temperature(logits, np.array([0, 0, 0, 1]))
        >>> round(np.exp(apply_temperature(fitted, logits))[0, 0], 3)
        0.75
    """
    right = scores[np.arange(len(y)), y]

    def slope(log_inverse: float) -> float:
        """The derivative of the NLL by 1 / T, which is convex in it."""
        probabilities = np.exp(log_softmax(scores * np.exp(log_inverse)))
        return float(np.mean((probabilities * scores).sum(axis=1) - right))

    low, high = -MOST_LOG, MOST_LOG
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if slope(middle) > 0 else (middle, high)
    return {"temperature": float(np.exp(-(low + high) / 2))}


def apply_temperature(fitted: Fitted, scores: np.ndarray) -> np.ndarray:
    """log softmax(z / T), [N, C]."""
    calibrated: np.ndarray = log_softmax(scores / fitted["temperature"])
    return calibrated


def fit_vector(scores: np.ndarray, y: np.ndarray) -> Fitted:
    """A factor and an offset of each class's logit with the least NLL (Guo et al. 2017).

    Args:
        scores: logits float64 [V, C].
        y: classes [V].
    """
    from scipy.optimize import minimize  # slow to import

    classes = scores.shape[1]
    right = y[:, None] == np.arange(classes)

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        scale, shift = np.split(parameters, 2)
        log_probabilities = log_softmax(scores * scale + shift)
        excess = (np.exp(log_probabilities) - right) / len(y)
        gradient = np.concatenate([(excess * scores).sum(axis=0), excess.sum(axis=0)])
        return float(-log_probabilities[right].mean()), gradient

    start = np.concatenate([np.ones(classes), np.zeros(classes)])
    # The loss is convex, so that where it starts matters only to rows that can all be right, whose
    # loss has no minimum.
    solution = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    scale, shift = np.split(solution.x, 2)
    return {"scale": scale.tolist(), "shift": shift.tolist()}


def apply_vector(fitted: Fitted, scores: np.ndarray) -> np.ndarray:
    """log softmax(w z + b), [N, C]."""
    calibrated: np.ndarray = log_softmax(
        scores * np.array(fitted["scale"]) + np.array(fitted["shift"])
    )
    return calibrated


def fit_isotonic(scores: np.ndarray, y: np.ndarray) -> Fitted:
    """Each class's probability as an ascending function of itself, one against rest (Zadrozny &
    Elkan 2002); of two classes that of the second.

    Args:
        scores: logits float64 [V, C].
        y: classes [V].
    """
    from sklearn.isotonic import IsotonicRegression  # slow to import

    probabilities = np.exp(log_softmax(scores))
    steps = []
    for k in _columns(scores.shape[1]):
        regression = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
        regression.fit(probabilities[:, k], y == k)
        steps.append([regression.X_thresholds_.tolist(), regression.y_thresholds_.tolist()])
    return {"steps": steps}


def apply_isotonic(fitted: Fitted, scores: np.ndarray) -> np.ndarray:
    """The log-probabilities of the fitted functions, [N, C], as shares of their sum; alike where
    all are 0."""
    probabilities = np.exp(log_softmax(scores))
    columns = zip(_columns(scores.shape[1]), fitted["steps"], strict=True)
    values = np.stack([np.interp(probabilities[:, k], *steps) for k, steps in columns], axis=1)
    if scores.shape[1] == 2:
        values = np.concatenate([1 - values, values], axis=1)
    total = values.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, values / np.where(total > 0, total, 1), 1 / scores.shape[1])
    logs: np.ndarray = np.log(np.maximum(shares, LEAST))
    return logs


def _columns(classes: int) -> range:
    return range(1, 2) if classes == 2 else range(classes)


class Method(NamedTuple):
    """fit: (logits [V, C], classes [V]) -> what is fitted; apply: that and logits [N, C] ->
    log-probabilities [N, C]."""

    fit: Callable[[np.ndarray, np.ndarray], Fitted]
    apply: Callable[[Fitted, np.ndarray], np.ndarray]


METHODS = {
    "temperature": Method(fit_temperature, apply_temperature),
    "vector": Method(fit_vector, apply_vector),
    "isotonic": Method(fit_isotonic, apply_isotonic),
}


def fit(method: str, scores: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """The fitted map of a method, a key of METHODS.

    Args:
        method: its name.
        scores: logits of the validation rows [V, C].
        y: their classes [V].
    """
    return {"method": method, **METHODS[method].fit(scores.astype(np.float64), y)}


def calibrated(fitted: Fitted, evaluated: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What `evaluate_examples` returned, with calibrated scores, and those before as UNCALIBRATED;
    unchanged where nothing was fitted.

    Args:
        fitted: what `fit` returned, or {}.
        evaluated: leaves [N, ...].
    """
    if not fitted:
        return evaluated
    scores = evaluated["scores"]
    mapped = METHODS[fitted["method"]].apply(fitted, scores.astype(np.float64))
    # In the scores' own precision, in which predictions are kept.
    return evaluated | {"scores": mapped.astype(scores.dtype), UNCALIBRATED: scores}
