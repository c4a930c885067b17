"""What launch.tune does: settings or an experiment's arms tuned, and the table of the choice."""

from collections.abc import Mapping, Sequence
from typing import Any

from launch.cli.output import check
from launch.cli.run_flags import refuse_written, run_settings
from launch.cli.tune_flags import REPORT_SEEDS, SAMPLE
from research import config as config_lib
from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.choice_table import of_choice, utilisation
from research.analysis.experiment_report import RecordSource, check_metrics, of_arms
from research.analysis.main_columns import columns_of
from research.analysis.table_builder import build_table
from research.errors import UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Axis
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import RequestedRun
from research.sweeps.records.predictions import Predictions
from research.sweeps.records.record import Record
from research.sweeps.tuning import journal as journal_lib
from research.sweeps.tuning import report_text, space, tuner
from research.sweeps.tuning.goal import Goal
from research.sweeps.tuning.tuner import Budget, SearchContext, Tuned


def tuned_settings(
    name: str, context: SearchContext, budget: Budget
) -> tuple[list[Tuned], ArmsTable]:
    """The flags' settings tuned, and the table of the choice.

    Args:
        name: the tuning's.
        context: trains the trials.
        budget: how much is searched, and how.
    """
    axes = axes_lib.sampled(SAMPLE.value)
    settings = run_settings()
    refuse_written([axis.path for axis in axes], settings)
    _check_settings(name, settings, [axis.path for axis in axes], context)
    with journal_lib.journal(context.store, name) as journal:
        tuned = tuner.tune(name, settings, axes, budget, context, journal)
    return [tuned], of_choice(name, tuned, budget, REPORT_SEEDS.value, context)


def tuned_arms(
    name: str, experiment: Experiment, context: SearchContext, budget: Budget
) -> tuple[list[Tuned], ArmsTable]:
    """Each arm tuned, and the experiment's table of the choices.

    Args:
        name: the tuning's.
        experiment: whose arms are tuned.
        context: trains the trials.
        budget: how much is searched for each arm, and how.
    """
    if given := run_settings():
        raise UserError(
            f"--{next(iter(given))}: an experiment declares its settings; leave the flag out"
        )
    axes = axes_lib.sampled(SAMPLE.value, {space.ARM: list(experiment.arms)})
    spaces = {label: space.of_arm(axes, label) for label in experiment.arms}
    settings = {label: _left(experiment, label, spaces[label]) for label in experiment.arms}
    goal = _declared_goal(experiment, spaces)
    _check_arms(experiment, settings, context)
    by_label: dict[str, Tuned] = {}
    with journal_lib.journal(context.store, name) as journal:
        for label, of_arm in spaces.items():
            if of_arm:
                study = f"{name}: {label}"
                by_label[label] = tuner.tune(
                    study, settings[label], of_arm, budget, context, journal, goal
                )
    seeds = REPORT_SEEDS.value
    requests = {
        label: (
            tuner.report(by_label[label], seeds, context.planner)
            if label in by_label
            else tuner.fresh(settings[label], seeds, context.planner)
        )
        for label in experiment.arms
    }
    tuned = list(by_label.values())
    notes = [f"{label}: {_point(of)}." for label, of in by_label.items()] + utilisation(by_label)
    folds = max(len(context.planner.each_fold(of_row[:1])) for of_row in requests.values())
    strengths = report_text.described(tuned, budget, REPORT_SEEDS.value, folds)
    return tuned, of_arms(
        experiment,
        requests,
        strengths,
        context.planner,
        RecordSource(context.obtain, Predictions(context.store)),
        notes,
        context.monitor.note,
    )


def _check_settings(
    name: str, settings: Mapping[str, Any], paths: Sequence[str], context: SearchContext
) -> None:
    """Refuses what --columns, --sort and --where name and the table will not have, before anything
    is trained."""
    try:
        run, *_ = context.planner.plan(context.planner.each_fold([settings]))
    except UserError:  # settings that need an axis' value cannot be planned yet
        return
    row = Arm(name, {}, dict.fromkeys(paths, ""))
    record = Record(run.id, "failed", config_lib.to_flags(run.config))
    check(build_table(name, [row], columns_of([record]), None, [0]))


def _check_arms(
    experiment: Experiment, settings: Mapping[str, Mapping[str, Any]], context: SearchContext
) -> None:
    """The same for an experiment, and its metrics that no run will have."""
    arms = [Arm(label, {}) for label in experiment.arms]
    seeds = range(REPORT_SEEDS.value)
    check(build_table(experiment.name, arms, experiment.columns, experiment.baseline, seeds))
    runs: list[RequestedRun] = []
    for label in experiment.arms:
        try:
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
