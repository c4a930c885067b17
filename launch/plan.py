"""Shows what a sweep or an experiment would train, and how; trains nothing.

Examples:
  python -m launch.plan --dataset=wine --grid='learning_rate=0.01|0.1' --seeds=10
  python -m launch.plan --experiment=regularization
"""

from launch.cli import plan_text, start
from launch.cli.name_guard import change
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import axes_given, named_or_asked, run_settings
from launch.cli.run_flags import define_run_and_sweep_flags as more_flags
from launch.cli.sweep_rows import known_runs
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_request import planned
from research.sweeps.execute.ensure_records import tell_notes
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_plan import unfit_notes, unique

EXPERIMENT = start.define_name("experiment", None, "plan a declared table")
NAME = start.define_name("name", None, "say what would change in the sweep that has this name")


def main() -> None:
    plans = planner()
    monitor = Terminal()
    records = store(monitor.warn)
    note = ""
    if EXPERIMENT.value is None:
        sweep = named_or_asked(NAME.value, records)
        sweep, runs, _ = planned(sweep, plans, monitor.note)
        note = change(NAME.value, sweep, runs, records) if NAME.value else ""
    elif NAME.value:
        raise UserError("--name is for a sweep; leave out --experiment or --name")
    elif given := [*run_settings(), *axes_given()]:
        raise UserError(f"--{given[0]}: an experiment declares its settings; leave the flag out")
    else:
        rows, note = known_runs(
            experiment_files.get(EXPERIMENT.value, monitor.warn), plans, records
        )
        for unfit in unfit_notes(rows):
            monitor.note(f"note: {unfit}")
        runs = [run for _, run in rows]
    tell_notes(runs, plans, monitor.note)
    print("\n".join(plan_text.lines(unique(runs), records, plans, note)))


if __name__ == "__main__":
    start.run(main, more_flags, saves=False)
