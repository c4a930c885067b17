"""Writes records in the format of another tool: parquet, csv, TensorBoard, MLflow, Weights &
Biases, Trackio.

Examples:
  python -m launch.export --to=parquet --out=exported
  python -m launch.export --experiment=regularization --to=tensorboard --out=events
"""

from pathlib import Path

from absl import flags

from launch.cli import start
from launch.cli.exported_table import recorded, write_table
from research.errors import UserError
from research.exports import FORMS, exporter
from research.words import plural

TO = flags.DEFINE_string("to", None, f"the format: {', '.join(FORMS)}")
NAME = start.define_name("name", None, "export the runs of this sweep, with its table and figures")
EXPERIMENT = start.define_name(
    "experiment", None, "export the runs of this experiment, with its table and figures"
)
OUT = start.define_output("out", "the directory to write")


def main() -> None:
    if TO.value is None or OUT.value is None:
        raise UserError(f"--to=FORMAT and --out=DIR are required; formats: {', '.join(FORMS)}")
    export = exporter(TO.value)
    records, report = recorded(NAME.value, EXPERIMENT.value)
    directory = Path(OUT.value)
    artifacts = write_table(report, directory / "tables") if report is not None else None
    print(f"{plural(len(records), 'run')}: {export(records, directory, artifacts)}")
    if artifacts is not None:
        print(f"wrote the table and its figures into {artifacts}")


if __name__ == "__main__":
    start.run(main, saves=False)
