"""Inner folds: the training rows of a run divided again, as stacking does."""

import functools
from typing import NamedTuple

import numpy as np

from research.data.spec import Arrays, DataSpec
from research.data.splitters.division import division
from research.data.splitters.group_kfold import group_kfold, stratified_group_kfold
from research.data.splitters.index_sets import Parts, ScarceClass, rows_of_counts
from research.data.splitters.kfold import kfold
from research.data.splitters.stratified_kfold import stratified_kfold
from research.errors import ShapeError, UserError
from research.run_config import Component, RunConfig


class InnerSizes(NamedTuple):
    """The rows of an inner fold."""

    train: int
    test: int


def inner_rows(
    config: RunConfig, train: np.ndarray, spec: DataSpec, arrays: Arrays
) -> tuple[np.ndarray, np.ndarray]:
    """The rows of a run's inner fold: those that train, and those held out.

    The folds are those of scikit-learn's `StratifiedKFold(n, shuffle=True,
    random_state=split_seed)` over the training rows, or of `KFold` where targets are numbers. Rows
    with groups are divided by `StratifiedGroupKFold(n)` or `GroupKFold(n)`, so that no group is
    parted.

    Args:
        config: the completed config, with an inner fold.
        train: the training rows of its split.
        spec: what is known of the data.
        arrays: the rows of the data.

    Raises:
        ShapeError: there are more folds than rows, groups, or rows of a class.
    """
    assert config.inner_folds is not None
    assert config.inner_fold is not None
    labels = np.zeros(len(train), int)
    if spec.targets.stratified:
        labels = np.asarray(arrays.y)[train]
    groups = None if arrays.groups is None else arrays.groups[train]
    parts = _divided(config.inner_folds, labels, groups, config.split_seed or 0, spec)
    rest, _, held_out = parts[config.inner_fold]
    return train[np.sort(rest)], train[np.sort(held_out)]


def inner_sizes(config: RunConfig, spec: DataSpec, rows: int) -> list[InnerSizes]:
    """The sizes of the inner folds of a run, without reading the data.

    Args:
        config: the run's config, with inner folds.
        spec: what is known of the data.
        rows: the training rows of its split.

    Raises:
        UserError: the folds cannot have whole groups, or their sizes are not known.
    """
    assert config.inner_folds is not None
    if spec.group_counts:
        if config.train_size is not None:
            raise UserError(
                f"train_size={config.train_size} draws rows by the seed, and so would decide how"
                " many groups the folds of stack have; leave it out, or --group"
            )
        return _sizes_of_groups(config.split, config.fold or 0, config.inner_folds, spec)
    if config.inner_folds > rows:
        raise ShapeError(
            f"inner_folds={config.inner_folds}: there are {rows} training rows, and each needs one"
        )
    # Of scikit-learn's folds the first ones have a row more, whatever the classes are.
    size, larger = divmod(rows, config.inner_folds)
    held_out = [size + (place < larger) for place in range(config.inner_folds)]
    return [InnerSizes(rows - count, count) for count in held_out]


@functools.lru_cache(maxsize=256)
def _sizes_of_groups(
    split: Component, fold: int, inner_folds: int, spec: DataSpec
) -> list[InnerSizes]:
    """The sizes of folds of whole groups, of the training rows of a fold; remembered, since each
    inner fold's run asks for all."""
    if split.name.startswith("file:"):
        raise UserError(
            f"split={split}: stack divides whole groups, and which groups train is not known before"
            " the data is read; use split=group_kfold or stratified_group_kfold"
        )
    labels, groups = rows_of_counts(spec.group_counts, len(spec.targets.classes))
    arrays = Arrays(None, labels, np.zeros(0, np.int32), groups)
    train = division(split).splits(spec, arrays, seed=0)[fold].train
    parts = _divided(inner_folds, labels[train], groups[train], 0, spec)
    return [InnerSizes(len(rest), len(held_out)) for rest, _, held_out in parts]


def _divided(
    folds: int, labels: np.ndarray, groups: np.ndarray | None, seed: int, spec: DataSpec
) -> list[Parts]:
    """The inner folds as places among the training rows.

    Args:
        folds: how many.
        labels: the class of each training row, or zeros.
        groups: the group of each training row; None without groups.
        seed: of the split.
        spec: what is known of the data.
    """
    stratified = spec.targets.stratified
    try:
        if groups is not None:
            by_group = stratified_group_kfold if stratified else group_kfold
            return by_group(len(labels), labels, groups, seed, folds)
        by_row = stratified_kfold if stratified else kfold
        return by_row(len(labels), labels, None, seed, folds)
    except ScarceClass as error:
        classes = spec.targets.classes
        wrong = f"class '{classes[error.label] if classes else error.label}' {error}"
    except ShapeError as error:
        wrong = str(error).removeprefix("split: ")
    raise ShapeError(f"inner_folds={folds} of the {len(labels)} training rows: {wrong}")
