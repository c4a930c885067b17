"""Shows what a sweep or an experiment would train, and how; trains nothing.

Examples:
  python -m launch.plan --dataset=wine --grid='learning_rate=0.01|0.1' --seeds=10
  python -m launch.plan --experiment=regularization
"""

from collections.abc import Sequence

from launch.cli import plan_text, start
from launch.cli.name_guard import change
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import (
    axes_given,
    define_run_flags,
    define_sweep_flags,
    named_or_asked,
    run_settings,
)
from launch.cli.sweep_rows import by_row
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.declare.sweep_request import planned
from research.sweeps.execute.ensure_records import tell_notes
from research.sweeps.execute.terminal import Terminal
from research.sweeps.experiment import Experiment
from research.sweeps.plan.run_plan import RequestedRun, unfit_notes, unique
from research.sweeps.plan.run_planner import Planner
from research.sweeps.records.store import Store

EXPERIMENT = start.define_name("experiment", None, "plan a declared table")
NAME = start.define_name("name", None, "say what would change in the sweep that has this name")


def main() -> None:
    plans, monitor = planner(), Terminal()
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
        rows, note = _rows(experiment_files.get(EXPERIMENT.value, monitor.warn), plans, records)
        for unfit in unfit_notes(rows):
            monitor.note(f"note: {unfit}")
        runs = [run for _, run in rows]
    tell_notes(runs, plans, monitor.note)
    print("\n".join(plan_text.lines(unique(runs), records, plans, note)))


def _rows(
    experiment: Experiment, plans: Planner, records: Store
) -> tuple[list[tuple[str, RequestedRun]], str]:
    """The runs of an experiment that are known by now, each with its row, and a line about the
    others."""
    known = by_row(experiment, plans, records)
    fresh = len(experiment.arms) * experiment.seeds
    note = ""
    if experiment.choose is not None and not set(experiment.arms) & set(known):
        seeds = f"{experiment.seeds} fresh seed{'s' * (experiment.seeds != 1)}"
        note = (
            f"these choose {experiment.choose.path}; {fresh} run{'s' * (fresh != 1)} follow, on"
            f" {seeds} a row"
        )
    return [(label, run) for label, runs in known.items() for run in runs], note


def more_flags(argv: Sequence[str]) -> None:
    define_run_flags(argv)
    define_sweep_flags()


if __name__ == "__main__":
    start.run(main, more_flags, saves=False)
