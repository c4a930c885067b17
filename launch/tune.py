"""Tunes settings on the validation rows, and reports the best on fresh seeds.

Examples:
  python -m launch.tune --dataset=wine --sample='learning_rate=log(1e-3,1)' --trials=32 --name=rate
  python -m launch.tune --experiment=regularization --per_arm --sample='learning_rate=log(1e-2,1)'
  --trials=8
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
from absl import flags

from launch.cli import figure_flags, start
from launch.cli.execution_flags import execution
from launch.cli.output import check, emit
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import define_run_flags, refuse_written, run_settings
from launch.slurm.cluster_flags import executor, on_slurm, terminal
from research import config as config_lib
from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.choice_table import of_choice, utilisation
from research.analysis.figure_style import figure_style
from research.analysis.table_builder import build_table
from research.analysis.table_report import check_metrics, columns_of, of_arms
from research.errors import UserError
from research.sweeps.column import Column
from research.sweeps.declare import experiment_files
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Axis
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import RequestedRun
from research.sweeps.records.record import Record
from research.sweeps.tuning import journal as journal_lib
from research.sweeps.tuning import space, tuner
from research.sweeps.tuning.goal import Goal
from research.sweeps.tuning.pruners import PRUNERS
from research.sweeps.tuning.trial_samplers import SAMPLERS
from research.sweeps.tuning.tuner import Budget, SearchContext, Tuned

SAMPLE = flags.DEFINE_multi_string(
    "sample",
    [],
    "an axis: 'learning_rate=log(1e-4,1)', 'optimizer.momentum=uniform(0,0.99) if optimizer=sgd'",
)
SAMPLER = flags.DEFINE_enum("sampler", "tpe", SAMPLERS, "how the settings of a trial are drawn")
TRIALS = flags.DEFINE_integer(
    "trials", 100, "number of trials; with --per_arm per arm", lower_bound=1
)
PARALLEL = flags.DEFINE_integer(
    "parallel", 16, "trials that are drawn at once and train as lanes", lower_bound=1
)
PRUNER = flags.DEFINE_enum(
    "pruner", None, PRUNERS, "stops poor trials early; new trials take their lanes"
)
SAMPLE_SEED = flags.DEFINE_integer("sample_seed", 0, "seed of the drawn settings", lower_bound=0)
REPORT_SEEDS = flags.DEFINE_integer(
    "report_seeds", 10, "number of fresh seeds for the report of the best settings", lower_bound=1
)
EXPERIMENT = start.define_name(
    "experiment", None, "a declared table whose arms are tuned, with --per_arm"
)
PER_ARM = flags.DEFINE_bool(
    "per_arm", False, "tune each arm of the --experiment, with the same budget"
)
NAME = start.define_name(
    "name", None, "name of the tuning and its journal; none: a digest of the flags"
)


def main() -> None:
    if jax.process_count() > 1:
        raise UserError(
            "a tuning runs in one process, which records the trials in order; leave out"
            " --coordinator"
        )
    if not SAMPLE.value:
        raise UserError("say what to tune: --sample='learning_rate=log(1e-4,1)'")
    if PER_ARM.value != (EXPERIMENT.value is not None):
        raise UserError(
            "--per_arm and --experiment=NAME go together: each arm of a declared table is tuned"
        )
    if on_slurm() and PRUNER.value is not None:
        raise UserError(
            "--pruner compares lanes of this process, after every epoch; leave it or"
            " --executor=slurm out"
        )
    style = figure_flags.style()
    budget = Budget(SAMPLER.value, TRIALS.value, PARALLEL.value, PRUNER.value, SAMPLE_SEED.value)
    name = NAME.value or tuner.default_name(
        [EXPERIMENT.value or run_settings(), SAMPLE.value], budget
    )
    monitor, how = terminal(), execution(here=not on_slurm())
    context = SearchContext(
        store(monitor.warn), planner(), monitor, how, executor(f"tunings/{name}")
    )
    if EXPERIMENT.value is None:
        tuned_spaces, table = _settings(name, context, budget)
    else:
        tuned_spaces, table = _arms(
            name, experiment_files.get(EXPERIMENT.value, monitor.warn), context, budget
        )
    emit(table)
    if directory := figure_flags.FIGURES.value:
        from research.analysis import trials

        with figure_style(style):
            for tuned in tuned_spaces:
                column = _column(tuned.goal)
                figure_flags.say(trials.write_figures(tuned.study, column, directory))


def _settings(name: str, context: SearchContext, budget: Budget) -> tuple[list[Tuned], ArmsTable]:
    """The flags' settings tuned, and the table of the choice."""
    axes = axes_lib.sampled(SAMPLE.value)
    settings = run_settings()
    refuse_written([axis.path for axis in axes], settings)
    _check_settings(name, settings, [axis.path for axis in axes], context)
    with journal_lib.journal(context.store, name) as journal:
        tuned = tuner.tune(name, settings, axes, budget, context, journal)
    return [tuned], of_choice(name, tuned, budget, REPORT_SEEDS.value, context)


def _arms(
    name: str, experiment: Experiment, context: SearchContext, budget: Budget
) -> tuple[list[Tuned], ArmsTable]:
    """Each arm tuned, and the experiment's table of the choices."""
    if given := run_settings():
        raise UserError(
            f"--{next(iter(given))}: an experiment declares its settings; leave the flag out"
        )
    axes = axes_lib.sampled(SAMPLE.value, {space.ARM: list(experiment.arms)})
    spaces = {label: space.of_arm(axes, label) for label in experiment.arms}
    settings = {label: _left(experiment, label, spaces[label]) for label in experiment.arms}
    goal = _declared_goal(experiment, spaces)
    _check_arms(experiment, settings, context)
    tuned_arms: dict[str, Tuned] = {}
    with journal_lib.journal(context.store, name) as journal:
        for label, of_arm in spaces.items():
            if of_arm:
                study = f"{name}: {label}"
                tuned_arms[label] = tuner.tune(
                    study, settings[label], of_arm, budget, context, journal, goal
                )
    seeds = REPORT_SEEDS.value
    requests = {
        label: (
            tuner.report(tuned_arms[label], seeds, context.planner)
            if label in tuned_arms
            else tuner.fresh(settings[label], seeds, context.planner)
        )
        for label in experiment.arms
    }
    tuned = list(tuned_arms.values())
    notes = [f"{label}: {_point(of)}." for label, of in tuned_arms.items()] + utilisation(
        tuned_arms
    )
    strengths = tuner.described(tuned, budget, REPORT_SEEDS.value)
    return tuned, of_arms(
        experiment,
        requests,
        strengths,
        context.planner,
        context.obtain,
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
    arm, paths = experiment.arms[label], {axis.path for axis in axes}
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


def _column(goal: Goal) -> Column:
    return Column(goal.metric.replace("/", " "), goal.metric, goal.better)


def more_flags(argv: Sequence[str]) -> None:
    define_run_flags(argv)


if __name__ == "__main__":
    start.run(main, more_flags)
