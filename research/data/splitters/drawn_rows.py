"""Drawn rows: what a run trains on of the training rows of its split: a sample of them, or all but
one of their folds."""

from collections.abc import Sequence

import numpy as np

from research.data.spec import Arrays, DataSpec
from research.data.split import Split
from research.data.splitters.division import PartSizes, division
from research.data.splitters.inner_folds import inner_rows, inner_sizes
from research.errors import UserError
from research.registry import REGULARIZERS
from research.run_config import RunConfig


def drawn(config: RunConfig, split: Split, spec: DataSpec, arrays: Arrays) -> Split:
    """The rows of a run: those of its split, its inner fold and its sample.

    Samples are those of scikit-learn's `resample(rows, random_state=seed)`, by the run's seed.

    Args:
        config: the completed config.
        split: the rows of its split.
        spec: what is known of the data.
        arrays: the rows of the data.

    Raises:
        ShapeError: the training rows cannot be divided into the inner folds.
    """
    train, validation, test = split
    if config.inner_folds is not None:
        train, test = inner_rows(config, train, spec, arrays)
    if config.bootstrap or config.row_share is not None:
        size = sample_size(len(train), config.row_share)
        # The legacy generator, since that is scikit-learn's.
        generator = np.random.RandomState(config.seed)
        if config.bootstrap:
            places = generator.randint(0, len(train), size)
        else:
            places = generator.permutation(len(train))[:size]
        train = np.sort(train[places])
    return Split(train, validation, test)


def drawn_sizes(
    config: RunConfig, spec: DataSpec, folds: Sequence[PartSizes]
) -> tuple[list[PartSizes], int]:
    """The sizes of the folds among which a run has one, and which one that is.

    Args:
        config: the run's config.
        spec: what is known of the data.
        folds: the sizes of the folds of its split.
    """
    place = config.fold or 0
    if config.inner_folds is not None:
        outer = folds[place]
        inner = inner_sizes(config, spec, outer.train)
        folds = [outer._replace(**sizes._asdict()) for sizes in inner]
        place = config.inner_fold or 0
    if config.row_share is not None:
        folds = [
            sizes._replace(train=sample_size(sizes.train, config.row_share)) for sizes in folds
        ]
    return [*folds], place


def training_rows(config: RunConfig, spec: DataSpec) -> int:
    """How many rows a run trains on, without reading the data.

    Args:
        config: the run's config; without a fold, its first one counts.
        spec: what is known of the data.
    """
    folds = division(config.split).sizes(spec, config.train_size)
    sizes, place = drawn_sizes(config, spec, folds)
    return sizes[place].train


def sample_size(rows: int, share: float | None) -> int:
    """How many of the rows a share of them is, at least one; None: all."""
    return rows if share is None else max(1, int(rows * share))


def check_drawn(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if an inner fold is not there, or columns cannot be left out."""
    given = config.inner_folds is not None, config.inner_fold is not None
    if given[0] != given[1]:
        raise UserError("inner_folds and inner_fold are given together, or neither of them")
    if config.inner_folds is not None and not (config.inner_fold or 0) < config.inner_folds:
        raise UserError(
            f"inner_fold={config.inner_fold}: there are {config.inner_folds} inner folds, from 0"
        )
    if config.inner_folds is not None and (spec.windows or config.split.name == "time_series"):
        raise UserError(
            "the inner folds of stack are drawn at random, and would train on rows after those that"
            f" they test: split={config.split} of {spec.name} keeps the order of time; use vote"
        )
    if config.column_share is None:
        return
    inputs = spec.inputs
    if not inputs.numeric or not inputs.scaled or inputs.ragged or inputs.arrays:
        raise UserError(
            f"column_share leaves numbers of fixed places out, and the inputs of {spec.name} are"
            f" {inputs.describe()}; leave it out"
        )
    for part in config.regularization:
        if REGULARIZERS.get(part.name).slot == "data":
            raise UserError(
                f"{part.name} changes inputs, and column_share (subspaces) leaves some of them out;"
                " leave one of them out"
            )


def shown_columns(config: RunConfig, shape: tuple[int, ...]) -> np.ndarray:
    """Which of the input's numbers a network is shown, bool of the shape; the seed draws them.

    Args:
        config: with `column_share`.
        shape: of an example.
    """
    count = int(np.prod(shape))
    shown = np.zeros(count, bool)
    order = np.random.RandomState(config.seed).permutation(count)
    shown[order[: sample_size(count, config.column_share)]] = True
    return shown.reshape(shape)
