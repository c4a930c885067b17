"""The goal of a tuning: the validation metric that it chooses by, and whether trials have it."""

import dataclasses
from collections.abc import Sequence

from research.data.splitters.division import with_validation
from research.errors import UserError
from research.sweeps.column import Better, Column, main_metric
from research.sweeps.declare.sweep_axes import Axis
from research.sweeps.execute.ensure_records import refuse_without_scores
from research.sweeps.execute.execution_options import Execution
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.tuning import pruners
from research.training.step import objective


@dataclasses.dataclass(frozen=True)
class Goal:
    """What is chosen by: a metric of the validation rows.

    folds: the folds whose mean it is; (): all that the split has. Inner folds of nested ones are
        named here.
    """

    metric: str
    better: Better
    folds: tuple[int, ...] = ()

    @property
    def column(self) -> Column:
        """The metric as a column of a table or a figure."""
        return Column(self.metric.replace("/", " "), self.metric, self.better)


def main_goal(run: PlannedRun) -> Goal:
    """The main metric of a run's task, on validation rows."""
    metric, better = main_metric(run.config.loss, run.config.task)
    return Goal(f"validation/{metric}", better)


def check_goal(goal: Goal, run: PlannedRun) -> None:
    """Raises UserError if the metric is not one of validation rows."""
    if not goal.metric.startswith("validation/"):
        raise UserError(
            f"a choice is made on validation rows, and {goal.metric} is not measured on them"
        )
    if not run.program.sizes.validation:
        raise UserError(
            f"a choice is made on validation rows, and split={run.config.split} leaves no"
            " validation"
            f" rows; try --split={with_validation(run.config.split)}"
        )


def not_prunable(run: PlannedRun) -> str:
    """Why a run that is fitted on the host cannot be pruned."""
    return (
        f"arch={run.config.arch.name} is fitted at once and has no epoch to be pruned after;"
        " leave out --pruner"
    )


def check_rungs(
    goal: Goal, run: PlannedRun, axes: Sequence[Axis], pruner: str, execution: Execution
) -> None:
    """Checks that trials can be compared before their end.

    Args:
        goal: the metric to compare.
        run: one of the trials' runs.
        axes: the space.
        pruner: the pruner's name.
        execution: how the runs are trained.

    Raises:
        UserError: they cannot be.
    """
    if run.program.fitted:
        raise UserError(not_prunable(run))
    if run.config.fold is not None:
        raise UserError(
            f"--pruner trains a trial as one lane, and split={run.config.split} has a run per fold;"
            " leave out --pruner, or tune on one split, such as --split=8:1:1"
        )
    if run.config.after or run.config.boost != "none":
        raise UserError(
            "--pruner trains each trial by itself, and --boost needs the members before it; leave"
            " one of them out"
        )
    if any(axis.path == "epochs" for axis in axes):
        raise UserError(
            "--pruner compares trials at the same epoch of equally long runs; tune epochs"
            " without a pruner"
        )
    if not pruners.rungs(pruner, run.config.epochs):
        raise UserError(
            f"--pruner compares trials before their last epoch, and these have {run.config.epochs}"
        )
    names = run.program.problem.finish(dict.fromkeys(objective.metric_names(run.program), 1.0))
    if goal.metric.removeprefix("validation/") not in {*names, *run.program.followed}:
        raise UserError(
            f"--pruner compares {goal.metric} after epochs, where it has no value; leave out"
            " --pruner"
        )
    if execution.keep_predictions:
        refuse_without_scores([run])
    if execution.replicas > 1:
        raise UserError("--pruner trains runs as lanes, each on one device; leave out --devices")
