"""A name that is asked for again: what changes under it."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from research import config as config_lib
from research.errors import UserError
from research.options import format_value
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.execute.execution_options import Execution
from research.sweeps.plan.run_plan import PlannedRun, RequestedRun
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.store import Store
from research.training.checkpoint.checkpoints import Checkpoints

# Values of a setting that are shown.
MOST = 6


def change(name: str, sweep: SweepSpec, runs: Sequence[RequestedRun], store: Store) -> str:
    """How a sweep differs from the one that has its name now, in a line; "" if it does not.

    Args:
        name: the sweep's name.
        sweep: what is asked for.
        runs: its runs.
        store: the records, which may have a sweep of that name.
    """
    before = SweepSpec.stored(store, name)
    if before is None:
        return ""
    had = set(before.runs)
    wanted = {run.id for run in runs}
    if had == wanted:
        return ""
    counts = [
        f"{len(wanted - had)} new",
        f"{len(wanted & had)} kept",
        f"{len(had - wanted)} no longer wanted",
    ]
    tasks = {run.config.task for run in runs if isinstance(run, PlannedRun)}
    what = "; ".join(_settings(before, sweep, tasks)) or "by its code"
    return f"'{name}' changes ({what}); runs: {', '.join(counts)}; every record stays"


def save(
    name: str,
    sweep: SweepSpec,
    runs: Sequence[RequestedRun],
    notes: Sequence[str],
    store: Store,
) -> None:
    """Keeps a sweep under its name, and warns of what changes there.

    Args:
        name: the sweep's name.
        sweep: what is asked for.
        runs: its runs.
        notes: sentences for the footer of its table.
        store: where it is kept.
    """
    if changed := change(name, sweep, runs, store):
        store.warn(changed)
    sweep.save(store, name, runs, notes)


def _settings(before: SweepSpec, after: SweepSpec, tasks: Collection[str]) -> Iterator[str]:
    """`learning_rate: 0.1|0.2 -> 0.1|0.3`, for each setting whose values differ."""
    for path in dict.fromkeys(
        path for sweep in (before, after) for request in sweep.requests for path in request
    ):
        was, now = (_values(sweep, path, tasks) for sweep in (before, after))
        if was != now:
            yield f"{path}: {was} -> {now}"


def _values(sweep: SweepSpec, path: str, tasks: Collection[str]) -> str:
    values = list(
        dict.fromkeys(str(request[path]) for request in sweep.requests if path in request)
    )
    shown = [*values[:MOST], "…"] if len(values) > MOST else values
    return "|".join(shown) or f"not set{_default(path, tasks)}"


def _default(path: str, tasks: Collection[str]) -> str:
    """The default of a setting, where the runs of the sweep share it."""
    if path not in config_lib.FIELDS:
        return ""
    defaults = {config_lib.task_default(task, path) for task in tasks}
    if len(defaults) != 1:
        return ""
    (default,) = defaults
    text = default.name if isinstance(default, config_lib.Component) else format_value(default)
    return f", so {text or 'none'}"


def refuse_sweep(name: str, store: Store, runs: Sequence[RequestedRun]) -> None:
    """Refuses other runs under a sweep's name, which would lose the sweep's definition.

    Args:
        name: the run's name.
        store: the records, which may have a sweep of that name.
        runs: the run, or its folds.

    Raises:
        UserError: the name is another sweep's.
    """
    before = SweepSpec.stored(store, name)
    wanted = [run.id for run in runs]
    if before is not None and len(before.requests) > 1 and before.runs != wanted:
        raise UserError(
            f"'{name}' is a sweep of {len(before.requests)} runs; give the run another --name"
        )


def refuse_changed(
    name: str, run: RequestedRun, store: Store, planner: Planner, execution: Execution
) -> None:
    """Refuses to change an unfinished run, whose checkpoint would be lost.

    Args:
        name: the run's name.
        run: what is asked for.
        store: the records, which may have a run of that name.
        planner: plans the run of before.
        execution: whose checkpoints are meant.

    Raises:
        UserError: the run of that name is unfinished and had other settings.
    """
    before = SweepSpec.stored(store, name)
    if before is None or len(before.requests) != 1:
        return
    try:
        (had,) = planner.runs(before.requests)
    except UserError:
        # What cannot be planned cannot be resumed either, so nothing would be lost.
        return
    if had.id == run.id or store.path(had.id).exists():
        return
    checkpoints = Checkpoints(Path(execution.checkpoints or store.root / "checkpoints"), store.warn)
    for _, pack in checkpoints.packs():
        if had.id in pack.configs:
            was = pack.configs[had.id]
            now = config_lib.to_flags(run.config)
            paths = [path for path in {**was, **now} if was.get(path) != now.get(path)]
            differ = ", ".join(
                f"{path} was {was.get(path, 'not set')} and is {now.get(path, 'not set')}"
                for path in paths
            )
            raise UserError(
                f"'{name}' is unfinished and would resume with a changed flag: {differ};"
                " continue with the old flags, or give another --name"
            )
