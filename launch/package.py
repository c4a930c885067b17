"""Writes a run or an ensemble with saved parameters as a self-contained folder and as a zip file.

Examples:
  python -m launch.package --run=RUN --out=model
  python -m launch.package --run=RUN --out=model --records=elsewhere
"""

import shutil
from pathlib import Path

from launch.cli import start
from launch.cli.packed_run import write_package
from launch.cli.records import store
from launch.cli.saved_run import RUN
from research.analysis.package_readme import readme
from research.errors import UserError
from research.sweeps.records.verification import lookup

OUT = start.define_output("out", "the folder to write; OUT.zip is written beside it")


def main() -> None:
    if not RUN.value or not OUT.value:
        raise UserError("--run=RUN --out=DIR are required: which run, and the folder to write")
    records = store()
    folder = Path(OUT.value)
    record = lookup(records, RUN.value)
    saved = write_package(record, records, folder)
    (folder / "README.md").write_text(readme(record, saved))
    archive = shutil.make_archive(str(folder), "zip", folder)
    print(f"wrote {folder} and {archive}; rs.load('{folder}').predict(x) applies it")


if __name__ == "__main__":
    start.run(main, saves=False)
