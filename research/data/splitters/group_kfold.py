"""Group k-fold: rows of one group are in one part."""

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from research.data.splitters.index_sets import Parts, needs_groups, splitter
from research.data.splitters.stratified_kfold import needs_classes, refuse_scarce
from research.errors import ShapeError
from research.options import Range
from research.registry import SPLITTERS

Folds = Annotated[int, Range(2), "how many folds"]
# The validation rows are those of one of several folds of the training rows, so at most half.
ValidationGroups = Annotated[
    float, Range(0, 0.5), "share of each fold's training rows that validate, in whole groups"
]
Column = Annotated[str, "the column of a csv file that says which rows belong together"]


def group_kfold(
    rows: int,
    labels: np.ndarray,
    groups: np.ndarray,
    seed: int,
    folds: Folds = 5,
    group: Column = "",
    validation: ValidationGroups = 0.0,
) -> list[Parts]:
    """Folds of whole groups, as equal in rows as they can be; the same for every seed.

    They are scikit-learn's `GroupKFold(folds)`. Validation rows are whole groups too.

    Args:
        rows: number of rows.
        labels: not used.
        groups: the group of each row, [N].
        seed: not used.
        folds: number of folds.
        group: the column of groups, which the data set has read.
        validation: share of each fold's training rows that validate, to a group.

    Example:
        >>> groups = np.array([0, 0, 1, 1])
        >>> for train, _, test in group_kfold(4, np.zeros(4, int), groups, seed=0, folds=2):
        ...     print(train, test)
        [0 1] [2 3]
        [2 3] [0 1]
    """
    # Imported here: it takes most of a second, which programs without such a split should not pay.
    from sklearn.model_selection import GroupKFold

    # The reference does not read classes, so none can be too small.
    return _parts(GroupKFold, np.zeros_like(labels), groups, folds, validation)


def stratified_group_kfold(
    rows: int,
    labels: np.ndarray,
    groups: np.ndarray,
    seed: int,
    folds: Folds = 5,
    group: Column = "",
    validation: ValidationGroups = 0.0,
) -> list[Parts]:
    """Folds of whole groups with each class as near to its share as they allow; the same for every
    seed.

    They are scikit-learn's `StratifiedGroupKFold(folds)`. Validation rows are whole groups too.

    Args:
        rows: number of rows.
        labels: their classes, [N].
        groups: the group of each row, [N].
        seed: not used.
        folds: number of folds.
        group: the column of groups, which the data set has read.
        validation: share of each fold's training rows that validate, to a group.

    Raises:
        ScarceClass: a class has fewer rows than there are folds.

    Example:
        >>> labels = np.array([0, 1, 0, 1, 0, 1, 0, 1])
        >>> groups = np.array([0, 0, 1, 1, 2, 2, 3, 3])
        >>> for train, _, test in stratified_group_kfold(8, labels, groups, seed=0, folds=2):
        ...     print(train, test)
        [2 3 6 7] [0 1 4 5]
        [0 1 4 5] [2 3 6 7]
    """
    from sklearn.model_selection import StratifiedGroupKFold

    refuse_scarce(labels, folds)
    return _parts(StratifiedGroupKFold, labels, groups, folds, validation)


def _parts(
    reference: Callable[[int], Any],
    labels: np.ndarray,
    groups: np.ndarray,
    folds: int,
    validation: float,
) -> list[Parts]:
    """The folds of one of scikit-learn's splitters of groups."""
    _check_count(groups, folds)
    parts: list[Parts] = []
    for fold, (train, test) in enumerate(
        _split(reference, np.arange(len(labels)), labels, groups, folds)
    ):
        validating = train[:0]
        if validation:
            share = round(1 / validation)
            _check_validation(fold, labels[train], groups[train], validation, share)
            train, validating = _split(reference, train, labels, groups, share)[0]
        parts.append((train, validating, test))
    return parts


def _check_count(groups: np.ndarray, folds: int) -> None:
    count = len(np.unique(groups))
    if count < folds:
        raise ShapeError(
            f"split: {count} groups cannot be divided into {folds} folds, since each needs a"
            " whole one"
        )


def _check_validation(
    fold: int, labels: np.ndarray, groups: np.ndarray, validation: float, share: int
) -> None:
    """Raises ShapeError if a fold's training rows, with these labels and groups, cannot give one of
    so many shares of them."""
    wrong = f"split: validation={validation:g} takes one of {share} parts of the training rows"
    count = len(np.unique(groups))
    if count < share:
        raise ShapeError(
            f"{wrong}, and those of fold {fold} have {count} groups; use a larger one, or more"
            " groups"
        )
    most = np.bincount(labels).max()
    if most < share:
        raise ShapeError(
            f"{wrong}, and no class of fold {fold} has more than {most} rows; use a larger one"
        )


def _split(
    reference: Callable[[int], Any],
    rows: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    folds: int,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(the others, its own rows) of each fold of some rows."""
    divided = reference(folds).split(rows, labels[rows], groups[rows])
    return [(rows[others], rows[test]) for others, test in divided]


SPLITTERS.add(splitter(group_kfold, seeded=False, grouped=True, constraints=(needs_groups,)))
SPLITTERS.add(
    splitter(
        stratified_group_kfold,
        seeded=False,
        grouped=True,
        constraints=(needs_groups, needs_classes),
    )
)
