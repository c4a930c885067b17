"""Sweeps on a real Slurm: whatever happens to their jobs, the records are those of the same sweep
trained here."""

import contextlib
import dataclasses
import functools
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.slurm.cluster import said, wait_for
from tests.support import command_lines
from tests.support.command_lines import Started
from tests.support.records import stored_records

pytestmark = pytest.mark.slurm

PLUGIN = f"--plugin={Path(__file__).with_name('slow.py')}"
BASE = ["--dataset=digits", "--train_size=320", "--batch_size=64", "--checkpoint_every=5epochs"]
SLOW = [*BASE, PLUGIN, "--arch=slow", "--learning_rate=0.05"]
ON_SLURM = ["--executor=slurm", "--slurm.cpus=1"]
# Sweeps of which something happens to the jobs. A step of the slow ones takes 20 ms there, and none
# here.
LIMITED = [*SLOW, "--epochs=400", "--name=limited"]
DOWN = [*SLOW, "--epochs=80", "--grid=arch.width=4|5", "--name=down"]
CRASH = [*SLOW, "--epochs=5", "--grid=arch.crash=false|true", "--seeds=2", "--name=crash"]
NODES = [
    *BASE,
    "--arch.hidden=16",
    "--regularization=dropout=0.2,batch_norm",
    "--epochs=3",
    "--name=nodes",
]


@dataclasses.dataclass
class Cluster:
    """A Slurm, a folder for sweeps on it, and the processes that wait for these."""

    variables: dict[str, str]
    folder: Path

    def start(
        self, name: str, *arguments: str, program: str = "sweep", **environment: str
    ) -> Started:
        """A launcher in a folder of its own, with a cache for all."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        # Tasks die while they keep programs, and leave them cut short: not in the tests' own cache.
        own = {**self.variables, "JAX_COMPILATION_CACHE_DIR": "", **environment}
        line = [program, *arguments, f"--cache_dir={self.folder / 'cache'}"]
        return command_lines.start(line, place, **own)

    def here(self, name: str, *arguments: str, **environment: str) -> dict[str, Any]:
        """The records of a sweep that is trained in a process here."""
        ended(self.start(name, *arguments, **environment))
        return self.records(name)

    def records(self, name: str) -> dict[str, Any]:
        """Each run's record but for its provenance, by id."""
        stored = stored_records(self.folder / name)
        return {run_id: {**record, "provenance": None} for run_id, record in stored.items()}

    def files(self, name: str, pattern: str) -> list[Path]:
        return sorted((self.folder / name / "records").glob(pattern))

    def says(self, *words: str) -> str:
        return said(self.variables, *words)

    def log(self, name: str) -> str:
        """What the tasks of a sweep have said."""
        return "\n".join(
            path.read_text() for path in self.files(name, f"slurm/sweeps/{name}/logs/*.out")
        )


def ended(process: Started, code: int = 0) -> tuple[str, str]:
    """The output of a process, after it ended with that code."""
    result = process.wait()
    assert result.code == code, result.err
    return result.out, result.err


@pytest.fixture(scope="module")
def cluster(slurm: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return Cluster(slurm, tmp_path_factory.mktemp("sweeps"))


@pytest.fixture(scope="module")
def under_way(cluster: Cluster) -> Iterator[dict[str, Started]]:
    """The sweeps that mostly wait, all at once."""
    started = {
        "limited": cluster.start("limited", *LIMITED, *ON_SLURM, "--slurm.time=1", NAP="0.02"),
        "down": cluster.start("down", *DOWN, *ON_SLURM, NAP="0.02"),
        "crash": cluster.start("crash", *CRASH, *ON_SLURM, "--slurm.max_parallel=1"),
        "nodes": cluster.start("nodes", *NODES, *ON_SLURM, "--nodes=2"),
    }
    yield started
    for process in started.values():
        with contextlib.suppress(ProcessLookupError):  # it has ended
            process.send(signal.SIGKILL)


def trains(cluster: Cluster, name: str) -> Callable[[], bool]:
    """Whether a sweep has a checkpoint."""
    return lambda: bool(cluster.files(name, "checkpoints/*/[0-9]*"))


def test_a_node_that_goes_down_costs_nothing(
    cluster: Cluster, under_way: dict[str, Started]
) -> None:
    wait_for(trains(cluster, "down"), 90)
    nodes = cluster.says("squeue", "-h", "-n", "down", "-t", "running", "-o", "%N").split()
    cluster.says("scontrol", "update", f"nodename={nodes[0]}", "state=down", "reason=a test")
    wait_for(lambda: "NODE FAILURE" in cluster.log("down"), 30)  # it returns to service by itself
    ended(under_way["down"])
    assert cluster.records("down") == cluster.here("down here", *DOWN)


def test_a_program_that_kills_its_process_twice_has_failed_and_the_rest_goes_on(
    cluster: Cluster, under_way: dict[str, Started]
) -> None:
    _, err = ended(under_way["crash"], 4)
    records = cluster.records("crash").values()
    status = {(record["config"]["arch.crash"], record["status"]) for record in records}
    assert status == {("false", "finished"), ("true", "failed")}
    assert len(records) == 4
    (error,) = {record["error"] for record in records if record["error"]}
    assert "died of signal SIGSEGV" in error
    log = re.search(r"its log (\S+) ends with", error)
    assert log is not None
    assert Path(log[1]).is_file()
    assert "died of signal SIGSEGV" in err


def test_several_nodes_train_as_one_process_of_as_many_devices(
    cluster: Cluster, under_way: dict[str, Started]
) -> None:
    """Nodes add gradients in another order; 2e-4 is what float32 rounding makes of it over the
    epochs."""
    ended(under_way["nodes"])
    here = cluster.here("nodes here", *NODES, "--devices=2")
    assert cluster.records("nodes").keys() == here.keys()
    for run_id, record in cluster.records("nodes").items():
        for name, curve in record["curves"].items():
            np.testing.assert_allclose(
                curve, here[run_id]["curves"][name], rtol=2e-4, atol=1e-6, err_msg=name
            )
    (record,) = stored_records(cluster.folder / "nodes").values()
    assert record["provenance"]["replicas"] == 2


def test_jobs_go_on_alone_and_are_joined(cluster: Cluster) -> None:
    """Two packs of one program: the second task waits for the first one's first step. Then an arm
    is added."""
    sweep = [*SLOW, "--epochs=4000", "--seeds=64", "--name=left", *ON_SLURM]
    first = cluster.start("left", *sweep, "--slurm.max_parallel=2", NAP="0.001")
    jobs = ("squeue", "-h", "-n", "left", "-o", "%A %T %r")
    wait_for(lambda: "Dependency" in cluster.says(*jobs), 60)
    wait_for(lambda: cluster.says(*jobs).count("RUNNING") == 2, 60)
    first.send(signal.SIGINT)
    _, err = ended(first, 75)
    assert "go on in Slurm (python -m launch.sweep --name=left --cancel" in err
    second = cluster.start(
        "left", *sweep, "--slurm.max_parallel=3", "--grid=arch.width=8|9", NAP="0.001"
    )
    wait_for(lambda: len(cluster.says(*jobs).splitlines()) == 3, 60)
    second.send(signal.SIGTERM)
    _, err = ended(second, 75)
    assert "2 tasks are queued or running already" in err
    assert "1 task submitted" in err
    cluster.says("scancel", "-n", "left")


def test_an_edit_cancels_what_is_queued_and_not_wanted(cluster: Cluster) -> None:
    def waiting(count: int) -> bool:
        tasks = cluster.says("squeue", "-h", "-r", "-n", "edited", "-o", "%i")
        return len(tasks.split()) == count

    for widths, expected in (("4|5|6", 3), ("6|7", 2)):
        never = ["--slurm.extra=begin=now+1hour"]
        process = cluster.start(
            "edited", *SLOW, f"--grid=arch.width={widths}", "--name=edited", *ON_SLURM, *never
        )
        wait_for(functools.partial(waiting, expected), 60)
        process.send(signal.SIGTERM)
        _, err = ended(process, 75)
    assert "'edited' changes (arch.width: 4|5|6 -> 6|7)" in err
    assert "1 queued task is no longer needed and cancelled" in err
    out, _ = ended(cluster.start("edited", "--name=edited", "--cancel"))
    assert (
        out
        == "cancelled 1 job: "
        + cluster.files("edited", "slurm/sweeps/edited/jobs/*.json")[0].stem
        + "\n"
    )
    wait_for(lambda: waiting(0), 30)


def test_an_unknown_partition_is_said_in_slurms_own_words(cluster: Cluster) -> None:
    _, err = ended(cluster.start("bad", *SLOW, *ON_SLURM, "--slurm.partition=gpus"), 2)
    (line,) = err.splitlines()
    assert line.startswith("error: Slurm refuses such jobs: invalid partition specified: gpus")
    assert line.endswith("partitions here: main")
    assert not cluster.files("bad", "runs/*/*")


def test_a_directory_that_nodes_do_not_see_is_named(cluster: Cluster) -> None:
    """Here the nodes find another token in it: as if each had a directory of that name for
    itself."""
    process = cluster.start("own", *SLOW, "--name=own", *ON_SLURM, "--slurm.extra=begin=now+3")
    wait_for(lambda: bool(cluster.files("own", "slurm/sweeps/own/jobs/*.json")), 60)
    (token,) = cluster.files("own", "slurm/sweeps/own/token")
    token.write_text("another one")
    _, err = ended(process, 2)
    assert f"the nodes do not see {token.parent}" in err
    assert "name a directory that all nodes share with --records" in err


def test_a_time_limit_is_only_a_pause(cluster: Cluster, under_way: dict[str, Started]) -> None:
    ended(under_way["limited"])
    assert re.search(r"stopping because of (SIGUSR2|its time limit)", cluster.log("limited"))
    assert cluster.log("limited").count("task ") >= 2
    assert cluster.records("limited") == cluster.here("limited here", *LIMITED)


def test_sixty_runs_are_the_same_whatever_happens_to_their_jobs(cluster: Cluster) -> None:
    out, _ = ended(cluster.start("disturbed", "slurm", "--events=5", program="benchmark"))
    cells = [int(cell) for cell in out.splitlines()[-1].split("|")[1:-1]]
    assert sum(cells[:3]) == 5, out
    assert cells[-1] == 0, out
