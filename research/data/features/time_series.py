"""Series of numbers, a vector at each step."""

import dataclasses
from typing import Any

import numpy as np

from research.data.features.feature import feature
from research.data.features.numbers import Numbers
from research.data.windows import Windows


@feature
@dataclasses.dataclass(frozen=True)
class TimeSeries(Numbers):
    """Series [N, T, D], or [N, T] of one number at each step.

    padded: series may be over before their last step, with NaN from there on.

    Example:
        >>> TimeSeries((28, 4)).describe()
        'series [28, 4]'
    """

    kind = "series"
    counted = "series"

    padded: bool = False

    def describe(self) -> str:
        """Their shape, and whether they are over early."""
        return f"padded {super().describe()}" if self.padded else super().describe()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Padded series are of a kind of their own, which few networks take."""
        return ("padded series",) if self.padded else super().kinds

    @property
    def gap(self) -> tuple[int, str] | None:
        """Numbers behind the end of padded series are not missing."""
        return None if self.padded else super().gap

    @property
    def facts(self) -> dict[str, Any]:
        """Whether series are over early."""
        return {"padded": self.padded}

    @property
    def channels(self) -> tuple[int, ...]:
        """[D]; all steps of a single series are scaled alike."""
        return self.shape[1:]

    @property
    def ragged(self) -> bool:
        """Whether series are over early."""
        return self.padded

    def _seen(
        self, x: Any, train: np.ndarray, dtype: np.dtype
    ) -> tuple[np.ndarray, Any, np.ndarray | None]:
        fill, seen, rows = super()._seen(x, train, dtype)
        if isinstance(x, Windows):
            # A value counts once, in however many windows it is.
            return fill, x.covered(train)[:, None], None
        if self.padded:
            seen = x[train]
            return fill, seen[~np.isnan(seen).any(axis=-1)], None
        return fill, seen, rows
