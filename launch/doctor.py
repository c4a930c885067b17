"""Checks the installation and says how to fix problems; with --dataset, looks at data before anyone
trains.

Examples:
  python -m launch.doctor
  python -m launch.doctor --dataset=breast_cancer --html=page
  python -m launch.doctor --dataset=csv:people.csv --target=income
"""

import os
import platform
import sys

from launch.cli import diagnosis, start
from launch.cli.examined_data import examined, write_page
from launch.cli.planner import DATA_DIR
from launch.cli.run_flags import define_run_flags as more_flags
from launch.cli.run_flags import run_settings
from launch.cli.start import CACHE_DIR, RECORDS
from research import messages
from research.analysis.audit import checklist
from research.errors import UserError
from research.words import plural

HTML = start.define_output("html", "write the findings and histograms as a page into this folder")


def main() -> None:
    if run_settings():
        data, report = examined()
        print(f"{data.name}: {len(data.train):,} training and {len(data.test):,} test rows")
        print("\n".join(checklist.lines(report)))
        if HTML.value is not None:
            write_page(HTML.value, data, report)
        problems = [
            each for listed in report.values() for each in listed if each.level == "problem"
        ]
        sys.exit(1 if problems else 0)
    if HTML.value is not None:
        raise UserError("--html is a page of data; name it with --dataset=NAME")
    _machine()


def _machine() -> None:
    """Prints what is installed and connected, and each problem with its remedy; exits with 1 if
    there is one."""
    print(f"python {platform.python_version()}, {os.cpu_count()} cores")
    problems = [
        *diagnosis.versions(),
        *diagnosis.devices(),
        *diagnosis.data(DATA_DIR.value),
        *diagnosis.directories({"records": RECORDS.value, "cache_dir": CACHE_DIR.value}),
    ]
    for problem in problems:
        messages.show(f"WRONG: {problem}")
    print("no problems" if not problems else plural(len(problems), "problem"))
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    start.run(main, more_flags, saves=False)
