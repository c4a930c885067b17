"""Split checks: whether a config's split, its fold and its seed fit the data."""

from research.config import RunConfig
from research.data.spec import DataSpec
from research.data.splitters.division import division
from research.errors import ShapeError, UserError
from research.registry import SPLITTERS
from research.training.setup import host


def check(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if a completed config has no fold of its split, or one that does not suit
    the batch or the groups of the data."""
    _check_groups(config, spec)
    check_fold(config, spec)
    _check_batch(config, spec)


def check_seed(config: RunConfig) -> None:
    """Raises UserError if a config that is not completed yet seeds a split that draws nothing."""
    entry = SPLITTERS.get(config.split.name)
    draws = entry.seeded or any(config.split[name] for name in entry.drawing)
    # 0 is what a completed config has.
    if config.split_seed and not draws and config.train_size is None:
        raise UserError(
            f"split_seed has no effect: split={config.split} is the same for every seed; leave it"
            " out"
        )


def check_fold(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError unless the config has one of the folds of its split."""
    count = division(config.split).folds(spec)
    if count == 1 and config.fold is not None:
        raise UserError(f"fold={config.fold}: split={config.split} has no folds; leave fold out")
    if count > 1 and (config.fold is None or config.fold >= count):
        raise UserError(
            f"split={config.split} has the folds 0 to {count - 1}, and fold is"
            f" {'none' if config.fold is None else config.fold}"
        )


def _check_batch(config: RunConfig, spec: DataSpec) -> None:
    """Raises ShapeError if a batch takes more rows than the fold trains on; another fold of its
    program may have them."""
    if config.fold is None or host.is_fitted(config):
        return
    rows = division(config.split).sizes(spec, config.train_size)[config.fold].train
    if config.batch_size > rows:
        raise ShapeError(
            f"batch_size={config.batch_size} is larger than the {rows} training rows of"
            f" fold={config.fold}; use a smaller one, or full for all of them"
        )


def _check_groups(config: RunConfig, spec: DataSpec) -> None:
    """Raises UserError if a split would put rows of one group into training and test rows."""
    if spec.group_counts and not SPLITTERS.get(config.split.name).grouped:
        raise UserError(
            f"split={config.split} puts rows of one group (group={config.dataset['group']}) into"
            " training and test rows; use group_kfold(5), or leave --group out"
        )
