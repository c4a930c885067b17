"""Table: a data set as its reader hands it over, before it gets a name and a fingerprint."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from research.data.features.class_shares import ClassShares, first_flaw
from research.data.features.feature import PADDING, Feature
from research.data.features.target import TargetFeature
from research.errors import UserError

# Rows that are looked at together.
BLOCK = 4096


class Rows(Protocol):
    """Examples [N, ...] that can be gone through in their order: an array, or what makes them as
    they are taken."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all examples, [N, ...]."""

    @property
    def dtype(self) -> np.dtype:
        """Of the numbers of an example."""

    def __iter__(self) -> Iterator[np.ndarray]: ...


@dataclasses.dataclass(frozen=True)
class Table:
    """x: [N, H, W, C] uint8, [N, D] or [N, T, D] float32 or [N, T] int32 tokens (with
    `vocabulary`).

    y: [N, ...] int32 (with `classes`) or float32; [N, H, W] of pixels; float32 [N, K] (with K
        `classes`) of the share that each class has. test_size: the last rows are
        its own test split.
    maximum: the largest value that `x` can take, 1 for tables. task: what it is for, where that is
        not classification or regression. note, notes, source, origin, target_origin, series, end,
        numbered, units: as in DataSpec. sequence: the rows are the steps of a series, so that equal
        ones are no copies. inputs, targets: what they are, where x or y is several arrays by name.
        groups: the group of each row, int32 [N]. weights: what each row weighs in the training
        loss, float32 [N]. Raises UserError if they do not belong together.
    """

    x: Any
    y: Any
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    test_size: int = 0
    maximum: float = 1.0
    note: str = ""
    notes: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ()
    task: str = ""
    source: int = 0
    origin: tuple[float, ...] = ()
    target_origin: float = 0.0
    end: str = ""
    series: tuple[int, ...] = ()
    numbered: bool = False
    sequence: bool = False
    inputs: Feature | None = None
    targets: TargetFeature | None = None
    units: tuple[tuple[str, str], ...] = ()
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None

    @property
    def size(self) -> int:
        """N, its rows."""
        return len(next(iter(self.y.values())) if isinstance(self.y, dict) else self.y)

    def __post_init__(self) -> None:
        if flaw := next(self._flaws(), ""):
            raise UserError(f"a table's {flaw}")
        if self._has_shares:
            # The dataclass is frozen for its users; here it is not finished yet.
            object.__setattr__(self, "targets", ClassShares(names=self.classes))
            object.__setattr__(self, "task", self.task or "soft_classification")
            object.__setattr__(self, "classes", ())

    @property
    def _has_shares(self) -> bool:
        """Whether y has a share of each class in place of a class."""
        if not self.classes or not isinstance(self.y, np.ndarray):
            return False
        return self.y.dtype.kind == "f" and self.y.shape[1:] == (len(self.classes),)

    def _flaws(self) -> Iterator[str]:
        """What is wrong with the table, in the order in which later checks rely on earlier ones."""
        for name, values, feature in (("x", self.x, self.inputs), ("y", self.y, self.targets)):
            if feature is not None and feature.arrays:
                yield from _flaws_by_name(name, values, feature.arrays, self.size)
        if self.targets is not None:
            yield from self._flaws_of_named_targets(self.targets)
        if self.inputs is None:
            yield from self._flaws_of_inputs()
            yield from self._flaws_of_sizes()
            yield from self._flaws_of_symbols()
        if self.targets is None:
            yield from self._flaws_of_targets()

    @property
    def _in_memory(self) -> np.ndarray | None:
        """The inputs, unless they are mapped from a file: that is more than memory should hold, and
        was looked at before it was written."""
        if isinstance(self.x, np.ndarray) and not isinstance(self.x, np.memmap):
            return self.x
        return None

    def _flaws_of_inputs(self) -> Iterator[str]:
        if not hasattr(self.x, "dtype"):
            yield f"x is a {type(self.x).__name__}; expected a numpy array"
        if len(self.x.shape) < 2 or 0 in self.x.shape[1:]:
            yield f"x has the shape {list(self.x.shape)}; expected a row for each example, [N, D]"
        if self.x.dtype.kind not in "biuf":
            yield f"x is {self.x.dtype}; expected float32, uint8 or int32"
        # NaN is a missing value, and may be filled; infinity would make every mean infinite.
        x = self._in_memory
        if x is not None and x.dtype.kind == "f" and np.isinf(x).any():
            yield f"x is infinite in row {np.argwhere(np.isinf(x))[0, 0]}"

    def _flaws_of_sizes(self) -> Iterator[str]:
        rows, *shape = self.x.shape
        if rows != self.size:
            yield f"x has {rows} rows, and its y {self.size}"
        if not 0 <= self.test_size < rows:
            yield f"test_size={self.test_size} leaves none of its {rows} rows to train on"
        if self.features and len(self.features) != shape[-1]:
            yield f"features are {len(self.features)} names, and its x has {shape[-1]} columns"

    def _flaws_of_targets(self) -> Iterator[str]:
        if not hasattr(self.y, "dtype"):
            yield f"y is a {type(self.y).__name__}; expected a numpy array"
        if self._has_shares:
            if flaw := first_flaw(self.y):
                yield flaw
            return
        if self.classes and self.y.ndim > 1 and not self.task:
            yield (
                f"y is {list(self.y.shape)}, a class at each place; say its task:"
                " step_classification, segmentation"
            )
        if self.classes:
            yield from _beyond(
                "y", self.y, self.classes, "classes", PADDING if self.y.ndim > 1 else 0
            )
        elif self.y.dtype.kind not in "biuf":
            yield f"y is {self.y.dtype}; expected float32, or int32 with classes"
        elif self.y.ndim == 1 and np.isnan(self.y).any():
            yield f"y has no value in row {np.isnan(self.y).argmax()}"

    def _flaws_of_named_targets(self, targets: TargetFeature) -> Iterator[str]:
        if not self.task:
            yield f"targets are {targets.describe()}; say the task that reads them"
        for name, part in targets.parts.items():
            values = self.y[name]
            like = part.placeholder()
            if values.shape[1:] != like.shape:
                yield f"y['{name}'] is {list(values.shape)}; expected [N{_axes(like.shape)}]"
            if part.classes:
                yield from _beyond(f"y['{name}']", values, part.classes, "classes", 0)
            elif values.dtype.kind == "f" and np.isnan(values).any():
                yield f"y['{name}'] has no value in row {np.argwhere(np.isnan(values))[0, 0]}"

    def _flaws_of_symbols(self) -> Iterator[str]:
        if self.end and self.end not in self.vocabulary:
            yield f"end is {self.end!r}, which is none of its symbols"
        if self.vocabulary and self._in_memory is not None:
            yield from _beyond("x", self._in_memory, self.vocabulary, "symbols", PADDING)


def is_even(x: np.ndarray, y: np.ndarray, tokens: bool) -> bool:
    """Whether no sequence ends early and all rows have their targets at the same positions.

    Reads a block of rows at a time. Inputs that are numbers are not looked at.

    Args:
        x: inputs [N, T, ...].
        y: targets [N, ...].
        tokens: whether x is tokens, which padding may follow.
    """
    first = missing(y[:1])
    if first.all():
        return False
    for begin in range(0, len(y), BLOCK):
        rows = slice(begin, begin + BLOCK)
        if tokens and (x[rows] == PADDING).any():
            return False
        if (missing(y[rows]) != first).any():
            return False
    return True


def missing(y: np.ndarray) -> np.ndarray:
    """Where targets [N, ...] are not there: NaN of numbers, PADDING of classes."""
    return np.isnan(y) if y.dtype.kind == "f" else y == PADDING


def _flaws_by_name(
    name: str, arrays: Mapping[str, np.ndarray], expected: tuple[str, ...], rows: int
) -> Iterator[str]:
    """Whether arrays by name are others than a feature has, or are not equally long."""
    if not isinstance(arrays, Mapping) or set(arrays) != set(expected):
        given = list(arrays) if isinstance(arrays, Mapping) else f"a {type(arrays).__name__}"
        yield f"{name} is {given}; expected the arrays {', '.join(expected)} by name"
    for part, array in arrays.items():
        if len(array) != rows:
            yield f"{name}['{part}'] has {len(array)} rows, and its y {rows}"


def _axes(shape: tuple[int, ...]) -> str:
    return "".join(f", {size}" for size in shape)


def _beyond(
    name: str, values: np.ndarray, names: tuple[str, ...], kind: str, least: int
) -> Iterator[str]:
    """Whether one of the values is no place in `names`."""
    if values.dtype.kind not in "iu":
        yield (
            f"{name} is {values.dtype}, and it has {kind}; expected int32, the place of each among"
            " them"
        )
    elif values.min() < least or values.max() >= len(names):
        wrong = values.min() if values.min() < least else values.max()
        yield (
            f"{name} has a {wrong}; expected {least} to {len(names) - 1}, for its {len(names)}"
            f" {kind}"
        )
