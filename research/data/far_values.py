"""Far values: new data that lies where the training rows have nothing, as in another unit."""

from collections.abc import Iterator, Sequence

import numpy as np

# Times the scale of the training rows. An outlier or a rare 1 among zeros may be ten of them away,
# most rows are not; and nothing of the same source is a hundred away.
_MOST = 10.0
_ANY = 100.0


def far_values(
    x: np.ndarray, names: Sequence[str], shift: np.ndarray, scale: np.ndarray, origin: np.ndarray
) -> Iterator[str]:
    """Notes on columns of new data that are far from the training rows.

    Args:
        x: numbers [N, C] as they are before scaling; NaN is missing.
        names: of the columns, [C].
        shift: what a fitted scaling subtracts, [C].
        scale: what it divides by, [C].
        origin: what was subtracted from the columns before, [C].
    """
    distance = np.abs((x.astype(np.float64) - shift) / scale)
    far = distance > _MOST
    for column in np.flatnonzero((far.mean(axis=0) > 0.5) | (distance > _ANY).any(axis=0)).tolist():
        value = x[np.nanargmax(distance[:, column]), column] + origin[column]
        yield (
            f"column '{names[column]}': {far[:, column].sum():,} of {len(x):,} values are far from"
            f" the training rows, such as {value:.10g}, where these are about"
            f" {shift[column] + origin[column]:.10g} and differ by {scale[column]:.3g} or so; is it"
            " the same quantity in the same unit?"
        )
