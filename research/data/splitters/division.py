"""Division: what a splitter is built to: the parts of each fold, their sizes and their numbers."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from research.data.spec import Arrays, DataSpec
from research.data.split import Split
from research.errors import UserError
from research.registry import SPLITTERS, Splitter
from research.run_config import Component, RunConfig


class PartSizes(NamedTuple):
    """The rows of each part of a fold."""

    train: int
    validation: int
    test: int


@dataclasses.dataclass(frozen=True)
class FoldNumbers:
    """The folds of a split, by number: first those that test, then the inner folds of the first of
    them, of the second and so on.

    count: how many folds test. inner: how many inner folds each of them has.

    Example:
        >>> folds = FoldNumbers(count=2, inner=3)
        >>> folds.total, folds.inner_of(1), folds.outer_of(7), folds.outer_of(1)
        (8, (5, 6, 7), 1, None)
    """

    count: int
    inner: int = 0

    @classmethod
    def among(cls, total: int, inner: int) -> "FoldNumbers":
        """The numbers of so many folds in all, with so many inner ones per fold that tests."""
        return cls(total // (1 + inner), inner)

    @property
    def total(self) -> int:
        """How many folds there are, inner ones included."""
        return self.count * (1 + self.inner)

    @property
    def inner_numbers(self) -> range:
        """The numbers of all inner folds."""
        return range(self.count, self.total)

    def inner_of(self, fold: int) -> tuple[int, ...]:
        """The numbers of the inner folds of one that tests."""
        return tuple(self.inner_numbers[fold * self.inner : (fold + 1) * self.inner])

    def outer_of(self, number: int) -> int | None:
        """The fold whose inner fold has this number; None for a fold that tests."""
        if number not in self.inner_numbers:
            return None
        return (number - self.count) // self.inner


class Division(Protocol):
    """One way to divide the rows of a data set into folds."""

    def __hash__(self) -> int:
        """It is a key of caches, so equal divisions divide alike."""
        ...

    @property
    def varies(self) -> bool:
        """Whether the seed decides how many rows test, so that lanes of a program differ in it."""
        ...

    @property
    def inner(self) -> int:
        """How many inner folds each fold has, on which its settings are chosen."""
        ...

    def folds(self, spec: DataSpec) -> int:
        """How many folds a data set has, without inner ones. Raises UserError as `sizes` does."""
        ...

    def sizes(
        self, spec: DataSpec, train_size: int | None = None, seed: int = 0
    ) -> list[PartSizes]:
        """The sizes of each fold, then those of the inner folds of the first, of the second and so
        on, without reading the data.

        Args:
            spec: what is known of the data set.
            train_size: as of `splits`.
            seed: as of `splits`; it matters only where the division `varies`.

        Raises:
            UserError: the data set cannot be divided like this.
        """
        ...

    def splits(
        self, spec: DataSpec, arrays: Arrays, *, seed: int, train_size: int | None = None
    ) -> list[Split]:
        """The rows of each fold, in the order of `sizes`, a function of the seed.

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
    return _built(SPLITTERS.get(split.name), split.options)


# Cached, so that a division that remembers its sizes is asked for them again.
@functools.lru_cache(maxsize=256)
def _built(entry: Splitter, options: tuple[tuple[str, Any], ...]) -> Division:
    built: Division = entry.build(**dict(options))
    return built


def fold_numbers(split: Component, spec: DataSpec) -> FoldNumbers:
    """The folds of a split, by number. Raises UserError as `Division.sizes` does.

    Args:
        split: the setting.
        spec: what is known of the data set.
    """
    how = division(split)
    return FoldNumbers(how.folds(spec), how.inner)


def check_seed(config: RunConfig) -> None:
    """Raises UserError if a config that is not completed yet seeds a split that draws nothing."""
    entry = SPLITTERS.get(config.split.name)
    draws = entry.seeded or any(config.split[name] for name in entry.drawing)
    # 0 is what a completed config has.
    if config.split_seed and not draws and config.train_size is None:
        raise UserError(
            f"split_seed has no effect: split={config.split} is the same for every seed; leave it"
            " out"
        )


def check_fold(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError unless the config has one of the folds of its split."""
    count = fold_numbers(config.split, spec).total
    if count == 1 and config.fold is not None:
        raise UserError(f"fold={config.fold}: split={config.split} has no folds; leave fold out")
    if count > 1 and (config.fold is None or config.fold >= count):
        raise UserError(
            f"split={config.split} has the folds 0 to {count - 1}, and fold is"
            f" {'none' if config.fold is None else config.fold}"
        )


def chooses_for(config: RunConfig, spec: DataSpec) -> int | None:
    """The fold whose settings the config's inner fold chooses; None where it is no inner fold.

    Args:
        config: has the fold.
        spec: the facts of the data set.
    """
    return None if config.fold is None else fold_numbers(config.split, spec).outer_of(config.fold)


def check_groups(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if a split would put rows of one group into training and test rows."""
    if spec.group_counts and not SPLITTERS.get(config.split.name).grouped:
        raise UserError(
            f"split={config.split} puts rows of one group (group={config.dataset['group']}) into"
            " training and test rows; use group_kfold(5), or leave --group out"
        )


def outside_the_folds(split: Component, spec: DataSpec) -> np.ndarray:
    """The rows of a data set's own test split, int32, where no fold has them; else none.

    Args:
        split: the setting.
        spec: what is known of the data set.
    """
    if not spec.test_size or spec.inputs.collected or division(split).folds(spec) == 1:
        return np.zeros(0, np.int32)
    return np.arange(spec.size - spec.test_size, spec.size, dtype=np.int32)


def with_validation(split: Component) -> str:
    """A split of the same kind that has validation rows, as the flag takes it."""
    options = dict(split.options)
    if "validation" not in options:
        return "8:1:1"
    return f"'{Component(split.name, tuple((options | {'validation': 0.1}).items()))}'"


def padded(rows: np.ndarray, size: int) -> np.ndarray:
    """The rows [n] as int32 [size]: -1 stands for the rows that a larger fold has more."""
    return np.pad(rows, (0, size - len(rows)), constant_values=-1).astype(np.int32)


def extremes(folds: Sequence[PartSizes], varies: bool = False) -> tuple[PartSizes, PartSizes]:
    """(the most, the fewest) rows of each part over the folds.

    Args:
        folds: their sizes.
        varies: whether any number of rows may test, as many as there are.
    """
    by_part = [*zip(*folds, strict=True)]
    most, fewest = PartSizes(*map(max, by_part)), PartSizes(*map(min, by_part))
    if varies:
        return most._replace(test=max(map(sum, folds))), fewest._replace(test=1)
    return most, fewest


def shared_sizes(
    folds: Sequence[PartSizes], batch: int, pads: bool, varies: bool = False
) -> list[tuple[PartSizes, PartSizes]]:
    """For each fold, the `extremes` of the folds that share its program.

    All lanes of a program make the same number of updates per epoch. Folds with the same number
    share a program, and the smaller ones are padded. Where the rows that fill no batch are dropped,
    all folds share one if their training rows differ by at most a batch: none of them loses more
    than one update per epoch. Inner folds, which test no rows, share no program with folds that do.

    Args:
        folds: the sizes of all folds.
        batch: examples per update; 0: all of them, and an epoch is one update.
        pads: whether the rows that fill no batch are a last, padded one.
        varies: as of `extremes`.
    """
    rows = [sizes.train for sizes in folds]
    if not batch or (not pads and max(rows) - min(rows) <= batch):
        updates = [1] * len(rows)
    else:
        updates = [-(-count // batch) if pads else count // batch for count in rows]
    # A program measures the same parts in all of its lanes.
    keys = [
        (count, sizes.validation > 0, sizes.test > 0)
        for count, sizes in zip(updates, folds, strict=True)
    ]
    alike: dict[tuple[int, bool, bool], list[PartSizes]] = {}
    for key, sizes in zip(keys, folds, strict=True):
        alike.setdefault(key, []).append(sizes)
    bounds = {key: extremes(sharing, varies) for key, sharing in alike.items()}
    return [bounds[key] for key in keys]
