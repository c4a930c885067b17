"""Measurements small enough for a test: of data, and ten kills of sweeps that end with the bits of undisturbed ones."""

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


def test_ten_kills(tmp_path: Path) -> None:
    """All slots of regularization, ways of running, devices and streams: see launch/benchmarks/kill.py."""
    table = measured("kill", "--n=10", f"--cache_dir={tmp_path}")
    cells = [cell.strip() for cell in table.splitlines()[-1].strip("|").split("|")]
    assert cells[0] == "together"
    kills, sweeps, differ = (int(cells[place]) for place in (2, -2, -1))
    assert (kills, differ) == (10, 0)
    assert sweeps >= 5


def test_benchmark_of_data(tmp_path: Path) -> None:
    printed = measured("data", "--images=300", "--side=16", "--worker_processes=1", f"--cache_dir={tmp_path}")
    rows = dict(re.findall(r"^\| (.+?) \| ([\d,]+) \| [\d,]+ \|$", printed, re.M))
    assert len(rows) == len(KINDS)
    for kind in KINDS:
        assert any(kind in row for row in rows), kind
    assert all(int(rate.replace(",", "")) > 0 for rate in rows.values())
