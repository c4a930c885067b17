"""Drawn rows: what a run trains on of the training rows of its split: a sample of them, or all but
one of their folds."""

from collections.abc import Sequence

import numpy as np

from research.data.spec import DataSpec
from research.data.split import Split
from research.data.splitters.division import PartSizes
from research.data.splitters.kfold import kfold
from research.data.splitters.stratified_kfold import stratified_kfold
from research.errors import ShapeError, UserError
from research.registry import REGULARIZERS
from research.run_config import RunConfig


def drawn(config: RunConfig, split: Split, labels: np.ndarray | None) -> Split:
    """The rows of a run: those of its split, its inner fold and its sample.

    Samples are those of scikit-learn's `resample(rows, random_state=seed)`, by the run's seed.
    Inner folds are those of `StratifiedKFold(n, shuffle=True, random_state=split_seed)` over the
    training rows, or of `KFold` where labels is None.

    Args:
        config: the completed config.
        split: the rows of its split.
        labels: the class of each row of the data, [N]; None of numbers.
    """
    train, validation, test = split
    if config.inner_folds is not None and config.inner_fold is not None:
        classes = None if labels is None else labels[train]
        rest, held_out = _inner(len(train), classes, config.split_seed or 0, config.inner_folds)[
            config.inner_fold
        ]
        train, test = train[rest], train[held_out]
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
    if config.inner_folds is not None and config.inner_fold is not None:
        outer = folds[place]
        classes = np.zeros(outer.train, int) if spec.targets.stratified else None
        parts = _inner(outer.train, classes, 0, config.inner_folds)
        folds = [outer._replace(train=len(rest), test=len(held_out)) for rest, held_out in parts]
        place = config.inner_fold
    if config.row_share is not None:
        folds = [
            sizes._replace(train=sample_size(sizes.train, config.row_share)) for sizes in folds
        ]
    return [*folds], place


def sample_size(rows: int, share: float | None) -> int:
    """How many of the rows a share of them is, at least one; None: all."""
    return rows if share is None else max(1, int(rows * share))


def _inner(
    rows: int, classes: np.ndarray | None, seed: int, folds: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(the others, those held out) of each inner fold: places among the training rows."""
    if folds > rows:
        raise ShapeError(f"inner_folds={folds}: there are {rows} training rows, and each needs one")
    if classes is None:
        parts = kfold(rows, np.zeros(rows, int), None, seed, folds)
    else:
        parts = stratified_kfold(rows, classes, None, seed, folds)
    return [(np.sort(rest), np.sort(held_out)) for rest, _, held_out in parts]


def check_drawn(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if an inner fold is not there, or columns cannot be left out."""
    given = config.inner_folds is not None, config.inner_fold is not None
    if given[0] != given[1]:
        raise UserError("inner_folds and inner_fold are given together, or neither of them")
    if config.inner_folds is not None and not (config.inner_fold or 0) < config.inner_folds:
        raise UserError(
            f"inner_fold={config.inner_fold}: there are {config.inner_folds} inner folds, from 0"
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
