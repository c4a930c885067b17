"""Bootstrap: rows drawn with replacement train, and those that were not drawn test."""

from typing import Annotated

import numpy as np

from research import rng
from research.data.split import draw
from research.data.splitters.index_sets import Parts, ValidationShare, splitter
from research.errors import ShapeError
from research.options import Range
from research.registry import SPLITTERS


def bootstrap(
    rows: int,
    labels: np.ndarray,
    groups: None,
    seed: int,
    folds: Annotated[int, Range(1), "how many samples"] = 10,
    validation: ValidationShare = 0.0,
) -> list[Parts]:
    """Samples with replacement, as large as the data; the rows out of the sample test.

    The samples are those of scikit-learn's `resample`, called once per fold with one
    `RandomState(seed)`. Validation rows are set aside before a sample is drawn from the others, so
    that no copy of one trains.

    Args:
        rows: number of rows.
        labels: their classes, [N]; they decide only which rows validate.
        groups: not used.
        seed: seed of all samples.
        folds: number of samples.
        validation: share of the rows that validate in each fold.

    Example:
        >>> for train, _, test in bootstrap(4, np.zeros(4, int), None, seed=0, folds=2):
        ...     print(train, test)
        [0 3 1 0] [2]
        [3 3 3 3] [0 1 2]
    """
    # The legacy generator, since that is scikit-learn's.
    generator = np.random.RandomState(seed)
    parts: list[Parts] = []
    for fold in range(folds):
        others = validating = np.arange(rows)
        size = int(rows * validation + 0.5)
        if size:
            drawing = rng.host(seed, f"validation of fold {fold}")
            others, validating = map(np.sort, draw(others, labels, size, drawing))
        sample = others[generator.randint(0, len(others), len(others))]
        test = np.setdiff1d(others, sample)
        if not len(test):
            raise ShapeError(
                f"split=bootstrap({folds}): {rows} rows are too few: the sample of fold {fold} has"
                " all of them"
            )
        parts.append((sample, validating[:size], test))
    return parts


SPLITTERS.add(splitter(bootstrap, varies=True))
