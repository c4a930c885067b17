"""The rows that are to be clustered, as targets of a clustering."""

import dataclasses
from typing import Any

import jax
import numpy as np

from research.data.features.feature import feature
from research.data.features.target import TargetFeature


@feature
@dataclasses.dataclass(frozen=True)
class RowsThemselves(TargetFeature):
    """What a clustering is measured by: the scaled inputs, and classes that were not used.

    names: of these classes, () where there are none. A score is a cluster and a squared distance.

    Example:
        >>> RowsThemselves(names=('cat', 'dog')).width
        2
    """

    kind = "clusters"
    counted = "rows to be clustered"

    names: tuple[str, ...] = ()

    @property
    def unlabelled(self) -> bool:
        """Clusters are found without labels."""
        return True

    @property
    def label_names(self) -> tuple[str, ...]:
        """The classes that metrics may compare clusters with."""
        return self.names

    @property
    def score_names(self) -> tuple[str, ...]:
        """A cluster, and the squared distance to its centre."""
        return "cluster", "squared distance"

    @property
    def width(self) -> int:
        """As many as the scores have names."""
        return len(self.score_names)

    def placeholder(self) -> Any:
        """A label."""
        return jax.ShapeDtypeStruct((), np.int32)

    def read(self, x: Any, y: Any) -> Any:
        """The scaled inputs as vectors and the labels, `{"inputs": [B, D], "labels": [B]}`.

        Args:
            x: scaled inputs, [B, ...].
            y: labels [B], or None where there are none.
        """
        labels = {} if y is None else {"labels": y}
        return {"inputs": x.reshape(len(x), -1), **labels}

    def answers(self, y: Any) -> tuple[Any, tuple[str, ...]]:
        """Nothing: no score predicts a label.

        Args:
            y: labels, not read.
        """
        return None, ()
