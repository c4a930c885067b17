"""What is called from Python: train, sweep, experiment, load, list."""

import builtins
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.analysis.external import external_table, read_results
from research.analysis.tables import of_experiment
from research.api.data import with_data
from research.api.run import Run
from research.api.settings import axis_of, settings_of
from research.api.sweep import Sweep
from research.api.table import Table
from research.api.workspace import workspace
from research.config import PARTS
from research.errors import UserError, nearest
from research.registry import ACTIVATIONS, CALLBACKS, LOSSES, METRICS, TASKS
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_request import Axes, asked, planned
from research.sweeps.declare.sweep_spec import check_name
from research.sweeps.records.verification import lookup

_LISTS = {
    registry.plural: registry
    for registry in (*PARTS.values(), ACTIVATIONS, CALLBACKS, LOSSES, METRICS, TASKS)
}


def train(
    *,
    data: Any = None,
    records: str = "records",
    cache_dir: str = ".cache",
    data_dir: str | None = None,
    keep_params: bool = True,
    **settings: Any,
) -> Run:
    """Trains one run, or returns at once if its record exists.

    Args:
        data: arrays (x, y), or a pandas.DataFrame with `target`, in place of `dataset`; its
            identity is a digest. records, cache_dir, data_dir: folders, as the flags of these
            names.
        keep_params: keep the parameters beside the record, for `Run.predict`.
        settings: the flags of launch.train; `arch_hidden` is `--arch.hidden`, as is
            `**{"arch.hidden": ...}`.

    Raises UserError for a setting that cannot work, and if the run failed.

    >>> run = train(dataset="iris", arch="linear", epochs=2)  # doctest: +SKIP
    >>> run.metrics["test/accuracy"]  # doctest: +SKIP
    """
    place = workspace(records, cache_dir, data_dir)
    (run,) = place.planner.runs([settings_of(with_data(settings, data, cache_dir))])
    return Run(place.obtain([run], keep_params)[run.id], place)


def sweep(
    settings: Mapping[str, Any],
    *,
    data: Any = None,
    grid: Mapping[str, Any] | None = None,
    zip: Mapping[str, Any] | None = None,
    sample: Mapping[str, str] | None = None,
    samples: int = 0,
    sample_seed: int = 0,
    seeds: int = 1,
    name: str | None = None,
    records: str = "records",
    cache_dir: str = ".cache",
    data_dir: str | None = None,
    keep_params: bool = False,
) -> Sweep:
    """Trains every point of the axes with every seed; runs that have records are not trained again.

    Args:
        settings: those that all runs share, as `train` takes them; `data` likewise.
        grid: axes that multiply: `{"learning_rate": [0.01, 0.1]}`.
        zip: axes that move together, of equal length.
        sample: axes drawn at random: `{"learning_rate": "log(1e-4,1)"}`; `samples` points are
            drawn.
        seeds: of every point, counted from the settings' own.
        name: keeps the sweep under this name beside the records, for launch.table and
            launch.status.

    Raises UserError for an axis or setting that cannot work, and if a run failed.
    """
    place = workspace(records, cache_dir, data_dir)
    together = "; ".join(axis_of(path, values) for path, values in (zip or {}).items())
    axes = Axes(
        [axis_of(path, values) for path, values in (grid or {}).items()],
        [together] if together else [],
        [axis_of(path, values) for path, values in (sample or {}).items()],
        samples,
        sample_seed,
    )
    wanted = asked(
        settings_of(with_data(settings, data, cache_dir)), axes, seeds, [], place.monitor.note
    )
    if name is not None:
        check_name(name)
    runs, notes = planned(wanted, place.planner, place.monitor.note)
    if name is not None:
        wanted.save(place.store, name, runs, notes)
    return Sweep(wanted, runs, place.obtain(runs, keep_params), notes, place, name or "sweep")


def experiment(
    name: str,
    *,
    seeds: int | None = None,
    train: bool = True,
    records: str = "records",
    cache_dir: str = ".cache",
    data_dir: str | None = None,
) -> Table:
    """The table of a declared experiment, after training what is missing (unless `train` is False).

    seeds: of each arm; None: as declared. Raises UserError with the nearest names if there is no
        such experiment.
    """
    place = workspace(records, cache_dir, data_dir)
    declaration = experiment_files.get(name, place.monitor.warn)
    if seeds is not None:
        declaration = dataclasses.replace(declaration, seeds=seeds)
    return Table(
        of_experiment(declaration, place.planner, place.store, place.monitor, train=train).table
    )


def table(
    data: Any,
    *,
    row: str,
    pair: str,
    column: str | Sequence[str],
    baseline: str | None = None,
    title: str = "Results",
) -> Table:
    """A table of results that were trained elsewhere, with intervals, paired tests and verdicts.

    Args:
        data: the path of a csv file, a pandas.DataFrame, or a mapping of columns: a line per
            training.
        row: the column of row labels, such as "method".
        pair: the column that says which values belong together across rows: "seed", "fold".
        column: one metric or several; `"nll:lower"` says that lower values are better.
        baseline: the row label that the others are compared with.
        title: of the table.

    Raises UserError for a column or baseline that does not exist, a value that is no number, or two
    values of one row and pair.

    >>> scores = {"method": ["a", "a", "b", "b"], "seed": [0, 1, 0, 1], "score": [1, 2, 3, 5]}
    >>> table(scores, row="method", pair="seed", column="score").cells.row("b").cells[0].values
    (3.0, 5.0)
    """
    names = [column] if isinstance(column, str) else [*column]
    return Table(external_table(read_results(data), row, pair, names, baseline, title))


def load(
    run: str, *, records: str = "records", cache_dir: str = ".cache", data_dir: str | None = None
) -> Run:
    """A run that is over: by its id, the beginning of it, its name or a tag, or by the folder that
    launch.package wrote.

    Raises UserError if there is none.
    """
    if Path(run).is_dir():
        place = workspace(run, cache_dir, data_dir)
        run, *_ = [*place.store.ids()] or [""]
    else:
        place = workspace(records, cache_dir, data_dir)
    return Run(lookup(place.store, run), place)


def list(what: str) -> builtins.list[str]:
    """The names that a setting can take: `list("regularizers")`, `list("architectures")`.

    Raises UserError with the lists that there are.

    >>> "dropout" in list("regularizers")
    True
    """
    if what not in _LISTS:
        raise UserError(f"there is no list '{what}'; {nearest(what, _LISTS)}")
    names: Sequence[str] = _LISTS[what].names()
    return [*names]
