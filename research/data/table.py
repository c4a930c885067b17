"""Table: a data set as its reader hands it over, before it gets a name and a fingerprint."""

import dataclasses
from collections.abc import Iterator
from typing import Protocol

import numpy as np


class Rows(Protocol):
    """Examples [N, ...] that can be gone through in their order: an array, or what makes them as they are taken."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype: ...

    def __iter__(self) -> Iterator[np.ndarray]: ...


@dataclasses.dataclass(frozen=True)
class Table:
    """x: [N, H, W, C] uint8, [N, D] or [N, T, D] float32 or [N, T] int32 tokens (with `vocabulary`).

    y: [N, ...] int32 (with `classes`) or float32; [N, H, W] of pixels. test_size: the last rows are its own test split.
    maximum: the largest value that `x` can take, 1 for tables. task: what it is for, where that is not classification
    or regression. source: as in DataSpec.
    """

    x: Rows
    y: np.ndarray
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    test_size: int = 0
    maximum: float = 1.0
    note: str = ""
    vocabulary: tuple[str, ...] = ()
    task: str = ""
    source: int = 0
