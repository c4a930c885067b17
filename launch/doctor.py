"""Checks versions, devices and data directories, and says how to fix problems.

Examples:
  python -m launch.doctor
  python -m launch.doctor --data_dir=tensorflow_datasets
"""

import os
import platform
import sys

from launch.cli import diagnosis, start
from launch.cli.planner import DATA_DIR
from launch.cli.start import CACHE_DIR, RECORDS
from research import messages
from research.words import plural


def main() -> None:
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
    start.run(main, saves=False)
