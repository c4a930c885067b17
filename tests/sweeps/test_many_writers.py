"""Real processes on one records directory: 16 writers, a shared sweep, one killed, one stopped for
too long."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from research.sweeps.records.store import Store

ROOT = Path(__file__).parents[2]
RUNS = 24
LOST = 3  # claimant.py's exit code
WRITER = """
import sys
from pathlib import Path
from research.sweeps.records.record import Record
from research.sweeps.records.store import Store
store, writer = Store(Path(sys.argv[1])), int(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    store.write(Record(f"{number:016x}", "finished", {"seed": str(number)}, {"loss": number / 3}))
    store.write(Record(f"{writer + 1:08x}{number:08x}", "finished", {"seed": str(number)}, {"loss": number / 3}))
"""


def start(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def go(*processes: "subprocess.Popen[str]") -> None:
    """Lets processes begin together, once all are there."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        print(file=process.stdin)


def claimant(root: Path, *more: str) -> "subprocess.Popen[str]":
    return start("-m", "tests.sweeps.claimant", str(root), str(RUNS), *more)


def trained(process: "subprocess.Popen[str]") -> list[str]:
    """The runs that a process trained, once it has ended."""
    out, _ = process.communicate(timeout=60)
    return [line.split()[1] for line in out.splitlines()]


def first(process: "subprocess.Popen[str]") -> str:
    """The run that a process has just begun to train."""
    assert process.stdout is not None
    return process.stdout.readline().split()[1]


def by(root: Path) -> dict[str, str]:
    """Who wrote each record."""
    store = Store(root)
    found, messages = store.find(store.ids())
    assert not messages
    assert len(found) == RUNS
    return {run_id: record.provenance["by"] for run_id, record in found.items()}


def left_behind(root: Path) -> list[Path]:
    return [path for path in (root / "claims").rglob("*") if path.is_file()]


def test_sixteen_writers_lose_nothing(tmp_path: Path) -> None:
    writers = [start("-c", WRITER, str(tmp_path), str(number)) for number in range(16)]
    go(*writers)
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    store = Store(tmp_path)
    ids = list(store.ids())
    assert len(ids) == len(set(ids)) == 20 + 16 * 20
    found, messages = store.find(ids)
    assert not messages
    assert {(int(run_id[8:], 16), record.metrics["loss"]) for run_id, record in found.items()} == {
        (number, number / 3) for number in range(20)
    }
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(path.stem for path in files) == ids  # and no temporary file


def test_two_processes_split_a_sweep(tmp_path: Path) -> None:
    pair = [claimant(tmp_path, f"--name={name}") for name in "ab"]
    go(*pair)
    work = [trained(process) for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert Counter(work[0] + work[1]) == Counter(f"{number:016x}" for number in range(RUNS))
    assert all(work)
    assert by(tmp_path) == {
        run_id: name for name, runs in zip("ab", work, strict=True) for run_id in runs
    }
    assert not left_behind(tmp_path)


@pytest.mark.parametrize(
    "where",
    [["--timeout=60"], ["--timeout=1", "--elsewhere"]],
    ids=["on this machine at once", "elsewhere by silence"],
)
def test_a_killed_one_is_taken_over(tmp_path: Path, where: list[str]) -> None:
    victim = claimant(tmp_path, "--name=victim", "--seconds=30", *where)
    go(victim)
    run_id = first(victim)
    survivor = claimant(tmp_path, "--name=survivor", *where)
    go(survivor)
    begun = [first(survivor)]
    victim.kill()  # and not waited for: a zombie is as dead
    work = begun + trained(survivor)
    assert survivor.returncode == 0
    assert Counter(work) == Counter(f"{number:016x}" for number in range(RUNS))
    assert by(tmp_path)[run_id] == "survivor"
    assert not left_behind(tmp_path)
    victim.communicate()


def test_a_stopped_one_wakes_and_does_not_write(tmp_path: Path) -> None:
    options = ["--timeout=1", "--elsewhere"]
    sleeper = claimant(tmp_path, "--name=sleeper", "--seconds=1", *options)
    go(sleeper)
    run_id = first(sleeper)
    sleeper.send_signal(signal.SIGSTOP)
    other = claimant(tmp_path, "--name=other", *options)
    go(other)
    assert run_id in trained(other)
    assert other.returncode == 0
    before = by(tmp_path)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert set(before.values()) == {"other"}
    sleeper.send_signal(signal.SIGCONT)
    assert trained(sleeper) == []
    assert sleeper.returncode == LOST
    assert by(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")} == written
    assert not left_behind(tmp_path)
