"""The metrics that planned runs will have."""

from collections.abc import Sequence

from research.sweeps.plan.run_plan import RequestedRun, trainable
from research.training.apply.final_metrics import final_metric_names


def metric_names(runs: Sequence[RequestedRun]) -> set[str]:
    """The final metrics that some of the runs will have."""
    programs = {run.program.id: run.program for run in trainable(runs)}.values()
    return {name for program in programs for name in final_metric_names(program)}


def have_folds(runs: Sequence[RequestedRun]) -> bool:
    """Whether some of the runs are folds."""
    return any(run.config.fold is not None for run in runs)
