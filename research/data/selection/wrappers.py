"""Wrappers: features chosen by how well a model does with and without them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from research.data.selection.candidates import Candidates, Choose, Kept
from research.options import options_of
from research.registry import SELECTIONS, Entry

# The folds of the training rows in which scikit-learn's SequentialFeatureSelector scores a model.
FOLDS = 5

# Lists of features -> the score of a model of each, the higher the better.
Scores = Callable[[Sequence[Sequence[int]]], Sequence[float]]


def greedy(features: int, count: int, scores: Scores, forward: bool) -> list[tuple[int, float]]:
    """The path of a greedy search: the feature that each step adds (or leaves out), and the score
    with (or without) it. Of equal scores the first feature's counts.

    Args:
        features: how many there are.
        count: how many stay.
        scores: of models of some features.
        forward: whether features are added to none; False: they are taken from all.

    Example:
        >>> gains = np.array([1.0, 5.0, 2.0])
        >>> greedy(3, 2, lambda subsets: [gains[[*s]].sum() for s in subsets], forward=True)
        [(1, 5.0), (2, 7.0)]
    """
    path: list[tuple[int, float]] = []
    left = list(range(features))
    for _ in range(count if forward else features - count):
        moved = [feature for feature, _ in path]
        subsets = [
            sorted([*moved, feature]) if forward else [other for other in left if other != feature]
            for feature in left
        ]
        of_subsets = np.asarray(scores(subsets))
        place = int(np.argmax(np.where(np.isnan(of_subsets), -np.inf, of_subsets)))
        path.append((left.pop(place), float(of_subsets[place])))
    return path


def chosen_by(path: Sequence[tuple[int, float]], features: int, forward: bool) -> np.ndarray:
    """Which features a greedy search chooses, bool [features].

    Args:
        path: as `greedy` returns it.
        features: how many there are.
        forward: whether the search adds features.
    """
    moved = np.isin(np.arange(features), [feature for feature, _ in path])
    return moved if forward else ~moved


def forward(count: Kept) -> Choose:
    """Features that are added one by one, each time the one with which a linear model scores best
    in five folds of the training rows, as SequentialFeatureSelector does.

    Example:
        >>> from research.data.selection.candidates import sample
        >>> forward(1)(sample()).tolist()
        [True, False, False, False]
    """
    return _sequential(count, forward=True)


def backward(count: Kept) -> Choose:
    """What is left when features are taken out one by one, each time the one without which a linear
    model scores best in five folds of the training rows.

    Example:
        >>> from research.data.selection.candidates import sample
        >>> backward(3)(sample()).tolist()
        [False, True, True, True]
    """
    return _sequential(count, forward=False)


def recursive(count: Kept) -> Choose:
    """What is left when a linear model is fitted again and again, each time without the feature of
    the smallest weights (recursive feature elimination).

    Example:
        >>> from research.data.selection.candidates import sample
        >>> recursive(1)(sample()).tolist()
        [True, False, False, False]
    """

    def choose(candidates: Candidates) -> np.ndarray:
        left = list(range(len(candidates.features)))
        while len(left) > count:
            model = _linear(candidates).fit(candidates.columns(left), candidates.y)
            squares = np.square(np.atleast_2d(model.coef_)).sum(axis=0)
            ends = np.cumsum([len(candidates.places[feature]) for feature in left])
            of_features = [part.sum() for part in np.split(squares, ends[:-1])]
            left.pop(int(np.argmin(of_features)))
        return np.isin(np.arange(len(candidates.features)), left)

    return choose


def _sequential(count: int, forward: bool) -> Choose:
    def choose(candidates: Candidates) -> np.ndarray:
        from sklearn.model_selection import cross_val_score

        folds = FOLDS
        if candidates.classes:
            # A class is in every fold, unless it has one row.
            counts = np.bincount(candidates.y)
            folds = int(np.clip(counts[counts > 0].min(), 2, FOLDS))

        def scores(subsets: Sequence[Sequence[int]]) -> list[float]:
            return [
                cross_val_score(
                    _linear(candidates), candidates.columns(subset), candidates.y, cv=folds
                ).mean()
                for subset in subsets
            ]

        features = len(candidates.features)
        return chosen_by(greedy(features, count, scores, forward), features, forward)

    return choose


def _linear(candidates: Candidates) -> Any:
    """The linear model that a wrapper scores, not fitted yet."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    return LogisticRegression(max_iter=1000) if candidates.classes else LinearRegression()


SELECTIONS.add(
    Entry(
        "forward",
        forward,
        "forward search: the best feature is added, one by one",
        "Kohavi & John 1997",
        options=options_of(forward),
        test_options={"count": 2},
    )
)
SELECTIONS.add(
    Entry(
        "backward",
        backward,
        "backward search: the worst feature is removed, one by one",
        "Kohavi & John 1997",
        options=options_of(backward),
        test_options={"count": 2},
    )
)
SELECTIONS.add(
    Entry(
        "recursive",
        recursive,
        "recursive elimination of the feature with the smallest weights",
        "Guyon et al. 2002",
        options=options_of(recursive),
        test_options={"count": 3},
    )
)
