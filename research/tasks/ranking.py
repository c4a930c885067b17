"""Ranking: the areas under the ROC curve and under the precision-recall curve.

Both are of the second class where there are two, and the mean of one-against-rest where there are
more. NaN where a class has no rows, or all of them: scikit-learn then raises, or warns and takes 0.
"""

from collections.abc import Callable
from typing import Any

# (scores [N] of one class, member [N], other [N]) -> the area; float [N] of 0 and 1, both 0 for
# rows that do not count.
Area = Callable[[Any, Any, Any], Any]


def one_against_rest(area: Area, scores: Any, y: Any, real: Any) -> Any:
    """The area of the second of two classes, or the mean over more.

    Args:
        area: of one class.
        scores: [N, C], of numpy or JAX. Each column is ranked, or of two their difference.
        y: classes [N].
        real: which rows count, bool [N].
    """
    xp = scores.__array_namespace__()
    if scores.shape[1] == 2:
        columns = {1: scores[:, 1] - scores[:, 0]}
    else:
        columns = {k: scores[:, k] for k in range(scores.shape[1])}
    areas = []
    for k, column in columns.items():
        member = ((y == k) & real).astype(scores.dtype)
        other = ((y != k) & real).astype(scores.dtype)
        there = (xp.sum(member) > 0) & (xp.sum(other) > 0) & ~xp.any(xp.isnan(column) & real)
        areas.append(xp.where(there, area(column, member, other), xp.nan))
    return xp.mean(xp.stack(areas))


def roc_area(scores: Any, member: Any, other: Any) -> Any:
    """The probability that a member scores above another row; ties count half (Mann & Whitney
    1947).

    Args:
        scores: of one class, float [N].
        member: 1 for rows of the class that count, else 0, float [N].
        other: 1 for other rows that count, else 0, float [N].
    """
    xp = scores.__array_namespace__()
    order = xp.argsort(scores)
    ascending = scores[order]
    below = xp.concat([xp.zeros(1, scores.dtype), xp.cumulative_sum(other[order])])
    # Equal scores share what lies below the first and above the last of them.
    first = xp.searchsorted(ascending, ascending, side="left")
    last = xp.searchsorted(ascending, ascending, side="right")
    wins = xp.sum(member[order] * (below[first] + below[last])) / 2
    return wins / _at_least_one(xp, xp.sum(member) * xp.sum(other))


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
    precisions = hits / _at_least_one(xp, taken)
    return xp.sum(member[order] * precisions) / _at_least_one(xp, xp.sum(member))


def _at_least_one(xp: Any, count: Any) -> Any:
    return xp.where(count > 0, count, 1)
