"""Meta models: what stacking fits to the arms' out-of-fold predictions. They are scikit-learn's,
with its defaults."""

from collections.abc import Callable, Mapping

import numpy as np

from research.tasks.classification import log_softmax

# A fitted model: features [R, F] to scores [R, C].
Fitted = Callable[[np.ndarray], np.ndarray]
# (features [R, F], targets [R], how many classes there are, or 0 of numbers) to a fitted model.
Fit = Callable[[np.ndarray, np.ndarray, int], Fitted]


def meta_features(scores: np.ndarray, classes: bool) -> np.ndarray:
    """The arms' predictions side by side, float64 [R, F]: probabilities of all classes, of two
    classes that of the second, or values. These are the features of scikit-learn's
    StackingClassifier and StackingRegressor.

    Args:
        scores: of each arm, [M, R, C].
        classes: whether they are logits of classes.

    Example:
        >>> meta_features(np.log([[[0.9, 0.1]], [[0.4, 0.6]]]), classes=True).round(6)
        array([[0.1, 0.6]])
    """
    values = np.exp(log_softmax(scores)) if classes else np.asarray(scores, np.float64)
    if classes and values.shape[-1] == 2:
        values = values[..., 1:]
    return np.concatenate([*values], axis=-1)


def _logistic(features: np.ndarray, targets: np.ndarray, classes: int) -> Fitted:
    """Logistic regression with scikit-learn's L2 penalty; of numbers, ridge regression."""
    from sklearn.linear_model import LogisticRegression

    if not classes:
        return _ridge(features, targets, classes)
    model = LogisticRegression(max_iter=1000).fit(features, targets)
    return lambda x: _logits(model.decision_function(x), model.classes_, classes)


def _ridge(features: np.ndarray, targets: np.ndarray, classes: int) -> Fitted:
    """Ridge regression, of classes one against the rest."""
    from sklearn.linear_model import Ridge, RidgeClassifier

    if classes:
        model = RidgeClassifier().fit(features, targets)
        return lambda x: _logits(model.decision_function(x), model.classes_, classes)
    values = Ridge().fit(features, targets)
    return lambda x: values.predict(x).reshape(len(x), -1)


def _mlp(features: np.ndarray, targets: np.ndarray, classes: int) -> Fitted:
    """A network of 100 hidden units."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if classes:
        model = MLPClassifier(random_state=0, max_iter=1000).fit(features, targets)
        tiny = np.finfo(float).tiny
        return lambda x: _logits(
            np.log(np.maximum(model.predict_proba(x), tiny)), model.classes_, classes
        )
    values = MLPRegressor(random_state=0, max_iter=1000).fit(features, targets)
    return lambda x: values.predict(x).reshape(len(x), -1)


def _mean_weights(features: np.ndarray, targets: np.ndarray, classes: int) -> Fitted:
    """The mean of the arms with weights of at least 0 that sum to 1: of classes those of the least
    NLL, of numbers those of the least squares."""
    from scipy.optimize import minimize

    width = 1 if classes == 2 else classes or int(np.prod(targets.shape[1:]))
    arms = features.shape[1] // width

    def combined(weights: np.ndarray, x: np.ndarray) -> np.ndarray:
        return np.einsum("a,rac->rc", weights, x.reshape(len(x), arms, width))

    # The solver stops at an absolute change of the loss, so that must not depend on units.
    spread = 1.0 if classes else float(np.var(targets)) or 1.0

    def loss(weights: np.ndarray) -> float:
        mean = combined(weights, features)
        if not classes:
            return float(np.mean((mean - targets.reshape(len(targets), -1)) ** 2) / spread)
        of_targets = _of_all_classes(mean)[np.arange(len(targets)), targets]
        return float(-np.mean(np.log(np.maximum(of_targets, 1e-15))))

    solution = minimize(
        loss,
        np.full(arms, 1 / arms),
        method="SLSQP",
        bounds=[(0, 1)] * arms,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
    )
    best = np.clip(solution.x, 0, 1)
    best = best / best.sum()
    if not classes:
        return lambda x: combined(best, x)
    tiny = np.finfo(float).tiny
    return lambda x: np.log(np.maximum(_of_all_classes(combined(best, x)), tiny))


def _of_all_classes(probabilities: np.ndarray) -> np.ndarray:
    """[R, C]; of two classes only the second's are given, [R, 1]."""
    if probabilities.shape[1] > 1:
        return probabilities
    return np.concatenate([1 - probabilities, probabilities], axis=1)


def _logits(scores: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """scikit-learn's scores as logits [R, C]: of two classes it has one score per row. A class
    without training rows gets a very small one. labels: those of the columns."""
    if scores.ndim == 1:
        scores = np.stack([np.zeros(len(scores)), scores], axis=1)
    logits = np.full((len(scores), classes), scores.min() - 100.0)
    logits[:, labels] = scores
    return logits


META_MODELS: Mapping[str, Fit] = {
    "logistic": _logistic,
    "ridge": _ridge,
    "mlp": _mlp,
    "mean_weights": _mean_weights,
}
