"""Selections: equal to scikit-learn's where it has them, and by hand where a category is one
feature."""

import functools

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import (
    RFE,
    SelectFromModel,
    SelectKBest,
    SequentialFeatureSelector,
    VarianceThreshold,
    f_classif,
    f_regression,
    mutual_info_classif,
)
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression

import research.catalogue  # noqa: F401
from research.data.selection.candidates import Candidates
from research.registry import SELECTIONS

WINE = load_wine()
DIABETES = load_diabetes()


def candidates(regression: bool = False) -> Candidates:
    """Wine or diabetes, standardised."""
    data = DIABETES if regression else WINE
    x = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0)
    features = {f"x{place}": (place,) for place in range(x.shape[1])}
    return Candidates(x, data.data, data.target, not regression, features, seed=3)


def kept(select: str, of: Candidates, **options: float) -> list[int]:
    chosen = SELECTIONS.get(select).build(**options)(of)
    return np.flatnonzero(chosen).tolist()


LOGISTIC = LogisticRegression(max_iter=1000)
FOREST = RandomForestClassifier(100, random_state=3)
L1 = LogisticRegression(
    C=1 / (0.03 * 178), l1_ratio=1, solver="saga", max_iter=10_000, random_state=3
)
MUTUAL = functools.partial(mutual_info_classif, discrete_features=False, random_state=3)
DIRECT = {
    ("variance", 0.5): VarianceThreshold(0.5),
    ("anova", 4): SelectKBest(f_classif, k=4),
    ("mutual_information", 4): SelectKBest(MUTUAL, k=4),
    ("recursive", 4): RFE(LOGISTIC, n_features_to_select=4),
    ("l1", 0.03): SelectFromModel(L1),
    ("trees", 4): SelectFromModel(FOREST, max_features=4, threshold=-np.inf),
}


@pytest.mark.parametrize(("name", "value"), DIRECT)
def test_a_selection_is_the_librarys(name: str, value: float) -> None:
    of = candidates()
    x = of.raw if name == "variance" else of.x
    expected = np.flatnonzero(DIRECT[name, value].fit(x, of.y).get_support()).tolist()
    (option,) = SELECTIONS.get(name).options
    assert 0 < len(expected) < 13
    assert kept(name, of, **{option.name: value}) == expected


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_greedy_search_is_the_librarys(direction: str) -> None:
    whole = candidates(regression=True)
    features = dict(list(whole.features.items())[:5])
    of = Candidates(whole.x[:, :5], whole.raw, whole.y, False, features)
    library = SequentialFeatureSelector(
        LinearRegression(), n_features_to_select=2, direction=direction
    )
    expected = np.flatnonzero(library.fit(of.x, of.y).get_support()).tolist()
    assert kept(direction, of, count=2) == expected


def test_selections_of_numbers_are_the_librarys() -> None:
    of = candidates(regression=True)
    best = SelectKBest(f_regression, k=3).fit(of.x, of.y).get_support()
    assert kept("anova", of, count=3) == np.flatnonzero(best).tolist()
    weights = Lasso(2.0, max_iter=10_000).fit(of.x, of.y).coef_
    assert kept("l1", of, penalty=2.0) == np.flatnonzero(weights).tolist()


def test_the_earlier_of_two_correlated_columns_stays() -> None:
    a = np.array([1.0, 2.0, 3.0, 4.0])
    x = np.stack([a, [1.0, -1.0, 1.0, -1.0], -2 * a, a], axis=1)
    features = {name: (place,) for place, name in enumerate("abcd")}
    of = Candidates(x, x, np.zeros(4), False, features)
    assert kept("correlation", of, below=0.95) == [0, 1]
    assert kept("correlation", of, below=0.3) == [0]  # |r| of a and b is 0.447


def test_stability_counts_the_halves_in_which_a_feature_has_a_weight() -> None:
    of = candidates(regression=True)
    halves = np.random.RandomState(3)
    times = np.zeros(10)
    for _ in range(6):
        rows = halves.permutation(len(of.y))[: len(of.y) // 2]
        times += Lasso(5.0, max_iter=10_000).fit(of.x[rows], of.y[rows]).coef_ != 0
    expected = np.flatnonzero(times >= 0.5 * 6).tolist()
    assert kept("stability", of, share=0.5, penalty=5.0, halves=6) == expected


def categories() -> Candidates:
    """A number that says nothing, and three colours of which one is the class."""
    colour = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2])
    noise = np.array([1.0, 2.0] * 6)
    raw = np.concatenate([noise[:, None], np.eye(3)[colour]], axis=1)
    x = (raw - raw.mean(axis=0)) / raw.std(axis=0)
    features = {"noise": (0,), "colour": (1, 2, 3)}
    return Candidates(x, raw, (colour == 2).astype(np.int32), True, features)


@pytest.mark.parametrize(
    "select", ["anova", "mutual_information", "forward", "backward", "recursive", "trees"]
)
def test_the_columns_of_a_category_are_one_feature(select: str) -> None:
    chosen = SELECTIONS.get(select).build(count=1)(categories())
    assert chosen.tolist() == [False, True]


def test_a_category_is_the_place_of_the_column_that_is_set() -> None:
    of = categories()
    assert of.codes[:4, 1].tolist() == [0, 1, 2, 0]
    unset = Candidates(of.x, of.raw * [1, 0, 0, 0], of.y, True, of.features)
    assert unset.codes[:2, 1].tolist() == [3, 3]


def test_one_number_repeated_does_not_vary() -> None:
    x = np.stack([np.full(7, 0.1), np.arange(7.0)], axis=1)
    of = Candidates(x, x, np.zeros(7), False, {"a": (0,), "b": (1,)})
    assert kept("variance", of) == [1]
