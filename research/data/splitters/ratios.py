"""Ratios: `8:1:1`, the shares of training, validation and test rows, stratified by class."""

import dataclasses
import functools

from research.data.spec import Arrays, DataSpec
from research.data.split import Split, parse_split, split_of, split_sizes
from research.data.splitters.division import PartSizes
from research.registry import SPLITTERS, Splitter


@dataclasses.dataclass(frozen=True)
class Ratios:
    """A division into one fold, in these ratios."""

    ratios: tuple[int, ...]
    varies = False
    inner = 0

    def folds(self, spec: DataSpec) -> int:
        """One, of any data set."""
        return 1

    def sizes(
        self, spec: DataSpec, train_size: int | None = None, seed: int = 0
    ) -> list[PartSizes]:
        """As `Division.sizes`.

        Args:
            spec: the facts of the data set.
            train_size: how many training rows are kept; None: all.
            seed: of no effect.
        """
        return [PartSizes(*split_sizes(spec, self.ratios, train_size))]

    def splits(
        self, spec: DataSpec, arrays: Arrays, *, seed: int, train_size: int | None = None
    ) -> list[Split]:
        """As `Division.splits`.

        Args:
            spec: the facts of the data set.
            arrays: its inputs and targets, [N, ...] each.
            seed: seed of the split.
            train_size: how many training rows are kept; None: all.
        """
        return [split_of(spec, arrays, self.ratios, seed=seed, train_size=train_size)]


@functools.cache
def _entry(name: str) -> Splitter:
    ratios = parse_split(name)
    summary = "shares of the training, validation and test rows"
    # Ratios are older than splitters: the ids of their runs name no version of them.
    return Splitter(name, functools.partial(Ratios, ratios), summary, version=0)


for _digit in "0123456789":
    SPLITTERS.add_family(_digit, _entry)
