"""Tuned table: the rows of an experiment tuned each in its space, and the table of the choices."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.choice_table import utilisation
from research.analysis.experiment_report import RecordSource, check_metrics, of_arms
from research.analysis.table_builder import build_table
from research.errors import UserError
from research.options import Settings
from research.sweeps.column import Column, with_flat
from research.sweeps.declare.nested_choice import with_scores
from research.sweeps.declare.sweep_axes import Axis
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import RequestedRun
from research.sweeps.records.predictions import Predictions
from research.sweeps.tuning import journal as journal_lib
from research.sweeps.tuning import report_text, space, tuner
from research.sweeps.tuning.goal import Goal, check_goal, main_goal
from research.sweeps.tuning.nested_tuning import NestedTuned, tune_nested
from research.sweeps.tuning.space_checks import first_run
from research.sweeps.tuning.tuner import Budget, SearchContext, Tuned


class TunedTable(NamedTuple):
    """The table of tuned rows. tuned: the tuning of each row. in_folds: of the rows with nested
    folds."""

    table: ArmsTable
    tuned: Mapping[str, Tuned]
    in_folds: Mapping[str, NestedTuned]

    @property
    def searches(self) -> list[Tuned]:
        """Every search whose choice the table reports."""
        of_folds = [[*of_row.of_folds.values()] for of_row in self.in_folds.values()]
        return [*self.tuned.values(), *itertools.chain.from_iterable(of_folds)]


def tuned_table(
    name: str,
    experiment: Experiment,
    spaces: Mapping[str, Sequence[Axis]],
    context: SearchContext,
    budget: Budget,
    seeds: int,
    check: Callable[[ArmsTable], None] = lambda table: None,
) -> TunedTable:
    """Each arm tuned in its space, and the experiment's table of the choices.

    Args:
        name: the tuning's.
        experiment: whose arms are tuned.
        spaces: the axes of each arm; one without axes is not tuned.
        context: trains the trials.
        budget: how much is searched for each arm, and how.
        seeds: how many fresh seeds are reported.
        check: refuses the table, still without values, before anything is trained.

    Raises:
        UserError: a space cannot be searched, or none of its trials finished.
    """
    planner = context.planner
    settings = {label: _left(experiment, label, spaces[label]) for label in experiment.arms}
    goal = _declared_goal(experiment, spaces)
    goals = {
        label: _goal_in_folds(settings[label], spaces[label], goal, context)
        for label in experiment.nested
    }
    for of_label in goals.values():
        columns = with_flat(experiment.columns, of_label.metric, of_label.better)
        experiment = dataclasses.replace(experiment, columns=columns)
    _check_arms(experiment, settings, context, seeds, check)
    by_label: dict[str, Tuned] = {}
    in_folds: dict[str, NestedTuned] = {}
    with journal_lib.journal(context.store, name) as journal:
        for label, axes in spaces.items():
            study = name if label == name else f"{name}: {label}"
            if label in goals:

                def search(
                    study: str, fixed: Settings, goal: Goal, axes: Sequence[Axis] = axes
                ) -> Tuned:
                    return tuner.searched(study, fixed, axes, budget, context, journal, goal)

                in_folds[label] = tune_nested(
                    search,
                    study,
                    settings[label],
                    planner.folds(settings[label]),
                    goals[label],
                    tuner.fresh_seeds(settings[label], seeds),
                )
            elif axes:
                by_label[label] = tuner.tune(
                    study, settings[label], axes, budget, context, journal, goal
                )
    requests = {
        label: (
            in_folds[label].requests
            if label in in_folds
            else tuner.report(by_label[label], seeds, planner)
            if label in by_label
            else tuner.fresh(settings[label], seeds, planner)
        )
        for label in experiment.arms
    }
    notes = [
        *(f"{label}: {_point(of)}." for label, of in by_label.items()),
        *(f"{label}: {of.points}." for label, of in in_folds.items()),
        *utilisation(by_label),
    ]
    strengths = []
    if by_label or not in_folds:
        folds = max(len(planner.each_fold(of_row[:1])) for of_row in requests.values())
        strengths.append(report_text.described([*by_label.values()], budget, seeds, folds))
    if in_folds:
        strengths.append(report_text.described_in_folds([*in_folds.values()], budget))
    flat = {
        run.id: in_folds[label].flat_scores[run.config.seed]
        for label in in_folds
        for run in planner.plan(requests[label])
    }
    table = of_arms(
        experiment,
        requests,
        " ".join(strengths),
        planner,
        RecordSource(
            lambda runs: with_scores(context.obtain(runs), flat), Predictions(context.store)
        ),
        notes,
        context.monitor.note,
    )
    return TunedTable(table, by_label, in_folds)


def of_nested_settings(
    name: str, settings: Settings, axes: Sequence[Axis], context: SearchContext
) -> Experiment:
    """Settings with a nested split as a table of one row.

    Args:
        name: of the tuning, and of the row.
        settings: those of every trial.
        axes: the space.
        context: plans the runs.
    """
    goal = _goal_in_folds(settings, axes, None, context)
    metric = goal.metric.partition("/")[2]
    column = Column(f"test {metric}", f"test/{metric}", goal.better)
    return Experiment(name, "", settings, {name: {}}, (column,))


def _goal_in_folds(
    settings: Settings, axes: Sequence[Axis], goal: Goal | None, context: SearchContext
) -> Goal:
    """What the inner folds of a nested split choose by."""
    inner = {**settings, "fold": context.planner.folds(settings).count}
    first = first_run(inner, axes, context.planner)
    goal = goal or main_goal(first)
    check_goal(goal, first)
    return goal


def _check_arms(
    experiment: Experiment,
    settings: Mapping[str, Mapping[str, Any]],
    context: SearchContext,
    seeds: int,
    check: Callable[[ArmsTable], None],
) -> None:
    """Refuses what the table will not have, and metrics that no run will have."""
    arms = [Arm(label, {}) for label in experiment.arms]
    empty = build_table(
        experiment.name, arms, experiment.columns, experiment.baseline, range(seeds)
    )
    check(empty)
    runs: list[RequestedRun] = []
    for label in experiment.arms:
        try:
            requests = [{**settings[label], "fold": 0}]
            if label not in experiment.nested:
                requests = tuner.fresh(settings[label], 1, context.planner)
            runs += context.planner.plan(context.planner.each_fold(requests))
        except UserError:  # an arm that needs an axis' value cannot be planned yet
            return
    check_metrics(experiment, runs)


def _left(experiment: Experiment, label: str, axes: Sequence[Axis]) -> dict[str, Any]:
    """The settings of an arm that no axis sets. Raises UserError if one sets what makes the arm."""
    arm = experiment.arms[label]
    paths = {axis.path for axis in axes}
    for path in sorted(paths & set(arm)):
        raise UserError(
            f"the arm '{label}' sets {path} itself; tune it in other arms: {path}=… if"
            f" {space.ARM}=…"
        )
    return {path: value for path, value in {**experiment.base, **arm}.items() if path not in paths}


def _declared_goal(experiment: Experiment, spaces: Mapping[str, Sequence[Axis]]) -> Goal | None:
    """What an experiment chooses by, if it does; the tuning chooses in its place. Raises UserError
    if it cannot."""
    choose = experiment.choose
    if choose is None:
        return None
    for label, axes in spaces.items():
        if choose.path not in [axis.path for axis in axes]:
            raise UserError(
                f"'{experiment.name}' chooses {choose.path} itself; tune it for '{label}' too: "
                f"--sample='{choose.path}=…'"
            )
    return Goal(choose.metric, "higher" if choose.better == "higher" else "lower")


def _point(tuned: Tuned) -> str:
    return ", ".join(f"{path}={value}" for path, value in tuned.point.items())
