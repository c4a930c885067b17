"""Measurements small enough for a test: data reports every kind of reading, and no kill changes a record."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
KINDS = ("no worker", "1 thread", "2 threads", "4 threads", "1 processes", "all steps", "opened again")
KINDS += ("gathered on the device", "streamed, threads", "put on the device", "streamed, 1 processes")


def measured(name: str, *arguments: str) -> str:
    """What a measurement prints."""
    command = [sys.executable, "-m", "launch.benchmark", name, *arguments]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=900)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_benchmark_of_data(tmp_path: Path) -> None:
    printed = measured("data", "--images=300", "--side=16", "--worker_processes=1", f"--cache_dir={tmp_path}")
    rows = dict(re.findall(r"^\| (.+?) \| ([\d,]+) \| [\d,]+ \|$", printed, re.M))
    assert len(rows) == len(KINDS)
    for kind in KINDS:
        assert any(kind in row for row in rows), kind
    assert all(int(rate.replace(",", "")) > 0 for rate in rows.values())


def test_kills_change_nothing(tmp_path: Path) -> None:
    """Five of the kills that `launch.benchmark kill` makes by the hundred; a record that differs fails it."""
    printed = measured("kill", "--n=5", f"--cache_dir={tmp_path}")
    together = re.search(r"^\| together \|.*$", printed, re.M)
    assert together is not None, printed
    kills, *_, sweeps, differ = (int(cell) for cell in together.group().split("|")[3:-1])
    assert (kills, differ) == (5, 0)
    assert sweeps >= 5
