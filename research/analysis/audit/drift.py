"""Drift: whether a classifier tells training rows from test rows, as it cannot if both were drawn
from the same source."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from research.analysis.audit.data_parts import DataParts
from research.analysis.audit.finding import Finding
from research.baselines.cores import thread_share

# Rows of each part that the classifier reads: enough for an error of 0.01, and quick.
MOST_COMPARED = 2_000
FOLDS = 5
# Below this the parts differ too little for a score to suffer.
LEAST = 0.55
# From here on test rows are a source of their own.
APART = 0.75
# Columns that are named.
NAMED = 3


def drift(data: DataParts) -> Iterator[Finding]:
    """Parts that a classifier tells apart: its AUC on rows that it was not fitted to."""
    if min(len(data.train), len(data.test)) < 2 * FOLDS or not data.columns:
        return
    draw = np.random.default_rng(0)
    train, test = (
        draw.choice(np.arange(len(rows)), min(len(rows), MOST_COMPARED), replace=False)
        for rows in (data.train, data.test)
    )
    x = np.stack(
        [np.concatenate([each.train[train], each.test[test]]) for each in data.columns], axis=1
    )
    is_test = np.repeat([0, 1], [len(train), len(test)])
    area = _area(x, is_test)
    # The standard deviation of an AUC where both parts are alike (Mann & Whitney 1947).
    error = np.sqrt((len(x) + 1) / (12 * len(train) * len(test)))
    if area < max(LEAST, 0.5 + 3 * error):
        return
    apart = np.abs([_rank_area(column, is_test) - 0.5 for column in x.T])
    names = [f"'{data.columns[place].name}'" for place in np.argsort(-apart)[:NAMED]]
    yield Finding(
        "problem" if area >= APART else "caution",
        f"{data.name}: a classifier tells test rows from training rows with an AUC of {area:.2f}"
        f" (0.5 if they are alike); they differ most in {', '.join(names)}",
        "split at random if new rows will be like all of these; if they will be like the test rows,"
        " leave out the columns that tell them apart, or train on later rows",
    )


def _area(x: NDArray[np.float64], is_test: NDArray[np.intp]) -> float:
    """The AUC of boosted trees on folds that they were not fitted to.

    Args:
        x: columns of both parts, [N, C]; NaN is missing.
        is_test: 0 or 1, [N].
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    trees = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, random_state=0)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    with thread_share(x.size):
        scores = cross_val_predict(trees, x, is_test, cv=folds, method="predict_proba")[:, 1]
    return float(roc_auc_score(is_test, scores))


def _rank_area(column: NDArray[np.float64], is_test: NDArray[np.intp]) -> float:
    """The AUC of one column [N] by itself; missing values rank below all others."""
    from sklearn.metrics import roc_auc_score

    known = column[~np.isnan(column)]
    lowest = known.min(initial=0.0) - 1
    return float(roc_auc_score(is_test, np.nan_to_num(column, nan=lowest)))
