"""What a data set is (DataSpec), and where its arrays come from (Source)."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data.one_hot import OneHot
from research.data.windows import Windows
from research.errors import UserError

# A token, or a class, where a sequence is over; always at its end. A number that is not there is
# NaN.
PADDING = -1


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """What is known of a data set without reading its arrays.

    shape: of one example, (H, W, C) of an image, (D,) of a table, (T, D) of a series or (T,) of
        tokens. classes: their names, () for regression. features: the D column names, () for
        images. maximum: what scaling `none` divides by (1 for tables).
    size: all rows, its own test split of `test_size` rows included. fingerprint: of the content,
        wherever it lies.
    split_by_seed: the split varies with the run's seed by default. impute: how to fill the NaNs of
        `x`, "" if there are none. note: what a reader of a table made from it must know.
    notes: how the data was read, where there was a choice; each is said before training and under a
        table, and none is part of the fingerprint. vocabulary: the symbols, if the inputs are
        tokens; these are never scaled or noised.
    target_shape: of one example's target, () of one label or value, (T,) of one at each step.
        windows: rows are windows of one long sequence, one at each place, which a split cuts into
        stretches. burn_in: steps at a window's start that have no target, but warm up what goes on
        from them. source: how many of the first tokens are given, where the others are the answer
        to them, one place late, behind a token that starts it. parts: where the sequence comes in
        parts of its own, the lengths of train, validation and test.
    padded: series of numbers are over before their last step, NaN from there on. reconstructs: the
        targets are the inputs, as they are scaled, and the labels are not read. origin: what was
        subtracted from each column before it became float32, one number for windows, () where
        nothing was; target_origin: the same for the target (see origin.py). What is shown in the
        data's units adds it; fitted scalings, losses and metrics do not depend on it.
    kinds: of a table that is stored as OneHot, as there. series: of several series that lie one
        after another, the length of each, () of one. even: known of arrays that were looked at: no
        sequence of tokens is over before its last step, and all examples have their targets at the
        same places. end: the symbol that ends an answer which is shorter than others, "" if answers
        are equally long. missing: (row, column) of the first number that is missing. numbered: the
        classes are numbers that were taken for classes.
    """

    name: str
    task: str
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    features: tuple[str, ...]
    maximum: float
    size: int
    test_size: int
    fingerprint: str
    split_by_seed: bool = False
    note: str = ""
    notes: tuple[str, ...] = ()
    impute: str = ""
    vocabulary: tuple[str, ...] = ()
    target_shape: tuple[int, ...] = ()
    windows: bool = False
    parts: tuple[int, ...] = ()
    source: int = 0
    reconstructs: bool = False
    burn_in: int = 0
    padded: bool = False
    kinds: tuple[int, ...] = ()
    origin: tuple[float, ...] = ()
    target_origin: float = 0.0
    even: bool = False
    end: str = ""
    series: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()
    numbered: bool = False

    @property
    def channels(self) -> tuple[int, ...]:
        """The shape of what scales an example: its last axis; () for windows of one series, and for
        tokens."""
        return () if self.vocabulary or self.windows else self.shape[-1:]

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of windows: how many values each series has."""
        return self.series or (self.size + self.shape[0],)

    @property
    def stratified(self) -> bool:
        """Whether a split gives every part each class in its share of the rows."""
        return bool(self.classes) and not self.target_shape


class Arrays(NamedTuple):
    """x: [N, H, W, C] uint8 (images), [N, D] or [N, T, D] float32 (tables, series) or [N, T] int32
    (tokens).

    y: [N, ...] int32 classes or float32 values. own_test: [T] int32, the rows of its own test
        split. Overlapping windows of one sequence are Windows, and a table with categories is
        OneHot; both are indexed as arrays are.
    """

    x: Any
    y: Any
    own_test: np.ndarray


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set ready to read: `directory` holds its decoded arrays (see array_cache.py).

    names: what each row is called, [N], where that is not its number.
    """

    spec: DataSpec
    directory: Path
    names: Sequence[str] = ()

    def arrays(self) -> Arrays:
        """The arrays, memory-mapped and read-only. Raises UserError if the decoded copy is
        damaged."""
        spec = self.spec
        try:
            if spec.windows:
                return windowed(
                    np.load(self.directory / "x.npy").reshape(-1), spec.shape[0], spec.burn_in
                )
            x, y = (
                np.asarray(np.load(self.directory / f"{part}.npy", mmap_mode="r")) for part in "xy"
            )
        except (OSError, ValueError) as error:
            raise UserError(
                f"the decoded copy in {self.directory} is damaged ({error}); delete that folder"
            ) from None
        stored: Any = OneHot(x, spec.kinds) if spec.kinds else x
        return Arrays(stored, y, np.arange(spec.size - spec.test_size, spec.size, dtype=np.int32))


def windowed(sequence: np.ndarray, context: int, burn_in: int = 0) -> Arrays:
    """Every window of a sequence [M], and as targets what follows each of its places but for the
    burn-in."""
    x, y = (
        Windows(sequence, context, len(sequence) - context, first, first * burn_in)
        for first in (0, 1)
    )
    return Arrays(x, y, np.zeros(0, np.int32))
