"""A tuning: which settings do best on validation; the choice is reported on fresh seeds."""

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from research import config as config_lib
from research import identity
from research.components import entry_and_options
from research.errors import UserError
from research.options import Settings
from research.sweeps.column import refuse_fitted
from research.sweeps.declare.sweep_axes import Axis, Point
from research.sweeps.estimates.seed_value import seed_value
from research.sweeps.execute.ensure_records import (
    Executor,
    ensure_records,
    tell_notes,
    train_locally,
)
from research.sweeps.execute.execution_context import ExecutionContext
from research.sweeps.execute.execution_options import Execution
from research.sweeps.execute.observer import Observer
from research.sweeps.plan.run_plan import PlannedRun, RequestedRun, with_seeds
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.sweeps.tuning import earlier_trials, journal, pruners, space, trial_samplers
from research.sweeps.tuning import study as study_lib
from research.sweeps.tuning.goal import Goal, check_goal, check_rungs, main_goal
from research.sweeps.tuning.journal import Studied
from research.sweeps.tuning.pruned_search import LANES, PrunedSearch
from research.sweeps.tuning.search import Result, search
from research.sweeps.tuning.space_checks import first_run, planned, planned_folds
from research.words import plural


@dataclasses.dataclass(frozen=True)
class Budget:
    """How a space is searched. trials: at most so many. parallel: asked for at once. seed: of the
    draws."""

    sampler: str = "tpe"
    trials: int = 100
    parallel: int = 16
    pruner: str | None = None
    seed: int = 0


@dataclasses.dataclass(frozen=True)
class Tuned:
    """The result of a search. best: the trial with the best value. axes: those of the space.
    settings: the chosen ones."""

    study: Study
    axes: Sequence[Axis]
    goal: Goal
    best: FrozenTrial
    settings: dict[str, Any]

    @property
    def share(self) -> float | None:
        """The part of the lanes' epochs that were a trial's, the others being idle; None where none
        raced."""
        live, computed = self.study.user_attrs.get(LANES, (0, 0))
        return live / computed if computed else None

    @property
    def point(self) -> Point:
        """The chosen values."""
        return {
            axis.path: str(self.settings[axis.path])
            for axis in self.axes
            if axis.path in self.settings
        }


@dataclasses.dataclass(frozen=True)
class SearchContext:
    """Where and by whom trials are trained, and who watches."""

    store: Store
    planner: Planner
    monitor: Observer
    execution: Execution
    executor: Executor = train_locally

    def obtain(self, runs: Sequence[RequestedRun]) -> dict[str, Record]:
        """The records of the runs, by id, after training those that have none."""
        return ensure_records(
            runs,
            self.store,
            self.planner,
            self.monitor,
            execution=self.execution,
            executor=self.executor,
        )


def default_name(searched: Any, budget: Budget) -> str:
    """The name of a tuning that was given none: the same settings and budget have the same."""
    described = dataclasses.asdict(budget)
    del described["trials"]
    return f"tuning-{identity.digest([searched, described])[:8]}"


def tune(
    name: str,
    settings: Settings,
    axes: Sequence[Axis],
    budget: Budget,
    context: SearchContext,
    storage: BaseStorage | None,
    goal: Goal | None = None,
) -> Tuned:
    """Searches a space and returns the best trial; continues a study of that name.

    Args:
        name: the study's name in its journal.
        settings: those of every trial; the seed among them is the one that all trials have.
        axes: the space.
        budget: how many trials, and by which sampler and pruner.
        context: where and by whom trials are trained.
        storage: the journal; None keeps the study in memory.
        goal: the metric to choose by; None for the task's main metric.

    Returns:
        The study, its best trial and the chosen settings.

    Raises:
        UserError: the space cannot be searched like this, or none of its trials finished.
    """
    first = first_run(settings, axes, context.planner)
    goal = goal or main_goal(first)
    check_goal(goal, first)
    return searched(name, settings, axes, budget, context, storage, goal)


def searched(
    name: str,
    settings: Settings,
    axes: Sequence[Axis],
    budget: Budget,
    context: SearchContext,
    storage: BaseStorage | None,
    goal: Goal,
) -> Tuned:
    """As `tune`, for a goal that may be of other rows than those that validate.

    Args:
        name: the study's name in its journal.
        settings: those of every trial.
        axes: the space.
        budget: how many trials, and by which sampler and pruner.
        context: where and by whom trials are trained.
        storage: the journal; None keeps the study in memory.
        goal: the metric to choose by, and the folds whose mean it is.

    Raises:
        UserError: the space cannot be searched like this, or none of its trials finished.
    """
    refuse_fitted([axis.path for axis in axes], goal.metric)
    fold = {"fold": goal.folds[0]} if goal.folds else {}
    first = first_run({**settings, **fold}, axes, context.planner)
    if budget.pruner is not None:
        check_rungs(goal, first, axes, budget.pruner, context.execution)
    trials = trial_samplers.count(budget.sampler, axes, budget.trials)
    definition = _definition(settings, axes, budget, goal, first)
    sampler = trial_samplers.sampler(budget.sampler, axes, budget.seed)
    pruner = pruners.pruner(budget.pruner, first.config.epochs)

    def entering(earlier: Sequence[Studied]) -> Sequence[FrozenTrial]:
        entered = earlier_trials.entering(
            earlier, earlier_trials.Space(settings, axes), distinct=budget.sampler == "grid"
        )
        left = max(0, trials - len(entered))
        count = len(earlier_trials.with_results(earlier))
        context.monitor.note(
            f"'{name}': {len(entered)} of {count} earlier trials are kept;"
            f" {left} of {plural(trials, 'trial')} left to try"
        )
        return entered

    study = study_lib.study(storage, name, goal.better, definition, sampler, pruner, entering)
    if budget.pruner is None:
        search(
            study,
            axes,
            trials,
            budget.parallel,
            lambda points: _trained(settings, points, goal, context),
        )
    else:
        _raced(
            study, settings, axes, dataclasses.replace(budget, trials=trials), goal, first, context
        )
    _warn_of_refused(study, context.monitor)
    best = chosen(study)
    best_settings = {**settings, **space.suggested(best, axes)}
    _, unused = config_lib.resolve(best_settings)
    return Tuned(
        study,
        axes,
        goal,
        best,
        {path: best_settings[path] for path in best_settings if path not in unused},
    )


def _warn_of_refused(study: Study, monitor: Observer) -> None:
    """Says so if part of the space cannot be trained: it costs trials."""
    trials = study.get_trials(deepcopy=False)
    notes = [
        trial.user_attrs.get("note", "")
        for trial in trials
        if trial.user_attrs.get("outcome") == "refused"
    ]
    if notes:
        monitor.warn(
            f"{len(notes)} of {len(trials)} trials cannot be trained; the first: {notes[0]}"
        )


def chosen(study: Study) -> FrozenTrial:
    """The finished trial with the best value, the first of several. Raises UserError if none
    finished."""
    trials = study.get_trials(deepcopy=False)
    sign = -1.0 if study.direction.name == "MAXIMIZE" else 1.0
    finished = [
        (sign * t.value, t.number)
        for t in trials
        if t.state == TrialState.COMPLETE and t.value is not None
    ]
    finished = [(value, number) for value, number in finished if math.isfinite(value)]
    if not finished:
        came = ", ".join(f"{count} {word}" for word, count in journal.counts(trials).items())
        note = next((f"; {t.user_attrs['note']}" for t in trials if "note" in t.user_attrs), "")
        raise UserError(
            f"no trial of '{study.study_name}' finished: {came or 'there is none'}{note}"
        )
    return trials[min(finished)[1]]


def report(tuned: Tuned, seeds: int, planner: Planner) -> list[dict[str, Any]]:
    """The runs that the table reports: the chosen settings on seeds that did not choose them.

    Args:
        tuned: the tuning's choice.
        seeds: how many fresh seeds.
        planner: knows the seed of the trials.
    """
    return fresh(tuned.settings, seeds, planner)


def fresh_seeds(settings: Settings, seeds: int) -> range:
    """The seeds after the one that all trials have.

    Args:
        settings: of the trials.
        seeds: how many.
    """
    first = config_lib.resolve({"seed": settings.get("seed", 0)})[0].seed + 1
    return range(first, first + seeds)


def fresh(settings: Settings, seeds: int, planner: Planner) -> list[dict[str, Any]]:
    """The settings on seeds that no trial had: those after the one that all trials have.

    They keep the split of the trials, so that no trial was chosen on a row that they are tested on.

    Args:
        settings: the chosen settings.
        seeds: how many fresh seeds.
        planner: knows the seed of the trials.
    """
    trial, *_ = planner.plan(planner.each_fold([settings]))
    if settings.get("split_seed") == "seed":
        raise UserError(
            "split_seed=seed: the choice would be tested on rows that trials read; leave it out, or"
            " give a number"
        )
    shared = {"split_seed": trial.config.split_seed, **settings}
    return [dict(request) for request in with_seeds(shared, fresh_seeds(settings, seeds))]


def _definition(
    settings: Settings, axes: Sequence[Axis], budget: Budget, goal: Goal, first: PlannedRun
) -> dict[str, Any]:
    """What the trials are a function of, but for their number: more of them go on from the same.

    first: one of the runs, for its data and its parts; the axes may name others.
    """
    described = dataclasses.asdict(budget)
    del described["trials"]
    texts = {key: str(value) for key, value in settings.items()}
    parts = {
        f"{kind} {entry.name}": entry.version
        for kind, entry in identity.entries(first.config)
        if entry.version
    }
    for axis in axes:
        if axis.path in config_lib.PARTS and axis.path != "regularization":
            registry = config_lib.PARTS[axis.path]
            named = [registry.get(entry_and_options(registry, text)[0]) for text in axis.values]
            parts |= {f"{registry.kind} {entry.name}": entry.version for entry in named}
    return {
        "sample": [str(axis) for axis in axes],
        "settings": texts,
        **described,
        "metric": goal.metric,
        **({"folds": list(goal.folds)} if goal.folds else {}),
        "data": first.program.spec.fingerprint[:12],
        "versions": parts,
    }


def _trained(
    settings: Settings, points: Sequence[Point], goal: Goal, context: SearchContext
) -> list[Result]:
    """The results of points that are trained together; those that have their record are read from
    it."""
    plans = [planned_folds(settings, point, context.planner, goal.folds) for point in points]
    runs = [run for plan in plans if not isinstance(plan, Result) for run in plan]
    records = context.obtain(runs)
    return [plan if isinstance(plan, Result) else _result(records, plan, goal) for plan in plans]


def _result(records: Mapping[str, Record], runs: Sequence[PlannedRun], goal: Goal) -> Result:
    """The result of a trial, which is known by the first of its runs.

    records: without those whose file is not believed and cannot be replaced.
    """
    there = [records[run.id] for run in runs if run.id in records]
    record = seed_value(there, len(runs)).record
    if record is None:
        return Result(None, "failed", runs[0].id, "its record cannot be used")
    return dataclasses.replace(result_of(record, goal), run=runs[0].id)


def result_of(record: Record, goal: Goal) -> Result:
    """What a trial's record says of it."""
    value = record.metrics.get(goal.metric)
    if record.status == "finished" and value is not None and math.isnan(value):
        return Result(None, "failed", record.run_id, f"its {goal.metric} is not a number")
    if record.status == "diverged" or (value is not None and not math.isfinite(value)):
        return Result(math.nan, "diverged", record.run_id)
    if record.status == "finished" and value is not None:
        return Result(value, run=record.run_id)
    return Result(None, "failed", record.run_id, record.cause or f"it has no {goal.metric}")


def _raced(
    study: Study,
    settings: Settings,
    axes: Sequence[Axis],
    budget: Budget,
    goal: Goal,
    first: PlannedRun,
    context: SearchContext,
) -> None:
    """Trains the trials in a race. Its ways are not timed, so that the trials are a function of the
    flags."""
    assert budget.pruner is not None
    execution, watcher = context.execution, context.monitor
    tell_notes([first], context.planner, watcher.note)
    left = budget.trials - sum(
        trial.state.is_finished() for trial in study.get_trials(deepcopy=False)
    )
    watching = watcher.watch([first] * left) if left > 0 else contextlib.nullcontext(Observer())
    with watching as observer:
        PrunedSearch(
            study=study,
            axes=axes,
            trials=budget.trials,
            parallel=budget.parallel,
            plan=lambda point: planned(settings, point, context.planner),
            value=lambda record: result_of(record, goal),
            metric=goal.metric,
            rungs=pruners.rungs(budget.pruner, first.config.epochs),
            context=ExecutionContext(
                store=context.store,
                arrays_of=context.planner.arrays,
                observer=observer,
                execution=execution,
                timer=lambda *_: 0.0,
                origin_of=context.planner.origin,
            ),
        ).run()
    trained = [
        trial.user_attrs["run"]
        for trial in study.get_trials(deepcopy=False)
        if "run" in trial.user_attrs
    ]
    watcher.on_records(context.store.find(trained)[0].values())
