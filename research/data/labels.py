"""Whether a target of numbers names classes: no file and few builders say so."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Different whole numbers that are classes, whichever they are.
MOST = 20
MOST_COUNTED = (
    # The same if they are 0, 1, 2, ... or 1, 2, 3, ..., and each of them is there a few times.
    50
)
_FEW = 5
# Different whole numbers that could be meant as classes.
_NOTED = 100
# The same if they are 0, 1, 2, ... or 1, 2, 3, ..., each a few times.
_NOTED_COUNTED = 2000


class Labels(NamedTuple):
    """Numbers as classes: the different values, ascending, float64 [K], and each row's place among
    them, int32 [N]."""

    values: np.ndarray
    places: np.ndarray


def labels_of(numbers: np.ndarray) -> Labels:
    """The different numbers [N] as classes."""
    # Compared in float64, which has every integer of int32 and every float32.
    values, places = np.unique(np.asarray(numbers, np.float64), return_inverse=True)
    return Labels(values, places.astype(np.int32))


def are_one_hot(y: np.ndarray) -> bool:
    """Whether each target of y [N, K] is a single 1 among zeros."""
    if y.ndim != 2 or y.shape[1] < 2 or y.dtype.kind not in "biuf":
        return False
    return bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def are_classes(labels: Labels) -> bool:
    """Whether the numbers are taken for classes if nobody says what they are."""
    values = labels.values
    if (values != np.floor(values)).any():
        return False
    return len(values) <= MOST or (len(values) <= MOST_COUNTED and _counted(labels))


def _counted(labels: Labels) -> bool:
    """Whether the values are 0, 1, 2, ... or 1, 2, 3, ..., and each of them is there a few
    times."""
    values = labels.values
    steps = values[0] in (0, 1) and (np.diff(values) == 1).all()
    return bool(steps and np.bincount(labels.places).min() >= _FEW)


def note(name: str, labels: Labels, classes: bool) -> str:
    """A note on how the target was understood, "" if there was no choice.

    Args:
        name: the target's name.
        labels: its different values, and each row's place among them.
        classes: whether it is read as classes.
    """
    values = labels.values
    if len(values) < 2:
        return ""
    kind = "whole numbers"
    if (values != np.floor(values)).any():
        kind = "numbers"
        if len(values) > MOST or np.bincount(labels.places).min() < _FEW:
            return ""
    elif len(values) > _NOTED and (len(values) > _NOTED_COUNTED or not _counted(labels)):
        return ""
    shown = ", ".join(f"{value:.10g}" for value in values[:3]) + ", ..." * (len(values) > 3)
    taken = f"the target '{name}' has {len(values)} different {kind} ({shown}) and is read as "
    if classes:
        return f"{taken}classes; --task=regression reads it as a quantity"
    return f"{taken}a quantity; --task=classification reads it as classes"


def names(labels: Labels) -> tuple[str, ...]:
    """The classes' names, where no text names them: 3, not 3.0."""
    return tuple(
        f"{value:.0f}" if value == np.floor(value) else f"{value!r}"
        for value in labels.values.tolist()
    )


def as_quantity(classes: Sequence[str]) -> str:
    """The end of an error about classes: the other way to read those that are numbers."""
    try:
        [float(name) for name in classes]
    except ValueError:
        return ""
    return ", or read the target as a quantity with --task=regression"
