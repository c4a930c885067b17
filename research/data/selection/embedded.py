"""Embedded selections: features chosen by the weights or the splits of one model of all of them."""

from typing import Annotated, Any

import numpy as np

from research.data.selection.candidates import Candidates, Choose, Kept, best
from research.options import Count, Positive, Share, options_of
from research.registry import SELECTIONS, Entry

# A coefficient of less is 0, as in scikit-learn's SelectFromModel with an L1 penalty.
ZERO = 1e-5
TREES = 100
Penalty = Annotated[Positive, "strength of the L1 penalty, which is added to the mean loss"]


def l1(penalty: Penalty = 0.01) -> Choose:
    """Features with a weight in a linear model with an L1 penalty: the lasso, or of classes the
    logistic regression with C = 1 / (penalty n).

    Example:
        >>> from research.data.selection.candidates import sample
        >>> l1(0.05)(sample()).tolist()
        [True, True, False, False]
    """

    def choose(candidates: Candidates) -> np.ndarray:
        every = np.arange(len(candidates.y))
        return _weighed(candidates, penalty, every)

    return choose


def trees(count: Kept) -> Choose:
    """The features by which a random forest of 100 trees reduces impurity most; the gains of a
    category's columns are added.

    Example:
        >>> from research.data.selection.candidates import sample
        >>> trees(2)(sample()).tolist()
        [True, True, False, False]
    """

    def choose(candidates: Candidates) -> np.ndarray:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        forest = RandomForestClassifier if candidates.classes else RandomForestRegressor
        model = forest(TREES, random_state=candidates.seed).fit(candidates.x, candidates.y)
        return best(candidates.of_features(model.feature_importances_, np.sum), count)

    return choose


def stability(
    share: Annotated[Share, "the least share of the halves in which a feature has a weight"] = 0.6,
    penalty: Penalty = 0.01,
    halves: Annotated[Count, "how many random halves of the training rows are tried"] = 50,
) -> Choose:
    """Features that `l1` chooses in at least a share of random halves of the training rows.

    Example:
        >>> from research.data.selection.candidates import sample
        >>> stability(0.5, penalty=0.05)(sample()).tolist()
        [True, False, False, False]
    """

    def choose(candidates: Candidates) -> np.ndarray:
        generator = np.random.RandomState(candidates.seed)
        count = len(candidates.y)
        times = np.zeros(len(candidates.features))
        for _ in range(halves):
            times += _weighed(candidates, penalty, generator.permutation(count)[: count // 2])
        return times >= share * halves

    return choose


def _weighed(candidates: Candidates, penalty: float, rows: np.ndarray) -> np.ndarray:
    """Which features have a weight in the model of some rows, bool [F]."""
    x = candidates.x[rows]
    y = candidates.y[rows]
    if candidates.classes and len(np.unique(y)) == 1:
        return np.zeros(len(candidates.features), bool)
    weights = np.atleast_2d(_penalized(candidates, penalty, len(rows)).fit(x, y).coef_)
    return candidates.of_features(np.abs(weights).max(axis=0), np.max) > ZERO


def _penalized(candidates: Candidates, penalty: float, rows: int) -> Any:
    """The linear model with the penalty, not fitted yet."""
    from sklearn.linear_model import Lasso, LogisticRegression

    if not candidates.classes:
        return Lasso(penalty, max_iter=10_000)
    return LogisticRegression(
        C=1 / (penalty * rows),
        l1_ratio=1,
        solver="saga",
        max_iter=10_000,
        random_state=candidates.seed,
    )


SELECTIONS.add(
    Entry(
        "l1",
        l1,
        "features with a weight in a linear model with an L1 penalty",
        "Tibshirani 1996",
        options=options_of(l1),
    )
)
SELECTIONS.add(
    Entry(
        "trees",
        trees,
        "features by which a random forest reduces impurity most",
        "Breiman 2001",
        options=options_of(trees),
        test_options={"count": 3},
    )
)
SELECTIONS.add(
    Entry(
        "stability",
        stability,
        "features that the L1 penalty chooses in most halves of the training rows",
        "Meinshausen & Buhlmann 2010",
        options=options_of(stability),
        test_options={"halves": 4},
    )
)
