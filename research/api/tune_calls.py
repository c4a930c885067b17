"""The tunings that are called from Python: tune, and tune_nested for nested folds."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from research.analysis.tuned_table import of_nested_settings, tuned_table
from research.api.given_data import with_data
from research.api.nested_tune_result import NestedTuneResult
from research.api.settings import axes_of, settings_of
from research.api.tune_result import TuneResult
from research.api.workspace import Workspace, workspace
from research.errors import UserError, nearest
from research.options import Settings
from research.sweeps.declare.sweep_axes import Axis, sampled
from research.sweeps.declare.sweep_request import refuse_written
from research.sweeps.execute.execution_options import Execution
from research.sweeps.tuning import journal, tuner
from research.sweeps.tuning.pruners import PRUNERS
from research.sweeps.tuning.trial_samplers import SAMPLERS
from research.sweeps.tuning.tuner import Budget, SearchContext


def tune(
    settings: Mapping[str, Any],
    *,
    sample: Mapping[str, Any],
    data: Any = None,
    trials: int = 100,
    sampler: str = "tpe",
    pruner: str | None = None,
    parallel: int = 16,
    sample_seed: int = 0,
    name: str | None = None,
    records: str = "records",
    cache_dir: str = ".cache",
    data_dir: str | None = None,
    keep_params: bool = False,
) -> TuneResult:
    """Searches settings for the best validation metric, as launch.tune does.

    The same call again reads its trials from the journal beside the records; a larger `trials`
    continues the search.

    Args:
        settings: the settings that all trials share, as `train` takes them.
        sample: the axes: `{"learning_rate": "log(1e-4,1)", "optimizer": ["sgd", "adam"]}`.
        data: arrays or a frame, as `train` takes them.
        trials: number of trials.
        sampler: `tpe`, `random`, `grid` or another sampler of launch.tune.
        pruner: stops poor trials early; None: every trial is trained to its end.
        parallel: number of trials that are drawn at once and train as lanes.
        sample_seed: seed of the sampler.
        name: name of the tuning, for launch.table and launch.status; None: a digest of the
            arguments.
        records: folder of the records.
        cache_dir: folder of decoded data and compiled programs.
        data_dir: folder of prepared TFDS data sets.
        keep_params: keep each trial's parameters, for `TuneResult.run.predict`.

    Returns:
        The trials, the best settings and their run.

    Raises:
        UserError: if the space cannot be searched, or if no trial finished.

    Example:
        >>> iris = dict(dataset="iris", arch="linear", epochs=5)
        >>> tuning = tune(iris, sample={"learning_rate": [1e-6, 0.1]}, trials=4)
        >>> tuning.best
        {'learning_rate': '0.1'}
    """
    folders = workspace(records, cache_dir, data_dir)
    budget = Budget(sampler, trials, parallel, pruner, sample_seed)
    asked = _asked(settings, sample, data, budget, name, folders, keep_params)
    if folders.planner.folds(asked.settings).inner:
        raise UserError(
            f"split={asked.settings['split']} chooses settings inside each fold; use rs.tune_nested"
        )
    # The journal is claimed for the whole search: two processes that appended trials to it would
    # each draw from half of the results.
    with journal.journal(folders.store, asked.name) as storage:
        tuned = tuner.tune(asked.name, asked.settings, asked.axes, budget, asked.context, storage)
    return TuneResult(asked.name, tuned, budget, asked.context, folders)


def tune_nested(
    settings: Mapping[str, Any],
    *,
    sample: Mapping[str, Any],
    data: Any = None,
    seeds: int = 10,
    trials: int = 100,
    sampler: str = "tpe",
    parallel: int = 16,
    sample_seed: int = 0,
    name: str | None = None,
    records: str = "records",
    cache_dir: str = ".cache",
    data_dir: str | None = None,
) -> NestedTuneResult:
    """Searches settings inside each fold of a nested split, as launch.tune does, and tests each
    fold's choice on rows that its search did not read.

    Args:
        settings: the settings that all trials share, with `split="nested(5,3)"`.
        sample: the axes, as `tune` takes them.
        data: arrays or a frame, as `train` takes them.
        seeds: number of seeds, each with folds of its own; every fold of each is a search.
        trials: number of trials per search.
        sampler: `tpe`, `random`, `grid` or another sampler of launch.tune.
        parallel: number of trials that are drawn at once and train as lanes.
        sample_seed: seed of the sampler.
        name: name of the tuning; None: a digest of the arguments.
        records: folder of the records.
        cache_dir: folder of decoded data and compiled programs.
        data_dir: folder of prepared TFDS data sets.

    Returns:
        What each fold chose, and the table of the nested score beside the flat one.

    Raises:
        UserError: if the split is not nested, or the space cannot be searched.

    Example:
        >>> iris = dict(dataset="iris", epochs=3, batch_size=16, split="nested(2,2)")
        >>> tuning = tune_nested(iris, sample={"learning_rate": [1e-6, 0.1]}, trials=2, seeds=1)
        >>> tuning.choices["learning_rate"]
        ['0.1', '0.1']
    """
    folders = workspace(records, cache_dir, data_dir)
    budget = Budget(sampler, trials, parallel, seed=sample_seed)
    asked = _asked(settings, sample, data, budget, name, folders)
    if not folders.planner.folds(asked.settings).inner:
        raise UserError("tune_nested requires split='nested(5,3)' or the like; use rs.tune")
    row = of_nested_settings(asked.name, asked.settings, asked.axes, asked.context)
    spaces = {asked.name: asked.axes}
    tuned = tuned_table(asked.name, row, spaces, asked.context, budget, seeds)
    return NestedTuneResult(asked.name, tuned.in_folds[asked.name], tuned.table)


@dataclasses.dataclass(frozen=True)
class _Asked:
    """A tuning that was asked for: the settings of all trials, the axes, and what trains them."""

    name: str
    settings: Settings
    axes: Sequence[Axis]
    context: SearchContext


def _asked(
    settings: Mapping[str, Any],
    sample: Mapping[str, Any],
    data: Any,
    budget: Budget,
    name: str | None,
    folders: Workspace,
    keep_params: bool = False,
) -> _Asked:
    """What the arguments ask for. Raises UserError for a sampler, a pruner or an axis that cannot
    be."""
    # The command line's enum flags refuse these two; a keyword argument needs its own check.
    if budget.sampler not in SAMPLERS:
        raise UserError(f"sampler={budget.sampler}; {nearest(budget.sampler, SAMPLERS)}")
    if budget.pruner is not None and budget.pruner not in PRUNERS:
        raise UserError(f"pruner={budget.pruner}; {nearest(budget.pruner, PRUNERS)}")
    shared = settings_of(with_data(settings, data, folders.cache_dir))
    texts = axes_of("sample", sample)
    axes = sampled(texts)
    refuse_written([axis.path for axis in axes], shared)
    execution = Execution(keep_params=keep_params)
    context = SearchContext(folders.store, folders.planner, folders.monitor, execution)
    return _Asked(name or tuner.default_name([shared, texts], budget), shared, axes, context)
