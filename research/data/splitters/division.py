"""Division: what a splitter is built to: the parts of each fold, and their sizes."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from research.data.spec import Arrays, DataSpec
from research.data.split import Split
from research.registry import SPLITTERS
from research.run_config import Component


class PartSizes(NamedTuple):
    """The rows of each part of a fold."""

    train: int
    validation: int
    test: int


class Division(Protocol):
    """One way to divide the rows of a data set into folds."""

    def folds(self, spec: DataSpec) -> int:
        """How many folds a data set has. Raises UserError as `sizes` does."""
        ...

    def sizes(self, spec: DataSpec, train_size: int | None = None) -> list[PartSizes]:
        """The sizes of each fold, without reading the data.

        Raises UserError if the data set cannot be divided like this.
        """
        ...

    def splits(
        self, spec: DataSpec, arrays: Arrays, *, seed: int, train_size: int | None = None
    ) -> list[Split]:
        """The rows of each fold, a function of the seed.

        Args:
            spec: what is known of the data set.
            arrays: its rows.
            seed: of everything that is drawn.
            train_size: so many of each fold's training rows; None: all of them.

        Raises:
            UserError: a part would be empty, or lack what it needs.
        """
        ...


def division(split: Component) -> Division:
    """The division that the setting `split` names."""
    built: Division = SPLITTERS.get(split.name).build(**dict(split.options))
    return built


def with_validation(split: Component) -> str:
    """A split of the same kind that has validation rows, as the flag takes it."""
    options = dict(split.options)
    if "validation" not in options:
        return "8:1:1"
    return f"'{Component(split.name, tuple((options | {'validation': 0.1}).items()))}'"


def padded(rows: np.ndarray, size: int) -> np.ndarray:
    """The rows [n] as int32 [size]: -1 stands for the rows that a larger fold has more."""
    return np.pad(rows, (0, size - len(rows)), constant_values=-1).astype(np.int32)


def extremes(folds: Sequence[PartSizes]) -> tuple[PartSizes, PartSizes]:
    """(the most, the fewest) rows of each part over the folds."""
    by_part = [*zip(*folds, strict=True)]
    return PartSizes(*map(max, by_part)), PartSizes(*map(min, by_part))
