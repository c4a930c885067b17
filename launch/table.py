"""Prints the table of an experiment or a named sweep, after training what is missing, or the trials
of a tuning.

Examples:
  python -m launch.table --experiment=regularization
  python -m launch.table --name=rates --format=csv --out=rates.csv
  python -m launch.table --from=runs.csv --row=method --pair=seed --column=accuracy --baseline=none
"""

from launch.cli import asked_table, figure_flags, start
from launch.cli.external_results import external, refuse_flags_of_from
from launch.cli.output import emit, emit_text, view
from launch.cli.table_flags import EXPERIMENT, EXPLAIN, FROM, NO_TRAIN, REGISTER, ROWS
from launch.slurm.cluster_flags import terminal
from research.analysis.behind_row import behind_row
from research.analysis.runs_table import runs_of
from research.analysis.table_report import TableReport
from research.analysis.view import WHOLE


def main() -> None:
    asked_table.refuse_beside_explain()
    # A style or a condition that cannot be read is refused before anything is trained.
    figure_flags.style()
    rows = view()
    if FROM.value is not None:
        report = TableReport(external())
        emit(report.table)
        figure_flags.draw(report, rows)
        return
    refuse_flags_of_from()
    if (trials := asked_table.trials()) is not None:
        emit(trials)
        return
    if REGISTER.value:
        print(f"'{EXPERIMENT.value}' is registered, digest {asked_table.registered()}")
        return
    report = asked_table.shown()
    if EXPLAIN.value is not None:
        emit_text(behind_row(report.table, EXPLAIN.value))
    elif ROWS.value == "runs":
        runs = runs_of(report.table)
        if report.missing:
            wanted = len(runs.rows) + report.missing
            terminal().warn(f"{report.missing} of {wanted} runs have no record, and so no row")
        emit(runs)
    else:
        emit(report.answer if report.answer and ROWS.value != "arms" else report.table)
    of_arms = ROWS.value in (None, "arms") and not report.answer
    figure_flags.draw(report, rows if of_arms else WHOLE)
    if not NO_TRAIN.value:
        start.end_with_failures(report.table.records())


if __name__ == "__main__":
    start.run(main)
