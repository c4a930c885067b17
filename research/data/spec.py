"""What a data set is (DataSpec), and where its arrays come from (Source)."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data.features.feature import Feature
from research.data.features.stored import from_flat, from_json, to_json, with_tuples
from research.data.features.target import TargetFeature
from research.data.windows import Windowing, Windows
from research.errors import UserError

# The task of data without a target, which only tasks that read none can take.
UNLABELLED = "unlabelled"


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """What is known of a data set without reading its arrays.

    inputs, targets: what they are (research/data/features).
    size: all rows, its own test split of `test_size` rows included. fingerprint: of the content,
        wherever it lies.
    note: what a reader of a table made from it must know.
    notes: how the data was read, where there was a choice; each is said before training and under a
        table, and none is part of the fingerprint.
    windows: how rows are windows of long sequences, None where they are not.
    units: of columns whose numbers may be written with a unit, which it is (csv_numbers.signed).
    group_counts: how many rows each group has of each class, flat; see csv_groups.counts_of. ()
        where rows have no groups.
    weighted: whether rows have weights in the training loss.
    """

    name: str
    task: str
    inputs: Feature
    targets: TargetFeature
    size: int
    test_size: int
    fingerprint: str
    note: str = ""
    notes: tuple[str, ...] = ()
    windows: Windowing | None = None
    units: tuple[tuple[str, str], ...] = ()
    group_counts: tuple[int, ...] = ()
    weighted: bool = False

    def view(self, arrays: "Arrays") -> "Arrays":
        """A data set's arrays as its features read them."""
        return arrays._replace(x=self.inputs.view(arrays.x))

    @property
    def split_by_seed(self) -> bool:
        """Whether the split follows the run's seed by default: it does unless there are test rows
        that no split draws."""
        return not self.test_size


def spec_of(stored: Mapping[str, Any]) -> DataSpec:
    """A DataSpec from the fields that `stored_spec` returns, or from flat ones as decoded copies
    and older runs have them."""
    known = {field.name for field in dataclasses.fields(DataSpec)}
    # JSON has lists for tuples.
    stored = {
        **stored,
        "units": tuple((name, unit) for name, unit in stored.get("units", ())),
        "group_counts": tuple(stored.get("group_counts", ())),
    }
    if "shape" in stored:
        fields = from_flat(stored)
        return DataSpec(**{name: value for name, value in fields.items() if name in known})
    windows = stored["windows"]
    features = {name: from_json(stored[name]) for name in ("inputs", "targets")}
    notes = tuple(stored["notes"])
    windowing = None if windows is None else Windowing(**with_tuples(windows))
    fields = {**stored, **features, "notes": notes, "windows": windowing}
    return DataSpec(**{name: value for name, value in fields.items() if name in known})


def stored_spec(spec: DataSpec) -> dict[str, Any]:
    """A DataSpec as JSON has it."""
    features = {name: to_json(getattr(spec, name)) for name in ("inputs", "targets")}
    return {**dataclasses.asdict(spec), **features}


class Arrays(NamedTuple):
    """x: the inputs, an array or a dict of arrays by name: [N, H, W, C] uint8 (images), [N, D] or
    [N, T, D] float32 (tables, series) or [N, T] int32 (tokens).

    y: the targets, likewise: [N, ...] int32 classes or float32 values. own_test: [T] int32, the
        rows of its own test split. Overlapping windows of one sequence are Windows, and a table
        with categories is OneHot; both are indexed as arrays are. groups: int32 [N], the group of
        each row, or None. weights: float32 [N], what each row weighs in the training loss, or None.
    """

    x: Any
    y: Any
    own_test: np.ndarray
    groups: np.ndarray | None = None
    weights: np.ndarray | None = None


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
                    np.load(self.directory / "x.npy").reshape(-1),
                    spec.inputs.shape[0],
                    spec.windows.burn_in,
                )
            x = self._stored("x", spec.inputs)
            y = self._stored("y", spec.targets)
            groups, weights = (
                np.load(self.directory / f"{name}.npy") if there else None
                for name, there in (("groups", spec.group_counts), ("weights", spec.weighted))
            )
        except (OSError, ValueError) as error:
            raise UserError(
                f"the decoded copy in {self.directory} is damaged ({error}); delete that folder"
            ) from None
        own_test = np.arange(spec.size - spec.test_size, spec.size, dtype=np.int32)
        return Arrays(spec.inputs.loaded(x), y, own_test, groups, weights)

    def _stored(self, name: str, feature: Feature) -> Any:
        def mapped(file: str) -> np.ndarray:
            return np.asarray(np.load(self.directory / file, mmap_mode="r"))

        if not feature.arrays:
            return mapped(f"{name}.npy")
        return {part: mapped(f"{name}_{part}.npy") for part in feature.arrays}


def windowed(sequence: np.ndarray, context: int, burn_in: int = 0) -> Arrays:
    """Every window of a sequence, and as targets the value after each position but the burn-in.

    Args:
        sequence: [M], numbers or tokens.
        context: values per window, T.
        burn_in: first steps of a window without a target.

    Returns:
        Arrays with x [M - T, T] and y [M - T, T - burn_in], which share the sequence's memory.
    """
    x, y = (
        Windows(sequence, context, len(sequence) - context, first, first * burn_in)
        for first in (0, 1)
    )
    return Arrays(x, y, np.zeros(0, np.int32))
