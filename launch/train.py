"""Trains one run, or each fold of a split, and prints its settings, final metrics and record.

Examples:
  python -m launch.train --dataset=digits --arch=mlp --regularization=dropout=0.5
  python -m launch.train --dataset=diabetes --arch=linear --learning_rate=0.1 --batch_size=full
  python -m launch.train --dataset=wine --split='kfold(5)'
"""

import sys
from collections.abc import Iterator, Mapping, Sequence

from launch.cli import start
from launch.cli.execution_flags import execution, terminal
from launch.cli.name_guard import change, refuse_changed, refuse_sweep
from launch.cli.planner import planner
from launch.cli.records import store
from launch.cli.run_flags import define_run_flags as more_flags
from launch.cli.run_flags import plugins, run_settings
from research import config as config_lib
from research.errors import UserError
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.estimates.seed_value import seed_value
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.plan.run_plan import PlannedRun
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
from research.training.setup.lane_inputs import footprint

NAME = start.define_name("name", None, "keep the run under this name, for launch.table --name")


def main() -> None:
    plans, monitor, how = planner(), terminal(failures=False), execution()
    records = store(monitor.warn)
    requests = [dict(request) for request in plans.each_fold([run_settings()])]
    runs = plans.runs(requests)
    if NAME.value:
        refuse_sweep(NAME.value, records, runs)
        named = SweepSpec(requests, [], plugins())
        if len(runs) == 1:
            refuse_changed(NAME.value, runs[0], records, plans, how)
        if changed := change(NAME.value, named, runs, records):
            monitor.warn(changed)
        named.save(records, NAME.value, runs, plans.notes(runs))
    # The time of a file tells a record that was there from one that this training wrote.
    before = {run.id: _written(records, run) for run in runs}
    if None in before.values():
        # Before the settings are printed: a folder that cannot be written gives one line alone.
        records.prepare()
    print("\n".join(_settings(runs)))
    recorded = ensure_records(runs, records, plans, monitor, execution=how, retry_failed=True)
    trained = [_recorded(run, recorded) for run in runs]
    if all(_written(records, run) == before[run.id] for run in runs):
        origin = trained[0].provenance
        there = f"{origin.get('replicas', 1)} x {origin.get('device')}"
        were = "its record was" if len(runs) == 1 else "their records were"
        print(f"nothing was trained: {were} there already, of a training on {there}")
    print("\n".join(_results(trained)))
    for run in runs:
        print(f"record: {records.path(run.id)}")
    if any(record.status == "diverged" for record in trained):
        sys.exit(start.EXIT_DIVERGED)


def _written(records: Store, run: PlannedRun) -> int | None:
    """When a run's record was written, in nanoseconds; None if it has none."""
    path = records.path(run.id)
    return path.stat().st_mtime_ns if path.exists() else None


def _recorded(run: PlannedRun, recorded: Mapping[str, Record]) -> Record:
    if run.id not in recorded:
        raise UserError(f"the record of run {run.id} cannot be used here; give another --records")
    return recorded[run.id]


def _settings(runs: Sequence[PlannedRun]) -> Iterator[str]:
    """The runs and what they have in common."""
    first = runs[0]
    size = (
        f"{footprint(first.config, first.program)[0]:,} parameters, {first.program.steps:,} steps"
    )
    if len(runs) == 1:
        yield f"run {first.id}: {size}"
    else:
        yield f"{len(runs)} folds of split={first.config.split}, each of {size}:"
        for run in runs:
            yield f"  fold {run.config.fold}: run {run.id}"
    for setting, value in config_lib.to_flags(first.config).items():
        if len(runs) == 1 or setting != "fold":
            yield f"  {setting}={value}"


def _results(records: Sequence[Record]) -> Iterator[str]:
    """The final metrics of a run; of several folds those of each, and what they are together."""
    if len(records) == 1:
        yield _metrics(records[0])
        return
    for number, record in enumerate(records):
        yield f"fold {number}"
        yield _metrics(record)
    value = seed_value(records, len(records))
    if value.record is not None and value.record.status == "finished":
        yield value.says
        yield _metrics(value.record)


def _metrics(record: Record) -> str:
    """The final metrics, a line a split; or what went wrong."""
    if record.status == "failed":
        raise UserError(f"the run failed: {record.cause}")
    if record.status == "diverged":
        why = record.cause or "the loss or an update was not finite"
        return f"diverged at step {record.diverged_at}: {why}; {_against_divergence(record.config)}"
    lines = []
    for split in ("train", "validation", "test"):
        values = {
            k.partition("/")[2]: v for k, v in record.metrics.items() if k.startswith(f"{split}/")
        }
        if values:
            lines.append(
                f"{split:<10} " + "  ".join(f"{name} {value:.4f}" for name, value in values.items())
            )
    return "\n".join(lines)


def _against_divergence(settings: Mapping[str, str]) -> str:
    """What keeps a run of these settings from diverging."""
    smaller = f"a smaller --learning_rate than {settings['learning_rate']}"
    unscaled = []
    if settings["task"] in ("regression", "forecast") and settings["target_scaling"] == "none":
        unscaled.append("--target_scaling=standard (the targets are not scaled)")
    if settings["scaling"] == "none":
        unscaled.append("--scaling=standard (the inputs are not scaled)")
    return f"try {' or '.join([*unscaled, smaller])}"


if __name__ == "__main__":
    start.run(main, more_flags)
