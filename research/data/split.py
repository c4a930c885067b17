"""Splits: which rows train, validate and test, a function of the seed with the same sizes for every
seed."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from research import rng
from research.data import labels, stretches
from research.data.spec import Arrays, DataSpec
from research.errors import ShapeError, UserError


class LackingClass(ShapeError):
    """A part of a split has no row of a class."""


class Split(NamedTuple):
    """Row numbers, int32, each ascending; no row is in two of them."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def parse_split(text: str) -> tuple[int, ...]:
    """`8:1:1` (train, validation, test), `9:1:0` (no test), `8:0:2` (no validation) or `8:2`
    (train, test) as numbers.

    Raises UserError on anything else.
    """
    if (
        not re.fullmatch(r"\s*\d+\s*:\s*\d+\s*(:\s*\d+\s*)?", text)
        or (ratios := tuple(int(part) for part in text.split(":")))[0] == 0
        or ratios[1:] == (0,)
    ):
        raise UserError(
            f"split={text}: expected two or three whole numbers above 0, such as 8:2 (train:test)"
            " or 8:1:1 (train:validation:test); with three, the second (no validation) or"
            " the last (no test) may be 0"
        )
    return ratios


def split_sizes(
    spec: DataSpec, ratios: Sequence[int], train_size: int | None = None
) -> tuple[int, int, int]:
    """The numbers of (training, validation, test) rows that `split` gives, without reading the
    data.

    Args:
        spec: the facts of the data set.
        ratios: two or three shares, such as (8, 1, 1).
        train_size: how many of the training rows are kept; None: all.

    Raises:
        UserError: as `split` does.
    """
    if spec.windows:
        train, validation, test = map(len, stretches.windows(spec, ratios))
    else:
        train, validation, test = _sizes(spec.size, spec.test_size, ratios)
    return reduced(train, train_size), validation, test


def split_of(
    spec: DataSpec,
    arrays: Arrays,
    ratios: Sequence[int],
    *,
    seed: int,
    train_size: int | None = None,
) -> Split:
    """The split of a data set: of its rows, or of the stretches of its sequence.

    The windows of a sequence stay where they are whatever the seed, which draws `train_size` of the
    training windows.

    Args:
        spec: the facts of the data set.
        arrays: its inputs and targets, [N, ...] each.
        ratios: two or three shares, such as (8, 1, 1).
        seed: seed of the split.
        train_size: how many of the training rows are kept; None: all.
    """
    if not spec.windows:
        y = arrays.y if spec.targets.stratified else np.zeros(spec.size, np.int32)
        try:
            return split(
                y,
                arrays.own_test,
                ratios,
                seed=seed,
                train_size=train_size,
                stratify=spec.targets.stratified,
                classes=spec.targets.classes,
            )
        except LackingClass as error:
            # Only these data sets can read a target of numbers in the other way.
            numbers = spec.targets.numbered or spec.name.startswith("csv:")
            remedy = labels.as_quantity(spec.targets.classes) if numbers else ""
            raise ShapeError(f"{error}{remedy}") from None
    train, validation, test = stretches.windows(spec, ratios)
    size = reduced(len(train), train_size)
    if size < len(train):
        train = np.sort(rng.host(seed, "split").choice(train, size, replace=False))
    return Split(train, validation, test)


def split(
    y: np.ndarray,
    own_test: np.ndarray,
    ratios: Sequence[int],
    *,
    seed: int,
    train_size: int | None = None,
    stratify: bool = True,
    classes: Sequence[str] = (),
) -> Split:
    """Divides the rows in the given ratios.

    With an own test split the first two ratios divide the other rows into training and validation.
    Two
    ratios without one are training and test.

    Args:
        y: targets [N].
        own_test: rows [T] of the set's own test split, or none.
        ratios: two or three shares, such as (8, 1, 1).
        seed: seed of the split.
        train_size: how many of the training rows are kept; the other parts stay unchanged. None:
            all.
        stratify: every part has its share of each class, to one row; y is then classes from 0.
        classes: the classes' names, for messages.

    Raises:
        UserError: a part would be empty or lack a class.
    """
    sizes = _sizes(len(y), len(own_test), ratios)
    # Targets that are numbers make one stratum: each value would be a class of one row.
    strata = np.asarray(y) if stratify else np.zeros(len(y), np.int32)
    generator = rng.host(seed, "split")
    test = np.asarray(own_test, np.int64)
    others = np.ones(len(y), bool)
    others[test] = False
    rest = np.flatnonzero(others)
    parts = {}
    # The test rows are drawn first, so that train_size and the validation share leave them alone.
    if not len(own_test):
        rest, test = draw(rest, strata, sizes[2], generator)
        if sizes[2]:
            parts["test"] = test
    train, validation = draw(rest, strata, sizes[1], generator)
    if sizes[1]:
        parts["validation"] = validation
    size = reduced(len(train), train_size)
    if size < len(train):
        _, train = draw(train, strata, size, generator)
    parts["training"] = train
    for name, rows in parts.items():
        _check_classes(name, strata, rows, classes, own_test)
    return Split(*(np.sort(rows).astype(np.int32) for rows in (train, validation, test)))


def _sizes(size: int, test_size: int, ratios: Sequence[int]) -> tuple[int, int, int]:
    """(training, validation, test) rows, each share rounded to the nearest, the training rows being
    the rest."""
    shares = tuple(ratios[:2]) if test_size else tuple(ratios)
    rest = size - test_size
    total = sum(shares)
    # Rounded in integers: halves round up, and no share is off by a row through floating point.
    parts = [(2 * rest * share + total) // (2 * total) for share in shares[1:]]
    if (
        min(
            [
                rest - sum(parts),
                *(part for part, share in zip(parts, shares[1:], strict=True) if share),
            ]
        )
        < 1
    ):
        raise ShapeError(
            f"split={':'.join(map(str, ratios))} of {rest} rows leaves a part without rows"
        )
    train = rest - sum(parts)
    if test_size:
        return train, parts[0], test_size
    return (train, parts[0], parts[1]) if len(parts) == 2 else (train, 0, parts[0])


def reduced(rows: int, train_size: int | None) -> int:
    """The training rows that `train_size` leaves of these. Raises ShapeError for more."""
    if train_size is None:
        return rows
    if not 1 <= train_size <= rows:
        raise ShapeError(
            f"train_size={train_size}: it must be 1 to {rows}, the number of training rows"
        )
    return train_size


def draw(
    rows: np.ndarray, labels: np.ndarray, size: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws rows so that each class has its share.

    Args:
        rows: the rows to draw from, [N].
        labels: classes of all rows of the data set.
        size: how many rows are drawn.
        generator: numpy's generator.

    Returns:
        The other rows, and the drawn rows.
    """
    counts = np.bincount(labels[rows])
    # The order within a class must be random, and the stable sort keeps it so.
    shuffled = generator.permutation(rows)
    # numpy sorts 8 and 16 bits in a tenth of the time of 32.
    kinds = labels[shuffled].astype(np.min_scalar_type(len(counts)))
    order = shuffled[np.argsort(kinds, kind="stable")]  # by class, shuffled within
    starts = np.cumsum(counts) - counts
    drawn = np.arange(len(order)) < np.repeat(starts + _allocate(counts, size), counts)
    return order[~drawn], order[drawn]


def _allocate(counts: np.ndarray, size: int) -> np.ndarray:
    """How many of `size` rows each class gets: its share, by largest remainder. A function of the
    counts alone."""
    quota, remainder = np.divmod(counts * size, counts.sum())
    # Stable: among equal remainders the lowest class gets the row, whatever the seed.
    quota[np.argsort(-remainder, kind="stable")[: size - quota.sum()]] += 1
    return quota


def _check_classes(
    part: str,
    labels: np.ndarray,
    rows: np.ndarray,
    classes: Sequence[str],
    own_test: Sequence[int] | np.ndarray,
) -> None:
    """Refuses a part in which a class has no row.

    Args:
        part: what the rows are for.
        labels: of all rows, [N].
        rows: the rows of the part.
        classes: the names of the classes, () of numbers.
        own_test: the rows of the data's own test set.

    Raises:
        LackingClass: a class has none; which one depends on the counts, not on the seed.
    """
    lacking = np.flatnonzero(
        (np.bincount(labels) > 0) & (np.bincount(labels[rows], minlength=labels.max() + 1) == 0)
    )
    if len(lacking):
        index = int(lacking[0])
        name = f"'{classes[index]}'" if classes else str(index)
        if np.isin(np.flatnonzero(labels == index), own_test).all():
            raise LackingClass(
                f"class {name} is in the data's own test split alone"
                f" ({np.sum(labels == index)} of {len(own_test)} rows), so nothing can be learned"
                " about it; add training rows of it, or leave these rows out"
            )
        raise LackingClass(
            f"class {name} has too few rows ({np.sum(labels == index)} of {len(labels)}) to be in"
            f" the {part} part of {len(rows)} rows; make that part larger or leave the class"
            " out"
        )
