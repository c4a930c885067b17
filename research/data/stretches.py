"""Stretches: how a long sequence is cut into a training, a validation and a test part, and the
windows of each."""

import itertools
from collections.abc import Sequence

import numpy as np

from research.data.features.feature import PADDING
from research.data.spec import Arrays, DataSpec
from research.errors import ShapeError, UserError

# The split of a config that says nothing of it: a sequence with parts of its own keeps them.
DEFAULT = (8, 1, 1)


def lengths(spec: DataSpec) -> tuple[int, ...]:
    """How many values each series of windows has."""
    assert spec.windows is not None
    return spec.windows.series or (spec.size + spec.inputs.shape[0],)


def windows(spec: DataSpec, ratios: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The training, validation and test windows, int32: their rows, each ascending; two ratios are
    training and test.

    A window and the target of its last place lie within one part. Training windows begin at every
    place of theirs; those of the others follow each other without overlap, and what is left at the
    end of a part is not evaluated. Each of several series is cut by itself. Raises ShapeError if a
    part is too short for one window.
    """
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    first = 0
    for length in lengths(spec):
        for rows, windows_of_part in zip(parts, _windows_of_one(spec, ratios, length), strict=True):
            rows.append(first + windows_of_part)
        first += length
    train, validation, test = (np.concatenate(rows).astype(np.int32) for rows in parts)
    return train, validation, test


def left_out(spec: DataSpec, ratios: Sequence[int]) -> dict[str, int]:
    """How many values at the ends of its parts `windows` leaves out of evaluation, by part; no part
    without any."""
    context = spec.inputs.shape[0]
    counts = {"validation": 0, "test": 0}
    for length in lengths(spec):
        _, *evaluated = itertools.pairwise(_cuts(spec, ratios, length))
        names = ("validation", "test")[-len(evaluated) :]
        for name, (begin, end) in zip(names, evaluated, strict=True):
            # The first value of a part has nothing before it by which it could be foreseen.
            counts[name] += max(end - begin - 1, 0) % context
    return {name: count for name, count in counts.items() if count}


def _windows_of_one(spec: DataSpec, ratios: Sequence[int], length: int) -> tuple[np.ndarray, ...]:
    """The windows of each part of one series of this length, from its first place on."""
    context = spec.inputs.shape[0]
    train, *evaluated = itertools.pairwise(_cuts(spec, ratios, length))
    for begin, end in (train, *evaluated):
        if 0 < end - begin <= context:
            which = f" of a series of {length:,}" if len(lengths(spec)) > 1 else ""
            raise ShapeError(
                f"split={_written(ratios)} leaves {spec.name} a part of {end - begin:,}"
                f" positions{which}, too few for a window of context={context} and what follows it"
            )
    validation, test = evaluated if len(evaluated) == 2 else ((0, 0), *evaluated)
    return (
        # Overlapping windows train on each value in every place; evaluated values count once.
        _rows(*train, context, 1),
        _rows(*validation, context, context),
        _rows(*test, context, context),
    )


def _rows(begin: int, end: int, context: int, stride: int) -> np.ndarray:
    return np.arange(begin, max(end - context, begin), stride)


def _cuts(spec: DataSpec, ratios: Sequence[int], length: int) -> list[int]:
    """Where the parts begin and end: the shares of the sequence, rounded down, or its own parts."""
    cuts = [length * share // sum(ratios) for share in itertools.accumulate(ratios, initial=0)]
    parts = spec.windows.parts if spec.windows else ()
    if not parts:
        return cuts
    natural = list(itertools.accumulate(parts, initial=0))
    if tuple(ratios) == DEFAULT:
        return natural
    if cuts[1] != natural[1] or cuts[2] not in natural:
        raise UserError(
            f"split={_written(ratios)}: {spec.name} comes already split; leave split out to"
            " keep its parts, or give 9:1:0 to validate on all that it does not train on"
        )
    return cuts


def each_once(arrays: Arrays, lengths: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Windows of new sequences by which each value is evaluated once: their rows, int32 [R], and
    targets [R, T].

    Windows follow each other. What is left at the end of a sequence is in a window that reaches
    back into the one before and has no targets there. arrays: of windows. lengths: of the
    sequences, each longer than a window.
    """
    context = arrays.x.length
    rows = []
    repeated = []
    first = 0
    for length in lengths:
        starts = np.arange(first, first + length - context, context)
        last = first + length - context - 1
        rest = last - starts[-1]
        rows += [*starts, *([last] if rest else [])]
        repeated += [0] * len(starts) + ([context - rest] if rest else [])
        first += length
    y = arrays.y[np.array(rows)]
    absent = PADDING if y.dtype.kind == "i" else np.nan
    # Targets that the window before has already are masked, so no value counts twice.
    y = np.where(np.arange(context) < np.array(repeated)[:, None], y.dtype.type(absent), y)
    return np.array(rows, np.int32), y


def _written(ratios: Sequence[int]) -> str:
    return ":".join(map(str, ratios))
