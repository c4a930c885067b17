"""What launch.tune does: settings or an experiment's arms tuned, and the table of the choice."""

from collections.abc import Mapping, Sequence
from typing import Any

from launch.cli.output import check
from launch.cli.run_flags import refuse_written, run_settings
from launch.cli.tune_flags import REPORT_SEEDS, SAMPLE
from research import config as config_lib
from research.analysis.arms_table import Arm, ArmsTable
from research.analysis.choice_table import of_choice
from research.analysis.main_columns import columns_of
from research.analysis.table_builder import build_table
from research.analysis.tuned_table import of_nested_settings, tuned_table
from research.errors import UserError
from research.sweeps.declare import sweep_axes as axes_lib
from research.sweeps.declare.sweep_axes import Axis
from research.sweeps.experiment import Experiment
from research.sweeps.records.record import Record
from research.sweeps.tuning import journal as journal_lib
from research.sweeps.tuning import space, tuner
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
    if context.planner.folds(settings).inner:
        experiment = of_nested_settings(name, settings, axes, context)
        return _tuned(name, experiment, {name: axes}, context, budget)
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
    return _tuned(name, experiment, spaces, context, budget)


def _tuned(
    name: str,
    experiment: Experiment,
    spaces: Mapping[str, Sequence[Axis]],
    context: SearchContext,
    budget: Budget,
) -> tuple[list[Tuned], ArmsTable]:
    """The searches, and the table of their choices on the seeds of --report_seeds."""
    tuned = tuned_table(name, experiment, spaces, context, budget, REPORT_SEEDS.value, check)
    return tuned.searches, tuned.table


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
