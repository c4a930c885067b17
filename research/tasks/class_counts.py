"""Class counts: what F1, precision, recall, balanced accuracy and Matthews' correlation are made
of.

The definitions are scikit-learn's. Where it warns and takes 0, or takes 0 without a word, the
metric is NaN: precision of a class that is never predicted, recall of a class without rows,
Matthews' correlation of one class alone. Classes with neither rows nor predictions do not count.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from research.registry import METRICS, Metric


class ClassCounts(NamedTuple):
    """Of each class, float [C]: its rows, those that are taken for it, and the hits, which are
    both."""

    rows: Any
    taken: Any
    hits: Any


def class_counts(scores: Any, y: Any, real: Any) -> ClassCounts:
    """The counts of a split.

    Args:
        scores: [N, C], of numpy or JAX; the prediction is the class of the largest, the first of
            equal ones.
        y: classes [N].
        real: which rows count, bool [N].
    """
    xp = scores.__array_namespace__()
    classes = xp.arange(scores.shape[1])
    rows = (y[:, None] == classes) & real[:, None]
    taken = (xp.argmax(scores, axis=1)[:, None] == classes) & real[:, None]
    # Counted as integers, so that float32 rounds each count once at most.
    return ClassCounts(
        *(xp.sum(of, axis=0).astype(scores.dtype) for of in (rows, taken, rows & taken))
    )


def precision(counts: ClassCounts) -> Any:
    """The share of each class among the rows taken for it, [C]; NaN where there are none.

    Example:
        >>> counts = ClassCounts(np.array([1, 4]), np.array([2, 3]), np.array([1, 3]))
        >>> print(precision(counts))  # 1/2 and 3/3
        [0.5 1. ]
        >>> [float(mean(precision, counts)) for mean in (second, macro, micro, weighted)]
        [1.0, 0.75, 0.8, 0.9]
    """
    return _share(counts.hits, counts.taken)


def recall(counts: ClassCounts) -> Any:
    """The share of each class's rows that are taken for it, [C]; NaN where it has none.

    Example:
        >>> counts = ClassCounts(np.array([4, 1]), np.array([2, 3]), np.array([2, 1]))
        >>> print(recall(counts))  # 2/4 and 1/1
        [0.5 1. ]
        >>> [float(mean(recall, counts)) for mean in (second, macro, micro, weighted)]
        [1.0, 0.75, 0.6, 0.6]
    """
    return _share(counts.hits, counts.rows)


def f1(counts: ClassCounts) -> Any:
    """The harmonic mean of precision and recall, [C]: 2 hits / (rows + taken).

    Example:
        >>> counts = ClassCounts(np.array([5, 1]), np.array([3, 3]), np.array([3, 1]))
        >>> print(f1(counts))  # 6/8 and 2/4
        [0.75 0.5 ]
        >>> [round(float(mean(f1, counts)), 3) for mean in (second, macro, micro, weighted)]
        [0.5, 0.625, 0.667, 0.708]
    """
    return _share(2 * counts.hits, counts.rows + counts.taken)


def _share(part: Any, whole: Any) -> Any:
    xp = whole.__array_namespace__()
    return xp.where(whole > 0, part / xp.where(whole > 0, whole, 1), xp.nan)


Ratio = Callable[[ClassCounts], Any]


def macro(ratio: Ratio, counts: ClassCounts) -> Any:
    """The mean over the classes that have rows or predictions."""
    return _weighted_mean(ratio(counts), (counts.rows + counts.taken) > 0)


def micro(ratio: Ratio, counts: ClassCounts) -> Any:
    """Of all classes together. With one class a row it is the accuracy."""
    return ratio(ClassCounts(*(of.sum() for of in counts)))


def weighted(ratio: Ratio, counts: ClassCounts) -> Any:
    """The mean over classes, weighed by their rows."""
    return _weighted_mean(ratio(counts), counts.rows)


def second(ratio: Ratio, counts: ClassCounts) -> Any:
    """Of the second of two classes, the positive one."""
    return ratio(counts)[1]


def _weighted_mean(values: Any, weights: Any) -> Any:
    """Σ w v / Σ w over the classes of a positive weight. NaN there makes the mean NaN."""
    xp = values.__array_namespace__()
    weights = weights.astype(values.dtype)
    return _share(xp.sum(xp.where(weights > 0, values * weights, 0)), xp.sum(weights))


def balanced_accuracy(counts: ClassCounts) -> Any:
    """The mean recall of the classes that have rows (Brodersen et al. 2010).

    Example:
        >>> counts = ClassCounts(np.array([4, 1]), np.array([2, 3]), np.array([2, 1]))
        >>> print(balanced_accuracy(counts))  # (2/4 + 1/1) / 2
        0.75
    """
    return _weighted_mean(recall(counts), counts.rows > 0)


def matthews_correlation(counts: ClassCounts) -> Any:
    """Matthews' correlation of K classes (Gorodkin 2004).

    (c s - Σ t_k p_k) / √((s² - Σ p_k²)(s² - Σ t_k²)), for c right of s rows. NaN where all rows
    are of one class, or are taken for one.

    Example:
        >>> counts = ClassCounts(np.array([4, 4]), np.array([4, 4]), np.array([3, 3]))
        >>> print(matthews_correlation(counts))  # (3 · 3 - 1 · 1) / √(4 · 4 · 4 · 4)
        0.5
    """
    xp = counts.rows.__array_namespace__()
    # In shares of the rows, since squares of counts leave float32's exact integers early.
    total = counts.rows.sum()
    rows, taken, hits = (of / total for of in counts)
    spread = (1 - xp.sum(taken**2)) * (1 - xp.sum(rows**2))
    # One class has a share of exactly 1, so its spread is exactly 0.
    root = xp.sqrt(xp.where(spread > 0, spread, 1))
    return xp.where(spread > 0, (hits.sum() - xp.sum(rows * taken)) / root, xp.nan)


def _of_counts(function: Callable[[ClassCounts], Any], scores: Any, y: Any, real: Any) -> Any:
    return function(class_counts(scores, y, real))


def _two_classes(config: Any, spec: Any) -> str | None:
    """There are two classes."""
    count = len(spec.targets.classes)
    if count == 2:
        return None
    return f"it is of the second of two classes, and {spec.name} has {count}"


# By name: the ratio, what it is, and when it is undefined.
RATIOS: dict[str, tuple[Ratio, str, str]] = {
    "precision": (precision, "precision", "a class is never predicted"),
    "recall": (recall, "recall", "a class has no rows"),
    "f1": (
        f1,
        "F1, the harmonic mean of precision and recall",
        "the class has neither rows nor predictions",
    ),
}
MEANS: dict[str, tuple[Callable[[Ratio, ClassCounts], Any], str]] = {
    "": (second, "of the second of two classes"),
    "_macro": (macro, "averaged over classes"),
    "_micro": (micro, "of all classes together, which is the accuracy"),
    "_weighted": (weighted, "averaged over classes by their rows"),
}
for _name, (_ratio, _what, _undefined) in RATIOS.items():
    for _suffix, (_mean, _how) in MEANS.items():
        METRICS.add(
            Metric(
                f"{_name}{_suffix}",
                lambda ratio=_ratio, mean=_mean: functools.partial(
                    _of_counts, functools.partial(mean, ratio)
                ),
                f"{_what}, {_how}",
                tasks=("classification",),
                whole=True,
                generic=True,
                undefined=_undefined,
                constraints=() if _suffix else (_two_classes,),
            )
        )
for _metric, _function, _summary, _undefined, _paper in (
    (
        "balanced_accuracy",
        balanced_accuracy,
        "the mean recall of the classes that have rows",
        "",
        "Brodersen et al. 2010, The balanced accuracy and its posterior distribution",
    ),
    (
        "mcc",
        matthews_correlation,
        "Matthews' correlation of predictions and classes",
        "all rows are of one class, or are taken for one",
        "Gorodkin 2004, Comparing two K-category assignments by a K-category correlation"
        " coefficient",
    ),
):
    METRICS.add(
        Metric(
            _metric,
            lambda function=_function: functools.partial(_of_counts, function),
            _summary,
            _paper,
            tasks=("classification",),
            whole=True,
            generic=True,
            undefined=_undefined,
        )
    )
