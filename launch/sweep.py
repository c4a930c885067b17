"""Trains a sweep: every point of the axes, with every seed, and prints a table of them.

Examples:
  python -m launch.sweep --dataset=wine --grid='learning_rate=0.01|0.1' --seeds=5 --name=rates
  python -m launch.sweep --dataset=wine --sample='learning_rate=log(1e-3,1)' --samples=8 --seeds=2
"""

import dataclasses

from launch.cli import figure_flags, start
from launch.cli.execution_flags import execution
from launch.cli.name_guard import save
from launch.cli.output import check, emit, metrics, view
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.retry_flags import RETRY_FAILED, refuse_other_code
from launch.cli.run_flags import define_run_and_sweep_flags as more_flags
from launch.cli.run_flags import named_or_asked
from launch.cli.sweep_flags import BASELINE, CANCEL, ESTIMATE, NAME
from launch.slurm.cancelling import cancel_jobs
from launch.slurm.cluster_flags import executor_of_sweep, on_slurm, terminal
from research.analysis.effort import flops_of_updates
from research.analysis.sweep_report import Question, of_sweep, untrained
from research.analysis.table_report import TableReport
from research.sweeps.column import reads_predictions
from research.sweeps.declare.sweep_request import planned
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.records.predictions import Predictions


def main() -> None:
    if CANCEL.value:
        cancel_jobs(NAME.value)
        return
    # A style that cannot be is refused before anything is trained.
    figure_flags.style()
    plans = planner()
    monitor = terminal()
    how = execution(here=not on_slurm())
    records = store(monitor.warn)
    asked = named_or_asked(NAME.value, records)
    sweep, runs, notes = planned(asked, plans, monitor.note)
    title = NAME.value or "sweep"
    question = Question(BASELINE.value, metrics=metrics(), estimate=ESTIMATE.value)
    check(untrained(title, sweep, runs, question))
    flops = flops_of_updates(metrics(), runs, plans)
    question = dataclasses.replace(question, flops=flops)
    train = executor_of_sweep(NAME.value, runs)
    refuse_other_code(NAME.value, runs, records)
    if NAME.value:
        save(NAME.value, sweep, runs, notes, records)
    keep = how.keep_predictions or reads_predictions(metrics())
    how = dataclasses.replace(how, retry_failed=RETRY_FAILED.value, keep_predictions=keep)
    recorded = ensure_records(runs, records, plans, monitor, execution=how, executor=train)
    table = of_sweep(title, sweep, [run.id for run in runs], recorded, notes, question, records)
    emit(table)
    figure_flags.draw(TableReport(table, predictions=Predictions(records)), view())
    start.end_with_failures(recorded.values())


if __name__ == "__main__":
    start.run(main, more_flags)
