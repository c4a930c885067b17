"""Generated sequences: the adding problem and copy memory, and MNIST pixel by pixel; written once
into the cache."""

import functools
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from research import rng
from research.data.array_cache import digest, open_table
from research.data.data_table import Table
from research.data.features.feature import PADDING
from research.data.features.numbers import Numbers
from research.data.spec import Source
from research.data.tfds_prepared import open_prepared
from research.errors import UserError
from research.options import Count, Range, options_of
from research.registry import DATASETS, Entry

# Raised when other rows are generated.
VERSION = "1.0.0"
MEMORY = 10
SYMBOLS = 8

Length = Annotated[int, Range(2), "steps of a sequence"]
Size = Annotated[Count, "sequences to train and validate on"]
Test = Annotated[Count, "sequences of the test set"]
Seed = Annotated[int, Range(0, 2**32 - 1), "seed of the generated data"]


def open_generated(
    name: str,
    load: Callable[..., Table],
    options: dict[str, Any],
    cache_dir: str,
    code: int = 0,
    version: str = VERSION,
    **known: Any,
) -> Source:
    """The source of a generated table, which is written under `cache_dir` the first time.

    Args:
        name: the data set's name.
        load: makes the table from `options`.
        options: the options that determine the content.
        cache_dir: where the arrays are kept.
        code: a checksum of the generating code, where that may change.
        version: raised when other rows are generated.
        **known: fields of the spec that are not stored.
    """
    # Sorted, so that the order of the options does not make another copy.
    key = f"{name}_{digest([*sorted(options.items()), *([code] if code else [])])}"
    return open_table(
        f"{key}-{version}", lambda: load(**options), cache_dir=cache_dir, name=name, **known
    )


def generated(
    load: Callable[..., Table], summary: str, paper: str = "", version: str = VERSION
) -> Entry:
    """The entry of a table that a function makes, under the function's name; its parameters, which
    have defaults, are the options.

    Args:
        load: makes the table.
        summary: a line of help.
        paper: the source.
        version: raised when other rows are generated.
    """
    options = options_of(load)
    defaults = {option.name: option.default for option in options}

    @functools.wraps(load)
    def opened(*, data_dir: str | None, cache_dir: str, **given: Any) -> Source:
        return open_generated(load.__name__, load, defaults | given, cache_dir, version=version)

    return Entry(load.__name__, opened, summary, paper, options=options)


def open_adding(
    *,
    data_dir: str | None,
    cache_dir: str,
    length: Length = 100,
    size: Size = 50_000,
    test: Test = 1_000,
    shortest: Annotated[
        int | None, Range(2), "steps of the shortest sequence; none: all are equally long"
    ] = None,
    seed: Seed = 0,
) -> Source:
    """The adding problem; see `adding`.

    Example:
        >>> table = adding(length=6, size=1, test=0, seed=0)
        >>> numbers, marks = table.x[0].T
        >>> print(numbers.round(2), marks, table.y.round(2))
        [0.82 0.95 0.87 0.29 0.49 0.17] [1. 0. 0. 0. 0. 1.] [0.98]
    """
    options = {"length": length, "size": size, "test": test, "seed": seed}
    if shortest is None:
        return open_generated("adding", adding, options, cache_dir)
    if shortest > length:
        raise UserError(f"adding: shortest={shortest} is longer than length={length}")
    return open_generated(
        "adding", adding, options | {"shortest": shortest}, cache_dir, padded=True
    )


def adding(length: int, size: int, test: int, seed: int, shortest: int | None = None) -> Table:
    """Series [length, 2] of numbers in [0, 1) and marks; the target is the sum of the two marked
    numbers.

    Each half has one mark. Whoever always answers 1 has a squared error of 1/6.

    Args:
        length: steps of a series.
        size: series to train and validate on.
        test: series of the test set.
        seed: seed of all numbers.
        shortest: series end at a random step from here on and are NaN after it; None: all are
            equally
            long.
    """
    draw = rng.host(seed, "adding")
    rows = np.arange(size + test)
    x = np.zeros((len(rows), length, 2), np.float32)
    x[..., 0] = draw.random((len(rows), length), np.float32)
    steps = (
        np.full(len(rows), length)
        if shortest is None
        else draw.integers(shortest, length + 1, len(rows))
    )
    first = draw.integers(0, steps // 2, len(rows))
    second = draw.integers(steps // 2, steps, len(rows))
    x[rows, first, 1] = x[rows, second, 1] = 1
    y = x[rows, first, 0] + x[rows, second, 0]
    if shortest is not None:
        x[np.arange(length) >= steps[:, None]] = np.nan
    return Table(x, y, test_size=test)


def open_copy_memory(
    *,
    data_dir: str | None,
    cache_dir: str,
    length: Length = 100,
    size: Size = 10_000,
    test: Test = 1_000,
    masked: Annotated[
        bool, "only the symbols to recall are targets, not the blanks before them"
    ] = False,
    seed: Seed = 0,
) -> Source:
    """Copy memory; see `copy_memory`.

    Example:
        >>> table = copy_memory(length=3, size=1, test=0, masked=False, seed=0)
        >>> print(table.x[0])  # 10 symbols, blanks, and 11 signs to recall
        [5 5 6 7 7 7 4 1 8 8 0 0 9 9 9 9 9 9 9 9 9 9 9]
        >>> print(table.y[0])
        [0 0 0 0 0 0 0 0 0 0 0 0 0 5 5 6 7 7 7 4 1 8 8]
    """
    options = {"length": length, "size": size, "test": test, "masked": masked, "seed": seed}
    return open_generated("copy_memory", copy_memory, options, cache_dir)


def copy_memory(length: int, size: int, test: int, masked: bool, seed: int) -> Table:
    """Ten symbols of eight, length - 1 blanks and eleven recall signs; then the ten come again.

    The target is blank at each step but the last ten, which have the symbols. Whoever says blank
    and
    then guesses has a loss of 10 ln 8 / (length + 20) over all steps, and ln 8 over the masked
    ones.

    Args:
        length: steps between the symbols and the recall signs.
        size: sequences to train and validate on, [length + 20] tokens each.
        test: sequences of the test set.
        masked: only the last ten steps have a target.
        seed: seed of the symbols.
    """
    rows = size + test
    symbols = rng.host(seed, "copy_memory").integers(1, SYMBOLS + 1, (rows, MEMORY), np.int32)
    x = np.zeros((rows, length + 2 * MEMORY), np.int32)
    x[:, :MEMORY] = symbols
    x[:, -MEMORY - 1 :] = SYMBOLS + 1
    y = np.full_like(x, PADDING if masked else 0)
    y[:, -MEMORY:] = symbols
    names = ("blank", *map(str, range(1, SYMBOLS + 1)), "recall")
    return Table(x, y, names, test_size=test, vocabulary=names, task="step_classification")


def open_sequential_mnist(*, data_dir: str | None, cache_dir: str) -> Source:
    """MNIST as series of 784 pixels, row by row.

    Example:
        >>> from research.data.in_memory import images
        >>> pixels(images(side=6, rows=2, classes=2), seed=None).x.shape  # here of 6x6 pixels
        (2, 36, 1)
    """
    return _pixels("sequential_mnist", None, data_dir, cache_dir)


def open_permuted_mnist(*, data_dir: str | None, cache_dir: str, seed: Seed = 0) -> Source:
    """MNIST as series of 784 pixels in an order that the seed draws, the same for every image.

    Example:
        >>> from research.data.in_memory import images
        >>> pictures = images(side=6, rows=2, classes=2)
        >>> rows, permuted = pixels(pictures, seed=None).x, pixels(pictures, seed=0).x
        >>> bool((np.sort(rows, 1) == np.sort(permuted, 1)).all()), bool((rows == permuted).all())
        (True, False)
    """
    return _pixels("permuted_mnist", seed, data_dir, cache_dir)


def _pixels(name: str, seed: int | None, data_dir: str | None, cache_dir: str) -> Source:
    images = open_prepared("mnist", data_dir=data_dir, cache_dir=cache_dir)
    key = f"{name}_{digest([images.spec.fingerprint, seed])}"
    return open_table(
        f"{key}-{VERSION}", lambda: pixels(images, seed), cache_dir=cache_dir, name=name
    )


def pixels(images: Source, seed: int | None) -> Table:
    """Images [H, W, 1] as series [H·W, 1], permuted if there is a seed."""
    spec, (x, y, *_) = images.spec, images.arrays()
    series = x.reshape(len(x), -1, 1)
    if seed is not None:
        series = series[:, rng.host(seed, "permutation").permutation(series.shape[1])]
    return Table(
        series,
        y,
        spec.targets.classes,
        test_size=spec.test_size,
        maximum=spec.inputs.as_a(Numbers).maximum,
        note=spec.note,
    )


for _name, _build, _summary, _paper in (
    (
        "adding",
        open_adding,
        "sequences of numbers, two of them marked; the target is their sum (regression)",
        "Hochreiter & Schmidhuber 1997, Long short-term memory",
    ),
    (
        "copy_memory",
        open_copy_memory,
        "ten symbols to recall after a long pause, a target at each step",
        (
            "Hochreiter & Schmidhuber 1997; Arjovsky et al. 2016, Unitary evolution recurrent"
            " neural networks"
        ),
    ),
    (
        "sequential_mnist",
        open_sequential_mnist,
        "mnist pixel by pixel, series of 784 steps",
        "Le et al. 2015, A simple way to initialize recurrent networks of rectified linear units",
    ),
    (
        "permuted_mnist",
        open_permuted_mnist,
        "mnist pixel by pixel in one fixed random order, series of 784 steps",
        "Le et al. 2015, A simple way to initialize recurrent networks of rectified linear units",
    ),
):
    DATASETS.add(
        Entry(
            _name,
            _build,
            _summary,
            _paper,
            options=options_of(_build, given={"data_dir", "cache_dir"}),
        )
    )
