"""Stratified k-fold: every fold has each class in its share of the rows."""

from typing import Annotated

import numpy as np

from research.data.spec import DataSpec
from research.data.splitters.index_sets import (
    Parts,
    ScarceClass,
    ValidationShare,
    drawn_validation,
    splitter,
)
from research.errors import ShapeError
from research.options import Range
from research.registry import SPLITTERS


def stratified_kfold(
    rows: int,
    labels: np.ndarray,
    groups: None,
    seed: int,
    folds: Annotated[int, Range(2), "how many folds"] = 5,
    validation: ValidationShare = 0.0,
) -> list[Parts]:
    """Folds with each class in its share of the rows; each row tests in one of them.

    They are scikit-learn's `StratifiedKFold(folds, shuffle=True, random_state=seed)`.

    Args:
        rows: number of rows.
        labels: their classes, [N].
        groups: not used.
        seed: seed of the folds.
        folds: number of folds.
        validation: share of each fold's training rows that validate.

    Raises:
        ScarceClass: a class has fewer rows than there are folds.

    Example:
        >>> labels = np.array([0, 0, 1, 1])
        >>> for train, _, test in stratified_kfold(4, labels, None, seed=0, folds=2):
        ...     print(train, test)
        [0 3] [1 2]
        [1 2] [0 3]
    """
    # Imported here: it takes most of a second, which programs without such a split should not pay.
    from sklearn.model_selection import StratifiedKFold

    if folds > rows:
        raise ShapeError(
            f"split=stratified_kfold({folds}): there are {rows} rows, and a fold needs one"
        )
    refuse_scarce(labels, folds)
    reference = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return [
        (*drawn_validation(others, labels, validation, seed, fold), test)
        for fold, (others, test) in enumerate(reference.split(labels, labels))
    ]


def refuse_scarce(labels: np.ndarray, folds: int) -> None:
    """Raises ScarceClass for the first class that has fewer rows than there are folds.

    labels: [N].
    """
    counts = np.bincount(labels)
    scarce = np.flatnonzero((counts > 0) & (counts < folds))
    if len(scarce):
        count = counts[scarce[0]]
        raise ScarceClass(
            int(scarce[0]),
            f"has {count} of {len(labels)} rows, too few for one in each of {folds} folds",
        )


def needs_classes(view: object, spec: DataSpec) -> str | None:
    """The targets are classes, one per row."""
    if spec.targets.stratified:
        return None
    return (
        f"a stratified split divides the rows of each class, and the targets of {spec.name}"
        " are not one class per row; use kfold or group_kfold"
    )


SPLITTERS.add(splitter(stratified_kfold, constraints=(needs_classes,)))
