"""Feature: what the engine asks of any input or target."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from research.registry import FEATURES, Entry
from research.words import first_sentence

# A token, or a class, where a sequence is over; always at its end. A number that is not there is
# NaN.
PADDING = -1


class Fitted(NamedTuple):
    """What is fitted to the training rows of an input, float64, of the shape `channels`.

    fill: what replaces a missing number. The network sees (x - shift) / scale. statistics: what
        else is fitted, arrays by name, or None; see PreparedTable.
    """

    fill: Any
    shift: Any
    scale: Any
    statistics: Any = None


K = TypeVar("K", bound="Feature")


@dataclasses.dataclass(frozen=True)
class Feature:
    """An input or a target: the shape of one example, and what its numbers mean.

    shape: of one example, without the axis of examples.

    kind: its name in registry.FEATURES. dtype: as the network reads it. counted: what an example
        is called in messages ("images").
    """

    kind: ClassVar[str] = ""
    dtype: ClassVar[Any] = jnp.float32
    counted: ClassVar[str] = "examples"
    # Whether its numbers may be scaled, noised, mixed and filled.
    numeric: ClassVar[bool] = True

    shape: tuple[int, ...] = ()

    @property
    def channels(self) -> tuple[int, ...]:
        """The shape of what scales it: an example's last axis."""
        return self.shape[-1:]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What an architecture may call it that takes it: its kind, and those that it derives
        from."""
        kinds = (getattr(base, "kind", "") for base in type(self).__mro__)
        return tuple(dict.fromkeys(kind for kind in kinds if kind))

    @property
    def facts(self) -> dict[str, Any]:
        """What a network may need to know of it, by name; see entry_kinds.Architecture."""
        return {}

    @property
    def stored(self) -> "Feature":
        """What the stored arrays are, where an architecture takes them as something else."""
        return self

    @property
    def tokens(self) -> Any:
        """A source and its answer, or a sequence, as a TokenSequence; None of numbers."""
        return None

    @property
    def scaled(self) -> bool:
        """Whether a scaling applies to it."""
        return self.numeric

    @property
    def merged(self) -> tuple[str, float] | None:
        """(what, near which number) float32 would merge if it were not stored as differences."""
        return None

    @property
    def gap(self) -> tuple[int, str] | None:
        """(row, column) of the first number that must be filled in."""
        return None

    @property
    def one_hot(self) -> bool:
        """Whether rows become larger as they are gathered."""
        return False

    @property
    def columns_by_name(self) -> dict[str, tuple[int, ...]]:
        """What may be dropped or chosen, and the places of its columns; {} of what has none."""
        return {}

    @property
    def of_table(self) -> dict[str, Any]:
        """The fields of a data/data_table.py Table that describe it."""
        return {"inputs": self}

    @property
    def collected(self) -> bool:
        """Whether examples are collected from an environment; the rows are then episodes."""
        return False

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of its arrays; () where it is a single one."""
        return ()

    @property
    def ragged(self) -> bool:
        """Whether examples may be over early, or lack targets, each in other places."""
        return False

    @property
    def bytes(self) -> int:
        """Bytes of one example as it is stored."""
        return 4 * int(np.prod(self.shape))

    @property
    def sizes(self) -> tuple[int, ...]:
        """What shapes a program, beside the shape and the vocabulary."""
        return ()

    def as_a(self, kind: type[K]) -> K:
        """This feature, where it is known to be of that kind."""
        assert isinstance(self, kind), f"{self.describe()} is not {kind.__name__}"
        return self

    def in_unit_interval(self, scaling: str) -> bool:
        """Whether the scaling brings the training rows into [0, 1]."""
        return False

    def loaded(self, x: Any) -> Any:
        """The stored arrays as they are indexed: of categories one-hot columns."""
        return x

    def describe(self) -> str:
        """What it is, for messages: `images [28, 28, 1]`."""
        return f"{self.counted} [{', '.join(map(str, self.shape))}]" if self.shape else self.counted

    def placeholder(self) -> Any:
        """One example as a network reads it, without its numbers."""
        return jax.ShapeDtypeStruct(self.shape, self.dtype)

    def view(self, x: Any) -> Any:
        """The stored arrays of a data set as this feature reads them; what is so already stays."""
        return x

    def named(self, kinds: Mapping[str, str]) -> "Feature | None":
        """The same input as several of those kinds, by name; None if it cannot be read so."""
        return None

    def taken_as(self, kinds: Sequence[str] | Mapping[str, str]) -> "Feature | None":
        """The input as an architecture takes it that declares these kinds; None if it does not."""
        if isinstance(kinds, Mapping):
            return self.named(kinds)
        return self if set(kinds) & set(self.kinds) else None

    def fitted_like(self, dtype: np.dtype) -> Fitted:
        """The shapes of what `fit` returns."""
        return Fitted(*[jax.ShapeDtypeStruct(self.channels, dtype)] * 3)

    def fit(self, x: Any, train: np.ndarray, scaling: str, dtype: np.dtype, **more: Any) -> Fitted:
        """What is fitted to the training rows.

        Args:
            x: raw examples, [N, ...].
            train: the training rows, int [n].
            scaling: a method of data/scaling.py.
            dtype: of the program.
            **more: what a table needs that encodes categories; see PreparedTable.
        """
        return Fitted(np.zeros(()), np.zeros(()), np.ones(()))

    def normalize(self, x: Any, fitted: Fitted, dtype: np.dtype) -> Any:
        """Raw examples as the network reads them, [B, ...].

        Args:
            x: raw examples, [B, ...].
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        return x


F = TypeVar("F", bound=type[Feature])


def feature(kind: F) -> F:
    """Registers a feature under its `kind`, by which it is stored and architectures name it."""
    FEATURES.add(Entry(kind.kind, kind, first_sentence(kind.__doc__ or "")))
    return kind
