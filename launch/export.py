"""Writes records in the format of another tool: parquet, csv, TensorBoard, MLflow, Weights &
Biases, Trackio.

Examples:
  python -m launch.export --to=parquet --out=exported
  python -m launch.export --name=rates --to=tensorboard --out=events
"""

from pathlib import Path

from absl import flags

from launch.cli import start
from launch.cli.records import store
from research.errors import UserError
from research.exports import FORMS, exporter
from research.sweeps.declare.sweep_spec import SweepSpec
from research.sweeps.execute.ensure_records import done
from research.words import plural

TO = flags.DEFINE_string("to", None, f"the format: {', '.join(FORMS)}")
NAME = start.define_name(
    "name", None, "export the runs of this sweep; none: every run of the records folder"
)
OUT = start.define_output("out", "the directory to write")


def main() -> None:
    if TO.value is None or OUT.value is None:
        raise UserError(f"--to=FORMAT and --out=DIR are required; formats: {', '.join(FORMS)}")
    export = exporter(TO.value)
    records = store()
    run_ids = records.ids() if NAME.value is None else SweepSpec.load(records, NAME.value).runs
    recorded = done(run_ids, records, records.warn)
    if not recorded:
        raise UserError(
            f"{records.root} has no records to export; name their folder with --records"
        )
    print(f"{plural(len(recorded), 'run')}: {export([*recorded.values()], Path(OUT.value))}")


if __name__ == "__main__":
    start.run(main, saves=False)
