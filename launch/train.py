"""Trains one run and prints its settings, its final metrics and the path of its record.

Examples:
  python -m launch.train --dataset=digits --arch=mlp --regularization=dropout=0.5
  python -m launch.train --dataset=diabetes --arch=linear --learning_rate=0.1 --batch_size=full
"""

import sys
from collections.abc import Mapping

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
from research.sweeps.execute.ensure_records import ensure_records
from research.sweeps.records.record import Record
from research.training.setup.lane_inputs import footprint

NAME = start.define_name("name", None, "keep the run under this name, for launch.table --name")


def main() -> None:
    settings = run_settings()
    plans, monitor, how = planner(), terminal(failures=False), execution()
    records = store(monitor.warn)
    (run,) = plans.runs([settings])
    if NAME.value:
        refuse_sweep(NAME.value, records)
        named = SweepSpec([settings], [], plugins())
        refuse_changed(NAME.value, run, records, plans, how)
        if changed := change(NAME.value, named, [run], records):
            monitor.warn(changed)
        named.save(records, NAME.value, [run], plans.notes([run]))
    path = records.path(run.id)
    # The time of the file tells a record that was there from one that this training wrote.
    before = path.stat().st_mtime_ns if path.exists() else None
    if before is None:
        # Before the settings are printed: a folder that cannot be written gives one line alone.
        records.prepare()
    print(
        f"run {run.id}: {footprint(run.config, run.program)[0]:,} parameters, {run.program.steps:,}"
        " steps"
    )
    for setting, value in config_lib.to_flags(run.config).items():
        print(f"  {setting}={value}")
    record = ensure_records([run], records, plans, monitor, execution=how, retry_failed=True).get(
        run.id
    )
    if record is None:
        raise UserError(f"the record of run {run.id} cannot be used here; give another --records")
    if path.stat().st_mtime_ns == before:
        there = f"{record.provenance.get('replicas', 1)} x {record.provenance.get('device')}"
        print(f"nothing was trained: its record was there already, of a training on {there}")
    print(_metrics(record))
    print(f"record: {path}")
    if record.status == "diverged":
        sys.exit(start.EXIT_DIVERGED)


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
