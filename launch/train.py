"""Trains one run, or each fold of a split, and prints its settings, final metrics and record.

Examples:
  python -m launch.train --dataset=digits --arch=mlp --regularization=dropout=0.5
  python -m launch.train --dataset=diabetes --arch=linear --learning_rate=0.1 --batch_size=full
  python -m launch.train --dataset=wine --split='kfold(5)' --out=folds
"""

import dataclasses
import sys

from launch.cli import start
from launch.cli.execution_flags import execution, terminal
from launch.cli.fold_predictions import keeping, together, write
from launch.cli.name_guard import refuse_changed, refuse_sweep, save
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import define_run_flags as more_flags
from launch.cli.run_flags import plugins, run_settings
from research.analysis.run_text import nothing_trained, results_text, settings_text
from research.errors import UserError
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.execute.ensure_records import ensure_records

NAME = start.define_name("name", None, "keep the run under this name, for launch.table --name")
OUT = start.define_output("out", "write what folds predict (oof.csv, test.csv) and tables here")


def main() -> None:
    plans = planner()
    monitor = terminal(failures=False)
    how = execution()
    records = store(monitor.warn)
    requests = [dict(request) for request in plans.each_fold([run_settings()])]
    runs = plans.fitting(requests)
    if NAME.value:
        refuse_sweep(NAME.value, records, runs)
        if len(runs) == 1:
            refuse_changed(NAME.value, runs[0], records, plans, how)
        save(NAME.value, SweepSpec(requests, [], plugins()), runs, plans.notes(runs), records)
    # The time of a file tells a record that was there from one that this training wrote.
    before = {run.id: records.written(run.id) for run in runs}
    if None in before.values():
        # Before the settings are printed: a folder that cannot be written gives one line alone.
        records.prepare()
    print("\n".join(settings_text(runs)))
    how = keeping(dataclasses.replace(how, retry_failed=True), runs, records, OUT.value)
    recorded = ensure_records(runs, records, plans, monitor, execution=how)
    for run in runs:
        if run.id not in recorded:
            raise UserError(
                f"the record of run {run.id} cannot be used here; give another --records"
            )
    trained = [recorded[run.id] for run in runs]
    if all(records.written(run.id) == before[run.id] for run in runs):
        print(nothing_trained(trained))
    predicted = together(trained, records)
    print("\n".join(results_text(trained, predicted)))
    write(predicted, runs[0], plans, OUT.value)
    for run in runs:
        print(f"record: {records.path(run.id)}")
    if any(record.status == "diverged" for record in trained):
        sys.exit(start.EXIT_DIVERGED)


if __name__ == "__main__":
    start.run(main, more_flags)
