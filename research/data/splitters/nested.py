"""Nested cross-validation: folds inside each fold, on which its settings are chosen."""

from typing import Annotated

import numpy as np

from research.data.splitters.index_sets import Parts, ValidationShare, splitter
from research.data.splitters.kfold import kfold
from research.data.splitters.stratified_kfold import stratified_kfold
from research.errors import ShapeError
from research.options import Range
from research.registry import SPLITTERS


def nested(
    rows: int,
    labels: np.ndarray,
    groups: None,
    seed: int,
    outer: Annotated[int, Range(2), "how many folds test"] = 5,
    inner: Annotated[int, Range(2), "how many folds of their training rows choose"] = 3,
    validation: ValidationShare = 0.0,
) -> list[Parts]:
    """K-fold whose settings are chosen in each fold by itself, by folds of its training rows.

    The first `outer` folds test. Fold `outer + k * inner + i` is the i-th inner fold of fold k: it
    divides the training rows of fold k again, and its held-out rows validate. It has no test rows.

    Both are scikit-learn's `StratifiedKFold(n, shuffle=True, random_state=seed)`, or `KFold` where
    targets are numbers.

    Args:
        rows: number of rows.
        labels: their classes, [N]; zeros where targets are numbers.
        groups: not used.
        seed: seed of all folds.
        outer: number of folds that test.
        inner: number of inner folds of each of them.
        validation: share of the training rows that validate in the folds that test, as early
            stopping requires. Inner folds stop early on their held-out rows.

    Raises:
        ScarceClass: a class has fewer rows than there are folds.

    Example:
        >>> folds = nested(6, np.zeros(6, int), None, seed=0, outer=2, inner=2)
        >>> for train, validation, test in folds[:3]:
        ...     print(train, validation, test)
        [0 3 4] [] [5 2 1]
        [1 2 5] [] [3 0 4]
        [0] [4 3] []

    Reference: Varma and Simon, "Bias in error estimation when using cross-validation for model
    selection", BMC Bioinformatics 7, 2006.
    """
    fewest = rows - -(-rows // outer)  # the training rows of the smallest fold
    if outer > rows or inner > fewest:
        raise ShapeError(
            f"split=nested({outer},{inner}): {rows} rows are too few, since every fold needs one"
        )
    divide = stratified_kfold if labels.any() else kfold
    folds = divide(rows, labels, None, seed, outer, validation)
    parts = [*folds]
    for train, validating, test in folds:
        others = np.sort(np.concatenate([train, validating]))
        for rest, _, held_out in divide(len(others), labels[others], None, seed, inner):
            parts.append((others[rest], others[held_out], test[:0]))
    return parts


SPLITTERS.add(
    splitter(
        nested,
        paper="Varma & Simon 2006, doi:10.1186/1471-2105-7-91",
        inner="inner",
    )
)
