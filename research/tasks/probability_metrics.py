"""Metrics of a classifier's probabilities: Brier score, top-k accuracy, average precision."""

from typing import Any

from research.errors import UserError
from research.registry import METRICS, Metric
from research.tasks.classification import at_least_one, log_softmax, one_against_rest


def brier(scores: Any, y: Any) -> Any:
    """Σ_k (p_k - [y = k])² of each example, [N]; halved of two classes, where it is (p_1 - y)².

    Args:
        scores: logits [N, C], of numpy or JAX.
        y: classes [N].

    Example:
        >>> print(brier(np.log([[0.25, 0.75]]), np.array([0])).round(4))  # 0.75²
        [0.5625]
        >>> print(brier(np.log([[0.5, 0.25, 0.25]]), np.array([0])).round(4))  # 0.5² + 2 · 0.25²
        [0.375]
    """
    xp = scores.__array_namespace__()
    classes = scores.shape[1]
    away = xp.exp(log_softmax(scores)) - (y[:, None] == xp.arange(classes))
    return xp.sum(away**2, axis=1) / (2 if classes == 2 else 1)


def top_k(most: int, scores: Any, y: Any) -> Any:
    """Whether fewer than `most` classes score above the right one, [N]; of equal scores the lower
    class is first, so that `top_1` is the accuracy.

    Args:
        most: k.
        scores: logits [N, C], of numpy or JAX.
        y: classes [N].
    """
    xp = scores.__array_namespace__()
    right = xp.take_along_axis(scores, y[:, None], axis=1)
    before = xp.arange(scores.shape[1]) < y[:, None]
    above = (scores > right) | ((scores == right) & before)
    return (xp.sum(above, axis=1) < most).astype(scores.dtype)


def average_precision(scores: Any, member: Any, other: Any) -> Any:
    """Σ (R_n - R_{n-1}) P_n over the distinct scores as thresholds, without interpolation.

    Args:
        scores: of one class, float [N].
        member: 1 for rows of the class that count, else 0, float [N].
        other: 1 for other rows that count, else 0, float [N].
    """
    xp = scores.__array_namespace__()
    order = xp.argsort(-scores)
    descending = -scores[order]
    # Equal scores are one threshold, whose precision is that behind the last of them.
    end = xp.searchsorted(descending, descending, side="right") - 1
    hits = xp.cumulative_sum(member[order])[end]
    taken = xp.cumulative_sum((member + other)[order])[end]
    precisions = hits / at_least_one(xp, taken)
    return xp.sum(member[order] * precisions) / at_least_one(xp, xp.sum(member))


def pr_auc(scores: Any, y: Any, real: Any) -> Any:
    """The average precision, scikit-learn's area under the precision-recall curve.

    Args:
        scores: logits [N, C], of numpy or JAX.
        y: classes [N].
        real: which rows count, bool [N].

    Example:
        >>> logits = np.array([[0.0, 4.0], [0.0, 3.0], [0.0, 2.0], [0.0, 1.0]])
        >>> print(pr_auc(logits, np.array([1, 0, 0, 1]), np.ones(4, bool)))  # (1/1 + 2/4) / 2
        0.75
    """
    return one_against_rest(average_precision, log_softmax(scores), y, real)


METRICS.add(
    Metric(
        "brier",
        lambda: brier,
        "Brier score: the squared distance of the probabilities to the class",
        "Brier 1950, Verification of forecasts expressed in terms of probability",
        tasks=("classification",),
        better="lower",
        generic=True,
    )
)
METRICS.add(
    Metric(
        "pr_auc",
        lambda: pr_auc,
        "area under the precision-recall curve: the average precision",
        "Davis & Goadrich 2006, The relationship between precision-recall and ROC curves",
        tasks=("classification",),
        whole=True,
        generic=True,
        undefined="a class has no rows, or all of them",
    )
)


def _top_k(name: str) -> Metric:
    """The entry of `top_5`. Raises UserError if it does not end with a whole number above 0."""
    number = name.removeprefix("top_")
    if not number.isdecimal() or int(number) < 1:
        raise UserError(f"metric '{name}' is no share of the first k classes; write it as top_5")
    most = int(number)

    def more_classes(config: Any, spec: Any) -> str | None:
        """There are more than k classes."""
        count = len(spec.targets.classes)
        always = f"{name} is 1 for {spec.name}, which has {count} classes; leave it out"
        return always if count <= most else None

    return Metric(
        name,
        lambda: lambda scores, y: top_k(most, scores, y),
        f"the right class is among the {most} of the largest scores",
        tasks=("classification",),
        generic=True,
        constraints=(more_classes,),
    )


METRICS.add_family("top_", _top_k, example=_top_k("top_5"))
