"""What a data set is (DataSpec), and where its arrays come from (Source)."""

import dataclasses
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from research.errors import UserError

Task = Literal["classification", "regression"]


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """What is known of a data set without reading its arrays.

    shape: of one example, (H, W, C) of an image or (D,) of a table. classes: their names, () for regression.
    features: the D column names, () for images. maximum: what scaling `none` divides by (1 for tables).
    size: all rows, its own test split of `test_size` rows included. fingerprint: of the content, wherever it lies.
    split_by_seed: the split varies with the run's seed by default. impute: how to fill the NaNs of `x`, "" if
    there are none. note: what a reader of a table made from it must know.
    """

    name: str
    task: Task
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    features: tuple[str, ...]
    maximum: float
    size: int
    test_size: int
    fingerprint: str
    split_by_seed: bool = False
    note: str = ""
    impute: str = ""


class Arrays(NamedTuple):
    """x: [N, H, W, C] uint8 (images) or [N, D] float32 (tables); y: [N] int32 classes or float32 values.

    own_test: [T] int32, the rows of its own test split.
    """

    x: np.ndarray
    y: np.ndarray
    own_test: np.ndarray


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set ready to read: `directory` holds its decoded arrays (see decoded.py)."""

    spec: DataSpec
    directory: Path

    def arrays(self) -> Arrays:
        """The arrays, memory-mapped and read-only. Raises UserError if the decoded copy is damaged."""
        spec = self.spec
        try:
            x, y = (np.asarray(np.load(self.directory / f"{part}.npy", mmap_mode="r")) for part in "xy")
        except (OSError, ValueError) as error:
            raise UserError(f"the decoded copy in {self.directory} is damaged ({error}); delete that folder") from None
        return Arrays(x, y, np.arange(spec.size - spec.test_size, spec.size, dtype=np.int32))
