"""The functions that are called from Python: train, sweep, experiment, table, load, list."""

import builtins
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research import messages
from research.analysis.experiment_report import of_experiment
from research.analysis.external import external_table, read_results
from research.analysis.importance.importance_report import importance_report
from research.analysis.importance.inquiry import Inquiry
from research.api.experiment_result import ExperimentResult
from research.api.folds_result import FoldsResult
from research.api.given_data import with_data
from research.api.importance_result import ImportanceResult
from research.api.run_result import RunResult
from research.api.settings import axes_of, settings_of
from research.api.sweep_result import SweepResult
from research.api.table_result import TableResult
from research.api.workspace import workspace
from research.errors import UserError, nearest
from research.sweeps.declare import experiment_files
from research.sweeps.declare.catalogue_lists import LISTS, listed
from research.sweeps.declare.sweep_request import Axes, asked, planned
from research.sweeps.declare.sweep_spec import check_name
from research.sweeps.ensembles.new_rows import members_of
from research.sweeps.records.saved_parameters import Parameters
from research.sweeps.records.verification import lookup


def train(
    *,
    data: Any = None,
    records: str = "records",
    cache_dir: str = ".cache",
    data_dir: str | None = None,
    keep_params: bool = True,
    keep_predictions: bool = False,
    **settings: Any,
) -> RunResult | FoldsResult:
    """Trains one run, or returns at once if its record exists.

    Args:
        data: arrays (x [N, ...], y [N]), or a pandas.DataFrame together with the setting
            `target`; replaces the setting `dataset`. The same data gives the same run.
        records: folder of the records.
        cache_dir: folder of decoded data and compiled programs.
        data_dir: folder of prepared TFDS data sets.
        keep_params: keep the parameters beside the record, for `RunResult.predict`.
        keep_predictions: keep the scores of validation and test rows, for `RunResult.predictions`.
        settings: the flags of launch.train; `arch_hidden` is `--arch.hidden`, as is
            `**{"arch.hidden": ...}`.

    Returns:
        The run, with its metrics, curves, parameters and predictions; or the runs of all folds,
        where `split` has several and no `fold` is given.

    Raises:
        UserError: if a setting is invalid, or if the run failed.

    Example:
        >>> run = train(dataset="iris", arch="linear", epochs=5)
        >>> run.metrics["test/accuracy"] > 0.5
        True
    """
    folders = workspace(records, cache_dir, data_dir)
    asked_for = [settings_of(with_data(settings, data, cache_dir))]
    runs = folders.planner.fitting(folders.planner.each_fold(asked_for))
    recorded = folders.obtain(runs, keep_params, keep_predictions)
    records_of_runs = [recorded[run.id] for run in runs]
    if len(runs) > 1:
        return FoldsResult(records_of_runs, folders)
    return RunResult(records_of_runs[0], folders)


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
    keep_predictions: bool = False,
) -> SweepResult:
    """Trains every point of the axes with every seed; runs that have records are not trained again.

    Args:
        settings: the settings that all runs share, as `train` takes them.
        data: arrays or a frame, as `train` takes them.
        grid: axes that multiply: `{"learning_rate": [0.01, 0.1]}`; a value may have options in
            brackets: `{"optimizer": ["sgd(momentum=0.9)", "adam"]}`.
        zip: axes that move together, of equal length.
        sample: axes drawn at random: `{"learning_rate": "log(1e-4,1)"}`.
        samples: number of points drawn from the `sample` axes.
        sample_seed: seed of the drawn points.
        seeds: number of seeds per point, counted from the `seed` of the settings.
        name: saves the sweep under this name beside the records, for launch.table and
            launch.status.
        records: folder of the records.
        cache_dir: folder of decoded data and compiled programs.
        data_dir: folder of prepared TFDS data sets.
        keep_params: keep the parameters of each run, for `RunResult.predict`.
        keep_predictions: keep the scores of validation and test rows, for `RunResult.predictions`.

    Returns:
        The runs in order, and their table.

    Raises:
        UserError: if an axis or a setting is invalid, or if a run failed.

    Example:
        >>> iris = dict(dataset="iris", arch="linear", epochs=5)
        >>> rates = sweep(iris, grid={"learning_rate": [0.01, 0.1]}, seeds=2)
        >>> [run.config["learning_rate"] for run in rates]
        ['0.01', '0.01', '0.1', '0.1']
    """
    folders = workspace(records, cache_dir, data_dir)
    # Axes become the flags' texts, so that a sweep from Python has the run ids of the same sweep
    # from the command line.
    together = "; ".join(axes_of("zip", zip))
    axes = Axes(
        axes_of("grid", grid),
        [together] if together else [],
        axes_of("sample", sample),
        samples,
        sample_seed,
    )
    wanted = asked(
        settings_of(with_data(settings, data, cache_dir)), axes, seeds, [], folders.monitor.note
    )
    if name is not None:
        check_name(name)
    wanted, runs, notes = planned(wanted, folders.planner, folders.monitor.note)
    # Saved before training: launch.status can follow the sweep, and an interrupted one keeps its
    # definition.
    if name is not None:
        wanted.save(folders.store, name, runs, notes)
    return SweepResult(
        wanted,
        runs,
        folders.obtain(runs, keep_params, keep_predictions),
        notes,
        folders,
        name or "sweep",
    )


def experiment(
    name: str,
    *,
    seeds: int | None = None,
    train: bool = True,
    records: str = "records",
    cache_dir: str = ".cache",
    data_dir: str | None = None,
) -> ExperimentResult:
    """A declared experiment, after training what is missing (unless `train` is False).

    Args:
        name: name of the experiment.
        seeds: number of seeds per arm; None: as declared.
        train: train the runs that have no record.
        records: folder of the records.
        cache_dir: folder of decoded data and compiled programs.
        data_dir: folder of prepared TFDS data sets.

    Returns:
        The experiment, which has a `table()`, and `effects()` where it declares factors.

    Raises:
        UserError: if there is no such experiment, with the nearest names.

    Example:
        >>> experiment("regularisation")
        Traceback (most recent call last):
        research.errors.Unknown: unknown experiment 'regularisation'; did you mean regularization?
    """
    folders = workspace(records, cache_dir, data_dir)
    declaration = experiment_files.get(name, folders.monitor.warn)
    if seeds is not None:
        declaration = dataclasses.replace(declaration, seeds=seeds)
    report = of_experiment(
        declaration, folders.planner, folders.store, folders.monitor, train=train
    )
    return ExperimentResult(report)


def table(
    data: Any,
    *,
    row: str,
    pair: str,
    column: str | Sequence[str],
    baseline: str | None = None,
    title: str = "Results",
) -> TableResult:
    """A table of results that were trained elsewhere, with intervals, paired tests and verdicts.

    Args:
        data: the path of a csv file, a pandas.DataFrame, or a mapping of columns, with one line
            per training run.
        row: the column of row labels, such as "method".
        pair: the column that says which values belong together across rows: "seed", "fold".
        column: one metric or several; `"nll:lower"` says that lower values are better.
        baseline: the row label that the others are compared with.
        title: the table's title.

    Returns:
        The table, with a row per label of `row`.

    Raises:
        UserError: if a column or the baseline does not exist, a value is not a number, or a row
            has two values for the same pair.

    Example:
        >>> scores = {"method": ["a", "a", "b", "b"], "seed": [0, 1, 0, 1], "score": [1, 2, 3, 5]}
        >>> table(scores, row="method", pair="seed", column="score").cells.row("b").cells[0].values
        (3.0, 5.0)
    """
    names = [column] if isinstance(column, str) else [*column]
    return TableResult(external_table(read_results(data), row, pair, names, baseline, title))


def load(
    run: str, *, records: str = "records", cache_dir: str = ".cache", data_dir: str | None = None
) -> RunResult:
    """A finished run from its record.

    Args:
        run: its id, the beginning of the id, its name, a tag, or a folder that launch.package
            wrote.
        records: folder of the records.
        cache_dir: folder of decoded data and compiled programs.
        data_dir: folder of prepared TFDS data sets.

    Returns:
        The run, with its metrics, curves, parameters and predictions.

    Raises:
        UserError: if no run or more than one matches.

    Example:
        >>> run = train(dataset="iris", arch="linear", epochs=5)
        >>> load(run.id).metrics == run.metrics
        True
    """
    if Path(run).is_dir():
        # A packaged run is a records folder that holds this one run, or an ensemble with members.
        folders = workspace(run, cache_dir, data_dir)
        packed = [lookup(folders.store, run_id) for run_id in folders.store.ids()]
        packed.sort(key=lambda record: not members_of(record))
        run = packed[0].run_id if packed else ""
    else:
        folders = workspace(records, cache_dir, data_dir)
    return RunResult(lookup(folders.store, run), folders)


def explain(
    runs: RunResult | Sequence[RunResult],
    method: str = "permutation",
    *,
    split: str = "test",
    metric: str | None = None,
    repeats: int = 30,
    rows: int = 100,
    correlated: float | None = None,
) -> ImportanceResult:
    """Which features matter to trained runs, as launch.explain says it. Nothing is trained.

    Args:
        runs: one run, or several that differ in their seed: intervals are over them. They must have
            kept their parameters.
        method: permutation, shapley, gradient, integrated_gradients, occlusion, dependence, model.
        split: whose rows are predicted: test, validation or train.
        metric: of permutations; None: the task's main metric.
        repeats: shuffles of each feature, or rounds of sampled orders of Shapley values.
        rows: the most rows that methods look at which explain one row after another.
        correlated: keep features together whose rank correlation is at least this; None: none.

    Raises:
        UserError: a run kept no parameters, or the method does not apply to it.

    Example:
        >>> run = train(dataset="iris", arch="linear", epochs=5)
        >>> explain(run, repeats=5).features[0]
        'petal length (cm)'
    """
    several = (runs,) if isinstance(runs, RunResult) else tuple(runs)
    if not several:
        raise UserError("explain requires a run")
    inquiry = Inquiry(split, metric, repeats, rows, correlated)
    space = several[0].workspace
    label = f"run {several[0].id}" if len(several) == 1 else f"{len(several)} runs"
    records = [run.record for run in several]
    return ImportanceResult(
        importance_report(
            method,
            {label: records},
            inquiry,
            space.planner,
            Parameters(space.store),
            space.monitor.note,
        )
    )


def list(what: str) -> builtins.list[str]:
    """The names that `launch.list` prints too: `list("regularizers")`, `list("experiments")`.

    Raises:
        UserError: if there is no such list, with the names of the lists.

    Example:
        >>> "dropout" in list("regularizers")
        True
    """
    if what not in LISTS:
        raise UserError(f"there is no list '{what}'; {nearest(what, LISTS)}")
    return [entry.name for entry in listed(what, messages.warn)]
