"""Trains a sweep: every point of the axes, with every seed, and prints a table of them.

Examples:
  python -m launch.sweep --dataset=wine --grid='learning_rate=0.01|0.1' --seeds=5 --name=rates
  python -m launch.sweep --dataset=wine --sample='learning_rate=log(1e-3,1)' --samples=8 --seeds=2
"""

from collections.abc import Sequence

from absl import flags

from launch.cli import figure_flags, start
from launch.cli.execution_flags import execution
from launch.cli.name_guard import change
from launch.cli.output import check, emit, metrics, view
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.retry_flags import RETRY_FAILED, refuse_other_code
from launch.cli.run_flags import define_run_flags, define_sweep_flags, named_or_asked
from launch.slurm.cluster_flags import cancelling, executor, on_slurm, terminal
from research import identity
from research.analysis.table_report import Question, TableReport, of_sweep, untrained
from research.errors import UserError
from research.sweeps.declare.sweep_request import planned
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.slurm import cluster
from research.sweeps.slurm.executor import cancel
from research.sweeps.slurm.folder import Folder, place_of

NAME = start.define_name("name", None, "keep the sweep under this name, for launch.table --name")
ESTIMATE = start.define_name(
    "estimate", None, "what makes one value of a seed's folds; none: their mean"
)
BASELINE = start.define_name(
    "baseline", None, "a row, as learning_rate=0.1: compare the others with it"
)
CANCEL = flags.DEFINE_bool(
    "cancel", False, "cancel Slurm's jobs for the sweep of this --name, and train nothing"
)

# What --cancel may be given with: the name, and where its sweep is.
CANCEL_TAKES = ("cancel", "name", "records", "cache_dir")


def main() -> None:
    if CANCEL.value:
        _cancel()
        return
    style = figure_flags.style()
    plans, monitor, how = planner(), terminal(), execution(here=not on_slurm())
    records = store(monitor.warn)
    sweep = named_or_asked(NAME.value, records)
    sweep, runs, notes = planned(sweep, plans, monitor.note)
    title = NAME.value or "sweep"
    question = Question(BASELINE.value, metrics=metrics(), estimate=ESTIMATE.value)
    check(untrained(title, sweep, runs, question))
    place = (
        f"sweeps/{NAME.value}"
        if NAME.value
        else f"unnamed/{identity.digest([run.id for run in runs])}"
    )
    train = executor(place, cancelling(NAME.value) if NAME.value else "")
    refuse_other_code(NAME.value, runs, records)
    if NAME.value:
        if changed := change(NAME.value, sweep, runs, records):
            monitor.warn(changed)
        sweep.save(records, NAME.value, runs, notes)
    retry = RETRY_FAILED.value
    recorded = ensure_records(
        runs, records, plans, monitor, execution=how, executor=train, retry_failed=retry
    )
    ids = [run.id for run in runs]
    table = of_sweep(title, sweep, ids, recorded, notes, question)
    emit(table)
    if directory := figure_flags.FIGURES.value:
        figure_flags.say(TableReport(table).write_figures(directory, view(), style))
    start.end_with_failures(recorded.values())


def _cancel() -> None:
    """Cancels the jobs of the named sweep."""
    if NAME.value is None:
        raise UserError("--cancel requires --name=SWEEP")
    others = [
        name for name in flags.FLAGS if flags.FLAGS[name].present and name not in CANCEL_TAKES
    ]
    if others:
        raise UserError(
            f"--cancel cancels the jobs of --name whatever they train; leave --{others[0]} out"
        )
    records = store()
    SweepSpec.load(records, NAME.value)
    cluster.check("--cancel is of jobs there")
    jobs = cancel(Folder(place_of(records.root, f"sweeps/{NAME.value}")))
    if jobs:
        print(f"cancelled {len(jobs)} job{'s' * (len(jobs) != 1)}: {', '.join(jobs)}")
    else:
        print(f"Slurm has no jobs of '{NAME.value}'; nothing was cancelled")


def more_flags(argv: Sequence[str]) -> None:
    define_run_flags(argv)
    define_sweep_flags()


if __name__ == "__main__":
    start.run(main, more_flags)
