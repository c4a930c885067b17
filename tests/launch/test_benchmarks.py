"""Measurements small enough for a test: data reports every kind of reading, and no kill changes a
record."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import statistics
from tests.support import command_lines
from tests.support.command_lines import Result

ROOT = Path(__file__).parents[2]
KINDS = (
    "no worker",
    "1 thread",
    "2 threads",
    "4 threads",
    "1 processes",
    "all steps",
    "opened again",
    "gathered on the device",
    "streamed, threads",
    "put on the device",
    "streamed, 1 processes",
)


def launched(name: str, *arguments: str, **environment: str) -> Result:
    return command_lines.start(["benchmark", name, *arguments], ROOT, **environment).wait()


def measured(name: str, *arguments: str, **environment: str) -> str:
    """What a measurement prints."""
    result = launched(name, *arguments, **environment)
    assert result.code == 0, result.err
    return result.out


def test_benchmark_of_data(tmp_path: Path) -> None:
    printed = measured(
        "data", "--images=300", "--side=16", "--worker_processes=1", f"--cache_dir={tmp_path}"
    )
    rows = dict(re.findall(r"^\| (.+?) \| ([\d,]+) \| [\d,]+ \|$", printed, re.M))
    assert len(rows) == len(KINDS)
    for kind in KINDS:
        assert any(kind in row for row in rows), kind
    assert all(int(rate.replace(",", "")) > 0 for rate in rows.values())


# The measurement of tables without the training: what each command line would read.
_TABLES = """
from absl import flags
import research.catalogue
from benchmarks import table_time
from benchmarks.process import Took
from research.data.source import open_source

def timed(name, *arguments):
    given = dict(argument.removeprefix("--").split("=", 1) for argument in arguments)
    if given["dataset"].startswith("csv:"):
        options = {"target": given["target"]}
        spec = open_source(given["dataset"], options, data_dir=None, cache_dir=given["cache_dir"]).spec
        print(spec.size, len(spec.inputs.names) > 800, len(spec.targets.classes))
    return Took(0, 0, 0)

table_time.timed = timed
flags.FLAGS(["tables", "--rows=10000"])
table_time.measure()
"""


def test_benchmark_of_tables() -> None:
    run = subprocess.run([sys.executable, "-c", _TABLES], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    read = [line for line in run.stdout.splitlines() if not line.startswith("|")]
    assert read == ["10000 False 2", "10000 False 2", "2000 True 2", "2000 True 2"]
    assert run.stdout.count("\n| of ") == 6


def test_a_step_beside_pytorchs(tmp_path: Path) -> None:
    """Whose network has as many parameters, which the measurement itself demands, but for a GRU's
    second bias."""
    quick = ("--turns=1", "--turn_seconds=0", "--batch_size=2", f"--cache_dir={tmp_path}")
    printed = measured("step", "--against=torch", "--arch=mlp,gru", *quick)
    rows = re.findall(
        r"^\| (\w+) \| default \| ([\d,]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", printed, re.M
    )
    assert [(name, parameters) for name, parameters, *_ in rows] == [
        ("mlp", "269,322"),
        ("gru", "61,706"),
    ]
    for *_, ours, theirs, ratio in rows:
        assert float(ratio) == pytest.approx(float(ours) / float(theirs), abs=0.02, rel=0.02)


def test_without_pytorch_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError")
    line = [sys.executable, "-m", "launch.benchmark", "step", "--against=torch"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    run = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, env=environment)
    assert run.returncode == 2
    assert (
        run.stderr
        == "error: PyTorch is not installed; pip install -r requirements-dev.txt brings it\n"
    )


def test_statistics_keep_their_bounds() -> None:
    output = measured("statistics", "--simulations=0.1")
    assert "must be" not in output
    assert output.count(": cover new rows") == 10
    assert len(re.findall(r": intervals of [13] tables: ", output)) == 9
    assert output.count(": p of 3 tables: ") == 11
    assert output.count(": bold rows of a table that differ: 0") == 2
    assert output.count("a setting that is chosen: its accuracy minus the truth: ") == 3
    assert "11 equal arms: a false verdict: " in output
    assert "very skewed seeds: the t-interval covers the mean, a shortfall: " in output
    assert "collapsing seeds: rows with a collapse that the footer names: " in output


@pytest.mark.parametrize(("value", "right"), [(0.95, True), (0.915, False), (0.985, False)])
def test_an_interval_that_is_too_wide_is_out_of_bounds_as_one_that_is_too_narrow(
    value: float, right: bool
) -> None:
    line = statistics.ReportLine("coverage", value, statistics.COVERAGE, error=0.004)
    assert statistics.is_right(line) == right


def test_simulated_accidents_lose_nothing() -> None:
    """The measurement itself fails where a run is lost, or recorded twice."""
    printed = measured("simulate", "--runs=1500", "--nodes=12")
    assert "runs lost 0, recorded twice 0, claims left behind 0" in printed
    deaths, preemptions, hangs = map(int, re.findall(r"(\d+) (?:death|preemption|hang)s", printed))
    assert min(deaths, preemptions, hangs) > 0


def test_kills_change_nothing(tmp_path: Path) -> None:
    """Three of the kills that `launch.benchmark kill` makes by the hundred, of one sweep.

    A record that differs, or a damaged file that is not named, fails it.

    Who dies while it keeps a program leaves half of one behind, so the other tests keep theirs
    elsewhere.
    """
    printed = measured("kill", "--n=3", f"--cache_dir={tmp_path}", JAX_COMPILATION_CACHE_DIR="")
    together = re.search(r"^\| together \|.*$", printed, re.M)
    assert together is not None, printed
    kills, *_, sweeps, damaged, named, differ = (
        int(cell) for cell in together.group().split("|")[3:-1]
    )
    assert (kills, differ) == (3, 0)
    assert sweeps >= 1
    assert named == damaged >= 2 * sweeps


def test_samplers_are_paired(tmp_path: Path) -> None:
    """The mean of paired differences; values are printed with four digits, so it is off by at most
    2e-4."""
    printed = measured("samplers", "--tunings=2", "--trials=5", f"--cache_dir={tmp_path}")
    rows = re.findall(r"^\| (\d) \| ([\d.]+) \| ([\d.]+) \|$", printed, re.M)
    assert [seed for seed, *_ in rows] == ["0", "1"]
    mean = sum(float(tpe) - float(random) for _, tpe, random in rows) / 2
    said = re.search(
        r"^tpe − random: ([+-][\d.]+) ± [\d.]+ \(95 % t-interval of 2 paired", printed, re.M
    )
    assert said is not None, printed
    assert float(said[1]) == pytest.approx(mean, abs=2e-4)
