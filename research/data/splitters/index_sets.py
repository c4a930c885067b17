"""Index sets: a splitter made of a function `f(rows, labels, groups, seed, **options)`."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np

from research import rng
from research.data.spec import Arrays, DataSpec
from research.data.split import Split, draw, reduced
from research.data.splitters.division import FoldNumbers, PartSizes
from research.errors import ShapeError, UserError
from research.options import Range, format_value, options_of
from research.registry import Splitter
from research.words import first_sentence

# (training, validation, test) of a fold: numbers of rows.
Parts = tuple[np.ndarray, np.ndarray, np.ndarray]
Function = Callable[..., Sequence[Parts]]
GIVEN = ("rows", "labels", "groups", "seed")
ValidationShare = Annotated[
    float,
    Range(0, 1, high_open=True),
    "share of each fold's training rows that validate",
]


@dataclasses.dataclass(frozen=True)
class IndexSets:
    """The division by a function.

    The test rows of a data set that has its own stay out of the folds.

    name: how the setting is written, for errors. function: `f(rows, labels, groups, seed)` returns
        the parts of each fold. rows: how many there are. labels: int [rows], the classes, or zeros
        where targets are numbers or there are several per row. groups: int [rows], or None where
        the function does not divide groups.
    varies: as of Division. grouped: whether the function divides groups. inner: as of Division.
    """

    name: str
    function: Function
    varies: bool = False
    grouped: bool = False
    inner: int = 0

    def folds(self, spec: DataSpec) -> int:
        """As `Division.folds`."""
        return FoldNumbers.among(len(self.sizes(spec)), self.inner).count

    def sizes(
        self, spec: DataSpec, train_size: int | None = None, seed: int = 0
    ) -> list[PartSizes]:
        """As `Division.sizes`: those of rows of one class, which all labels must have.

        Args:
            spec: the facts of the data set.
            train_size: how many training rows are kept in each fold; None: all.
            seed: seed of the folds.
        """
        rows = self._rows(spec)
        if not self.grouped:
            return [*_sizes(self, rows, train_size, seed if self.varies else 0)]
        if wrong := needs_groups(None, spec):
            raise UserError(wrong)
        try:
            return [
                *_sizes_of_groups(self, spec.group_counts, len(spec.targets.classes), train_size)
            ]
        except ScarceClass as error:
            raise self._scarce(error, spec.targets.classes) from None

    def splits(
        self, spec: DataSpec, arrays: Arrays, *, seed: int, train_size: int | None = None
    ) -> list[Split]:
        """As `Division.splits`.

        Args:
            spec: the facts of the data set.
            arrays: its inputs and targets, [N, ...] each.
            seed: seed of the folds.
            train_size: how many training rows are kept in each fold; None: all.
        """
        rows = self._rows(spec)
        labels = np.zeros(rows, np.int64)
        if spec.targets.stratified:
            labels = np.asarray(arrays.y[:rows], np.int64)
        called = self._called(labels, arrays.groups, seed, spec.targets.classes)
        folds = self._checked(rows, called)
        splits = []
        for fold, (train, validation, test) in enumerate(folds):
            train = drawn_train(train, labels, train_size, seed, fold)
            splits.append(Split(*(np.sort(part) for part in (train, validation, test))))
        self._check_sizes(splits, self.sizes(spec, train_size, seed))
        return splits

    def _rows(self, spec: DataSpec) -> int:
        """How many rows are divided: those of the data set's own test split are its last."""
        if spec.windows:
            raise UserError(
                f"split={self.name} divides rows, and {spec.name} is one long sequence: windows in"
                " different folds would overlap; give ratios, as 8:1:1"
            )
        return spec.size - spec.test_size

    def _called(
        self, labels: np.ndarray, groups: np.ndarray | None, seed: int, classes: Sequence[str]
    ) -> Sequence[Parts]:
        """The function's folds. A class that it names by its number is named as the data have
        it."""
        try:
            return self.function(len(labels), labels, groups if self.grouped else None, seed)
        except ScarceClass as error:
            raise self._scarce(error, classes) from None

    def _scarce(self, error: "ScarceClass", classes: Sequence[str]) -> ShapeError:
        """The error with the name of the class."""
        name = f"'{classes[error.label]}'" if classes else str(error.label)
        return ShapeError(f"split={self.name}: class {name} {error}")

    def _checked(self, rows: int, folds: Sequence[Parts]) -> list[tuple[np.ndarray, ...]]:
        """The folds as arrays of int32. Raises UserError for parts that share a row or are none."""
        checked: list[tuple[np.ndarray, ...]] = []
        for fold, parts in enumerate(folds):
            arrays = tuple(np.asarray(part, np.int32).reshape(-1) for part in parts)
            three = UserError(
                f"split={self.name}: fold {fold} must be three parts that share no row"
                " (training, validation, test)"
            )
            if len(arrays) != 3:
                raise three
            together = np.concatenate(arrays)
            if not len(arrays[0]) or together.min() < 0 or together.max() >= rows:
                raise ShapeError(
                    f"split={self.name}: the rows of fold {fold} must be 0 to {rows - 1}, and some"
                    " of them training rows"
                )
            if _share_rows(arrays, rows):
                raise three
            checked.append(arrays)
        if not checked:
            raise UserError(f"split={self.name} of {rows} rows has no fold")
        self._check_inner(checked)
        return checked

    def _check_inner(self, folds: Sequence[tuple[np.ndarray, ...]]) -> None:
        """Raises UserError if an inner fold reads a row that its fold tests, or tests any."""
        if not self.inner:
            return
        numbers = FoldNumbers.among(len(folds), self.inner)
        for fold in range(numbers.count):
            known = np.concatenate(folds[fold][:2])
            for number in numbers.inner_of(fold):
                train, validation, test = folds[number]
                if len(test) or len(np.setdiff1d(np.concatenate([train, validation]), known)):
                    raise UserError(
                        f"split={self.name}: the inner folds of fold {fold} must divide its"
                        " training rows, and test none"
                    )

    def _check_sizes(self, splits: Sequence[Split], sizes: Sequence[PartSizes]) -> None:
        """Raises UserError unless the folds are as large as `sizes` says."""
        real = [PartSizes(*map(len, split)) for split in splits]
        if real != [*sizes]:
            raise UserError(
                f"split={self.name}: the sizes of its folds depend on the labels or the seed; they"
                " must be functions of the number of rows alone"
            )


@functools.lru_cache(maxsize=256)
def _sizes(
    division: IndexSets, rows: int, train_size: int | None, seed: int
) -> tuple[PartSizes, ...]:
    """The sizes of each fold of so many rows; remembered, since each fold's run asks for all."""
    folds = division._checked(rows, division.function(rows, np.zeros(rows, np.int64), None, seed))
    return _part_sizes(folds, train_size)


@functools.lru_cache(maxsize=64)
def _sizes_of_groups(
    division: IndexSets, counts: tuple[int, ...], classes: int, train_size: int | None
) -> tuple[PartSizes, ...]:
    """The sizes of each fold of so many rows in each group and class."""
    labels, groups = rows_of_counts(counts, classes)
    folds = division._checked(len(labels), division.function(len(labels), labels, groups, 0))
    return _part_sizes(folds, train_size)


def rows_of_counts(counts: Sequence[int], classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(the class, the group) of each of so many rows, [N]. Groups are divided by these counts
    alone, so splits of such rows have the sizes of those of the data.

    Args:
        counts: the rows of each group and class, as DataSpec has them.
        classes: how many there are; 0 for numbers, whose class is 0.
    """
    table = np.array(counts).reshape(-1, max(classes, 1))
    labels = np.repeat(np.arange(table.shape[1]), table.sum(axis=0))
    groups = np.concatenate([np.repeat(np.arange(len(table)), column) for column in table.T])
    return labels, groups


def _share_rows(parts: Sequence[np.ndarray], rows: int) -> bool:
    """Whether parts share a row, or one twice. A row may train more than once."""
    # Marked instead of sorted: leaving one of N rows out has N folds of N rows.
    train, *others = parts
    marked = np.zeros(rows, bool)
    marked[train] = True
    distinct = np.count_nonzero(marked) + sum(map(len, others))
    for part in others:
        marked[part] = True
    return bool(np.count_nonzero(marked) < distinct)


def _part_sizes(
    folds: Sequence[tuple[np.ndarray, ...]], train_size: int | None
) -> tuple[PartSizes, ...]:
    return tuple(
        PartSizes(reduced(len(train), train_size), len(validation), len(test))
        for train, validation, test in folds
    )


def needs_groups(view: object, spec: DataSpec) -> str | None:
    """The data set has groups: a csv file with --group=COLUMN."""
    if spec.group_counts:
        return None
    return (
        f"the split divides groups of rows, and {spec.name} has none; name the column of a csv file"
        " that says which rows belong together, as --split='group_kfold(5,group=COLUMN)'"
    )


class ScarceClass(ShapeError):
    """A class has too few rows; `label` is its number, and the message goes on behind its name."""

    def __init__(self, label: int, problem: str) -> None:
        super().__init__(problem)
        self.label = label


def splitter(function: Function, paper: str = "", varies: bool = False, **entry: Any) -> Splitter:
    """The entry of a function; its docstring's first sentence is the summary, its further
    parameters are the options.

    Args:
        function: see IndexSets.
        paper: where the protocol was published.
        varies: whether the seed decides how many rows test.
        **entry: further fields of the entry.
    """
    # The sizes of the parts may depend on every option, so none of them is a lane's value.
    options = tuple(
        dataclasses.replace(option, shapes_program=True) for option in options_of(function, GIVEN)
    )
    return Splitter(
        function.__name__,
        functools.partial(
            _division, function, varies, entry.get("grouped", False), entry.get("inner", "")
        ),
        first_sentence(function.__doc__ or "").rstrip("."),
        paper,
        options=options,
        **entry,
    )


def _division(
    function: Function, varies: bool, grouped: bool, inner: str, /, **options: Any
) -> IndexSets:
    chosen = ",".join(f"{name}={format_value(value)}" for name, value in options.items())
    return IndexSets(
        f"{function.__name__}({chosen})",
        functools.partial(function, **options),
        varies,
        grouped,
        options[inner] if inner else 0,
    )


def drawn_train(
    train: np.ndarray, labels: np.ndarray, train_size: int | None, seed: int, fold: int
) -> np.ndarray:
    """Draws `train_size` of the training rows of a fold, so that each class has its share.

    Args:
        train: the training rows.
        labels: classes of all rows.
        train_size: how many of them are kept; None: all.
        seed: seed of the draw.
        fold: which fold.
    """
    size = reduced(len(train), train_size)
    if size == len(train):
        return train
    # A stream per fold: what one of them draws shifts no other's.
    _, drawn = draw(train, labels, size, rng.host(seed, f"train_size of fold {fold}"))
    return drawn


def drawn_validation(
    train: np.ndarray, labels: np.ndarray, share: float, seed: int, fold: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draws validation rows from the training rows of a fold, so that each class has its share.

    Args:
        train: the training rows.
        labels: classes of all rows.
        share: the share of the training rows that validate.
        seed: seed of the draw.
        fold: which fold.

    Returns:
        The other training rows, and the validation rows.
    """
    size = int(len(train) * share + 0.5)
    if not size:
        return train, train[:0]
    return draw(train, labels, size, rng.host(seed, f"validation of fold {fold}"))
