"""Checks an experiment as a reviewer would: a line per objection, with its remedy.

Only the baseline is trained, on shuffled targets, which must give chance.

Examples:
  python -m launch.audit --experiment=regularization
  python -m launch.audit --experiment=regularization --permutation_seeds=0 --html=page
"""

from pathlib import Path

from absl import flags

from launch.cli import start
from launch.cli.forgotten_runs import trained
from launch.cli.planner import opened, planner
from launch.cli.records import store
from launch.cli.sweep_rows import by_row
from research import messages
from research.analysis.audit import checklist
from research.analysis.audit.case import Case
from research.analysis.audit.permutation import permutation_check
from research.analysis.experiment_report import of_experiment
from research.durable_files import write_atomically
from research.errors import UserError
from research.sweeps.declare import experiment_files
from research.sweeps.execute.terminal import Terminal
from research.sweeps.plan.run_plan import trainable

EXPERIMENT = start.define_name("experiment", None, "a declared table")
PERMUTATION_SEEDS = flags.DEFINE_integer(
    "permutation_seeds",
    3,
    "runs of the baseline that are trained on shuffled targets; 0: none",
    lower_bound=0,
)
HTML = start.define_output("html", "write the findings as a page into this directory")


def main() -> None:
    if EXPERIMENT.value is None:
        raise UserError("give --experiment=NAME; launch.list experiments names them")
    terminal = Terminal()
    plans = planner()
    records = store()
    experiment = experiment_files.get(EXPERIMENT.value, terminal.warn)
    known = by_row(experiment, plans, records)
    # Without the runs among which a setting is chosen.
    runs = {label: trainable(known.get(label, ())) for label in experiment.arms}
    recorded = records.find(run.id for rows in runs.values() for run in rows)[0]
    shown = of_experiment(experiment, plans, records, terminal, train=False) if recorded else None
    case = Case(experiment, runs, plans, shown.table if shown else None)
    more = {}
    if PERMUTATION_SEEDS.value:
        more["shuffled targets"] = permutation_check(opened, trained, PERMUTATION_SEEDS.value)
    report = checklist.audit(case, more, lambda name: messages.say(f"checking {name}"))
    print("\n".join(checklist.lines(report)))
    if HTML.value is not None:
        page = Path(HTML.value) / "index.html"
        write_atomically(page, checklist.page(f"Audit of {experiment.name}", report))
        print(f"wrote {page}")


if __name__ == "__main__":
    start.run(main)
