"""The measurement of data runs and reports every kind of reading, on a folder small enough for a test."""

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
