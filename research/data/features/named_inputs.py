"""Several inputs, an array of each, by name."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from research.data.features.feature import Feature, Fitted, feature


@feature
@dataclasses.dataclass(frozen=True)
class NamedInputs(Feature):
    """Inputs {name: [N, ...]}; a network gets them as a dict.

    members: name and feature of each.

    Example:
        >>> NamedInputs(members=(('left', Feature((4,))), ('right', Feature((2,))))).describe()
        'left (examples [4]) and right (examples [2])'
    """

    kind = "named"
    counted = "several inputs"
    numeric = False

    members: tuple[tuple[str, Feature], ...] = ()

    @property
    def parts(self) -> dict[str, Feature]:
        """The features by name."""
        return dict(self.members)

    @property
    def arrays(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return tuple(self.parts)

    @property
    def scaled(self) -> bool:
        """Whether a scaling applies to one of the inputs."""
        return any(part.scaled for part in self.parts.values())

    @property
    def merged(self) -> tuple[str, float] | None:
        """That of the first of the inputs that has one."""
        return next(filter(None, (part.merged for part in self.parts.values())), None)

    @property
    def ragged(self) -> bool:
        """Whether one of the inputs is."""
        return any(part.ragged for part in self.parts.values())

    @property
    def bytes(self) -> int:
        """Bytes of one example of all inputs."""
        return sum(part.bytes for part in self.parts.values())

    def describe(self) -> str:
        """Each input by its name."""
        return " and ".join(f"{name} ({part.describe()})" for name, part in self.parts.items())

    def named(self, kinds: Mapping[str, str]) -> Feature | None:
        """These inputs, if they have those names and kinds."""
        return self if {name: part.kind for name, part in self.parts.items()} == kinds else None

    def placeholder(self) -> Any:
        """One example of each input, without its numbers."""
        return {name: part.placeholder() for name, part in self.parts.items()}

    def fitted_like(self, dtype: np.dtype) -> Fitted:
        """The shapes of what `fit` returns, by name."""
        return self._by_name(lambda name, part: part.fitted_like(dtype))

    def fit(self, x: Any, train: np.ndarray, scaling: str, dtype: np.dtype, **more: Any) -> Fitted:
        """What is fitted to the training rows of each input, by name.

        Args:
            x: raw examples, {name: [N, ...]}.
            train: the training rows, int [n].
            scaling: a method of data/scaling.py.
            dtype: of the program.
            **more: unused.
        """
        return self._by_name(lambda name, part: part.fit(x[name], train, scaling, dtype))

    def _by_name(self, fitted: Callable[[str, Feature], Fitted]) -> Fitted:
        by_name = {name: fitted(name, part) for name, part in self.parts.items()}
        fields = Fitted._fields
        return Fitted(
            *({name: getattr(values, f) for name, values in by_name.items()} for f in fields)
        )

    def normalize(self, x: Any, fitted: Fitted, dtype: np.dtype) -> Any:
        """Raw examples of each input as the network reads them.

        Args:
            x: raw examples, {name: [B, ...]}.
            fitted: what `fit` returned, in the program's dtype.
            dtype: of the program.
        """
        normalized = {}
        for name, part in self.parts.items():
            of_part = Fitted(*(values[name] for values in fitted))
            normalized[name] = part.normalize(x[name], of_part, dtype)
        return normalized
