"""Candidates: the training rows that a selection chooses features on."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import numpy as np

from research.options import Count

Kept = Annotated[Count, "how many features stay"]


@dataclasses.dataclass(frozen=True)
class Candidates:
    """F features of n training rows.

    x: the columns, filled and scaled, float64 [n, D]. raw: the same before they were scaled. y:
        classes int32 [n], or values float64 [n]. classes: whether y are classes. features: by name,
        the places of its columns; a category has all its one-hot columns. seed: of all that is
        random.
    """

    x: np.ndarray
    raw: np.ndarray
    y: np.ndarray
    classes: bool
    features: Mapping[str, tuple[int, ...]]
    seed: int = 0

    @property
    def places(self) -> list[tuple[int, ...]]:
        """The places of each feature's columns."""
        return list(self.features.values())

    def of_features(self, columns: np.ndarray, together: Callable[..., float]) -> np.ndarray:
        """The numbers of columns [D] as those of features [F].

        Args:
            columns: a number per column; NaN counts as the smallest.
            together: what makes one number of a feature's columns, such as `np.max`.
        """
        numbers = np.where(np.isnan(columns), -np.inf, columns)
        return np.array([together(numbers[[*places]]) for places in self.places])

    def columns(self, chosen: Sequence[int]) -> np.ndarray:
        """The scaled columns of these features, [n, C]."""
        return self.x[:, [place for feature in chosen for place in self.places[feature]]]

    @property
    def coded(self) -> np.ndarray:
        """Which features are categories, bool [F]."""
        return np.array([len(places) > 1 for places in self.places])

    @property
    def codes(self) -> np.ndarray:
        """A column per feature, [n, F]: of a category the place of the one-hot column that is set,
        and their number where none is."""
        columns = []
        for places in self.places:
            of_feature = self.raw[:, [*places]]
            unset = np.full((len(of_feature), 1), 0.5)
            with_unset = np.concatenate([of_feature, unset], axis=1)
            columns.append(of_feature[:, 0] if len(places) == 1 else with_unset.argmax(axis=1))
        return np.stack(columns, axis=1)


def sample() -> Candidates:
    """Forty rows of two classes for examples: `a` tells them apart, `b` nearly repeats `a`, `c` is
    noise, and `d` is constant."""
    generator = np.random.default_rng(0)
    y = np.arange(40, dtype=np.int32) % 2
    a = y + generator.normal(0, 0.4, 40)
    raw = np.stack([a, a + generator.normal(0, 0.05, 40), generator.normal(size=40), a * 0], axis=1)
    scaled = (raw - raw.mean(axis=0)) / np.where(raw.std(axis=0) > 0, raw.std(axis=0), 1)
    return Candidates(scaled, raw, y, True, {"a": (0,), "b": (1,), "c": (2,), "d": (3,)})


Choose = Callable[[Candidates], np.ndarray]


def best(scores: np.ndarray, count: int) -> np.ndarray:
    """The features of the highest scores, bool [F], as scikit-learn's SelectKBest chooses them.

    Args:
        scores: of each feature, [F].
        count: how many are chosen.

    Example:
        >>> best(np.array([1.0, 3.0, 2.0]), 2).tolist()
        [False, True, True]
    """
    from sklearn.feature_selection import SelectKBest

    nothing = np.zeros((1, len(scores)))
    fitted = SelectKBest(lambda x, y: scores, k=count).fit(nothing, [0])
    return np.asarray(fitted.get_support())
