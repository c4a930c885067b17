"""The metrics that planned runs will have."""

import itertools
from collections.abc import Iterable, Sequence

from research.errors import UserError
from research.metric_names import operands, target_of
from research.statistics.bias_variance import PARTS
from research.sweeps.column import OF_ALL_FOLDS, refuse_unknown
from research.sweeps.plan.run_plan import PlannedEnsemble, RequestedRun, trainable
from research.training.apply.final_metrics import final_metric_names


def metric_names(runs: Sequence[RequestedRun]) -> set[str]:
    """The final metrics that some of the runs will have."""
    programs = {run.program.id: run.program for run in trainable(runs)}.values()
    return {name for program in programs for name in final_metric_names(program)}


def have_folds(runs: Sequence[RequestedRun]) -> bool:
    """Whether some of the runs are folds."""
    return any(run.config.fold is not None for run in runs)


def refuse_absent(metrics: Iterable[str], runs: Sequence[RequestedRun]) -> None:
    """Raises UserError for a metric that none of the runs will have, such as one of validation rows
    where there are none.

    Args:
        metrics: as `test/accuracy`, or with a target as `steps_to(validation/accuracy>=0.9)`.
        runs: planned runs.
    """
    metrics = list(metrics)
    ensembles = any(isinstance(run, PlannedEnsemble) for run in runs)
    refuse_unknown(metrics, metric_names(runs), have_folds(runs), ensembles)
    sizes = [run.program.sizes for run in trainable(runs)]
    bootstraps = [run for run in trainable(runs) if run.config.split.name == "bootstrap"]
    for metric in itertools.chain.from_iterable(map(operands, metrics)):
        head, _, name = metric.partition("/")
        if head in OF_ALL_FOLDS and name in PARTS and not bootstraps:
            raise UserError(
                f"'{metric}' is over bootstrap samples of the training rows; give"
                " --split='bootstrap(20)'"
            )
        target = target_of(metric)
        split = (target.metric if target else metric).partition("/")[0]
        if split in ("validation", "test") and sizes and not any(getattr(s, split) for s in sizes):
            raise UserError(
                f"'{metric}': no run has {split} rows; give a split that has some, as"
                " --split=8:1:1 or --split='kfold(5,validation=0.1)'"
            )
